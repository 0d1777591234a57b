"""The explorable *same slope, different curvature*: genetic linkage, its log-likelihood and EM's bound at a point.

The script works the numbers out afresh at each position; here the same formulas draw the start, so that the figure
stands without a script, and a test holds the two and `emlib.models.Linkage` against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embook.explorables.axes import Axes
from embook.explorables.controls import AGAIN, part, step_row, steps_table
from embook.explorables.page import Explorable, assembled, drawing, gain, knob, legend, shown

COUNTS = (125, 18, 20, 34)  # Rao 1965, as used by Dempster, Laird and Rubin 1977
SUMMIT = float((15 + np.sqrt(53809)) / 394)
START, LIMITS, RATE = 0.3, (0.2, 0.92), 0.001
AXES = Axes(x=(0.15, 0.95), y=(-28.0, 5.0), height=3700)
GRID = np.round(np.linspace(0.15, 0.95, 101), 6)
REACH, UNIT = 0.4, np.round(np.linspace(-1.0, 1.0, 41), 6)
TANGENT = 0.13

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

ALT = (
    "The log-likelihood of the linkage data against theta, highest at 0.627, and under it EM's lower bound, which "
    "touches it at the point theta = 0.3 with the same tangent. A parabola with the bound's own curvature is narrower "
    "than the one with the log-likelihood's curvature. Marks on the axis show where EM, Newton and a gradient step "
    "lead: 0.570, 0.537 and 0.413."
)
LEGEND = (
    ("ink", "ℓ, the log-likelihood"),
    ("em", "F, EM's bound made at θ"),
    ("gradient thin", "their common tangent"),
    ("newton dashed", "parabola with ℓ's curvature I<sub>o</sub>"),
    ("em dotted", "parabola with F's curvature I<sub>c</sub>"),
)
STEPS = (
    ("em", "● EM", "the bound's top"),
    ("newton", "◆ Newton", "the dashed parabola's top"),
    ("gradient", "▲ Gradient", f"θ + {RATE:g} × slope"),
)


def loglik(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-likelihood up to its constant, cells (1/2 + t/4, (1-t)/4, (1-t)/4, t/4)."""
    first, second, third, fourth = COUNTS
    return np.asarray(first * np.log(2 + theta) + (second + third) * np.log1p(-theta) + fourth * np.log(theta))


TOP = round(float(loglik(np.array(SUMMIT))), 6)  # in the script's data: another processor's log differs in the last bit


def numbers(theta: float) -> dict[str, float]:
    """Return slope, curvatures and the three steps at `theta`, under the names that the script uses."""
    first, others, fourth = COUNTS[0], COUNTS[1] + COUNTS[2], COUNTS[3]
    hidden = first * theta / (2 + theta)
    slope = first / (2 + theta) - others / (1 - theta) + fourth / theta
    seen = first / (2 + theta) ** 2 + others / (1 - theta) ** 2 + fourth / theta**2
    complete = (hidden + fourth) / theta**2 + others / (1 - theta) ** 2
    return {
        "theta": theta,
        "loglik": float(loglik(np.array(theta))),
        "hidden": hidden,
        "slope": slope,
        "bound_slope": (hidden + fourth) / theta - others / (1 - theta),
        "observed_information": seen,
        "complete_information": complete,
        "missing_fraction": 1 - seen / complete,
        "em": (hidden + fourth) / (hidden + fourth + others),
        "newton": theta + slope / seen,
        "gradient": theta + RATE * slope,
    }


def curves(theta: float) -> dict[str, Curve]:
    """Return the curves drawn at `theta`, each a function of the horizontal axis, measured from the summit."""
    at, others = numbers(theta), COUNTS[1] + COUNTS[2]
    level = at["loglik"] - TOP

    def bound(x: NDArray[np.float64]) -> NDArray[np.float64]:
        rise = (at["hidden"] + COUNTS[3]) * np.log(x / theta) + others * np.log((1 - x) / (1 - theta))
        return np.asarray(level + rise)

    def parabola(curvature: float) -> Curve:
        return lambda x: level + at["slope"] * (x - theta) - curvature * (x - theta) ** 2 / 2

    return {
        "bound": bound,
        "seen": parabola(at["observed_information"]),
        "complete": parabola(at["complete_information"]),
        "tangent": parabola(0.0),
    }


def same_slope(id: str = "same-slope") -> Explorable:
    """Return the explorable for a notebook or a page; `id` must be unique on its page."""
    picture = drawing(AXES.width, AXES.height, ALT, _image(id), _handle())
    body = f"{legend(LEGEND)}\n{picture}\n{_readout()}"
    return assembled(id, body, _data(), "same_slope.js", "emlib.sameSlope.start", ALT)


def _aspect() -> float:
    """Return how much longer a nat is drawn than a unit of theta; it keeps the tangent's length on paper."""
    _, _, width, height = AXES.clip()
    return round((height / (AXES.y[1] - AXES.y[0])) / (width / (AXES.x[1] - AXES.x[0])), 6)


def _data() -> dict[str, object]:
    return {
        "axes": AXES.data(),
        "y": COUNTS,
        "rate": RATE,
        "summit": TOP,
        "start": START,
        "limits": LIMITS,
        "nudge": 0.01,
        "grid": GRID.tolist(),
        "unit": UNIT.tolist(),
        "reach": REACH,
        "tangent": TANGENT,
        "aspect": _aspect(),
    }


def _line(name: str, x: NDArray[np.float64]) -> str:
    return AXES.path(np.column_stack([x, curves(START)[name](x)]))


def _image(id: str) -> str:
    left, top, width, height = AXES.clip()
    likelihood = np.column_stack([GRID, loglik(GRID) - TOP])
    under = np.column_stack([GRID, curves(START)["bound"](GRID)])
    near = START + REACH * UNIT
    ends = np.array([-1.0, 1.0]) * TANGENT / np.hypot(1, numbers(START)["slope"] * _aspect())
    peak = int(AXES.px(SUMMIT))
    return (
        f'<clipPath id="{id}-clip"><rect x="{left}" y="{top}" width="{width}" height="{height}"/></clipPath>'
        + AXES.drawn("θ", "ℓ minus its maximum (nats)")
        + f'<path class="curve thin soft dotted" d="M{peak} {top}v{height}"/>'
        + f'<text x="{peak + 60}" y="{top + height - 90}">summit</text>'
        + f'<g clip-path="url(#{id}-clip)">'
        + f'<path data-part="gap" fill="var(--gap)" d="{AXES.path(np.vstack([likelihood, under[::-1]]))}z"/>'
        + f'<path class="curve newton dashed" data-part="seen" d="{_line("seen", near)}"/>'
        + f'<path class="curve em dotted" data-part="complete" d="{_line("complete", near)}"/>'
        + f'<path class="curve em" data-part="bound" d="{_line("bound", GRID)}"/>'
        + f'<path class="curve ink" d="{AXES.path(likelihood)}"/>'
        + f'<path class="curve gradient" data-part="tangent" d="{_line("tangent", START + ends)}"/>'
        + "".join(_mark(name, curve) for name, curve in (("em", "bound"), ("newton", "seen"), ("gradient", "tangent")))
        + "</g>"
        + "".join(_dot(name) for name in ("gradient", "newton", "em"))
    )


def _mark(name: str, curve: str) -> str:
    to = numbers(START)[name]
    high = min(float(curves(START)[curve](np.array(to))), AXES.y[1])
    return f'<path class="curve thin {name}" data-part="{name}-drop" d="{AXES.path([[to, high], [to, AXES.y[0]]])}"/>'


def _dot(name: str) -> str:
    shape = {
        "em": '<circle r="75"/>',
        "newton": '<path d="M0-100l90 100-90 100-90-100z"/>',
        "gradient": '<path d="M0-95l90 160h-180z"/>',
    }
    at = f"translate({int(AXES.px(numbers(START)[name]))} {int(AXES.py(AXES.y[0]))})"
    return f'<g class="dot {name}" data-part="{name}-dot" transform="{at}">{shape[name]}</g>'


def _handle() -> str:
    at = numbers(START)
    height = at["loglik"] - TOP
    words = f"theta {shown(START, 3)}, missing share {shown(at['missing_fraction'], 3)}"
    place = (int(AXES.px(START)), int(AXES.py(height)))
    return knob("theta, the point where the bound touches", place, *LIMITS, shown(START, 3), words)


def _readout() -> str:
    at = numbers(START)
    cell = {name: part(name, text) for name, text in _texts(at).items()}
    width = shown(100 - 100 * at["missing_fraction"], 1)
    heads = ("it leads to", "at θ =", "ℓ gains")
    return (
        f"<p>At θ = {cell['theta']} both slopes are {cell['slope']}. The curvatures differ: "
        f"I<sub>c</sub> = {cell['complete_value']} for the bound, I<sub>o</sub> = {cell['seen_value']} for ℓ; "
        "the rest of the bar is missing information.</p>"
        f'<div class="emx-bar" aria-hidden="true"><span class="seen" data-part="bar" style="width:{width}%"></span>'
        '<span class="missing"></span></div>'
        f"<p>Missing share 1 − I<sub>o</sub>/I<sub>c</sub> = <strong>{cell['share']}</strong>. "
        f"At the summit it is {shown(numbers(SUMMIT)['missing_fraction'], 4)}: there, each EM step leaves that share "
        "of the error.</p>"
        + steps_table(heads, [_row(at, *step) for step in STEPS])
        + f'<p class="emx-note">Drag the disc along the curve, or press the arrow keys on it. {AGAIN}</p>'
    )


def _texts(at: dict[str, float]) -> dict[str, str]:
    return {
        "theta": shown(at["theta"], 3),
        "slope": shown(at["slope"], 1),
        "seen_value": shown(at["observed_information"], 1),
        "complete_value": shown(at["complete_information"], 1),
        "share": shown(at["missing_fraction"], 4),
    }


def _row(at: dict[str, float], name: str, title: str, where: str) -> str:
    rise = float(loglik(np.array(at[name]))) - at["loglik"]
    return step_row(name, title, [("", where), ("to", shown(at[name], 4)), ("gain", gain(rise, 2))])
