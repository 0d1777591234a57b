"""Small real data sets with their sources; loaders return fresh arrays."""

from __future__ import annotations

import re
from importlib.resources import files
from string import ascii_lowercase

import numpy as np

from emlib.numerics import Array


def linkage() -> Array:
    """Return the four linkage counts (125, 18, 20, 34).

    Notes
    -----
    Rao (1965), as used by Dempster, Laird & Rubin (1977), section 1; n = 197 animals.
    """
    return np.array([125, 18, 20, 34])


def hasselblad() -> tuple[Array, Array]:
    """Return (deaths per day, number of days): the counts 0 to 9 of Hasselblad's death notices.

    Returns
    -------
    values, days : ndarray, shape (10,)
        Use as ``fit(PoissonMixture(2), values, sample_weight=days)``; n = 1096 days.

    Notes
    -----
    Hasselblad (1969); as printed in Titterington, Smith & Makov (1985) and the SQUAREM package.
    """
    return np.arange(10), np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


def old_faithful() -> Array:
    """Return 272 eruptions of Old Faithful: duration and waiting time, minutes, shape (272, 2).

    Notes
    -----
    Azzalini & Bowman (1990), Applied Statistics 39:357-365, as in R's ``datasets::faithful``.
    """
    return _table("old_faithful")


def earthquakes() -> Array:
    """Return the number of major earthquakes (magnitude 7 and above) in the world, 1900 to 2006, shape (107,).

    Notes
    -----
    Zucchini & MacDonald (2009), Hidden Markov Models for Time Series, table 1.1.
    """
    return _table("earthquakes")[:, 1]


def nile() -> Array:
    """Return the annual flow of the Nile at Aswan, 1871 to 1970, in 10^8 cubic metres, shape (100,).

    Notes
    -----
    Cobb (1978), Biometrika 65:243-251; Durbin & Koopman (2012), chapter 2; as in R's ``datasets::Nile``.
    """
    return _table("nile")[:, 1]


def nine_variables() -> tuple[Array, Array, Array]:
    """Return the nine psychological variables of factor analysis: correlations of 145 pupils, pattern and start.

    Returns
    -------
    correlations : ndarray, shape (9, 9)
    pattern : ndarray of bool, shape (9, 4)
        Which loadings are free.
    loadings : ndarray, shape (9, 4)
        Start of the demonstration in the R package SQUAREM, which puts the uniquenesses at 1e-8.

    Notes
    -----
    Jöreskog (1969), Psychometrika 34:183-202; as used by Rubin & Thayer (1982), Psychometrika 47:69-76.
    """
    table = _table("nine_variables")
    return table[:, :9], table[:, 9:13].astype(bool), table[:, 13:]


def text_symbols() -> tuple[Array, str]:
    """Return the opening of a novel as symbols 0 to 26, with the alphabet that they index.

    Returns
    -------
    symbols : ndarray of int, shape (17442,)
        ``alphabet[symbol]`` is the character: 0 a space, 1 to 26 the letters; capitals are lowered, and whatever
        stands between two words is one space.
    alphabet : str
        The 27 characters.

    Notes
    -----
    Jane Austen, Pride and Prejudice (1813), chapters 1 to 3; in the public domain.

    Examples
    --------
    >>> from emlib import datasets
    >>> symbols, alphabet = datasets.text_symbols()
    >>> "".join(alphabet[symbol] for symbol in symbols[:42])
    'it is a truth universally acknowledged tha'
    """
    alphabet = " " + ascii_lowercase
    words = re.findall("[a-z]+", files(__name__).joinpath("pride_and_prejudice.txt").read_text("utf-8").lower())
    return np.array([alphabet.index(character) for character in " ".join(words)]), alphabet


def digit_blocks() -> Array:
    """Return the middle 4 x 4 pixels of 600 images of handwritten digits, grey values 0 to 16, shape (600, 16).

    Notes
    -----
    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository; the first 600
    of the images of 8 x 8 pixels that scikit-learn ships, rows and columns 3 to 6. Licence CC BY 4.0.

    Examples
    --------
    >>> from emlib import datasets
    >>> datasets.digit_blocks()[0].reshape(4, 4).astype(int).tolist()
    [[15, 2, 0, 11], [12, 0, 0, 8], [8, 0, 0, 9], [11, 0, 1, 12]]
    """
    return _table("digit_blocks")


def two_normals(n: int, separation: float, rng: np.random.Generator, *, weight: float = 0.5) -> Array:
    """Draw n points from a mixture of N(0, 1) and N(separation, 1), shape (n, 1).

    Parameters
    ----------
    weight : float
        Proportion of the second component.
    """
    second = rng.random(n) < weight
    return (rng.standard_normal(n) + separation * second)[:, None]


def _table(name: str) -> Array:
    """Return the numbers of a file beside this one, without its first line."""
    with files(__name__).joinpath(f"{name}.csv").open(encoding="utf-8") as lines:
        return np.loadtxt(lines, delimiter=",", skiprows=1)
