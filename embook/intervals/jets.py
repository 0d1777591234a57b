"""Second derivatives in ball arithmetic: numbers that carry their gradient and Hessian through a formula.

A `Jet` holds a value, a gradient and a Hessian whose entries are FLINT's balls. Every ball encloses the true number at
each point of the box that `variables` was given, so what is read off a jet is proved, rounding included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat

__all__ = ["Jet", "log_sum_exp", "variables"]


class Jet:
    """A number as a function of d variables: `value`, `gradient` (d, 1) and `hessian` (d, d), all in balls.

    Jets are added, multiplied and divided with one another, with whole numbers and with balls. A float is refused: 0.1
    is not the decimal that it looks like; write ``arb("0.1")``.
    """

    __slots__ = ("gradient", "hessian", "value")

    def __init__(self, value: Any, gradient: Any, hessian: Any) -> None:
        self.value, self.gradient, self.hessian = value, gradient, hessian

    def __add__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian)
        return Jet(self.value + _ball(other), self.gradient, self.hessian)

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            factor = _ball(other)
            return Jet(self.value * factor, factor * self.gradient, factor * self.hessian)
        a, b = self.value, other.value
        mixed = self.gradient * other.gradient.transpose()
        hessian = a * other.hessian + b * self.hessian + mixed + mixed.transpose()
        return Jet(a * b, a * other.gradient + b * self.gradient, hessian)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Jet:
        return self.__mul__(-1)

    def __sub__(self, other: Any) -> Jet:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Jet:
        return self.__neg__().__add__(other)

    def __truediv__(self, other: Any) -> Jet:
        return self.__mul__(other.reciprocal() if isinstance(other, Jet) else 1 / _ball(other))

    def __rtruediv__(self, other: Any) -> Jet:
        return self.reciprocal().__mul__(other)

    def reciprocal(self) -> Jet:
        """Return one over the number."""
        inverse = 1 / self.value
        return self.through(inverse, -(inverse**2), 2 * inverse**3)

    def square(self) -> Jet:
        """Return the number times itself."""
        return self.through(self.value**2, 2 * self.value, 2)

    def sqrt(self) -> Jet:
        """Return the square root; NaN where the value may be zero or less."""
        root = self.value.sqrt()
        return self.through(root, 1 / (2 * root), -1 / (4 * root**3))

    def log(self) -> Jet:
        """Return the natural logarithm; value and derivatives are NaN where the value may be zero or less."""
        inverse = 1 / self.value
        return self.through(self.value.log(), inverse, -(inverse**2))

    def exp(self) -> Jet:
        """Return the exponential."""
        power = self.value.exp()
        return self.through(power, power, power)

    def through(self, value: Any, slope: Any, curvature: Any) -> Jet:
        """Apply the chain rule to a function with this value and these two derivatives here."""
        outer = self.gradient * self.gradient.transpose()
        return Jet(value, slope * self.gradient, slope * self.hessian + curvature * outer)


def variables(box: Sequence[Any]) -> list[Jet]:
    """Return the d coordinates of a box of balls as jets."""
    size = len(box)
    axes = [arb_mat(size, 1, [int(row == k) for row in range(size)]) for k in range(size)]
    return [Jet(arb(ball), axis, arb_mat(size, size)) for ball, axis in zip(box, axes, strict=True)]


def log_sum_exp(terms: Sequence[Jet]) -> Jet:
    """Return log Σ exp; a single term is returned as it is."""
    return sum((term.exp() for term in terms[1:]), terms[0].exp()).log() if len(terms) > 1 else terms[0]


def _ball(number: Any) -> Any:
    if isinstance(number, float):
        raise TypeError(f"{number!r} is a float, whose decimal digits are not exact: write arb('{number!r}')")
    return arb(number)
