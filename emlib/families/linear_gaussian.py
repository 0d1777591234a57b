"""Gaussian responses with expected linear predictors: mixtures, regressions, factor models.

Component k says y = W_k x + noise, noise ~ N(0, Sigma_k); a plain mean is the regression on x = 1.
The moments are taken about an origin (the coefficients of the E-step), so nothing cancels near the optimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families import covariance
from emlib.model import Moments
from emlib.numerics import Array, block_diagonal, kron

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class GaussianMoments(Moments):
    """Expected moments of the residuals e = y - W0 x, one entry per component.

    Attributes
    ----------
    counts : ndarray, shape (K,)
    see : ndarray
        Sum of e e', compressed to the covariance type (see `covariance.compress`).
    sex : ndarray, shape (K, d, p)
        Sum of e x'.
    sxx : ndarray, shape (K, p, p)
        Sum of x x'.
    origin : ndarray, shape (K, d, p)
        W0.
    kind : str
        Covariance type.
    """

    counts: Array
    see: Array
    sex: Array
    sxx: Array
    origin: Array
    kind: str

    def about(self, origin: Array) -> GaussianMoments:
        """Return the same moments about another origin."""
        if origin is self.origin or np.array_equal(origin, self.origin):
            return self
        shift = origin - self.origin
        moved = shift @ self.sxx
        kept = covariance.compress(self.kind, _cross_terms(self.sex, moved, shift))
        return GaussianMoments(self.counts, self.see - kept, self.sex - moved, self.sxx, origin, self.kind)

    def scatter(self, coefficients: Array) -> Array:
        """Return the scatter matrices about W x, shape (K, d, d) (up to what the type ignores)."""
        moved = self.about(coefficients)
        return covariance.decompress(self.kind, moved.see, self.origin.shape[1])

    def __add__(self, other: GaussianMoments) -> GaussianMoments:
        there = other.about(self.origin)
        return GaussianMoments(self.counts + there.counts, self.see + there.see, self.sex + there.sex,
                               self.sxx + there.sxx, self.origin, self.kind)

    def combined(self, factor: float, other: GaussianMoments, weight: float) -> GaussianMoments:
        """Return `factor` times these moments plus `weight` times others, about the origin of these."""
        shift, weighed = self.origin - other.origin, weight * other.sxx
        first, moved = weight * other.sex, shift @ weighed
        gone = covariance.compress(self.kind, _cross_terms(first, moved, shift))
        return GaussianMoments(factor * self.counts + weight * other.counts,
                               factor * self.see + (weight * other.see - gone), factor * self.sex + (first - moved),
                               factor * self.sxx + weighed, self.origin, self.kind)

    def __mul__(self, factor: float) -> GaussianMoments:
        return GaussianMoments(self.counts * factor, self.see * factor, self.sex * factor, self.sxx * factor,
                               self.origin, self.kind)

    __rmul__ = __mul__


def _cross_terms(sex: Array, moved: Array, shift: Array) -> Array:
    """Sex s' + s Sxe - s Sxx s': what a shift s of the coefficients takes from See; `moved` is s Sxx."""
    turned = np.swapaxes(shift, 1, 2)
    mixed = sex @ turned
    crossed: Array = mixed + np.swapaxes(mixed, 1, 2)
    result: Array = crossed - moved @ turned
    return result


@dataclass(frozen=True)
class LinearGaussian:
    """Q of K Gaussian regressions; `coefficients` and `noise` name the two fields.

    One regression alone has K = 1 and kind "tied": its noise is then one (d, d) matrix. `field_shape` is the shape of
    the coefficients' field, such as (d,) or (d, p), where it is not that of W without an axis of length p = 1.
    """

    coefficients: str
    noise: str
    kind: str
    key: str
    field_shape: tuple[int, ...] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.coefficients, self.noise)

    def _split(self, params: Any, moments: GaussianMoments) -> tuple[Array, Array]:
        """Return W (K, d, p) and the K covariance matrices."""
        count, side, _ = moments.origin.shape
        noise = covariance.expand(self.kind, np.asarray(getattr(params, self.noise)), count, side)
        return np.asarray(getattr(params, self.coefficients)).reshape(moments.origin.shape), noise

    def q_value(self, params: Any, moments: GaussianMoments) -> float:
        weights, noise = self._split(params, moments)
        logdet = np.linalg.slogdet(noise)[1]
        fit = np.einsum("kij,kji->k", np.linalg.inv(noise), moments.scatter(weights))
        return float(-0.5 * (moments.counts * (noise.shape[1] * LOG_2PI + logdet) + fit).sum())

    def q_gradient(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        weights, noise = self._split(params, moments)
        precision = np.linalg.inv(noise)
        slope = precision @ (moments.sex - (weights - moments.origin) @ moments.sxx)
        scatter = precision @ moments.scatter(weights) @ precision
        bend = -0.5 * (moments.counts[:, None, None] * precision - scatter)
        shape = np.shape(getattr(params, self.coefficients))
        return {self.coefficients: slope.reshape(shape), self.noise: covariance.gather(self.kind, bend)}

    def q_hessian(self, params: Any, moments: GaussianMoments) -> Array:
        weights, noise = self._split(params, moments)
        precision = np.linalg.inv(noise)
        slope = precision @ (moments.sex - (weights - moments.origin) @ moments.sxx)
        scatter = precision @ moments.scatter(weights) @ precision
        upper = block_diagonal(*-kron(precision, moments.sxx))
        cross = covariance.along(self.kind, _cross(precision, slope))
        lower = covariance.pulled(self.kind, _curvature(moments.counts, precision, scatter))
        return np.block([[upper, cross], [cross.T, lower]])

    def argmax(self, moments: GaussianMoments) -> dict[str, Array]:
        step = _solve_right(moments.sex, moments.sxx)
        weights = moments.origin + step
        # At the optimum See - step Sxx step' is what is left; `scatter` would subtract the step twice.
        left = covariance.decompress(self.kind, moments.see, weights.shape[1]) - covariance.decompress(
            self.kind, covariance.compress(self.kind, step @ moments.sxx @ np.swapaxes(step, 1, 2)), weights.shape[1])
        shape = self.field_shape or (weights.shape[:2] if weights.shape[2] == 1 else weights.shape)
        return {self.coefficients: weights.reshape(shape),
                self.noise: covariance.average(self.kind, left, moments.counts)}

    def argmax_given(self, moments: GaussianMoments, held: Mapping[str, Array]) -> dict[str, Array]:
        """Return the argmax over one field given the other.

        Notes
        -----
        The best coefficients do not depend on the covariances; the covariances average the scatter about the
        coefficients, whichever they are. P times the gradient is then the whole EM step.
        """
        if self.noise in held:
            return {self.coefficients: self.argmax(moments)[self.coefficients]}
        scatter = moments.scatter(np.asarray(held[self.coefficients]).reshape(moments.origin.shape))
        return {self.noise: covariance.average(self.kind, scatter, moments.counts)}

    def projection(self, params: Any, moments: GaussianMoments) -> Array:
        """P: Sigma_k (x) Sxx^-1 for the coefficients, 2/n_k Sigma_k (x) Sigma_k for full covariances."""
        _, noise = self._split(params, moments)
        precision = np.linalg.inv(noise)
        upper = kron(noise, np.linalg.inv(moments.sxx))
        lower = covariance.pulled(self.kind, 0.5 * moments.counts[:, None, None] * kron(precision, precision))
        return block_diagonal(*upper, np.linalg.inv(lower))

    def remainder(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        """-dW (Sxx/n) dW' in the covariance: the M-step centres on the new coefficients, P on the old."""
        weights, _ = self._split(params, moments)
        about = moments.about(weights)
        step = _solve_right(about.sex, about.sxx)
        moved = step @ about.sxx @ np.swapaxes(step, 1, 2)
        return {self.coefficients: np.zeros(np.shape(getattr(params, self.coefficients))),
                self.noise: -covariance.average(self.kind, moved, moments.counts)}


def _solve_right(left: Array, matrix: Array) -> Array:
    """Return left @ inv(matrix); not a number where a component has starved."""
    if matrix.shape[-1] == 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            return left / matrix
    columns = np.swapaxes(left, 1, 2)
    with suppress(np.linalg.LinAlgError):  # of all at once; where one is singular, one by one
        return np.swapaxes(np.linalg.solve(matrix, columns), 1, 2)
    pairs = zip(matrix, columns, strict=True)
    return np.swapaxes(np.stack([_solved(square, right) for square, right in pairs]), 1, 2)


def _solved(matrix: Array, right: Array) -> Array:
    """Return inv(matrix) @ right; not a number where the matrix is singular, as a starved component's is."""
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.full(right.shape, np.nan)


def _cross(precision: Array, slope: Array) -> Array:
    """d2Q/dW dSigma: minus A dSigma (A R), as matrices from vec(Sigma) to vec(W), shape (K, d p, d d)."""
    count, side, width = slope.shape
    result: Array = -np.einsum("kij,kla->kiajl", precision, slope).reshape(count, side * width, side * side)
    return result


def _curvature(counts: Array, precision: Array, scatter: Array) -> Array:
    """d2Q/dSigma2 = n/2 A(x)A - 1/2 (A(x)B + B(x)A), B = A C A, shape (K, d d, d d)."""
    whole = counts[:, None, None] * kron(precision, precision)
    return 0.5 * (whole - kron(precision, scatter) - kron(scatter, precision))
