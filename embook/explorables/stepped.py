"""Figures drawn beforehand for a few positions: `slider` has a range input, `draggable` a handle in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embook.explorables.axes import Axes
from embook.explorables.controls import AGAIN, range_control
from embook.explorables.page import Explorable, assembled, checked, drawing, knob, legend

STYLES = ("s0", "s1 dashed", "s2 dashdot", "s3 dotted")


@dataclass(frozen=True)
class Stepped:
    """The frames of a stepped figure and the words that go with them.

    Parameters
    ----------
    frames : sequence of mappings
        For each position, curve name to points of shape (n, 2); all frames name the same curves in the same order.
    axes : Axes
        The ranges that the picture shows.
    values : sequence of str
        What the control says at each position ("separation 2.0").
    labels : tuple of two str
        Labels of the horizontal and the vertical axis.
    fixed : mapping
        Curves that stay: name to points of shape (n, 2).
    start : int
        The position drawn before a reader touches anything.
    ranges : sequence of array_like
        For each position the outline of a range that is shaded under the curves, shape (m, 2); see `outline`.
    range_name : str
        What the shading shows.
    """

    frames: Sequence[Mapping[str, ArrayLike]]
    axes: Axes
    values: Sequence[str]
    labels: tuple[str, str]
    fixed: Mapping[str, ArrayLike]
    start: int
    ranges: Sequence[ArrayLike] = ()
    range_name: str = ""

    def __post_init__(self) -> None:
        if len(self.frames) < 2 or len(self.values) != len(self.frames):
            raise ValueError(
                f"values has {len(self.values)} entries for {len(self.frames)} frames: give one each, two at least"
            )
        if not 0 <= self.start < len(self.frames):
            raise ValueError(f"start is {self.start}: give a frame from 0 to {len(self.frames) - 1}")
        for k, frame in enumerate(self.frames):
            if list(frame) != list(self.frames[0]):
                raise ValueError(
                    f"frames[{k}] names {list(frame)}, frames[0] {list(self.frames[0])}: use the same curves"
                )
        if self.ranges and (len(self.ranges) != len(self.frames) or not self.range_name):
            raise ValueError(
                f"ranges has {len(self.ranges)} entries for {len(self.frames)} frames: give one each, and range_name"
            )
        if len(self.frames[0]) + len(self.fixed) > len(STYLES):
            raise ValueError(
                f"{len(self.frames[0]) + len(self.fixed)} curves: show at most {len(STYLES)} in one picture"
            )

    def paths(self) -> list[list[str]]:
        """Return for each position the outline of the range, if there is one, and the path of each moving curve."""
        curves = [[self.axes.path(points) for points in frame.values()] for frame in self.frames]
        outlines = [[f"{self.axes.path(points)}z"] for points in self.ranges] or [[] for _ in curves]
        return [under + above for under, above in zip(outlines, curves, strict=True)]

    def picture(self, id: str) -> str:
        """Return axes, fixed curves and the moving curves at the start, cut off at the axes."""
        still = [
            f'<path class="curve thin {s}" d="{self.axes.path(p)}"/>'
            for s, p in zip(STYLES, self.fixed.values(), strict=False)
        ]
        classes = ["range"] * bool(self.ranges) + [f"curve {style}" for style in STYLES[len(self.fixed) :]]
        moving = [
            f'<path class="{c}" data-curve d="{d}"/>' for c, d in zip(classes, self.paths()[self.start], strict=False)
        ]
        left, top, width, height = self.axes.clip()
        inside = f'<rect x="{left}" y="{top - 30}" width="{width + 30}" height="{height + 30}"/>'
        window = f'<clipPath id="{id}-clip">{inside}</clipPath>'
        return f'{self.axes.drawn(*self.labels)}{window}<g clip-path="url(#{id}-clip)">{"".join(still + moving)}</g>'

    def legend(self) -> str:
        """Return the curves' names beside samples of their lines."""
        names = [*self.fixed, *self.frames[0]]
        thin = [" thin"] * len(self.fixed) + [""] * len(self.frames[0])
        shaded = [("shade", escape(self.range_name))] if self.ranges else []
        return legend([(s + t, escape(name)) for s, t, name in zip(STYLES, thin, names, strict=False)] + shaded)


def outline(x: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Return the outline of the range from `low` to `high` over `x`: forwards along the one, back along the other."""
    there, back = np.column_stack([x, low]), np.column_stack([x, high])
    return np.asarray(np.vstack([there, back[::-1]]), dtype=float)


def slider(
    id: str,
    frames: Sequence[Mapping[str, ArrayLike]],
    *,
    alt: str,
    label: str,
    values: Sequence[str],
    axes: Axes,
    labels: tuple[str, str],
    fixed: Mapping[str, ArrayLike] | None = None,
    says: Sequence[str] | None = None,
    start: int = 0,
    ranges: Sequence[ArrayLike] = (),
    range_name: str = "",
) -> Explorable:
    """Return a figure with a range input under it that steps through `frames`.

    Parameters
    ----------
    id : str
        Stable HTML id, unique on its page; never derived from a time or an address.
    frames, values, axes, labels, fixed, start, ranges, range_name
        As in `Stepped`.
    alt : str
        What the figure shows, in a sentence.
    label : str
        Name of what the slider changes.
    says : sequence of str, optional
        What the figure tells at each position, also read out; `values` when not given.

    Raises
    ------
    ValueError
        When the frames do not match each other or their words, or `id` or `alt` will not do.
    """
    figure = Stepped(frames, axes, values, labels, fixed or {}, start, ranges, range_name)
    words = (values[start], values[start])
    control = range_control(id, "range", label, (0, len(frames) - 1, 1), start, words)
    return _stepped(id, figure, alt, drawing(axes.width, axes.height, alt, figure.picture(id)), control, says)


def draggable(
    id: str,
    frames: Sequence[Mapping[str, ArrayLike]],
    positions: ArrayLike,
    *,
    alt: str,
    label: str,
    values: Sequence[str],
    axes: Axes,
    labels: tuple[str, str],
    fixed: Mapping[str, ArrayLike] | None = None,
    says: Sequence[str] | None = None,
    start: int = 0,
) -> Explorable:
    """Return a figure with a handle to be dragged, or moved by the arrow keys, along `positions`, one for each frame.

    Parameters
    ----------
    positions : array_like, shape (len(frames), 2)
        Where the handle lies for each frame, in the numbers of the axes.
    id, frames, alt, label, values, axes, labels, fixed, says, start
        As in `slider`.
    """
    figure = Stepped(frames, axes, values, labels, fixed or {}, start)
    at = np.asarray(positions, dtype=float)
    if at.shape != (len(frames), 2) or not np.isfinite(at).all():
        raise ValueError(
            f"positions has shape {at.shape}: give finite numbers of shape ({len(frames)}, 2), a point for each frame"
        )
    units = np.column_stack([axes.px(at[:, 0]), axes.py(at[:, 1])]).tolist()
    held = knob(label, (units[start][0], units[start][1]), 0, len(frames) - 1, str(start), values[start])
    now = f'<span class="emx-value" data-part="range_value">{escape(values[start])}</span>'
    line = f'<p class="emx-control"><span>{escape(label)}</span><span></span>{now}</p>'
    return _stepped(id, figure, alt, drawing(axes.width, axes.height, alt, figure.picture(id), held), line, says, units)


def _stepped(
    id: str,
    figure: Stepped,
    alt: str,
    picture: str,
    control: str,
    says: Sequence[str] | None,
    positions: list[list[int]] | None = None,
) -> Explorable:
    checked(id, alt)
    told = list(figure.values if says is None else says)
    if len(told) != len(figure.frames):
        raise ValueError(f"says has {len(told)} entries for {len(figure.frames)} frames: give one each")
    data = {"paths": figure.paths(), "values": list(figure.values), "says": told, "positions": positions}
    body = figure.legend() + picture + control + AGAIN
    script = f"(root, data) => {{ root.dataset.index = {figure.start}; emlib.stepped(root, data); }}"
    return assembled(id, body, data, "stepped.js", script, alt, tells="" if says is None else told[figure.start])
