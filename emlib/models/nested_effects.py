"""What rows of responses say of their nested effects where all effects are latent, all rows at once.

The noise is then the same and independent for all responses, and what a row says depends on how many of its responses
share each pair of effects: matrices over the q effects instead of the k responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI
from emlib.models.nested import Nested
from emlib.models.partial import kinds_of
from emlib.numerics import Array

CHUNKS = 8  # of data whose laws are remembered
ENTRIES = 500_000  # of matrices q x q, one for each pattern or each row, that are held at a time
SPREAD = 1e3  # of the effects' variances, summed over a row, over the noise's: beyond it digits would be lost


@dataclass(frozen=True, eq=False)
class Effects:
    """The law of the latent effects u of n rows, of G patterns of seen responses, given the rows.

    Attributes
    ----------
    kinds : ndarray of bool, shape (G, k)
    which : ndarray of int, shape (n,)
        The pattern of each row.
    means : ndarray, shape (n, q)
        E[u | row].
    clean : ndarray, shape (n, k)
        The responses less their expected values, the effects' included; zero where one is missing.
    left : ndarray, shape (G, q, q)
        Cov(u | row).
    log_det : ndarray, shape (G,)
        Logarithm of the determinant of `left`.
    shared : ndarray, shape (G, q, q)
        Z' Z over the seen responses.
    logliks : ndarray, shape (n,)
    """

    kinds: Array
    which: Array
    means: Array
    clean: Array
    left: Array
    log_det: Array
    shared: Array
    logliks: Array


def serves(nested: Nested, rows: Array) -> bool:
    """Return whether these rows, NaN where a response is missing, may be taken all at once.

    Not with part of the effects in the noise, nor where the noise is far smaller than they are, nor with more patterns
    than matrices are held of.
    """
    if nested.kept < len(nested.sizes) or nested.spread.max() * len(nested.effects) > SPREAD * nested.noise:
        return False
    most = ENTRIES // len(nested.spread)**2
    return len(rows) <= most or len(kinds_of(~np.isnan(rows))[0]) <= most


def effects_given(nested: Nested, residual: Array) -> Effects:
    """Return what rows of responses less their means, shape (n, k), NaN where missing, say of all effects."""
    seen, z, spread = ~np.isnan(residual), nested.effects, nested.spread
    kinds, which = kinds_of(seen)
    left, log_det, shared = _laws(nested, np.packbits(kinds, axis=1).tobytes(), len(kinds))
    given = np.where(seen, residual, 0.0)
    means = _times(left, which, given @ z / nested.noise)
    clean = np.where(seen, given - means @ z.T, 0.0)
    constant = kinds.sum(axis=1) * (LOG_2PI + np.log(nested.noise)) + np.log(spread).sum() - log_det
    squares = (clean**2).sum(axis=1) / nested.noise + means**2 @ (1 / spread)
    return Effects(kinds, which, means, clean, left, log_det, shared, -0.5 * (constant[which] + squares))


@lru_cache(CHUNKS)
def _laws(nested: Nested, packed: bytes, count: int) -> tuple[Array, Array, Array]:
    """Return `left`, `log_det` and `shared` of patterns, which no parameter changes."""
    z, spread = nested.effects, nested.spread
    bits = np.frombuffer(packed, dtype=np.uint8).reshape(count, -1)
    kinds = np.unpackbits(bits, axis=1, count=len(z))
    pairs = (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)
    shared = (kinds @ pairs).reshape(count, len(spread), len(spread))
    precision = np.diag(1 / spread) + shared / nested.noise
    return np.linalg.inv(precision), -np.linalg.slogdet(precision)[1], shared


def _times(matrices: Array, which: Array, rows: Array) -> Array:
    """Return each row times the symmetric matrix of its pattern, in bounded memory."""
    if len(matrices) == 1:
        return np.asarray(rows @ matrices[0])
    found, most = np.empty(rows.shape), max(ENTRIES // rows.shape[1]**2, 1)
    for low in range(0, len(rows), most):
        part = slice(low, low + most)
        found[part] = (matrices[which[part]] @ rows[part, :, None])[:, :, 0]
    return found
