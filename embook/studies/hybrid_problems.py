"""The problems of the hybrid's studies: models, data, budgets and common starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from emlib import datasets
from emlib.data import Data
from emlib.models import PPCA, CategoricalHMM, FactorAnalysis, GaussianMixture, LinearDynamicalSystem
from emlib.numerics import Array

SEED = 10
N_UNITS = 500  # what a population covariance is weighted with


def _drawn(place: int) -> np.random.Generator:
    return np.random.default_rng([SEED, place])


def ring_points(radius: float, n: int, rng: np.random.Generator) -> Array:
    """Draw n points round five centres that are evenly spaced on a circle, with unit covariance."""
    angles = 2 * np.pi * np.arange(5) / 5
    centres = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.asarray(centres[rng.integers(5, size=n)] + rng.standard_normal((n, 2)))


def _ring(radius: float, place: int) -> tuple[Any, Data]:
    model = GaussianMixture(5, 2, "full")
    return model, model.as_data(ring_points(radius, 200, _drawn(place)))


def spectrum(ratio: float, noise: float) -> Array:
    """Return six eigenvalues, two to keep: the last kept is `ratio` times the first discarded one."""
    return np.array([2 * ratio, ratio, *(noise * np.array([1.0, 0.8, 0.6, 0.4]))])


def _ppca(ratio: float, noise: float = 1.0) -> tuple[Any, Data]:
    model = PPCA(6, 2)
    return model, model.from_covariance(np.diag(spectrum(ratio, noise)), n_units=N_UNITS)


def factors(ratio: float, noise: float = 1.0) -> tuple[Any, Data]:
    """Return a covariance that the model fits: in units of the noise its eigenvalues are 2 ratio, ratio and ones."""
    psi = noise * np.array([0.5, 0.7, 0.9, 1.1, 1.3, 1.5])
    axes = np.linalg.qr(_drawn(1).standard_normal((6, 2)))[0]
    lengths = np.sqrt(np.array([2 * ratio, ratio]) / noise - 1)
    loadings = np.sqrt(psi)[:, None] * axes * lengths
    model = FactorAnalysis(6, 2)
    return model, model.from_covariance(loadings @ loadings.T + np.diag(psi), n_units=N_UNITS)


def _chain(transition: Array, emission: Array, place: int) -> tuple[Any, Data]:
    known = {"initial": np.full(len(transition), 1 / len(transition))}
    model = CategoricalHMM(*emission.shape, fixed=known)
    truth = model.params(**known, transition=transition, emission=emission)
    return model, model.as_data(model.sample(truth, [5] * 160, _drawn(place)))


def _structured() -> tuple[Any, Data]:
    """Return a chain whose states have symbols of their own and tend to persist."""
    return _chain(np.full((3, 3), 0.1) + 0.7 * np.eye(3), np.full((3, 4), 0.1) + 0.6 * np.eye(3, 4), 4)


def _aliased() -> tuple[Any, Data]:
    """Return a chain with two states of nearly the same symbols, which only the order in time distinguishes."""
    transition = 0.1 + 0.7 * np.eye(3)[[1, 2, 0]]
    return _chain(transition, np.array([[0.4, 0.3, 0.2, 0.1], [0.35, 0.35, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]]), 5)


def _dynamics(noise: float, place: int) -> tuple[Any, Data]:
    """Return sixty series of five steps of an autoregression of order one, observed with noise."""
    known = {"initial_mean": [0.0], "initial_covariance": [[1.0]], "observation": [[1.0]]}
    model = LinearDynamicalSystem(1, 1, fixed=known)
    truth = model.params(**known, transition=[[0.9]], transition_covariance=[[1.0]], observation_covariance=[[noise]])
    return model, model.as_data(model.sample(truth, [5] * 60, _drawn(place)))


def _blocks() -> tuple[Any, Data]:
    model = GaussianMixture(5, 16, "spherical")
    return model, model.as_data(datasets.digit_blocks()[:300])


def letters() -> Array:
    """Return the first letters of the novel in pieces of five; those seen fewer than twenty times share a symbol."""
    symbols = datasets.text_symbols()[0][:1000]
    seen = np.bincount(symbols, minlength=27)
    common = np.flatnonzero(seen >= 20)
    codes = np.full(27, len(common))
    codes[common] = np.arange(len(common))
    return np.asarray(codes[symbols].reshape(-1, 5))


def _text() -> tuple[Any, Data]:
    pieces = letters()
    model = CategoricalHMM(2, int(pieces.max()) + 1, fixed={"initial": [0.5, 0.5]})
    return model, model.as_data(list(pieces))


#: Each problem with its budget of E-steps.
PROBLEMS: dict[str, tuple[Callable[[], tuple[Any, Data]], int]] = {
    "ring 4": (lambda: _ring(4.0, 2), 100),
    "ring 1.5": (lambda: _ring(1.5, 3), 300),
    "HMM structured": (_structured, 100),
    "HMM aliased": (_aliased, 100),
    "PPCA ratio 1.05": (lambda: _ppca(1.05), 200),
    "PPCA ratio 2": (lambda: _ppca(2.0), 200),
    "PPCA ratio 10": (lambda: _ppca(10.0), 200),
    "PPCA noise 0.02": (lambda: _ppca(2.0, 0.02), 200),
    "FA ratio 1.05": (lambda: factors(1.05), 200),
    "FA ratio 2": (lambda: factors(2.0), 200),
    "FA ratio 10": (lambda: factors(10.0), 200),
    "FA noise 0.02": (lambda: factors(2.0, 0.02), 200),
    "LDS noise 1": (lambda: _dynamics(1.0, 7), 80),
    "LDS noise 0.05": (lambda: _dynamics(0.05, 8), 80),
    "digit blocks": (_blocks, 60),
    "text": (_text, 80),
}


def discrete(name: str) -> bool:
    """Return whether a problem's hidden variable has finitely many values, so that it has a normalised entropy."""
    return name.startswith(("ring", "HMM")) or name in ("digit blocks", "text")


@cache
def problem(name: str) -> tuple[Any, Data]:
    """Return model and data of a problem; the data are drawn once a process."""
    return PROBLEMS[name][0]()


def start(name: str, index: int) -> Any:
    """Return the start of this number, the same for every method."""
    model, data = problem(name)
    return model.start(data, np.random.default_rng([SEED, list(PROBLEMS).index(name), index]))
