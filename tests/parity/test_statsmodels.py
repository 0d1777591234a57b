"""The likelihood of the local level model by statsmodels' Kalman filter, at parameters that EM goes through."""

from __future__ import annotations

import numpy as np
from statsmodels.tsa.statespace.structural import UnobservedComponents

import emlib
from emlib.datasets import nile
from emlib.models import LinearDynamicalSystem
from tests.parity.steps import gap
from tests.tolerances import PEER


def test_the_nile_along_ten_em_steps() -> None:
    held = {"initial_mean": [0.0], "initial_covariance": [[1e7]], "transition": [[1.0]], "observation": [[1.0]]}
    model = LinearDynamicalSystem(1, 1, fixed=held)
    params = model.params(transition_covariance=[[1000.0]], observation_covariance=[[10000.0]])
    peer = UnobservedComponents(nile(), "llevel")
    peer.ssm.initialize_known(np.zeros(1), np.array([[1e7]]))
    peer.loglikelihood_burn = 0
    for _ in range(10):
        found = emlib.Problem(model, nile()).expectation(params)
        theirs = [params.observation_covariance.item(), params.transition_covariance.item()]
        assert gap(found.loglik, peer.loglike(theirs)) < PEER
        assert gap(found.loglik, peer.loglike([1.001 * theirs[0], theirs[1]])) > PEER
        params = model.m_step(found.stats)
