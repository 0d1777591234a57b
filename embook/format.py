"""The one formatter: every number that the book prints or stores passes through it.

Few digits on purpose: a figure printed to sixteen digits differs between two linear-algebra libraries, one printed to
six does not.  Negative zero becomes zero, infinities and NaN become words that a reader understands, and a difference
that is rounding noise is printed as the bound that it meets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["gap", "number", "plain", "rounded"]

#: An identity whose largest gap lies below this prints as "< 1e-12": what lies beneath is rounding, not mathematics.
IDENTITY_FLOOR = 1e-12


def number(x: Any, digits: int = 6) -> str:
    """Format a number with a fixed count of significant digits.

    Parameters
    ----------
    x : int, float, bool or numpy scalar
        The number; text is returned as it is, nothing as a dash.
    digits : int
        Significant digits of a float, at least 1.  Integers are printed in full.

    Returns
    -------
    str
        For instance ``"0.132779"``, ``"1e-9"``, ``"infinity"``, ``"undefined"`` (NaN), ``"true"``.

    Raises
    ------
    ValueError
        If ``digits`` is below 1.
    """
    if digits < 1:
        raise ValueError(f"digits must be at least 1, found {digits}: ask for the significant digits to print")
    value = plain(x)
    if value is None or isinstance(value, str):
        return value or "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _float(value, digits)


def _float(value: float, digits: int) -> str:
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".partition("e")
    mantissa = "0" if float(mantissa) == 0 else mantissa
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def gap(x: Any, floor: float = IDENTITY_FLOOR) -> str:
    """Format the gap of an identity: ``"< 1e-12"`` when it is rounding noise, two digits otherwise.

    Parameters
    ----------
    x : float
        The largest absolute difference found; its sign is ignored.
    floor : float
        What counts as rounding noise; finite differences need a larger floor than algebra.
    """
    size = abs(float(x))
    return f"< {number(floor, 2)}" if size < floor else number(size, 2)


def plain(x: Any) -> Any:
    """Return plain values for NumPy scalars and arrays, also in mappings and tuples; name the type of others."""
    if isinstance(x, Mapping):
        return {str(key): plain(value) for key, value in x.items()}
    if hasattr(x, "tolist"):
        return plain(x.tolist())
    if isinstance(x, Sequence) and not isinstance(x, str):
        return [plain(value) for value in x]
    return x if x is None or isinstance(x, bool | int | float | str) else f"a {type(x).__name__}"


def rounded(x: Any, digits: int = 6) -> Any:
    """Round every float in ``x`` as it would be printed, so that a stored value is the value that is shown.

    Infinities and NaN become words: JSON has no such numbers.
    """
    value = plain(x)
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    if not isinstance(value, float):
        return value
    text = number(value, digits)
    return float(text) if math.isfinite(value) else text
