"""Options, settings and coordinates without a meaning are refused, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import ECG, EM, LBFGS, EMGradient, FirstOrderEM, GradientAscent, Newton, SciPy
from emlib.models import Linkage
from tests.algorithms.setting import by_name

CASE = by_name("gaussian-full-d1-k2")


def far() -> Any:
    return CASE.points[0]


@pytest.mark.parametrize("algorithm", [ECG(), LBFGS(), Newton(), SciPy(), SciPy("BFGS")], ids=repr)
def test_free_coordinates_are_demanded(algorithm: Any) -> None:
    said = r"coordinates: .* works in 'free' ones, the problem has 'standard'; leave .* out, or give .* such as EM\(\)"
    with pytest.raises(ValueError, match=said):
        emlib.solve(CASE.problem("standard"), algorithm, CASE.standard(far()))


def test_coordinates_without_an_algorithm_name_the_one_that_was_chosen() -> None:
    counts = [125, 18, 20, 34]
    with pytest.raises(ValueError, match=r"Adaptive works in 'free' ones, .*; leave coordinates out, or give an algor"):
        emlib.fit(Linkage(), counts, coordinates="standard", rng=0)
    assert emlib.fit(Linkage(), counts, coordinates="standard", algorithm=EM(), rng=0).success


def test_points_of_other_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"vector: shape \(6,\) does not fit 'free' coordinates, which need \(5,\)"):
        emlib.solve(CASE.problem("free"), EM(), CASE.standard(far()))
    with pytest.raises(ValueError, match="no Hessian in 'mean' coordinates"):
        CASE.problem("mean").hessian(CASE.model.space.pack(far(), "mean"))
    with pytest.raises(ValueError, match="'mean' needs a full exponential family"):
        emlib.Problem(Linkage(), [125, 18, 20, 34], "mean")
    with pytest.raises(ValueError, match="coordinates: 'polar' is unknown; choose one of"):
        emlib.Problem(Linkage(), [125, 18, 20, 34], "polar")


@pytest.mark.parametrize(("options", "text"), [
    ({"tol": 0.0}, r"tol: 0.0 found; a positive number of nats"),
    ({"tol": np.nan}, r"tol: nan found"),
    ({"tol": "small"}, r"tol: 'small' found"),
    ({"max_estep": 0}, r"max_estep: 0 found; a positive integer"),
    ({"max_estep": 2.5}, r"max_estep: 2.5 found"),
    ({"max_estep": True}, r"max_estep: True found"),
    ({"n_starts": 0}, r"n_starts: 0 found; a positive integer"),
    ({"n_starts": 1.5}, r"n_starts: 1.5 found"),
    ({"start": 3.0}, r"start: float found; give model.params\(theta\)"),
    ({"coordinates": "polar"}, r"coordinates: 'polar' is unknown"),
    ({"chunk_size": 0}, r"size: 0 found; a chunk holds at least one unit"),
    ({"algorithm": EM}, r"algorithm: <class .*EM'> found; give an algorithm with its settings, such as EM\(\)"),
    ({"algorithm": "em"}, r"algorithm: 'em' found; give an algorithm"),
    ({"algorithm": EMGradient(coordinates="polar")}, r"coordinates: 'polar' is unknown"),
    ({"algorithm": GradientAscent(coordinates="polar")}, r"coordinates: 'polar' is unknown"),
])
def test_options_without_a_meaning_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        emlib.fit(Linkage(), [125, 18, 20, 34], **options)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match="maximum_iterations"):
        emlib.fit(Linkage(), [125, 18, 20, 34], maximum_iterations=5)
    with pytest.raises(TypeError, match="steplength"):
        GradientAscent(steplength=1.0)


@pytest.mark.parametrize(("make", "text"), [
    (lambda: GradientAscent(-1.0), r"step_length: -1.0 found; a positive number"),
    (lambda: FirstOrderEM(np.inf), r"step_length: inf found"),
    (lambda: LBFGS(metric="euclid"), r"metric: 'euclid' is unknown; choose one of"),
    (lambda: LBFGS(history=0), r"history: 0 found; at least one pair"),
    (lambda: SciPy("no-such-method"), r"method: 'no-such-method' is unknown"),
    (lambda: SciPy("Nelder-Mead"), r"method: 'Nelder-Mead'"),
])
def test_settings_without_a_meaning_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_progress_writes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    emlib.fit(Linkage(), [125, 18, 20, 34], algorithm=EM(), progress=True, rng=0)
    assert "E-steps  loglik" in capsys.readouterr().err
    emlib.fit(Linkage(), [125, 18, 20, 34], algorithm=EM(), rng=0)
    assert capsys.readouterr().err == ""


def test_sequential_quadratic_programming_runs_to_the_end_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    result = emlib.fit(Linkage(), [125, 18, 20, 34], start={"theta": 0.1}, algorithm=SciPy("SLSQP"))
    assert result.success
    assert not recwarn.list
