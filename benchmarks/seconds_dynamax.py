"""dynamax's EM for a linear dynamical system with fields held, which dynamax itself cannot do.

An iteration is dynamax's E-step and M-step, after which the held fields get their old values back. The best transition
does not depend on the noise of the state, so that its M-step is the right one where this noise is held. The noise of
the outputs does depend on the observation matrix; where that is held it is formed again, from dynamax's statistics.
The initial state is held, too: one series drives its covariance to zero for ever, and EM would reach no optimum.

JAX compiles the loop once for any number of iterations, in the first run with a model of this kind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from emlib.models import LinearDynamicalSystem
from emlib.numerics import Array

Fields = dict[str, Any]  # by our names; arrays of NumPy or of JAX
FIRST = ("initial_mean", "initial_covariance")
# weights and noise, in the order of the statistics
REGRESSIONS = (("transition", "transition_covariance"), ("observation", "observation_covariance"))


def dynamax(model: LinearDynamicalSystem, rows: Array, start: Any, steps: int) -> dict[str, Array]:
    """Run dynamax's EM in double precision with the model's known fields and the initial state held."""
    import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    run = compiled(model.n_latent, model.n_features, frozenset(model.fixed or {}))
    fields = {name: getattr(start, name) for name in (*FIRST, *sum(REGRESSIONS, ()))}
    return {name: np.asarray(value) for name, value in run(fields, rows, steps).items()}


@cache
def compiled(n_latent: int, n_features: int, fixed: frozenset[str]) -> Callable[[Fields, Array, int], Fields]:
    """Return a compiled function from fields, rows and a number of iterations to the fields after them."""
    import jax
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    peer = LinearGaussianSSM(n_latent, n_features, has_dynamics_bias=False, has_emissions_bias=False)

    def step(fields: Fields, rows: Array) -> Fields:
        params, properties = peer.initialize(
            initial_mean=fields["initial_mean"], initial_covariance=fields["initial_covariance"],
            dynamics_weights=fields["transition"], dynamics_covariance=fields["transition_covariance"],
            emission_weights=fields["observation"], emission_covariance=fields["observation_covariance"])
        stats, _ = peer.e_step(params, rows)
        batch = jax.tree.map(lambda value: jax.numpy.asarray(value)[None], stats)  # of one series
        best, _ = peer.m_step(params, properties, batch, None)
        found = {"transition": best.dynamics.weights, "transition_covariance": best.dynamics.cov,
                 "observation": best.emissions.weights, "observation_covariance": best.emissions.cov}
        found |= {name: fields[name] for name in fixed.union(FIRST)}
        for (weights, noise), moments in zip(REGRESSIONS, stats[1:], strict=True):
            if weights in fixed and noise not in fixed:
                found[noise] = residual_covariance(found[weights], *moments)
        return found

    def loop(fields: Fields, rows: Array, steps: int) -> Fields:
        return dict(jax.lax.fori_loop(0, steps, lambda _, now: step(now, rows), fields))

    return jax.jit(loop)


def residual_covariance(weights: Any, xx: Any, xy: Any, yy: Any, n: int) -> Any:
    """Return the mean of (y - W x)(y - W x)' from sums of products."""
    return (yy - weights @ xy - xy.T @ weights.T + weights @ xx @ weights.T) / n
