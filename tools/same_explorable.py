"""Compare two explorables by what they show to a reader at every position of their sliders.

Their pictures are drawn in tenths of a CSS pixel. Paths and positions, in the markup and in the JSON, may differ by
half a pixel; a path is written as one point and steps from there, so what is compared is where the steps lead.
Everything else, every word, printed number and number of the script's data included, is compared exactly.
"""

from __future__ import annotations

import re

import numpy as np

from curve_distance import alike
from svg_paths import Points, curves

HALF_PIXEL = 5.0  # picture units
PATH = r"M-?\d+ -?\d+l-?\d+ -?\d+(?: -?\d+ -?\d+)*(?![-\d. ])"
COORDINATE = r'(?:(?<= [xy]=")|(?<= [cr][xy]="))-?\d+(?=")'
PLACE = r"(?<=translate\()-?\d+ -?\d+(?=\))"
PLACES = r'(?<="positions":\[\[)-?\d+,-?\d+(?:\],\[-?\d+,-?\d+)*(?=\]\])'
DRAWN = re.compile("|".join((PATH, COORDINATE, PLACE, PLACES)))
AROUND = 30  # characters told on either side of a difference


def is_explorable(html: str) -> bool:
    """Return whether this HTML is an explorable's."""
    return '<div class="emx"' in html


def differences(committed: str, new: str) -> list[str]:
    """Return what a reader would see to differ, in words; nothing when the explorables show the same."""
    before, after = DRAWN.sub("#", committed), DRAWN.sub("#", new)
    if before != after:
        return [first_difference(before, after)]
    drawn = zip(DRAWN.findall(committed), DRAWN.findall(new), strict=True)
    return [f"{one[:AROUND]} became {two[:AROUND]}{by}" for one, two in drawn if (by := _elsewhere(one, two))]


def _elsewhere(one: str, two: str) -> str:
    """Return how far a path or a position has moved, or nothing when it has not."""
    first, second = _points(one), _points(two)
    comparable, path = first.shape == second.shape, one.startswith("M")
    near = comparable and bool(np.hypot(*(first - second).T).max() <= HALF_PIXEL)
    if one == two or near or (path and alike(first, second, HALF_PIXEL)):
        return ""
    return f", up to {np.hypot(*(first - second).T).max() / 10:.1f} px away" if comparable else ", another curve"


def _points(written: str) -> Points:
    """Return the points of a path, or of a position or several; a single coordinate stands for itself and 0."""
    if written.startswith("M"):
        return curves(written)[0].points
    numbers = [float(number) for number in re.findall(r"-?\d+", written)]
    return np.array(numbers if len(numbers) > 1 else [*numbers, 0.0]).reshape(-1, 2)


def first_difference(one: str, two: str) -> str:
    """Return where two texts begin to differ."""
    same = (k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
    start = next(same, min(len(one), len(two)))
    before, after = (text[max(0, start - AROUND) : start + AROUND].replace("\n", " ") for text in (one, two))
    return f'where it said "{before}", it says "{after}"'
