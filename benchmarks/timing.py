"""How the benchmarks measure and print."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def slope(work: Callable[[int], object], few: int, many: int, repeats: int = 3) -> float:
    """Return the CPU seconds of one iteration: between few and many, set-up and the last E-step drop out."""
    work(few)
    costs = [seconds(lambda: work(many)) - seconds(lambda: work(few)) for _ in range(repeats)]
    return median(costs) / (many - few)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under a title, as a Markdown table with aligned columns."""
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(columns))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join([f"{title}:", "", *(f"| {line} |" for line in lines)])
