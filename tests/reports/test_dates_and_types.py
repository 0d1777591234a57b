"""Dates, spans of time, missing values of other libraries, complex numbers, objects: read or refused by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import CategoricalHMM, GaussianHMM, GaussianMixture, GaussianWithMissing, PoissonMixture
from tests import tolerances as tol

DAYS = np.array(["2020-01-01", "NaT", "2020-01-03", "2020-02-01"], dtype="datetime64[D]")
ONE = GaussianMixture(1, 1)


class NAType:
    """What pandas' missing value looks like to numpy: an object that is no number."""

    def __float__(self) -> float:
        raise TypeError("float() argument must be a string or a real number, not 'NAType'")


class Timestamp:
    """A date of another library, in an array of objects, which counts its nanoseconds when asked for a number."""

    value = 1577836800000000000

    def __int__(self) -> int:
        return self.value


@pytest.mark.parametrize("model", [ONE, GaussianWithMissing(1), GaussianHMM(2, 1)], ids=repr)
@pytest.mark.parametrize("dates", [DAYS, DAYS[[0, 2, 3]]], ids=["with NaT", "complete"])
def test_dates_are_refused_with_a_remedy(model: Any, dates: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^data: .*dates.*timedelta64"):
        emlib.fit(model, dates, rng=0)


@pytest.mark.parametrize("spans", [DAYS - DAYS[0], (DAYS - DAYS[0])[[0, 2, 3]]], ids=["with NaT", "complete"])
def test_spans_of_time_are_refused_with_a_remedy(spans: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^data: .*spans of time.*timedelta64"):
        emlib.fit(ONE, spans, rng=0)


def test_the_remedy_works() -> None:
    days = (DAYS - DAYS[0]) / np.timedelta64(1, "D")
    seen = days[~np.isnan(days)]
    found = emlib.fit(ONE, seen, rng=0).params
    np.testing.assert_allclose(found.means[0], seen.mean(), rtol=tol.SIX_DIGITS)
    np.testing.assert_array_equal(seen, [0.0, 2.0, 31.0])


def test_dates_as_weights_and_as_parameters() -> None:
    with pytest.raises(ValueError, match=r"^sample_weight: .*dates"):
        emlib.fit(ONE, np.arange(4.0), sample_weight=DAYS, rng=0)
    with pytest.raises(ValueError, match=r"^means: .*dates"):
        ONE.params(weights=[1], means=DAYS[:1, None], covariances=[[[1]]])


@pytest.mark.parametrize("nothing", [None, NAType(), np.nan], ids=["None", "NA", "nan"])
def test_other_libraries_missing_values_are_missing(nothing: Any) -> None:
    raw = [[1.0, 2.0], [nothing, 3.0], [2.0, 1.0], [4.0, nothing]]
    found = emlib.Problem(GaussianWithMissing(2), raw).data.units
    np.testing.assert_array_equal(found, [[1.0, 2.0], [np.nan, 3.0], [2.0, 1.0], [4.0, np.nan]])
    with pytest.raises(ValueError, match=r"^data: entry \[1, 0\] is (nan|missing); .*impute"):
        emlib.fit(GaussianMixture(1, 2), raw, rng=0)


@pytest.mark.parametrize("nothing", [None, NAType()], ids=["None", "NA"])
@pytest.mark.parametrize("model", [PoissonMixture(1), CategoricalHMM(2, 3)], ids=repr)
def test_counts_and_symbols_that_are_missing(model: Any, nothing: Any) -> None:
    with pytest.raises(ValueError, match=r"^data: entry \[2\] is (nan|missing)"):
        emlib.fit(model, np.array([1, 2, nothing, 0], dtype=object), rng=0)


@pytest.mark.parametrize("entry", [3 + 1j, np.complex128(3), "3", b"3", Timestamp(), np.datetime64("2020-01-01"),
                                   np.timedelta64(3, "D")], ids=lambda value: type(value).__name__)
def test_an_object_that_is_no_number_is_refused_by_place(entry: Any) -> None:
    raw = np.array([1.0, 2.0, None], dtype=object)
    raw[2] = entry
    with pytest.raises(ValueError, match=r"^data: (entry \[2\]|cannot be read as numbers)"):
        emlib.fit(ONE, raw, rng=0)


def test_objects_that_are_numbers_are_read() -> None:
    raw = np.array([1, 2.5, np.float32(4), np.int8(3), True, Decimal("1.5"), Fraction(1, 2)], dtype=object)
    np.testing.assert_array_equal(emlib.Problem(ONE, raw).data.units[:, 0], [1, 2.5, 4, 3, 1, 1.5, 0.5])


@pytest.mark.parametrize("complex_", [np.array([1, 2, 3 + 1j]), np.array([1, 2, 3 + 0j])])
def test_complex_numbers_are_refused(complex_: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^data: .*complex"):
        emlib.fit(ONE, complex_, rng=0)


def test_complex_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^means: .*complex"):
        ONE.params(weights=[1], means=np.array([[1 + 0j]]), covariances=[[[1]]])


def test_records_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^data: .*records"):
        emlib.fit(ONE, np.array([(1,), (2,)], dtype=[("a", float)]), rng=0)


@pytest.mark.extras
class Table:
    """Turns into an array as a data frame does: of objects where a column has integers and missing ones."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.rows, dtype=dtype)


def test_tables() -> None:
    rows = [[1, 1.0], [2, 2.0], [NAType(), 3.0], [4, 5.0]]
    units = emlib.Problem(GaussianWithMissing(2), Table(rows)).data.units
    np.testing.assert_array_equal(units[:, 0], [1, 2, np.nan, 4])
    with pytest.raises(ValueError, match=r"^data: .*dates"):
        emlib.fit(ONE, Table(DAYS), rng=0)
