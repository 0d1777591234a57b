"""The Nile's annual flow and the local level model, against statsmodels 0.15.0.

Its numbers were computed by `UnobservedComponents(flow, "llevel")`: with `use_exact_diffuse=True`, maximised by
L-BFGS and Nelder and Mead's method; and with the initial state N(0, 1e7), `loglikelihood_burn = 0`.
"""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib.datasets import nile
from emlib.models import LinearDynamicalSystem
from tests.tolerances import CONTROL, FEW_PERCENT, SIX_DIGITS, TWO_CODES

DIFFUSE_NOISE, DIFFUSE_STEP, DIFFUSE_LOGLIK = 15098.518271414137, 1469.1760894093638, -633.4645636362459
WIDE_NOISE, WIDE_STEP, WIDE_LOGLIK = 15099.684950842211, 1468.5008741811557, -641.5855783460868


def _level(width: float) -> LinearDynamicalSystem:
    held = {"initial_mean": [0.0], "initial_covariance": [[width]], "transition": [[1.0]], "observation": [[1.0]]}
    return LinearDynamicalSystem(1, 1, fixed=held)


def test_the_data() -> None:
    flow = nile()
    assert flow.shape == (100,)
    assert (flow[0], flow[-1], flow.sum()) == (1120.0, 740.0, 91935.0)


def test_maximum_with_a_wide_initial_state() -> None:
    found = emlib.fit(_level(1e7), nile(), rng=0, tol=1e-12)
    assert found.success
    assert found.params.observation_covariance.item() == pytest.approx(WIDE_NOISE, rel=SIX_DIGITS)
    assert found.params.transition_covariance.item() == pytest.approx(WIDE_STEP, rel=SIX_DIGITS)
    assert found.loglik == pytest.approx(WIDE_LOGLIK, abs=SIX_DIGITS)


def test_a_wider_initial_state_comes_as_near_to_the_diffuse_one_as_its_width_allows() -> None:
    """The log-likelihood, less -log(width)/2, has an error that falls like 1/width."""
    gaps = []
    for width in (1e7, 1e9, 1e11):
        found = emlib.fit(_level(width), nile(), rng=0, tol=1e-12)
        assert found.success
        gaps.append(abs(found.loglik + 0.5 * np.log(width) - DIFFUSE_LOGLIK))
        if width >= 1e11:  # the estimates have come within a millionth
            assert found.params.observation_covariance.item() == pytest.approx(DIFFUSE_NOISE, rel=SIX_DIGITS)
            assert found.params.transition_covariance.item() == pytest.approx(DIFFUSE_STEP, rel=SIX_DIGITS)
    assert gaps[0] > CONTROL
    assert np.array(gaps[:-1]) / gaps[1:] == pytest.approx(100.0, rel=FEW_PERCENT)


def test_smoothed_and_filtered_levels() -> None:
    model = _level(1e7)
    params = model.params(transition_covariance=[[1469.1]], observation_covariance=[[15099.0]])
    assert model.e_step(params, model.as_data(nile())).loglik == pytest.approx(-641.5855784594156, rel=TWO_CODES)
    means, spreads = model.posterior(params, nile())
    expected = [1111.2202575681306, 1110.529257011893, 829.550451101484, 804.0495956662394, 798.3702926083578]
    assert means[[0, 1, 50, 98, 99], 0] == pytest.approx(expected, rel=TWO_CODES)
    assert spreads[[0, 50, 99], 0, 0] == pytest.approx([4030.532767337336, 2326.756869814384, 4032.1579418087827],
                                                       rel=TWO_CODES)
    means, spreads = model.filter(params, nile())
    assert means[[0, 50, 99], 0] == pytest.approx([1118.3114615242446, 827.4208324821408, 798.3702926083578],
                                                  rel=TWO_CODES)
    assert spreads[[0, 50], 0, 0] == pytest.approx([15076.236390674487, 4032.157941808782], rel=TWO_CODES)


def test_forty_years_missing() -> None:
    model, flow = _level(1e7), nile()
    flow[20:40] = flow[60:80] = np.nan
    params = model.params(transition_covariance=[[1469.1]], observation_covariance=[[15099.0]])
    assert model.e_step(params, model.as_data(flow)).loglik == pytest.approx(-389.6269775255986, rel=TWO_CODES)
    means, spreads = model.posterior(params, flow)
    assert means[[29, 69], 0] == pytest.approx([903.4200027158573, 837.1773231701198], rel=TWO_CODES)
    assert spreads[[29, 69], 0, 0] == pytest.approx([9715.005892655836, 9715.005549011361], rel=TWO_CODES)
    filled = np.where(np.isnan(flow), np.nanmean(flow), flow)
    assert abs(model.e_step(params, model.as_data(filled)).loglik + 389.6269775255986) > CONTROL
