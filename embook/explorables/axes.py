"""Axes of a hand-written SVG picture: numbers to whole picture units, paths, ticks.

Picture units are tenths of a CSS pixel at full size, so that whole numbers are fine enough for a smooth curve
and the same bytes come out on every machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGIT = 156  # width of a digit in explorables.css's largest type, that of narrow screens, in picture units

@dataclass(frozen=True)
class Axes:
    """A rectangle of numbers and the picture that shows it.

    Parameters
    ----------
    x, y : tuple of two floats
        The ranges shown.
    width, height : int
        Size of the whole picture, in picture units.
    left, right, top, bottom : int
        Margins round the drawing, in picture units; the right one grows where the last tick needs more room.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 6400
    height: int = 3800
    left: int = 620
    right: int = 160
    top: int = 120
    bottom: int = 540

    def __post_init__(self) -> None:
        for name, (low, high) in (("x", self.x), ("y", self.y)):
            if not (np.isfinite(low) and np.isfinite(high) and low < high):
                raise ValueError(f"{name} is ({low}, {high}): give two finite numbers, the smaller one first")
        object.__setattr__(self, "right", max(self.right, self._room_for_last_tick()))

    def px(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return horizontal picture units of `x`, rounded half up as the script rounds."""
        share = (np.asarray(x, dtype=float) - self.x[0]) / (self.x[1] - self.x[0])
        return np.floor(self.left + share * (self.width - self.left - self.right) + 0.5).astype(np.int64)

    def py(self, y: ArrayLike) -> NDArray[np.int64]:
        """Return vertical picture units of `y`, counted downwards as SVG does."""
        share = (np.asarray(y, dtype=float) - self.y[0]) / (self.y[1] - self.y[0])
        lifted = self.height - self.bottom - share * (self.height - self.top - self.bottom)
        return np.floor(lifted + 0.5).astype(np.int64)

    def path(self, points: ArrayLike) -> str:
        """Return the path through `points`, shape (n, 2): one absolute point, then whole-number steps."""
        at = np.asarray(points, dtype=float)
        if at.ndim != 2 or at.shape[1] != 2 or len(at) == 0 or not np.isfinite(at).all():
            raise ValueError(f"points has shape {at.shape}: give an (n, 2) array of finite numbers, n at least 1")
        units = np.column_stack([self.px(at[:, 0]), self.py(at[:, 1])])
        steps = " ".join(f"{dx} {dy}" for dx, dy in np.diff(units, axis=0).tolist())
        return f"M{units[0, 0]} {units[0, 1]}l{steps}" if steps else f"M{units[0, 0]} {units[0, 1]}l0 0"

    def clip(self) -> tuple[int, int, int, int]:
        """Return left, top, width and height of the drawing inside its margins."""
        return self.left, self.top, self.width - self.left - self.right, self.height - self.top - self.bottom

    def drawn(self, x_label: str, y_label: str) -> str:
        """Return the two axes with their ticks and labels, as SVG."""
        left, top, width, height = self.clip()
        parts = [f'<path class="axis" d="M{left} {top}v{height}h{width}"/>']
        for tick in ticks(*self.x):
            parts.append(_text(int(self.px(tick)), top + height + 230, "middle", _number(tick)))
        for tick in ticks(*self.y):
            parts.append(_text(left - 80, int(self.py(tick)) + 50, "end", _number(tick)))
        parts.append(_text(left + width, self.height - 60, "end", x_label))
        parts.append(_text(left + 90, top + 150, "start", y_label))
        return "".join(parts)

    def _room_for_last_tick(self) -> int:
        last = ticks(*self.x)[-1]
        beyond = (self.x[1] - last) / (self.x[1] - self.x[0])
        half = len(_number(last)) * DIGIT / 2
        return int(np.ceil((half - beyond * (self.width - self.left)) / (1 - beyond)))

    def data(self) -> dict[str, Any]:
        """Return the same numbers for the script."""
        return asdict(self)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return round numbers between `low` and `high`, at most `most` of them."""
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= rough * (1 - 1e-9))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(np.round(k * step, 10)) for k in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _text(x: int, y: int, anchor: str, words: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
