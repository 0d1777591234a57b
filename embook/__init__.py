"""What notebooks and the build import for presentation: the formatter, the claims ledger, tables, figures, explorables.

Chapters write ``import embook`` and use the names below. `ledger` settles claims, `study` keeps experiments too long
for a chapter, which are in `studies`; `explorables` draws interactive figures; `pages` is for Sphinx. The library
`emlib` knows nothing of this package.
"""

from __future__ import annotations

from typing import Any

from embook.figures import COLOURS, png, setup
from embook.format import gap, number, rounded
from embook.ledger.card import claim
from embook.tables import glue, identity, table

__all__ = [
    "COLOURS", "claim", "draggable", "gap", "glue", "identity", "joined", "number", "outline", "png", "rounded",
    "setup", "slider", "table",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the interactive figures when first used: most of the package's users never draw one."""
    if name in {"Axes", "Stepped", "outline", "slider", "draggable", "joined", "same_slope", "three_arrows"}:
        from embook import explorables

        return getattr(explorables, name)
    raise AttributeError(f"module 'embook' has no attribute {name!r}")
