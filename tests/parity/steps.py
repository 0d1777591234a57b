"""Equal EM steps from the same start."""

from __future__ import annotations

from typing import Any

import numpy as np

import emlib


def ours(model: Any, params: Any, data: Any, count: int) -> tuple[np.ndarray, Any]:
    """Return the log-likelihoods before each of `count` EM steps, and the parameters after the last."""
    problem = emlib.Problem(model, data, "standard")
    x, values = model.space.pack(params, "standard"), []
    for _ in range(count):
        values.append(problem.loglik(x))
        x = problem.em_map(x)
    return np.array(values), model.space.unpack(x, "standard")


def gap(found: Any, expected: Any) -> float:
    """Return the largest difference relative to the largest expected value."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    return float(np.abs(found - expected).max() / np.abs(expected).max())
