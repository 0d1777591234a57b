"""Which statement is used in which other chapter, as inline SVG with a row for each chapter."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import combinations
from statistics import fmean

from embook.theorems.drawing import GAP, HUES, LINE, PAD, Box, link, svg

__all__ = ["rows"]

BOX, INDENT, SLOTS, BETWEEN = 126, 92, 5, 36  # a box's width, room for the chapter's name, boxes a row, space below it
#: What it costs, in slots, to stand right below a box of the last row and of the one before: arrows would hide there.
BELOW = (0.7, 0.35)

Place = tuple[float, float, float, float]


def rows(name: str, chapters: Sequence[tuple[str, Sequence[Box]]], edges: Sequence[tuple[str, str]]) -> str:
    """Return the drawing.

    Parameters
    ----------
    name : str
        What the drawing is called for those who hear it.
    chapters : sequence of tuple
        For each row the chapter's name and its boxes, which may take more than one line.
    edges : sequence of tuple
        Keys of the two boxes of each arrow, from and to.
    """
    lines = [(title if begin == 0 else "", boxes[begin : begin + SLOTS])
             for title, boxes in chapters for begin in range(0, len(boxes), SLOTS)]
    slots = _slots([boxes for _, boxes in lines], edges)
    places: dict[str, Place] = {}
    names, top = [], 0.0
    for number, (title, boxes) in enumerate(lines):
        names.append(f'<text class="emlib-row" x="0" y="{top + LINE + PAD:g}">{escape(title)}</text>')
        for box in boxes:
            places[box.key] = (INDENT + slots[box.key] * (BOX + GAP), top, BOX, box.height(BOX))
        last = number + 1 == len(lines)
        top += max(box.height(BOX) for box in boxes) + (0 if last else BETWEEN)
    arrows = _arrows(places, edges)
    below, knots = [], []
    for place, box in enumerate(box for _, boxes in lines for box in boxes):
        up, down = arrows[box.key]
        group = f'<g class="emlib-knot emlib-hue-{place % HUES}">'
        below.append(f"{group}{''.join(up)}</g>" if up else "")  # behind the boxes above, which are drawn before
        knots.append(f"{group}{''.join(down)}{link(box, places)}</g>")
    return svg(name, top, "".join(names + below + knots))


def _slots(lines: Sequence[Sequence[Box]], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the slot of each box: near what it is joined to above, in the row's order, not below others."""
    slots: dict[str, int] = {}
    for number, boxes in enumerate(lines):
        above = [{slots[box.key] for box in line} for line in reversed(lines[max(0, number - 2) : number])]
        wished = [_wish(box.key, slots, edges) for box in boxes]

        hidden = [sum(price for price, taken in zip(BELOW, above, strict=False) if slot in taken)
                  for slot in range(SLOTS)]
        costs = {chosen: sum(abs(slot - wish) + hidden[slot] for slot, wish in zip(chosen, wished, strict=True))
                 for chosen in combinations(range(SLOTS), len(boxes))}
        best = min(costs, key=costs.__getitem__)
        slots.update(zip((box.key for box in boxes), best, strict=True))
    return slots


def _wish(key: str, slots: dict[str, int], edges: Sequence[tuple[str, str]]) -> float:
    joined = [slots[other] for pair in edges if key in pair for other in pair if other in slots]
    return fmean(joined) if joined else (SLOTS - 1) / 2


def _arrows(places: dict[str, Place], edges: Sequence[tuple[str, str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the arrows that leave each box, up and down; those at one side of a box are spread over it."""
    ends: dict[tuple[str, bool], list[tuple[float, str, str]]] = {}  # box and whether at its top: where from, and edge
    for a, b in edges:
        down = places[a][1] < places[b][1]
        ends.setdefault((a, not down), []).append((places[b][0], a, b))
        ends.setdefault((b, down), []).append((places[a][0], a, b))
    ports = {(key, a, b): places[key][0] + BOX * (place + 1) / (len(joined) + 1)
             for (key, _), joined in ends.items() for place, (_, a, b) in enumerate(sorted(joined))}
    arrows: dict[str, tuple[list[str], list[str]]] = {key: ([], []) for key in places}
    for a, b in edges:
        down = places[a][1] < places[b][1]
        arrows[a][down].append(_arrow(ports[a, a, b], places[a], ports[b, a, b], places[b]))
    return arrows


def _arrow(x: float, start: Place, to_x: float, end: Place) -> str:
    """Return an arrow from one row to another, down or up."""
    down = start[1] < end[1]
    y, to_y = start[1] + (start[3] if down else 0), end[1] + (0 if down else end[3])
    lean = 0.35 * (to_y - y)
    tip = -6 if down else 6
    return (f'<path d="M{x:.1f} {y:g}C{x:.1f} {y + lean:.1f} {to_x:.1f} {to_y - lean:.1f} {to_x:.1f} {to_y:g}'
            f'm-3 {tip}l3 {-tip}l3 {tip}"/>')
