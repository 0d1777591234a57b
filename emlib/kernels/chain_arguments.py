"""Named tuples of the compiled passes of hidden chains, side by side or in wide range; see `arguments`."""

from __future__ import annotations

from typing import NamedTuple

from emlib.kernels.arguments import Normals, NormalSums
from emlib.kernels.array_types import Cube, Integers, Marks, Matrix, ReadOnlyIntegers, ReadOnlyMatrix, Vector


class SymbolTable(NamedTuple):
    """Probabilities of M symbols in K states over each symbol's largest one, their logarithms, the largest one's (M,).
    """

    probabilities: Matrix
    logarithms: Matrix
    log_largest: Vector


class Emissions(NamedTuple):
    """Observations of hidden chains and their densities: rows (T, d) of normals; or, with d = 0, symbols (T,)."""

    rows: ReadOnlyMatrix
    symbols: ReadOnlyIntegers
    normals: Normals
    table: SymbolTable


class Sequences(NamedTuple):
    """Sequences one after the other: marks of first rows (T,), and how often each row counts (T,), empty for once."""

    starts: Marks
    weights: Vector


class Chain(NamedTuple):
    """A Markov chain.

    Attributes
    ----------
    initial : ndarray, shape (K,)
    moves : ndarray, shape (W, W)
        Row j holds the probabilities of the moves into state j.
    run_in : int
        Rows by which a stretch that begins in mid-sequence is run in.
    watched : bool
        Whether predictions may become so small that underflow must be tracked.
    """

    initial: Vector
    moves: Matrix
    run_in: int
    watched: bool


class Forward(NamedTuple):
    """What the forward pass writes: log p(row | past) (T,), and the chain at the start of each block for the way back.
    """

    log_density: Vector
    checkpoints: Cube


class ChainTotals(NamedTuple):
    """Sum of log-densities and checks of a pass.

    Attributes
    ----------
    surplus : float
        Weighted sum of log p(row | past), after the backward pass less the expected log-densities of the rows; both
        over each row's largest density.
    least_prediction, least_product, least_opening : float
        Least probability predicted of a state; least product of such a one with a density (both as far as they were
        watched); least density of a first row over its largest one.
    disagreement : float
        Largest relative difference, where two stretches meet, of the probabilities that both compute.
    """

    surplus: float
    least_prediction: float
    least_product: float
    least_opening: float
    disagreement: float


class ChainSums(NamedTuple):
    """Expected moments that the backward pass adds to: emissions, symbols (M, K), first states (K,), moves (W, W)."""

    normals: NormalSums
    symbols: Matrix
    initial: Vector
    moves: Matrix


class Gaps(NamedTuple):
    """Rows of hidden chains apart from the chains: what `hmm_emissions` writes, and what it takes.

    Attributes
    ----------
    gaps : ndarray, shape (K, T)
        Log-density of each row in each state over its largest one; minus infinity where it is impossible.
    tops : ndarray, shape (T,)
        Logs of the largest densities; zero where a row is impossible in all states.
    states : ndarray, shape (K, T)
        Probabilities of the states given all rows.
    """

    gaps: Matrix
    tops: Vector
    states: Matrix


class WideChains(NamedTuple):
    """N hidden chains, one after the other, T rows in all.

    Attributes
    ----------
    initial, transition : ndarray, shape (K,), (K, K)
        Row i of the second holds the probabilities of the moves from state i.
    gaps : ndarray, shape (K, T)
        Log-density of each row in each state over its largest one; minus infinity where it is impossible.
    lengths : ndarray, shape (N,)
    """

    initial: Vector
    transition: Matrix
    gaps: Matrix
    lengths: Integers


class WideSums(NamedTuple):
    """What `wide_chain.smooth` writes.

    Attributes
    ----------
    loglik, surplus : ndarray, shape (N,)
        Log-densities of the sequences, and these less the expected log-densities of their rows given the states; all
        over the rows' largest densities.
    states : ndarray, shape (K, T)
        Probabilities of the states given all rows.
    moves : ndarray, shape (N, K, K)
        Expected numbers of moves.
    """

    loglik: Vector
    surplus: Vector
    states: Matrix
    moves: Cube
