"""The methods of the race: seventeen, each with the coordinates it runs in and what has to be chosen for it."""

from __future__ import annotations

from collections.abc import Callable

from emlib.algorithms import (
    ECG,
    EM,
    LBFGS,
    SQUAREM,
    Adam,
    Algorithm,
    Anderson,
    EMGradient,
    GradientAscent,
    Newton,
    QuasiNewtonEM,
    SciPy,
    Switch,
    after,
)

#: Methods and how each is made from a step length per unit, the share that is kept of the last step, or of the running
#: mean of the gradient, and the number of units.
METHODS: dict[str, Callable[[float, float, float], Algorithm]] = {
    "EM": lambda step, share, n: EM(),
    "EM gradient": lambda step, share, n: EMGradient(),
    "SQUAREM": lambda step, share, n: SQUAREM(),
    "Anderson": lambda step, share, n: Anderson(),
    "quasi-Newton EM": lambda step, share, n: QuasiNewtonEM(),
    "gradient, fixed step": lambda step, share, n: GradientAscent(step / n),
    "gradient, line search": lambda step, share, n: GradientAscent(),
    "momentum": lambda step, share, n: GradientAscent(step / n, momentum=share),
    "Nesterov": lambda step, share, n: GradientAscent(step / n, momentum=share, nesterov=True),
    "Adam": lambda step, share, n: Adam(step, beta1=share),
    "ECG": lambda step, share, n: ECG(),
    "L-BFGS": lambda step, share, n: LBFGS(metric="identity"),
    "L-BFGS in the metric of EM": lambda step, share, n: Switch(EM(), LBFGS(), after(5)),
    "L-BFGS-B (SciPy)": lambda step, share, n: SciPy("L-BFGS-B"),
    "SQP (SciPy)": lambda step, share, n: SciPy("SLSQP"),
    "trust region (SciPy)": lambda step, share, n: SciPy("trust-exact"),
    "Newton": lambda step, share, n: Switch(EM(), Newton(), after(2)),
}
#: Those whose step length, and whose share but for the first, has to be chosen by somebody.
TUNED = ("gradient, fixed step", "momentum", "Nesterov", "Adam")
