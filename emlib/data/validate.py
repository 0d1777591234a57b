"""Reading users' data: every error names the argument, what was found and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from emlib.data.arrays import IMPUTE, numbers
from emlib.data.units import Data
from emlib.numerics import Array

COPIED = 1 << 22  # bytes up to which the caller's array is copied, so that changing it later changes nothing here
PIECE = 1 << 16  # entries looked at at once


def as_floats(raw: Any, name: str = "data", *, missing: bool = False) -> Array:
    """Read an array of finite floats; with `missing`, not-a-number is let through.

    An array of float64 that is larger than 4 MiB, or mapped from a file, is not copied.

    Raises
    ------
    ValueError
        For what `numbers` refuses, an empty array, or the first entry that is not finite.
    """
    array = numbers(raw, name, missing=missing)
    kept = array.nbytes > COPIED or isinstance(raw, np.memmap)
    array = array.astype(np.float64, copy=not kept)
    if array.size == 0:
        raise ValueError(f"{name}: empty, shape {array.shape}; at least one unit is needed")
    index = first(array, np.isinf if missing else _not_finite)
    if index is not None:
        remedy = "write nan where a value is missing" if missing else IMPUTE
        raise ValueError(f"{name}: entry {list(index)} is {array[index]}; {remedy}")
    return array


def _not_finite(values: Array) -> Array:
    return np.asarray(~np.isfinite(values))


def first(array: Array, wrong: Callable[[Array], Any]) -> tuple[int, ...] | None:
    """Return the index of the first entry that is wrong, or None; the array is looked at piece by piece."""
    rows = max(1, PIECE // max(1, array[:1].size)) if array.ndim else 1
    for low in range(0, len(array) if array.ndim else 1, rows):
        found = wrong(array[low:low + rows] if array.ndim else array)
        if found.any():
            index = tuple(int(i) for i in np.argwhere(found)[0])
            return (low + index[0], *index[1:]) if index else index
    return None


def as_matrix(raw: Any, n_features: int, name: str = "data", *, missing: bool = False,
              setting: str = "n_features") -> Array:
    """Read rows of `n_features` finite (or missing) numbers; a flat array is one column where one is expected.

    The `setting` is what errors call the number of columns.
    """
    array = as_floats(raw, name, missing=missing)
    if array.ndim == 1 and n_features == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{name}: shape {array.shape} found, (n, {n_features}) needed")
    if array.shape[1] != n_features:
        found = array.shape[1]
        raise ValueError(f"{name}: {counted(found, 'column')} found, the model has {setting}={n_features}; give rows "
                         f"of {counted(n_features, 'column')}, or a model with {setting}={found}")
    return np.ascontiguousarray(array)


def as_counts(raw: Any, name: str = "data") -> Array:
    """Read a flat array of non-negative whole numbers."""
    array = as_floats(raw, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: shape {array.shape} found, a flat array of counts (n,) needed")
    return whole_numbers(array, name)


def whole_numbers(array: Array, name: str) -> Array:
    """Return numbers, all of which are counts; refuse the first that is none."""
    for wrong, text in ((lambda x: x < 0, "cannot be negative"), (lambda x: x != np.round(x), "are whole numbers")):
        index = first(array, wrong)
        if index is not None:
            raise ValueError(f"{name}: entry {list(index)} is {array[index]:g}; counts {text}")
    return array


def as_weights(raw: Any, n: int, name: str = "sample_weight") -> Array | None:
    """Read one non-negative weight per unit; None stays None."""
    if raw is None:
        return None
    weights = as_floats(raw, name)
    if weights.shape != (n,):
        raise ValueError(f"{name}: shape {weights.shape} found, ({n},) needed, one weight per unit")
    index = first(weights, lambda x: x < 0)
    if index is not None:
        raise ValueError(f"{name}: entry {list(index)} is {weights[index]:g}; weights cannot be negative")
    return weights


def reweighted(data: Data, sample_weight: Any) -> Data:
    """Pass a `Data` through; weights given a second time are refused."""
    if sample_weight is not None:
        raise ValueError("sample_weight: the data already carry their weights; give the weights once")
    return data


def generator(rng: Any) -> np.random.Generator:
    """Return a generator of random numbers from a seed, or the one that is given."""
    if isinstance(rng, np.random.RandomState):
        raise TypeError("rng: RandomState found; give numpy.random.default_rng(seed), or the seed itself")
    try:
        if isinstance(rng, bool):
            raise TypeError("a seed is an integer")
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng: {rng!r} found; give a non-negative integer or numpy.random.default_rng(...)") from None


def positive_integer(value: Any, name: str) -> None:
    """Check a structural setting such as `n_components`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}: {value!r} found; a positive integer is needed")


def positive_number(value: Any, name: str) -> None:
    """Check a known quantity such as a variance: one finite positive number."""
    if value is None or value != value or as_floats(value, name).shape != () or not float(value) > 0:
        raise ValueError(f"{name}: {value!r} found; a positive number is needed")


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {what}{'' if number == 1 else 's'}"
