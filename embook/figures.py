"""Figure style and reproducible files: the same figure is the same bytes on the next run.

Lines are SVG without a date and with a fixed salt for its element names; dense figures are PNG at 150 dpi.
Colours are Okabe and Ito's, safe for colour-blind readers, and every colour has its own line style.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["COLOURS", "name_rows", "png", "setup"]

#: Okabe and Ito's palette, without its yellow (too pale on white), each with a line style of its own.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
LINE_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def setup() -> None:
    """Set figure style, reproducible SVG and array printing; call once, in the setup cell of a chapter."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(_style())
    mpl.rcParams["axes.prop_cycle"] = cycler(color=COLOURS) + cycler(linestyle=LINE_STYLES)
    np.set_printoptions(precision=4, suppress=True)
    _use_svg()


def _style() -> Any:
    """White paper under black ink: the theme's dark mode keeps a light panel behind figures."""
    return {
        "svg.hashsalt": "emlib",
        "figure.figsize": (6.4, 3.6),
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": "medium",
        "grid.alpha": 0.3,
        "lines.linewidth": 1.8,
        "legend.frameon": False,
        "font.size": 10.5,
    }


def _use_svg() -> None:
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if _in_kernel():
        set_matplotlib_formats("svg", metadata={"Date": None})  # type: ignore[no-untyped-call]


def _in_kernel() -> bool:
    from IPython.core.getipython import get_ipython

    return get_ipython() is not None


def name_rows(axes: Any, names: Sequence[str], lift: float = 6.0, foot: float = 0.25) -> None:
    """Write the names of rows 0, 1, ... above them, and not in the margin, which a phone cannot spare.

    Bands, every other one grey, join each name to its row.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Rows lie at whole numbers of its vertical axis, whose limits are set; leave about 25 points to a row.
    names : sequence of str
        One for each row.
    lift : float
        From a row to the foot of its name, points.
    foot : float
        How much of a band lies below its row, as a share of the distance between two rows.
    """
    up = -1 if axes.yaxis_inverted() else 1
    axes.set_yticks(range(len(names)), [""] * len(names))
    axes.tick_params(axis="y", length=0)
    for row, name in enumerate(names):
        axes.annotate(name, (0, row), (3, lift), ("axes fraction", "data"), "offset points", va="bottom")
        if row % 2:
            axes.axhspan(row - up * foot, row + up * (1 - foot), color="0.95", linewidth=0, zorder=0)


@contextmanager
def png(dpi: int = 150) -> Iterator[None]:
    """Draw the figures made inside as PNG: for scatter plots and contours, whose SVG would be too large.

    Examples
    --------
    ``with embook.png(): plt.scatter(x, y)``; the figure is shown when the block ends.
    """
    import matplotlib.pyplot as plt
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if _in_kernel():
        set_matplotlib_formats("png", dpi=dpi, metadata={"Software": None})  # type: ignore[no-untyped-call]
    try:
        yield
        plt.show()
    finally:
        _use_svg()
