"""What rows of responses say of all their nested effects at once is what each says by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib import Problem
from emlib.models import RandomEffects, nested_effects
from emlib.models.nested import Nested
from emlib.models.partial import log_density
from tests.tolerances import SAME_MATRIX

NESTED = Nested((3, 2), (0.5, 2.0), 0.7, None)


def rows(missing: float = 0.3, count: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((count, 6)) @ np.linalg.cholesky(NESTED.covariance).T
    return np.where(rng.random(drawn.shape) < missing, np.nan, drawn)


def gaps(found: Any, given: np.ndarray) -> float:
    """The largest distance of means, covariances and log-densities from those of each row by itself."""
    worst = 0.0
    for i, row in enumerate(given):
        seen = ~np.isnan(row)
        law = NESTED.law(seen)
        worst = max(worst, np.abs(found.means[i] - law.pull @ row[seen]).max(),
                    np.abs(found.left[found.which[i]] - law.left).max(),
                    np.abs(found.clean[i, seen] - law.shrunk @ row[seen]).max(),
                    abs(found.logliks[i] - float(log_density(law.factor, row[seen][None])[0])))
    return worst


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
def test_all_rows_at_once_are_each_by_itself(missing: float) -> None:
    given = rows(missing)
    given = given[~np.isnan(given).all(axis=1)]
    found = nested_effects.effects_given(NESTED, given)
    assert gaps(found, given) < SAME_MATRIX
    np.testing.assert_allclose(found.log_det, [np.linalg.slogdet(left)[1] for left in found.left])


def test_patterns_mixed_up_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = nested_effects.kinds_of
    monkeypatch.setattr(nested_effects, "kinds_of", lambda seen: (honest(seen)[0], honest(seen)[1][::-1]))
    assert gaps(nested_effects.effects_given(NESTED, rows()), rows()) > 1e-2


def test_a_part_at_a_time_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = nested_effects.effects_given(NESTED, rows()).means
    monkeypatch.setattr(nested_effects, "ENTRIES", 200)
    np.testing.assert_array_equal(nested_effects.effects_given(NESTED, rows()).means, whole)


def test_digits_and_memory_are_kept() -> None:
    """Where effects are far larger than the noise, or patterns are many, each pattern goes by itself."""
    given = rows()
    assert nested_effects.serves(NESTED, given)
    for noise, well in ((1.1 * 12 / nested_effects.SPREAD, True), (0.9 * 12 / nested_effects.SPREAD, False)):
        assert nested_effects.serves(Nested((3, 2), (0.5, 2.0), noise, None), given) is well
    assert not nested_effects.serves(Nested((3, 2), (0.5, 2.0), 0.7, 1), given)


def test_many_patterns_of_many_effects_go_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nested_effects, "ENTRIES", 200)
    assert not nested_effects.serves(NESTED, rows())
    assert nested_effects.serves(NESTED, rows(0.0))


def test_the_gradient_has_its_digits_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = RandomEffects((3, 2), (0.5, 2.0), 1.1 * 12 / nested_effects.SPREAD)
    drawn = model.sample(model.params(coefficients=[3.0]), 50, np.random.default_rng(0))
    drawn[np.random.default_rng(1).random(drawn.shape) < 0.3] = np.nan
    drawn = drawn[~np.isnan(drawn).all(axis=1)]
    at_once = Problem(model, drawn).gradient(np.array([2.9]))
    monkeypatch.setattr(nested_effects, "SPREAD", 0.0)
    np.testing.assert_allclose(at_once, Problem(model, drawn).gradient(np.array([2.9])), rtol=SAME_MATRIX)
