"""What the quick steps after a mini-batch leave to the general ones is still found and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emlib.families import covariance
from emlib.model import Statistics
from emlib.models import (
    PPCA,
    BernoulliMixture,
    FactorAnalysis,
    GaussianMixture,
    GaussianWithMissing,
    PoissonMixture,
    RegressionMixture,
    StudentT,
    SymmetricRegressionMixture,
)
from emlib.models.regression_steps import RegressionSteps
from tests import tolerances as tol
from tests.unit.batch_setting import HELD, MIXED, TYPES, both, flat, stats_at


def spoilt(stats: Statistics, key: str, how: str) -> Statistics:
    """Statistics of which the first component is empty, has all its units in one place, or is not a number."""
    factor = {"empty": 0.0, "not finite": np.nan}
    if key in ("rates", "probabilities"):
        changed = np.array(stats[key])
        changed[:, 0] *= factor[how]
        heads = changed[0] if key == "rates" else changed[0, :, 0] + changed[1, :, 0]
        return Statistics({"weights": heads, key: changed})
    part, see = stats[key], np.array(stats[key].see)
    if how == "collapsed":  # of tied covariances all components, or the others' scatter is left
        for k in range(len(see)) if part.kind == "tied" else (0,):
            step = part.sex[k] @ np.linalg.inv(part.sxx[k])
            see[k] = covariance.compress(part.kind, (step @ part.sxx[k] @ step.T)[None])[0]
        return Statistics({**stats.parts, key: replace(part, see=see)})
    share = np.where(np.arange(len(part.counts)) == 0, factor[how], 1.0)
    counts, sex, sxx = share * part.counts, share[:, None, None] * part.sex, share[:, None, None] * part.sxx
    see *= share.reshape(-1, *[1] * (see.ndim - 1))
    heads = {"weights": share * stats["weights"]} if "weights" in stats.parts else {}
    return Statistics({**stats.parts, **heads, key: replace(part, counts=counts, see=see, sex=sex, sxx=sxx)})


@pytest.mark.parametrize(("model", "how", "named"), [
    *[(model, how, named) for model in (MIXED, GaussianMixture(3, 2, "diag"), GaussianMixture(3, 2, "spherical"))
      for how, named in (("empty", "weights: component 0 has weight 0"), ("not finite", "nan"),
                         ("collapsed", "component 0 has collapsed"))],
    (GaussianMixture(3, 2, "tied"), "empty", "weights: component 0 has weight 0"),
    (GaussianMixture(3, 2, "tied"), "not finite", "nan"),
    (GaussianMixture(3, 2, "tied"), "collapsed", "component 0 has collapsed"),
    (HELD, "empty", "means: entry [0, 0] is nan"), (HELD, "collapsed", "component 0 has collapsed"),
    (RegressionMixture(2, 3), "empty", "coefficients: component 0 has no estimate"),
    (RegressionMixture(2, 3), "not finite", "coefficients: component 0 has no estimate"),
    (RegressionMixture(2, 3), "collapsed", "noise_variance: component 0 has collapsed"),
    (StudentT(2, 3.0), "not finite", "nan"), (StudentT(2, 3.0), "collapsed", "scale: collapsed"),
    (GaussianWithMissing(2), "not finite", "nan"), (GaussianWithMissing(2), "collapsed", "covariance: collapsed"),
    (FactorAnalysis(4, 1), "not finite", "nan"), (FactorAnalysis(4, 1), "collapsed", "entry [0] has collapsed"),
    (PPCA(4, 2), "not finite", "nan"), (PPCA(4, 2), "collapsed", "noise_variance: collapsed"),
    (SymmetricRegressionMixture(2), "not finite", "nan"), (SymmetricRegressionMixture(2), "empty", "nan"),
    *[(model, how, named) for model in (PoissonMixture(2), BernoulliMixture(3, 4))
      for how, named in (("empty", "weights: component 0 has weight"), ("not finite", "nan"))],
], ids=str)
def test_what_is_no_point_is_named(model: Any, how: str, named: str) -> None:
    problem, quick, general = both(model, "standard")
    good = stats_at(problem, 1, slice(None))
    assert quick.m_step(good)[1] is None
    bad = spoilt(good, quick.key if isinstance(quick, RegressionSteps) else quick.field, how)
    (_, ours), (_, theirs) = quick.m_step(bad), general.m_step(bad)
    assert ours == theirs
    assert ours is not None
    assert named in ours


@pytest.mark.parametrize("shift", [(0, 40.0), (0, 800.0), (2, 1e300), (2, np.nan), (-1, 400.0), (-1, -400.0), (-2, 1e9),
                                   (-1, -25.0), (-2, np.inf)], ids=str)
@pytest.mark.parametrize("model", [MIXED, *TYPES, HELD, RegressionMixture(2, 3), StudentT(2, 3.0), PPCA(4, 2),
                                   PoissonMixture(2), BernoulliMixture(3, 4)], ids=repr)
def test_far_out_the_general_ones_decide(model: Any, shift: tuple[int, float]) -> None:
    problem, quick, general = both(model, "free")
    x = model.space.pack(model.start(problem.data, np.random.default_rng(5)))
    x[shift[0]] += shift[1]
    with np.errstate(all="ignore"):
        ours, theirs = quick.inside(x), general.inside(x)
    assert (ours is None) == (theirs is None) == (model.space.fault(model.space.unpack(x)) is not None)
    if ours is not None:
        np.testing.assert_allclose(flat(problem, ours), flat(problem, theirs), rtol=tol.IDENTITY)
