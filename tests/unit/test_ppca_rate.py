"""EM for probabilistic PCA: its maximum is a fixed point, its spectrum the theorem's."""

from __future__ import annotations

import numpy as np
import pytest

from emlib.diagnostics import ppca_rate
from tests.tolerances import CONTROL, IDENTITY, ROUTES

SPECTRA = [((3, 2.7, 1, 0.5, 0.2), 1), ((10, 5, 4, 1, 0.5), 2), ((10, 5, 0.1, 0.1, 0.1), 2), ((9, 6, 4, 1, 0.5), 3)]


@pytest.mark.parametrize(("values", "kept"), SPECTRA)
def test_families_make_the_whole_spectrum(values: tuple[float, ...], kept: int) -> None:
    families = ppca_rate.spectrum(np.array(values), kept)
    foretold = np.sort(np.concatenate(list(families.values())))
    found = ppca_rate.em_spectrum(np.array(values), kept)
    assert np.abs(found - foretold).max() < ROUTES
    assert np.abs(found - np.sort(np.append(foretold[1:], 0.5 * foretold[-1]))).max() > CONTROL


@pytest.mark.parametrize(("values", "kept"), SPECTRA)
def test_maximum_is_a_fixed_point(values: tuple[float, ...], kept: int) -> None:
    loadings, noise = ppca_rate.maximum(np.array(values), kept)
    new, variance = ppca_rate.em_step(np.diag(np.array(values, dtype=float)), loadings, noise)
    assert np.abs(new - loadings).max() < IDENTITY * 10
    assert variance == pytest.approx(noise, abs=IDENTITY * 10)


def test_ratio_across_the_cut_is_not_the_rate() -> None:
    families = ppca_rate.spectrum(np.array([10, 5, 0.1, 0.1, 0.1]), 2)
    assert families["subspace"].max() == pytest.approx(0.02)
    others = np.concatenate([families["mixing"], families["scale"]])
    assert others.max() == pytest.approx(0.9802, abs=0.5e-4)


@pytest.mark.parametrize(("values", "kept", "word"), [((2, 1), 2, "n_factors"), ((1, 1, 1), 1, "eigenvalues")])
def test_bad_input_is_named(values: tuple[float, ...], kept: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        ppca_rate.spectrum(np.array(values), kept)
