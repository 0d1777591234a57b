"""EM with its gradient, its rate, its missing information, standard errors and a fast, safe optimiser.

One E-step at theta gives the log-likelihood, the posterior entropy, the EM step and the gradient.
Everything here is written on that one evaluation.
"""

from emlib import algorithms, datasets, diagnostics, models
from emlib.fit import fit
from emlib.problem import Problem
from emlib.result import Result, Status
from emlib.solve import solve

__version__ = "0.1.0"

__all__ = ["Problem", "Result", "Status", "algorithms", "datasets", "diagnostics", "fit", "models", "solve"]
