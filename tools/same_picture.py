"""Compare two SVG pictures by what they show to a reader.

The marks are compared one by one in the order in which they are painted: words, colours and styles exactly, places
to within half a CSS pixel. Names of elements, the way curves are split into segments, and the outlines of letters
do not matter.

Another minor version of Matplotlib measures text otherwise, so that axes, labels and legends are laid out a few
pixels elsewhere. Then what is drawn in axes is compared relative to the axes, to within half a pixel as ever; the
axes themselves, text and legends may lie a few pixels from where they were.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from curve_distance import alike
from svg_marks import Mark, marks
from svg_paths import Curve, Points, area, inside

HALF_PIXEL = 0.5
LAYOUT = 6.0  # CSS pixels; 4.8 is the most that we saw between Matplotlib 3.10 and 3.11
MOST = 5  # differences told of one picture
Frame = tuple[Points, Points]  # the two corners of axes


def differences(committed: str, new: str) -> list[str]:
    """Return what a reader would see to differ, in words; nothing when the pictures show the same."""
    if committed == new:
        return []
    try:
        old, now = marks(committed), marks(new)
    except ValueError as error:
        return [f"the pictures differ, and one of them holds {error}, which is compared only exactly"]
    loose = _drawn_by(committed) != _drawn_by(new)
    if loose:
        now = _in_the_axes_of(old, now)
    found = [said for one, two in zip(old, now, strict=False) if (said := _difference(one, two, _limit(one, loose)))]
    if len(old) != len(now):  # from the first difference on, the marks are out of step
        first = found[0] if found else f"{max(old, now, key=len)[min(len(old), len(now))].name} is extra or missing"
        return [f"the picture has {len(now)} marks instead of {len(old)}; the first difference: {first}"]
    more = [f"and {len(found) - MOST} more differences"] if len(found) > MOST else []
    return found[:MOST] + more


def _drawn_by(text: str) -> str:
    """Return the minor version of Matplotlib that a picture names."""
    found = re.search(r"Matplotlib v(\d+\.\d+)", text)
    return found[1] if found else ""


def _limit(mark: Mark, loose: bool) -> float:
    """Return how far a mark may lie from where it was."""
    laid_out = mark.look[0] != "shape" or mark.group("legend") or _is_frame(mark) or not mark.group("axes")
    return LAYOUT if loose and laid_out else HALF_PIXEL


def _is_frame(mark: Mark) -> bool:
    """Return whether a mark is the background of axes: a patch directly inside their group."""
    return len(mark.groups) > 1 and mark.groups[-2].startswith("axes_") and mark.groups[-1].startswith("patch_")


def _in_the_axes_of(old: list[Mark], now: list[Mark]) -> list[Mark]:
    """Return the new marks with their axes moved back to where the committed ones lie."""
    before, after = _frames(old), _frames(now)
    found = []
    for mark in now:
        axes = mark.group("axes")
        near = axes in before and axes in after and np.abs(np.subtract(before[axes], after[axes])).max() <= LAYOUT
        if near and _limit(mark, loose=True) == HALF_PIXEL:
            moved = (_moved(mark.curves, after[axes], before[axes]), _moved(mark.windows, after[axes], before[axes]))
            mark = replace(mark, curves=moved[0], windows=moved[1])
        found.append(mark)
    return found


def _frames(found: list[Mark]) -> dict[str, Frame]:
    """Return the corners of all axes by their name.

    Axes that are switched off have no background; what is drawn in them is cut off at their edges.
    """
    backgrounds = [(mark, mark.curves) for mark in found if _is_frame(mark)]
    edges = [(mark, mark.windows) for mark in found if not mark.group("legend")]
    frames: dict[str, Frame] = {}
    for mark, curves in backgrounds + edges:
        if (axes := mark.group("axes")) and curves:
            points = curves[0].points
            frames.setdefault(axes, (points.min(axis=0), points.max(axis=0)))
    return frames


def _moved(curves: tuple[Curve, ...], start: Frame, end: Frame) -> tuple[Curve, ...]:
    (low, high), (to, top) = start, end
    return tuple(replace(curve, points=to + (curve.points - low) * (top - to) / (high - low)) for curve in curves)


def _difference(one: Mark, two: Mark, limit: float) -> str:
    """Return how two marks differ, or nothing."""
    if one.look != two.look:
        return _other_look(one, two)
    if found := _elsewhere(one.windows, two.windows, limit):
        return f"{one.name} is cut off {found}"
    found = _elsewhere(one.curves, two.curves, limit)
    if found and _elsewhere(_seen(one), _seen(two), limit):
        return f"{one.name} is drawn {found}"
    return f"{one.name} fills another area" if found and _fill_apart(one, two, limit) else ""


def _fill_apart(one: Mark, two: Mark, limit: float) -> bool:
    """Return whether the visible areas of two marks, whose outlines leave their windows, are not the same."""
    for window in one.windows:
        low, high = window.points.min(axis=0), window.points.max(axis=0)
        for first, second in zip(one.curves, two.curves, strict=True):
            apart = np.abs(area(first.points, low, high) - area(second.points, low, high))
            strip = 2 * limit * np.sum(high - low)  # of this width round the window
            if first.closed and (apart > strip * np.array([1.0, *(high - low)])).any():
                return True
    return False


def _elsewhere(before: tuple[Curve, ...], after: tuple[Curve, ...], limit: float) -> str:
    """Return how the curves of two marks lie apart, or nothing."""
    if [curve.closed for curve in before] != [curve.closed for curve in after]:
        return "in other pieces"
    for first, second in zip(before, after, strict=True):
        if not alike(first.points, second.points, limit):
            if first.points.shape != second.points.shape:
                return f"elsewhere, with {len(second.points)} vertices instead of {len(first.points)}"
            return f"elsewhere, up to {np.hypot(*(first.points - second.points).T).max():.1f} px away"
    return ""


def _seen(mark: Mark) -> tuple[Curve, ...]:
    """Return what is left of a mark inside its windows, all of which are rectangles in our figures.

    The windows are taken a pixel wider, since a curve may run along the edge.
    """
    curves = mark.curves
    for window in mark.windows:
        low, high = window.points.min(axis=0) - 1, window.points.max(axis=0) + 1
        curves = tuple(replace(curve, points=piece) for curve in curves for piece in inside(curve.points, low, high))
    return curves


def _other_look(one: Mark, two: Mark) -> str:
    if one.look[0] == two.look[0] == "text" and one.look[1] != two.look[1]:
        return f'{one.name} reads "{two.look[1]}"'
    if one.look[0] != two.look[0] or one.groups != two.groups:
        return f"in place of {one.name} there is {two.name}"
    lost, won = (", ".join(a for a in x.look if a not in y.look) for x, y in ((one, two), (two, one)))
    return f"{one.name} looks different: {lost or 'nothing'} became {won or 'nothing'}"
