"""A page of HTML read as text, and the links that lead nowhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag


class Page(HTMLParser):
    """One page's tags, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def anchors(self) -> set[str]:
        """Return everything that a link can lead to."""
        return {attrs[key] for _, attrs in self.tags for key in ("id", "name") if key in attrs}


def dead_links(name: str, pages: dict[str, Page], files: set[str]) -> list[str]:
    """Return the links within the book that lead to no page, file or anchor."""
    dead = []
    for tag, attrs in pages[name].tags:
        address = attrs.get("href", "")
        if tag == "a" and not re.match(r"\w+:", address) and not _leads(name, address, pages, files):
            dead.append(address)
    return dead


def _leads(name: str, address: str, pages: dict[str, Page], files: set[str]) -> bool:
    """Return whether an address, seen from a page, is there."""
    path, fragment = urldefrag(address)
    target = (Path("/") / Path(name).parent / unquote(path)).resolve().relative_to("/").as_posix() if path else name
    if target in pages:
        return not fragment or unquote(fragment) in pages[target].anchors()
    return target in files
