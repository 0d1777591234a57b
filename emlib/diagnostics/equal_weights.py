"""EM and gradient EM on a population in one dimension: unit normals with equal known weights and unknown means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from emlib.data.validate import as_floats, positive_integer, positive_number
from emlib.numerics import Array, log_sum_exp

MARGIN = 9.0  # of the grid beyond the outermost true means, in standard deviations
LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class EqualWeights:
    """The population is the equal mixture of N(m, 1) over the true means m; a fit has any number of means.

    Parameters
    ----------
    truth : array_like, shape (k,)
        True means, in standard deviations.
    n_nodes : int
        Points of the trapezoid rule.

    Examples
    --------
    >>> from emlib.diagnostics.equal_weights import EqualWeights
    >>> population = EqualWeights([-4.0, 4.0, 20.0])
    >>> means = population.em([0.0, 19.0, 21.0], 50)
    >>> round(population.divergence(means), 2)  # nats below the truth
    5.1
    """

    truth: Any
    n_nodes: int = 2001

    def __post_init__(self) -> None:
        positive_integer(self.n_nodes, "n_nodes")
        object.__setattr__(self, "truth", _means(self.truth, "truth"))

    @cached_property
    def nodes(self) -> Array:
        """Points of the grid, shape (n_nodes,)."""
        return np.linspace(self.truth.min() - MARGIN, self.truth.max() + MARGIN, self.n_nodes)

    @cached_property
    def mass(self) -> Array:
        """The population's mass at each point, shape (n_nodes,)."""
        density = np.exp(log_sum_exp(_log_densities(self.nodes, self.truth))) / len(self.truth)
        found: Array = density / density.sum()
        return found

    def loglik(self, means: Any) -> float:
        """Return the mean log-likelihood of one observation, in nats."""
        return float(self.mass @ self._log_density(_means(means, "means")))

    def divergence(self, means: Any) -> float:
        """Return the Kullback-Leibler divergence from the population to the fit, in nats."""
        loss = self._log_density(self.truth) - self._log_density(_means(means, "means"))
        return float(self.mass @ loss)

    def em_step(self, means: Any) -> Array:
        """Return EM's next means; a component whose mass has vanished stays where it is."""
        current = _means(means, "means")
        mass, sums = self._sums(current)
        return np.where(mass > 0, sums / np.where(mass > 0, mass, 1.0), current)

    def gradient_step(self, means: Any, step_length: float = 1.0) -> Array:
        """Return the means after a step along the gradient of the mean log-likelihood."""
        positive_number(step_length, "step_length")
        current = _means(means, "means")
        mass, sums = self._sums(current)
        moved: Array = current + step_length * (sums - mass * current)
        return moved

    def em(self, means: Any, n_steps: int) -> Array:
        """Return the means after `n_steps` steps of EM."""
        positive_integer(n_steps, "n_steps")
        current = _means(means, "means")
        for _ in range(n_steps):
            current = self.em_step(current)
        return current

    def _log_density(self, means: Array) -> Array:
        return log_sum_exp(_log_densities(self.nodes, means)) - float(np.log(len(means)))

    def _sums(self, means: Array) -> tuple[Array, Array]:
        """Return each component's mass and its integral of y."""
        logs = _log_densities(self.nodes, means)
        members = self.mass[:, None] * np.exp(logs - log_sum_exp(logs)[:, None])
        return members.sum(axis=0), self.nodes @ members


def _log_densities(nodes: Array, means: Array) -> Array:
    found: Array = -0.5 * (nodes[:, None] - means) ** 2 - 0.5 * LOG_2PI
    return found


def _means(values: Any, name: str) -> Array:
    means = as_floats(values, name)
    if means.ndim != 1 or len(means) == 0:
        raise ValueError(f"{name}: shape {means.shape} found; give a flat array of one or more means")
    return means
