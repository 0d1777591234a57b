"""Counts with too many zeros: a component of rate zero is an ordinary maximum, on the boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

import emlib
from emlib.algorithms import EM, SQUAREM
from emlib.models import PoissonHMM, PoissonMixture
from tests import tolerances as tol
from tests.reports import by_hand

COUNTS = np.r_[np.zeros(100), np.random.default_rng(0).poisson(20, 200)]


@pytest.mark.parametrize("algorithm", [None, EM(), SQUAREM()], ids=["default", "EM", "SQUAREM"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_zeros_of_their_own_kind(seed: int, algorithm: Any) -> None:
    """No count of rate 20 is zero, so that the maximum has a closed form up to exp(-20)."""
    assert (COUNTS[100:] > 0).all()
    result = emlib.fit(PoissonMixture(2), COUNTS, rng=seed, algorithm=algorithm)
    needed = 100 * np.log(1 / 3) + (np.log(2 / 3) + poisson(COUNTS[100:].mean()).logpmf(COUNTS[100:])).sum()
    assert result.success
    assert result.loglik == pytest.approx(needed, abs=tol.SAME_OPTIMUM)
    assert sorted(result.params.rates) == pytest.approx([0.0, COUNTS[100:].mean()], abs=tol.SIX_DIGITS)


def test_zeros_of_two_kinds() -> None:
    """The neighbour: counts of rate 2 are zero now and then; the zero-inflated Poisson is solved by hand.

    With m the mean of the positive counts, rate / (1 - exp(-rate)) = m, and the share of zeros comes out.
    """
    counts = np.r_[np.zeros(120), np.random.default_rng(1).poisson(2.0, 300)]
    positive, rate = counts[counts > 0], 2.0
    for _ in range(500):
        rate = positive.mean() * (1 - np.exp(-rate))
    share = len(positive) / len(counts) / (1 - np.exp(-rate))
    by_formula = np.log(share * poisson(rate).pmf(counts) + (1 - share) * (counts == 0)).sum()
    results = [emlib.fit(PoissonMixture(2), counts, rng=seed) for seed in range(4)]
    best = max(results, key=lambda one: one.loglik)
    assert best.loglik >= by_formula - tol.SAME_OPTIMUM
    assert all(one.success for one in results)


def test_the_boundary_is_named_and_has_no_standard_error() -> None:
    result = emlib.fit(PoissonMixture(2), COUNTS, rng=0)
    summary = result.summary()
    at = f"rates[{int(result.params.rates.argmin())}]"
    assert summary.information is not None
    assert summary.information.at_boundary == [at]
    assert summary.standard_errors is not None
    assert summary.standard_errors[summary.names.index(at)] == 0
    other = f"rates[{int(result.params.rates.argmax())}]"
    needed = np.sqrt(COUNTS[100:].mean() / 200)
    assert summary.standard_errors[summary.names.index(other)] == pytest.approx(needed, rel=tol.FEW_PERCENT)


def test_parameters_with_a_rate_of_zero_are_parameters() -> None:
    model = PoissonMixture(2)
    params = model.params(weights=[0.25, 0.75], rates=[0.0, 3.0])
    needed = np.log(by_hand.poisson_mass([0, 4], [0.0, 3.0]) @ [0.25, 0.75])
    here = model.e_step(params, emlib.Problem(model, [0.0, 4.0]).data)
    assert here.loglik == pytest.approx(needed.sum(), rel=tol.TWO_CODES)
    assert model.posterior(params, [4])[0].tolist() == [0.0, 1.0]
    assert model.m_step(here.stats).rates[0] == 0
    with pytest.raises(ValueError, match=r"rates: entry \[0\] is -1; it cannot be negative"):
        model.params(weights=[0.5, 0.5], rates=[-1.0, 3.0])
    assert np.isfinite(emlib.diagnostics.information(model, COUNTS, params).complete).all()


def test_a_state_of_rate_zero() -> None:
    """Dry spells: each run of zeros is a state of rate zero, and the fit ends where EM written by hand does."""
    rng = np.random.default_rng(3)
    counts = np.concatenate([np.zeros(40), rng.poisson(4, 60), np.zeros(50), rng.poisson(4, 80)])
    sequences, start = [counts[:100], counts[100:]], ([0.5, 0.5], [[0.8, 0.2], [0.2, 0.8]], [0.5, 4.0])
    needed, _, _, rates = by_hand.baum_welch("counts", sequences, *start, 60)
    assert rates[0] < tol.BOUNDARY
    fields = dict(zip(("initial", "transition", "rates"), start, strict=True))
    for algorithm in (None, EM()):
        result = emlib.fit(PoissonHMM(2), sequences, start=fields, algorithm=algorithm)
        assert result.success
        assert result.loglik == pytest.approx(needed, abs=tol.SAME_OPTIMUM)


@pytest.mark.parametrize("seed", range(6))
def test_dry_spells_from_random_starts(seed: int) -> None:
    """No start may raise; all that converge agree with the best of EM's."""
    rng = np.random.default_rng(seed)
    counts = np.concatenate([np.zeros(40), rng.poisson(4, 60), np.zeros(50), rng.poisson(4, 80)])
    by_em = emlib.fit(PoissonHMM(2), counts, rng=seed, algorithm=EM())
    result = emlib.fit(PoissonHMM(2), counts, rng=seed)
    assert result.success
    assert result.loglik == pytest.approx(by_em.loglik, abs=tol.SAME_OPTIMUM)
