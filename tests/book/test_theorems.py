"""What the statements rest on: the files agree with the pages and the claims, and spoilt ones are refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embook.ledger.registry import Row
from embook.theorems.check import compare, faults
from embook.theorems.entries import Assumption, Entry, Theorems, load
from embook.theorems.statements import Statement, cited, statements
from setup_env import ROOT

STATED = [
    Statement("def:a", "definition", "A", "chapters/01_one", "$$ x = 1 $$ (eq:a)"),
    Statement("thm:b", "theorem", "B", "chapters/01_one", "Let it be.", "By {eq}`eq:a`."),
    Statement("thm:c", "theorem", "C", "chapters/02_two", "As {prf:ref}`thm:b`.", "See {prf:ref}`that one <thm:b>`."),
]
SOUND = Theorems(
    {
        "def:a": Entry("01_one", "A is one."),
        "thm:b": Entry("01_one", "B follows.", ("smooth",), ("def:a",), ("S001",)),
        "thm:c": Entry("02_two", "C follows.", (), ("thm:b",)),
    },
    {"smooth": Assumption("smooth", "It is smooth.")},
    {"Measured.": ("S002",)},
)


def row(name: str, kind: str = "theorem") -> Row:
    """Return a registered claim."""
    return Row(name, 1, "It is so.", {"key": "somebody", "place": "page 1"}, kind, "holds", "It is computed.")


ROWS = [row("S001"), row("S002"), row("S003", "number")]


def with_entry(label: str, **fields: object) -> Theorems:
    """Return the sound files with one entry changed."""
    return replace(SOUND, entries={**SOUND.entries, label: replace(SOUND.entries[label], **fields)})


def test_the_book_says_of_every_statement_what_it_rests_on() -> None:
    assert faults(ROOT) == []
    found = statements(ROOT)
    assert len(found) > 50
    assert [one.label for one in found if one.kind != "definition" and not one.proof] == []
    assert max(len(labels) for labels in cited(found).values()) >= 3


def test_sound_files_have_no_fault() -> None:
    assert compare(SOUND, STATED, ROWS) == []


@pytest.mark.parametrize(("spoilt", "fault"), [
    (replace(SOUND, entries={name: one for name, one in SOUND.entries.items() if name != "thm:c"}),
     "thm:c is stated in 02_two and has no entry: add it to theorems/02_two.yml"),
    (replace(SOUND, entries={**SOUND.entries, "thm:gone": Entry("01_one", "It is gone.")}),
     "thm:gone has an entry and no page states it"),
    (with_entry("thm:c", file="01_one"), "has its entry in theorems/01_one.yml: move it to 02_two.yml"),
    (with_entry("thm:b", needs=("smoth",)), "thm:b: needs names smoth, which is not in theorems/assumptions.yml"),
    (with_entry("thm:b", needs=()), "assumptions.yml: no statement needs smooth: remove it"),
    (with_entry("thm:b", claims=("S001", "S009")), "thm:b: claims names S009, which is not in claims/"),
    (with_entry("thm:b", uses=()), "thm:b: statement or proof cites def:a: add it to uses"),
    (with_entry("thm:c", uses=()), "thm:c: statement or proof cites thm:b: add it to uses"),
    (with_entry("thm:c", uses=("thm:b", "thm:x")), "thm:c: uses names thm:x, which is not in theorems/"),
    (with_entry("thm:b", claims=()), "claim S001, of kind theorem, rests on no statement"),
    (replace(SOUND, without={"Measured.": ("S001", "S002")}), "claim S001 rests on a statement and is listed without"),
    (replace(SOUND, without={"Measured.": ("S002", "S009")}), "without_a_statement.yml names claim S009"),
    (with_entry("def:a", uses=("thm:c",)), "uses goes round in a circle: "),
])  # fmt: skip
def test_a_spoilt_file_is_refused_by_name(spoilt: Theorems, fault: str) -> None:
    found = compare(spoilt, STATED, ROWS)
    assert [line for line in found if fault in line], found


def test_a_circle_is_told_in_the_order_of_use() -> None:
    (fault,) = compare(with_entry("def:a", uses=("thm:c",)), STATED, ROWS)
    assert "thm:b uses def:a" in fault
    assert "thm:c uses thm:b" in fault


PAGE = """\
# One

:::{prf:theorem} First, with $x$
:label: thm:first

$$ x = 1 $$ (eq:first)
:::

::::{dropdown} Proof of the first
:::{prf:proof}
Plain.
:::
::::

```{prf:lemma} Second
:label: thm:second

Words.
```

::::{dropdown} Proof without a box
By {eq}`eq:first`, and {eq}`eq:elsewhere`.
::::

```{prf:proof}
Of something else, by {prf:ref}`thm:nowhere`.
```
"""


def test_statements_are_read_with_their_proofs_and_what_these_cite(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: one\n")
    (tmp_path / "one.md").write_text(PAGE)
    first, second = statements(tmp_path)
    assert (first.label, first.kind, first.title, first.page) == ("thm:first", "theorem", "First, with $x$", "one")
    assert "Plain." in first.proof
    assert (second.kind, second.proof) == ("lemma", "By {eq}`eq:first`, and {eq}`eq:elsewhere`.")
    assert cited([first, second]) == {"thm:first": set(), "thm:second": {"thm:first"}}


@pytest.mark.parametrize(("name", "text", "fault"), [
    ("01_one", "thm:b: {needs: [smooth]}", "theorems/01_one.yml: thm:b: give the text says"),
    ("01_one", "thm:b: {says: B., nedes: [smooth]}", "theorems/01_one.yml: thm:b: give the text says"),
    ("01_one", "thm:b: {says: B., needs: smooth}", "theorems/01_one.yml: thm:b: give the text says"),
    ("assumptions", "smooth: {name: smooth}", "theorems/assumptions.yml: smooth: give the texts name and says"),
    ("without_a_statement", "- {reason: none}", "theorems/without_a_statement.yml: item 1: give the text reason"),
])  # fmt: skip
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / "theorems").mkdir()
    (tmp_path / "theorems" / f"{name}.yml").write_text(text)
    found, told = load(tmp_path)
    assert (found, len(told)) == (Theorems(), 1)
    assert told[0].startswith(fault)


def test_an_entry_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theorems").mkdir()
    for name in ("01_one", "02_two"):
        (tmp_path / "theorems" / f"{name}.yml").write_text("thm:b: {says: B.}")
    assert load(tmp_path)[1] == ["theorems/02_two.yml: thm:b: has an entry in 01_one.yml already; remove one"]


def test_a_book_without_the_folder_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == []
