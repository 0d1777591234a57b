"""Names of sources for readers: ``xujordan1996`` is shown as "Xu and Jordan 1996"."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["cited"]


def cited(folder: Path, key: str) -> str:
    """Return authors and year of a bibliography entry, or the key itself when the entry is not there."""
    path = folder / "references.bib"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    entry = re.search(rf"@\w+\{{{re.escape(key)},(.*?)\n\}}", text, re.DOTALL)
    author = re.search(r"author\s*=\s*\{(.*?)\},\s", entry[1], re.DOTALL) if entry else None
    year = re.search(r"year\s*=\s*\{(\d+)\}", entry[1]) if entry else None
    return f"{_surnames(author[1])} {year[1] if year else '(no date)'}" if author else key


def _surnames(authors: str) -> str:
    names = [name.split(",")[0].strip("{} \n") for name in authors.split(" and ")]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
