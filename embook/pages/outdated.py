"""Write every page anew when one was read anew, since pages show what others hold.

Sphinx writes only the pages whose own source changed. But a link into the bibliography depends on what all pages cite,
the navigation on all titles, a cross-reference on the place that it leads to; on a page kept as it was these would lead
nowhere, and nothing would warn. Most of a build is reading, and that is still spared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["setup"]


class Pages:
    """Remember, from the one event to the other, whether a build reads any page anew."""

    changed = False

    def note(self, app: Sphinx, env: BuildEnvironment, *outdated: set[str]) -> list[str]:
        """Remember whether a page was added, changed or removed; ask for no other page to be read."""
        self.changed = any(outdated)
        return []

    def to_write(self, app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
        """Return the pages to write beside those that were read: all, or none where nothing changed."""
        return env.found_docs if self.changed else ()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both to Sphinx's events."""
    pages = Pages()
    app.connect("env-get-outdated", pages.note)
    app.connect("env-get-updated", pages.to_write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
