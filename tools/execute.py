"""Run one notebook through papermill in a temporary file."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError

import chapters

CELL_SECONDS = 600
QUIET = {**dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
         "JAX_PLATFORMS": "cpu", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


@dataclass(frozen=True)
class Run:
    """Result of running one chapter: a notebook, or a fault that names cell and exception."""

    stem: str
    seconds: float
    notebook: Any = None
    cells: list[tuple[int, float, str]] = field(default_factory=list)
    fault: str = ""


def unknown_parameters(path: Path, given: dict[str, Any]) -> list[str]:
    """Return the names that the chapter's ``parameters`` cell does not hold."""
    return sorted(set(given) - set(chapters.parameters(chapters.read(path))))


def execute(path: Path, given: dict[str, Any] | None = None, variables: dict[str, str] | None = None,
            limit: int = CELL_SECONDS) -> Run:
    """Run a chapter from its own folder, with these parameters and environment variables; its file is never written.

    A cell that takes more than `limit` seconds is a fault.
    """
    unknown = unknown_parameters(path, given or {})
    if unknown:
        known = ", ".join(chapters.parameters(chapters.read(path))) or "none"
        return Run(path.stem, 0.0, fault=f"{path.stem}: unknown parameter {', '.join(unknown)}; it has: {known}")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="emlib-") as folder, _environment({**QUIET, **(variables or {})}):
        out = Path(folder) / path.name
        fault = _papermill(path, out, given or {}, limit)
        seconds = time.monotonic() - start
        if fault:
            return Run(path.stem, seconds, fault=f"{path.stem}: {fault}")
        notebook = chapters.read(out)
    return Run(path.stem, seconds, notebook=notebook, cells=_times(notebook))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for the kernel, which takes over this process's own, and put back what was there."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _papermill(path: Path, out: Path, given: dict[str, Any], limit: int) -> str:
    """Run once, or twice when the kernel did not start; return the fault in one line."""
    for attempt in (1, 2):
        try:
            papermill.execute_notebook(
                str(path), str(out), parameters=given, cwd=str(path.parent), progress_bar=False,
                kernel_name="python3", record_timing=False, execution_timeout=limit,
            )  # fmt: skip
        except PapermillExecutionError as error:
            return f"cell {error.cell_index + 1}: {error.ename}: {error.evalue}\n{_tail(error.traceback)}"
        except Exception as error:
            # two kernels that start at once may be given the same port
            if attempt == 1 and "before replying to kernel_info" in str(error):
                continue
            return f"{_interrupted(out)}{type(error).__name__}: {error}"
        return ""
    return ""


def _tail(traceback: list[str]) -> str:
    """Return the end of a traceback, indented, without colours."""
    lines = plain("\n".join(traceback)).splitlines()[-12:]
    return "\n".join(f"    {line}" for line in lines)


def plain(text: str) -> str:
    """Drop the terminal's colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _interrupted(out: Path) -> str:
    """Name the cell that was running when the kernel died or ran out of time."""
    if not out.exists():
        return ""
    cells = chapters.read(out).cells
    # the status of a cell says "completed" even here, but the cells after it have no start
    started = [k for k, cell in enumerate(cells, 1) if cell.metadata.papermill.get("start_time")]
    return f"cell {started[-1]}: " if started else ""


def _times(notebook: Any) -> list[tuple[int, float, str]]:
    """Return number, seconds and first line of each code cell."""
    rows = []
    for number, cell in enumerate(notebook.cells, start=1):
        seconds = cell.metadata.get("papermill", {}).get("duration")
        if cell.cell_type == "code" and seconds is not None:
            rows.append((number, float(seconds), (cell.source.splitlines() or [""])[0][:60]))
    return rows
