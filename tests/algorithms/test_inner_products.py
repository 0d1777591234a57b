"""Lengths of SQUAREM and coefficients of Anderson in the product of the complete information."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib import Problem, datasets
from emlib.algorithms import SQUAREM, Anderson
from emlib.algorithms.anderson import damped_coefficients
from emlib.algorithms.metric import in_metric, metric_factor
from emlib.algorithms.squarem import SCHEMES, step_length
from emlib.models import GaussianMixture, PoissonMixture
from tests.tolerances import CONTROL, OBSERVED_RATE, SAME_OPTIMUM, TWO_CODES

COMPLETE, OBSERVED = np.diag([1.0, 100.0]), np.array([[0.5, 4.0], [4.0, 40.0]])
MODEL = PoissonMixture(2)


def lengths(root: np.ndarray) -> np.ndarray:
    """The three lengths of many residuals of a linear EM map, in the product of `root` times its transpose."""
    pull, found = np.linalg.solve(COMPLETE, OBSERVED), []
    for r in np.random.default_rng(0).standard_normal((500, 2)):
        v = -pull @ r
        found.append([step_length(scheme, r @ root, v @ root) for scheme in SCHEMES])
    return np.array(found)


def test_lengths_lie_between_those_of_the_slowest_and_the_fastest_direction() -> None:
    """In the metric, S1 <= S3 <= S2; Euclid's, the hypothesis broken, leave the interval and may be negative."""
    speeds = np.linalg.eigvals(np.linalg.solve(COMPLETE, OBSERVED)).real
    low, high = 1 / speeds.max(), 1 / speeds.min()
    found = lengths(np.linalg.cholesky(COMPLETE))
    assert (found >= low * (1 - TWO_CODES)).all()
    assert (found <= high * (1 + TWO_CODES)).all()
    s1, s2, s3 = found.T
    assert (s1 <= s3 * (1 + TWO_CODES)).all()
    assert (s3 <= s2 * (1 + TWO_CODES)).all()
    euclid = lengths(np.eye(2))
    assert (euclid < 0).any()
    assert ((euclid < low) | (euclid > high)).mean() > 0.1


def test_coefficients_do_not_depend_on_the_units() -> None:
    """With coordinates y = B x the metric is B'^-1 I_c B^-1; the Euclidean coefficients change."""
    rng = np.random.default_rng(1)
    changes, left, units = rng.normal(size=(3, 6)), rng.normal(size=6), np.diag(10.0 ** np.arange(6))
    root = np.linalg.cholesky(np.eye(6) + np.ones((6, 6)))
    there = np.linalg.inv(units) @ root
    for share in (0.5, 1.0):
        here = damped_coefficients(changes @ root, left @ root, share)
        moved = damped_coefficients(changes @ units @ there, left @ units @ there, share)
        assert np.abs(here - moved).max() < TWO_CODES * np.abs(here).max()
        plain = damped_coefficients(changes, left, share) - damped_coefficients(changes @ units, left @ units, share)
        assert np.abs(plain).max() > CONTROL


def test_the_product_is_that_of_the_complete_information() -> None:
    normals = GaussianMixture(2, 2)
    problem = Problem(normals, datasets.old_faithful())
    here = problem.evaluate(normals.space.pack(normals.start(problem.data, np.random.default_rng(0))))
    a, b = np.random.default_rng(2).normal(size=(2, problem.size))
    one, other = in_metric(problem, here, [a, b])
    assert abs(one @ other - a @ problem.complete_information(here) @ b) < TWO_CODES * np.abs(one) @ np.abs(other)
    factor = metric_factor(problem, here)
    assert factor is not None
    assert abs((factor @ a) @ (factor @ b) - one @ other) > CONTROL  # the other triangle is no product of I_c


@pytest.mark.parametrize("algorithm", [SQUAREM, Anderson])
def test_fits_arrive_in_either_product(algorithm: type) -> None:
    data = MODEL.as_data(*datasets.hasselblad())
    runs = [emlib.fit(MODEL, data, algorithm=algorithm(inner=inner, coordinates="free"), rng=0)
            for inner in ("identity", "complete")]
    assert all(run.success for run in runs)
    assert abs(runs[0].loglik - runs[1].loglik) < SAME_OPTIMUM
    assert runs[0].trace.columns["loglik"] != runs[1].trace.columns["loglik"]


def test_near_a_maximum_the_asked_lengths_tell_the_rate() -> None:
    """All Rayleigh quotients of one slow direction: 1 / (1 - rate)."""
    data = MODEL.as_data(*datasets.hasselblad())
    best = emlib.fit(MODEL, data, rng=0)
    problem = Problem(MODEL, data)
    x = best.x + 1e-4 * np.array([1.0, -1.0, 1.0])
    for _ in range(60):
        x = problem.em_map(x)
    here = problem.evaluate(x)
    first = problem.em_map(x)
    r, q = first - x, problem.em_map(first) - first
    found = [step_length(scheme, *in_metric(problem, here, [r, q - r])) for scheme in SCHEMES]
    assert np.abs(np.array(found) * (1 - 0.99567) - 1).max() < 10 * OBSERVED_RATE


@pytest.mark.parametrize("algorithm", [SQUAREM, Anderson])
def test_wrong_settings_are_refused(algorithm: type) -> None:
    with pytest.raises(ValueError, match="inner: 'euclid' is unknown; choose one of"):
        algorithm(inner="euclid")
    with pytest.raises(ValueError, match="inner: 'complete' found with 'standard' coordinates; give"):
        algorithm(inner="complete", coordinates="standard")
    data = MODEL.as_data(*datasets.hasselblad())
    with pytest.raises(ValueError, match="works in 'free' ones"):
        emlib.fit(MODEL, data, algorithm=algorithm(inner="complete", coordinates="free"), coordinates="standard", rng=0)
