"""Chunks of which some are empty, as selections leave them, and sequences of no length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Chunks
from emlib.models import CategoricalHMM, FactorAnalysis, GaussianMixture, PoissonHMM, PoissonMixture, RegressionMixture

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(90, 3)) + np.repeat([[0.0], [4.0]], 45, axis=0)
COUNTS = rng.poisson(np.repeat([2.0, 9.0], 45)).astype(float)
CHAINS = [rng.integers(0, 2, length) for length in rng.integers(5, 20, 12)]
NO_ROWS = np.empty((0, 3))

CASES = [(GaussianMixture(2, 3), [ROWS[:50], NO_ROWS, ROWS[50:]], [ROWS[:50], ROWS[50:]]),
         (GaussianMixture(2, 3), [NO_ROWS, ROWS[:50], ROWS[50:], NO_ROWS], [ROWS[:50], ROWS[50:]]),
         (PoissonMixture(2), [[], COUNTS[:30], COUNTS[30:]], [COUNTS[:30], COUNTS[30:]]),
         (RegressionMixture(2, 3), [(ROWS, COUNTS), (NO_ROWS, np.empty(0))], [(ROWS, COUNTS)]),
         (CategoricalHMM(2, 2), [CHAINS[:5], [], CHAINS[5:]], [CHAINS[:5], CHAINS[5:]]),
         (FactorAnalysis(3, 1), [ROWS, NO_ROWS], [ROWS])]


@pytest.mark.parametrize(("model", "source", "kept"), CASES, ids=lambda value: type(value).__name__)
def test_an_empty_chunk_is_nothing(model: Any, source: list[Any], kept: list[Any]) -> None:
    """The fit has the bits of one without it."""
    with_empty, without = (emlib.fit(model, Chunks(chunks), rng=0, max_estep=30) for chunks in (source, kept))
    assert with_empty.x.tolist() == without.x.tolist()
    assert with_empty.loglik == without.loglik


def test_weights_beside_an_empty_chunk() -> None:
    source, weights = Chunks([ROWS[:50], NO_ROWS, ROWS[50:]]), [np.ones(50), np.empty(0), np.full(40, 2.0)]
    with_empty = emlib.fit(GaussianMixture(2, 3), source, sample_weight=Chunks(weights), rng=0)
    without = emlib.fit(GaussianMixture(2, 3), Chunks([ROWS[:50], ROWS[50:]]),
                        sample_weight=Chunks([weights[0], weights[2]]), rng=0)
    assert with_empty.loglik == without.loglik
    with pytest.raises(ValueError, match=r"^sample_weight: chunk 1 has 3 weights, its data are empty"):
        emlib.fit(GaussianMixture(2, 3), source, sample_weight=Chunks([weights[0], np.ones(3), weights[2]]))


def test_nothing_but_empty_chunks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^data: every chunk is empty"):
        emlib.fit(GaussianMixture(2, 3), Chunks([NO_ROWS, NO_ROWS]))


@pytest.mark.parametrize("model", [PoissonHMM(2), CategoricalHMM(2, 2)], ids=repr)
def test_a_sequence_of_no_length_is_refused_by_name(model: Any) -> None:
    sequences = [[0, 1, 1], [], [1, 0]]
    with pytest.raises(ValueError, match=r"^data\[1\]: empty; a sequence has at least one observation, leave it out"):
        emlib.fit(model, [np.array(one) for one in sequences])
    with pytest.raises(ValueError, match=r"^chunk 1 of data\[0\]: empty"):
        emlib.fit(model, Chunks([[np.array([0, 1])], [np.array([])]]))
