"""EM with its gradient, its rate, its missing information, standard errors and a fast, safe optimiser.

One E-step at theta gives the log-likelihood, the posterior entropy, the EM step and the gradient.
Everything here is written on that one evaluation.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from emlib.data import Chunks
from emlib.fit import fit
from emlib.problem import Problem
from emlib.result import Result, Status
from emlib.solve import solve

if TYPE_CHECKING:
    from emlib import algorithms, datasets, diagnostics, models

__version__ = "0.1.0"

__all__ = ["Chunks", "Problem", "Result", "Status", "algorithms", "datasets", "diagnostics", "fit", "models", "solve"]


def __getattr__(name: str) -> Any:
    """Load a part at its first use; `import emlib` alone costs little more than NumPy's and SciPy's own imports."""
    if name in __all__:
        return importlib.import_module(f"emlib.{name}")
    raise AttributeError(f"module 'emlib' has no attribute {name!r}; there are {__all__}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
