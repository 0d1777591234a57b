"""dynamax's hidden Markov models and linear dynamical system after the same number of EM steps, in double precision.

Equal means: sequences of one length (dynamax knows no others), all parameters estimated, its priors flat. The flat
prior of variances is an improper inverse-gamma law, whose density is not a number; therefore the log-likelihoods are
those at the parameters after k steps, and not what `fit_em` reports, to which the prior is added. A flat prior of full
covariances is refused by dynamax, and what its filter, smoother and M-step add to the diagonal of every matrix that
they solve, 1e-9, is left out here: it is no part of EM. Its linear dynamical system gets one sequence, since its M-step
of the initial covariance is wrong for several: it takes off the square of the sum of the means, not that of each.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dynamax.hidden_markov_model import CategoricalHMM as Symbols
from dynamax.hidden_markov_model import DiagonalGaussianHMM as Normals
from dynamax.hidden_markov_model import PoissonHMM as Counts
from dynamax.linear_gaussian_ssm import LinearGaussianSSM, inference, models

from emlib.models import CategoricalHMM, GaussianHMM, LinearDynamicalSystem, PoissonHMM
from tests.parity.steps import gap, ours
from tests.tolerances import PEER

jax.config.update("jax_enable_x64", True)

STATES, LENGTH, COUNT, STEPS = 3, 60, 8, 10
CHAIN = {"initial": np.full(STATES, 1 / STATES), "transition": 0.7 * np.eye(STATES) + 0.1}
FLAT = {"initial_probs_concentration": 1.0, "transition_matrix_concentration": 1.0}
NAMES = {"initial_mean": "initial_mean", "initial_covariance": "initial_covariance", "dynamics_weights": "transition",
         "dynamics_covariance": "transition_covariance", "emission_weights": "observation",
         "emission_covariance": "observation_covariance"}


def compare(model: Any, start: Any, units: list[np.ndarray], peer: Any, given: Any) -> None:
    """Compare the log-likelihoods at the start, after one step and after `STEPS` of them."""
    values, _ = ours(model, start, units, STEPS + 1)
    params, kinds = given
    rows = jnp.asarray(np.stack(units)).reshape(len(units), len(units[0]), -1)
    for count in (0, 1, STEPS):
        after = peer.fit_em(params, kinds, rows, num_iters=count, verbose=False)[0]
        found = sum(float(peer.marginal_log_prob(after, row)) for row in rows)
        assert gap(found, values[count]) < PEER, f"after {count} steps"
        if count:
            assert gap(found, values[count - 1]) > PEER  # a step less is another number


def chain_start(names: dict[str, Any]) -> dict[str, Any]:
    fields = {"initial_probs": CHAIN["initial"], "transition_matrix": CHAIN["transition"], **names}
    return {name: jnp.asarray(value) for name, value in fields.items()}


def test_symbols() -> None:
    model, truth = CategoricalHMM(STATES, 4), np.random.default_rng(1).dirichlet(np.ones(4), STATES)
    units = model.sample(model.params(**CHAIN, emission=truth), [LENGTH] * COUNT, np.random.default_rng(0))
    begin = 0.5 * truth + 0.125
    peer = Symbols(STATES, 1, 4, emission_prior_concentration=1.0, **FLAT)
    given = peer.initialize(**chain_start({"emission_probs": begin[:, None, :]}))
    compare(model, model.params(**CHAIN, emission=begin), units, peer, given)


def test_counts() -> None:
    model = PoissonHMM(STATES)
    units = model.sample(model.params(**CHAIN, rates=[1.0, 5.0, 12.0]), [LENGTH] * COUNT, np.random.default_rng(0))
    rates = np.array([2.0, 4.0, 9.0])
    peer = Counts(STATES, 1, emission_prior_concentration=1.0, emission_prior_rate=0.0, **FLAT)
    given = peer.initialize(**chain_start({"emission_rates": rates[:, None]}))
    compare(model, model.params(**CHAIN, rates=rates), units, peer, given)


def test_rows() -> None:
    model, noise = GaussianHMM(STATES, 2, "diag"), np.ones((STATES, 2))
    truth = model.params(**CHAIN, means=[[0, 0], [3, 1], [0, 4]], covariances=noise)
    units = model.sample(truth, [LENGTH] * COUNT, np.random.default_rng(0))
    begin = {"means": np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]]), "covariances": 1.5 * noise}
    peer = Normals(STATES, 2, emission_prior_mean_concentration=0.0, emission_prior_concentration=-1.5,
                   emission_prior_scale=0.0, **FLAT)
    given = peer.initialize(**chain_start({"emission_means": begin["means"],
                                           "emission_scale_diags": np.sqrt(begin["covariances"])}))
    compare(model, model.params(**CHAIN, **begin), units, peer, given)


def test_linear_dynamics(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (inference, models):
        monkeypatch.setattr(module, "psd_solve", partial(inference.psd_solve, diagonal_boost=0.0))
    model = LinearDynamicalSystem(2, 3, fixed={})  # the initial block is estimated, as dynamax does
    truth = {"initial_mean": np.array([1.0, -1.0]), "initial_covariance": np.eye(2),
             "transition": np.array([[0.9, 0.3], [-0.2, 0.8]]), "transition_covariance": np.diag([0.3, 0.5]),
             "observation": np.array([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]]), "observation_covariance": 0.5 * np.eye(3)}
    rows = model.sample(model.params(**truth), LENGTH * COUNT, np.random.default_rng(0))
    begin = truth | {"transition": 0.5 * np.eye(2), "observation_covariance": np.eye(3)}
    peer = LinearGaussianSSM(2, 3, has_dynamics_bias=False, has_emissions_bias=False)
    given = peer.initialize(**{name: jnp.asarray(begin[field]) for name, field in NAMES.items()})
    compare(model, model.params(**begin), [rows], peer, given)
