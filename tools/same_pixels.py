"""Compare two PNG pictures by what they show to a reader.

Counting pixels does not tell: a thin line that moves by half a pixel changes every pixel along it, and a missing point
changes hardly any. So both pictures are blurred a little, which makes a line equally dark wherever it lies between
two columns of pixels, and each pixel of one must find its colour, channel by channel, between the extremes of
its neighbours in the other. A difference counts when it fills a square of three by three pixels.

At 150 dpi a neighbour is 0.64 CSS pixels away, so a shift by half a CSS pixel passes, and one by two does not, be it of
a line, of one point or of a cloud of thousands. What this cannot see: a pale line, or one thinner than half a point,
that moves a little, and colours less than a tenth of the range apart.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

BLUR = np.array([1, 4, 6, 4, 1]) / 16
SLACK = 24.0  # of 255: more than half a pixel's shift leaves, less than between white and light grey
BLOCK = np.ones((3, 3))  # shifts in a dense cloud leave single pixels; the smallest marker leaves a block
Pixels = NDArray[np.float64]


def differences(committed: str, new: str) -> list[str]:
    """Return what a reader would see to differ between two pictures in base64; nothing when they show the same."""
    one, two = _pixels(committed), _pixels(new)
    if one.shape != two.shape:
        sizes = [f"{shape[1]} x {shape[0]}" for shape in (one.shape, two.shape)]
        return [f"the picture is {sizes[1]} pixels large instead of {sizes[0]}"]
    off = ndimage.binary_opening(_stray(one, two), BLOCK) | ndimage.binary_opening(_stray(two, one), BLOCK)
    if not off.any():
        return []
    (rows, columns), n_off = np.nonzero(off), int(off.sum())
    where = f"columns {columns.min()} to {columns.max()}, rows {rows.min()} to {rows.max()}"
    return [f"{n_off} pixels have another colour ({where})"]


def _pixels(text: str) -> Pixels:
    """Decode a picture onto white paper and blur it; shape (height, width, 3)."""
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    values = np.asarray(Image.alpha_composite(paper, picture).convert("RGB"), dtype=float)
    for axis in (0, 1):
        values = ndimage.convolve1d(values, BLUR, axis=axis, mode="nearest")
    return values


def _stray(one: Pixels, two: Pixels) -> NDArray[np.bool_]:
    """Return where the first picture has a colour that is far from all colours round that place in the second."""
    near = (3, 3, 1)
    low, high = (turn(two, size=near, mode="nearest") for turn in (ndimage.minimum_filter, ndimage.maximum_filter))
    return np.asarray(((one < low - SLACK) | (one > high + SLACK)).any(axis=-1))
