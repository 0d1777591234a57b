"""A table of measurements: printed as Markdown, kept as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Scale = Literal["small", "quick", "full"]  # shows that it runs; under three minutes in all; what the book shows
Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of plain values under a title; `name` is what the book finds the table by."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def __str__(self) -> str:
        cells = [list(self.columns), *([shown(value) for value in row] for row in self.rows)]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.columns))]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        lines.insert(1, " | ".join("-" * width for width in widths))
        return "\n".join([f"{self.title}:", "", *(f"| {line} |" for line in lines)])

    def plain(self) -> dict[str, Any]:
        """Return what is kept in the file of results."""
        return {"name": self.name, "title": self.title, "columns": list(self.columns),
                "rows": [list(row) for row in self.rows]}  # fmt: skip


def shown(value: Value) -> str:
    """Return a value as text, measured ones to three digits."""
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:.0f}" if isinstance(
        value, float) else str(value)  # fmt: skip
