"""The chapter that a rule is given, and the small helpers that the rules share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Chapter:
    """A notebook with the path that its faults are reported under."""

    path: Path
    notebook: Any

    def cells(self, kind: str) -> Iterator[tuple[int, Any]]:
        """Yield number, counted from one over all cells, and cell of one kind."""
        for number, cell in enumerate(self.notebook.cells, start=1):
            if cell.cell_type == kind:
                yield number, cell

    def outputs(self) -> Iterator[tuple[int, Any]]:
        """Yield the cell's number and each of its outputs."""
        for number, cell in self.cells("code"):
            for output in cell.outputs:
                yield number, output


def tags(cell: Any) -> list[str]:
    """Return a cell's tags."""
    return list(cell.metadata.get("tags", []))


def shown(output: Any) -> str:
    """Return everything that an output shows, as one text."""
    if output.output_type == "stream":
        return str(output.text)
    return "\n".join(str(value) for value in output.get("data", {}).values())
