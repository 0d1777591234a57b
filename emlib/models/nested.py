"""Responses with nested effects of known variances: who shares which effect, and what the seen responses say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from scipy.linalg import cho_solve, cholesky

from emlib.data.validate import positive_integer, positive_number
from emlib.models.partial import log_det
from emlib.numerics import Array, kron

PATTERNS = 1024  # of seen responses, whose laws are remembered


@dataclass(frozen=True)
class Nested:
    """The k = prod(sizes) responses of a unit, and the effects that they share, level by level, outermost first.

    Parameters
    ----------
    sizes : tuple of int
    variances : tuple of float
    noise : float
    augmented : int or None
        Levels whose effects are latent variables, None for all; the effects of the finer ones count as noise.
    """

    sizes: tuple[int, ...]
    variances: tuple[float, ...]
    noise: float
    augmented: int | None

    def __post_init__(self) -> None:
        for name in ("sizes", "variances"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not value:
                raise ValueError(f"{name}: {value!r} found; give a tuple with an entry for each level, outermost first")
        if len(self.sizes) != len(self.variances):
            raise ValueError(f"variances: {len(self.variances)} found for {len(self.sizes)} sizes; give one for each "
                             "level")
        for level, (size, variance) in enumerate(zip(self.sizes, self.variances, strict=True)):
            positive_integer(size, f"sizes[{level}]")
            positive_number(variance, f"variances[{level}]")
        positive_number(self.noise, "noise")
        if not 1 <= self.kept <= len(self.sizes):
            raise ValueError(f"augmented: {self.kept} found, of {len(self.sizes)} levels; give 1 to {len(self.sizes)}")

    @property
    def kept(self) -> int:
        return len(self.sizes) if self.augmented is None else self.augmented

    def shared(self, level: int) -> Array:
        """Return which response belongs to which effect of a level, as 0 and 1, shape (k, effects)."""
        return kron(np.eye(prod(self.sizes[:level])), np.ones((prod(self.sizes[level:]), 1)))

    @cached_property
    def effects(self) -> Array:
        """Return `shared` of all latent effects side by side, shape (k, q)."""
        return np.hstack([self.shared(level) for level in range(self.kept)])

    @cached_property
    def spread(self) -> Array:
        """Return the variances of the latent effects, shape (q,)."""
        return np.repeat(self.variances[: self.kept], [prod(self.sizes[:level]) for level in range(self.kept)])

    @cached_property
    def rest(self) -> Array:
        """Return the covariance of the responses given the latent effects, shape (k, k)."""
        finer = [self.variances[level] * self.shared(level) @ self.shared(level).T
                 for level in range(self.kept, len(self.sizes))]
        return np.asarray(self.noise * np.eye(prod(self.sizes)) + sum(finer, np.zeros(())))

    @cached_property
    def covariance(self) -> Array:
        """Return the covariance of the responses, shape (k, k)."""
        return np.asarray(self.rest + (self.effects * self.spread) @ self.effects.T)


    def law(self, seen: Array) -> Seen:
        """Return what the responses where `seen` is true, shape (k,), say of the effects; no parameter changes it."""
        return _law(self, tuple(seen.tolist()))


class Seen:
    """What the seen responses y of a unit say of its latent effects u; R is Cov(y | u), V is Cov(y).

    Attributes
    ----------
    factor : ndarray, shape (s, s)
        Lower Cholesky factor of V.
    root : ndarray, shape (s, s)
        Cholesky factor of R.
    log_det : float
        Logarithm of the determinant of R.
    precision : ndarray, shape (s, s)
        Inverse of V.
    shrunk : ndarray, shape (s, s)
        E[y - mean - Z u | y] = shrunk (y - mean).
    pull : ndarray, shape (q, s)
        E[u | y] = pull (y - mean).
    left : ndarray, shape (q, q)
        Cov(u | y).
    """

    def __init__(self, nested: Nested, seen: Array) -> None:
        effects, spread, rest = nested.effects[seen], nested.spread, nested.rest[np.ix_(seen, seen)]
        self.factor = cholesky(nested.covariance[np.ix_(seen, seen)], lower=True, check_finite=False)
        self.root = np.linalg.cholesky(rest)
        self.log_det = log_det(self.root)
        self.precision = cho_solve((self.factor, True), np.eye(len(rest)), check_finite=False)
        self.shrunk = rest @ self.precision
        self.pull = spread[:, None] * (effects.T @ self.precision)
        self.left = np.diag(spread) - self.pull @ effects * spread


@lru_cache(PATTERNS)
def _law(nested: Nested, seen: tuple[bool, ...]) -> Seen:
    return Seen(nested, np.array(seen))
