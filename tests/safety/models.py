"""One case of the contract suite for each model: whoever joins that suite joins the tests of safety."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.contract.cases import CASES, Case

MODELS: list[Case] = list({type(case.model): case for case in reversed(CASES)}.values())[::-1]
IDS = [type(case.model).__name__ for case in MODELS]


def touched(raw: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """The raw data with its first array changed: of a list the first sequence, of a tuple the first part."""
    if isinstance(raw, list):
        return [change(np.array(raw[0], dtype=float)), *raw[1:]]
    if isinstance(raw, tuple):
        return (change(np.array(raw[0], dtype=float)), *raw[1:])
    return change(np.array(raw, dtype=float))


def each(raw: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """The raw data with every array changed."""
    if isinstance(raw, list | tuple):
        return type(raw)(change(np.asarray(part)) for part in raw)
    return change(np.asarray(raw))


def has(case: Case, *words: str) -> bool:
    """Whether the model's name holds one of the words."""
    return any(word in type(case.model).__name__ for word in words)


def reads_missing(case: Case) -> bool:
    return has(case, "Missing", "LinearDynamicalSystem", "RandomEffects")


def reads_whole_numbers(case: Case) -> bool:
    return has(case, "Poisson", "Categorical", "Linkage", "Bernoulli", "Binomial")


def has_columns(case: Case) -> bool:
    return hasattr(case.model, "n_features")


def sequences(case: Case) -> bool:
    return isinstance(case.raw, list)
