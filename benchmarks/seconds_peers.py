"""The peers of the part `seconds`: each from our start, for a number of iterations that nothing cuts short.

What regularises them is off: scikit-learn's `reg_covar`, hmmlearn's priors and `min_covar`. pykalman holds the initial
state, which one series says nothing about, as `fit` does. scikit-learn's factor analysis takes the start's noise
variances and has the best loadings for them at each iteration: it is not EM, and its iterations are counted by its own
log-likelihoods. dynamax holds no field, so that ours are put back after each of its M-steps (`seconds_dynamax`).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn import decomposition, mixture
from sklearn.exceptions import ConvergenceWarning

from benchmarks import hmm, lds, seconds_dynamax
from emlib import models
from emlib.numerics import Array

Fields = dict[str, Array]
MOST = 3000  # iterations of scikit-learn's factor analysis


def scikit_mixture(model: models.GaussianMixture, rows: Array, start: Any, steps: int) -> Fields:
    """Run scikit-learn's normal mixture."""
    kind = model.covariance_type
    precisions = np.linalg.inv(start.covariances) if kind == "full" else 1 / start.covariances
    peer = mixture.GaussianMixture(
        model.n_components, covariance_type=kind, tol=0.0, reg_covar=0.0, max_iter=steps, weights_init=start.weights,
        means_init=start.means, precisions_init=precisions)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(rows)
    return {"weights": peer.weights_, "means": peer.means_, "covariances": peer.covariances_}


def scikit_factors(model: models.FactorAnalysis, rows: Array, start: Any, steps: int) -> Any:
    """Run scikit-learn's factor analysis."""
    peer = decomposition.FactorAnalysis(model.n_factors, tol=0.0, max_iter=steps, svd_method="lapack",
                                        noise_variance_init=start.noise_variance)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return peer.fit(rows)


def factors(model: models.FactorAnalysis, rows: Array, start: Any, steps: int) -> Fields:
    """Run scikit-learn's factor analysis, and return what it found."""
    peer = scikit_factors(model, rows, start, steps)
    return {"mean": peer.mean_, "loadings": peer.components_.T, "noise_variance": peer.noise_variance_}


def factors_count(model: models.FactorAnalysis, rows: Array, start: Any, close: float) -> int:
    """Return after how many iterations scikit-learn's log-likelihood is this close to its own highest.

    It runs until rounding makes a log-likelihood fall. Noise is scaled by 1 + 1e-12 in its formula, which adds about
    1e-12 nats a row and feature to all its values.
    """
    heights = np.array(scikit_factors(model, rows, start, MOST).loglike_)
    return int(np.argmax(heights >= heights.max() - close)) + 1


def symbol_chain(model: models.CategoricalHMM, symbols: Array, start: Any, steps: int) -> Fields:
    """Run hmmlearn's chain of symbols."""
    from hmmlearn.hmm import CategoricalHMM

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    peer = CategoricalHMM(model.n_states, n_iter=steps, tol=-np.inf, init_params="",
                          n_features=model.n_symbols, implementation="scaling")  # fmt: skip
    peer.startprob_, peer.transmat_, peer.emissionprob_ = start.initial, start.transition, start.emission
    peer.fit(symbols.reshape(-1, 1))
    return {"initial": peer.startprob_, "transition": peer.transmat_, "emission": peer.emissionprob_}


@dataclass(frozen=True)
class Peer:
    """What is shown, which package must be there, and what runs.

    `count` gives its iterations until so many nats are left to gain; without it they are EM's.
    """

    name: str
    package: str
    run: Callable[[Any, Array, Any, int], Fields]
    count: Callable[[Any, Array, Any, float], int] | None = None


PEERS: dict[type, tuple[Peer, ...]] = {
    models.GaussianMixture: (Peer("scikit-learn", "sklearn", scikit_mixture),),
    models.GaussianHMM: (Peer("hmmlearn", "hmmlearn", hmm.theirs),),
    models.CategoricalHMM: (Peer("hmmlearn", "hmmlearn", symbol_chain),),
    models.LinearDynamicalSystem: (Peer("pykalman", "pykalman", lds.pykalman),
                                   Peer("dynamax", "dynamax", seconds_dynamax.dynamax)),
    models.FactorAnalysis: (Peer("scikit-learn", "sklearn", factors, factors_count),),
}  # fmt: skip


def peers_of(model: Any) -> list[Peer]:
    """Return the peers that fit this model and are installed."""
    return [peer for peer in PEERS[type(model)] if find_spec(peer.package) is not None]
