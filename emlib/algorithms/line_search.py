"""Line searches on the log-likelihood; every probe is one E-step and brings its slope along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.algorithms.base import ROUNDING
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

ARMIJO = 1e-4  # share of the predicted gain that a step must bring
WOLFE = 0.4  # share of the first slope that may be left at the accepted point
N_PROBES = 30


def backtrack(problem: Problem, here: Evaluation, direction: Array, step: float = 1.0) -> Evaluation | None:
    """Halve the step until the log-likelihood rises enough (Armijo); None if it never does."""
    slope = float(here.gradient @ direction)
    if not slope > 0:
        return None
    for _ in range(N_PROBES):
        there = problem.evaluate(here.x + step * direction)
        if there.loglik >= here.loglik + ARMIJO * step * slope - ROUNDING * here.magnitude:
            return there
        step *= 0.5
    return None


@dataclass(frozen=True)
class _End:
    """One end of the bracket: step length, log-likelihood, slope along the direction."""

    step: float
    loglik: float
    slope: float


def wolfe(problem: Problem, here: Evaluation, direction: Array, step: float = 1.0,
          flatness: float = WOLFE) -> Evaluation | None:
    """Return a point with enough rise and a flat enough slope (strong Wolfe); None if there is none.

    Parameters
    ----------
    step : float
        The first probe, in units of the direction.
    flatness : float
        Share of the first slope that may be left at the accepted point.

    Notes
    -----
    Brackets by tripling, then interpolates the slope by the secant rule with safeguards. A point outside
    the space counts as minus infinity. After `N_PROBES` probes the best end of the bracket serves, if it rises.
    """
    first = _End(0.0, here.loglik - ROUNDING * here.magnitude, float(here.gradient @ direction))
    if not first.slope > 0:
        return None
    low, high, best = first, None, None
    for _ in range(N_PROBES):
        there = problem.evaluate(here.x + step * direction)
        end = _End(step, there.loglik, float(there.gradient @ direction))
        if _gains_enough(end, first) and abs(end.slope) <= flatness * first.slope:
            return there
        if _gains_enough(end, first) and end.loglik >= low.loglik and end.slope > 0:
            low, best = end, there
        else:
            high = end
        step = 3.0 * step if high is None else _between(low, high)
        if high is not None and abs(high.step - low.step) < 1e-12 * max(1.0, high.step):
            break
    return best


def _gains_enough(end: _End, first: _End) -> bool:
    return bool(np.isfinite(end.loglik)) and end.loglik >= first.loglik + ARMIJO * end.step * first.slope


def _between(low: _End, high: _End) -> float:
    """Return the zero of the secant of the slopes, kept off the ends; the middle where it has none."""
    width = high.step - low.step
    if not np.isfinite(high.loglik) or low.slope <= high.slope:
        return low.step + 0.5 * width
    share = low.slope / (low.slope - high.slope)
    return low.step + min(max(share, 0.1), 0.9) * width
