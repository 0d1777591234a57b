"""Input that must work in every model: other containers, other units of measurement, another order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh

import emlib
from emlib.algorithms import EM
from emlib.evaluation import differences
from tests import tolerances as tol
from tests.contract.cases import CASES, Case
from tests.safety.models import IDS, MODELS, each, has, reads_whole_numbers

EVERY = pytest.mark.parametrize("case", MODELS, ids=IDS)


class Frame:
    """What a table of pandas looks like to numpy."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self._array, dtype=dtype)

    def __len__(self) -> int:
        return len(self._array)


def read_only(array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array.setflags(write=False)
    return array


def spaced(array: np.ndarray) -> np.ndarray:
    """Every second row of a longer array: the same values, not side by side in memory."""
    return np.repeat(array, 2, axis=0)[::2]


CONTAINERS: list[tuple[str, Callable[[np.ndarray], Any]]] = [
    ("lists", lambda array: array.tolist()), ("Fortran order", np.asfortranarray), ("read-only", read_only),
    ("spaced", spaced), ("table", Frame), ("wide floats", lambda array: array.astype(np.longdouble)),
]


@pytest.mark.parametrize(("name", "change"), CONTAINERS, ids=[name for name, _ in CONTAINERS])
@EVERY
def test_the_container_does_not_matter(case: Case, name: str, change: Callable[[np.ndarray], Any]) -> None:
    """The same bits from a list, a table or an array of any layout, and the user's array is left alone."""
    raw = each(case.raw, change)
    before = repr(raw)
    params = case.points[0]
    found = case.model.e_step(params, case.model.as_data(raw, case.sample_weight))
    assert found.loglik == case.model.e_step(params, case.data).loglik
    assert repr(raw) == before


@EVERY
def test_whole_numbers_are_numbers(case: Case) -> None:
    """Of any integer type; the values are those of the same numbers as floats."""
    scale = 1 if reads_whole_numbers(case) else 20
    floats = each(case.raw, lambda array: np.nan_to_num(np.round(scale * array.astype(float))))
    whole = each(floats, lambda array: array.astype(np.int32))
    params = case.points[0]
    here = case.model.e_step(params, case.model.as_data(whole, case.sample_weight))
    assert here.loglik == case.model.e_step(params, case.model.as_data(floats, case.sample_weight)).loglik


@dataclass(frozen=True)
class Units:
    """A model of measurements, and how to measure in other units."""

    case: Case
    change: Callable[[Any, float, float], Any]
    moves: bool

    @property
    def n_entries(self) -> float:
        """How many measurements the log-likelihood is a density of, repeated ones counted."""
        response = self.case.raw[1] if isinstance(self.case.raw, tuple) else self.case.raw
        parts = response if isinstance(response, list) else [response]
        weight = self.case.data.weights
        if weight is None:
            return float(sum(np.isfinite(np.asarray(part, dtype=float)).sum() for part in parts))
        seen = [np.isfinite(np.asarray(part, dtype=float)).reshape(len(part), -1) for part in parts]
        if isinstance(response, list):
            return float(sum(w * s.sum() for w, s in zip(weight, seen, strict=True)))
        return float(weight @ seen[0].sum(axis=1))


@cache
def plain_fit(case: Case) -> Any:
    return emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, rng=3, max_estep=300)


def rows_in(raw: Any, scale: float, shift: float) -> Any:
    return each(raw, lambda array: np.asarray(array, dtype=float) * scale + shift)


def response_in(raw: Any, scale: float, shift: float) -> Any:
    return (raw[0], np.asarray(raw[1]) * scale)


MEASURED = [
    *(Units(case, rows_in, True) for case in [*MODELS, *(case for case in CASES if case.name.endswith("d2-k2"))]
      if has(case, "GaussianMixture", "FactorAnalysis", "PPCA", "GaussianWithMissing", "StudentT", "GaussianHMM")),
    *(Units(case, response_in, False) for case in MODELS if type(case.model).__name__ == "RegressionMixture"),
]
SCALES = [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6), (1e-3, -1e3)]


@pytest.mark.parametrize(("scale", "shift"), SCALES)
@pytest.mark.parametrize("units", MEASURED, ids=lambda units: units.case.name)
def test_units_of_measurement_do_not_matter(units: Units, scale: float, shift: float) -> None:
    """The fit of rescaled data is the rescaled fit: log-likelihoods differ by the logarithm of the scale."""
    case = units.case
    raw = units.change(case.raw, scale, shift if units.moves else 0.0)
    here = plain_fit(case)
    there = emlib.fit(case.model, raw, sample_weight=case.sample_weight, rng=3, max_estep=300)
    assert there.status is here.status
    expected = here.loglik - units.n_entries * np.log(scale)
    assert there.loglik == pytest.approx(expected, abs=tol.RESCALED * max(1.0, abs(here.loglik)))


@pytest.mark.parametrize("units", MEASURED, ids=lambda units: units.case.name)
def test_a_change_of_scale_that_is_forgotten_is_noticed(units: Units) -> None:
    """The control: the log-likelihood of data in other units is another number."""
    assert abs(units.n_entries * np.log(1e-3)) > 1e3 * tol.RESCALED


def slowest(case: Case, scale: float, shift: float) -> float:
    """EM's rate at a point, by a Hessian from differences, in other units."""
    fields = {name: np.array(getattr(case.points[0], name)) for name in case.fields}
    fields |= {"means": fields["means"] * scale + shift, "covariances": fields["covariances"] * scale**2}
    problem = emlib.Problem(case.model, rows_in(case.raw, scale, shift))
    here = problem.evaluate(problem.model.space.pack(case.model.params(**fields)))
    observed, complete = -problem.hessian(here.x), problem.complete_information(here)
    return float(1 - eigh(observed, complete, eigvals_only=True)[0])


@pytest.mark.parametrize(("scale", "shift"), SCALES)
def test_differences_are_taken_in_the_units_of_the_data(scale: float, shift: float) -> None:
    case = next(case for case in MODELS if has(case, "GaussianHMM"))
    assert abs(slowest(case, scale, shift) - slowest(case, 1.0, 0.0)) < tol.SMALL_MOVE


def test_differences_in_units_of_their_own_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in MODELS if has(case, "GaussianHMM"))
    monkeypatch.setattr(differences, "units", lambda space, x, bend, coordinates: np.maximum(1.0, np.abs(x)))
    assert abs(slowest(case, 1e-8, 0.0) - slowest(case, 1.0, 0.0)) > tol.SMALL_MOVE


@EVERY
def test_the_same_call_gives_the_same_bits(case: Case) -> None:
    """Same seed and data: every number of the result, to the bit; another seed: another start."""
    runs = [emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, rng=seed, max_estep=15)
            for seed in (5, 5, 6)]
    first, again, other = runs
    assert first.x.tobytes() == again.x.tobytes()
    assert repr(first.trace.columns) == repr(again.trace.columns)
    assert (first.message, first.n_estep, first.n_mstep) == (again.message, again.n_estep, again.n_mstep)
    assert first.seed == 5
    starts = [case.standard(run.start) for run in (first, other)]
    assert not np.array_equal(*starts)


@pytest.mark.parametrize("case", [case for case in MODELS if case.repeats_rows], ids=lambda c: type(c.model).__name__)
def test_chunks_and_order_do_not_matter(case: Case) -> None:
    """Ten EM steps from one start: in chunks of seven the same bits again; in another order the same to rounding."""
    def fit(order: Any, **options: Any) -> Any:
        weight = None if case.sample_weight is None else np.asarray(case.sample_weight)[order]
        return emlib.fit(case.model, case.units(order), sample_weight=weight, start=case.points[0], algorithm=EM(),
                         max_estep=10, **options)

    plain = np.arange(len(case.data))
    whole, cut, again = fit(plain), fit(plain, chunk_size=7), fit(plain, chunk_size=7)
    assert cut.x.tobytes() == again.x.tobytes()
    for other in (cut, fit(np.random.default_rng(1).permutation(plain))):
        assert other.status is whole.status
        assert other.loglik == pytest.approx(whole.loglik, abs=tol.TWO_CODES * max(1.0, abs(whole.loglik)))
        np.testing.assert_allclose(other.x, whole.x, atol=tol.RESCALED * max(1.0, np.abs(whole.x).max()))


@pytest.mark.parametrize("case", [case for case in MODELS if case.labels], ids=lambda c: type(c.model).__name__)
def test_names_of_components_do_not_matter(case: Case) -> None:
    """From a start with its components renamed EM goes the same way."""
    start = case.points[0]
    turned = {name: np.array(getattr(start, name)) for name in case.fields}
    for name, axes in (case.labels or {}).items():
        for axis in axes:
            turned[name] = np.flip(turned[name], axis=axis)
    runs = [emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, start=begin, algorithm=EM(),
                      max_estep=10) for begin in (start, turned)]
    np.testing.assert_allclose(runs[1].trace.loglik, runs[0].trace.loglik, rtol=tol.TWO_CODES)
