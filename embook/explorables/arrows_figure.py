"""The explorable *three arrows*: gradient, EM and Newton from one point of a likelihood surface."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from embook.explorables.axes import Axes
from embook.explorables.controls import AGAIN, part, range_control, step_row, steps_table
from embook.explorables.mixture import Arrows, arrows, loglik, sample, scores, summit
from embook.explorables.page import Explorable, assembled, drawing, gain, knob, legend, shown

SEPARATIONS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5)
FIRST, UNIT, START = 6, -0.75, (-0.2, 1.6)
AXES = Axes(x=(-3.2, 1.2), y=(-1.2, 3.2), width=5200, height=5200, left=520, right=120, top=60, bottom=580)
LEVELS = (0.25, 1.0, 3.0, 6.0, 10.0, 16.0, 24.0, 36.0, 52.0, 72.0)
NAMES = (("em", "EM"), ("newton", "Newton"), ("gradient", "Gradient"))
LEGEND = (
    ("em", "EM's arrow, on the ellipse of P"),
    ("newton dashed", "Newton's arrow"),
    ("gradient dashdot", "gradient's arrow, on the circle of your units"),
)
ALT = (
    "Contours of the log-likelihood of two unknown means, with the summit at minus 2 and 2. From the point minus 0.2 "
    "and 1.6, EM's arrow and Newton's point almost the same way, towards the summit, EM's being the shorter; the "
    "gradient's arrow, drawn for other units of the second mean, points well away from both. EM's arrow ends on the "
    "ellipse of its matrix P."
)


def three_arrows(id: str = "three-arrows") -> Explorable:
    """Return the explorable for a notebook or a page; `id` must be unique on its page."""
    picture = drawing(AXES.width, AXES.height, ALT, _image(id), _handle())
    body = (
        f'{legend(LEGEND)}\n<div class="emx-columns"><div>{picture}</div>\n<div>{_controls(id)}{_readout()}</div></div>'
    )
    return assembled(id, body, _data(), "three_arrows.js", "emlib.threeArrows.start", ALT)


@cache
def hill(separation: float) -> dict[str, Any]:
    """Return contours, maximum and EM's rate at the maximum for one separation."""
    x = sample(separation)
    top, rate = summit(x, separation)
    side = np.linspace(*AXES.x, 67), np.linspace(*AXES.y, 67)
    grid = np.stack(np.meshgrid(*side), axis=-1)
    below = loglik(grid, x) - float(loglik(top, x))
    lines = contour_generator(*side, below)
    paths = [AXES.path(line) for level in LEVELS for line in lines.lines(-level) if isinstance(line, np.ndarray)]
    return {"levels": "".join(paths), "summit": np.round(top, 6).tolist(), "rate": round(rate, 6)}


def _data() -> dict[str, Any]:
    return {
        "axes": AXES.data(),
        "scores": scores().tolist(),
        "separations": SEPARATIONS,
        "hills": [hill(s) for s in SEPARATIONS],
        "start": START,
        "first": FIRST,
        "unit": UNIT,
        "limits": [[-3.1, 1.1], [-1.1, 3.1]],
        "nudge": 0.05,
    }


def _at_start() -> Arrows:
    return arrows(np.array(START), sample(SEPARATIONS[FIRST]), 2.0**UNIT)


def _image(id: str) -> str:
    left, top, width, height = AXES.clip()
    peak = hill(SEPARATIONS[FIRST])["summit"]
    at = _at_start()
    return (
        f'<clipPath id="{id}-clip"><rect x="{left}" y="{top}" width="{width}" height="{height}"/></clipPath>'
        + AXES.drawn("m₁", "m₂")
        + f'<g clip-path="url(#{id}-clip)">'
        + f'<path class="level" data-part="levels" d="{hill(SEPARATIONS[FIRST])["levels"]}"/>'
        + f'<g data-part="summit" transform="translate({int(AXES.px(peak[0]))} {int(AXES.py(peak[1]))})">'
        + '<path class="curve thin" d="M-80 0h160M0-80v160"/><text x="0" y="280" text-anchor="middle">summit</text></g>'
        + _ellipse("ball", "gradient thin dotted", at.ball, at.gradient)
        + _ellipse("projection", "em thin", at.projection, at.gradient)
        + "".join(_arrow(name, at.steps[name]) for name in ("gradient", "newton", "em"))
        + "</g>"
    )


def _ellipse(name: str, kind: str, matrix: NDArray[np.float64], gradient: NDArray[np.float64]) -> str:
    """Return the ellipse of all steps as long as this method's own in the norm of its diagonal `matrix`."""
    scale = int(AXES.px(AXES.x[0] + 1) - AXES.px(AXES.x[0]))
    rx, ry = np.floor(scale * np.sqrt(matrix * (matrix * gradient**2).sum()) + 0.5).astype(int).tolist()
    fill = "var(--gap)" if name == "projection" else "none"
    centre = f'cx="{int(AXES.px(START[0]))}" cy="{int(AXES.py(START[1]))}"'
    return f'<ellipse class="curve {kind}" style="fill:{fill}" data-part="{name}" {centre} rx="{rx}" ry="{ry}"/>'


def _arrow(name: str, step: NDArray[np.float64]) -> str:
    x, y = int(AXES.px(START[0])), int(AXES.py(START[1]))
    dx, dy = int(AXES.px(START[0] + step[0])) - x, int(AXES.py(START[1] + step[1])) - y
    head = min(230.0, float(np.hypot(dx, dy)) / 2) / 230
    turn = int(np.floor(np.degrees(np.arctan2(dy, dx)) + 0.5))
    style = {"em": "em", "newton": "newton dashed", "gradient": "gradient dashdot"}[name]
    return (
        f'<path class="curve {style}" data-part="{name}-shaft" d="M{x} {y}l{dx} {dy}"/>'
        f'<path class="dot {name}" data-part="{name}-head" d="M30 0l-230 100 40-100-40-100z" '
        f'transform="translate({x + dx} {y + dy}) rotate({turn}) scale({head:.2f})"/>'
    )


def _handle() -> str:
    words = f"mu one {shown(START[0], 2)}, mu two {shown(START[1], 2)}"
    place = (int(AXES.px(START[0])), int(AXES.py(START[1])))
    return knob("the two means, from which the arrows start", place, -3.1, 1.1, f"{START[0]:.2f}", words, plane=True)


def _controls(id: str) -> str:
    apart, factor = f"{SEPARATIONS[FIRST]:.1f}", shown(2**UNIT, 2)
    span = (0, len(SEPARATIONS) - 1, 1)
    spoken = f"one old unit is {factor} new ones"
    return range_control(id, "separation", "separation", span, FIRST, (apart, apart)) + range_control(
        id, "unit", "units of m₂", (-1.5, 1.5, 0.25), UNIT, (factor, spoken)
    )


def _readout() -> str:
    at = _at_start()
    share = float(np.hypot(*at.steps["em"]) / np.hypot(*at.steps["newton"]))
    rate = float(hill(SEPARATIONS[FIRST])["rate"])
    return (
        steps_table(("(Δm₁, Δm₂)", "ℓ gains"), [_row(at, name, title) for name, title in NAMES])
        + f"<p>EM's arrow has {part('share', shown(share, 2), 'strong')} of Newton's length. "
        + f"At the summit each EM step leaves {part('rate', shown(rate, 2), 'strong')} of the error.</p>"
        + part("warning", "The surface is concave here: Newton's arrow sets out uphill.", "p")
        + '<p class="emx-note">Drag the disc, or press the arrow keys on it. The gradient\'s step length gives its '
        + f"matrix the determinant of P, so that only its shape is at stake. {AGAIN}</p>"
    )


def _row(at: Arrows, name: str, title: str) -> str:
    step = at.steps[name]
    by = f"({shown(float(step[0]), 2)}, {shown(float(step[1]), 2)})"
    rise = float(loglik(np.array(START) + step, sample(SEPARATIONS[FIRST]))) - at.loglik
    return step_row(name, title, [("by", by), ("gain", gain(rise, 2))])
