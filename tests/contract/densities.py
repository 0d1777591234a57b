"""Densities written a second time, in JAX, so that every derivative has an independent witness.

Nothing here uses emlib. Derivatives are taken over the plain entries (weights, means, K full matrices, ...),
so that cases of one size share their compiled code, and carried to the other coordinates by the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from tests.contract import charts
from tests.contract.autodiff import jax, jnp

ROWS = 64  # units of a witness, padded by units of weight zero
Joint = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Law:
    """What a witness needs to know of a model, unit by unit; every function is traced by JAX.

    Attributes
    ----------
    loglik : callable
        (plain entries, units) to the log-likelihoods, shape (n,).
    posterior : callable
        (plain entries, units) to whatever describes the latent variables given the units.
    expected : callable
        (plain entries, posterior, units) to the expected complete-data log-likelihoods, shape (n,).
    entropy : callable
        posterior to the entropies, shape (n,), nats.
    rows : int
        Units of the compiled code, shared by all cases of this law; shorter data are padded.
    """

    loglik: Callable[[Any, Any], Any]
    posterior: Callable[[Any, Any], Any]
    expected: Callable[[Any, Any, Any], Any]
    entropy: Callable[[Any], Any]
    rows: int = ROWS


@cache
def labelled(joint: Joint) -> Law:
    """The law of one label a unit, from log p(unit, label), shape (n, K)."""
    def entropy(shares: Any) -> Any:
        return -(shares * jnp.log(jnp.where(shares > 0, shares, 1.0))).sum(axis=1)

    return Law(lambda plain, units: jax.scipy.special.logsumexp(joint(plain, units), axis=1),
               lambda plain, units: jax.nn.softmax(joint(plain, units), axis=1),
               lambda plain, shares, units: (shares * joint(plain, units)).sum(axis=1), entropy)


@cache
def poisson(count: int) -> Law:
    """log(pi_k Poisson(y_i | lambda_k)), shape (n, K), at (weights, rates)."""
    def joint(plain: Any, units: Any) -> Any:
        weights, rates = plain[:count], plain[count:]
        y = units[:, None]
        return jnp.log(weights) + y * jnp.log(rates) - rates - jax.scipy.special.gammaln(y + 1)
    return labelled(joint)


@cache
def gaussian(count: int, side: int) -> Law:
    """log(pi_k N(y_i | mu_k, Sigma_k)), shape (n, K), at (weights, means, K full matrices)."""
    def joint(plain: Any, units: Any) -> Any:
        weights, means, noise = jnp.split(plain, [count, count + count * side])
        noise = noise.reshape(count, side, side)
        residual = units[:, None, :] - means.reshape(count, side)
        precision, det = inverse(noise)
        squares = jnp.einsum("nki,kij,nkj->nk", residual, precision, residual)
        return jnp.log(weights) - 0.5 * (side * jnp.log(2 * jnp.pi) + jnp.log(det) + squares)
    return labelled(joint)


def penalised(law: Law, penalty: Callable[[Any], Any], total: float) -> Law:
    """The law with a penalty, a function of the plain entries, spread over the units."""
    def share(plain: Any) -> Any:
        return penalty(plain) / total

    return replace(law, loglik=lambda plain, units: law.loglik(plain, units) + share(plain),
                   expected=lambda plain, posterior, units: law.expected(plain, posterior, units) + share(plain))


def divergence(count: int, side: int, weight: float, reference: Any) -> Callable[[Any], Any]:
    """-weight sum_k KL(N(0, reference) || N(0, Sigma_k)) at (weights, means, K full matrices)."""
    def value(plain: Any) -> Any:
        precision, det = inverse(plain[count * (1 + side):].reshape(count, side, side))
        ratios = jnp.einsum("kij,ji->k", precision, jnp.asarray(reference))
        return -0.5 * weight * (ratios - side + jnp.log(det) - np.linalg.slogdet(reference)[1]).sum()
    return value


def inverse(noise: Any) -> tuple[Any, Any]:
    """Inverses and determinants of matrices of side one or two, written out (quick to compile)."""
    if noise.shape[-1] == 1:
        return 1 / noise, noise[:, 0, 0]
    det = noise[:, 0, 0] * noise[:, 1, 1] - noise[:, 0, 1] * noise[:, 1, 0]
    turned = jnp.stack([jnp.stack([noise[:, 1, 1], -noise[:, 0, 1]], axis=-1),
                        jnp.stack([-noise[:, 1, 0], noise[:, 0, 0]], axis=-1)], axis=-2)
    return turned / det[:, None, None], det


@cache
def symmetric(variances: tuple[float, ...]) -> Law:
    """log(1/2 N(y_i | +-theta, D)), shape (n, 2), D known and diagonal, at (theta,)."""
    def joint(plain: Any, units: Any) -> Any:
        known = jnp.asarray(variances)
        residual = units[:, None, :] - jnp.stack([plain, -plain])
        return -jnp.log(2.0) - 0.5 * (jnp.log(2 * jnp.pi * known) + residual**2 / known).sum(axis=2)
    return labelled(joint)


@cache
def linkage() -> Law:
    """Two hidden classes a cell; the second exists in the first cell only (elsewhere a stand-in for -inf)."""
    def joint(plain: Any, units: Any) -> Any:
        theta = plain[0]
        first = jnp.log(jnp.stack([jnp.array(0.5), (1 - theta) / 4, (1 - theta) / 4, theta / 4]))
        second = jnp.stack([jnp.log(theta / 4), *[jnp.array(-1e4)] * 3])
        return jnp.stack([first, second], axis=1)[units.astype(int)]
    return labelled(joint)


@cache
def derivatives(law: Law) -> tuple[Any, Any, Any, Any, Any]:
    """Value with slope and Hessian of loglik, posterior, slope with Hessian of Q, entropy; all compiled."""
    def loglik(plain: Any, units: Any, weights: Any) -> Any:
        return weights @ law.loglik(plain, units)

    def q(plain: Any, posterior: Any, units: Any, weights: Any) -> Any:
        return weights @ law.expected(plain, posterior, units)

    q_both = jax.jit(lambda *args: (jax.grad(q)(*args), jax.hessian(q)(*args)))
    return (jax.jit(jax.value_and_grad(loglik)), jax.jit(jax.hessian(loglik)), jax.jit(law.posterior), q_both,
            jax.jit(law.entropy))


class Density:
    """Log-likelihood, Q and posterior of one data set in free and in standard coordinates.

    Parameters
    ----------
    law : Law
    units : ndarray, shape (n, ...)
    weights : ndarray, shape (n,)
    fields : mapping of str to (chart, shape), in the order of the flat vector
    embed : ndarray, shape (plain entries, standard entries)
        How the plain entries depend on those of the fields.
    """

    def __init__(self, law: Law, units: Any, weights: Any, fields: Mapping[str, Any], embed: Any) -> None:
        spare = law.rows - len(units)
        self.units = np.concatenate([units, np.repeat(units[:1], spare, axis=0)]).astype(float)
        self.weights = np.append(np.asarray(weights, dtype=float), np.zeros(spare))
        self.embed = np.asarray(embed)
        self._charts = [charts.compiled(chart, shape) for chart, shape in fields.values()]
        self._cuts = np.cumsum([charts.free_size(chart, shape) for chart, shape in fields.values()])[:-1]
        self._sizes = np.cumsum([int(np.prod(shape, dtype=int)) for _, shape in fields.values()])[:-1]
        self._slope, self._bend, self._posterior, self._q_bend, self._entropy = derivatives(law)

    def standard(self, free: Any) -> np.ndarray:
        """The fields' entries at free coordinates."""
        pieces = zip(self._charts, np.split(free, self._cuts), strict=True)
        return np.concatenate([np.asarray(chart[0](piece)) for chart, piece in pieces])

    def jacobian(self, free: Any) -> np.ndarray:
        """d(standard)/d(free)."""
        pieces = zip(self._charts, np.split(free, self._cuts), strict=True)
        return block_diag(*[np.asarray(chart[1](piece)) for chart, piece in pieces])

    def pulled(self, free: Any, slope: Any, bend: Any) -> np.ndarray:
        """A Hessian over standard entries carried to free coordinates, curvature of the charts included."""
        pieces = zip(self._charts, np.split(free, self._cuts), np.split(slope, self._sizes), strict=True)
        jacobian = self.jacobian(free)
        return jacobian.T @ bend @ jacobian + block_diag(*[np.asarray(c[2](u, g)) for c, u, g in pieces])

    def loglik(self, free: Any) -> float:
        """Total log-likelihood."""
        return float(self._slope(self.embed @ self.standard(free), self.units, self.weights)[0])

    def standard_gradient(self, standard: Any) -> np.ndarray:
        """Gradient over the entries of the fields, taken as free."""
        return self.embed.T @ np.asarray(self._slope(self.embed @ standard, self.units, self.weights)[1])

    def gradient(self, free: Any) -> np.ndarray:
        """Gradient in free coordinates."""
        return self.jacobian(free).T @ self.standard_gradient(self.standard(free))

    def standard_hessian(self, standard: Any) -> np.ndarray:
        """Hessian over the entries of the fields, taken as free."""
        return self.embed.T @ np.asarray(self._bend(self.embed @ standard, self.units, self.weights)) @ self.embed

    def hessian(self, free: Any) -> np.ndarray:
        """Hessian in free coordinates."""
        standard = self.standard(free)
        return self.pulled(free, self.standard_gradient(standard), self.standard_hessian(standard))

    def posterior(self, free: Any) -> Any:
        """What describes the latent variables given the units (for labels their probabilities, shape (ROWS, K))."""
        return self._posterior(self.embed @ self.standard(free), self.units)

    def shares(self, free: Any) -> np.ndarray:
        """Posterior probabilities of the components, shape (ROWS, K)."""
        return np.asarray(self.posterior(free))

    def q_standard(self, standard: Any, posterior: Any) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian of Q for this posterior, over the entries of the fields."""
        slope, bend = self._q_bend(self.embed @ standard, posterior, self.units, self.weights)
        return self.embed.T @ np.asarray(slope), self.embed.T @ np.asarray(bend) @ self.embed

    def q_hessian(self, free: Any, posterior: Any) -> np.ndarray:
        """Hessian of Q for this posterior in free coordinates."""
        return self.pulled(free, *self.q_standard(self.standard(free), posterior))

    def entropy(self, free: Any) -> float:
        """Posterior entropy of the latent variables, nats."""
        return float(self.weights @ np.asarray(self._entropy(self.posterior(free))))
