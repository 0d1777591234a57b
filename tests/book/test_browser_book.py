"""The built book in a browser: every page, wide, dark, on a phone and on paper. Run `make book` first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from audit import Findings, audited, visit
from browser import HTML, built_pages, chromium, served

RULES = ["requests", "console", "formulas", "figures", "ids", "folds", "clipped", "axe", "print", "dark", "narrow"]
ON_SCREEN = "e => { const r = e.getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.top < innerHeight; }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def findings(browser: Browser) -> dict[Path, Findings]:
    """What is wrong with each page of the book."""
    with served(HTML) as server:
        return {
            page: audited(browser, page.as_uri(), f"{server}/{page.relative_to(HTML).as_posix()}")
            for page in built_pages()
        }


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_every_page_keeps_the_rule(findings: dict[Path, Findings], rule: str) -> None:
    faults = {page.relative_to(HTML).as_posix(): found.faults.get(rule, []) for page, found in findings.items()}
    assert {page: found for page, found in faults.items() if found} == {}


def test_every_link_within_the_book_leads_somewhere(findings: dict[Path, Findings]) -> None:
    assert broken_links(findings) == []


def broken_links(findings: dict[Path, Findings]) -> list[str]:
    """Links from one page of the book to a file or a place that is not there."""
    broken = []
    for page, found in findings.items():
        for link in found.links:
            parts = urlsplit(link)
            target = Path(unquote(parts.path))
            place = unquote(parts.fragment)
            known = findings[target].anchors if target in findings else None
            if parts.scheme == "file" and (not target.exists() or (place and known is not None and place not in known)):
                broken.append(f"{page.name}: {target.name}#{place}")
    return broken


def test_a_link_to_an_equation_in_a_folded_proof_opens_it(browser: Browser, findings: dict[Path, Findings]) -> None:
    folded = [(page, found.folded[0]) for page, found in findings.items() if found.folded]
    assert folded, "no page has an equation in a folded proof: the check has nothing to check"
    for address, place in folded:
        with visit(browser, f"{address.as_uri()}#{place}", Findings()) as page:
            equation = page.locator(f"[id='{place}']")
            page.wait_for_timeout(200)
            assert equation.evaluate("e => !e.closest('details:not([open]), .toggle-hidden')"), place
            assert equation.evaluate(ON_SCREEN), place


def test_the_fold_check_can_fail(browser: Browser, tmp_path: Path) -> None:
    trap = tmp_path / "trap.html"
    trap.write_text("<!doctype html><title>t</title><div style='display:none' id='x'>$$a$$</div>", encoding="utf-8")
    with visit(browser, f"{trap.as_uri()}#x", Findings()) as page:
        assert not page.locator("#x").evaluate(ON_SCREEN)


IN_SIGHT = """heading => [...document.querySelectorAll("article .emlib-scroll th")]
  .filter(e => e.textContent === heading && !e.closest("details:not([open])"))
  .map(e => e.getBoundingClientRect().right <= e.closest(".emlib-scroll").getBoundingClientRect().right)"""


@pytest.mark.parametrize(("width", "heading"), [
    (1280, "peer / default"), (1280, "default / quickest"), (1280, "worst: ms"), (390, "peer / default"),
    (390, "default / quickest"), (390, "times as long")])  # fmt: skip
def test_the_column_that_decides_is_in_sight(browser: Browser, width: int, heading: str) -> None:
    with visit(browser, (HTML / "chapters" / "performance.html").as_uri(), Findings(), width=width) as page:
        assert page.evaluate(IN_SIGHT, heading).count(True) >= 1
        page.add_style_tag(content="td:first-child { min-width: 1200px !important; }")
        assert not any(page.evaluate(IN_SIGHT, heading)), "a column beside the screen is not noticed"


def rows(page: Page) -> list[str]:
    """The names of the ledger's visible rows, in their order."""
    return [row.inner_text() for row in page.locator("table.emlib-ledger tbody tr:visible td:first-child").all()]


LEDGER = (HTML / "reference" / "ledger.html").as_uri()


def test_the_ledger_sorts(browser: Browser) -> None:
    with visit(browser, LEDGER, Findings()) as page:
        start = rows(page)
        heading = page.locator("table.emlib-ledger th").first
        heading.get_by_role("button").click()
        rising = rows(page)
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        assert rows(page) == rising[::-1]
        assert sorted(rising) == sorted(start)


def test_the_ledger_filters_from_a_file_on_a_phone_and_keeps_what_was_chosen_in_its_address(browser: Browser) -> None:
    findings = Findings()
    with visit(browser, LEDGER, findings, width=390) as page:
        start = rows(page)
        assert len(start) > 10
        for name, group in (("false", "verdict"), ("5", "chapter")):
            button = page.get_by_role("button", name=re.compile(rf"^{name} \d+$"))
            button.click()
            found = page.locator("table.emlib-ledger tbody tr:visible")
            assert found.count() == int(button.inner_text().split()[1])
            assert page.locator(f"table.emlib-ledger tbody tr.emlib-{group}-{name}:visible").count() == found.count()
            page.get_by_role("group", name=group.capitalize()).get_by_role("button", name="all").click()
        page.get_by_role("button", name=re.compile(r"^false \d+$")).click()
        page.get_by_role("button", name=re.compile(r"^5 \d+$")).click()
        both = rows(page)
        page.reload()
        assert rows(page) == both
        page.go_back()
        assert len(rows(page)) > len(both)
        page.goto(f"{LEDGER}#rows")
        page.get_by_label("Paper or thread").select_option(index=1)
        assert 0 < len(rows(page)) < len(start)
        page.goto(f"{LEDGER}#rows")
        page.get_by_label("Filter rows").fill(start[0])
        assert 0 < len(rows(page)) < len(start)
        page.get_by_label("Filter rows").fill("no row says this")
        assert rows(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        page.goto(f"{LEDGER}#row-s096")
        page.reload()
        assert page.locator("#row-s096").is_visible()
        assert len(rows(page)) == len(start)
    assert findings.faults.get("console", []) == []


def test_each_row_of_the_ledger_leads_to_its_cell_and_its_source(browser: Browser) -> None:
    with visit(browser, (HTML / "reference" / "ledger.html").as_uri(), Findings()) as page:
        for row in page.locator("table.emlib-ledger tbody tr").all():
            targets = [link.get_attribute("href") or "" for link in row.locator("a").all()]
            assert any("chapters/" in target and "#" in target for target in targets), row.inner_text()
            assert any("bibliography" in target or target.startswith("http") for target in targets), row.inner_text()


@pytest.mark.parametrize("over", ["http", "file"])
def test_search_finds_pages(browser: Browser, over: str) -> None:
    findings = Findings()
    with served(HTML) as server:
        root = server if over == "http" else HTML.as_uri()
        with visit(browser, f"{root}/search.html?q=theorem", findings) as page:
            page.wait_for_selector("#search-results li a")
            assert page.locator("#search-results li a").count() > 0
            page.wait_for_load_state("networkidle")
            assert "\\" not in page.locator("#search-results").inner_text()  # no LaTeX
    if over == "http":  # from a file the browser bars the excerpts, and says so; the titles stand
        assert findings.faults.get("console", []) == []
    assert findings.faults.get("requests", []) == []
