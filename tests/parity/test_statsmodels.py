"""statsmodels: the local level model's likelihood where EM goes through, and equal EM steps of a switching mean.

`MarkovRegression` takes the stationary distribution for the first regime, and its EM divides the expected moves by all
expected visits, the last one included: that is no M-step of the transition matrix. Therefore the matrix is held, and
with it the first state; equal means means and variances of all regimes estimated. Its EM step is no public method.
"""

from __future__ import annotations

import numpy as np
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression
from statsmodels.tsa.statespace.structural import UnobservedComponents

import emlib
from emlib.datasets import nile
from emlib.models import GaussianHMM, LinearDynamicalSystem
from tests.parity.steps import gap, ours
from tests.tolerances import CONTROL, PEER, TWO_CODES


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


def test_a_mean_that_switches_after_equal_steps() -> None:
    moves, first = np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([0.6, 0.4])
    held = GaussianHMM(2, 1, fixed={"initial": first, "transition": moves})
    truth = held.params(means=[[0.0], [3.0]], covariances=[[[1.0]], [[0.5]]])
    rows = held.sample(truth, 200, np.random.default_rng(0))
    start = {"means": [[0.5], [2.0]], "covariances": [[[1.5]], [[1.5]]]}
    values, after = ours(held, held.params(**start), rows, 11)
    peer = MarkovRegression(np.ravel(rows), 2, trend="c", switching_variance=True)
    theirs, found = np.array([0.8, 0.3, 0.5, 2.0, 1.5, 1.5]), []
    for _ in range(11):
        found.append(peer.loglike(theirs, transformed=True))
        theirs = np.append(theirs[:2], peer._em_iteration(theirs)[1][2:])
    assert gap(found, values) < PEER
    assert gap(found[:-1], values[1:]) > PEER  # a step less is another number
    assert gap(np.append(after.means, after.covariances), theirs[2:]) < TWO_CODES
    free = GaussianHMM(2, 1)
    _, moved = ours(free, free.params(initial=first, transition=moves, **start), rows, 1)
    assert gap(peer._em_iteration(np.array([0.8, 0.3, 0.5, 2.0, 1.5, 1.5]))[1][0], moved.transition[0, 0]) > CONTROL
