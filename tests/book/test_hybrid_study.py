"""The hybrid's studies: how runs are followed, compared and cut off."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from embook import study
from embook.studies import hybrid, hybrid_paths, hybrid_problems, hybrid_run
from embook.studies.hybrid_run import Path, follow
from emlib import datasets
from emlib.algorithms import ECG, EM, LBFGS, Switch, missing_information_above
from emlib.models import PoissonMixture
from tests.tolerances import SAME_OPTIMUM, SAME_STEPS

MODEL = PoissonMixture(2)
NOTICES = MODEL.as_data(*datasets.hasselblad())
START = MODEL.params(weights=[0.3, 0.7], rates=[1.1, 2.6])


def path(*heights: float) -> Path:
    """Return a run that spent an E-step for each point."""
    return Path(np.arange(1.0, len(heights) + 1), np.array(heights), np.zeros(len(heights)), [])


def test_reaches_counts_to_the_first_point_that_is_near_enough() -> None:
    assert path(-3.0, -1.0, -1.0 + 0.9e-4).reaches(-1.0 + 0.9e-4) == 2
    assert path(-3.0, -1.0, -1.0 + 2e-4).reaches(-1.0 + 2e-4) == 3


def test_a_level_above_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="lies above the run's end"):
        path(-3.0, -1.0).reaches(-0.5)


def test_two_runs_are_compared_at_the_lower_end() -> None:
    assert hybrid.both(path(-5.0, -3.0, -1.0), path(-4.0, -3.0)) == (2, 2)
    assert hybrid.both(path(-3.0), None) == (hybrid.NONE, hybrid.NONE)


def test_a_run_is_followed_step_by_step_and_its_budget_kept() -> None:
    run = follow(MODEL, NOTICES, EM(), START, 20)
    assert run.n_estep.tolist() == list(range(1, 21))
    assert (np.diff(run.loglik) > 0).all()
    assert len(run.points) == len(run.loglik)


def test_a_run_at_rest_is_over() -> None:
    run = follow(MODEL, NOTICES, ECG(), START, 500)
    assert run.n_estep[-1] < 500
    assert run.end == pytest.approx(-1989.945859883, abs=SAME_OPTIMUM)


def test_a_run_that_asks_for_no_more_e_steps_is_over() -> None:
    hybrid_at_rest = Switch(EM(), LBFGS(), missing_information_above(0.9))
    run = follow(MODEL, NOTICES, hybrid_at_rest, MODEL.start(NOTICES, np.random.default_rng([10, 9, 14])), 400)
    assert run.n_estep[-1] < 400
    assert run.end == pytest.approx(-1989.945859883, abs=SAME_OPTIMUM)


@pytest.mark.parametrize(("level", "twin"), [(1.0, EM()), (0.0, ECG())])
def test_the_ends_of_the_level_are_the_two_methods(level: float, twin: EM | ECG) -> None:
    mine, other = (follow(MODEL, NOTICES, method, START, 30) for method in (hybrid_run.hybrid(level), twin))
    np.testing.assert_allclose(mine.loglik, other.loglik, rtol=SAME_STEPS)


def test_gains_are_those_of_the_next_steps() -> None:
    run = follow(MODEL, NOTICES, EM(), START, 30)
    by_em, by_ecg = hybrid_run.gains(MODEL, NOTICES, run, 5, 10)
    assert by_em == run.loglik[15] - run.loglik[5]
    assert by_em > 0
    assert by_ecg > 0


def test_looks_at_the_entropy_of_sequences_are_not_counted() -> None:
    model, data = hybrid_problems.problem("HMM structured")
    run = follow(model, data, hybrid_run.hybrid(1.0), hybrid_problems.start("HMM structured", 0), 5)
    assert run.n_estep.tolist() == [1, 2, 3, 4, 5]


def test_digit_blocks_are_those_that_scikit_learn_ships() -> None:
    images = load_digits().images[:600]
    np.testing.assert_array_equal(datasets.digit_blocks(), images[:, 2:6, 2:6].reshape(600, 16))
    assert not np.array_equal(datasets.digit_blocks(), images[:, 1:5, 2:6].reshape(600, 16))


def test_spectrum_has_the_ratio_that_it_is_asked_for() -> None:
    values = hybrid_problems.spectrum(3.0, 1.0)
    assert values[1] / values[2] == 3.0


def test_distances_are_taken_from_the_best_end_of_a_start() -> None:
    ends = {"em": [-3.0, -1.5], "ecg": [-2.5, -2.0], "entropy": [hybrid.NONE, -1.25], "share": [-2.5, -9.0],
            "lbfgs": [-2.5, -1.5], "adaptive": [-4.0, -1.25]}
    columns = {"problem": np.array(["a", "b"]), "start": np.array([0, 0]),
               **{f"{name}_end": np.array(values) for name, values in ends.items()}}
    below = hybrid.with_distances(study.Study({}, 2, columns))
    assert tuple(columns)[2:] == hybrid.HEIGHTS
    assert below["em_below"].tolist() == [0.5, 0.25]
    assert below["adaptive_below"].tolist() == [1.5, 0.0]
    assert below["entropy_below"].tolist() == [hybrid.NONE, 0.0]


def test_a_stored_path_is_shown_with_its_range_and_another_is_computed() -> None:
    stored = hybrid_paths.drawn("level 0.2", hybrid_paths.RADIUS, hybrid_paths.SEED, hybrid_paths.BUDGET)
    computed = hybrid_paths.drawn("level 0.5", 2.2, 11, 20)
    curve, outline = (part(computed.end[1]) for part in (computed.curve, computed.outline))
    assert stored.parts_at is not None
    assert stored.nearly[0] < stored.nearly[1]
    assert stored.end[0] < stored.end[1]
    assert len(stored.outline(0.0)) == 2 * len(stored.curve(0.0))
    assert stored.n_runs > computed.n_runs == 1
    assert computed.parts_at is None
    assert computed.end[0] == computed.end[1]
    assert curve[0, 1] > curve[-1, 1] > np.log10(hybrid_paths.FLOOR)
    np.testing.assert_array_equal(outline[: len(curve)], curve)


def test_a_path_that_stops_below_the_best_end_is_not_said_to_arrive() -> None:
    """A count is to within 0.01 nats of the best end, never to within that of where the budget stopped the run."""
    settings = hybrid_paths.RADIUS, hybrid_paths.SEED, hybrid_paths.BUDGET
    paths = {name: hybrid_paths.drawn(name, *settings) for name in hybrid_paths.RIVALS}
    best = hybrid_paths.best_end(paths.values())
    assert best == max(path.end[1] for path in paths.values())
    assert paths["EM"].said(best) == "134 E-steps"
    assert paths["L-BFGS after EM"].said(best) == "79 to 82 E-steps"
    assert paths["conjugate gradients"].said(best) == "2.3 to 8.4 nats short"
    assert paths["EM"].said(best + 0.005) == "0.005 nats short"
    assert paths["conjugate gradients"].curve(best)[-1, 1] > 0 > paths["EM"].curve(best)[-1, 1]


def test_em_alone_keeps_together() -> None:
    paths = {name: hybrid_paths.drawn(name, hybrid_paths.RADIUS, hybrid_paths.SEED, hybrid_paths.BUDGET)
             for name in hybrid_paths.RIVALS}
    assert {name for name, path in paths.items() if path.parts_at is None} == {"EM"}
