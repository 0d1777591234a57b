"""Linear dynamical system, four states and outputs: one EM iteration beside those of three other libraries.

All run in one process on the same rows from the same start; times are the slope in CPU time between few and many
iterations, so that set-up and compilation drop out. A peer that is not installed is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import emlib
from benchmarks.tables import Scale, Table, Value
from benchmarks.timing import slope
from emlib.algorithms import EM
from emlib.models import LinearDynamicalSystem
from emlib.numerics import Array

SIDE = 4
LENGTHS: dict[Scale, int] = {"small": 2_000, "quick": 2_000, "full": 10_000}
Case = tuple[LinearDynamicalSystem, Array, Any]


def case(length: int) -> Case:
    """Return a model, rows of a slowly turning state, and a start that is off."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((SIDE, SIDE)))[0]
    observation, unit = rng.standard_normal((SIDE, SIDE)), np.eye(SIDE)
    model = LinearDynamicalSystem(SIDE, SIDE, fixed={})
    fields = {"initial_mean": np.zeros(SIDE), "initial_covariance": unit}
    truth = model.params(**fields, transition=0.95 * turn, transition_covariance=0.09 * unit, observation=observation,
                         observation_covariance=0.25 * unit)
    start = model.params(**fields, transition=0.76 * turn, transition_covariance=unit, observation_covariance=unit,
                         observation=observation + 0.1 * rng.standard_normal((SIDE, SIDE)))
    return model, model.sample(truth, length, rng), start


def ours(model: LinearDynamicalSystem, rows: Array, start: Any, steps: int) -> None:
    """Run EM for a number of E-steps."""
    held = {name: getattr(start, name) for name in ("initial_mean", "initial_covariance")}
    known = LinearDynamicalSystem(model.n_latent, model.n_features, fixed=held)
    emlib.fit(known, rows, start=start, algorithm=EM(), tol=1e-300, max_estep=steps)


def pykalman(model: LinearDynamicalSystem, rows: Array, start: Any, steps: int) -> dict[str, Array]:
    """Run pykalman's EM with the model's known fields and the initial state held; return what it found."""
    from pykalman import KalmanFilter

    names = {"transition": "transition_matrices", "observation": "observation_matrices",
             "transition_covariance": "transition_covariance", "observation_covariance": "observation_covariance"}
    given = {theirs: getattr(start, ours) for ours, theirs in names.items()}
    learnt = [theirs for ours, theirs in names.items() if ours not in (model.fixed or {})]
    peer = KalmanFilter(**given, transition_offsets=np.zeros(model.n_latent), em_vars=learnt,
                        observation_offsets=np.zeros(model.n_features), initial_state_mean=start.initial_mean,
                        initial_state_covariance=start.initial_covariance).em(rows, n_iter=steps)
    first = {name: getattr(start, name) for name in ("initial_mean", "initial_covariance")}
    return first | {ours: getattr(peer, theirs) for ours, theirs in names.items()}


def dynamax(_: LinearDynamicalSystem, rows: Array, start: Any, steps: int) -> None:
    """Run dynamax's EM in double precision."""
    import jax
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    peer = LinearGaussianSSM(SIDE, SIDE, has_dynamics_bias=False, has_emissions_bias=False)
    params, props = peer.initialize(
        jax.random.PRNGKey(0), initial_mean=start.initial_mean, initial_covariance=start.initial_covariance,
        dynamics_weights=start.transition, dynamics_covariance=start.transition_covariance,
        emission_weights=start.observation, emission_covariance=start.observation_covariance)
    found, _ = peer.fit_em(params, props, jax.numpy.array(rows), num_iters=steps, verbose=False)
    np.asarray(found.dynamics.weights)  # JAX returns before it has finished; this waits


def statsmodels(_: LinearDynamicalSystem, rows: Array, start: Any, steps: int) -> None:
    """Run statsmodels' EM; its noise of the outputs is uncorrelated, the rest is the same model."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.api import DynamicFactorMQ

    root = np.linalg.cholesky(start.transition_covariance)[np.tril_indices(SIDE)]
    begin = np.concatenate([start.observation.ravel(), start.transition.ravel(), root,
                            np.diag(start.observation_covariance)])
    peer = DynamicFactorMQ(rows, factors=1, factor_multiplicities=SIDE, idiosyncratic_ar1=False, standardize=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit_em(begin, maxiter=steps, tolerance=-1, cov_type="none", em_initialization=False)


# what runs, few and many iterations, how often
PEERS: dict[str, tuple[Callable[..., object], int, int, int]] = {"pykalman": (pykalman, 1, 2, 1),
                                                              "dynamax": (dynamax, 2, 102, 1),
                                                              "statsmodels": (statsmodels, 2, 12, 1)}  # fmt: skip


def tables(scale: Scale) -> list[Table]:
    """Return the table; the small scale leaves the peers out."""
    given = case(LENGTHS[scale])
    here = slope(partial(ours, *given), 3, 43)
    rows: list[list[Value]] = [["emlib", 1e3 * here, 1.0]]
    for name, (work, few, many, repeats) in PEERS.items():
        if scale != "small" and find_spec(name) is not None:
            there = slope(partial(work, *given), few, many, repeats)
            rows.append([name, 1e3 * there, there / here])
    title = f"Linear dynamical system, {SIDE} states, {SIDE} outputs, T = {LENGTHS[scale]}: one EM iteration, CPU time"
    return [Table("lds", title, ["library", "ms", "times as long"], rows)]
