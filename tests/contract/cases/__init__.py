"""The registry of the contract suite: models with data, parameter points and an optimum.

A new model joins the suite by a file of cases here, added to `CASES`.
"""

from __future__ import annotations

from tests.contract.cases import (
    bernoulli,
    chains,
    factor_models,
    held,
    linear_dynamics,
    missing_entries,
    mixtures,
    negative_binomial,
    random_effects,
    regressions,
    student,
)
from tests.contract.cases.case import Case, has

__all__ = ["CASES", "HELD", "MIXTURES", "PART", "Case", "has"]

CASES: list[Case] = [
    *missing_entries.CASES, *mixtures.CASES, *bernoulli.CASES, *negative_binomial.CASES, *regressions.CASES,
    *random_effects.CASES, *student.CASES, *factor_models.CASES, *chains.CASES, *linear_dynamics.CASES,
]
MIXTURES = [case for case in CASES if case.is_mixture]
HELD = held.HELD  # cases of the above with fields held, for the contract alone
PART = linear_dynamics.PART  # cases for a part of the contract alone
