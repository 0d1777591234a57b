"""Sums over hidden chains by the compiled passes: prepare their arguments, check whether the sums are reliable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.kernels.arguments import EXP, Normals, NormalSums, Quadratic
from emlib.kernels.chain_arguments import Chain, ChainSums, ChainTotals, Emissions, Forward, Sequences, SymbolTable
from emlib.kernels.dispatch import LANES, LEAST_DENSITY
from emlib.models import compiled_gaussian, gaussian_products
from emlib.numerics import Array, x_log_y

RUN_IN_ROWS = (256, 2048)  # tried in turn; what is not forgotten then is left to the recursions in wide range
MOST_RUN_IN = 2  # rows of a run-in for each row of a stretch: a longer one costs more than those recursions
DISAGREEMENT = 1e-12  # relative, where two stretches meet, up to which the guess of the run-in counts as forgotten
TINY, LOST = 1e-100, 1e-190  # predictions below may have lost terms to underflow; products below are lost themselves
EMPTY = np.empty(0)
NO_NORMALS = Normals(Quadratic(EMPTY, EMPTY, -1.0, np.empty((0, 2), dtype=np.int64), np.empty((0, 0)), EMPTY),
                     np.empty((0, 0)), np.empty((0, 0, 0)), EMPTY)
NO_TABLE = SymbolTable(np.empty((0, 0)), np.empty((0, 0)), EMPTY)


def normal_emissions(normals: Normals, rows: Array) -> Emissions:
    """Return the emissions of K normals for rows (T, d)."""
    return Emissions(_read_only(rows), _read_only(np.empty(0, dtype=np.int64)), normals, NO_TABLE)


def table_emissions(log_density: Array, symbols: Array) -> Emissions:
    """Return the emissions of M symbols with log-probabilities (M, K), for indices of symbols (T,)."""
    top = log_density.max(axis=1)
    largest = np.where(np.isfinite(top), top, 0.0)
    gap = log_density - largest[:, None]
    possible = np.isfinite(gap)
    chances = np.where(possible, np.maximum(np.exp(gap), LEAST_DENSITY), 0.0)  # a zero says: impossible, nothing lost
    table = SymbolTable(chances, np.where(possible, gap, 0.0), largest)
    return Emissions(_read_only(np.empty((0, 0))), _read_only(symbols), NO_NORMALS, table)


def _read_only(values: Array) -> Array:
    """Return a view of the type that the passes are compiled for; a copy of what is not contiguous."""
    view = np.ascontiguousarray(values).view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, eq=False)
class Sums:
    """Expected moments of a chunk of N sequences.

    Attributes
    ----------
    loglik : ndarray, shape (N,)
    entropy : float
        Of the paths, weighted, nats.
    initial, transitions : ndarray, shape (K,), (K, K)
        Expected first states and moves.
    normals : NormalSums
        Weighted moments about the current means; empty for symbols.
    symbols : ndarray, shape (M, K)
        Expected numbers of each symbol in each state; empty for normals.
    """

    loglik: Array
    entropy: float
    initial: Array
    transitions: Array
    normals: NormalSums
    symbols: Array


def run(initial: Array, transition: Array, emissions: Emissions, lengths: Array, weights: Array) -> Sums | None:
    """Return the sums over sequences that lie one after the other, or None where wide range is needed.

    Parameters
    ----------
    lengths, weights : ndarray, shape (N,)
        Lengths of the sequences, and how often each counts.
    """
    stretch = int(lengths.sum()) / LANES
    for run_in in (rows for rows in RUN_IN_ROWS if rows <= max(RUN_IN_ROWS[0], MOST_RUN_IN * stretch)):
        found, gap = _attempt(initial, transition, emissions, lengths, weights, run_in)
        if found is None or gap <= DISAGREEMENT:
            return found
    return None


def _attempt(initial: Array, transition: Array, emissions: Emissions, lengths: Array, weights: Array,
             run_in: int) -> tuple[Sums | None, float]:
    """Return the sums, and the largest disagreement of two stretches, for one length of the run-in."""
    from emlib.kernels import hmm  # compiles, or reads what an earlier run compiled

    count, total, first = len(initial), int(lengths.sum()), np.cumsum(lengths) - lengths
    sequences = to_sequences(lengths, weights)
    chain, sums = _chain(initial, transition, run_in), zero_sums(count, emissions)
    found = Forward(np.zeros(total), np.empty(hmm.checkpoints_shape(total, count)))
    totals = hmm.run_forward(sequences, emissions, chain, found, EXP)
    if totals.disagreement <= DISAGREEMENT and _is_reliable(totals, transition, [found.log_density]):
        totals = hmm.run_backward(sequences, emissions, chain, found, totals, sums, EXP)
    if not _is_reliable(totals, transition, [found.log_density, *sums.normals, sums.symbols, sums.initial, sums.moves]):
        return None, 0.0
    normals = gaussian_products.combined(emissions.normals, sums.normals)
    if normals is None:
        pointwise = emissions._replace(normals=gaussian_products.pointwise_only(emissions.normals))
        return _attempt(initial, transition, pointwise, lengths, weights, run_in)
    moves = sums.moves[:count, :count] * transition
    entropy = float(totals.surplus - x_log_y(sums.initial, initial).sum() - x_log_y(moves, transition).sum())
    loglik = np.add.reduceat(found.log_density, first)
    return Sums(loglik, max(entropy, 0.0), sums.initial, moves, normals, sums.symbols), totals.disagreement


def to_sequences(lengths: Array, weights: Array) -> Sequences:
    """Return sequences of these lengths, one after the other, that count so often."""
    starts = np.zeros(int(lengths.sum()), dtype=np.uint8)
    starts[np.cumsum(lengths) - lengths] = 1
    return Sequences(starts, EMPTY if (weights == 1).all() else np.repeat(weights, lengths))


def _chain(initial: Array, transition: Array, run_in: int) -> Chain:
    count, width = len(initial), len(initial) + len(initial) % 2
    moves = np.zeros((width, width))
    moves[:count, :count] = transition.T
    return Chain(np.array(initial), moves, run_in, may_underflow(transition))


def may_underflow(transition: Array) -> bool:
    """Return whether predictions may become tiny along the way.

    With K states, moves of chance m or more, and the largest density one, each state is predicted with a chance of at
    least m going forward, and going back, where the sum is over densities times shares of at least m / K, m^2 / K.
    """
    return not transition.min() ** 2 > TINY * len(transition)


def zero_sums(count: int, emissions: Emissions) -> ChainSums:
    """Return sums for the compiled passes to add to."""
    width, normals = count + count % 2, compiled_gaussian.zero_sums(emissions.normals)
    symbols = np.zeros((len(emissions.table.probabilities), count))
    return ChainSums(normals, symbols, np.zeros(count), np.zeros((width, width)))


def _is_reliable(totals: ChainTotals, transition: Array, found: list[Array]) -> bool:
    """Return whether nothing that matters has underflowed.

    Where every move has a chance, what was lost of a product is made good by the next prediction, as long as this is
    far above what was lost. Where some have none, nothing may be lost at all.
    """
    kept = (totals.least_prediction > TINY and totals.least_opening > LOST
            and (totals.least_product > LOST or bool((transition > 0).all())))
    return bool(kept) and all(np.isfinite(part.sum()) for part in found)
