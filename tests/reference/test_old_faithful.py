"""Old Faithful, 272 eruptions (Azzalini & Bowman 1990, as in R's `datasets::faithful`): the fits of mclust 6.0.0."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.models import GaussianMixture
from tests import tolerances as tol

ROWS = np.loadtxt(Path(emlib.__file__).parent / "datasets" / "old_faithful.csv", delimiter=",", skiprows=1)


def test_the_data_are_complete() -> None:
    """272 rows; the means 3.487783 and 70.897059 are those of R's data set."""
    assert ROWS.shape == (272, 2)
    np.testing.assert_allclose(ROWS.mean(axis=0), [3.487783, 70.897059], rtol=0, atol=tol.SIX_DECIMALS)


@cache
def three_components() -> emlib.Result:
    """The best of ten fits of three components with one covariance."""
    return emlib.fit(GaussianMixture(3, 2, "tied"), ROWS, n_starts=10, rng=0)


def test_three_components_with_one_covariance() -> None:
    """mclust's choice among G = 2:3 is EEE with G = 3, loglik -1126.32623647.

    The maximum is -1126.315928: mclust's EM stops at a relative change of 1e-5, here 0.011 nats.
    """
    result = three_components()
    assert result.success, result.message
    assert 0 < result.loglik + 1126.32623647 < tol.MCLUST * 1126
    assert result.loglik == pytest.approx(-1126.315928, abs=tol.SIX_DECIMALS)


@pytest.mark.extras
def test_scikit_learn_ends_at_the_three_components_too() -> None:
    """Its EM, run to the end, agrees with us."""
    from sklearn import mixture

    result = three_components()
    weights, means, noise = result.params.weights, result.params.means, result.params.covariances
    peer = mixture.GaussianMixture(3, covariance_type="tied", weights_init=weights, means_init=means + 0.01,
                                   precisions_init=np.linalg.inv(noise), tol=1e-13, max_iter=10_000, reg_covar=0)
    assert peer.fit(ROWS).score(ROWS) * len(ROWS) == pytest.approx(result.loglik, abs=tol.SAME_OPTIMUM)


def test_two_components() -> None:
    """mclust's VVV with G = 2: loglik -1130.264; EM and the default of `fit` end at the same point."""
    model = GaussianMixture(2, 2)
    result = emlib.fit(model, ROWS, n_starts=5, rng=0)
    assert result.success, result.message
    assert result.loglik == pytest.approx(-1130.264, abs=tol.THREE_DECIMALS)
    by_em = emlib.fit(model, ROWS, start=result.start, algorithm=EM())
    assert by_em.success
    assert by_em.loglik == pytest.approx(result.loglik, abs=tol.SAME_OPTIMUM)
