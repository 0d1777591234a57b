"""Compare two curves by the Fréchet distance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from svg_paths import Points

Span = tuple[float, float] | None  # a stretch of a segment, as shares of its length; None: empty
Spans = dict[int, tuple[float, float]]  # such stretches by the number of the segment

SLACK = 1e-9  # rounding in the comparison itself


def alike(first: Points, second: Points, limit: float) -> bool:
    """Return whether two points can run along the two curves, never back and never more than `limit` apart.

    This bounds the Fréchet distance (Alt and Godau 1995). It compares the curves and not their vertices, so one that
    lies on the line between its neighbours may be left out; and it keeps the order along the curve, so that
    a jagged curve is not taken for another one that fills the same band.
    """
    if first.shape == second.shape and np.hypot(*(first - second).T).max() <= limit + SLACK:
        return True
    one, two = _vertices(first), _vertices(second)
    if abs(one[0] - two[0]) > limit + SLACK or abs(one[-1] - two[-1]) > limit + SLACK:
        return False
    left, border, top = _border(one[0], two, limit), _border(two[0], one, limit), None
    for i, (start, end) in enumerate(pairwise(one)):
        left, top = _row(start, end, two, left, border.get(i), limit)
    return len(two) - 2 in left or top is not None


def _row(
    start: complex, end: complex, line: list[complex], left: Spans, below: Span, limit: float
) -> tuple[Spans, Span]:
    """Take the walk along one segment of the first curve, from `start` to `end`.

    `left` holds the stretches of `line`, by segment, that the walk can have reached when it is at `start`; `below` is
    the stretch from `start` to `end` that it can reach while it is at the beginning of `line`. Return the
    stretches at `end`, and the one at the end of `line`.
    """
    right: Spans = {}
    last = max(left, default=-1)
    for j in range(0 if below else min(left, default=0), len(line) - 1):
        here, under = left.get(j), below
        if here is None and under is None:
            if j > last:
                return right, None
            continue
        across = _within(end, line[j], line[j + 1], limit)
        upward = _within(line[j + 1], start, end, limit)
        reached = across if under else _after(across, here)
        if reached:
            right[j] = reached
        below = upward if here else _after(upward, under)
    return right, below


def _vertices(points: Points) -> list[complex]:
    """Return the vertices as complex numbers, a lone one twice."""
    at = [complex(x, y) for x, y in points]
    return at if len(at) > 1 else at * 2


def _within(point: complex, start: complex, end: complex, limit: float) -> Span:
    """Return the stretch of the segment from `start` to `end` that lies within `limit` of `point`."""
    along, to = end - start, point - start
    size, reach = abs(along), limit + SLACK
    if size <= SLACK:
        return (0.0, 1.0) if abs(to) <= reach else None
    middle, off = (to * along.conjugate()).real / size, (to * along.conjugate()).imag / size
    if abs(off) > reach:
        return None
    half = float(np.sqrt(reach**2 - off**2))
    low, high = max(0.0, (middle - half) / size), min(1.0, (middle + half) / size)
    return (low, high) if low <= high else None


def _after(span: Span, other: Span) -> Span:
    """Return the part of a stretch that is not before the beginning of another."""
    if span is None or other is None or span[1] < other[0]:
        return None
    return max(span[0], other[0]), span[1]


def _border(point: complex, line: list[complex], limit: float) -> Spans:
    """Return the stretches of a curve, by segment, that are reached from its beginning within `limit` of one point."""
    found: Spans = {}
    for j, (start, end) in enumerate(pairwise(line)):
        span = _within(point, start, end, limit)
        if span is None or span[0] > 0:
            break
        found[j] = span
        if span[1] < 1:
            break
    return found
