"""Models with one fault each; the check that answers for it must reject them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from emlib.data import Data
from tests.contract.cases import has
from tests.contract.checks_units import METHODS


class Twin:
    """An honest object with some members replaced; a replacement gets the honest object first."""

    def __init__(self, honest: Any, **members: Callable[..., Any]) -> None:
        self._honest, self._members = honest, members

    def __getattr__(self, name: str) -> Any:
        if name == "e_step_at" and "e_step" in self._members:
            return lambda params: partial(self.e_step, params)
        if name in self._members:
            member = self._members[name]
            return lambda *args, **options: member(self._honest, *args, **options)
        return getattr(self._honest, name)


def forgets_a_units_entropy(model: Any) -> Any:
    def e_step(honest: Any, params: Any, data: Any) -> Any:
        found = honest.e_step(params, data)
        return replace(found, entropy=found.entropy - honest.e_step(params, next(data.chunks(1))).entropy)
    return Twin(model, e_step=e_step)


def counts_chunks(model: Any) -> Any:
    def e_step(honest: Any, params: Any, data: Any) -> Any:
        found = honest.e_step(params, data)
        return replace(found, loglik=found.loglik + 1.0)
    return Twin(model, e_step=e_step)


def favours_the_first_unit(model: Any) -> Any:
    def e_step(honest: Any, params: Any, data: Any) -> Any:
        found = honest.e_step(params, data)
        return replace(found, stats=found.stats + honest.e_step(params, next(data.chunks(1))).stats)
    return Twin(model, e_step=e_step)


def with_reader(model: Any, **members: Callable[..., Any]) -> Any:
    """A model whose reader has some members replaced."""
    twin = Twin(model)
    twin.reader = Twin(model.reader, **members)
    return twin


def measures_the_first_unit_of_a_block(model: Any) -> Any:
    return with_reader(model, measure=lambda honest, block: honest.measure(next(block.chunks(1))))


def reads_chunks_backwards(model: Any) -> Any:
    return with_reader(model, units=lambda honest, raw: honest.units(raw)[::-1])


def takes_raw_data(model: Any) -> Any:
    return Twin(model, e_step=lambda honest, params, data: honest.e_step(params, honest.as_data(data)))


def reads_anew(model: Any) -> Any:
    return Twin(model, as_data=lambda honest, raw, weight=None: replace(honest.as_data(raw, weight)))


def doubles_the_entropy(model: Any) -> Any:
    def e_step(honest: Any, params: Any, data: Any) -> Any:
        found = honest.e_step(params, data)
        return replace(found, entropy=2 * found.entropy)
    return Twin(model, e_step=e_step)


def ignores_weights(model: Any) -> Any:
    return Twin(model, as_data=lambda honest, raw, weight=None: honest.as_data(raw))


def loses_a_constant(model: Any) -> Any:
    return Twin(model, q_value=lambda honest, params, stats: honest.q_value(params, stats) - 0.5)


def bound_too_flat(model: Any) -> Any:
    """Touches at the base point of `check_bound`'s first comparison and then stays at that height."""
    def q_value(honest: Any, params: Any, stats: Any) -> float:
        top = honest.m_step(stats)
        return 2 * honest.q_value(top, stats) - honest.q_value(params, stats)
    return Twin(model, q_value=q_value)


def slope_lacks_a_factor(model: Any) -> Any:
    def q_gradient(honest: Any, params: Any, stats: Any) -> Any:
        slopes = honest.q_gradient(params, stats)
        last = list(slopes)[-1]
        return {**slopes, last: 0.5 * slopes[last]}
    return Twin(model, q_gradient=q_gradient)


def slope_with_an_offset(model: Any) -> Any:
    def q_gradient(honest: Any, params: Any, stats: Any) -> Any:
        slopes = honest.q_gradient(params, stats)
        last = list(slopes)[-1]
        ramp = np.arange(1.0, 1.0 + np.size(slopes[last])).reshape(np.shape(slopes[last]))
        return {**slopes, last: slopes[last] + ramp}  # the same for all would not show along a simplex
    return Twin(model, q_gradient=q_gradient)


def slope_knows_names(model: Any) -> Any:
    def q_gradient(honest: Any, params: Any, stats: Any) -> Any:
        slopes = honest.q_gradient(params, stats)
        shares = "weights" if "weights" in slopes else "initial"
        return {**slopes, shares: slopes[shares] * np.arange(1, len(slopes[shares]) + 1)}
    return Twin(model, q_gradient=q_gradient)


def oversteps(model: Any) -> Any:
    def m_step(honest: Any, stats: Any) -> Any:
        return honest.space.unpack(honest.space.pack(honest.m_step(stats)) + 0.2)
    return Twin(model, m_step=m_step)


def centres_on_the_old_means(model: Any) -> Any:
    """The covariances about the means of the E-step: Xu and Jordan's variant, not the maximiser of Q."""
    def m_step(honest: Any, stats: Any) -> Any:
        found, moments = honest.m_step(stats), stats["components"]
        counts = moments.counts.reshape((-1,) + (1,) * (moments.see.ndim - 1))
        return replace(found, covariances=moments.see / counts)
    return Twin(model, m_step=m_step)


def curvature_of_q_too_small(model: Any) -> Any:
    def q_hessian(honest: Any, params: Any, stats: Any, coordinates: str = "free") -> Any:
        return 0.9 * honest.q_hessian(params, stats, coordinates)
    return Twin(model, q_hessian=q_hessian)


def curvature_at_the_wrong_point(model: Any) -> Any:
    """Takes the chart at the base point with the Hessian and slope of Q there, whatever point is asked for."""
    def q_hessian(honest: Any, params: Any, stats: Any, coordinates: str = "free") -> Any:
        return honest.q_hessian(honest.m_step(stats), stats, coordinates)
    return Twin(model, q_hessian=q_hessian)


def upside_down(model: Any) -> Any:
    def q_hessian(honest: Any, params: Any, stats: Any, coordinates: str = "free") -> Any:
        return -honest.q_hessian(params, stats, coordinates)
    return Twin(model, q_hessian=q_hessian)


def drops_the_scores_product(model: Any) -> Any:
    """Louis's formula without half of what it subtracts."""
    def missing(honest: Any, params: Any, data: Any) -> Any:
        return 1.5 * honest.missing_information(params, data)
    return Twin(model, missing_information=missing)


def longer_p(model: Any) -> Any:
    return Twin(model, projection=lambda honest, params, stats: 1.1 * honest.projection(params, stats))


def identity_p(model: Any) -> Any:
    return Twin(model, projection=lambda honest, params, stats: np.eye(honest.space.size("standard")))


def no_remainder(model: Any) -> Any:
    def remainder(honest: Any, params: Any, stats: Any) -> Any:
        return {name: 0 * value for name, value in honest.remainder(params, stats).items()}
    return Twin(model, remainder=remainder)


def equal_starts(model: Any) -> Any:
    def start(honest: Any, data: Any, rng: Any) -> Any:
        params = honest.start(data, rng)
        name = next(name for name in vars(params) if name not in ("weights", "initial", "transition"))
        return replace(params, **{name: 0 * getattr(params, name) + getattr(params, name)[:1]})
    return Twin(model, start=start)


def starts_alike(model: Any) -> Any:
    return Twin(model, start=lambda honest, data, rng: honest.start(data, np.random.default_rng(0)))


def with_space(model: Any, **members: Callable[..., Any]) -> Any:
    """A model whose space has some members replaced."""
    twin = Twin(model)
    twin.space = Twin(model.space, **members)
    return twin


def packs_badly(model: Any) -> Any:
    return with_space(model, pack=lambda honest, params, name="free": honest.pack(params, name) * (1 + 1e-6))


def forgets_the_chart(model: Any) -> Any:
    def pullback(honest: Any, params: Any, cotangent: Any, name: str = "free") -> Any:
        return 0.5 * honest.pullback(params, cotangent, name)
    return with_space(model, pullback=pullback)


def steeper_chart(model: Any) -> Any:
    return with_space(model, jacobian=lambda honest, params: 1.01 * honest.jacobian(params))


def flat_chart(model: Any) -> Any:
    def pull_hessian(honest: Any, params: Any, hessian: Any, cotangent: Any) -> Any:
        chart = honest.jacobian(params)
        return chart.T @ hessian @ chart
    return with_space(model, pull_hessian=pull_hessian)


def crooked_tangent(model: Any) -> Any:
    return with_space(model, tangent=lambda honest: 1.01 * honest.tangent())


def wants_as_many_as_a_fit(model: Any) -> Any:
    def reading(name: str) -> Callable[..., Any]:
        return lambda honest, params, data: getattr(honest, name)(params, honest.as_data(data))
    return Twin(model, **{name: reading(name) for name in METHODS if has(model, name)})


def scores_a_unit_higher(model: Any) -> Any:
    def score_samples(honest: Any, params: Any, data: Any) -> Any:
        found = honest.score_samples(params, data)
        return found + 0.01 * (np.arange(len(found)) == 0)
    return Twin(model, score_samples=score_samples)


def samples_others(model: Any) -> Any:
    def sample(honest: Any, params: Any, n: Any, rng: Any) -> Any:
        return honest.sample(honest.space.unpack(honest.space.pack(params) + 0.7), n, rng)
    return Twin(model, sample=sample)


def samples_without_rng(model: Any) -> Any:
    seeds = itertools.count()

    def sample(honest: Any, params: Any, n: Any, rng: Any) -> Any:
        return honest.sample(params, n, np.random.default_rng(next(seeds)))
    return Twin(model, sample=sample)


def samples_one_too_few(model: Any) -> Any:
    def sample(honest: Any, params: Any, n: Any, rng: Any) -> Any:
        return honest.sample(params, n[1:] if isinstance(n, list) else n - 1, rng)
    return Twin(model, sample=sample)


def predicts_the_least_probable(model: Any) -> Any:
    def predict(honest: Any, params: Any, data: Any) -> Any:
        found = honest.posterior(params, data)
        return [part.argmin(axis=1) for part in found] if isinstance(found, list) else found.argmin(axis=1)
    return Twin(model, predict=predict)


def takes_the_first_chunk(model: Any) -> Any:
    def e_step(honest: Any, params: Any, data: Any) -> Any:
        return honest.e_step(params, data if isinstance(data, Data) else honest.as_data(next(iter(data))))
    return Twin(model, e_step=e_step)
