"""The algorithm beside a result: which one `fit` was given, or chose; copies and pickles keep it if they can."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest

import emlib
from emlib.algorithms import EM, Adaptive, Criterion, Profile, Switch
from emlib.datasets import old_faithful
from emlib.fitting.default import default_algorithm
from emlib.models import FactorAnalysis, GaussianMixture, Linkage

COUNTS = [125, 18, 20, 34]


def fitted(**options: Any) -> emlib.Result:
    return emlib.fit(Linkage(), COUNTS, rng=0, **options)


def test_the_algorithm_that_was_chosen_is_told() -> None:
    assert fitted().algorithm == Adaptive()
    mixture = GaussianMixture(6, 2)
    run = emlib.fit(mixture, old_faithful(), rng=0, max_estep=5)
    assert run.algorithm == default_algorithm(mixture)
    assert run.algorithm != Adaptive()
    rows = old_faithful()[:, [0, 1, 0]] ** [1, 1, 2]
    chosen = emlib.fit(FactorAnalysis(3, 1), rows, rng=0, max_estep=5).algorithm
    assert isinstance(chosen, Switch)
    assert chosen.second == Profile()


def test_the_algorithm_that_was_given_is_told() -> None:
    given = EM()
    assert fitted(algorithm=given).algorithm is given
    assert fitted(algorithm=given, n_starts=3).algorithm is given
    problem = emlib.Problem(Linkage(), COUNTS)
    assert emlib.solve(problem, given, problem.model.space.pack(fitted().params)).algorithm is None


def test_what_is_printed_says_nothing_of_it() -> None:
    run = fitted()
    assert str(run.summary()) == str(replace(run, algorithm=None).summary())
    assert repr(run) == repr(replace(run, algorithm=None))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))])
def test_copies_and_pickles_keep_it_if_it_pickles(again: Any) -> None:
    run = fitted()
    twin = again(run)
    assert twin.algorithm == run.algorithm
    assert (twin.loglik, twin.status, twin.message) == (run.loglik, run.status, run.message)
    bound = fitted(algorithm=Switch(EM(), Adaptive(), Criterion("seldom", 1, lambda *_: 0.0)))
    assert again(bound).algorithm is None
    assert again(bound).loglik == bound.loglik
    assert bound.algorithm is not None
