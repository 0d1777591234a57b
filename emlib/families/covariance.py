"""How the noise covariances of K components are tied: full, tied, diag or spherical.

A covariance field is a linear image of K full matrices; everything that depends on the type is here.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np

from emlib.numerics import Array, block_diagonal, lower_indices

TYPES = ("full", "tied", "diag", "spherical")


def shape(kind: str, count: int, side: int) -> tuple[int, ...]:
    """Return the shape of the field for K = `count` components in d = `side` dimensions."""
    return {"full": (count, side, side), "tied": (side, side), "diag": (count, side), "spherical": (count,)}[kind]


def expand(kind: str, value: Array, count: int, side: int) -> Array:
    """Return the K covariance matrices, shape (K, d, d)."""
    if kind == "full":
        return value
    if kind == "tied":
        return value[None].repeat(count, axis=0)  # `broadcast_to` takes ten times as long
    diagonal = value if kind == "diag" else np.repeat(value[:, None], side, axis=1)
    return diagonal[:, :, None] * np.eye(side)


def gather(kind: str, matrices: Array) -> Array:
    """Return the adjoint of `expand`: what a gradient per matrix is for the field."""
    if kind == "full":
        return matrices
    if kind == "tied":
        pooled: Array = matrices.sum(axis=0)
        return pooled
    diagonal = np.einsum("kii->ki", matrices)
    result: Array = diagonal if kind == "diag" else diagonal.sum(axis=1)
    return result


def average(kind: str, scatters: Array, counts: Array) -> Array:
    """Return the field that maximises Q for scatter matrices (K, d, d) and expected counts (K,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if kind == "tied":
            pooled: Array = scatters.sum(axis=0) / counts.sum()
            return pooled
        total = gather(kind, scatters)
        width = scatters.shape[-1] if kind == "spherical" else 1
        result: Array = total / (width * counts.reshape((-1,) + (1,) * (total.ndim - 1)))
        return result


@lru_cache(maxsize=64)
def embedding(kind: str, count: int, side: int) -> Array:
    """Return the matrix of `expand`, shape (K d d, size of the field); read-only, since each is made once."""
    size = int(np.prod(shape(kind, count, side)))
    units = np.eye(size).reshape((size, *shape(kind, count, side)))
    made = np.stack([expand(kind, unit, count, side).ravel() for unit in units], axis=1)
    made.setflags(write=False)
    return made


def pulled(kind: str, blocks: Array) -> Array:
    """Return E' diag(B_1, ..., B_K) E for the matrix E of `expand` and K square blocks, shape (K, d d, d d)."""
    if kind == "full":  # E is the identity
        return block_diagonal(*blocks)
    if kind == "tied":  # E is K identities
        pooled: Array = blocks.sum(axis=0)
        return pooled
    embed = _by_component(kind, blocks)
    result: Array = (np.swapaxes(embed, 1, 2) @ blocks @ embed).sum(axis=0)
    return result


def along(kind: str, blocks: Array) -> Array:
    """Return diag(B_1, ..., B_K) E for the matrix E of `expand` and K blocks, shape (K, m, d d)."""
    if kind == "full":
        return block_diagonal(*blocks)
    if kind == "tied":
        return blocks.reshape(-1, blocks.shape[2])
    embed = _by_component(kind, blocks)
    return (blocks @ embed).reshape(-1, embed.shape[2])


def _by_component(kind: str, blocks: Array) -> Array:
    """Return the matrix of `expand`, shape (K, d d, size of the field)."""
    count, square = len(blocks), blocks.shape[-1]
    return embedding(kind, count, isqrt(square)).reshape(count, square, -1)


def entries(kind: str, side: int) -> tuple[Array, Array]:
    """Return rows and columns of the entries of a symmetric matrix that the type depends on."""
    return lower_indices(side) if kind in ("full", "tied") else (np.arange(side), np.arange(side))


def entry_embedding(kind: str, count: int, side: int, k: int) -> Array:
    """Return the gradient of the field from those `entries` of the gradient per matrix k, shape (m, size)."""
    rows, columns = entries(kind, side)
    if kind == "full":  # without the identity of all matrices, which is large
        found, places = np.zeros((len(rows), count, side, side)), np.arange(len(rows))
        found[places, k, rows, columns] = found[places, k, columns, rows] = 1.0
        return found.reshape(len(rows), -1)
    whole = embedding(kind, count, side).reshape(count, side, side, -1)[k]
    mirrored = np.where((rows != columns)[:, None], whole[columns, rows], 0.0)
    result: Array = whole[rows, columns] + mirrored
    return result


def compress(kind: str, matrices: Array) -> Array:
    """Keep of K scatter matrices what the type needs: (K,d,d), (K,d,d), (K,d) or (K,)."""
    return matrices if kind == "tied" else gather(kind, matrices)


def decompress(kind: str, kept: Array, side: int) -> Array:
    """Return matrices (K, d, d) with the same gathered scatter as the kept part."""
    if kind in ("full", "tied"):
        return kept
    diagonal = kept if kind == "diag" else np.repeat(kept[:, None] / side, side, axis=1)
    return diagonal[:, :, None] * np.eye(side)
