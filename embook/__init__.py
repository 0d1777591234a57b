"""What the book is made with: ledger, stored studies, exercises, numbers, tables, figures (some interactive), pages.

Chapters write ``import embook`` and use the names below; tools and tests import the modules. Everything here may import
`emlib`, which knows nothing of this package; what a folder may import is said in its own first lines.
"""

from __future__ import annotations

from typing import Any

from embook.exercises import check
from embook.figures import COLOURS, name_rows, png, setup
from embook.format import gap, number, rounded
from embook.ledger.card import claim
from embook.tables import glue, identity, table

__all__ = [
    "COLOURS", "check", "claim", "draggable", "gap", "glue", "identity", "joined", "name_rows", "number", "outline",
    "png", "rounded", "setup", "slider", "table",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the interactive figures when first used: most of the package's users never draw one."""
    if name in {"Axes", "Stepped", "outline", "slider", "draggable", "joined", "same_slope", "three_arrows"}:
        from embook import explorables

        return getattr(explorables, name)
    raise AttributeError(f"module 'embook' has no attribute {name!r}")
