"""Named tuples that go in and out of the compiled passes of mixtures; the annotations of fields are their Numba types.

These files need no Numba, so that models can build arguments before anything is compiled. Arrays are contiguous.
K components or states, d features; W is K rounded up to an even number, with zeros in the last row.
"""

from __future__ import annotations

from typing import NamedTuple

from emlib.kernels.array_types import Cube, IntegerMatrix, Matrix, Vector


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


class Overlaps(NamedTuple):
    """Pairs of components, and the moments that are wanted of their overlaps.

    Attributes
    ----------
    couples : ndarray of int, shape (C, 2)
        Components; the pairs of a frame follow one another, C/F of them for each.
    centres, factors : ndarray, shape (F, d), (F, d, d)
        Frames z = (L (y - centre), 1), L lower triangular.
    squares : ndarray of int, shape (m, 2)
        Entries of z to multiply.
    products : ndarray of int, shape (P, 2)
        Rows of `squares` to multiply once more; P is even.
    """

    couples: IntegerMatrix
    centres: Matrix
    factors: Cube
    squares: IntegerMatrix
    products: IntegerMatrix


class Totals(NamedTuple):
    """Log-likelihood, posterior entropy and sum of absolute log-likelihoods, nats."""

    loglik: float
    entropy: float
    magnitude: float
