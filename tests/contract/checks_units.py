"""What fitted parameters say of units: of any number of them, and only of those that are in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from emlib import Chunks
from tests import tolerances as tol
from tests.contract.cases import Case, has
from tests.contract.checks import close

METHODS = ("posterior", "predict", "score_samples", "transform", "impute", "filter")


def asked(case: Case) -> list[str]:
    """The methods that take units; a regression's prediction takes X alone."""
    of_x = isinstance(case.raw, tuple) and not case.is_mixture
    return [name for name in METHODS if has(case.model, name) and not (of_x and name == "predict")]


def check_one_unit(case: Case) -> None:
    """A unit by itself is told about as it is among the others, though one is too few for a fit."""
    count = len(case.data)
    for name in asked(case) if case.repeats_rows else []:
        among = getattr(case.model, name)(case.points[0], case.units(range(count)))
        try:
            alone = getattr(case.model, name)(case.points[0], case.units([0]))
        except ValueError as error:
            raise AssertionError(f"{name} of one unit: {error}") from error
        close(_of_first(alone, 1), _of_first(among, count), tol.REORDERED, f"{name} of one unit")


def _of_first(found: Any, count: int) -> np.ndarray:
    """What a result says of the first of so many units, and of all alike, as one flat array."""
    if is_dataclass(found):
        found = tuple(vars(found).values())
    if isinstance(found, tuple):
        return np.concatenate([_of_first(part, count) for part in found])
    return np.ravel(found[0] if len(found) == count else found)


def check_no_chunks(case: Case) -> None:
    """Chunks of data, and what is read of them, are refused by methods that go through units by themselves."""
    if not case.repeats_rows:
        return
    source = Chunks([case.units(range(len(case.data)))])
    own = ("e_step", "missing_information") if case.has_closed_form else ("e_step",)
    for name in [*own, *asked(case)]:
        for data in (source, case.model.as_data(source)):
            said = _refusal(getattr(case.model, name), case.points[0], data)
            assert "data: Chunks found; only fit and Problem go through them" in said, f"{name}: {said}"


def _refusal(method: Callable[..., Any], params: Any, data: Any) -> str:
    """What a method says against the data, or that it took them."""
    try:
        method(params, data)
    except ValueError as error:
        return str(error)
    return f"took {type(data).__name__}"
