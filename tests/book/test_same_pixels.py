"""PNG pictures compared by what they show: half a pixel passes; two pixels, a lost point and another shade do not."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

from same_pixels import differences

X = np.linspace(0, 10, 200)
SPREAD = np.random.default_rng(1).uniform(1, 9, size=(150, 2))
DENSE = np.random.default_rng(1).normal(5, 1, size=(3000, 2))
LINES = [(X, 5 + 3 * np.sin(X), "-"), ([1, 1], [1, 9], "-"), ([0, 10], [0, 9], "--")]


def drawn(*curves: Any, shift: tuple[float, float] = (0, 0), shade: str = "white", dpi: int = 150, **style: Any) -> str:
    """Draw curves (x, y, format), moved by CSS pixels, in axes on a shade of paper."""
    figure = Figure(figsize=(5.6, 3.8))
    axes = figure.add_subplot(xlim=(0, 10), ylim=(0, 10), facecolor=shade)
    moved = axes.transData + Affine2D().translate(*(dpi / 96 * np.array(shift)))
    for x, y, form in curves:
        axes.plot(x, y, form, transform=moved, **{"color": "0.3", **style})
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return base64.b64encode(file.getvalue()).decode()


def cloud(points: Any, **style: Any) -> str:
    return drawn((*np.transpose(points), "."), **style)


SHOWN: dict[str, Any] = {
    "lines": lambda **given: drawn(*LINES, linewidth=1.8, **given),
    "thin lines": lambda **given: drawn(*LINES, linewidth=0.8, **given),
    "points": lambda **given: cloud(SPREAD, **given),
    "small points": lambda **given: cloud(SPREAD, markersize=2, **given),
    "a dense cloud": lambda **given: cloud(DENSE, **given),
}


@pytest.mark.parametrize("draw", SHOWN.values(), ids=SHOWN)
def test_half_a_pixel_is_not_seen_and_two_are(draw: Any) -> None:
    before = draw()
    for shift in [(0.5, 0), (0, 0.5), (0.3, -0.3)]:
        assert differences(before, draw(shift=shift)) == []
    for shift in [(2, 0), (0, 2), (1.4, -1.4)]:
        assert "pixels have another colour" in differences(before, draw(shift=shift))[0]


@pytest.mark.parametrize("size", [2, 6])
def test_one_point_is_missed_and_seen_to_move_by_two_pixels(size: int) -> None:
    before, elsewhere = cloud(SPREAD, markersize=size), SPREAD.copy()
    elsewhere[7, 0] += 2 * 10 / (0.775 * 5.6 * 96)
    for after in (np.delete(SPREAD, 7, axis=0), elsewhere):
        found = differences(before, cloud(after, markersize=size))
        assert len(found) == len(differences(cloud(after, markersize=size), before)) == 1


def test_shades_are_told_apart() -> None:
    before = drawn(*LINES)
    assert differences(before, drawn(*LINES, shade="lightgrey"))
    assert differences(before, drawn(*LINES, color="#0072B2"))


def test_another_size_is_another_picture() -> None:
    assert differences(drawn(), drawn(dpi=100)) == ["the picture is 560 x 380 pixels large instead of 840 x 570"]
