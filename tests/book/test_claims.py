"""Claims: what a cell shows and stores, how it is judged, and how a run with other parameters says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embook
from embook import context, tables
from embook.ledger import card as claims
from embook.ledger.registry import load
from embook.ledger.schema import faults_of
from embook.ledger.sources import cited
from embook.ledger.verdicts import agrees, rule
from ledger_book import make, record, rows


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect what claims display instead of displaying it."""
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr(claims, "show", bundles.append)
    return bundles


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a sound book and stand in it."""
    make(tmp_path)
    monkeypatch.chdir(tmp_path / "chapters")
    return tmp_path


RULES = [
    ({"as_stated": True}, "holds"),
    ({"as_stated": True, "corrected": True}, "holds"),
    ({"as_stated": False, "corrected": True}, "imprecise"),
    ({"as_stated": False}, "false"),
    ({"when": True, "unless": False}, "conditional"),
    ({"as_stated": False, "corrected": False}, "unsettled"),
    ({"when": True, "unless": True}, "unsettled"),
    ({"when": False, "unless": False}, "unsettled"),
    ({"when": True}, "unsettled"),
    ({"corrected": True}, "unsettled"),
    ({}, "unsettled"),
]


@pytest.mark.parametrize(("propositions", "verdict"), RULES)
def test_verdict_follows_from_propositions(propositions: dict[str, bool], verdict: str) -> None:
    assert rule(propositions) == verdict


POLICIES: list[tuple[str, dict[str, float], Any, Any, Any]] = [
    ("rounded", {}, "0.1328", 0.13275, 0.132851),
    ("rounded", {}, ["1.0", "2.0"], [1.04, 1.96], [1.04]),
    ("rounded", {}, {"a": "1.0"}, {"a": 0.95, "b": 7}, {"b": 1.0}),
    ("rounded", {}, "435.320", 435.3204, 435.318),
    ("truncated", {}, "0.132778", 0.13277873, 0.132779),
    ("truncated", {}, "-0.25", -0.2599, -0.2499),
    ("last-digit", {"units": 1}, "0.626821395", 0.626821394, 0.626821393),
    ("range", {}, [0.0, 1.0], 1.0, 1.001),
    ("range", {}, {"a": [0.0, 1.0]}, {"a": 0.5}, {"a": 2.0}),
    ("range", {}, [[0.0, 1.0], [2, 3]], [0.5, 2], [0.5, 4]),
    ("identity", {"below": 1e-12}, None, "< 1e-12", 1e-11),
    ("identity", {"below": 1e-12}, None, {"a": "< 1e-12", "b": 0.0}, {"a": "< 1e-12", "b": 0.38}),
    ("monte-carlo", {"error": 0.01}, 0.5, 0.529, 0.531),
    ("monte-carlo", {"error": 0.01, "sigmas": 1.0}, 0.5, 0.51, 0.529),
    ("ordering", {"above": 1.0}, None, {"low": 1.1, "high": 2.0}, {"low": 0.9, "high": 2.0}),
    ("ordering", {"below": 1.0}, None, {"low": 0.1, "high": 0.9}, {"low": 0.1, "high": 1.9}),
    ("ordering", {"above": 1.0}, None, {"low": 1.1, "high": 2.0}, {"low": 1.1}),
    ("exact", {}, 3, 3, 4),
    ("exact", {}, True, True, 1),
    ("exact", {}, ["a", 2], ["a", 2], ["a", "2"]),
    ("identity", {"below": 1e-12}, None, 0.0, {}),
    ("range", {}, [0.0, 1.0], 0.5, True),
    ("rounded", {}, "1.0", 1.0, "infinity"),
]


@pytest.mark.parametrize(("policy", "limits", "expected", "good", "bad"), POLICIES)
def test_policy_accepts_and_refuses(policy: str, limits: dict[str, float], expected: Any, good: Any, bad: Any) -> None:
    assert agrees(policy, limits, expected, good)
    assert not agrees(policy, limits, expected, bad)


def test_claim_leaves_three_faces_and_the_rounded_value(book: Path, shown: list[dict[str, Any]]) -> None:
    embook.claim("AB99-T1", np.float64(0.13277873374559881), as_stated=np.bool_(True))  # type: ignore[arg-type]
    assert shown[0][context.MIME] == record(measured=0.13277873)
    assert 'id="claim-ab99-t1"' in shown[0]["text/html"]
    assert shown[0]["text/plain"].startswith("[AB99-T1] holds: The rate is 0.132778.")


def test_claim_says_when_the_number_disagrees(book: Path, shown: list[dict[str, Any]]) -> None:
    embook.claim("AB99-T1", 0.1327, as_stated=True)
    assert shown[0]["text/plain"].startswith("[AB99-T1] holds, but the number disagrees: The rate is 0.132778.")


def test_a_row_of_a_stored_study_says_so(book: Path, shown: list[dict[str, Any]]) -> None:
    embook.claim("AB99-T1", 0.132778, as_stated=True)
    make(book, [{**rows()[0], "profile": "stored"}])
    embook.claim("AB99-T1", 0.132778, as_stated=True)
    assert ["stored study" in bundle["text/plain"] for bundle in shown] == [False, True]


def test_a_card_says_how_far_the_verdict_goes(book: Path, shown: list[dict[str, Any]]) -> None:
    scope = {"reading": "from every start", "population": "the models of the package", "limits": "constraints"}
    make(book, [{**rows()[0], **scope, "source": {**rows()[0]["source"], "quoted_by": "somebody1900"}}])
    embook.claim("AB99-T1", 0.132778, as_stated=True)
    text = shown[0]["text/plain"]
    assert "read as: from every start\ntaken over: the models of the package\nlimits: constraints\n" in text
    assert text.endswith("source: Somebody 1900, Table 1, as quoted by Somebody 1900")


def test_rounding_noise_is_stored_as_a_bound(book: Path, shown: list[dict[str, Any]]) -> None:
    identity = {**rows()[0], "tolerance": {"policy": "identity", "below": 1.0e-10}}
    make(book, [identity])
    embook.claim("AB99-T1", {"a": 3.1e-16, "b": [2e-11, 0.38], "c": "word"}, as_stated=True)
    assert shown[0][context.MIME]["measured"] == {"a": "< 1e-10", "b": ["< 1e-10", 0.38], "c": "word"}


@pytest.mark.parametrize("measured", [None, float("nan"), float("inf"), "a word", {"x": object}, [1, None]])
def test_claim_never_raises(book: Path, shown: list[dict[str, Any]], measured: Any) -> None:
    embook.claim("AB99-T1", measured)
    embook.claim("not registered", measured)
    assert "not registered" in shown[1]["text/html"]


def test_unregistered_name_is_escaped(book: Path, shown: list[dict[str, Any]]) -> None:
    embook.claim('"><script>', 1.0)
    assert "<script>" not in shown[0]["text/html"]


def test_other_parameters_are_shown_beside_the_books_run(
    book: Path, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_names", lambda: {"n": 5, "spread": 2.0, "other": 1})
    embook.claim("AB99-T1", 0.9, as_stated=False)
    assert shown[0][context.MIME]["parameters"] == {"n": 5}
    assert "measured 0.9; the book's run: 0.1327787" in shown[0]["text/plain"]
    monkeypatch.setattr(claims, "_names", lambda: {"n": 3, "spread": 2.0})
    embook.claim("AB99-T1", 0.9, as_stated=False)
    assert shown[1][context.MIME]["parameters"] == "default"
    assert "the book's run" not in shown[1]["text/plain"]


def test_unreadable_chapter_does_not_stop_a_reader(book: Path, shown: list[dict[str, Any]]) -> None:
    (book / "chapters" / "01_one.ipynb").write_text("{ not a notebook")
    embook.claim("AB99-T1", 0.1, as_stated=True)
    assert shown[0][context.MIME]["parameters"] == "default"


def test_book_is_found_upwards_and_by_name(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert context.book_folder() == book.resolve()
    monkeypatch.setenv("EMLIB_BOOK", str(tmp_path / "elsewhere"))
    assert context.book_folder() == tmp_path / "elsewhere"


def test_parameters_are_literals_only(book: Path) -> None:
    source = "n: int = 3  # draws\nrate = -0.5\nname: str = 'a'\nxs = [1, 2]\nwidth = n * 2\nbare: int"
    assert dict(context.literals(source)) == {"n": 3, "rate": -0.5, "name": "a", "xs": [1, 2]}


SPOILT: list[tuple[dict[str, Any], str]] = [
    ({"chapter": "1"}, "chapter is '1', a str"),
    ({"chapter": 1.0}, "chapter is 1.0, a float"),
    ({"source": "a book"}, "source is 'a book': give the texts key and place"),
    ({"tolerance": {"below": 1.0}}, "tolerance policy is missing: add it"),
    ({"tolerance": 3}, "tolerance is 3, a int"),
    ({"chapter": True}, "chapter is True, a bool"),
    ({"verdict": False}, "verdict is False, a bool: quote text"),
    ({"statement": None}, "statement is None"),
    ({"colour": "red"}, "colour is no field of a row"),
    ({"id": "ab 1"}, "id must be letters, digits and single hyphens"),
    ({"kind": "guess"}, "kind 'guess' is unknown"),
    ({"verdict": "maybe"}, "verdict 'maybe' is unknown"),
    ({"source": {"key": "a"}}, "give the texts key and place"),
    ({"source": {"key": "a", "place": "b", "from": "c"}}, "give the texts key and place, and quoted_by"),
    ({"statement": "EM is often fast."}, "the statement says 'often' without population"),
    ({"population": 60}, "population is 60, a int"),
    ({"profile": "fast"}, "profile 'fast' is unknown"),
    ({"tolerance": "loose"}, "tolerance 'loose' is unknown"),
    ({"tolerance": "identity"}, "it takes ['below']"),
    ({"tolerance": {"policy": "identity", "below": "5e-7"}}, "below is '5e-7': write a number like 5.0e-7"),
    ({"tolerance": {"policy": "monte-carlo", "error": 0.1}, "expected": "5e-7"}, "expected '5e-7' is no number"),
    ({"tolerance": {"policy": "ordering"}}, "has no bound"),
    ({"tolerance": "rounded", "expected": "a few"}, "expected 'a few' must be the printed number"),
    ({"digits": 6}, "digits 6 are fewer than the 7 that tolerance truncated judges by"),
    ({"tolerance": "rounded", "expected": {"a": "1234.567"}, "digits": 6}, "digits 6 are fewer than the 7"),
    ({"tolerance": "exact", "expected": None}, "expected is missing"),
    ({"propositions": ["when"]}, "verdict holds with propositions ['when']"),
    ({"verdict": "conditional"}, "it rests on unless and when"),
    ({"verdict": "answered", "propositions": []}, "verdict answered without answered_by"),
    ({"verdict": "open", "propositions": []}, "verdict open without missing"),
    ({"verdict": "reference", "propositions": [], "cites": "a"}, "verdict reference for kind number"),
]


@pytest.mark.parametrize(("fields", "message"), SPOILT)
def test_wrong_row_is_named(fields: dict[str, Any], message: str) -> None:
    assert message in "\n".join(faults_of({**rows()[0], **fields}))


def test_missing_field_is_named_and_a_sound_row_is_not() -> None:
    row = rows()[0]
    assert faults_of(row) == []
    del row["why"]
    assert faults_of(row) == ["why is missing: add it"]


def test_registry_of_the_project_is_sound() -> None:
    found, faults = load(Path(__file__).resolve().parents[2])
    assert faults == []
    assert len({row.id for row in found}) == len(found) > 60


def test_plain_text_is_printed_outside_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show({"text/plain": "as text", "text/html": "<p>as html</p>"})
    assert capsys.readouterr().out == "as text\n"


def test_sources_are_named_for_readers(tmp_path: Path) -> None:
    paper = '@article{a1,\n  author = {Xu, Lei and J{\\"o}reskog, K. G.},\n  year = {1996}\n}\n'
    thread = "@misc{b,\n  author = {{A Forum}},\n  year = {2012}\n}\n"
    (tmp_path / "references.bib").write_text(paper + thread)
    assert cited(tmp_path, "a1") == "Xu and Jöreskog 1996"
    assert cited(tmp_path, "b") == "A Forum 2012"
    assert cited(tmp_path, "missing1900") == "missing1900"
    assert cited(tmp_path / "nowhere", "a1") == "a1"
