"""Log-likelihoods written a second time in JAX, and their derivatives: the independent oracle.

Nothing here uses an E-step, a statistic or a Q of emlib.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, logsumexp

from emlib.data.reading import require_data
from emlib.model import LatentVariableModel
from emlib.models import (
    BernoulliMixture,
    GaussianMixture,
    Linkage,
    PoissonMixture,
    RegressionMixture,
    StudentT,
    SymmetricMixture,
    SymmetricRegressionMixture,
)
from emlib.numerics import Array

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # JAX ships no annotation here

Fields = dict[str, Any]
LOG_2PI = float(np.log(2 * np.pi))


def _linkage(model: Linkage, theta: Fields, units: Any, seen: Any) -> Any:
    t = theta["theta"]
    cells = jnp.stack([0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])
    return seen @ jnp.log(cells[units])


def _poisson(model: PoissonMixture, theta: Fields, units: Any, seen: Any) -> Any:
    counts = units[:, None]
    log_mass = counts * jnp.log(theta["rates"]) - theta["rates"] - gammaln(counts + 1.0)
    return seen @ logsumexp(log_mass + jnp.log(theta["weights"]), axis=1)


def _noise(model: GaussianMixture, value: Any) -> Any:
    """The K covariance matrices of a field of any type."""
    count, side = model.n_components, model.n_features
    if model.covariance_type == "full":
        return value
    if model.covariance_type == "tied":
        return jnp.broadcast_to(value, (count, side, side))
    if model.covariance_type == "diag":
        return value[:, :, None] * jnp.eye(side)
    return value[:, None, None] * jnp.eye(side)


def _gaussian(model: GaussianMixture, theta: Fields, units: Any, seen: Any) -> Any:
    noise = _noise(model, theta["covariances"])
    residual = units[:, None, :] - theta["means"]
    distance = jnp.einsum("nki,kij,nkj->nk", residual, jnp.linalg.inv(noise), residual)
    log_density = -0.5 * (model.n_features * LOG_2PI + jnp.linalg.slogdet(noise)[1] + distance)
    return seen @ logsumexp(log_density + jnp.log(theta["weights"]), axis=1)


def _symmetric(model: SymmetricMixture, theta: Fields, units: Any, seen: Any) -> Any:
    known = jnp.asarray(model.variances)
    residual = units[:, None, :] - jnp.stack([theta["mean"], -theta["mean"]])
    log_density = -0.5 * (jnp.log(2 * jnp.pi * known) + residual**2 / known).sum(axis=2)
    return seen @ (logsumexp(log_density, axis=1) - jnp.log(2.0))


def _bernoulli(model: BernoulliMixture, theta: Fields, units: Any, seen: Any) -> Any:
    chances = theta["probabilities"]
    log_mass = units @ jnp.log(chances).T + (1 - units) @ jnp.log1p(-chances).T
    return seen @ logsumexp(log_mass + jnp.log(theta["weights"]), axis=1)


def _regressions(model: RegressionMixture, theta: Fields, units: Any, seen: Any) -> Any:
    residual = units[:, -1:] - units[:, :-1] @ theta["coefficients"].T
    log_density = -0.5 * (jnp.log(2 * jnp.pi * theta["noise_variance"]) + residual**2 / theta["noise_variance"])
    return seen @ logsumexp(log_density + jnp.log(theta["weights"]), axis=1)


def _symmetric_regressions(model: SymmetricRegressionMixture, theta: Fields, units: Any, seen: Any) -> Any:
    predicted = units[:, :-1] @ theta["coefficients"]
    residual = units[:, -1:] - jnp.stack([predicted, -predicted], axis=1)
    log_density = -0.5 * (jnp.log(2 * jnp.pi * model.variance) + residual**2 / model.variance)
    return seen @ (logsumexp(log_density, axis=1) - jnp.log(2.0))


def _student(model: StudentT, theta: Fields, units: Any, seen: Any) -> Any:
    side, dof = model.n_features, model.dof
    residual = units - theta["location"]
    distance = jnp.einsum("ni,ij,nj->n", residual, jnp.linalg.inv(theta["scale"]), residual)
    head = gammaln(0.5 * (dof + side)) - gammaln(0.5 * dof) - 0.5 * side * jnp.log(dof * jnp.pi)
    return seen @ (head - 0.5 * jnp.linalg.slogdet(theta["scale"])[1] - 0.5 * (dof + side) * jnp.log1p(distance / dof))


LOGLIKS: dict[type, Callable[..., Any]] = {
    Linkage: _linkage, PoissonMixture: _poisson, GaussianMixture: _gaussian, BernoulliMixture: _bernoulli,
    RegressionMixture: _regressions, StudentT: _student, SymmetricMixture: _symmetric,
    SymmetricRegressionMixture: _symmetric_regressions,
}


def loglik(model: LatentVariableModel, data: Any) -> Callable[[Fields], Any]:
    """Return the log-likelihood as a JAX function of the fields, entries taken as free.

    Raises
    ------
    TypeError
        If the model has no JAX log-likelihood here; the text names those that do. Mixtures, the t model and linkage
        have one; models of sequences, of factors and of missing entries have none.
    """
    units, seen = _units(model, data)
    return lambda theta: _value(model, theta, units, seen)


def _units(model: LatentVariableModel, data: Any) -> tuple[Any, Any]:
    """Units and how often each was seen, as JAX arrays."""
    if type(model) not in LOGLIKS:
        raise TypeError(f"model: no JAX log-likelihood of {type(model).__name__}; there are "
                        f"{[kind.__name__ for kind in LOGLIKS]}")
    units = model.as_data(data)
    require_data(units)
    seen = units.frequencies
    return jnp.asarray(units.units), jnp.asarray(seen)


def _fields(model: LatentVariableModel, params: Any) -> Fields:
    return {b.name: jnp.asarray(getattr(params, b.name), dtype=float) for b in model.space.blocks}


def autodiff_gradient(model: LatentVariableModel, data: Any, params: Any) -> dict[str, Array]:
    """Return the gradient of the log-likelihood by automatic differentiation, one array per field."""
    units, seen = _units(model, data)
    slopes = _slope(model, _fields(model, params), units, seen)
    return {name: np.asarray(value) for name, value in slopes.items()}


def _value(model: LatentVariableModel, theta: Fields, units: Any, seen: Any) -> Any:
    return LOGLIKS[type(model)](model, theta, units, seen)


# Compiled once a model and kept for the next point: compiling costs a thousand evaluations.
_slope = jax.jit(jax.grad(_value, argnums=1), static_argnums=0)


def autodiff_hessian(model: LatentVariableModel, data: Any, params: Any) -> Array:
    """Return the Hessian of the log-likelihood in standard entries, shape (p, p)."""
    shapes = {b.name: b.shape for b in model.space.blocks}
    cuts = np.cumsum([b.size for b in model.space.blocks])[:-1]

    def flat(x: Any) -> Any:
        pieces = zip(shapes.items(), jnp.split(x, cuts), strict=True)
        return loglik(model, data)({name: piece.reshape(shape) for (name, shape), piece in pieces})

    return np.asarray(jax.hessian(flat)(jnp.asarray(model.space.pack(params, "standard"))))


def natural_gradient(model: LatentVariableModel, data: Any, params: Any) -> Array:
    """Return the gradient of the log-likelihood in minimal natural coordinates of a full mixture family.

    Notes
    -----
    The observed likelihood is written directly in natural parameters,
    sum_i log sum_k exp(a_k + eta_k . T(y_i)) - n log sum_k exp(a_k + A(eta_k)), with a_K = 0, so no
    expected statistic enters: theorem T2 is then checked and not assumed.
    """
    if isinstance(model, SymmetricMixture):  # its natural parameter is theta / D
        return np.asarray(model.variances * autodiff_gradient(model, data, params)["mean"])
    if not isinstance(model, PoissonMixture | GaussianMixture):
        raise TypeError(f"model: {type(model).__name__} has no natural coordinates here; a full mixture is needed")
    units, seen = _units(model, data)
    point = _poisson_point(params) if isinstance(model, PoissonMixture) else _gaussian_point(model, params)
    heads = jnp.log(params.weights) - _NATURAL[type(model)](model, units)[1](point)
    return np.asarray(_natural_slope(jnp.concatenate([(heads - heads[-1])[:-1], point]), model, units, seen))


def _natural_value(eta: Any, model: Any, units: Any, seen: Any) -> Any:
    score, partition = _NATURAL[type(model)](model, units)
    head = jnp.append(eta[: model.n_components - 1], 0.0)
    rest = eta[model.n_components - 1:]
    inside = logsumexp(head + score(rest), axis=1)
    return seen @ inside - seen.sum() * logsumexp(head + partition(rest))


_natural_slope = jax.jit(jax.grad(_natural_value), static_argnums=1)  # kept for the next point, as `_slope` is


def _poisson_point(params: Any) -> Any:
    return jnp.log(jnp.asarray(params.rates))


def _poisson_natural(model: PoissonMixture, units: Any) -> tuple[Any, Any]:
    constant = -gammaln(units + 1.0)[:, None]
    return lambda eta: units[:, None] * eta + constant, jnp.exp


def _gaussian_natural(model: GaussianMixture, units: Any) -> tuple[Any, Any]:
    """eta = (b_k, minus half the precision, off-diagonal entries doubled), in the order of the mean chart."""
    count, side, kind = model.n_components, model.n_features, model.covariance_type
    rows, columns = np.tril_indices(side)
    own = {"full": (count, len(rows)), "tied": (1, len(rows)), "diag": (count, side), "spherical": (count, 1)}[kind]

    def precision(eta: Any) -> Any:
        tail = eta[count * side:].reshape(own)
        if kind in ("diag", "spherical"):
            return -2.0 * (tail[:, :, None] if kind == "diag" else tail[:, :, None] * jnp.ones((1, side, 1))) * jnp.eye(
                side)
        half = jnp.zeros((own[0], side, side)).at[:, rows, columns].set(tail)
        return jnp.broadcast_to(-(half + jnp.swapaxes(half, 1, 2)), (count, side, side))

    def score(eta: Any) -> Any:
        linear = units @ eta[: count * side].reshape(count, side).T
        return linear - 0.5 * jnp.einsum("ni,kij,nj->nk", units, precision(eta), units) - 0.5 * side * LOG_2PI

    def partition(eta: Any) -> Any:
        b, matrix = eta[: count * side].reshape(count, side), precision(eta)
        fit = jnp.einsum("ki,ki->k", b, jnp.linalg.solve(matrix, b[:, :, None])[:, :, 0])
        return 0.5 * fit - 0.5 * jnp.linalg.slogdet(matrix)[1]

    return score, partition


_NATURAL: dict[type, Any] = {PoissonMixture: _poisson_natural, GaussianMixture: _gaussian_natural}


def _gaussian_point(model: GaussianMixture, params: Any) -> Any:
    """The natural parameters of the components at `params`."""
    rows, columns = np.tril_indices(model.n_features)
    matrix = np.linalg.inv(np.asarray(_noise(model, params.covariances)))
    b = np.einsum("kij,kj->ki", matrix, params.means)
    if model.covariance_type in ("full", "tied"):
        tail = -np.where(rows == columns, 0.5, 1.0) * matrix[:, rows, columns]
        tail = tail if model.covariance_type == "full" else tail[:1]
    else:
        tail = -0.5 * np.einsum("kii->ki", matrix)
        tail = tail if model.covariance_type == "diag" else tail[:, :1]
    return jnp.concatenate([jnp.asarray(b.ravel()), jnp.asarray(tail.ravel())])
