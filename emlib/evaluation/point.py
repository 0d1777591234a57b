"""What an E-step and an M-step at a point yield, and which of them are remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emlib.model import Statistics
from emlib.numerics import Array


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Everything that one E-step at a point yields.

    Attributes
    ----------
    x : ndarray, shape (p,)
    params : the model's parameters at x
    stats : Statistics
        Expected complete-data statistics.
    loglik, entropy : float
        Totals in nats; loglik is minus infinity at a point outside the space.
    gradient : ndarray, shape (p,)
        Of loglik in the problem's coordinates, by Fisher's identity.
    magnitude : float
        Sum of the units' absolute log-likelihoods: the scale of rounding in `loglik`.
    fault : str or None
        Why the point lies outside the space; the other fields are then empty.
    """

    x: Array
    params: Any
    stats: Statistics
    loglik: float
    entropy: float
    gradient: Array
    magnitude: float
    fault: str | None = None


@dataclass(frozen=True, eq=False)
class MStep:
    """The maximiser of Q(. | theta), in the problem's coordinates; `fault` says why it is no proper point."""

    x: Array
    params: Any
    fault: str | None = None


@dataclass
class Memo:
    """The last evaluation of a problem, and what was last made of one, each with the evaluation it belongs to."""

    last: Evaluation | None = None
    m_step: tuple[Evaluation, MStep] | None = None
    hessian: tuple[Evaluation, Array] | None = None
    complete: tuple[Evaluation, Array] | None = None
    factor: tuple[Evaluation, Array | None] | None = None
    model: tuple[Evaluation, Array, Any] | None = None  # a quadratic one, and the missing information that is in it
