"""The contract of a model: each check takes a case and raises AssertionError where the model breaks it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import emlib
from emlib import Chunks
from emlib.algorithms import EM
from emlib.data import read
from emlib.data.reading import survey
from tests import tolerances as tol
from tests.contract.cases import Case


def close(found: Any, expected: Any, tolerance: float, what: str, scale: float | None = None) -> None:
    """Compare with a tolerance relative to the larger of 1 and the expected values (or `scale`)."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if scale is None:
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    gap = float(np.abs(found - expected).max(initial=0.0))
    assert np.isfinite(gap), f"{what}: not finite"
    assert gap <= tolerance * scale, f"{what}: gap {gap:.3g} at scale {scale:.3g}"


def flat(case: Case, slopes: Any) -> np.ndarray:
    """A mapping of fields as one vector of standard entries."""
    return np.concatenate([np.ravel(slopes[name]) for name in case.fields])


def expect(case: Case, params: Any) -> Any:
    return case.model.e_step(params, case.data)


def check_additive(case: Case) -> None:
    """Any chunking, and any order of the units, gives the same E-step."""
    params = case.points[0]
    whole = expect(case, params)
    for size in (1, 3, 7, len(case.data)):
        _same_expectation(case, params, case.problem(chunk_size=size).expectation(params), whole, f"chunks of {size}")
    if case.repeats_rows:
        order = np.random.default_rng(0).permutation(len(case.data))
        weight = None if case.sample_weight is None else np.asarray(case.sample_weight)[order]
        shuffled = case.model.as_data(case.units(order), weight)
        _same_expectation(case, params, case.model.e_step(params, shuffled), whole, "shuffled units")


def _same_expectation(case: Case, params: Any, found: Any, whole: Any, what: str) -> None:
    for name in ("loglik", "entropy", "n_units"):
        close(getattr(found, name), getattr(whole, name), tol.REORDERED, f"{what}: {name}", abs(whole.loglik))
    model = case.model
    close(model.q_value(params, found.stats), model.q_value(params, whole.stats), tol.REORDERED, f"{what}: Q")
    close(flat(case, model.q_gradient(params, found.stats)), flat(case, model.q_gradient(params, whole.stats)),
          tol.REORDERED, f"{what}: gradient")
    close(case.standard(model.m_step(found.stats)), case.standard(model.m_step(whole.stats)), tol.REORDERED,
          f"{what}: M-step")


def check_survey(case: Case) -> None:
    """What is measured of the data block by block, however small the blocks, is what is measured at once."""
    if not case.repeats_rows:
        return
    for size in (2, 5):
        found = survey(case.model.reader, case.data.chunks(size))
        settled = found.settled(case.model.reader, replace(case.data, scale=None))
        for name, value in _parts(case.data.scale).items():
            close(_parts(settled.scale)[name], value, tol.REORDERED, f"scale from blocks of {size}: {name}")
        close(found.tally.n_units, case.data.n_units, tol.REORDERED, "units")
        close(found.tally.n_observations, case.data.n_observations, tol.REORDERED, "observations")


def check_chunks(case: Case) -> None:
    """Units that come in chunks are measured, and give the same bits, as those in memory cut at the same places."""
    size, count = 7, len(case.data)
    cuts = [range(low, min(low + size, count)) for low in range(0, count, size)] if case.repeats_rows else []
    if not cuts:
        return
    weight = None if case.sample_weight is None else np.asarray(case.sample_weight)
    seen = None if weight is None else Chunks(lambda: (weight[rows] for rows in cuts))
    found = read(case.model.reader, Chunks([partial(case.units, rows) for rows in cuts]), seen)
    assert (len(found), found.n_units, found.n_observations) == (count, case.data.n_units, case.data.n_observations)
    for name, value in _parts(found.scale).items():
        assert np.array_equal(value, _parts(case.data.scale)[name]), f"scale: {name}"
    each = [case.model.score_samples(case.points[0], data.sample()) for data in (found, case.data)]
    assert np.array_equal(*each), "units in their order"  # sums may be the same in any order
    one, other = (case.model.start(data.sample(), np.random.default_rng(0)) for data in (found, case.data))
    assert np.array_equal(case.standard(one), case.standard(other)), "start"
    one, other = (emlib.Problem(case.model, data, chunk_size=size).evaluate(case.free(case.points[0]))
                  for data in (found, case.data))
    assert one.loglik == other.loglik, "bits of the log-likelihood"
    assert np.array_equal(one.gradient, other.gradient), "bits of the gradient"


def _parts(scale: Any) -> dict[str, Any]:
    """A scale by its parts; axes of a fit have no sign of their own, their products do."""
    if not hasattr(scale, "unit"):
        return {} if scale is None else {"scale": scale}
    return {"coefficients": scale.coefficients, "unit": scale.unit @ scale.unit.T, "variance": scale.variance}


def check_read_once(case: Case) -> None:
    """Raw data are read by `as_data` alone: the E-step refuses them, and a `Data` passes through unchanged."""
    said = "nothing"
    try:
        case.model.e_step(case.points[0], case.raw)
    except TypeError as error:
        said = str(error)
    assert "give it model.as_data(...) of them" in said, f"raw data: the E-step says {said}"
    assert case.model.as_data(case.data) is case.data


def check_decomposition(case: Case) -> None:
    """loglik = Q + entropy to rounding."""
    for params in case.points:
        found = expect(case, params)
        q = case.model.q_value(params, found.stats)
        close(q + found.entropy, found.loglik, tol.IDENTITY, "Q + entropy", abs(found.loglik))


def check_loglik(case: Case) -> None:
    """The log-likelihood is the witness's."""
    for params in case.everywhere:
        close(expect(case, params).loglik, case.witness.loglik(case.free(params)), tol.TWO_CODES, "log-likelihood")


def check_entropy(case: Case) -> None:
    """The entropy is the witness's; that of labels lies in [0, n log K]."""
    for params in case.everywhere:
        entropy = expect(case, params).entropy
        if case.classes is not None:
            assert 0 <= entropy <= case.data.n_units * np.log(case.classes), f"entropy {entropy} out of range"
        close(entropy, case.witness.entropy(case.free(params)), tol.TWO_CODES, "entropy", case.data.n_units)


def check_fisher(case: Case) -> None:
    """The gradient of Q at its own base point is that of loglik; at another base point it is not."""
    bases = [expect(case, params).stats for params in case.points]
    for index, params in enumerate(case.points):
        slope = case.witness.gradient(case.free(params))
        own, other = [case.model.space.pullback(params, case.model.q_gradient(params, stats))
                      for stats in (bases[index], bases[index - 1])]
        close(own, slope, tol.TWO_CODES, "Fisher's identity")
        assert np.abs(other - slope).max() > tol.CONTROL * max(1.0, np.abs(slope).max()), "the control agrees, too"
        close(case.problem().gradient(case.free(params)), slope, tol.TWO_CODES, "Problem.gradient")


def check_standard_gradient(case: Case) -> None:
    """Over the entries taken as free (weights not constrained, all of d/dSigma) the gradient is autodiff's."""
    for params in case.points:
        standard = case.standard(params)
        close(case.problem("standard").gradient(standard), case.witness.standard_gradient(standard), tol.TWO_CODES,
              "standard gradient")


def check_bound(case: Case) -> None:
    """Q(. | theta) + entropy(theta) touches loglik at theta and lies below it everywhere else."""
    values = [expect(case, params).loglik for params in case.points]
    for base in case.points:
        found = expect(case, base)
        for params, value in zip(case.points, values, strict=True):
            bound = case.model.q_value(params, found.stats) + found.entropy
            gap = value - bound
            if params is base:
                close(bound, value, tol.IDENTITY, "the bound touches", abs(value))
            else:
                assert gap > 0, f"the bound lies {-gap:.3g} above the log-likelihood"


def check_monotone(case: Case) -> None:
    """EM never lowers the log-likelihood, from random points and from the optimum."""
    problem = case.problem("standard")
    for params in case.everywhere:
        x = case.standard(params)
        values = [problem.loglik(x)]
        for _ in range(10):
            x = problem.em_map(x)
            values.append(problem.loglik(x))
        falls = np.diff(values)
        assert falls.min() >= -tol.FALL * abs(values[-1]), f"EM fell by {-falls.min():.3g}"


def check_m_step_stationary(case: Case) -> None:
    """At the M-step the free gradient of Q is zero and its Hessian negative definite."""
    for params in case.points:
        stats = expect(case, params).stats
        top = case.model.m_step(stats)
        slope = case.model.space.pullback(top, case.model.q_gradient(top, stats))
        assert np.abs(slope).max() <= tol.M_STATIONARY * case.data.n_units, f"slope {np.abs(slope).max():.3g}"
        assert np.linalg.eigvalsh(case.model.q_hessian(top, stats)).max() < 0, "Q is not concave at its maximiser"


def check_fixed_point(case: Case) -> None:
    """Inside the space, M(theta) = theta exactly where the gradient vanishes."""
    problem = case.problem("standard")
    x = case.standard(case.optimum)
    assert np.abs(problem.gradient(x) @ case.model.space.tangent()).max() <= tol.OPTIMUM * case.data.n_units
    close(problem.em_map(x), x, tol.FIXED_POINT, "the optimum moves")
    for params in case.points:
        x = case.standard(params)
        step, slope = problem.em_map(x) - x, problem.gradient(x) @ case.model.space.tangent()
        assert np.abs(step).max() > tol.CONTROL, "a fixed point with a gradient"
        assert np.abs(slope).max() > tol.CONTROL * case.data.n_units, "no gradient and yet a step"
        assert problem.gradient(x) @ step > 0, "the EM step points downhill"


def check_fixed_point_by_em(case: Case) -> None:
    """At the optimum, and where EM itself comes to rest, the witness's gradient is zero."""
    assert np.abs(case.witness.gradient(case.free(case.optimum))).max() <= tol.OPTIMUM * case.data.n_units
    start = case.model.space.unpack(case.free(case.optimum) + 0.01)
    found = emlib.solve(case.problem("standard"), EM(), case.standard(start), tol=1e-15, max_estep=20_000)
    slope = case.witness.gradient(case.free(found.params))
    assert np.abs(slope).max() <= 100 * tol.OPTIMUM * case.data.n_units, f"slope {np.abs(slope).max():.3g}"


def check_permutation(case: Case) -> None:
    """Renaming the components changes nothing but their names."""
    params, space = case.points[0], case.model.space
    renamed = space.params_type(**{name: _renamed(case, name, getattr(params, name)) for name in case.fields})
    here, there = expect(case, params), expect(case, renamed)
    close(there.loglik, here.loglik, tol.REORDERED, "loglik")
    close(there.entropy, here.entropy, tol.REORDERED, "entropy", abs(here.loglik))
    slopes, renamed_slopes = case.model.q_gradient(params, here.stats), case.model.q_gradient(renamed, there.stats)
    for name, slope in slopes.items():
        close(renamed_slopes[name], _renamed(case, name, slope), tol.REORDERED, f"gradient of {name}")


def _renamed(case: Case, name: str, value: Any) -> np.ndarray:
    """Component k becomes component k + 1, along each axis that names components."""
    for axis in (case.labels or {}).get(name, ()):
        value = np.roll(value, 1, axis=axis)
    return np.asarray(value)


def check_sample_weight(case: Case) -> None:
    """Whole sample weights say the same as repeated units."""
    count = len(case.data)
    repeats = 1 + np.arange(count) % 3
    if case.repeats_rows:
        repeats = repeats * (np.ones(count, dtype=int) if case.sample_weight is None else case.sample_weight)
        again = case.units(np.repeat(np.arange(count), repeats))
    else:
        again = np.asarray(case.raw) * repeats
    weighted, repeated = case.model.as_data(case.raw, repeats), case.model.as_data(again)
    params = case.points[0]
    found, expected = case.model.e_step(params, weighted), case.model.e_step(params, repeated)
    _same_expectation(case, params, found, expected, "weights against repeats")
    drawn = [case.model.start(data, np.random.default_rng(0)) for data in (weighted, repeated)]
    assert all(case.model.space.fault(start) is None for start in drawn)


def check_start(case: Case) -> None:
    """A random start lies inside the space, follows from the seed, and has no two equal components."""
    starts = [case.model.start(case.data, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    first, again, other = [case.free(start) for start in starts]
    assert np.array_equal(first, again), "the start does not follow from rng"
    assert not np.array_equal(first, other), "the start does not depend on rng"
    for start in starts:
        assert case.model.space.fault(start) is None
        for name in distinguishing(case):
            values = getattr(start, name)
            assert len(np.unique(values, axis=0)) == len(values), f"equal components: {name}"


def distinguishing(case: Case) -> list[str]:
    """The first field that tells components apart, if there are components."""
    shares = ("weights", "initial", "transition")
    return [name for name, axes in (case.labels or {}).items() if 0 in axes and name not in shares][:1]
