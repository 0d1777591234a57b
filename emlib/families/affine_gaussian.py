"""A Gaussian regression with an offset, any entries of which are known, and noise that may be independent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import GaussianMoments, LinearGaussian
from emlib.numerics import Array, block_diagonal, kron

MOST_ROUNDS = 1000  # of coefficients given noise and noise given coefficients
SETTLED = 1e-28  # squared length of the last move, in units of one unit's information, that ends them


@dataclass(frozen=True)
class AffineGaussian:
    """Q of y = W x + offset + noise; `matrix`, `offset` and `noise` name the fields.

    Parameters
    ----------
    matrix, noise : str
    offset : str or None
        None where there is no offset.
    key : str
    shape : tuple of int
        Of the field of W: (d, p), or (d,) with p = 1.
    free : tuple of tuple of bool, shape (d, p) or (d, 1 + p)
        Which coefficients are estimated, the offset first; the others keep their values, the moments' origin.
    diagonal : bool
        Whether the entries of the noise are independent: its covariance is then a diagonal matrix.
    known_noise : ndarray, shape (d, d), or None
        The covariance of the noise where it is held.

    Notes
    -----
    `moments` are those of one regression on x, or on (1, x), as `LinearGaussian` has them with kind "tied". With known
    coefficients the best of the others depend on the noise, as in seemingly unrelated regressions, unless its entries
    are independent: the two are then maximised in turn, from the current coefficients on, until nothing is gained, so
    that no M-step lowers Q.
    """

    matrix: str
    offset: str | None
    noise: str
    key: str
    shape: tuple[int, ...]
    free: tuple[tuple[bool, ...], ...]
    diagonal: bool = False
    known_noise: Any = None

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.matrix, self.noise) if self.offset is None else (self.matrix, self.offset, self.noise)

    @property
    def _regression(self) -> LinearGaussian:
        return LinearGaussian("coefficients", "noise", "tied", self.key, np.shape(self.free))

    def joined(self, params: Any) -> Array:
        """Return (offset, W), shape (d, 1 + p), or W, shape (d, p)."""
        matrix = np.asarray(getattr(params, self.matrix)).reshape(self.shape[0], -1)
        return matrix if self.offset is None else np.column_stack([getattr(params, self.offset), matrix])

    def _plain(self, params: Any) -> SimpleNamespace:
        return SimpleNamespace(coefficients=self.joined(params), noise=np.asarray(getattr(params, self.noise)))

    def _parted(self, coefficients: Array, noise: Array) -> dict[str, Array]:
        if self.offset is None:
            return {self.matrix: coefficients.reshape(self.shape), self.noise: noise}
        return {self.matrix: coefficients[:, 1:].reshape(self.shape), self.offset: coefficients[:, 0],
                self.noise: noise}

    def _ordered(self, matrix: Array) -> Array:
        """Reorder (offset, W) row by row to W, then offset, then noise."""
        size = np.size(self.free)
        rows = np.arange(size).reshape(np.shape(self.free))
        first = 0 if self.offset is None else 1
        order = np.concatenate([rows[:, first:].ravel(), rows[:, :first].ravel(), np.arange(size, len(matrix))])
        result: Array = matrix[np.ix_(order, order)]
        return result

    def q_value(self, params: Any, moments: GaussianMoments) -> float:
        return self._regression.q_value(self._plain(params), moments)

    def q_gradient(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        return self._parted(*self._regression.q_gradient(self._plain(params), moments).values())

    def q_hessian(self, params: Any, moments: GaussianMoments) -> Array:
        return self._ordered(self._regression.q_hessian(self._plain(params), moments))

    def argmax(self, moments: GaussianMoments) -> dict[str, Array]:
        return self._parted(*self._best(moments))

    def argmax_given(self, moments: GaussianMoments, held: Mapping[str, Array]) -> dict[str, Array]:
        """Return the argmax over the fields that are not held."""
        return {name: value for name, value in self.argmax(moments).items() if name not in held}

    def _best(self, moments: GaussianMoments) -> tuple[Array, Array]:
        free = np.array(self.free)
        if not free.any():
            return moments.origin[0], self._best_noise(moments, moments.origin[0])
        if free.all() and not self.diagonal and self.known_noise is None:
            found = self._regression.argmax(moments)
            return found["coefficients"], found["noise"]
        if free.all() or self.diagonal or self.known_noise is not None:
            weight = np.eye(len(free)) if self.known_noise is None else np.linalg.inv(self.known_noise)
            coefficients = self._best_coefficients(moments, weight)
            return coefficients, self._best_noise(moments, coefficients)
        return self._in_turn(moments)

    def _in_turn(self, moments: GaussianMoments) -> tuple[Array, Array]:
        coefficients = moments.origin[0]
        noise = self._best_noise(moments, coefficients)
        for _ in range(MOST_ROUNDS):
            try:
                weight = np.linalg.inv(noise)
            except np.linalg.LinAlgError:
                break
            before, coefficients = coefficients, self._best_coefficients(moments, weight)
            noise, move = self._best_noise(moments, coefficients), coefficients - before
            if not np.einsum("ij,jk,il,lk", weight, move, move, moments.sxx[0]) > SETTLED * moments.counts[0]:
                break
        return coefficients, noise

    def _best_coefficients(self, moments: GaussianMoments, weight: Array) -> Array:
        """Return the coefficients that maximise Q given the inverse covariance of the noise, known ones as they are."""
        free = np.array(self.free).ravel()
        bend = kron(weight, moments.sxx[0])[np.ix_(free, free)]
        step = np.zeros(free.shape)
        try:
            step[free] = np.linalg.solve(bend, (weight @ moments.sex[0]).ravel()[free])
        except np.linalg.LinAlgError:
            step[free] = np.nan
        moved: Array = moments.origin[0] + step.reshape(moments.origin[0].shape)
        return moved

    def _best_noise(self, moments: GaussianMoments, coefficients: Array) -> Array:
        if self.known_noise is not None:
            return np.asarray(self.known_noise)
        scatter: Array = moments.scatter(coefficients[None])[0] / moments.counts[0]
        return np.diag(np.diag(scatter)) if self.diagonal else scatter

    def projection(self, params: Any, moments: GaussianMoments) -> Array:
        """P: the inverse of Sigma^-1 (x) Sxx over the free coefficients; 2/n Sigma (x) Sigma for the noise."""
        noise, free = np.asarray(getattr(params, self.noise)), np.array(self.free).ravel()
        upper = np.zeros((len(free),) * 2)
        bend = kron(np.linalg.inv(noise), moments.sxx[0])[np.ix_(free, free)]
        upper[np.ix_(free, free)] = np.linalg.inv(bend)
        lower = 2.0 / moments.counts[0] * kron(noise, noise)
        kept = np.eye(len(noise)).ravel() if self.diagonal else np.ones(noise.size)
        return self._ordered(block_diagonal(upper, lower * np.outer(kept, kept) * (self.known_noise is None)))

    def remainder(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        """EM step - P gradient: what the M-step owes to the noise and the coefficients being estimated together."""
        slopes, best = self.q_gradient(params, moments), self.argmax(moments)
        flat = np.concatenate([np.ravel(slopes[name]) for name in self.fields])
        step = np.concatenate([np.ravel(best[name] - getattr(params, name)) for name in self.fields])
        left, found, low = step - self.projection(params, moments) @ flat, {}, 0
        for name in self.fields:
            shape = np.shape(getattr(params, name))
            found[name] = left[low:low + int(np.prod(shape))].reshape(shape)
            low += found[name].size
        return found
