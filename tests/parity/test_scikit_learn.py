"""scikit-learn's Gaussian mixture after the same number of EM steps."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Peer

from emlib.datasets import old_faithful
from emlib.models import GaussianMixture
from tests.parity.steps import gap, ours
from tests.tolerances import PEER, TWO_CODES

ROWS = old_faithful()
MEANS = np.array([[2.5, 55.0], [4.0, 75.0]])
NOISE = {"full": np.tile(np.diag([0.5, 80.0]), (2, 1, 1)), "tied": np.diag([0.5, 80.0]),
         "diag": np.tile([0.5, 80.0], (2, 1)), "spherical": np.array([20.0, 30.0])}


def theirs(kind: str, count: int) -> Peer:
    noise = NOISE[kind]
    precision = np.linalg.inv(noise) if kind in ("full", "tied") else 1 / noise
    peer = Peer(2, covariance_type=kind, weights_init=[0.4, 0.6], means_init=MEANS, precisions_init=precision, tol=0,
                max_iter=count, reg_covar=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a tolerance of zero is never met
        return peer.fit(ROWS)


@pytest.mark.parametrize("kind", NOISE)
def test_equal_steps_equal_values(kind: str) -> None:
    model = GaussianMixture(2, 2, kind)
    start = model.params(weights=[0.4, 0.6], means=MEANS, covariances=NOISE[kind])
    values, after = ours(model, start, ROWS, 5)
    peer = theirs(kind, 4)
    assert gap(peer.score(ROWS) * len(ROWS), values[4]) < PEER
    assert gap(peer.score(ROWS) * len(ROWS), values[3]) > PEER  # a step less is another number
    peer = theirs(kind, 5)
    for name in ("weights", "means", "covariances"):
        assert gap(getattr(peer, f"{name}_"), getattr(after, name)) < TWO_CODES
