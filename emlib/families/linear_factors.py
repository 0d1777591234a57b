"""Linear factors: y = mean + W z + noise with z ~ N(0, I), as one regression on x = (1, z) for each feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI, GaussianMoments, LinearGaussian
from emlib.numerics import Array


@dataclass(frozen=True)
class LinearFactors:
    """Q of the fields `mean` (d,), `loadings` (d, k) and `noise_variance`, the latent prior N(0, I) included.

    Parameters
    ----------
    kind : {"tied", "spherical"}
        One noise variance for all features, or one a feature: the d regressions are the K = d components of
        `LinearGaussian`, each with a response of one dimension.
    pattern : tuple of tuple of bool, optional
        Which loadings are free, (d, k); the others stay zero. None means all.
    held : tuple of str
        Fields whose values are known: they keep those of the E-step, the moments' origin.

    Notes
    -----
    `moments` is a `GaussianMoments` with K = d responses; all share one design matrix, the expected sum of x x'.
    """

    kind: str
    pattern: tuple[tuple[bool, ...], ...] | None = None
    held: tuple[str, ...] = ()
    key: str = "factors"

    @property
    def fields(self) -> tuple[str, ...]:
        return ("mean", "loadings", "noise_variance")

    @property
    def _regression(self) -> LinearGaussian:
        return LinearGaussian("coefficients", "noise", self.kind, self.key)

    def q_value(self, params: Any, moments: GaussianMoments) -> float:
        latent = moments.sxx[0][1:, 1:]
        prior = -0.5 * (len(latent) * LOG_2PI * moments.counts[0] + np.trace(latent))
        return float(self._regression.q_value(_joined(params), moments) + prior)

    def q_gradient(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        return _parted(self._regression.q_gradient(_joined(params), moments), params)

    def q_hessian(self, params: Any, moments: GaussianMoments) -> Array:
        return _ordered(self._regression.q_hessian(_joined(params), moments), moments)

    def argmax(self, moments: GaussianMoments) -> dict[str, Array]:
        found = self._regression.argmax(self._masked(moments))
        coefficients = found["coefficients"].reshape(len(moments.counts), -1)
        return _fields(coefficients, found["noise"].ravel() if self.kind == "spherical" else found["noise"][0, 0])

    def argmax_given(self, moments: GaussianMoments, held: Mapping[str, Array]) -> dict[str, Array]:
        """Return the argmax over the fields that are not held."""
        return {name: value for name, value in self.argmax(moments).items() if name not in held}

    def projection(self, params: Any, moments: GaussianMoments) -> Array:
        """P: psi_i Sxx^-1 for row i of (mean, W), zero for what is held; for noise 2 psi_i^2 / n, or 2 v^2 / (n d)."""
        full = self._regression.projection(_joined(params), self._masked(moments))
        free = np.append(self._free(moments).ravel(), np.ones(len(full) - moments.sex.size, dtype=bool))
        return _ordered(full * np.outer(free, free), moments)

    def remainder(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        """-dW (Sxx/n) dW' in the noise, feature by feature or in the mean; dW the step of (mean, W)."""
        left = _parted(self._regression.remainder(_joined(params), self._masked(moments)), params)
        return {name: 0.0 * value if name in self.held else value for name, value in left.items()}

    def _free(self, moments: GaussianMoments) -> Array:
        """Return which coefficients of (mean, W) are free, shape (d, 1 + k)."""
        shape = (len(moments.counts), moments.sxx.shape[-1] - 1)
        loadings = np.ones(shape, dtype=bool) if self.pattern is None else np.array(self.pattern, dtype=bool)
        mean = np.full(shape[0], "mean" not in self.held)
        return np.column_stack([mean, loadings & ("loadings" not in self.held)])

    def _masked(self, moments: GaussianMoments) -> GaussianMoments:
        """Return moments in which the held coefficients have no part, so that each row's regression leaves them."""
        free = self._free(moments)
        if free.all():
            return moments
        design = np.where(free[:, :, None] & free[:, None, :], moments.sxx, np.eye(free.shape[1]))
        return GaussianMoments(moments.counts, moments.see, moments.sex * free[:, None, :], design, moments.origin,
                               moments.kind)


def coefficients(params: Any) -> Array:
    """Return (mean, W), shape (d, 1 + k)."""
    return np.column_stack([params.mean, params.loadings])


def _joined(params: Any) -> SimpleNamespace:
    noise = np.asarray(params.noise_variance)
    return SimpleNamespace(coefficients=coefficients(params), noise=noise if noise.ndim else noise.reshape(1, 1))


def _fields(joined: Array, noise: Array) -> dict[str, Array]:
    return {"mean": joined[:, 0], "loadings": joined[:, 1:], "noise_variance": np.asarray(noise)}


def _parted(slopes: dict[str, Array], params: Any) -> dict[str, Array]:
    return _fields(slopes["coefficients"], slopes["noise"].reshape(np.shape(params.noise_variance)))


def _ordered(matrix: Array, moments: GaussianMoments) -> Array:
    """Reorder (mean, W) row by row, as the regressions have it, to mean, then W, then noise."""
    rows = np.arange(moments.sex.size).reshape(len(moments.counts), -1)
    order = np.concatenate([rows[:, 0], rows[:, 1:].ravel(), np.arange(moments.sex.size, len(matrix))])
    result: Array = matrix[np.ix_(order, order)]
    return result
