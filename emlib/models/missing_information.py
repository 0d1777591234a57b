"""The missing information of a mixture from the complete-data scores of its components (Louis 1982)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import numpy as np

from emlib.data import Data
from emlib.models.memberships import Posterior
from emlib.numerics import Array, block_diagonal

ENTRIES = 1 << 18  # numbers in the table of all units' scores that may stand in memory


def missing_information(found: Posterior, scores: Sequence[Array]) -> Array:
    """Return sum_i Cov(S_i | y_i), shape (K q, K q), one component after another.

    With `score_embedding`'s matrix E, shape (K q, p), E' (...) E is the information in standard entries.

    Parameters
    ----------
    found : Posterior
    scores : sequence of ndarray, shape (n, q)
        Complete-data scores of one unit, given that it belongs to component k.

    Notes
    -----
    E[S S' | y] - E[S | y] E[S | y]', unit by unit; the second term never drops out.
    """
    square = block_diagonal(*[_gram(s, found.memberships[:, k]) for k, s in enumerate(scores)])
    mean, low = np.empty((len(found.memberships), len(square))), 0
    for k, s in enumerate(scores):  # in place: with many features, to move these tables takes longer than the products
        np.multiply(found.responsibilities[:, [k]], s, out=mean[:, low:low + s.shape[1]])
        low += s.shape[1]
    missing: Array = square - _gram(mean, found.memberships.sum(axis=1))
    return missing


def _gram(rows: Array, weights: Array) -> Array:
    """Return sum_i w_i r_i r_i'; of a matrix and its own transpose BLAS does only one half."""
    scaled = rows * np.sqrt(weights)[:, None]
    result: Array = scaled.T @ scaled
    return result


def score_embedding(blocks: Sequence[Sequence[Array]]) -> Array:
    """Stack, for each component, the maps from its parts of the score to the fields' entries.

    Parameters
    ----------
    blocks : sequence over components of sequence over fields of ndarray, shape (q_f, size of field f)
    """
    return np.concatenate([block_diagonal(*fields) for fields in blocks], axis=0)


def weight_score(weight: float) -> float:
    """Return d log pi_k / d pi_k, and 0 for a weight of zero: that entry is on the boundary, where it is held."""
    return 1.0 / weight if weight > 0 else 0.0


def summed(function: Callable[[Data], Array], data: Data, width: int) -> Array:
    """Return what a function makes of all units, added up over pieces of which `width` numbers a unit take 2 MiB."""
    found: Array = reduce(add, map(function, data.chunks(max(1, ENTRIES // width))))
    return found
