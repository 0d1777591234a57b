"""EM in ball arithmetic, for the three examples whose optima the book proves.

A model is given by its *joint*: a function of the parameters, as jets, that yields for every distinct observation how
often it occurs and log p(y, z; theta) for each value of the hidden z. Log-likelihood, complete and observed information
and the rate of EM follow from it without another formula.

Dempster, Laird & Rubin (1977), (3.19); Louis (1982); the coordinates are the model's own, the last weight left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx
from scipy.linalg import eigh

from embook.intervals.certify import BITS, Function, positive_definite, proved
from embook.intervals.jets import Jet, log_sum_exp, variables

__all__ = ["information_matrices", "linkage", "loglik", "normal_pair", "numbers", "poisson_pair", "rate"]

DECIMALS = 30  # of a rate, at most
Joint = Callable[[list[Jet]], Iterable[tuple[int, list[Jet]]]]


def loglik(joint: Joint) -> Function:
    """Return the log-likelihood as a function of jets."""
    return lambda theta: _total(count * log_sum_exp(terms) for count, terms in joint(theta))


def information_matrices(joint: Joint, box: Sequence[Any]) -> tuple[Any, Any]:
    """Return complete and observed information all over a box: minus the Hessians of Q and of the log-likelihood."""
    with ctx.workprec(BITS):
        rows = list(joint(variables(box)))
        bound = _total(count * share * term for count, terms in rows for share, term in _posterior(terms))
        observed = _total(count * log_sum_exp(terms) for count, terms in rows)
        return -1 * bound.hessian, -1 * observed.hessian


def rate(joint: Joint, box: Sequence[Any]) -> Any:
    """Return the rate of EM at a stationary point in a box: the largest eigenvalue of 1 - I_c^-1 I_o.

    A quotient v'I_m v / v'I_c v bounds it from below, for any v. It lies below b if b I_c - I_m is positive definite.

    Raises
    ------
    ValueError
        If the box is too wide to prove that I_c is positive definite, or to prove a first decimal.
    """
    complete, observed = information_matrices(joint, box)
    with ctx.workprec(BITS):
        missing = complete - observed
        if not positive_definite(complete):
            raise ValueError("box: the complete information may be singular in it; give a smaller box")
        middle = [np.array(matrix.tolist(), dtype=float) for matrix in (missing, complete)]
        slow = arb_mat(complete.nrows(), 1, eigh(*middle)[1][:, -1].tolist())
        low = (slow.transpose() * missing * slow)[0, 0] / (slow.transpose() * complete * slow)[0, 0]
        for places in range(DECIMALS, 0, -1):
            high = low.upper() + arb(10) ** -places
            if positive_definite(high * complete - missing):
                return low.union(high)
    raise ValueError("box: too wide for a first decimal of the rate; give a smaller one")


def numbers(joint: Joint, box: Sequence[Any], names: Sequence[str], digits: int = 22) -> dict[str, str]:
    """Return the proved first digits of the parameters, of the log-likelihood and of the rate, by name."""
    with ctx.workprec(BITS):
        height = loglik(joint)(variables(box)).value
    balls = dict(zip(names, box, strict=True)) | {"log-likelihood": height, "rate": rate(joint, box)}
    return {name: proved(ball, digits) for name, ball in balls.items()}


def linkage(counts: Sequence[int]) -> Joint:
    """Return the joint of four linkage counts: the first cell is 1/2 and theta/4, unseen which."""

    def joint(theta: list[Jet]) -> Iterator[tuple[int, list[Jet]]]:
        (share,) = theta
        half = 0 * share + arb(0.5).log()
        terms = [[half, (share / 4).log()], [((1 - share) / 4).log()], [((1 - share) / 4).log()], [(share / 4).log()]]
        return zip(map(int, counts), terms, strict=True)

    return joint


def poisson_pair(values: Sequence[int], counts: Sequence[int]) -> Joint:
    """Return the joint of two Poisson components: theta is the first weight and the two rates."""

    def joint(theta: list[Jet]) -> Iterator[tuple[int, list[Jet]]]:
        weight, *rates = theta
        parts = [(share.log() - mean, mean.log()) for share, mean in zip((weight, 1 - weight), rates, strict=True)]
        for value, count in zip(map(int, values), map(int, counts), strict=True):
            yield count, [constant + value * slope - arb(value + 1).lgamma() for constant, slope in parts]

    return joint


def normal_pair(points: Sequence[Sequence[float]]) -> Joint:
    """Return the joint of two normals in the plane: theta is the first weight, then mean and covariance of each.

    A covariance is given by its entries 11, 12 and 22. The data are taken as the decimals that their floats print.
    """
    with ctx.workprec(BITS):
        exact = [[arb(repr(float(x))) for x in point] for point in points]

    def joint(theta: list[Jet]) -> Iterator[tuple[int, list[Jet]]]:
        weight = theta[0]
        parts = [_normal(share, *five) for share, five in ((weight, theta[1:6]), (1 - weight, theta[6:11]))]
        return ((1, [part(*point) for part in parts]) for point in exact)

    return joint


def _normal(share: Jet, first: Jet, second: Jet, s11: Jet, s12: Jet, s22: Jet) -> Callable[[Any, Any], Jet]:
    """Return log of weight times density as a function of the two coordinates: the first, then the second given it."""
    slope = s12 / s11
    scale, rest = (1 / s11).sqrt(), (1 / (s22 - slope * s12)).sqrt()
    constant = share.log() + scale.log() + rest.log() - (2 * arb.pi()).log()
    at_x, at_y = first.value.mid(), second.value.mid()  # the data are taken from here, so that balls stay small
    factor, shift = -slope * rest, (at_x - first) * scale
    other_shift = (at_y - second - slope * (at_x - first)) * rest

    def at(x: Any, y: Any) -> Jet:
        u: Jet = (x - at_x) * scale + shift
        v: Jet = (y - at_y) * rest + (x - at_x) * factor + other_shift
        return (u.square() + v.square()) / -2 + constant

    return at


def _posterior(terms: list[Jet]) -> list[tuple[Any, Jet]]:
    """Pair each term with the posterior probability of its z, a ball."""
    sizes = [term.value.exp() for term in terms]
    whole = sum(sizes[1:], sizes[0])
    return [(size / whole, term) for size, term in zip(sizes, terms, strict=True)]


def _total(terms: Iterable[Jet]) -> Jet:
    first, *others = terms
    return sum(others, first)
