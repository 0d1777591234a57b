"""EM's spectrum for probabilistic PCA: the families of the theorem are the eigenvalues of the model's own map."""

from __future__ import annotations

import numpy as np
import pytest

from emlib import Problem
from emlib import diagnostics as dx
from emlib.data import Data
from emlib.diagnostics import ppca_rate
from emlib.models import PPCA
from emlib.models.factors import FactorParams
from tests.tolerances import CONTROL, IDENTITY, ROUTES

SPECTRA = [((3, 2.7, 1, 0.5, 0.2), 1), ((10, 5, 4, 1, 0.5), 2), ((10, 5, 0.1, 0.1, 0.1), 2), ((9, 6, 4, 1, 0.5), 3)]


def at_maximum(values: tuple[float, ...], kept: int) -> tuple[PPCA, Data, FactorParams]:
    """The model, data with covariance diag(values), and the maximum by the closed form."""
    model = PPCA(len(values), kept)
    loadings, noise = ppca_rate.maximum(values, kept)
    params = model.params(mean=np.zeros(len(values)), loadings=loadings, noise_variance=noise)
    return model, model.from_covariance(np.diag(values), n_units=100), params


@pytest.mark.parametrize(("values", "kept"), SPECTRA)
def test_families_make_the_whole_spectrum(values: tuple[float, ...], kept: int) -> None:
    foretold = np.sort(np.concatenate(list(ppca_rate.spectrum(values, kept).values())))
    found = np.sort(np.linalg.eigvals(dx.em_jacobian(*at_maximum(values, kept))).real)
    assert np.abs(found - foretold).max() < ROUTES
    assert np.abs(found - np.sort(np.append(foretold[1:], 0.5 * foretold[-1]))).max() > CONTROL


@pytest.mark.parametrize(("values", "kept"), SPECTRA)
def test_maximum_is_a_fixed_point(values: tuple[float, ...], kept: int) -> None:
    model, data, params = at_maximum(values, kept)
    problem, x = Problem(model, data, "standard"), model.space.pack(params, "standard")
    assert np.abs(problem.em_map(x) - x).max() < IDENTITY * 10
    assert np.abs(problem.em_map(1.1 * x) - 1.1 * x).max() > CONTROL


def test_ratio_across_the_cut_is_not_the_rate() -> None:
    families = ppca_rate.spectrum([10, 5, 0.1, 0.1, 0.1], 2)
    assert families["subspace"].max() == pytest.approx(0.02)
    assert max(families["mixing"].max(), families["scale"].max()) == pytest.approx(0.9802, abs=0.5e-4)
    assert families["mean"].max() == pytest.approx(0.99)


@pytest.mark.parametrize(("values", "kept", "word"), [((2, 1), 2, "n_factors"), ((1, 1, 1), 1, "eigenvalues")])
def test_bad_input_is_named(values: tuple[float, ...], kept: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        ppca_rate.spectrum(values, kept)
