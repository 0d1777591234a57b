"""The build: a sound book passes with warnings as errors, a spoilt one does not, and the page links both ways."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embook.pages.settled import numbers_once
from ledger_book import PROSE, make, record


def build(folder: Path) -> tuple[int, str]:
    """Build a book with warnings as errors; return the exit status and what was printed."""
    script = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run(
        [script, "build", str(folder), "-W", "-n", "--keep-going", "--all"],
        capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_sound_book_builds_and_links_each_row(tmp_path: Path) -> None:
    make(tmp_path, prose=PROSE + "\nSee {claim}`AB99-T1`. Of {claim-count}`all` rows {claim-count}`false` are false.\n")
    status, printed = build(tmp_path)
    assert status == 0, printed
    html = tmp_path / "_build" / "html"
    page = (html / "reference" / "ledger.html").read_text(encoding="utf-8")
    assert 'href="../chapters/01_one.html#claim-ab99-t1"' in page
    assert 'href="../chapters/01_one.html#claim-s001"' in page
    chapter = (html / "chapters" / "01_one.html").read_text(encoding="utf-8")
    assert 'id="claim-s001"' in chapter
    chip = re.search(r'<a class="[^"]*emlib-chip emlib-holds[^"]*" href="[^"]*" title="([^"]*)">(.*?)</a>', chapter)
    assert chip
    assert "Verdict: holds. Measured: 0.1327787." in chip[1]
    assert re.sub("<[^>]*>", "", chip[2]) == "AB99-T1 holds ✓"
    assert "Of 3 rows 0 are false." in chapter
    assert re.search(r'href="bibliography.html#[^"]+"', page)
    assert "thebe" not in page
    assert len(json.loads((html / "ledger.json").read_text())["claims"]) == 3


def test_disagreement_and_unknown_link_fail_the_build(tmp_path: Path) -> None:
    make(tmp_path, records=[record(measured=0.5)], prose=PROSE + "\nSee {claim}`XY00`. {claim-count}`wrong`\n")
    status, printed = build(tmp_path)
    assert status != 0
    assert "AB99-T1 measured 0.5, expected 0.132778" in printed
    assert "claim XY00 is linked but not registered" in printed
    assert "claim-count is 'wrong': use one of all, false, " in printed


def test_an_unsettled_claim_fails_the_build_by_its_fault_and_heads_the_page(tmp_path: Path) -> None:
    make(tmp_path, records=[record(propositions={})], prose=PROSE)
    status, printed = build(tmp_path)
    assert status != 0
    assert "AB99-T1 computes []" in printed
    page = (tmp_path / "_build" / "html" / "reference" / "ledger.html").read_text(encoding="utf-8")
    assert re.search(r"3 rows: 1 (unsettled|not run), ", page)



def test_a_page_with_cards_of_its_own_shows_none_in_the_flow(tmp_path: Path) -> None:
    make(tmp_path, prose=PROSE + "\n## Claims settled here\n\n```{claims-settled}\n```\n\n## End\n\nThe end.")
    status, printed = build(tmp_path)
    assert status == 0, printed
    chapter = (tmp_path / "_build" / "html" / "chapters" / "01_one.html").read_text(encoding="utf-8")
    assert 'class="emlib-claim' not in chapter
    assert re.findall(r'<details class="emlib-card emlib-(\w+)" id="([\w-]+)">', chapter) == [
        ("holds", "claim-ab99-t1"), ("answered", "card-s001"), ("reference", "card-s002")]
    settled = chapter.partition("Claims settled here")[2].partition("The end.")[0]
    card = re.sub("<[^>]*>", "", settled.partition("</details>")[0])
    for words in ("The rate is 0.132778.", "measured: 0.1327787", "expected: 0.132778", "judged by: truncated",
                  "why: It is computed.", "source: Somebody", ", Table 1"):
        assert words in card
    assert "computed:" not in card
    assert 'href="#claim-s001"' in settled


@pytest.mark.parametrize(("expected", "measured", "lines"), [
    ("0.90", 0.9, ["measured, as expected: 0.90", "judged by: rounded"]),
    ({"a": "1.0", "b": [2, "x"]}, {"b": [2, "x"], "a": 1},
     ["measured, as expected: b = [2, x]; a = 1.0", "judged by: rounded"]),
    ("0.90", 0.901, ["expected: 0.90", "measured: 0.901", "judged by: rounded"]),
    ([1, 2], [1], ["expected: [1, 2]", "measured: [1]", "judged by: rounded"]),
    (None, 3, ["measured: 3", "judged by: rounded"]),
])
def test_a_card_says_numbers_once_that_are_the_same(expected: Any, measured: Any, lines: list[str]) -> None:
    assert numbers_once({"expected": expected, "measured": measured, "tolerance": {"policy": "rounded"}}) == lines


def test_cards_on_a_page_that_settles_nothing_are_a_fault(tmp_path: Path) -> None:
    make(tmp_path)
    index = tmp_path / "index.md"
    index.write_text(index.read_text(encoding="utf-8") + "\n```{claims-settled}\n```\n", encoding="utf-8")
    status, printed = build(tmp_path)
    assert status != 0
    assert "this page settles no claim" in printed
