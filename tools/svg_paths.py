"""Read SVG path data, transforms and lengths as arrays, and cut curves at a rectangle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.svgLib.path import parse_path
from numpy.typing import NDArray

Points = NDArray[np.float64]

BEND_STEPS = 12  # line segments that stand for one Bézier curve
SHARES = np.arange(1, BEND_STEPS + 1)[:, None] / BEND_STEPS
BERNSTEIN = np.array([1, 3, 3, 1]) * SHARES ** [0, 1, 2, 3] * (1 - SHARES) ** [3, 2, 1, 0]
PIXELS = {"pt": 4 / 3, "px": 1.0, "": 1.0}  # CSS pixels in a unit of length


@dataclass(frozen=True)
class Curve:
    """One connected piece of a path: its vertices, shape (n, 2), and whether it is closed."""

    points: Points
    closed: bool = False


def curves(data: str) -> list[Curve]:
    """Return the pieces of path data, Bézier curves and arcs as line segments.

    Raises
    ------
    ValueError
        When the path data begin without ``M``, or hold too few numbers.
    """
    pen = _Pen()
    parse_path(data, pen)
    return pen.pieces


class _Pen(BasePen):  # type: ignore[misc]
    """Collects the pieces of a path; the base class writes quadratic curves as cubic ones."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Curve] = []
        self.points: list[tuple[float, float]] = []

    def _moveTo(self, pt: tuple[float, float]) -> None:
        self.points = [pt]

    def _lineTo(self, pt: tuple[float, float]) -> None:
        self.points.append(pt)

    def _curveToOne(self, *controls: tuple[float, float]) -> None:
        self.points += (BERNSTEIN @ [self._getCurrentPoint(), *controls]).tolist()

    def _endPath(self) -> None:
        self.pieces.append(Curve(np.array(self.points)))

    def _closePath(self) -> None:
        self.pieces.append(Curve(np.array(self.points), closed=True))


def pixels(length: str | None) -> float:
    """Return a length in CSS pixels."""
    found = re.fullmatch(r"([\d.]+)(pt|px|)", length or "")
    if not found:
        raise ValueError(f"the length {length!r}")
    return float(found[1]) * PIXELS[found[2]]


def rectangle(left: float, top: float, width: float, height: float) -> Curve:
    """Return a rectangle as a closed curve."""
    corners = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    return Curve(np.array([(left + width * x, top + height * y) for x, y in corners]), closed=True)


def moved(curve: Curve, matrix: NDArray[np.float64]) -> Curve:
    """Return a curve under an affine map, a matrix that acts on (x, y, 1)."""
    points: Points = curve.points @ matrix[:2, :2].T + matrix[:2, 2]
    return Curve(points, curve.closed)


def matrix_of(transform: str) -> NDArray[np.float64]:
    """Return a transform as a matrix that acts on (x, y, 1)."""
    result = np.eye(3)
    for kind, arguments in re.findall(r"(\w+)\(([^)]*)\)", transform):
        a = [float(number) for number in re.split(r"[\s,]+", arguments.strip())]
        if kind == "translate":
            step = [[1, 0, a[0]], [0, 1, a[1] if len(a) > 1 else 0], [0, 0, 1]]
        elif kind == "scale":
            step = [[a[0], 0, 0], [0, a[-1], 0], [0, 0, 1]]
        elif kind == "rotate" and len(a) == 1:
            c, s = np.cos(np.radians(a[0])), np.sin(np.radians(a[0]))
            step = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
        elif kind == "matrix":
            step = [[a[0], a[2], a[4]], [a[1], a[3], a[5]], [0, 0, 1]]
        else:
            raise ValueError(f"the transform {kind}")
        result = result @ np.array(step, dtype=float)
    return result


def inside(points: Points, low: Points, high: Points) -> list[Points]:
    """Return the pieces of a curve that lie in the rectangle with these corners."""
    pieces: list[list[Points]] = []
    goes_on = False
    for start, end in pairwise(points):
        span = _stretch(start, end, low, high)
        if span and not (goes_on and span[0] == 0):
            pieces.append([start + span[0] * (end - start)])
        if span:
            pieces[-1].append(start + span[1] * (end - start))
        goes_on = span is not None and span[1] == 1
    return [np.array(piece) for piece in pieces]


def area(points: Points, low: Points, high: Points) -> Points:
    """Return area and moments, about `low`, of what lies of a polygon in a rectangle (Sutherland and Hodgman 1974)."""
    kept = points
    for axis, bound, sign in ((0, low, 1), (1, low, 1), (0, high, -1), (1, high, -1)):
        depth = sign * (kept[:, axis] - bound[axis])
        found: list[Points] = []
        for place, here in enumerate(kept):
            if depth[place - 1] * depth[place] < 0:
                share = depth[place - 1] / (depth[place - 1] - depth[place])
                found.append(kept[place - 1] + share * (here - kept[place - 1]))
            if depth[place] >= 0:
                found.append(here)
        kept = np.array(found).reshape(-1, 2)
    (x, y), (left, below) = (kept - low).T, np.roll(kept - low, 1, axis=0).T
    cross = left * y - x * below
    moments = np.array([cross.sum() / 2, ((x + left) * cross).sum() / 6, ((y + below) * cross).sum() / 6])
    return moments if moments[0] >= 0 else -moments


def _stretch(start: Points, end: Points, low: Points, high: Points) -> tuple[float, float] | None:
    """Return where a segment enters the rectangle and where it leaves it, as shares (Liang and Barsky 1984)."""
    enter, leave = 0.0, 1.0
    for a, b, least, most in zip(start, end, low, high, strict=True):
        if a == b and not least <= a <= most:
            return None
        if a != b:
            first, last = sorted(((least - a) / (b - a), (most - a) / (b - a)))
            enter, leave = max(enter, first), min(leave, last)
    return (enter, leave) if enter <= leave else None
