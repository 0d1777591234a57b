"""EM's rate for two normals when the data are the population itself: by quadrature and in closed form (theorem T7)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emlib.numerics import Array

FIELDS = ("weights", "means", "variances")
HALF_WIDTH = 14.0  # of the range of integration beyond the means, in standard deviations
LARGEST = 40.0  # separation beyond which the overlap is below the smallest positive number
NODES = np.polynomial.legendre.leggauss(2000)

Function = Callable[[Array], Array]


def _checked(separation: float, weight: float = 0.5, free: tuple[str, ...] = FIELDS) -> None:
    if not 0 < separation <= LARGEST:
        raise ValueError(f"separation: {separation!r} found; give a number above 0 and up to {LARGEST:g}")
    if not 0 < weight < 1:
        raise ValueError(f"weight: {weight!r} found; the first component's share lies strictly between 0 and 1")
    if not free or not set(free) <= set(FIELDS):
        raise ValueError(f"free: {free!r} found; name one or more of {FIELDS}")


def _grid(separation: float) -> tuple[Array, Array]:
    """Return quadrature nodes and their weights on a range that holds all the mass."""
    reach = HALF_WIDTH + separation
    return reach * NODES[0], reach * NODES[1]


def overlap_moment(separation: float, power: int = 0) -> float:
    """Return e_k, the integral of h1 h2 p x^k, for two equal normals around zero with unit variances.

    Notes
    -----
    h1 h2 p = phi(x) exp(-s^2 / 8) / (4 cosh(s x / 2)).
    """
    return _integral(separation, lambda x: x**power)


def _integral(separation: float, function: Function) -> float:
    _checked(separation)
    x, dx = _grid(separation)
    half = separation * np.abs(x) / 2
    # 1 / cosh written with decaying exponentials only, so that no node overflows
    density = np.exp(-0.5 * x**2 - separation**2 / 8 - half) / (2 * (1 + np.exp(-2 * half)) * np.sqrt(2 * np.pi))
    return float(dx @ (density * function(x)))


def closed_form_rate(separation: float, free: tuple[str, ...] = FIELDS) -> float:
    """Return the population rate of EM for two equal normals with unit variances: the largest of the spectrum."""
    return float(closed_form_spectrum(separation, free)[0])


def closed_form_spectrum(separation: float, free: tuple[str, ...] = FIELDS) -> Array:
    """Return the eigenvalues of I_c^-1 I_m for two equal normals with unit variances, by theorem T7.

    Parameters
    ----------
    separation : float
        Distance between the means, in standard deviations.
    free : tuple of str
        ("means",), ("weights", "means") or ("weights", "means", "variances").

    Returns
    -------
    ndarray, shape (2,) or (4,)
        Descending, one zero left out where weights are free; larger is slower.
    """
    _checked(separation, 0.5, free)
    square, e0, e2 = separation**2, overlap_moment(separation), overlap_moment(separation, 2)
    if free == ("means",):
        return np.sort([square * e0, 4 * e2])[::-1]
    if free == ("weights", "means"):
        return np.sort([(square + 4) * e0, 4 * e2])[::-1]
    if free != FIELDS:
        raise ValueError(f"free: {free!r} has no closed form here; use quadrature_rate")
    return np.sort([*np.linalg.eigvalsh(_even_block(separation)), (4 + 2 * square) * e2])[::-1]


def _even_block(separation: float) -> Array:
    """Return the integral of h1 h2 p v v', v = (2, s, sqrt(2) (x^2 + s^2 / 4 - 1))."""
    constants = (2.0, separation)
    shift = separation**2 / 4 - 1
    matrix = np.empty((3, 3))
    matrix[:2, :2] = np.outer(constants, constants) * overlap_moment(separation)
    bend = _integral(separation, lambda x: np.sqrt(2) * (x**2 + shift))
    matrix[2, :2] = matrix[:2, 2] = np.multiply(constants, bend)
    matrix[2, 2] = _integral(separation, lambda x: 2 * (x**2 + shift) ** 2)
    return matrix


def quadrature_rate(separation: float, weight: float = 0.5, free: tuple[str, ...] = FIELDS) -> float:
    """Return the population rate from the whole matrices, for any weight.

    Parameters
    ----------
    separation : float
    weight : float
        Share of the first component.
    free : tuple of str
        Which of "weights", "means", "variances" EM estimates.

    Returns
    -------
    float
        Largest eigenvalue of I - I_c^-1 I_o, both matrices by Gauss-Legendre quadrature.
    """
    complete, observed = population_information(separation, weight, free)
    return float(1 - np.linalg.eigvals(np.linalg.solve(complete, observed)).real.min())


def population_information(separation: float, weight: float = 0.5,
                           free: tuple[str, ...] = FIELDS) -> tuple[Array, Array]:
    """Return complete and observed information per observation, in the order (weight, two means, two variances)."""
    _checked(separation, weight, free)
    x, dx = _grid(separation)
    shares, offsets = np.array([weight, 1 - weight]), x - np.array([[-separation / 2], [separation / 2]])
    joint = shares[:, None] * np.exp(-0.5 * offsets**2) / np.sqrt(2 * np.pi)
    scores = _scores(shares, offsets)[:, _rows(free)]
    complete = np.einsum("kin,kjn,kn->ij", scores, scores, joint * dx)
    expected = np.einsum("kin,kn->in", scores, joint / joint.sum(axis=0))
    return complete, (expected * joint.sum(axis=0) * dx) @ expected.T


def _scores(shares: Array, offsets: Array) -> Array:
    """Return the complete-data scores, shape (2, 5, n): one row a parameter, given either component."""
    scores = np.zeros((2, 5, offsets.shape[1]))
    scores[:, 0] = np.array([[1.0], [-1.0]]) / shares[:, None]
    for k in range(2):
        scores[k, 1 + k] = offsets[k]
        scores[k, 3 + k] = 0.5 * (offsets[k] ** 2 - 1)
    return scores


def _rows(free: tuple[str, ...]) -> list[int]:
    places = {"weights": [0], "means": [1, 2], "variances": [3, 4]}
    return [row for name in FIELDS if name in free for row in places[name]]
