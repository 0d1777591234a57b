"""hmmlearn's hidden Markov models after the same number of EM steps, its priors switched off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hmmlearn import hmm

from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM
from tests.parity.steps import gap, ours
from tests.tolerances import PEER

STATES, STEPS = 3, 20
FIRST, MOVES = np.full(STATES, 1 / STATES), 0.7 * np.eye(STATES) + 0.1
LENGTHS = [50, 1, 30, 50, 7, 200]
NOISE = {"full": np.tile(np.eye(2), (STATES, 1, 1)), "diag": np.ones((STATES, 2))}


def theirs(peer: Any, units: list[np.ndarray], **fields: np.ndarray) -> np.ndarray:
    """Return the log-likelihood before each step."""
    for name, value in {"startprob_": FIRST, "transmat_": MOVES, **fields}.items():
        setattr(peer, name, value)
    peer.set_params(init_params="", n_iter=STEPS, tol=-np.inf)
    peer.monitor_.n_iter, peer.monitor_.tol = STEPS, -np.inf
    peer.fit(np.concatenate([unit.reshape(len(unit), -1) for unit in units]), [len(unit) for unit in units])
    return np.array(peer.monitor_.history)


def compare(model: Any, truth: dict[str, Any], start: dict[str, Any], peer: Any, named: dict[str, str], kind: type
            ) -> None:
    fixed = {"initial": FIRST, "transition": MOVES}
    units = model.sample(model.params(**fixed, **truth), LENGTHS, np.random.default_rng(0))
    params = model.params(**fixed, **start)
    values, _ = ours(model, params, units, STEPS)
    history = theirs(peer, [unit.astype(kind) for unit in units],
                     **{there: np.array(getattr(params, here)) for here, there in named.items()})
    assert gap(values, history) < PEER
    assert gap(values[1:], history[:-1]) > PEER  # a step less is another number


@pytest.mark.parametrize("way", ["log", "scaling"])
def test_symbols(way: str) -> None:
    truth = np.random.default_rng(1).dirichlet(np.ones(4), STATES)
    compare(CategoricalHMM(STATES, 4), {"emission": truth}, {"emission": 0.5 * truth + 0.125},
            hmm.CategoricalHMM(STATES, implementation=way, n_features=4), {"emission": "emissionprob_"}, int)


@pytest.mark.parametrize("way", ["log", "scaling"])
def test_counts(way: str) -> None:
    peer = hmm.PoissonHMM(STATES, implementation=way, lambdas_prior=0, lambdas_weight=0)
    model = PoissonHMM(STATES)
    units = model.sample(model.params(initial=FIRST, transition=MOVES, rates=[1.0, 5.0, 12.0]), LENGTHS,
                           np.random.default_rng(0))
    rates = np.array([2.0, 4.0, 9.0])
    values, _ = ours(model, model.params(initial=FIRST, transition=MOVES, rates=rates), units, STEPS)
    history = theirs(peer, [unit.astype(int) for unit in units], lambdas_=rates[:, None])
    assert gap(values, history) < PEER


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("way", ["log", "scaling"])
def test_rows(way: str, kind: str) -> None:
    peer = hmm.GaussianHMM(STATES, kind, implementation=way, covars_prior=0, covars_weight=0 if kind == "full" else 1,
                           means_weight=0, min_covar=0)
    peer.n_features = 2
    compare(GaussianHMM(STATES, 2, kind), {"means": [[0, 0], [3, 1], [0, 4]], "covariances": NOISE[kind]},
            {"means": [[0, 0], [2, 1], [1, 3]], "covariances": 1.5 * NOISE[kind]}, peer,
            {"means": "means_", "covariances": "covars_"}, float)
