"""The compiled E-step of hidden Markov models against NumPy's, and when it serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.data import Data
from emlib.kernels import blocks, dispatch
from emlib.kernels import hmm as kernel
from emlib.model import Expectation
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM, gaussian_products
from emlib.models.hmm import base, compiled_chain
from tests.tolerances import COMPILED, SAME_OPTIMUM
from tests.unit.test_kernels import off

LENGTHS = [700, 1, 30, 1, 2000, 5, 1]  # stretches begin in mid-sequence, and sequences in mid-stretch
WEIGHTS = [1.0, 2.0, 0.0, 1.5, 1.0, 3.0, 1.0]


def step(model: Any, params: Any, data: Data, fast: bool) -> Expectation:
    """The E-step by one of the two ways; the fast one must not have turned back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "use_compiled_chain", lambda *size: fast)
        if fast:
            patch.setattr(base.chain, "smooth_all", None)
        return model.e_step(params, data)


def misses(fast: Expectation, plain: Expectation) -> dict[str, float]:
    """How far each part of the two is apart, on its own scale."""
    pairs = {"loglik": (fast.loglik, plain.loglik, plain.magnitude),
             "entropy": (fast.entropy, plain.entropy, plain.stats["transition"].sum()),
             "magnitude": (fast.magnitude, plain.magnitude, plain.magnitude)}
    for key, theirs in plain.stats.parts.items():
        ours = fast.stats[key]
        if hasattr(theirs, "see"):
            width = np.sqrt(np.abs(theirs.see).max() * theirs.counts.max())
            scales = {"counts": theirs.counts.max(), "sex": width, "see": np.abs(theirs.see).max()}
            pairs |= {name: (getattr(ours, name), getattr(theirs, name), scale) for name, scale in scales.items()}
        else:
            pairs[key] = (ours, theirs, np.abs(theirs).max())
    return {name: float(np.abs(a - b).max() / (scale or 1.0)) for name, (a, b, scale) in pairs.items()}


def normals(count: int, side: int, kind: str, stretch: float = 1.0) -> tuple[Any, Any]:
    """A model and parameters; the first feature's direction is `stretch` times longer than the last's."""
    rng = np.random.default_rng([count, side])
    model = GaussianHMM(count, side, kind)
    turn = np.linalg.qr(rng.normal(size=(side, side)))[0] * np.geomspace(1.0, stretch, side)
    noise = np.array([(1.0 + k) * turn @ turn.T for k in range(count)])
    means = 2.0 * rng.normal(size=(count, side)) @ turn.T
    chances = rng.dirichlet(np.ones(count), count + 1)
    return model, model.params(initial=chances[0], transition=chances[1:], means=means,
                               covariances=noise if kind == "full" else np.einsum("kii->ki", noise))


def case(name: str) -> tuple[Any, Any]:
    """A model and parameters by name."""
    if name == "symbols":
        model = CategoricalHMM(2, 3)
        return model, model.params(initial=[0.3, 0.7], transition=[[0.9, 0.1], [0.2, 0.8]],
                                   emission=[[0.7, 0.2, 0.1], [0.0, 0.3, 0.7]])
    if name == "counts":
        model = PoissonHMM(3)
        return model, model.params(initial=[0.0, 1.0, 0.0], rates=[1.0, 5.0, 20.0],
                                   transition=[[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.2, 0.8]])
    if name == "one state":
        model = PoissonHMM(1)
        return model, model.params(initial=[1.0], transition=[[1.0]], rates=[2.0])
    kind, count, side = name.split()
    return normals(int(count), int(side), kind)


NAMES = ["symbols", "counts", "one state", "diag 3 2", "diag 9 1", "full 5 3", "full 2 6", "full 1 2"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_both_ways_agree(name: str, weighted: bool) -> None:
    model, params = case(name)
    units = model.sample(params, LENGTHS, np.random.default_rng(1))
    data = model.as_data(units, WEIGHTS if weighted else None)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


@pytest.mark.parametrize("length", [1, 255, 256, 257, 3000])
def test_both_ways_agree_for_one_sequence(length: int) -> None:
    model, params = case("diag 3 2")
    rows = model.sample(params, length, np.random.default_rng(2))
    apart = misses(step(model, params, Data([rows]), True), step(model, params, Data([rows]), False))
    assert max(apart.values()) < COMPILED, apart


def test_both_ways_agree_at_condition_1e10() -> None:
    model, params = normals(3, 4, "full", stretch=1e5)
    assert np.linalg.cond(params.covariances).max() > 1e9
    data = Data([model.sample(params, 1000, np.random.default_rng(3))])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_densities_may_be_as_small_as_they_like() -> None:
    """Every log-density of some rows is -1e4 or less: the largest of each time is taken out first."""
    model, params = case("diag 3 2")
    rows = model.sample(params, 600, np.random.default_rng(4))
    rows[[0, 1, 77, 300, 599]] += [200.0, -300.0]
    assert model.emission.log_density(params, rows[77:78]).max() < -1e4
    apart = misses(step(model, params, Data([rows]), True), step(model, params, Data([rows]), False))
    assert max(apart.values()) < COMPILED, apart


def test_a_chain_that_forgets_slowly_is_run_in_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves once in a thousand times, seen dimly: a guess is not forgotten within 256 rows."""
    model = GaussianHMM(2, 1, "diag")
    params = model.params(initial=[0.5, 0.5], transition=[[0.999, 0.001], [0.001, 0.999]], means=[[0.0], [0.05]],
                          covariances=[[1.0], [1.0]])
    data = Data([model.sample(params, 40_000, np.random.default_rng(5))])
    plain = step(model, params, data, False)
    right = step(model, params, data, True)
    assert max(misses(right, plain).values()) < COMPILED
    monkeypatch.setattr(compiled_chain, "DISAGREEMENT", np.inf)  # the sabotage: whatever the joints say is believed
    wrong = step(model, params, data, True)
    assert max(misses(wrong, plain).values()) > COMPILED


PARTS = ["centre", "weights", "constants", "means", "factors", "log_constants", "initial", "moves"]


def point_by_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let products serve nowhere."""
    monkeypatch.setattr(gaussian_products, "LIMIT", 0.0)


@pytest.mark.parametrize("part", PARTS)
def test_a_wrong_ninth_digit_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if part in ("means", "factors", "log_constants"):
        point_by_point(monkeypatch)
    right = {name: getattr(kernel, name) for name in ("run_forward", "run_backward")}

    def wrong(function: Any) -> Any:
        def run(sequences: Any, emissions: Any, chain: Any, *rest: Any) -> Any:
            if part in chain._fields:
                chain = chain._replace(**{part: getattr(chain, part) * (1 + 1e-9)})
            else:
                emissions = emissions._replace(normals=off(emissions.normals, part))
            return function(sequences, emissions, chain, *rest)
        return run

    for name, function in right.items():
        monkeypatch.setattr(kernel, name, wrong(function))
    model, params = case("full 5 3")
    data = Data(model.sample(params, [3] * 300, np.random.default_rng(6)))
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) > COMPILED


@pytest.mark.parametrize("name", ["diag 3 2", "diag 9 1", "full 5 3"])
def test_both_ways_agree_point_by_point(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point_by_point(monkeypatch)
    model, params = case(name)
    data = model.as_data(model.sample(params, LENGTHS, np.random.default_rng(1)), WEIGHTS)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_a_first_state_of_almost_no_chance_needs_no_logarithms() -> None:
    """The chance of a first state shrinks with every EM step along one sequence; it is no sum that could lose terms."""
    model, params = case("diag 3 2")
    start = [1e-134, 1.0 - 1e-200, 1e-200]
    faint = model.params(initial=start, transition=params.transition, means=params.means,
                         covariances=params.covariances)
    data = Data([model.sample(params, 600, np.random.default_rng(7))])
    apart = misses(step(model, faint, data, True), step(model, faint, data, False))
    assert max(apart.values()) < COMPILED, apart


def attempt(model: Any, params: Any, rows: np.ndarray) -> Any:
    """What the compiled passes say of one sequence; None where they hand it back."""
    emissions = model.emission.compiled(model.emission.prepared(params), rows)
    return compiled_chain.run(params.initial, params.transition, emissions, np.array([len(rows)]), np.ones(1))


def test_a_lost_hypothesis_is_left_to_logarithms() -> None:
    model = CategoricalHMM(2, 2)
    params = model.params(initial=[0.5, 0.5], transition=np.eye(2), emission=[[0.9, 0.1], [0.1, 0.9]])
    assert attempt(model, params, np.repeat([0, 1], [1000, 2000])) is None
    assert attempt(model, params, np.repeat([0, 1], [50, 60])) is not None


def test_impossible_sequences_are_left_to_logarithms() -> None:
    model = CategoricalHMM(2, 3)
    params = model.params(initial=[0.5, 0.5], transition=np.full((2, 2), 0.5), emission=[[1.0, 0.0, 0.0]] * 2)
    assert attempt(model, params, np.array([0, 0, 2, 0])) is None


def test_peaked_densities_with_structural_zeros_are_left_to_logarithms() -> None:
    """What the table lost of a state's density might be all there is where moves are forbidden."""
    model = GaussianHMM(2, 1, "diag")
    params = model.params(initial=[1.0, 0.0], transition=[[0.5, 0.5], [0.0, 1.0]], means=[[0.0], [1.0]],
                          covariances=[[1e-6], [1e-6]])
    assert attempt(model, params, np.array([[0.0], [0.0], [1.0], [1.0]])) is None


@pytest.mark.parametrize("chance", [0.0, 1e-300])
def test_a_first_row_that_only_unlikely_states_explain_is_left_to_logarithms(chance: float) -> None:
    """A density so small that it is rounded up must not decide; elsewhere another state is always predicted."""
    model = GaussianHMM(2, 1, "diag")
    params = model.params(initial=[1.0 - chance, chance], transition=[[0.9, 0.1], [0.1, 0.9]], means=[[0.0], [60.0]],
                          covariances=[[1.0], [1.0]])
    rows = np.repeat([0.0, 60.0, 0.0, 60.0], 50)[:, None]
    assert attempt(model, params, rows[50:]) is None
    apart = misses(step(model, params, Data([rows]), True), step(model, params, Data([rows]), False))
    assert max(apart.values()) < COMPILED, apart


def test_the_last_row_may_be_impossible_as_a_first_one() -> None:
    """What is missing of the last stretches repeats the last row at weight zero, as the first of a sequence."""
    model = CategoricalHMM(2, 2)
    params = model.params(initial=[1.0, 0.0], transition=[[0.9, 0.1], [0.1, 0.9]], emission=[[1.0, 0.0], [0.5, 0.5]])
    data = Data([np.repeat([0, 1], [300, 100])])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


@pytest.mark.parametrize("least", [1e-48, 0.2])
def test_nothing_becomes_tiny_where_nobody_watches(least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With moves of at least this chance; rows that each fit one state alone try their best."""
    model = GaussianHMM(3, 1, "diag")
    moves = np.full((3, 3), least) + (1.0 - 3.0 * least) * np.eye(3)
    params = model.params(initial=np.full(3, 1 / 3), transition=moves, means=[[0.0], [50.0], [100.0]],
                          covariances=np.ones((3, 1)))
    rows = 50.0 * np.random.default_rng(9).integers(0, 3, (700, 1))
    assert not compiled_chain.may_underflow(moves)
    alone = attempt(model, params, rows)
    monkeypatch.setattr(compiled_chain, "may_underflow", lambda transition: True)
    seen = attempt(model, params, rows)
    assert alone.entropy == seen.entropy
    assert (alone.loglik == seen.loglik).all()
    assert (alone.transitions == seen.transitions).all()
    monkeypatch.setattr(compiled_chain, "TINY", 0.5 * least)  # who watches does see what there is
    assert attempt(model, params, rows) is None or least > 0.1


def test_huge_counts_need_no_huge_table() -> None:
    model = PoissonHMM(2)
    params = model.params(initial=[0.5, 0.5], transition=np.full((2, 2), 0.5), rates=[1e9, 2e9])
    rows = np.array([1e9, 2e9])
    assert model.emission.compiled(params, rows).table.probabilities.shape == (2, 2)
    assert attempt(model, params, rows).symbols.shape == (2, 2)


def test_a_fit_ends_at_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GaussianHMM(2, 1, "diag")
    params = model.params(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]], means=[[0.0], [4.0]],
                          covariances=[[1.0], [1.0]])
    units = model.sample(params, [40] * 10, np.random.default_rng(7))
    slow = emlib.fit(model, units, start=params, algorithm=EM(), tol=1e-6)
    monkeypatch.setattr(base, "use_compiled_chain", lambda *size: True)
    monkeypatch.setattr(base.chain, "smooth_all", None)  # the other way is closed
    fast = emlib.fit(model, units, start=params, algorithm=EM(), tol=1e-6)
    assert fast.success
    assert abs(fast.loglik - slow.loglik) < SAME_OPTIMUM


def test_equal_chunks_give_equal_bits() -> None:
    model, params = case("full 5 3")
    data = Data([model.sample(params, 3000, np.random.default_rng(8))])
    once, again = (step(model, params, data, True) for _ in range(2))
    assert once.loglik == again.loglik
    assert (once.stats["emission"].see == again.stats["emission"].see).all()


def test_small_data_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not dispatch.use_compiled_chain(np.array([107]), 3)
    assert not dispatch.use_compiled_chain(np.full(40, 50), 2)
    assert dispatch.use_compiled_chain(np.array([100_000]), 5)
    monkeypatch.setattr(dispatch, "numba_is_installed", lambda: False)
    assert not dispatch.use_compiled_chain(np.array([100_000]), 5)


def test_stale_compiled_functions_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    source, old, new, other = (tmp_path / name for name in ("a.py", "__pycache__/a.nbi", "__pycache__/a.nbc",
                                                            "__pycache__/a.pyc"))
    for age, path in enumerate((new, source, old, other)):
        path.write_text("")
        os.utime(path, (1000.0 - age, 1000.0 - age))
    blocks.delete_stale_caches(tmp_path)
    assert not old.exists()
    assert new.exists()
    assert other.exists()
