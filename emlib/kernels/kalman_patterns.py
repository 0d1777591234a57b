"""What each pattern of seen entries makes of an observation, and the moments of the observations' noise.

The noise of the seen entries is whitened once for each pattern, so that the filter takes them one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import small_matrices as small
from emlib.kernels.blocks import exact
from emlib.kernels.small_matrices import inlined_exact

ENTRIES = 1_000_000  # of the matrices d x d of all patterns that are remembered at a time


class Laws(NamedTuple):
    """The laws of some patterns' observations, one a slot; pattern g uses slot g modulo their number.

    Entries are in the order of the pattern, the s seen ones first.

    Attributes
    ----------
    owners : ndarray of int, shape (slots,)
        The pattern that a slot holds; -1 for none.
    whitening : ndarray, shape (slots, d, d)
        The inverse of the Cholesky factor of the seen entries' noise.
    maps : ndarray, shape (slots, d, k)
        From the state to the whitened entries.
    fill : ndarray, shape (slots, d, d)
        In the rows of the missing entries: their expected noise given that of the seen ones.
    log_det : ndarray, shape (slots,)
        Of the seen entries' noise.
    """

    owners: Any
    whitening: Any
    maps: Any
    fill: Any
    log_det: Any


@inlined_exact
def no_laws(count: int, width: int, side: int) -> Any:
    """Return room for the laws of `count` patterns, or of as many as are remembered."""
    slots = max(1, min(count, ENTRIES // (width * width)))
    return Laws(np.full(slots, -1), np.empty((slots, width, width)), np.empty((slots, width, side)),
                np.empty((slots, width, width)), np.empty(slots))


@exact
def prepare(kind: int, patterns: Any, system: Any, laws: Any) -> Any:
    """Write the law of a pattern to its slot; return the least pivot of the seen entries' noise."""
    noise, size, entries = system.observation_covariance, patterns.sizes[kind], patterns.entries[kind]
    slot, width = kind % len(laws.owners), len(entries)
    whitening, fill, across = laws.whitening[slot], laws.fill[slot], np.empty(width)
    for a in range(size):
        for b in range(a + 1):
            fill[a, b] = noise[entries[a], entries[b]]
    laws.owners[slot] = kind
    laws.log_det[slot], least = small.cholesky(fill, size)
    small.invert_triangle(fill, size, whitening)
    for a in range(size):
        for j in range(system.observation.shape[1]):
            total = 0.0
            for b in range(a + 1):
                total += whitening[a, b] * system.observation[entries[b], j]
            laws.maps[slot, a, j] = total
    for i in range(size, width):
        for a in range(size):
            across[a] = 0.0
            for b in range(a + 1):
                across[a] += whitening[a, b] * noise[entries[i], entries[b]]
        for b in range(size):
            fill[i, b] = 0.0
            for a in range(b, size):
                fill[i, b] += across[a] * whitening[a, b]
    return least


@inlined_exact
def add_observations(rows: Any, kinds: Any, weight: float, patterns: Any, system: Any, side: int, laws: Any,
                     means: Any, vector: Any, sums: Any) -> None:
    """Add the moments of the rows' noise and of the means of their states to `sums`."""
    width = rows.shape[1]
    for t in range(len(rows)):
        kind = kinds[t]
        size, slot = patterns.sizes[kind], kind % len(laws.owners)
        sums.counts[kind] += weight
        if size == 0:
            continue
        if laws.owners[slot] != kind:
            prepare(kind, patterns, system, laws)
        for a in range(size):
            entry = patterns.entries[kind, a]
            noise = rows[t, entry]
            for j in range(side):
                noise -= system.observation[entry, j] * means[t, j]
            vector[entry] = noise
        for i in range(size, width):
            noise = 0.0
            for b in range(size):
                noise += laws.fill[slot, i, b] * vector[patterns.entries[kind, b]]
            vector[patterns.entries[kind, i]] = noise
        vector[width] = 1.0
        for j in range(side):
            vector[width + 1 + j] = means[t, j]
        small.add_outer(weight, vector, width + 1 + side, sums.observed)


@exact
def add_covariances(patterns: Any, system: Any, laws: Any, spreads: Any, sums: Any) -> None:
    """Add the covariances of states and missing entries, summed over the rows of each pattern (G, k, k), to `sums`."""
    width, side = system.observation.shape
    maps, cross, observed = np.empty((width, side)), np.empty(side), sums.observed
    for kind in range(len(spreads)):
        size, entries = patterns.sizes[kind], patterns.entries[kind]
        slot, spread = kind % len(laws.owners), spreads[kind]
        if size == 0:
            continue
        if laws.owners[slot] != kind:
            prepare(kind, patterns, system, laws)
        sums.noise_log_det[kind] = laws.log_det[slot]
        for i in range(width):
            for j in range(side):
                maps[entries[i], j] = system.observation[entries[i], j] if i < size else 0.0
                for b in range(size if i >= size else 0):
                    maps[entries[i], j] += laws.fill[slot, i, b] * system.observation[entries[b], j]
        for i in range(width):
            for j in range(side):
                cross[j] = 0.0
                for e in range(side):
                    cross[j] += maps[i, e] * spread[e, j]
                observed[width + 1 + j, i] -= cross[j]
            for j in range(i + 1):
                for e in range(side):
                    observed[i, j] += cross[e] * maps[j, e]
        for i in range(side):
            for j in range(i + 1):
                observed[width + 1 + i, width + 1 + j] += spread[i, j]
        add_left(kind, patterns, system.observation_covariance, laws.fill[slot], sums)


@exact
def add_left(kind: int, patterns: Any, noise: Any, fill: Any, sums: Any) -> None:
    """Add the covariances of a pattern's missing entries given the seen ones, for all its rows."""
    size, entries, count = patterns.sizes[kind], patterns.entries[kind], sums.counts[kind]
    for i in range(size, len(entries)):
        for j in range(size, len(entries)):
            if entries[j] > entries[i]:
                continue
            left = noise[entries[i], entries[j]]
            for b in range(size):
                left -= fill[i, b] * noise[entries[j], entries[b]]
            sums.observed[entries[i], entries[j]] += count * left
