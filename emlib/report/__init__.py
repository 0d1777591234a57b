"""What notebooks and the build import for presentation: the formatter, the claims ledger, tables, figures, explorables.

Chapters write ``from emlib import report`` and use the names below; nothing else in `emlib` imports this package.
"""

from __future__ import annotations

from typing import Any

from emlib.report.claims import claim
from emlib.report.figures import COLOURS, png, setup
from emlib.report.format import gap, number, rounded
from emlib.report.tables import glue, identity, table

__all__ = [
    "COLOURS", "claim", "draggable", "gap", "glue", "identity", "joined", "number", "outline", "png", "rounded",
    "setup", "slider", "table",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the interactive figures when first used: most of the package's users never draw one."""
    if name in {"Axes", "Stepped", "outline", "slider", "draggable", "joined", "same_slope", "three_arrows"}:
        from emlib.report import explorables

        return getattr(explorables, name)
    raise AttributeError(f"module 'emlib.report' has no attribute {name!r}")
