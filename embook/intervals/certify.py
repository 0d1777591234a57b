"""Prove an optimum: one stationary point in a box, a strict local maximum, and as many digits as the proof gives.

Krawczyk's test. Let g be a gradient with Hessian H, m the centre of a box X with half-widths r, and Y any matrix. By
the mean value theorem x - Y g(x) lies, for every x of X, in

    K(X) = m - Y g(m) + (1 - Y H(X)) (X - m),

where H(X) encloses H all over X. If K(X) lies in the interior of X, this map takes X into itself, and has a fixed point
there by Brouwer's theorem. The half-widths of K(X) then show |1 - Y M| r < r for every matrix M of H(X), so that Y M is
regular: the fixed point is a zero of g, and the only one in X. It lies in K(X), so that the box shrinks when the test
is repeated. If every matrix of -H(X) is positive definite, the function is strictly concave on X, and the point its
strict maximum there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat, ctx

from embook.intervals.jets import Jet, variables

__all__ = ["Certificate", "certify", "krawczyk", "positive_definite", "proved"]

BITS = 200  # of the arithmetic: some 60 decimal digits
ROUNDS = 8  # of Krawczyk's test; each about doubles the digits
Function = Callable[[list[Jet]], Jet]


@dataclass(frozen=True)
class Certificate:
    """What was proved about the stationary points of a function in a box.

    Attributes
    ----------
    searched : tuple of arb
        The box of the proof.
    box : tuple of arb
        A small box that holds the stationary point; `searched` itself if nothing was proved.
    stationary : bool
        Whether it is proved that `searched` holds exactly one stationary point.
    strict_maximum : bool
        Whether it is proved, too, that the Hessian is negative definite all over `searched`.
    """

    searched: tuple[Any, ...]
    box: tuple[Any, ...]
    stationary: bool
    strict_maximum: bool

    @property
    def radius(self) -> float:
        """Return the largest half-width of `box`."""
        return max(float(ball.rad()) for ball in self.box)

    @property
    def digits(self) -> int:
        """Return the significant digits to which `box` gives every coordinate."""
        return max(0, int(min(ball.rel_accuracy_bits() for ball in self.box) * 0.30103))


def certify(function: Function, start: Sequence[Any], radius: float = 1e-4, digits: int = 24) -> Certificate:
    """Prove that a function has one stationary point near a start, and whether it is a strict local maximum.

    Parameters
    ----------
    function : callable
        Takes a list of `Jet`, the variables, and returns a `Jet`.
    start : sequence of numbers
        Centre of the box: a double-precision optimum will do.
    radius : float
        Half-width of the box in standard errors, the roots of the diagonal of the inverse of the Hessian at the start.
    digits : int
        The test is repeated until every coordinate has so many digits, or does not get more.
    """
    with ctx.workprec(BITS):
        centre = [arb(float(x)) for x in start]
        try:
            searched = _box(function, centre, radius)
            image, hessian = krawczyk(function, searched)
        except ZeroDivisionError:  # the Hessian at the centre has no inverse
            return Certificate(tuple(centre), tuple(centre), False, False)
        if not all(ball.contains_interior(part) for ball, part in zip(searched, image, strict=True)):
            return Certificate(searched, searched, False, False)
        proof = Certificate(searched, image, True, positive_definite(-1 * hessian))
        for _ in range(ROUNDS):
            if proof.digits >= digits:
                break
            image, _ = krawczyk(function, proof.box)
            nested = tuple(old.intersection(new) for old, new in zip(proof.box, image, strict=True))
            proof = Certificate(searched, nested, True, proof.strict_maximum)
        return proof


def krawczyk(function: Function, box: Sequence[Any]) -> tuple[tuple[Any, ...], Any]:
    """Return Krawczyk's image of a box, and the Hessian over the box.

    Raises
    ------
    ZeroDivisionError
        If the Hessian at the centre of the box has no inverse.
    """
    size = len(box)
    centre = arb_mat(size, 1, [ball.mid() for ball in box])
    at, over = (function(variables(where)) for where in (centre.entries(), box))
    inverse = at.hessian.mid().inv().mid()
    unit = arb_mat(size, size, [int(row == column) for row in range(size) for column in range(size)])
    image = centre - inverse * at.gradient + (unit - inverse * over.hessian) * (arb_mat(size, 1, box) - centre)
    return tuple(image.entries()), over.hessian


def positive_definite(matrix: Any) -> bool:
    """Return whether every symmetric matrix within a matrix of balls is positive definite: all pivots are positive."""
    rows = matrix.tolist()
    while rows:
        (pivot, *first), *rest = rows
        if not pivot > 0:
            return False
        rows = [[x - row[0] * y / pivot for x, y in zip(row[1:], first, strict=True)] for row in rest]
    return True


def proved(ball: Any, digits: int) -> str:
    """Return the first significant digits of a number, cut and not rounded, as every point of its ball has them.

    Raises
    ------
    ValueError
        If the points of the ball differ in these digits.
    """
    with ctx.workprec(BITS):
        size = abs(ball)
        order = size.log_base(10).floor().unique_fmpz() if size > 0 else None
        if order is not None:
            places = digits - 1 - int(order)
            whole = (size * arb(10) ** places).floor().unique_fmpz()
            if whole is not None:
                return ("-" if ball < 0 else "") + _with_point(str(whole), places)
    raise ValueError(f"{ball} does not fix {digits} significant digits: ask for fewer, or for a smaller box")


def _with_point(digits: str, places: int) -> str:
    """Return a whole number of units of a decimal place as text, with its point."""
    if places <= 0:
        return digits + "0" * -places
    padded = digits.rjust(places + 1, "0")
    return f"{padded[:-places]}.{padded[-places:]}"


def _box(function: Function, centre: list[Any], radius: float) -> tuple[Any, ...]:
    inverse = function(variables(centre)).hessian.mid().inv()
    errors = [float(abs(inverse[k, k]).sqrt().mid()) for k in range(len(centre))]
    return tuple(arb(x.mid(), radius * error) for x, error in zip(centre, errors, strict=True))
