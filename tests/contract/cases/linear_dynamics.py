"""Cases of linear dynamical systems; their law in JAX is one normal distribution over all times at once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from emlib.models import LinearDynamicalSystem
from tests.contract import charts
from tests.contract.autodiff import jax, jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, inverse

LOG_2PI = np.log(2 * np.pi)
LENGTH = 4  # of every sequence
COUNT = 16  # sequences


class System:
    """The plain entries as matrices over the whole path: z = W z + first + noise, y = C z + noise."""

    def __init__(self, plain: Any, k: int, d: int) -> None:
        sizes = np.cumsum([k, k * k, k * k, k * k, d * k])
        mean, first, move, step, look, noise = jnp.split(plain, sizes)
        first, step, noise = first.reshape(1, k, k), step.reshape(1, k, k), noise.reshape(1, d, d)
        self.start = jnp.concatenate([mean, jnp.zeros((LENGTH - 1) * k)])
        self.move = jnp.kron(np.eye(LENGTH, k=-1), move.reshape(k, k))
        self.look = jnp.kron(np.eye(LENGTH), look.reshape(d, k))
        self.steps, self.noises = _over_time(first, step), _over_time(noise, noise)

    def joint(self) -> tuple[Any, Any]:
        """Mean and covariance of (z, y)."""
        unit = jnp.eye(len(self.start))
        back = (unit + self.move) @ (unit + self.move @ self.move)  # the inverse of 1 - W, W^4 = 0
        mean, states = back @ self.start, back @ self.steps[0] @ back.T
        seen = self.look @ states
        return (jnp.concatenate([mean, self.look @ mean]),
                jnp.block([[states, seen.T], [seen, seen @ self.look.T + self.noises[0]]]))


def _over_time(first: Any, other: Any) -> tuple[Any, Any, Any]:
    """Covariance and precision of the noises of all times, the first of its own kind; log-determinant a time."""
    mask = np.diag(np.eye(LENGTH)[0])
    pairs = [jnp.kron(mask, a[0]) + jnp.kron(np.eye(LENGTH) - mask, b[0])
             for a, b in ((first, other), (inverse(first)[0], inverse(other)[0]))]
    sizes = mask.diagonal() * jnp.log(inverse(first)[1]) + (1 - mask.diagonal()) * jnp.log(inverse(other)[1])
    return (*pairs, sizes)


@cache
def law(k: int, d: int) -> Law:
    """The law at (m, P_0, A, Q, C, R); a unit is a sequence as (values, 1 where seen), shape (2, T, d).

    A row that is not seen at all is no part of the complete data.
    """
    states = LENGTH * k

    def given(plain: Any, unit: Any) -> tuple[Any, ...]:
        mean, spread = System(plain, k, d).joint()
        seen = unit[1].ravel()
        inside = seen[:, None] * spread[states:, states:] * seen + jnp.diag(1 - seen)
        return mean, spread, seen, inside, seen * (unit[0].ravel() - mean[states:])

    def loglik(plain: Any, unit: Any) -> Any:
        _, _, seen, inside, residual = given(plain, unit)
        factor = jnp.linalg.cholesky(inside)
        white = jax.scipy.linalg.solve_triangular(factor, residual, lower=True)
        return -0.5 * (seen.sum() * LOG_2PI + white @ white) - jnp.log(jnp.diag(factor)).sum()

    def posterior(plain: Any, unit: Any) -> Any:
        mean, spread, seen, inside, residual = given(plain, unit)
        gain = spread[:, states:] * seen @ jnp.linalg.inv(inside)
        return mean + gain @ residual, spread - gain @ (seen[:, None] * spread[states:]), unit[1]

    def expected(plain: Any, found: Any, unit: Any) -> Any:
        system, (mean, spread, seen) = System(plain, k, d), found
        step = jnp.eye(states) - system.move
        moved = step @ mean[:states] - system.start
        steps = jnp.outer(moved, moved) + step @ spread[:states, :states] @ step.T
        path = system.steps[2].sum() + jnp.sum(system.steps[1] * steps)
        error = jnp.concatenate([-system.look, jnp.eye(LENGTH * d)], axis=1)
        squares = error @ (spread + jnp.outer(mean, mean)) @ error.T
        fits = jnp.sum(system.noises[1] * squares, axis=1).reshape(LENGTH, d).sum(axis=1)
        return -0.5 * (states * LOG_2PI + path + seen.max(axis=1) @ (d * LOG_2PI + system.noises[2] + fits))

    def entropy(found: Any) -> Any:
        _, spread, seen = found
        hidden = jnp.concatenate([jnp.ones(states), (seen.max(axis=1, keepdims=True) - seen).ravel()])
        inside = hidden[:, None] * spread * hidden + jnp.diag(1 - hidden)
        return 0.5 * (hidden.sum() * (1 + LOG_2PI) + jnp.linalg.slogdet(inside)[1])

    return Law(_by_units(loglik, None, 0), _by_units(posterior, None, 0), _by_units(expected, None, 0, 0),
               _by_units(entropy, 0), rows=COUNT)


def _by_units(function: Any, *axes: int | None) -> Any:
    """Vectorise a function of one sequence, when it is first called."""
    return lambda *given: jax.vmap(function, axes)(*given)


def with_mask(data: Any) -> np.ndarray:
    """Values, zero where missing, and which were seen, shape (n, 2, T, d)."""
    rows = np.stack(data.units)
    return np.stack([np.nan_to_num(rows), ~np.isnan(rows)], axis=1)


def _sequences(k: int, d: int) -> list[np.ndarray]:
    """Sequences of a system whose states move slowly; a fifth of the entries and a few whole rows are missing."""
    rng = np.random.default_rng(40 + d)
    turn = np.array([[0.9, 0.3], [-0.3, 0.8]])[:k, :k]
    look = np.array([[2.0, 0.5], [-1.0, 1.5]])[:d, :k]
    drawn = []
    for _ in range(COUNT):
        state = rng.standard_normal(k) + 1.0
        rows = []
        for _ in range(LENGTH):
            rows.append(look @ state + 0.6 * rng.standard_normal(d))
            state = turn @ state + 0.7 * rng.standard_normal(k)
        hidden = rng.random((LENGTH, d)) < 0.2
        hidden[0, 0] = False  # cut to its first row, the sequence still says something
        drawn.append(np.where(hidden, np.nan, rows))
    drawn[0][1], drawn[0][2, 0] = np.nan, np.nan
    return drawn


def _case(k: int, d: int) -> Case:
    fields = {"initial_mean": (charts.real, (k,)), "initial_covariance": (charts.log_cholesky, (k, k)),
              "transition": (charts.real, (k, k)), "transition_covariance": (charts.log_cholesky, (k, k)),
              "observation": (charts.real, (d, k)), "observation_covariance": (charts.log_cholesky, (d, d))}
    plain = sum(int(np.prod(shape)) for _, shape in fields.values())
    return Case(f"linear-dynamics-k{k}-d{d}", LinearDynamicalSystem(k, d), _sequences(k, d), None, law(k, d), fields,
                np.eye(plain), seed=41, arrays=with_mask, closed_remainder=_remainder)


def _remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """Minus the step of the coefficients, times the mean design matrix, times the step, for each regression."""
    left = {}
    for key, name in (("initial", "initial_mean"), ("transition", "transition"), ("observation", "observation")):
        step = getattr(moved_to, name) - getattr(params, name)
        step = step[:, None] if step.ndim == 1 else step
        noise = f"{key}_covariance"
        left[noise] = -step @ (stats[key].sxx[0] / stats[key].counts[0]) @ step.T
    return left


CASES = [_case(1, 2)]
# What one state cannot show: entries off the diagonal of every matrix, products that do not commute. JAX takes too
# long over two states for the whole contract, and the likelihood of these data rises up to a singular noise.
MATRICES = ("check_additive", "check_decomposition", "check_loglik", "check_entropy", "check_fisher",
            "check_standard_gradient", "check_bound", "check_monotone", "check_m_step_stationary", "check_round_trip",
            "check_free_chart", "check_differences", "check_q_hessian", "check_complete_information",
            "check_projection")
PART = [replace(_case(2, 2), only=MATRICES, has_optimum=False)]
