"""Open a page as a reader would, on a wide screen, in the dark and on a phone, and gather what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from browser import violations

RULES = (Path(__file__).parent / "page_rules.js").read_text(encoding="utf-8")
READY = "() => document.fonts.ready"
PAPER = 690  # CSS pixels between margins of 14 mm on A4

# What others do wrong and we cannot reach: the rule, and a mark of the only elements that may break it.
ALLOWED = {
    (
        "label-content-name-mismatch",
        "theme-switch-button",
    ),  # the colour-mode button holds the titles of its three icons
    ("label-content-name-mismatch", "search-button-field"),  # the search button shows its shortcut
    ("region", "sidebar-primary-item"),  # the theme puts the logo outside every landmark
    ("aria-allowed-role", 'role="doc-biblioentry"'),  # docutils marks a bibliography's entries so,
    ("aria-required-children", 'class="citation-list"'),  # and the list that holds them
    ("aria-deprecated-role", 'role="doc-biblioentry"'),  # a role since withdrawn, read as plain text
}


@dataclass
class Findings:
    """Faults of one page, by rule, and what links need to be checked."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)

    def add(self, rule: str, found: list[str]) -> None:
        """Note the faults found for a rule."""
        self.faults.setdefault(rule, []).extend(found)


@contextmanager
def visit(browser: Browser, address: str, findings: Findings, *, width: int = 1280) -> Iterator[Page]:
    """Open `address`, with every other host barred and the console listened to, once its formulas are typeset."""
    context = browser.contexts[0] if browser.contexts else browser.new_context()
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})

    def guard(route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("file", "data", "blob") or parts.hostname == "127.0.0.1":
            route.continue_()
        else:
            findings.add("requests", [f"asks {parts.hostname} for {parts.path}"])
            route.abort()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            findings.add("console", [f"{message.type}: {message.text}"])

    page.route("**/*", guard)
    page.on("console", heard)
    page.on("pageerror", lambda error: findings.add("console", [f"page error: {error}"]))
    try:
        page.goto(address, wait_until="load")
        page.evaluate(READY)
        page.evaluate(RULES)
        yield page
    finally:
        page.close()


def rule(page: Page, name: str) -> list[str]:
    """The faults that one rule of ``page_rules.js`` finds."""
    return list(page.evaluate(f"() => pageRules.{name}()"))


def accessibility(page: Page, only: list[str] | None = None) -> list[str]:
    """What axe-core finds, less what `ALLOWED` excuses."""
    found = violations(page, only)
    return [f"{name}: {tag}" for name, tags in found.items() for tag in tags if not _allowed(name, tag)]


def _allowed(name: str, tag: str) -> bool:
    return any(name == excused and mark in tag for excused, mark in ALLOWED)


def set_theme(page: Page, theme: str) -> None:
    """Choose light or dark as the theme's own button does, without waiting for colours to fade over."""
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate(
        "theme => { document.documentElement.dataset.mode = document.documentElement.dataset.theme = theme; }", theme
    )


def audited(browser: Browser, from_file: str, from_server: str) -> Findings:
    """Everything about one page: wide and dark from the file, narrow from the server, and printed."""
    findings = Findings()
    with visit(browser, from_file, findings) as page:
        set_theme(page, "light")
        for name in ("formulas", "figures", "folds", "clipped"):
            findings.add(name, rule(page, name))
        findings.add("ids", rule(page, "ids"))
        findings.links, findings.anchors = rule(page, "links"), rule(page, "anchors")
        findings.folded = rule(page, "folded_equations")
        heard = list(findings.faults.get("console", []))
        findings.add("axe", accessibility(page))
        findings.faults["console"] = heard
        set_theme(page, "dark")
        findings.add("dark", accessibility(page, ["color-contrast"]))
        page.emulate_media(media="print")
        page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        page.set_viewport_size({"width": PAPER, "height": 900})
        findings.add("print", rule(page, "printed") + rule(page, "cut"))
    with visit(browser, from_server, findings, width=390) as page:
        findings.add("narrow", rule(page, "overflow") + rule(page, "clipped") + rule(page, "sliders"))
    return findings
