"""Arrays of real numbers from whatever users have them in; what has no such reading is refused by name."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import scipy

from emlib.numerics import Array

IMPUTE = "remove or impute it, this model has no missing values"
REFUSED = {  # kinds of numpy's types
    "U": "text", "S": "text", "c": "complex numbers", "V": "records, take one field",
    "M": "dates, take the time since one of them, such as (x - x.min()) / np.timedelta64(1, 'D')",
    "m": "spans of time, divide them by a unit, such as np.timedelta64(1, 'D')",
}


def numbers(raw: Any, name: str, *, missing: bool = False) -> Array:
    """Read an array of real numbers, of any type that converts to floats without loss of meaning.

    Masked entries, and objects that stand for a missing value, become not-a-number with `missing`.

    Raises
    ------
    ValueError
        For text, dates, spans of time, complex numbers, records, sparse matrices, other objects, and, without
        `missing`, for masked entries.
    """
    try:
        array = np.ma.asarray(raw) if np.ma.isMaskedArray(raw) else _stacked(raw)
        kind = array.dtype.kind
        if kind in REFUSED:  # numpy would read digits, count days, and drop imaginary parts, without a word
            raise TypeError(REFUSED[kind])
        mask = np.ma.getmask(array)
        plain: Array = np.asarray(np.ma.getdata(array))
        if kind == "O":
            plain = _from_objects(plain)
        elif kind not in "biuf":
            raise TypeError(f"entries of type {array.dtype}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: cannot be read as numbers ({error}); give an array of floats") from None
    if mask is np.ma.nomask or not mask.any():
        return plain
    if not missing:
        raise ValueError(f"{name}: entry {np.argwhere(mask)[0].tolist()} is masked; {IMPUTE}")
    return np.where(mask, np.nan, plain)


def _stacked(raw: Any) -> Array:
    """Return an array of what may be a list of masked rows, whose masks numpy would drop."""
    if scipy.sparse.issparse(raw):
        raise TypeError("a sparse matrix; take its toarray()")
    masked = isinstance(raw, (list, tuple)) and any(map(np.ma.isMaskedArray, raw))
    found: Array = np.ma.stack(list(map(np.ma.asarray, raw))) if masked else np.asarray(raw)
    return found


def _from_objects(array: Array) -> Array:
    """Return an array of objects as floats, not-a-number where they stand for a missing value."""
    found = np.empty(array.shape)
    for index, value in np.ndenumerate(array):
        if value is None or type(value).__name__ == "NAType":  # pandas.NA
            found[index] = np.nan
        elif isinstance(value, (Real, Decimal, np.bool_)):
            found[index] = float(value)
        else:
            raise TypeError(f"entry {list(index)} is of type {type(value).__name__}")
    return found
