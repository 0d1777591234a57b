"""A model builds its space and families once; that is seen in no comparison, copy or pickle."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.blocks import Real
from emlib.families import ProductModel
from emlib.fitting.checkpoint import fingerprint
from emlib.models import GaussianMixture, PoissonMixture
from emlib.space import ParameterSpace
from tests.contract.cases import CASES, Case

ONE_EACH = list({type(case.model): case for case in CASES}.values())


@pytest.mark.parametrize("case", ONE_EACH, ids=lambda case: type(case.model).__name__)
def test_every_model_keeps_its_space_and_families(case: Case) -> None:
    fresh = replace(case.model)
    before = (fresh == case.model, hash(fresh), repr(fresh), fingerprint(fresh))
    assert not {"space", "families"} & vars(fresh).keys()
    assert fresh.space is fresh.space
    assert fresh.families is fresh.families
    assert (fresh == case.model, hash(fresh), repr(fresh), fingerprint(fresh)) == before
    for twin in (copy.copy(fresh), copy.deepcopy(fresh), pickle.loads(pickle.dumps(fresh)), replace(fresh)):
        assert twin == fresh
        assert not {"space", "families"} & vars(twin).keys()
        np.testing.assert_array_equal(twin.space.pack(case.points[0]), fresh.space.pack(case.points[0]))
    with pytest.raises(FrozenInstanceError):
        fresh.fixed = None


def test_a_fit_builds_it_once() -> None:
    built = [0]

    @dataclass(frozen=True)
    class Counting(PoissonMixture):
        @property
        def space(self) -> ParameterSpace:
            built[0] += 1
            return PoissonMixture(self.n_components).space

    emlib.fit(Counting(2), [0, 1, 1, 2, 5, 6, 7, 7], algorithm=EM(), rng=0)
    assert built == [1]


def test_another_model_has_another_space() -> None:
    free = GaussianMixture(2, 1)
    held = replace(free, fixed={"weights": [0.5, 0.5]})
    assert (free.space.size(), held.space.size()) == (5, 4)
    assert replace(free, n_components=3).space.size() == 8


def test_held_values_are_the_models_own() -> None:
    """Neither the array that was given nor one that was handed out changes the model."""
    given = np.array([0.25, 0.75])
    model = PoissonMixture(2, fixed={"weights": given})
    given[:] = 0.5
    params = model.params(rates=[1.0, 2.0])
    assert params.weights.tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="read-only"):
        params.weights[0] = 0.5
    assert model.space.held["weights"].tolist() == [0.25, 0.75]


def test_a_space_that_is_given_otherwise_is_left_alone() -> None:
    """A model may keep its space as it likes, and a class between may have none of its own."""
    @dataclass(frozen=True)
    class Params:
        mean: Any

    class Between(ProductModel):
        pass

    class Own(Between):
        space = ParameterSpace(Params, (Real("mean", (2,)),))
        families = ()

    assert Own().space is Own.space
