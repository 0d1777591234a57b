"""Reading users' data: every error names the argument, what was found and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.model import Data
from emlib.numerics import Array


def as_floats(raw: Any, name: str = "data", *, missing: bool = False) -> Array:
    """Read an array of finite floats; with `missing`, not-a-number is let through.

    Raises
    ------
    ValueError
        For text, objects, complex numbers, an empty array, or the first entry that is not finite.
    """
    try:
        array = np.asarray(raw)
        if array.dtype.kind in "USc":  # numpy would read digits, and drop imaginary parts, without a word
            raise TypeError("complex numbers" if array.dtype.kind == "c" else "text")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: cannot be read as numbers ({error}); give an array of floats") from None
    if array.size == 0:
        raise ValueError(f"{name}: empty, shape {array.shape}; at least one unit is needed")
    bad = np.isinf(array) if missing else ~np.isfinite(array)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        remedy = ("write nan where a value is missing" if missing else
                  "remove or impute it, this model has no missing values")
        raise ValueError(f"{name}: entry {list(index)} is {array[index]}; {remedy}")
    return array


def as_matrix(raw: Any, n_features: int, name: str = "data", *, missing: bool = False) -> Array:
    """Read rows of `n_features` finite (or missing) numbers; a flat array is one column where one is expected."""
    array = as_floats(raw, name, missing=missing)
    if array.ndim == 1 and n_features == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{name}: shape {array.shape} found, (n, {n_features}) needed")
    if array.shape[1] != n_features:
        raise ValueError(f"{name}: {array.shape[1]} columns found, the model has n_features={n_features}")
    return np.ascontiguousarray(array)


def as_counts(raw: Any, name: str = "data") -> Array:
    """Read a flat array of non-negative whole numbers."""
    array = as_floats(raw, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: shape {array.shape} found, a flat array of counts (n,) needed")
    if (array < 0).any():
        index = int(np.argmax(array < 0))
        raise ValueError(f"{name}: entry [{index}] is {array[index]:g}; counts cannot be negative")
    if (array != np.round(array)).any():
        index = int(np.argmax(array != np.round(array)))
        raise ValueError(f"{name}: entry [{index}] is {array[index]:g}; counts are whole numbers")
    return array


def as_weights(raw: Any, n: int, name: str = "sample_weight") -> Array | None:
    """Read one non-negative weight per unit; None stays None."""
    if raw is None:
        return None
    weights = as_floats(raw, name)
    if weights.shape != (n,):
        raise ValueError(f"{name}: shape {weights.shape} found, ({n},) needed, one weight per unit")
    if (weights < 0).any():
        index = int(np.argmax(weights < 0))
        raise ValueError(f"{name}: entry [{index}] is {weights[index]:g}; weights cannot be negative")
    if not weights.sum() > 0:
        raise ValueError(f"{name}: all weights are zero; nothing was observed")
    return weights


def reweighted(data: Data, sample_weight: Any) -> Data:
    """Pass a `Data` through; weights given a second time are refused."""
    if sample_weight is not None:
        raise ValueError("sample_weight: the data already carry their weights; give the weights once")
    return data


def positive_integer(value: Any, name: str) -> None:
    """Check a structural setting such as `n_components`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}: {value!r} found; a positive integer is needed")


def positive_number(value: Any, name: str) -> None:
    """Check a known quantity such as a variance: one finite positive number."""
    if as_floats(value, name).shape != () or not float(value) > 0:
        raise ValueError(f"{name}: {value!r} found; a positive number is needed")


def enough_units(data: Data, needed: int, what: str) -> None:
    """Check that there are at least as many units as the model has components."""
    seen = len(data) if data.weights is None else int((data.weights > 0).sum())
    if seen < needed:
        raise ValueError(f"data: {seen} units found, fewer than the {needed} {what}; give more data or a smaller model")
