"""The judge: every rule that the ledger must obey, each with the sentence that the build prints when it is broken.

A chapter is *in the book* when its notebook stands in the table of contents.  Only its rows are asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embook.contents import notebooks
from embook.context import cells, chapter_file, outputs
from embook.ledger.registry import Row
from embook.ledger.verdicts import agrees, rule

__all__ = ["Run", "judge", "judge_other", "runs_of", "verdict_of"]


@dataclass(frozen=True)
class Run:
    """One claim that a cell left behind: its record, the notebook and the cell's id."""

    record: dict[str, Any]
    path: Path
    cell: str

    @property
    def id(self) -> str:
        """Return the id of the claim, empty text when the record has none."""
        return str(self.record.get("id", ""))

    @property
    def default(self) -> bool:
        """Return whether the run had the chapter's own parameters; only such runs are judged."""
        return self.record.get("parameters") == "default"


def runs_of(paths: list[Path]) -> list[Run]:
    """Collect every claim that the notebooks' outputs hold."""
    return [Run(record, path, str(cell.get("id", ""))) for path in paths for record, cell in outputs(path)]


def verdict_of(row: Row, runs: list[Run]) -> str:
    """Return the verdict that a row has earned: by its one run, or by its text."""
    if row.by_text:
        return row.verdict
    judged = [run for run in runs if run.id == row.id and run.default]
    return rule(judged[0].record.get("propositions", {})) if len(judged) == 1 else "not run"


def judge(folder: Path, rows: list[Row]) -> list[str]:
    """Return one sentence for each broken rule; an empty list means that the ledger has no fault.

    Parameters
    ----------
    folder : Path
        The folder with ``_config.yml``, ``_toc.yml``, ``claims`` and ``chapters``.
    rows : list of Row
        The registered rows, as read from ``folder``.
    """
    paths = notebooks(folder)
    runs = runs_of(paths)
    here = [row for row in rows if chapter_file(folder, row.chapter) in paths]
    faults = [] if runs else [f"no claim was run in {len(paths)} chapters of {folder.name}: is it the book's folder?"]
    faults += _registered(rows, runs)
    for row in here:
        mine = [run for run in runs if run.id == row.id]
        faults += _by_text(folder, row, mine, rows) if row.by_text else _by_run(folder, row, mine)
    return faults


def judge_other(rows: list[Row], runs: list[Run]) -> list[str]:
    """Return one sentence for each of the rows whose verdict runs with other parameters do not bear out.

    Every row that a cell settles must have one run, with other parameters than the book's. Its verdict alone is judged:
    numbers may differ with the parameters.
    """
    faults = []
    for row in (row for row in rows if not row.by_text):
        mine = [run for run in runs if run.id == row.id and not run.default]
        if len(mine) != 1:
            faults.append(f"{row.id} is run {len(mine)} times with other parameters: one run is needed")
            continue
        given = mine[0].record.get("propositions", {})
        if set(given) != set(row.propositions) or rule(given) != row.verdict:
            found = f"{rule(given)} ({given}; measured {mine[0].record.get('measured')})"
            where = mine[0].record.get("parameters")
            faults.append(f"{row.id} is registered as {row.verdict}, but {where} gives {found}")
    return faults


def _registered(rows: list[Row], runs: list[Run]) -> list[str]:
    known = Counter(row.id for row in rows)
    faults = [f"{name} is registered {count} times: keep one row" for name, count in known.items() if count > 1]
    strange = sorted({(run.id, run.path.name) for run in runs if run.id not in known})
    return faults + [f"{name} is run in {where} but not registered: add a row to claims/" for name, where in strange]


def _by_run(folder: Path, row: Row, runs: list[Run]) -> list[str]:
    home = chapter_file(folder, row.chapter)
    name = home.name if home else f"chapter {row.chapter}"
    if len(runs) != 1:
        times = "not run" if not runs else f"run {len(runs)} times"
        return [f"{row.id} is {times}: call claim({row.id!r}) in one cell of {name}"]
    run = runs[0]
    if run.path != home:
        return [f"{row.id} is run in {run.path.name}: its home is {name}"]
    if not run.default:
        return [f"{row.id} is run with other parameters ({run.record.get('parameters')}): refresh {name}"]
    return [*_measured(row, run.record), *_proved(row, run.record)]


def _proved(row: Row, record: dict[str, Any]) -> list[str]:
    """Check that a certified row was given proved digits as text, and not a float."""
    measured = record.get("measured")
    leaves = list(measured.values()) if isinstance(measured, dict) else [measured]
    if row.kind != "certified" or all(isinstance(leaf, str) for leaf in leaves):
        return []
    return [f"{row.id} measured {measured}: a certified row takes the proved digits, as text"]


def _measured(row: Row, record: dict[str, Any]) -> list[str]:
    given = record.get("propositions", {})
    if set(given) != set(row.propositions):
        return [f"{row.id} computes {sorted(given)}: its row names {sorted(row.propositions)}"]
    faults = []
    if (verdict := rule(given)) != row.verdict:
        faults.append(f"{row.id} is registered as {row.verdict}, but {given} gives {verdict}: correct one of them")
    if not agrees(row.policy, row.bounds, row.expected, record.get("measured")):
        faults.append(
            f"{row.id} measured {record.get('measured')}, expected {row.expected} ({row.policy} {row.bounds})"
        )
    return faults


def _by_text(folder: Path, row: Row, runs: list[Run], rows: list[Row]) -> list[str]:
    home = chapter_file(folder, row.chapter)
    prose = "\n".join(cell["source"] for cell in cells(home) if cell["cell_type"] == "markdown") if home else ""
    name = home.name if home else f"chapter {row.chapter}"
    faults = [f"{row.id} is settled by text, yet {name} runs it: remove the claim or the verdict"] if runs else []
    if f"(claim-{row.id})=" not in prose:
        faults.append(f"{row.id} has no place in {name}: put the label (claim-{row.id})= before the passage")
    if row.cites and row.cites not in prose:
        faults.append(f"{row.id} is not cited in {name}: cite {row.cites} there")
    settled = {other.id for other in rows if other.verdict not in {"open", "answered"}}
    lacking = [other for other in row.answered_by if other not in settled]
    return faults + [f"{row.id} is answered by {other}, which settles nothing: name another row" for other in lacking]
