"""The cases for every model leave none out, and are the same again for the same seed."""

from __future__ import annotations

import numpy as np

from embook.every_model import LEFT_OUT, every_model
from emlib import models


def test_every_model_has_a_case_or_a_reason() -> None:
    kinds = {type(model).__name__ for model, _ in every_model(80, np.random.default_rng(0)).values()}
    assert kinds | set(LEFT_OUT) == set(models.__all__), "give the model a case in embook/every_model.py, or a reason"
    assert not kinds & set(LEFT_OUT)


def test_each_case_has_data_that_its_model_can_start_from() -> None:
    rng = np.random.default_rng(1)
    for name, (model, data) in every_model(40, rng).items():
        found = model.e_step(model.start(data, rng), data)
        assert np.isfinite(found.loglik), name


def test_the_same_seed_gives_the_same_data() -> None:
    first, second = (every_model(40, np.random.default_rng(2)) for _ in range(2))
    for name, (model, data) in first.items():
        params = model.start(data, np.random.default_rng(3))
        assert model.e_step(params, data).loglik == model.e_step(params, second[name][1]).loglik, name
