"""What `chain` and `compiled_chain` find, by the compiled recursions in wide range, which no gap makes slower."""

from __future__ import annotations

import numpy as np

from emlib.kernels.arguments import EXP
from emlib.kernels.chain_arguments import Emissions, Gaps, WideChains, WideSums
from emlib.models import gaussian_products
from emlib.models.hmm.chain import Smoothed
from emlib.models.hmm.compiled_chain import Sums, to_sequences, zero_sums
from emlib.numerics import Array, x_log_y


def smooth_all(initial: Array, transition: Array, log_emission: Array, lengths: Array) -> Smoothed:
    """Smooth sequences that lie one after the other: what `chain.smooth_all` returns, but for rounding.

    Notes
    -----
    The entropy of a path is log p(y) - E[log p(path, y)], where each row's densities are taken over its largest one.
    """
    tops = log_emission.max(axis=1)
    tops = np.where(np.isfinite(tops), tops, 0.0)
    found = _smooth(initial, transition, (log_emission - tops[:, None]).T, lengths)
    first = np.cumsum(lengths) - lengths
    states = np.ascontiguousarray(found.states.T)
    starts = states[first]
    chances = x_log_y(starts, initial).sum(axis=1) + x_log_y(found.moves, transition).sum(axis=(1, 2))
    return Smoothed(found.loglik + np.add.reduceat(tops, first), states, starts, found.moves,
                    found.surplus - chances)


def run(initial: Array, transition: Array, emissions: Emissions, lengths: Array, weights: Array) -> Sums:
    """Return the sums over sequences that lie one after the other: what `compiled_chain.run` does where it can."""
    from emlib.kernels import hmm_emissions  # compiles, or reads what an earlier run compiled

    count, total = len(initial), int(lengths.sum())
    sequences, sums = to_sequences(lengths, weights), zero_sums(count, emissions)
    rows = Gaps(np.empty((count, total)), np.empty(total), np.empty((0, 0)))
    hmm_emissions.write_gaps(sequences, emissions, rows, EXP)
    found = _smooth(initial, transition, rows.gaps, lengths)
    hmm_emissions.add_moments(sequences, emissions, rows._replace(states=found.states), sums, EXP)
    normals = gaussian_products.combined(emissions.normals, sums.normals)
    if normals is None:
        pointwise = emissions._replace(normals=gaussian_products.pointwise_only(emissions.normals))
        return run(initial, transition, pointwise, lengths, weights)
    moves = np.tensordot(weights, found.moves, 1)
    entropy = float(weights @ found.surplus - x_log_y(sums.initial, initial).sum() - x_log_y(moves, transition).sum())
    loglik = found.loglik + np.add.reduceat(rows.tops, np.cumsum(lengths) - lengths)
    return Sums(loglik, max(entropy, 0.0), sums.initial, moves, normals, sums.symbols)


def _smooth(initial: Array, transition: Array, gaps: Array, lengths: Array) -> WideSums:
    from emlib.kernels import wide_chain  # compiles, or reads what an earlier run compiled

    count, width = len(lengths), len(initial)
    chains = WideChains(np.array(initial, dtype=float), np.array(transition, dtype=float, order="C"),
                        np.ascontiguousarray(gaps), np.array(lengths, dtype=np.int64))
    found = WideSums(np.zeros(count), np.zeros(count), np.zeros(gaps.shape), np.zeros((count, width, width)))
    wide_chain.smooth(chains, found, EXP)
    return found
