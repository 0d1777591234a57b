"""The table of contents: its pages by name, and the notebooks among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = ["notebooks", "pages"]


def pages(folder: Path) -> list[str]:
    """Return the names of the pages that a book's ``_toc.yml`` lists, without suffix, in its order."""
    contents = yaml.safe_load((folder / "_toc.yml").read_text(encoding="utf-8"))
    return [name.removesuffix(".ipynb").removesuffix(".md") for name in _names(contents)]


def notebooks(folder: Path) -> list[Path]:
    """Return the notebooks among them that are there."""
    return [path for name in pages(folder) if (path := folder / f"{name}.ipynb").is_file()]


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _names(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"file", "root"}:
                yield str(value)
            else:
                yield from _names(value)
