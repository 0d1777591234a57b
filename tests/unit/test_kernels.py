"""The compiled E-step of normal mixtures against NumPy's, and when it serves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.data import Data
from emlib.evaluation.companions import in_coordinates
from emlib.families.covariance import TYPES
from emlib.kernels import BLOCK, blocks, dispatch, gaussian, tiles
from emlib.kernels.arguments import EXP, Normals, Quadratic
from emlib.model import Expectation
from emlib.models import GaussianMixture, compiled_gaussian, gaussian_mixture, gaussian_products
from tests.tolerances import COMPILED, CONTROL, LAST_PLACES, SAME_OPTIMUM

ROOT = Path(__file__).resolve().parent.parent.parent


def cloud(n: int, side: int, count: int, stretch: float = 1.0) -> np.ndarray:
    """n points about `count` centres; the first feature's direction is `stretch` times longer than the last's."""
    rng = np.random.default_rng([n, side, count])
    rows = rng.normal(size=(n, side)) + 2.0 * rng.normal(size=(count, side))[rng.integers(count, size=n)]
    turn = np.linalg.qr(rng.normal(size=(side, side)))[0]
    return rows * np.geomspace(1.0, stretch, side) @ turn


def setting(n: int, side: int, count: int, kind: str, weighted: bool = True, stretch: float = 1.0) -> tuple[Any, ...]:
    """A model, its data and a point where all components overlap."""
    model = GaussianMixture(count, side, kind)
    rows = cloud(n, side, count, stretch)
    weight = np.random.default_rng(3).uniform(0, 2, n) if weighted else None
    data = Data(rows, weight, np.cov(rows, rowvar=False).reshape(side, side))
    return model, data, model.start(data, np.random.default_rng(4))


def step(model: Any, params: Any, data: Data, fast: bool) -> Expectation:
    """The E-step by one of the two ways."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian_mixture, "use_compiled_mixture", lambda *size: fast)
        return model.e_step(params, data)


def misses(fast: Expectation, plain: Expectation) -> dict[str, float]:
    """How far each part of the two is apart, on its own scale."""
    ours, theirs = fast.stats["components"], plain.stats["components"]
    width = np.sqrt(np.abs(theirs.see).max()) * np.sqrt(theirs.counts.max())
    pairs = {
        "counts": (ours.counts, theirs.counts, theirs.counts.max()),
        "weights": (fast.stats["weights"], plain.stats["weights"], theirs.counts.max()),
        "first": (ours.sex, theirs.sex, width),
        "second": (ours.see, theirs.see, np.abs(theirs.see).max()),
        "loglik": (fast.loglik, plain.loglik, plain.magnitude),
        "entropy": (fast.entropy, plain.entropy, plain.n_units),
        "magnitude": (fast.magnitude, plain.magnitude, plain.magnitude),
        "n_units": (fast.n_units, plain.n_units, plain.n_units),
    }
    return {name: float(np.abs(a - b).max() / scale) for name, (a, b, scale) in pairs.items()}


SIZES = [(BLOCK, 1, 3), (700, 2, 5), (257, 3, 1), (600, 4, 2), (300, 5, 3), (513, 9, 4), (400, 18, 3), (300, 23, 2)]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("n", "side", "count"), SIZES)
def test_both_ways_agree(n: int, side: int, count: int, kind: str) -> None:
    model, data, params = setting(n, side, count, kind, weighted=n % 2 == 0)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


@pytest.mark.parametrize("side", [2, 5, 12])
@pytest.mark.parametrize("kind", ["full", "tied"])
def test_both_ways_agree_at_condition_1e10(side: int, kind: str) -> None:
    model, data, params = setting(800, side, 3, kind, stretch=1e5)
    assert np.linalg.cond(params.covariances).max() > 1e9
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_both_ways_agree_where_a_component_is_thin_and_all_points_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products serve however thin a normal is, if points are near; then its inverse must have the factor's digits."""
    rng = np.random.default_rng(2100)
    root = rng.normal(size=(6, 6))
    noise, model = root @ root.T, GaussianMixture(1, 6)
    assert np.linalg.cond(noise) > 1e7
    params = model.params(weights=[1.0], means=np.zeros((1, 6)), covariances=noise[None])
    data = Data(20.0 * np.sqrt(np.linalg.eigvalsh(noise)[0]) * rng.normal(size=(800, 6)))
    plain = step(model, params, data, False)
    assert max(misses(step(model, params, data, True), plain).values()) < COMPILED

    honest = gaussian_products.quadratic

    def from_the_matrix(*given: Any) -> Quadratic:
        fast, rows, columns = honest(*given), *np.tril_indices(6)
        fast.weights[0, :21] = -np.linalg.inv(noise)[rows, columns] * np.where(rows == columns, 0.5, 1.0)
        return fast

    monkeypatch.setattr(gaussian_products, "quadratic", from_the_matrix)
    assert misses(step(model, params, data, True), plain)["loglik"] > COMPILED


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_both_ways_agree_far_from_the_origin(shift: float) -> None:
    model, data, params = setting(800, 3, 3, "full")
    far = Data(data.units + shift, data.weights, data.scale)
    moved = model.params(weights=params.weights, means=params.means + shift, covariances=params.covariances)
    apart = misses(step(model, moved, far, True), step(model, moved, far, False))
    assert max(apart.values()) < COMPILED, apart


PRODUCTS, EXACT = ["centre", "weights", "constants"], ["factors", "log_constants", "means"]


@pytest.mark.parametrize(("part", "limit"), [(part, 1e4) for part in PRODUCTS] + [(part, 0.0) for part in EXACT])
def test_a_wrong_ninth_digit_is_caught(part: str, limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = gaussian.add_chunk

    def wrong(rows: Any, weights: Any, normals: Any, *rest: Any) -> Any:
        return right(rows, weights, off(normals, part), *rest)

    model, data, params = setting(700, 2, 5, "full")
    serve_up_to(limit, monkeypatch)
    monkeypatch.setattr(gaussian, "add_chunk", wrong)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) > COMPILED


def off(normals: Normals, part: str) -> Normals:
    """Normals of which one field, or one of their products, is off by a billionth."""
    if part in normals._fields:
        return normals._replace(**{part: getattr(normals, part) * (1 + 1e-9)})
    quadratic = normals.quadratic
    return normals._replace(quadratic=quadratic._replace(**{part: getattr(quadratic, part) * (1 + 1e-9)}))


def serve_up_to(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change where products stop to serve."""
    monkeypatch.setattr(gaussian_products, "LIMIT", limit)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("n", "side", "count"), SIZES)
def test_both_ways_agree_point_by_point(n: int, side: int, count: int, kind: str,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    serve_up_to(0.0, monkeypatch)
    model, data, params = setting(n, side, count, kind, weighted=n % 2 == 0)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_products_would_not_do_at_condition_1e10(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the condition: served by products all the same, too many digits are lost."""
    serve_up_to(1e30, monkeypatch)
    model, data, params = setting(800, 3, 3, "full", stretch=1e5)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) > 100 * COMPILED


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_only_the_block_of_an_outlier_is_taken_point_by_point(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data, params = setting(4 * BLOCK, 3, 3, kind, weighted=False)
    rows = data.units.copy()
    rows[BLOCK + 7] = 300.0
    data, served = Data(rows, None, data.scale), []
    combined = gaussian_products.combined

    def noting(normals: Any, sums: Any) -> Any:
        served.append(sums.product_counts.sum())
        return combined(normals, sums)

    monkeypatch.setattr(gaussian_products, "combined", noting)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart
    assert served == [pytest.approx(3 * BLOCK)]


@pytest.mark.parametrize("kind", ["diag", "spherical"])
def test_points_far_closer_to_the_means_than_the_parameters_say(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tight crowd and an outlier: the centre between them, the covariance of both; about the mean little is left."""
    rows = 1e-3 * np.random.default_rng(0).normal(size=(3 * BLOCK, 2))
    rows[5] = [3.0, 4.0]
    model = GaussianMixture(2, 2, kind)
    data = Data(rows, None, np.cov(rows, rowvar=False))
    params = model.start(data, np.random.default_rng(0))
    params = model.params(weights=params.weights, means=rows[[0, 5]], covariances=params.covariances)
    plain = step(model, params, data, False)
    assert max(misses(step(model, params, data, True), plain).values()) < COMPILED
    monkeypatch.setattr(gaussian_products, "CANCELLED", np.inf)  # the sabotage: whatever is left is believed
    crude = misses(step(model, params, data, True), plain)
    assert crude["second"] > COMPILED, crude


def test_parameters_far_from_all_data_are_taken_point_by_point() -> None:
    model, data, params = setting(700, 2, 3, "full")
    moved = model.params(weights=params.weights, means=params.means + np.array([[0, 0], [0, 0], [1e9, 0]]),
                         covariances=params.covariances)
    apart = misses(step(model, moved, data, True), step(model, moved, data, False))
    assert max(apart.values()) < COMPILED, apart


@pytest.mark.parametrize(("count", "depth", "low"), [(2, 2, 0), (4, 6, 3), (6, 45, 1), (8, 3, 0), (10, 152, 0),
                                                    (14, 7, 2), (16, 8, 5)])
def test_tiles_multiply_matrices(count: int, depth: int, low: int) -> None:
    rng = np.random.default_rng(count)
    weights, features = rng.normal(size=(count, depth + low)), rng.normal(size=(depth, BLOCK + 8))
    sums, before = np.empty((count, BLOCK + 8)), rng.normal(size=(count, BLOCK + 8))
    for points in (BLOCK, 32, 8):
        sums[:] = before
        tiles.add_product(weights, low, features, depth, sums, points)
        wanted = before[:, :points] + weights[:, low:] @ features[:, :points]
        assert np.allclose(sums[:, :points], wanted, rtol=0, atol=1e-12)
        assert (sums[:, points:] == before[:, points:]).all()
    even = depth - depth % 2
    for points in (4, 32, BLOCK):
        found = np.zeros((count, depth + low))
        tiles.add_product_transposed(before, features, even, found, low, points)
        wanted = before[:, :points] @ features[:even, :points].T
        assert np.allclose(found[:, low:low + even], wanted, rtol=0, atol=1e-11)
        assert not found[:, :low].any()
    assert np.abs(wanted[:, 1:] - wanted[:, :-1]).max() > 1e-3  # a column in the wrong place would be seen


def test_a_component_of_weight_zero_gets_nothing() -> None:
    model, data, params = setting(700, 2, 3, "full")
    none = model.params(weights=[0.6, 0.0, 0.4], means=params.means, covariances=params.covariances)
    for found in (step(model, none, data, fast) for fast in (True, False)):
        assert found.stats["components"].counts[1] == 0.0
        assert (found.stats["components"].see[1] == 0.0).all()
        assert np.isfinite(found.loglik)


def test_points_far_out_belong_to_somebody() -> None:
    model, data, params = setting(700, 2, 3, "full")
    rows = data.units.copy()
    rows[5] = [1e8, -1e8]
    far = Data(rows, None, data.scale)
    apart = misses(step(model, params, far, True), step(model, params, far, False))
    assert max(apart.values()) < COMPILED, apart


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["readonly", "strided", "memmap"])
def test_any_layout_is_read_by_the_one_compiled_pass(name: str, tmp_path: Path) -> None:
    model, data, params = setting(700, 2, 3, "full", weighted=False)
    rows = data.units
    if name == "readonly":
        rows = rows.copy()
        rows.setflags(write=False)
    elif name == "strided":
        rows = np.asfortranarray(np.repeat(rows, 2, axis=0))[::2]
    else:
        rows.tofile(tmp_path / "rows.bin")
        rows = np.memmap(tmp_path / "rows.bin", dtype=float, mode="r", shape=rows.shape)
    again = step(model, params, Data(rows, None, data.scale), True)
    assert again.loglik == step(model, params, data, True).loglik
    assert len(gaussian.add_chunk.signatures) == 1


def test_a_fit_ends_at_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GaussianMixture(2, 2)
    rows = np.vstack([cloud(900, 2, 1), cloud(600, 2, 1) + 3.0])
    slow = emlib.fit(model, rows, algorithm=EM(), rng=1)
    passes = []
    monkeypatch.setattr(gaussian_mixture, "use_compiled_mixture", lambda *size: True)
    honest = compiled_gaussian.e_step
    monkeypatch.setattr(compiled_gaussian, "e_step", lambda *given: passes.append(1) or honest(*given))
    fast = emlib.fit(model, rows, algorithm=EM(), rng=1)
    assert fast.success
    assert abs(fast.loglik - slow.loglik) < SAME_OPTIMUM
    assert passes, "it did not take the other way"


def by(function: Any, values: np.ndarray) -> np.ndarray:
    return np.array([function(value) for value in values])


def relative(found: np.ndarray, exact: list[Any]) -> float:
    return float(max(abs(mpmath.mpf(f) / e - 1) for f, e in zip(found, exact, strict=True)))


def exp(value: float) -> float:
    return float(blocks.exp(value, EXP))


def test_exp_is_right_to_the_last_places() -> None:
    values = -np.concatenate([[0.0, 1e-300, 1e-17], np.random.default_rng(0).uniform(0, 700, 300), [707.9]])
    assert relative(by(exp, values), [mpmath.exp(mpmath.mpf(v)) for v in values]) < LAST_PLACES
    assert by(exp, np.array([-708.0, -1e4, -np.inf])).tolist() == [0.0, 0.0, 0.0]
    assert relative(by(exp, values) * (1 + CONTROL), [mpmath.exp(mpmath.mpf(v)) for v in values]) > LAST_PLACES


def test_log_is_right_to_the_last_places() -> None:
    values = np.concatenate([[2.0, 1.0 + 2.0**-50, 1e300], np.random.default_rng(0).uniform(1, 64, 300)])
    assert relative(by(blocks.log, values), [mpmath.log(mpmath.mpf(v)) for v in values]) < LAST_PLACES
    assert blocks.log(1.0) == 0.0


def test_small_data_stay_with_numpy() -> None:
    assert not dispatch.use_compiled_mixture(2000, 2, 1)
    assert dispatch.use_compiled_mixture(100_000, 5, 2)


def test_without_numba_everything_stays_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "numba_is_installed", lambda: False)
    assert not dispatch.use_compiled_mixture(100_000, 5, 2)


NO_NUMBA = """
import sys
sys.modules["numba"] = None  # an import of it raises ImportError, as where it is not installed
import importlib.util as util
seen = util.find_spec
util.find_spec = lambda name, *rest: None if name == "numba" else seen(name, *rest)
"""
LARGE = """
import emlib, numpy as np
from emlib.models import GaussianMixture
rows = np.random.default_rng(0).normal(size=(20_000, 2))
model = GaussianMixture(3, 2)
data = model.as_data(rows)
print(model.e_step(model.start(data, np.random.default_rng(0)), data).loglik)
"""


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_large_data_need_no_numba() -> None:
    with_numba, without = float(run(LARGE)), float(run(NO_NUMBA + LARGE))
    assert with_numba == pytest.approx(without, rel=COMPILED)


def test_numba_is_loaded_for_large_data_alone() -> None:
    tell = "import sys; print('numba' in sys.modules)"
    assert run(LARGE.replace("20_000", "200") + tell).split()[-1] == "False"
    assert run(LARGE + tell).split()[-1] == "True"


def test_what_is_kept_follows_the_covariance_type() -> None:
    lower = np.array([[[1.0, 0.0], [2.0, 3.0]]])
    assert compiled_gaussian._second_moments(lower, "full").tolist() == [[[1.0, 2.0], [2.0, 3.0]]]
    assert compiled_gaussian._second_moments(np.array([[[1.0, 2.0]]]), "spherical").tolist() == [3.0]


def test_an_estep_and_louis_take_longer_chunks_where_loops_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data, params = setting(2 * dispatch.CHUNK + 5, 2, 5, "full")
    seen: dict[str, list[int]] = {"_expectation": [], "missing_information": []}
    for name, sizes in seen.items():
        plain = getattr(GaussianMixture, name)

        def noting(*given: Any, plain: Any = plain, sizes: list[int] = sizes) -> Any:
            sizes.append(len(given[-1]))
            return plain(*given)

        monkeypatch.setattr(GaussianMixture, name, noting)
    for chunk_size, lengths in ((None, [len(data)]), (10_000, [10_000, len(data) - 10_000])):
        problem = emlib.Problem(model, data, chunk_size=chunk_size)
        problem.expectation(params)
        problem.missing_information(params)
        assert seen == {"_expectation": lengths, "missing_information": lengths}
        seen["_expectation"].clear()
        seen["missing_information"].clear()
    assert in_coordinates(emlib.Problem(model, data), "standard").chunk_size is None
    assert dispatch.estep_chunk(2, 1) == dispatch.LONG
    monkeypatch.setattr(dispatch, "numba_is_installed", lambda: False)
    assert dispatch.estep_chunk(2, 1) == dispatch.CHUNK
