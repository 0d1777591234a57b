"""Population rates of two normals: printed decimals, closed form against whole matrices, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from emlib.diagnostics.population import (
    FIELDS,
    closed_form_rate,
    closed_form_spectrum,
    overlap_moment,
    population_information,
    quadrature_rate,
)
from tests.tolerances import CONTROL, QUADRATURE, SIX_DECIMALS

FREE = (FIELDS, ("weights", "means"), ("means",))
TABLE = {1.0: (0.999978, 0.994932, 0.656736), 1.5: (0.999399, 0.967605, 0.434009), 2.0: (0.994908, 0.899199, 0.449600),
         4.0: (0.724909, 0.342987, 0.274390), 8.0: (0.012900, 0.001670, 0.001571)}


@pytest.mark.parametrize("separation", TABLE)
@pytest.mark.parametrize("column", range(3))
def test_closed_form_meets_the_table(separation: float, column: int) -> None:
    assert closed_form_rate(separation, FREE[column]) == pytest.approx(TABLE[separation][column], abs=SIX_DECIMALS)


@pytest.mark.parametrize("separation", [1.8, 2.4, 3.3, 6.5])
@pytest.mark.parametrize("free", FREE)
def test_closed_form_is_the_rate_of_the_whole_matrices(separation: float, free: tuple[str, ...]) -> None:
    assert closed_form_rate(separation, free) == pytest.approx(quadrature_rate(separation, free=free), abs=QUADRATURE)
    assert abs(closed_form_rate(separation, free) - quadrature_rate(separation, 0.2, free)) > CONTROL


@pytest.mark.parametrize("separation", [0.7, 2.4, 6.5])
@pytest.mark.parametrize("free", FREE)
def test_closed_form_is_the_spectrum_of_the_whole_matrices(separation: float, free: tuple[str, ...]) -> None:
    def gap(weight: float) -> float:
        complete, observed = population_information(separation, weight, free)
        whole = np.sort(1 - np.linalg.eigvals(np.linalg.solve(complete, observed)).real)[::-1]
        closed = closed_form_spectrum(separation, free)
        return float(np.abs(whole - np.append(closed, np.zeros(len(whole) - len(closed)))).max())

    assert gap(0.5) < QUADRATURE
    assert gap(0.2) > CONTROL


def test_quadrature_meets_the_column_of_unequal_weights() -> None:
    found = [quadrature_rate(3.0, 0.3, free) for free in FREE]
    assert found == pytest.approx([0.936047, 0.654816, 0.448210], abs=SIX_DECIMALS)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_overlap_moments_agree_with_an_adaptive_rule(power: int) -> None:
    def integrand(x: float) -> float:
        low, high = norm.pdf(x + 1.0), norm.pdf(x - 1.0)
        return float(0.5 * low * high / (low + high) * x**power)

    assert overlap_moment(2.0, power) == pytest.approx(quad(integrand, -12, 12)[0], abs=QUADRATURE)


def test_information_is_ordered() -> None:
    complete, observed = population_information(2.5, 0.4)
    assert np.linalg.eigvalsh(complete - observed).min() > -QUADRATURE
    assert np.linalg.eigvalsh(observed).min() > 0


@pytest.mark.parametrize(("call", "word"), [
    (lambda: quadrature_rate(0.0), "separation"), (lambda: quadrature_rate(2.0, 1.0), "weight"),
    (lambda: quadrature_rate(2.0, free=()), "free"), (lambda: closed_form_rate(2.0, ("variances",)), "quadrature_rate"),
    (lambda: closed_form_rate(float("nan")), "separation")])
def test_bad_input_is_named(call: object, word: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=word):
        call()
