"""Fits of random data from random starts by random algorithms: whatever happens, a result claims nothing false.

As many as EMLIB_RANDOM_FITS says; ten thousand take about twenty minutes.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Status
from emlib.algorithms import ECG, EM, LBFGS, SQUAREM, Adaptive, EMGradient, GradientAscent, Newton
from emlib.algorithms.stopping import curvature
from emlib.result import Result
from emlib.solve import ROUNDED_FALL
from tests import tolerances as tol
from tests.contract.cases import Case
from tests.safety.models import IDS, MODELS
from tests.safety.test_refusals import NAMED

FITS = int(os.environ.get("EMLIB_RANDOM_FITS", "100"))  # of all models together
ALGORITHMS = [None, None, Adaptive(), Adaptive(), EM(), EM(), LBFGS(), LBFGS(metric="identity"), Newton(), SQUAREM(),
              ECG(), EMGradient(), GradientAscent()]
EVERY = pytest.mark.parametrize("case", MODELS, ids=IDS)


def random_fit(case: Case, seed: int) -> Result | None:
    """Fit a random resample of the case's units from a random start; None if the data are refused by name."""
    rng = np.random.default_rng([seed, MODELS.index(case)])
    picked = rng.choice(len(case.data), size=rng.integers(2, 1 + min(len(case.data), 40)))
    algorithm = ALGORITHMS[rng.integers(len(ALGORITHMS))]
    budget = int(np.exp(rng.uniform(0.0, np.log(200.0))))
    raw = case.units(picked) if case.repeats_rows else case.raw
    try:
        return emlib.fit(case.model, raw, rng=seed, algorithm=algorithm, max_estep=budget,
                         tol=float(10.0 ** rng.uniform(-12, -2)))
    except ValueError as error:
        if not re.match(NAMED, str(error)):
            raise
        return None


def check_numbers(result: Result) -> None:
    """Finite, inside the space, of one point, and that point is the best one met."""
    flat = result.model.space.pack(result.params, "standard")
    assert np.isfinite(flat).all()
    assert np.isfinite([result.loglik, *result.jac]).all()
    assert result.model.space.fault(result.params) is None
    again = emlib.Problem(result.model, result.data).expectation(result.params)
    assert abs(again.loglik - result.loglik) <= tol.TWO_CODES * again.magnitude
    assert result.loglik >= result.trace.loglik.max() - ROUNDED_FALL * again.magnitude
    assert result.loglik >= result.trace.loglik[0]


def check_books(result: Result) -> None:
    """Counters, reasons and the seed are written down."""
    assert result.n_estep == result.nfev >= 1
    assert (np.diff(result.trace.n_estep) >= 0).all()
    assert result.trace.n_estep[-1] <= result.n_estep
    assert len(result.trace) == result.nit + 1
    assert result.message.startswith(result.status.value)
    assert result.stopped_by == result.status.name
    assert result.seed is not None


def check_claim(result: Result) -> None:
    """Success means converged: nothing left to gain by an independent look, no saddle, no collapse."""
    assert result.success == (result.status is Status.CONVERGED)
    if not result.success:
        return
    assert 0 <= result.remaining <= 0.01
    assert result.model.degenerate(result.params, result.data) is None
    problem = emlib.Problem(result.model, result.data, "standard")
    here = problem.evaluate(result.model.space.pack(result.params, "standard"))
    seen = curvature(problem, here, tol=0.02)
    assert seen is not None
    assert not seen.saddle
    assert problem.loglik(problem.em_map(here.x)) - here.loglik <= 0.02


CHECKS = [check_numbers, check_books, check_claim]


def judge(result: Result | None) -> None:
    for check in CHECKS if result is not None else []:
        check(result)


@EVERY
def test_a_result_claims_nothing_false(case: Case) -> None:
    for seed in range(FITS // len(MODELS) + 1):
        judge(random_fit(case, seed))


FAULTS: list[tuple[Any, dict[str, Any]]] = [
    (check_numbers, {"loglik": np.nan}), (check_numbers, {"loglik": -1e3}), (check_books, {"n_estep": 0}),
    (check_books, {"seed": None}), (check_books, {"message": "done"}), (check_claim, {"remaining": 1.0}),
]


@pytest.mark.parametrize(("check", "lie"), FAULTS)
def test_a_lie_is_noticed(check: Any, lie: dict[str, Any]) -> None:
    honest = random_fit(next(case for case in MODELS if case.name.startswith("poisson")), 0)
    assert honest is not None
    best = replace(honest, status=Status.CONVERGED, message=Status.CONVERGED.value)
    with pytest.raises(AssertionError):
        check(replace(best, **lie))


def test_a_saddle_that_calls_itself_a_success_is_noticed() -> None:
    """Two equal components on two groups: stationary, but no maximum."""
    case = next(case for case in MODELS if type(case.model).__name__ == "SymmetricMixture")
    honest = emlib.fit(case.model, case.raw, rng=0)
    saddle = replace(honest, params=case.model.params(mean=np.zeros(case.model.n_features)))
    with pytest.raises(AssertionError):
        check_claim(saddle)
