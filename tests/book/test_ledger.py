"""The ledger's rules: a sound book has no fault, and each way of spoiling it is caught and named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import ledger_book
from embook.ledger import collect as ledger
from ledger_book import faults, make, record, rows


def changed(index: int, **fields: Any) -> list[dict[str, Any]]:
    """Return the sound registry with some fields of one row changed."""
    registry = rows()
    registry[index].update(fields)
    return registry


def test_sound_book_has_no_fault(tmp_path: Path) -> None:
    assert faults(make(tmp_path)) == ""


RUNS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unregistered": ([record(), record(id="XY00")], "XY00 is run in 01_one.ipynb but not registered"),
    "not run": ([record(id="AB99-T2")], "AB99-T1 is not run"),
    "run twice": ([record(), record()], "AB99-T1 is run 2 times"),
    "none at all": ([], "no claim was run in 1 chapters"),
    "a digit off": ([record(measured=0.1327767)], "AB99-T1 measured 0.1327767, expected 0.132778"),
    "nothing measured": ([record(measured=None)], "AB99-T1 measured None"),
    "measured as a word": ([record(measured="infinity")], "AB99-T1 measured infinity"),
    "verdict does not follow": ([record(propositions={"as_stated": False})], "registered as holds, but"),
    "proposition not computed": ([record(propositions={})], "AB99-T1 computes []: its row names ['as_stated']"),
    "proposition not named": ([record(propositions={"as_stated": True, "corrected": True})], "AB99-T1 computes"),
    "other parameters": ([record(parameters={"n": 5})], "AB99-T1 is run with other parameters"),
    "text row run": ([record(), record(id="S001")], "S001 is settled by text, yet 01_one.ipynb runs it"),
}


@pytest.mark.parametrize("name", RUNS)
def test_spoilt_run_is_caught(tmp_path: Path, name: str) -> None:
    records, message = RUNS[name]
    assert message in faults(make(tmp_path, records=records))


REGISTRIES: dict[str, tuple[list[Any], str]] = {
    "registered twice": ([*rows(), rows()[0]], "AB99-T1 is registered 2 times"),
    "verdict false but it holds": (changed(0, verdict="false"), "registered as false, but"),
    "answered by an unknown row": (changed(1, answered_by=["S999"]), "S001 is answered by S999, which settles nothing"),
    "answered by a question": (changed(1, answered_by=["S001"]), "S001 is answered by S001, which settles nothing"),
    "not cited": (changed(2, cites="nobody1900"), "S002 is not cited in 01_one.ipynb: cite nobody1900"),
    "text read as a number": (changed(0, expected=0.132778), "expected 0.132778 must be the printed number, in quotes"),
    "no mapping": ([*rows(), "S003"], "'S003': is not a mapping"),
}


@pytest.mark.parametrize("name", REGISTRIES)
def test_spoilt_registry_is_caught(tmp_path: Path, name: str) -> None:
    registry, message = REGISTRIES[name]
    assert message in faults(make(tmp_path, registry))


def test_claim_in_a_foreign_chapter_is_caught(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "chapters" / "02_two.ipynb").write_text(ledger_book.chapter([ledger_book.code("claim", [record()])]))
    (tmp_path / "chapters" / "01_one.ipynb").write_text(ledger_book.chapter([]))
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        toc.read_text().replace("- file: chapters/01_one", "- file: chapters/01_one\n  - file: chapters/02_two")
    )
    assert "AB99-T1 is run in 02_two.ipynb: its home is 01_one.ipynb" in faults(tmp_path)


def test_missing_label_is_caught(tmp_path: Path) -> None:
    assert "S001 has no place in 01_one.ipynb" in faults(make(tmp_path, prose="# One\n\nBy somebody1900.\n"))


def test_chapters_outside_the_contents_are_not_asked_for(tmp_path: Path) -> None:
    registry = [*rows(), {**rows()[0], "id": "AB99-T2", "chapter": 2}]
    assert faults(make(tmp_path, registry)) == ""
    assert [entry["id"] for entry in ledger.collect(tmp_path).claims] == ["AB99-T1", "S001", "S002"]


def test_wrong_folder_is_a_fault_not_an_empty_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger.main(["check", str(tmp_path)]) == 1
    assert "has no _config.yml" in capsys.readouterr().err


def test_runs_with_other_parameters_are_not_judged(tmp_path: Path) -> None:
    make(tmp_path, records=[record(measured=0.9, parameters={"n": 5}, propositions={"as_stated": False})])
    assert "expected" not in faults(tmp_path)
    assert "registered as" not in faults(tmp_path)
    assert ledger.collect(tmp_path).claims[0]["verdict"] == "not run"


def test_check_prints_faults_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path)
    assert ledger.main(["check", str(tmp_path)]) == 0
    make(tmp_path, records=[])
    assert ledger.main(["check", str(tmp_path)]) == 1
    assert "AB99-T1 is not run" in capsys.readouterr().err


def test_files_hold_every_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collected = ledger.collect(make(tmp_path))
    ledger.write(collected, tmp_path)
    claims = json.loads((tmp_path / "ledger.json").read_text())["claims"]
    with (tmp_path / "ledger.csv").open(encoding="utf-8") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [entry["id"] for entry in claims]
    assert set(claims[0]) == set(ledger.COLUMNS)
    assert claims[0]["page"] == "chapters/01_one.html#claim-ab99-t1"
    assert ledger.main(["summary", str(tmp_path / "ledger.json")]) == 0
    assert "3 claims: 1 holds, 1 answered, 1 reference" in capsys.readouterr().out


def test_fingerprint_sees_code_and_row_but_no_output(tmp_path: Path) -> None:
    def fingerprint(**kwargs: Any) -> str:
        return str(ledger.collect(make(tmp_path, **kwargs)).claims[0]["fingerprint"])

    sound = fingerprint()
    assert fingerprint(records=[record(measured=0.1327781)]) == sound
    assert fingerprint(registry=changed(0, why="For another reason.")) != sound
    notebook = tmp_path / "chapters" / "01_one.ipynb"
    make(tmp_path)
    notebook.write_text(notebook.read_text().replace("claim(0)", "claim(00)"))
    assert ledger.collect(tmp_path).claims[0]["fingerprint"] != sound


def test_registry_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "claims" / "bad.yml").write_text("- {id: S9\n")
    (tmp_path / "claims" / "flat.yml").write_text(yaml.safe_dump({"id": "S9"}))
    assert "claims/bad.yml: not YAML" in faults(tmp_path)
    assert "claims/flat.yml: holds a dict: write a list of rows" in faults(tmp_path)
