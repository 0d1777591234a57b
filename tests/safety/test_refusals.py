"""Every kind of bad input, given to every model: refused by name, or answered without a false claim."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import emlib
from tests import tolerances as tol
from tests.contract.cases import Case
from tests.safety.models import IDS, MODELS, has_columns, reads_missing, reads_whole_numbers, sequences, touched

NAMED = r"^(data|sample_weight|X|y|covariates|response)\b"  # every refusal begins with the argument's name


def with_entry(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = np.array(array, dtype=float)
        array.flat[array.size // 2] = value
        return array
    return change


def widened(array: np.ndarray) -> np.ndarray:
    return np.column_stack([array, array])


def ragged(array: np.ndarray) -> list[Any]:
    return [[0.0, 1.0], [2.0], *array.tolist()]


@dataclass(frozen=True)
class Kind:
    """A kind of bad data: what it does to the raw data, and which models must refuse it."""

    name: str
    change: Callable[[Any], Any]
    of: Callable[[Case], bool] = lambda case: True


KINDS = [
    Kind("inf", lambda raw: touched(raw, with_entry(np.inf))),
    Kind("minus inf", lambda raw: touched(raw, with_entry(-np.inf))),
    Kind("nan", lambda raw: touched(raw, with_entry(np.nan)), lambda case: not reads_missing(case)),
    Kind("text", lambda raw: touched(raw, lambda a: a.astype(str))),
    Kind("words", lambda raw: touched(raw, lambda a: np.full(a.shape, "word"))),
    Kind("objects", lambda raw: touched(raw, lambda a: np.full(a.shape, object()))),
    Kind("complex", lambda raw: touched(raw, lambda a: a + 1j)),
    Kind("nothing", lambda raw: touched(raw, lambda a: None)),
    Kind("a mapping", lambda raw: touched(raw, lambda a: {"a": 1})),
    Kind("empty", lambda raw: touched(raw, lambda a: a[:0])),
    Kind("an empty list", lambda raw: []),
    Kind("one number", lambda raw: touched(raw, lambda a: 3.0)),
    Kind("one axis more", lambda raw: touched(raw, lambda a: a[None])),
    Kind("two axes more", lambda raw: touched(raw, lambda a: a[None, None])),
    Kind("more columns", lambda raw: touched(raw, widened)),
    Kind("ragged", lambda raw: touched(raw, ragged)),
    Kind("all missing", lambda raw: touched(raw, lambda a: np.full(a.shape, np.nan)),
         lambda case: not reads_missing(case)),
    Kind("negative count", lambda raw: touched(raw, with_entry(-1.0)), reads_whole_numbers),
    Kind("fractional count", lambda raw: touched(raw, with_entry(0.5)), reads_whole_numbers),
    Kind("an empty sequence", lambda raw: [raw[0][:0], *raw[1:]], sequences),
    Kind("a column of one value", lambda raw: np.array(raw, dtype=float) * [0.0, *[1.0] * (np.shape(raw)[1] - 1)],
         lambda case: has_columns(case) and isinstance(case.raw, np.ndarray) and not reads_missing(case)
         and "variance" not in getattr(case.model, "__dataclass_fields__", {})),
]
BAD = [pytest.param(case, kind, id=f"{name}-{kind.name}") for case, name in zip(MODELS, IDS, strict=True)
       for kind in KINDS if kind.of(case)]


@pytest.mark.parametrize(("case", "kind"), BAD)
def test_bad_data_are_refused_by_name(case: Case, kind: Kind) -> None:
    raw = kind.change(case.raw)
    for call in (lambda: case.model.as_data(raw), lambda: emlib.fit(case.model, raw, rng=0)):
        with pytest.raises((ValueError, TypeError), match=NAMED):
            call()


WEIGHTS: list[tuple[str, Callable[[int], Any], str]] = [
    ("too few", lambda n: np.ones(n - 1), "shape"), ("a column", lambda n: np.ones((n, 1)), "shape"),
    ("one number", lambda n: 2.0, "shape"), ("negative", lambda n: [-1.0, *[1.0] * (n - 1)], "cannot be negative"),
    ("nan", lambda n: [np.nan, *[1.0] * (n - 1)], "nan"), ("inf", lambda n: [np.inf, *[1.0] * (n - 1)], "inf"),
    ("all zero", lambda n: np.zeros(n), "all weights are zero"), ("text", lambda n: ["a"] * n, "cannot be read as num"),
]


@pytest.mark.parametrize(("name", "make", "text"), WEIGHTS, ids=[name for name, _, _ in WEIGHTS])
@pytest.mark.parametrize("case", MODELS, ids=IDS)
def test_bad_weights_are_refused_by_name(case: Case, name: str, make: Callable[[int], Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^sample_weight: .*{text}|^data: all .* zero"):
        emlib.fit(case.model, case.raw, sample_weight=make(len(case.data)), rng=0)


@pytest.mark.parametrize("case", MODELS, ids=IDS)
def test_every_field_of_a_start_is_checked(case: Case) -> None:
    """Not a number, a wrong shape, a missing and an unknown field, each named."""
    good = {name: np.array(getattr(case.points[0], name)) for name in case.fields}
    for name, value in good.items():
        with pytest.raises(ValueError, match=f"^{name}: "):
            emlib.fit(case.model, case.raw, start={**good, name: value * np.nan}, rng=0)
        with pytest.raises(ValueError, match=f"^{name}: shape "):
            emlib.fit(case.model, case.raw, start={**good, name: value[None]}, rng=0)
    said = f"^start: .* has no field 'other'; give some or all of {', '.join(case.fields)}$"
    with pytest.raises(TypeError, match=said):
        emlib.fit(case.model, case.raw, start={**good, "other": 1.0}, rng=0)


@pytest.mark.parametrize("case", [case for case in MODELS if "transition" in case.fields and "initial" in case.fields],
                         ids=lambda case: case.name)
def test_rows_that_do_not_add_up_are_refused(case: Case) -> None:
    good = {name: np.array(getattr(case.points[0], name)) for name in case.fields}
    for name in ("initial", "transition"):
        with pytest.raises(ValueError, match=f"^{name}: .* adds up to .*, not to 1; divide by the sum"):
            case.model.params(**{**good, name: good[name] * 1.1})


def check_answer(result: Any) -> None:
    """What every result promises, however odd the data."""
    flat = result.model.space.pack(result.params, "standard")
    assert np.isfinite(flat).all()
    assert np.isfinite([result.loglik, *result.jac]).all()
    assert result.model.space.fault(result.params) is None
    assert result.success == (result.stopped_by == "CONVERGED")
    assert result.message
    again = emlib.Problem(result.model, result.data).expectation(result.params)
    assert abs(again.loglik - result.loglik) <= tol.TWO_CODES * again.magnitude


ODD: list[tuple[str, Callable[[Any], Any]]] = [
    ("one unit", lambda case: case.units([0])),
    ("two units", lambda case: case.units([0, 1])),
    ("one unit many times", lambda case: case.units([0] * 12)),
    ("two units many times", lambda case: case.units([0, 1] * 8)),
    ("every unit twice", lambda case: case.units([*range(len(case.data))] * 2)),
]


@pytest.mark.parametrize(("name", "make"), ODD, ids=[name for name, _ in ODD])
@pytest.mark.parametrize("case", [case for case in MODELS if case.repeats_rows], ids=lambda c: type(c.model).__name__)
def test_odd_data_are_refused_or_answered_truly(case: Case, name: str, make: Callable[[Case], Any]) -> None:
    refused = ""
    try:
        check_answer(emlib.fit(case.model, make(case), rng=0, max_estep=150))
    except ValueError as error:
        refused = str(error)
    assert not refused or re.match(NAMED, refused)
    assert not refused or name != "every unit twice"


def test_steps_of_length_one_are_sequences() -> None:
    """A sequence may be as short as one step beside longer ones."""
    for case in (case for case in MODELS if sequences(case)):
        short = [np.asarray(unit)[:1] for unit in case.raw[:-1]] + [case.raw[-1]]
        found = case.model.e_step(case.points[0], case.model.as_data(short))
        assert np.isfinite(found.loglik)
