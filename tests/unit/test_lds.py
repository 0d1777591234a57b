"""Linear dynamical systems: filter and smoother against the joint distribution, moments, invariance, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import block_diag

import emlib
from emlib import Status
from emlib import diagnostics as dx
from emlib.algorithms import EM
from emlib.models import LinearDynamicalSystem
from emlib.models.lds import kalman
from tests.tolerances import CONTROL, DIFFERENCES, IDENTITY, REORDERED, RESCALED, TWO_CODES

NAN = np.nan


def _system(k: int = 2, d: int = 3, seed: int = 1) -> tuple[LinearDynamicalSystem, Any]:
    rng = np.random.default_rng(seed)
    model = LinearDynamicalSystem(k, d)
    noise = rng.standard_normal((d, d))
    params = model.start(model.as_data(rng.standard_normal((5, d))), rng)
    fields = {**vars(params), "observation_covariance": 0.3 * np.eye(d) + 0.1 * noise @ noise.T}
    return model, model.params(**fields)


def _sequences(lengths: tuple[int, ...] = (6, 1, 4, 6, 5), k: int = 2, d: int = 3) -> list[np.ndarray]:
    """Sequences with entries and whole rows missing."""
    model, params = _system(k, d)
    rng = np.random.default_rng(3)
    drawn = model.sample(params, lengths, rng)
    for rows in drawn:
        rows[rng.random(rows.shape) < 0.25] = NAN
        rows[0, 0] = 1.0
        rows[1:2] = NAN
    return drawn


def _joint(params: Any, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of (z_1, ..., z_T, y_1, ..., y_T), by the matrix of all steps at once."""
    k, eye = len(params.initial_mean), np.eye(length)
    path = np.linalg.inv(np.eye(length * k) - np.kron(np.eye(length, k=-1), params.transition))
    look = np.kron(eye, params.observation)
    steps = block_diag(params.initial_covariance, *[params.transition_covariance] * (length - 1))
    mean, spread = path[:, :k] @ params.initial_mean, path @ steps @ path.T
    noise = np.kron(eye, params.observation_covariance)
    return (np.concatenate([mean, look @ mean]),
            np.block([[spread, spread @ look.T], [look @ spread, look @ spread @ look.T + noise]]))


def _given(params: Any, rows: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Conditional mean and covariance of (z, y) given the entries of y that are seen; their log-density."""
    mean, spread = _joint(params, len(rows))
    index = len(mean) - rows.size + np.flatnonzero(seen)
    inside, residual = spread[np.ix_(index, index)], rows.ravel()[seen.ravel()] - mean[index]
    gain = np.linalg.solve(inside, spread[index]).T
    density = -0.5 * (np.linalg.slogdet(2 * np.pi * inside)[1] + residual @ np.linalg.solve(inside, residual))
    return mean + gain @ residual, spread - gain @ spread[index], float(density)


def test_filter_and_smoother_condition_the_joint_distribution() -> None:
    model, params = _system()
    for rows in _sequences():
        seen, states = ~np.isnan(rows), 2 * len(rows)
        mean, spread, density = _given(params, rows, seen)
        means, covariances = model.posterior(params, rows)
        assert np.abs(means.ravel() - mean[:states]).max() < TWO_CODES
        found = kalman.run_smoother(params, kalman.run_filter(params, rows[None]))
        for t in range(len(rows)):
            block = slice(2 * t, 2 * t + 2)
            assert np.abs(covariances[t] - spread[block, block]).max() < TWO_CODES
            until = seen & (np.arange(len(rows)) <= t)[:, None]
            past = _given(params, rows, until)
            assert np.abs(model.filter(params, rows)[0][t] - past[0][block]).max() < TWO_CODES
            assert np.abs(model.filter(params, rows)[1][t] - past[1][block, block]).max() < TWO_CODES
            if t > 0:
                lagged = found.covariances[0, t] @ found.gain[0, t - 1].T
                assert np.abs(lagged - spread[block, 2 * t - 2:2 * t]).max() < TWO_CODES
        assert kalman.run_filter(params, rows[None]).loglik.item() == pytest.approx(density, rel=TWO_CODES)
        if not seen.all():
            assert abs(_given(params, np.nan_to_num(rows), np.ones_like(seen))[2] - density) > CONTROL


def test_predicted_and_imputed_rows() -> None:
    model, params = _system()
    rows = _sequences()[0]
    seen = ~np.isnan(rows)
    means, covariances = model.predict(params, rows)
    for t in range(len(rows)):
        past = _given(params, rows, seen & (np.arange(len(rows)) < t)[:, None])
        block = slice(2 * len(rows) + 3 * t, 2 * len(rows) + 3 * t + 3)
        assert np.abs(means[t] - past[0][block]).max() < TWO_CODES
        assert np.abs(covariances[t] - past[1][block, block]).max() < TWO_CODES
    filled = model.impute(params, rows)
    assert np.array_equal(filled[seen], rows[seen])
    expected = _given(params, rows, seen)[0][2 * len(rows):].reshape(rows.shape)
    assert np.abs(filled - expected).max() < TWO_CODES
    plain = model.posterior(params, rows)[0] @ params.observation.T  # forgets that the noise of a row is correlated
    assert np.abs(plain - expected)[~seen].max() > CONTROL


def test_entropy_and_q_of_sequences_of_several_lengths() -> None:
    model, params = _system()
    units = _sequences()
    found = model.e_step(params, model.as_data(units))
    assert model.q_value(params, found.stats) + found.entropy == pytest.approx(found.loglik, rel=IDENTITY)
    entropy = 0.0
    for rows in units:
        seen = ~np.isnan(rows)
        hidden = np.concatenate([np.ones(2 * len(rows), bool), (seen.any(axis=1)[:, None] & ~seen).ravel()])
        inside = _given(params, rows, seen)[1][np.ix_(hidden, hidden)]
        entropy += 0.5 * np.linalg.slogdet(2 * np.pi * np.e * inside)[1]
    assert found.entropy == pytest.approx(entropy, rel=TWO_CODES)
    assert abs(found.entropy - entropy - 1e-3) > CONTROL
    back = model.e_step(params, model.as_data(units[::-1]))
    assert back.loglik == pytest.approx(found.loglik, rel=REORDERED)


def test_gradient_against_differences() -> None:
    model, params = _system()
    problem = emlib.Problem(model, _sequences())
    x = model.space.pack(params)
    slope = problem.gradient(x)
    expected = [(problem.loglik(x + h) - problem.loglik(x - h)) / 2e-6 for h in 1e-6 * np.eye(len(x))]
    assert np.abs(slope - expected).max() < DIFFERENCES * np.abs(slope).max()
    assert np.abs(1.01 * slope - expected).max() > CONTROL * np.abs(slope).max()


def test_a_change_of_basis_of_the_state_changes_nothing_seen() -> None:
    model, params = _system()
    turn = np.array([[2.0, 0.3], [-0.5, 1.0]])
    back = np.linalg.inv(turn)
    moved = model.params(
        initial_mean=turn @ params.initial_mean, initial_covariance=turn @ params.initial_covariance @ turn.T,
        transition=turn @ params.transition @ back, transition_covariance=turn @ params.transition_covariance @ turn.T,
        observation=params.observation @ back, observation_covariance=params.observation_covariance)
    units = _sequences()
    data = model.as_data(units)
    assert model.e_step(moved, data).loglik == pytest.approx(model.e_step(params, data).loglik, rel=REORDERED)
    only = model.params(**{**vars(params), "transition": turn @ params.transition @ back})
    assert abs(model.e_step(only, data).loglik - model.e_step(params, data).loglik) > CONTROL


@pytest.mark.parametrize(("k", "held", "count"), [(1, (), 1), (2, (), 4), (2, ("observation",), 0)])
def test_the_basis_of_the_state_is_unidentified(k: int, held: tuple[str, ...], count: int) -> None:
    """k^2 directions, and none once C, of full rank, is held."""
    free = LinearDynamicalSystem(k, 2)
    params = free.params(
        initial_mean=np.ones(k), initial_covariance=np.eye(k), transition=np.array([[0.8, 0.4], [-0.4, 0.6]])[:k, :k],
        transition_covariance=np.diag([0.5, 0.8])[:k, :k], observation=np.array([[1.0, 0.3], [-0.2, 1.0]])[:, :k],
        observation_covariance=0.1 * np.eye(2))
    units = free.sample(params, [5] * 60, np.random.default_rng(0))
    model = LinearDynamicalSystem(k, 2, fixed={name: getattr(params, name) for name in held})
    result = emlib.fit(model, units, start=params, tol=1e-12)
    assert result.success
    found = dx.information(model, units, result.params)
    assert found.n_unidentified == count
    assert model.n_invariant == count
    assert result.n_parameters == model.space.size("free") - count
    assert found.n_uphill == 0
    assert 0.9 < found.rate < 1


@pytest.mark.parametrize(("held", "count"), [
    ({"initial_mean": np.zeros(3)}, 9), ({"initial_covariance": np.eye(3)}, 3),
    ({"initial_covariance": np.eye(3), "initial_mean": [1.0, 0.0, 0.0]}, 1),
    ({"transition": np.diag([0.9, 0.5, 0.1])}, 3), ({"observation": np.eye(3)[:1]}, 6),
    ({"observation_covariance": [[2.0]]}, 9), ({"observation": [[1e8, 0.0, 0.0]], "transition": np.eye(3)}, 6)])
def test_held_fields_fix_the_basis(held: dict[str, Any], count: int) -> None:
    """Rotations keep a covariance, functions of A keep A, and C of rank one leaves k (k - 1)."""
    assert LinearDynamicalSystem(3, 1, fixed=held).n_invariant == count


def test_one_sequence_holds_the_initial_block_unless_asked() -> None:
    model, params = _system(1, 1)
    rows = model.sample(params, 30, np.random.default_rng(0))
    found = emlib.fit(model, rows, start=params)
    assert "held at the start's value: initial_mean, initial_covariance" in found.message
    assert np.array_equal(found.params.initial_covariance, params.initial_covariance)
    problem = emlib.Problem(LinearDynamicalSystem(1, 1, fixed={}), rows, "standard")
    x, widths = model.space.pack(params, "standard"), []
    for _ in range(60):
        x = problem.em_map(x)
        widths.append(problem.model.space.unpack(x, "standard").initial_covariance.item())
    assert np.all(np.diff(widths) < 0)  # the initial covariance shrinks for ever
    many = [rows[10 * i:10 * i + 10] for i in range(3)]
    assert model.held_by_default(model.as_data(many)) == ()
    assert "held" not in emlib.fit(model, many, start=params, algorithm=EM(), max_estep=5).message


def test_sequences_of_length_one_tell_of_everything_but_the_transition() -> None:
    held = {"transition": [[0.9]], "transition_covariance": [[0.2]], "observation": [[1.0], [0.5]]}
    model = LinearDynamicalSystem(1, 2, fixed=held)
    rng = np.random.default_rng(0)
    units = [row[None] for row in rng.standard_normal((50, 1)) @ [[1.0, 0.5]] + 0.5 * rng.standard_normal((50, 2))]
    assert emlib.fit(model, units, rng=0).success


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units_do_not_matter(scale: float) -> None:
    model, params = _system(1, 2, seed=2)
    units = model.sample(params, [5] * 40, np.random.default_rng(0))
    base, moved = (emlib.fit(model, [s * rows for rows in units], rng=0, tol=1e-13) for s in (1.0, scale))
    assert base.success
    assert moved.success
    assert np.abs(moved.params.observation_covariance / scale**2 - base.params.observation_covariance).max() < RESCALED
    assert moved.loglik + 400 * np.log(scale) == pytest.approx(base.loglik, abs=RESCALED)


def test_results_come_as_the_data_do() -> None:
    model, params = _system()
    units = _sequences()
    for function in (model.posterior, model.filter, model.predict):
        means, covariances = function(params, units)
        assert [len(part) for part in means] == [len(rows) for rows in units]
        single = function(params, units[0])
        assert np.array_equal(single[0], means[0])
        assert np.array_equal(single[1], covariances[0])
    assert np.array_equal(model.impute(params, units)[2], model.impute(params, units[2]))
    flat = LinearDynamicalSystem(1, 1)
    assert flat.as_data([1.0, 2.0, 4.0]).units[0].shape == (3, 1)


def test_simulated_sequences_have_the_moments() -> None:
    model, params = _system()
    drawn = np.array(model.sample(params, [2] * 20_000, np.random.default_rng(0)))
    mean, spread = _joint(params, 2)
    width = 5 * np.sqrt(np.diag(spread).max() / len(drawn))  # five standard errors
    assert np.abs(drawn.reshape(-1, 6).mean(axis=0) - mean[4:]).max() < width
    second = np.cov(drawn.reshape(-1, 6).T)
    assert np.abs(second - spread[4:, 4:]).max() < 2 * width * np.sqrt(np.diag(spread).max())
    assert np.abs(second - block_diag(spread[4:7, 4:7], spread[7:, 7:])).max() > 0.1  # rows of a sequence depend


def test_a_system_that_explodes_is_a_fault_and_no_error() -> None:
    model, params = _system(1, 1)
    problem = emlib.Problem(model, np.arange(40.0), "standard")
    wild = model.params(**{**vars(params), "transition": [[1e150]]})
    found = problem.evaluate(model.space.pack(wild, "standard"))
    assert found.fault is not None
    assert found.loglik == -np.inf


@pytest.mark.parametrize(("name", "factor", "text"), [
    ("observation_covariance", 1e-12, "observation_covariance: collapsed, its smallest eigenvalue is"),
    ("initial_covariance", 1e-12, "initial_covariance: collapsed to"),
    ("transition_covariance", 1e-12, "transition_covariance: collapsed to"),
    ("transition_covariance", 1e-3, None)])
def test_collapse_is_named(name: str, factor: float, text: str | None) -> None:
    model, params = _system()
    data = model.as_data(_sequences())
    moved = model.params(**{**vars(params), name: factor * getattr(params, name)})
    found = model.degenerate(moved, data)
    assert found is None if text is None else found is not None and found.startswith(text)


BAD = [
    ([[[1.0, 2.0], [2.0, 1.0]], [[NAN, NAN]]], r"data\[1\]: no entry is seen; the sequence says nothing, leave it out"),
    ([[[1.0, 2.0]], [[2.0, 1.0]]], r"data: every sequence has length one, which says nothing of the transition; hold"),
    ([[1.0, NAN], [2.0, NAN]], r"data: column 1 has no seen entry; drop it"),
    ([[1.0, 3.0], [2.0, 3.0]], r"data: column 1 is constant where it is seen"),
    ([[1.0, 3.0], [2.0, np.inf]], r"data: entry \[1, 1\] is inf; write nan where a value is missing"),
    ([[1.0], [2.0]], r"data: 1 column found, the model has n_features=2"),
    ([], r"data: "),
    ([np.ones((2, 2)), np.empty((0, 2))], r"data\[1\]: empty"),
    ([["a", "b"]], r"data: cannot be read as numbers"),
]


@pytest.mark.parametrize(("raw", "text"), BAD)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.fit(LinearDynamicalSystem(1, 2), raw, rng=0)


def test_fit_ends_at_a_maximum() -> None:
    model, params = _system(1, 2, seed=2)
    units = model.sample(params, [5] * 40, np.random.default_rng(0))
    runs = [emlib.fit(model, units, rng=seed) for seed in range(3)]
    assert all(run.status is Status.CONVERGED for run in runs)
    assert np.ptp([run.loglik for run in runs]) < RESCALED


@pytest.mark.parametrize("count", [2, 3])
def test_at_most_as_many_rows_as_columns_are_refused(count: int) -> None:
    """The likelihood is unbounded there; not where the covariance of the observations is held, or diagonal."""
    rows = np.random.default_rng(0).standard_normal((count, 3))
    said = (f"^data: {count} rows found, fewer than the 4 that a covariance of the observations needs; give more rows, "
            "hold 'observation_covariance' by fixed=, or let it be diagonal there$")
    for data in (rows, [rows[:2], rows[2:]][:count - 1]):
        with pytest.raises(ValueError, match=said):
            emlib.fit(LinearDynamicalSystem(2, 3), data, rng=0)
    for noise in (np.eye(3), np.where(np.eye(3) > 0, NAN, 0.0)):
        model = LinearDynamicalSystem(2, 3, fixed={"observation_covariance": noise})
        assert np.isfinite(emlib.fit(model, rows, rng=0, max_estep=5).loglik)


@pytest.mark.parametrize("states", [1, 2])
def test_the_likelihood_of_so_few_rows_is_unbounded(states: int) -> None:
    """v'y_t = c a^(t - 1) along a growing path of the state, a^2 = 1/c, with noise and loadings of size c along v.

    The first row has density 1/c there, the others 1/(c a): the likelihood is of order c^-2. One row more, which is
    not on the path, and it falls.
    """
    rows = np.random.default_rng(0).standard_normal((4, 3))

    def height(c: float, data: np.ndarray) -> float:
        growth = c ** -0.5
        v = np.linalg.solve(rows[:3], c * growth ** np.arange(3.0))
        basis = np.linalg.qr(v[:, None], mode="complete")[0]
        observation = np.zeros((3, states))
        observation[:, 0] = c * v / (v @ v)
        noise = basis[:, 1:] @ basis[:, 1:].T + c**2 * np.outer(v, v) / (v @ v) ** 2
        transition = np.diag([growth, 0.5][:states])
        model = LinearDynamicalSystem(states, 3)
        params = model.params(initial_mean=np.zeros(states), initial_covariance=np.eye(states), transition=transition,
                              transition_covariance=np.eye(states), observation=observation,
                              observation_covariance=noise)
        return float(model.loglik(params, data))

    few = [height(c, rows[:3]) for c in (1e-1, 1e-2, 1e-3, 1e-4)]
    assert (np.diff(few) > 0).all()
    assert few[3] - few[2] == pytest.approx(2 * np.log(10), rel=0.02)
    assert (np.diff([height(c, rows) for c in (1e-1, 1e-2, 1e-3, 1e-4)]) < 0).all()


def test_fewer_numbers_than_parameters_are_noted() -> None:
    rows = np.random.default_rng(0).standard_normal((6, 3))
    model = LinearDynamicalSystem(2, 3)
    note = ("; not identified: 12 numbers for 15 free parameters (use fewer latent dimensions, hold fields by fixed=, "
            "or give more rows)")
    assert note in emlib.fit(model, rows[:4], rng=0, max_estep=20).message
    assert "not identified" not in emlib.fit(model, rows[:5], rng=0, max_estep=20).message
    pieces = emlib.Chunks([[rows[:2]], [rows[2:4]]])
    assert note in emlib.fit(model, pieces, rng=0, max_estep=20).message
    with pytest.raises(ValueError, match="data: 3 rows found, fewer than the 4"):
        emlib.fit(model, emlib.Chunks([[rows[:1]], [rows[2:4]]]), rng=0)


def test_a_single_series_leaves_no_ridge() -> None:
    """The scale of the states is held where nothing is known of them; left free, it grows for ever."""
    series = LinearDynamicalSystem(2, 2)
    rng = np.random.default_rng(0)
    turn, state, rows = 0.9 * np.linalg.qr(rng.standard_normal((2, 2)))[0], np.zeros(2), []
    for _ in range(150):
        state = turn @ state + rng.standard_normal(2)
        rows.append(state + 0.7 * rng.standard_normal(2))
    data = np.array(rows)
    fit = emlib.fit(series, data, rng=0)
    assert fit.success, fit.message
    assert fit.n_estep < 150
    assert "transition_covariance" in fit.message
    assert fit.model.n_invariant == 1  # turns of the states
    ridge = {"initial_mean": fit.params.initial_mean, "initial_covariance": fit.params.initial_covariance}
    free = emlib.fit(LinearDynamicalSystem(2, 2, fixed=ridge), data, start=fit, max_estep=300)
    assert not free.success
    assert series.held_by_default(series.as_data([data] * 9)) == ()
    known = LinearDynamicalSystem(2, 2, fixed={"observation": np.eye(2)})
    assert known.held_by_default(known.as_data(data)) == ("initial_mean", "initial_covariance")
