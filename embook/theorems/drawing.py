"""What rests on what in a chapter, as inline SVG: boxes that are links, joined by arrows, no script needed.

Three columns: what is given on the left, the chapter's statements in the middle, claims on the right. Colours, and what
an arrow looks like under the mouse, are in the style sheet.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

__all__ = ["Box", "columns", "link", "svg"]

WIDTH = 760
LEFT, MIDDLE, RIGHT = (0, 222), (304, 230), (612, 148)  # place and width of each column
LINE, PAD, GAP, HUES = 15, 5, 7, 5
LETTER = 6.4  # width of a letter


@dataclass(frozen=True)
class Box:
    """A node: its key, where it leads, its heading and words, what it says, and its class."""

    key: str
    uri: str
    heading: str
    words: str
    says: str
    kind: str

    def lines(self, width: int) -> list[str]:
        """Return heading and words, broken to a width in pixels, at most three lines of words.

        Longer words end in dots; they stand whole in the box's name, which is heard, and in the list below the drawing.
        """
        letters = int((width - 14) / LETTER)
        broken = textwrap.wrap(self.words, letters, max_lines=3, placeholder=" …") if self.words else []
        return [self.heading, *broken] if self.heading else broken

    def height(self, width: int) -> int:
        """Return the height of the box in pixels."""
        return LINE * len(self.lines(width)) + 2 * PAD


def columns(name: str, given: Sequence[Box], stated: Sequence[Box], claims: Sequence[Box],
            edges: Sequence[tuple[str, str]]) -> str:
    """Return the drawing of a chapter.

    Parameters
    ----------
    name : str
        What the drawing is called for those who hear it.
    given, stated, claims : sequence of Box
        The boxes of the three columns; those in the middle in the order of the chapter.
    edges : sequence of tuple
        Keys of the two boxes of each arrow, from and to.
    """
    order = {box.key: place for place, box in enumerate(stated)}

    def near(box: Box) -> float:
        """Return where in the chapter stands, on average, what the box is joined to."""
        return fmean(order[other] for pair in edges if box.key in pair for other in pair if other in order)

    sides = [(sorted(given, key=near), LEFT), (list(stated), MIDDLE), (sorted(claims, key=near), RIGHT)]
    total = max(sum(box.height(width) + GAP for box in boxes) for boxes, (_, width) in sides)
    places = {key: place for boxes, side in sides for key, place in _spread(boxes, side, total).items()}
    groups = []
    for place, box in enumerate(stated):
        arrows = [_arrow(places[a], places[b]) for a, b in edges if b == box.key or (a == box.key and b not in order)]
        groups.append(f'<g class="emlib-knot emlib-hue-{place % HUES}">{"".join(arrows)}{link(box, places)}</g>')
    first, last = ("".join(link(box, places) for box in boxes) for boxes, _ in (sides[0], sides[2]))
    return svg(name, total, first + "".join(groups) + last)


def _spread(boxes: Sequence[Box], side: tuple[int, int], total: float) -> dict[str, tuple[float, float, float, float]]:
    """Return left, top, width and height of the boxes of a column, spread evenly over its height."""
    left, width = side
    free = (total - sum(box.height(width) for box in boxes)) / max(1, len(boxes))
    places: dict[str, tuple[float, float, float, float]] = {}
    top = free / 2
    for box in boxes:
        places[box.key] = (left, top, width, box.height(width))
        top += box.height(width) + free
    return places


def _arrow(start: tuple[float, ...], end: tuple[float, ...]) -> str:
    """Return an arrow to the right, or, within a column, one that bends round on its right side."""
    x, y = start[0] + start[2], start[1] + start[3] / 2
    to_x, to_y = end[0], end[1] + end[3] / 2
    if start[0] == end[0]:
        bend = x + 24 + abs(to_y - y) / 12
        y, to_y = y + 11, to_y - 11  # apart from the arrows to claims, which leave in the middle
        curve = f"M{x:g} {y:.1f}C{bend:.1f} {y:.1f} {bend:.1f} {to_y:.1f} {x:g} {to_y:.1f}"
        return f'<path class="emlib-within" d="{curve}m6 -3l-6 3l6 3"/>'
    half = (x + to_x) / 2
    return f'<path d="M{x:g} {y:.1f}C{half:g} {y:.1f} {half:g} {to_y:.1f} {to_x:g} {to_y:.1f}m-6 -3l6 3l-6 3"/>'


def link(box: Box, places: dict[str, tuple[float, float, float, float]]) -> str:
    """Return a box as a link; its name is its words, what it says is shown to the mouse."""
    left, top, width, height = places[box.key]
    spans = []
    for place, line in enumerate(box.lines(int(width))):
        head = ' class="emlib-head"' if box.heading and place == 0 else ""
        spans.append(f'<tspan x="{left + 8:g}" y="{top + PAD + 11 + place * LINE:.1f}"{head}>{escape(line)} </tspan>')
    name = escape(" ".join(part for part in (box.heading, box.words) if part), quote=True)
    rect = f'<rect x="{left:g}" y="{top:.1f}" width="{width:g}" height="{height:g}" rx="5"/>'
    return (f'<a href="{escape(box.uri, quote=True)}" class="emlib-node emlib-{box.kind}" aria-label="{name}">'
            f'<title>{escape(box.says)}</title>{rect}<text>{"".join(spans)}</text></a>')


def svg(name: str, height: float, content: str) -> str:
    """Return a drawing with a name for those who hear it."""
    return (f'<svg class="emlib-graph" viewBox="-1 -1 {WIDTH + 2} {height + 2:.0f}" role="group" '
            f'aria-label="{escape(name, quote=True)}">{content}</svg>')
