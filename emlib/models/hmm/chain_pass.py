"""A hidden Markov model's sums by the compiled passes: what goes in, and whether what comes out can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from emlib.models import gaussian_products
from emlib.numerics import Array, x_log_y

LEADS = (256, 2048, 2**40)  # rows that a stretch is run in for; the last is longer than any sequence
AGREE = 1e-12  # relative disagreement at a joint up to which a guess counts as forgotten
TINY, LOST = 1e-100, 1e-290  # predictions below may have lost terms to underflow; products below are lost themselves
NOTHING = np.empty(0)


@dataclass(frozen=True, eq=False)
class Emissions:
    """Where the densities of the observations come from.

    Attributes
    ----------
    means, factors, heads : ndarray
        Of normals: means (K, d), factors as `kernels.blocks.whiten` takes them (K, d, d) or reciprocal standard
        deviations (K, 1, d), logarithms of the constants (K,). Of a table: the symbols' probabilities in each state
        over the largest one (M, K), their logarithms (1, M, K), and the logarithms of the largest ones (M,).
    rows, symbols : ndarray
        Observations (T, d), or indices into the table (T,).
    fast : Quadratic
        The densities of normals by products; empty for a table.
    """

    means: Array
    factors: Array
    heads: Array
    rows: Array = field(default_factory=lambda: np.empty((0, 0)))
    symbols: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    fast: gaussian_products.Quadratic = gaussian_products.NONE


def table(log_density: Array, symbols: Array) -> Emissions:
    """Return the emissions of M symbols with log-probabilities (M, K)."""
    top = log_density.max(axis=1)
    heads = np.where(np.isfinite(top), top, 0.0)
    gap = log_density - heads[:, None]
    return Emissions(np.exp(gap), np.where(np.isfinite(gap), gap, 0.0)[None], heads, symbols=symbols)


@dataclass(frozen=True, eq=False)
class Sums:
    """What a chunk adds up to: log-likelihoods (N,); entropy; first states, moves; emissions as their kind has them.

    `counts`, `first` and `second` are weighted moments of normals about the current means (second ones as lower
    triangles, or variances in one row); `shares` the expected numbers of each symbol in each state (M, K).
    """

    loglik: Array
    entropy: float
    initial: Array
    transitions: Array
    counts: Array
    first: Array
    second: Array
    shares: Array


def run(initial: Array, transition: Array, emissions: Emissions, lengths: Array, weights: Array) -> Sums | None:
    """Return the sums over sequences that lie one after the other, or None where logarithms are needed.

    Parameters
    ----------
    lengths, weights : ndarray, shape (N,)
        Lengths of the sequences, and how often each counts.
    """
    for lead in LEADS:
        found, gap = _attempt(initial, transition, emissions, lengths, weights, lead)
        if found is None or gap <= AGREE:
            return found
    return None


def _attempt(initial: Array, transition: Array, emissions: Emissions, lengths: Array, weights: Array,
             lead: int) -> tuple[Sums | None, float]:
    """Return the sums and the largest disagreement at a joint, for one length of the run-in."""
    from emlib.kernels import blocks, hmm  # compiles, or reads what an earlier run compiled

    count, total, watch = len(initial), int(lengths.sum()), watched(transition)
    marks, width = np.zeros(total, dtype=np.uint8), count + count % 2
    marks[np.cumsum(lengths) - lengths] = 1
    moves = np.zeros((width, width))
    moves[:count, :count] = transition.T
    seen = NOTHING if (weights == 1).all() else np.repeat(weights, lengths)
    given = (emissions.rows, emissions.symbols, marks, seen, blocks.EXP, *emissions.fast, emissions.means,
             emissions.factors, emissions.heads, lead, watch, np.array(initial), moves,
             np.empty(hmm.notes(total, count)))
    evidence, sums, signs = np.zeros(total), _zeros(count, width, emissions), np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    hmm.filter(*given, evidence, signs)
    if signs[2] <= AGREE and _trusted(signs, transition, evidence):
        hmm.smooth(*given, *sums, signs)
    if not _trusted(signs, transition, evidence, *sums):
        return None, 0.0
    counts, first, second, shares, starts, near, products, crossed = sums
    if near.any() and not gaussian_products.add(emissions.fast, emissions.means, near, products, first, second):
        exact = replace(emissions, fast=gaussian_products.nowhere(emissions.fast))
        return _attempt(initial, transition, exact, lengths, weights, lead)
    loglik = np.add.reduceat(evidence, np.cumsum(lengths) - lengths)
    moved = crossed[:count, :count] * transition
    entropy = float(signs[3] - x_log_y(starts, initial).sum() - x_log_y(moved, transition).sum())
    return Sums(loglik, max(entropy, 0.0), starts, moved, counts + near, first, second, shares), float(signs[2])


def watched(transition: Array) -> bool:
    """Say whether predictions may become tiny along the way.

    With K states, moves of chance m or more, and the largest density one, each state is predicted with a chance of at
    least m going forward, and going back, where the sum is over densities times shares of at least m / K, m^2 / K.
    """
    return not transition.min() ** 2 > TINY * len(transition)


def _zeros(count: int, width: int, emissions: Emissions) -> tuple[Array, ...]:
    """Return room for moments of normals, numbers of symbols, first states, sums of products (two) and moves."""
    side = emissions.rows.shape[1]
    symbols, normal = (len(emissions.means), (0, 0, 0)) if side == 0 else (0, emissions.factors.shape)
    return (np.zeros(count), np.zeros((count, side)), np.zeros(normal), np.zeros((symbols, count)), np.zeros(count),
            np.zeros(count), np.zeros(emissions.fast.weights.shape), np.zeros((width, width)))


def _trusted(signs: Array, transition: Array, *found: Array) -> bool:
    """Say whether nothing that matters underflowed.

    Where every move has a chance, what was lost of a product is made good by the next prediction, as long as this is
    far above what was lost. Where some have none, nothing may be lost at all.
    """
    kept = signs[0] > TINY and signs[4] > LOST and (signs[1] > LOST or bool((transition > 0).all()))
    return bool(kept) and all(np.isfinite(part.sum()) for part in found)
