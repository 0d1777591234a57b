"""The smoother of `chain` by the compiled recursions in wide range, which no gap between densities makes slower."""

from __future__ import annotations

import numpy as np

from emlib.kernels.chain_arguments import WideChains, WideSums
from emlib.models.hmm.chain import Smoothed
from emlib.numerics import Array, x_log_y


def smooth_all(initial: Array, transition: Array, log_emission: Array, lengths: Array) -> Smoothed:
    """Smooth sequences that lie one after the other: what `chain.smooth_all` returns, but for rounding.

    Notes
    -----
    The entropy of a path is log p(y) - E[log p(path, y)], where each row's densities are taken over its largest one.
    """
    from emlib.kernels import wide_chain  # compiles, or reads what an earlier run compiled

    count, width = len(lengths), len(initial)
    chains = WideChains(np.array(initial, dtype=float), np.array(transition, dtype=float, order="C"),
                        np.array(log_emission, dtype=float, order="C"), np.array(lengths, dtype=np.int64))
    found = WideSums(np.zeros(count), np.zeros(count), np.zeros(log_emission.shape), np.zeros((count, width, width)))
    wide_chain.smooth(chains, found)
    starts = found.states[np.cumsum(lengths) - lengths]
    chances = x_log_y(starts, initial).sum(axis=1) + x_log_y(found.moves, transition).sum(axis=(1, 2))
    return Smoothed(found.loglik, found.states, starts, found.moves, found.surplus - chances)
