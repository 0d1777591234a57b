"""Named tuples that go in and out of the compiled passes; the annotations of their fields are their Numba types.

This file needs no Numba, so that models can build arguments before anything is compiled. Arrays are contiguous.
K components or states, d features; W is K rounded up to an even number, with zeros in the last row.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from emlib.numerics import Array

Vector = Annotated[Array, "float64", 1]
Matrix = Annotated[Array, "float64", 2]
Cube = Annotated[Array, "float64", 3]
Integers = Annotated[Array, "int64", 1]
IntegerMatrix = Annotated[Array, "int64", 2]
Marks = Annotated[Array, "uint8", 1]
ReadOnlyMatrix = Annotated[Array, "float64", 2, "C", True]
ReadOnlyIntegers = Annotated[Array, "int64", 1, "C", True]
# The caller's own arrays, of any layout and perhaps read-only: Numba converts arguments to this, not their fields.
AnyVector = Annotated[Array, "float64", 1, "A", True]
AnyMatrix = Annotated[Array, "float64", 2, "A", True]


class ExpTable(NamedTuple):
    """Constants of `blocks.exp`.

    They are arguments because constants of the code would be loaded from memory anew for every vector.
    """

    lowest: float
    log2_e: float
    shift: float
    ln2_high: float
    ln2_low: float
    c11: float
    c10: float
    c9: float
    c8: float
    c7: float
    c6: float
    c5: float
    c4: float
    c3: float
    c2: float
    c1: float
    zero: float


# exp of less than `lowest` is below the smallest normal number and counts as zero. `shift` is 1.5 * 2^52 plus the
# exponent's bias: what is added to it is rounded to an integer in the lowest bits. c11 to c1 are the polynomial's.
EXP = ExpTable(
    -708.0, 1.4426950408889634, 6755399441055744.0 + 1023.0, 0.6931471803691238, 1.9082149292705877e-10,
    2.5110037605963777e-08, 2.763263963904103e-07, 2.755724091857897e-06, 2.4801485482328494e-05,
    0.00019841269890047113, 0.0013888888952314775, 0.008333333333319601, 0.0416666666664881,
    0.1666666666666668, 0.5000000000000019, 1.0,
    0.0,
)  # fmt: skip


class Quadratic(NamedTuple):
    """Normal log-densities as linear functions of products of features; see `quadratic`.

    Attributes
    ----------
    centre, scale : ndarray, shape (d,)
        Centre, and reciprocal standard deviations about it.
    limit : float
        Largest squared length of (y - centre) * scale up to which the products are accurate enough; negative: never.
    pairs : ndarray of int, shape (P, 2)
        Entries of z = (y - centre, 1) to multiply; P is even.
    weights, constants : ndarray, shape (W, P), (W,)
        log density = constants + weights @ products.
    """

    centre: Vector
    scale: Vector
    limit: float
    pairs: IntegerMatrix
    weights: Matrix
    constants: Vector


class Normals(NamedTuple):
    """K normal densities, each times a constant.

    Attributes
    ----------
    quadratic : Quadratic
    means : ndarray, shape (K, d)
    factors : ndarray, shape (K, d, d) or (K, 1, d)
        Cholesky factors with the reciprocals of their diagonals, or reciprocal standard deviations.
    log_constants : ndarray, shape (K,)
        Log of the density at the mean, times the constant.
    """

    quadratic: Quadratic
    means: Matrix
    factors: Cube
    log_constants: Vector


class NormalSums(NamedTuple):
    """Weighted sums over points; compiled passes add to them.

    Attributes
    ----------
    counts, first, second : ndarray, shape (K,), (K, d), (K, d, d) or (K, 1, d)
        Moments about the means of the blocks that were taken point by point; lower triangles, or variances.
    product_counts, products : ndarray, shape (K,), (W, P)
        Counts and sums of products of the other blocks.
    """

    counts: Vector
    first: Matrix
    second: Cube
    product_counts: Vector
    products: Matrix


class Scores(NamedTuple):
    """What the scores of K normal components are made of.

    Attributes
    ----------
    heads : ndarray, shape (K,)
        Derivatives in the weights.
    precisions : ndarray, shape (K, d, d)
    pairs : ndarray of int, shape (m, 2)
        Entries of a covariance whose scores are wanted.
    """

    heads: Vector
    precisions: Cube
    pairs: IntegerMatrix


class ScoreSums(NamedTuple):
    """Sums over points of products of scores; Q is the number of a component's scores, rounded up to an even number.

    Attributes
    ----------
    products : ndarray, shape (K, Q, Q)
        Expected products of each component's scores.
    means : ndarray, shape (K, Q, K Q)
        Products of the expected scores: of component k with those of components 0 to k.
    """

    products: Cube
    means: Cube


class Totals(NamedTuple):
    """Log-likelihood, posterior entropy and sum of absolute log-likelihoods, nats."""

    loglik: float
    entropy: float
    magnitude: float


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


class WideChains(NamedTuple):
    """N hidden chains, one after the other, T rows in all.

    Attributes
    ----------
    initial, transition : ndarray, shape (K,), (K, K)
        Row i of the second holds the probabilities of the moves from state i.
    log_density : ndarray, shape (T, K)
        Of each row in each state; minus infinity where it is impossible.
    lengths : ndarray, shape (N,)
    """

    initial: Vector
    transition: Matrix
    log_density: Matrix
    lengths: Integers


class WideSums(NamedTuple):
    """What `wide_chain.smooth` writes.

    Attributes
    ----------
    loglik, surplus : ndarray, shape (N,)
        Log-densities of the sequences; these less the expected log-densities of their rows given the states.
    states : ndarray, shape (T, K)
        Probabilities of the states given all rows.
    moves : ndarray, shape (N, K, K)
        Expected numbers of moves.
    """

    loglik: Vector
    surplus: Vector
    states: Matrix
    moves: Cube


class Patterns(NamedTuple):
    """G patterns of seen entries: which entries are seen, first in each row (G, d), and how many (G,)."""

    entries: IntegerMatrix
    sizes: Integers


class Series(NamedTuple):
    """N sequences of rows one after the other (n, d); each row's pattern (n,); lengths and weights (N,)."""

    rows: Matrix
    kinds: Integers
    lengths: Integers
    weights: Vector


class System(NamedTuple):
    """Parameters of a linear dynamical system with k states, as `LinearDynamicalSystemParams` names them.

    The offset of the observation is taken off the rows before.
    """

    initial_mean: Vector
    initial_covariance: Matrix
    transition: Matrix
    transition_covariance: Matrix
    observation: Matrix
    observation_covariance: Matrix
    transition_offset: Vector


class Smoothed(NamedTuple):
    """What the smoother writes.

    Attributes
    ----------
    means, noise : ndarray, shape (n, k)
        Means of each row's state, and of the noise that led to it (zero for a first one), given all rows.
    distance, log_det : ndarray, shape (N,)
        Sums over each sequence of r' S^-1 r and log|S| for residuals r of covariance S.
    by_pattern, first, moves : ndarray, shape (G, k, k), (k, k), (3, k, k)
        Weighted sums of covariances: of states, by the pattern of their row; of first states; of the noise, of the
        noise with the state before, and of the state before.
    """

    means: Matrix
    noise: Matrix
    distance: Vector
    log_det: Vector
    by_pattern: Cube
    first: Matrix
    moves: Cube
