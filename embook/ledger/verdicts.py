"""Verdicts of computed results: tolerance policies for numbers, rules for propositions.

Policies (what `agrees` does with the registered ``expected`` and the stored ``measured``)

rounded      half a unit of the last printed digit; ``expected`` is text, so that every printed digit counts
truncated    ours begins with the printed digits: equal or larger in size by less than one unit of the last one
last-digit   ours, rounded to the printed digits, differs by at most ``units`` in the last one
range        ``expected`` is ``[low, high]``, ends included
identity     the gap lies below ``below``
monte-carlo  within ``sigmas`` (3 unless given) times our own standard ``error``
ordering     ``measured`` is ``{low, high}``, an interval for a ratio: ``low`` above ``above``, ``high`` below ``below``
exact        equal: counts, words, truth values
none         no number is claimed; the propositions alone decide

Lists and mappings are compared entry by entry; an entry that is missing disagrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

__all__ = ["POLICIES", "PRINTED", "agrees", "rule"]

#: Parameters that each policy must have (first) and may have (second).
POLICIES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "rounded": (frozenset(), frozenset()),
    "truncated": (frozenset(), frozenset()),
    "last-digit": (frozenset({"units"}), frozenset()),
    "range": (frozenset(), frozenset()),
    "identity": (frozenset({"below"}), frozenset()),
    "monte-carlo": (frozenset({"error"}), frozenset({"sigmas"})),
    "ordering": (frozenset(), frozenset({"above", "below"})),
    "exact": (frozenset(), frozenset()),
    "none": (frozenset(), frozenset()),
}

#: Policies whose ``expected`` is the printed text of a number.
PRINTED = frozenset({"rounded", "truncated", "last-digit"})


def rule(propositions: Mapping[str, bool]) -> str:
    """Return the verdict that follows from computed propositions.

    ``holds``: as_stated.  ``imprecise``: not as_stated, but corrected.  ``false``: not as_stated, and no correction is
    offered.  ``conditional``: when, and not unless.  Anything else is ``unsettled``, which no row may register.
    """
    names = frozenset(propositions)
    if names == {"when", "unless"}:
        return "conditional" if propositions["when"] and not propositions["unless"] else "unsettled"
    if names not in ({"as_stated"}, {"as_stated", "corrected"}):
        return "unsettled"
    if propositions["as_stated"]:
        return "holds"
    if "corrected" not in propositions:
        return "false"
    return "imprecise" if propositions["corrected"] else "unsettled"


def agrees(policy: str, parameters: Mapping[str, float], expected: Any, measured: Any) -> bool:
    """Judge a stored measurement against the registered value by a named policy.

    Parameters
    ----------
    policy : str
        One of `POLICIES`.
    parameters : mapping
        The policy's own numbers, such as ``below``.
    expected, measured : number, text, list or mapping
        As registered and as stored (already rounded).
    """
    if policy == "none":
        return True
    if policy == "ordering":
        return _ordering(parameters, measured)
    if isinstance(expected, Mapping):
        return isinstance(measured, Mapping) and all(
            key in measured and agrees(policy, parameters, value, measured[key]) for key, value in expected.items()
        )
    if isinstance(expected, list) and (policy != "range" or isinstance(expected[0], list)):
        same = isinstance(measured, list) and len(measured) == len(expected)
        return same and all(agrees(policy, parameters, e, m) for e, m in zip(expected, measured, strict=True))
    return _leaf(policy, parameters, expected, measured)


def _leaf(policy: str, parameters: Mapping[str, float], expected: Any, measured: Any) -> bool:
    if policy == "exact":
        return type(expected) is type(measured) and bool(expected == measured)
    if policy == "identity" and isinstance(measured, list | Mapping):
        entries = measured.values() if isinstance(measured, Mapping) else measured
        return bool(entries) and all(_leaf(policy, parameters, expected, entry) for entry in entries)
    found = _decimal(measured)
    if found is None:
        return False
    if policy == "identity":
        return abs(found) <= Decimal(repr(parameters["below"]))
    if policy == "range":
        return Decimal(repr(expected[0])) <= found <= Decimal(repr(expected[1]))
    if policy == "monte-carlo":
        width = Decimal(repr(parameters.get("sigmas", 3))) * Decimal(repr(parameters["error"]))
        return abs(found - Decimal(repr(expected))) <= width
    return _printed(policy, parameters, Decimal(expected), found)


def _printed(policy: str, parameters: Mapping[str, float], printed: Decimal, found: Decimal) -> bool:
    unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    if policy == "rounded":
        return abs(found - printed) <= unit / 2
    if policy == "truncated":
        same_sign = found * printed >= 0
        return same_sign and Decimal(0) <= abs(found) - abs(printed) < unit
    return abs(found.quantize(unit, ROUND_HALF_EVEN) - printed) <= Decimal(repr(parameters["units"])) * unit


def _ordering(parameters: Mapping[str, float], measured: Any) -> bool:
    if not isinstance(measured, Mapping):
        return False
    low, high = _decimal(measured.get("low")), _decimal(measured.get("high"))
    if low is None or high is None or low > high:
        return False
    above = float(low) > parameters.get("above", -float("inf"))
    return above and float(high) < parameters.get("below", float("inf"))


def _decimal(measured: Any) -> Decimal | None:
    """Read a stored number; ``"< 1e-12"`` counts as its bound, truth values and words as nothing."""
    if isinstance(measured, bool) or measured is None:
        return None
    try:
        value = Decimal(str(measured).removeprefix("< "))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
