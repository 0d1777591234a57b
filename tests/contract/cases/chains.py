"""Cases of hidden Markov models; their law in JAX is a sum over all paths, written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from emlib.data import Data
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM
from tests.contract import charts
from tests.contract.autodiff import jax, jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, inverse, labelled

LONGEST = 4  # observations of the longest sequence
ROWS = 96  # sequences of a witness
NEVER = -1e4  # stands in for minus infinity
Emission = Callable[[Any, Any], Any]


@cache
def _law(count: int, emission: Emission) -> Law:
    """log p(path, y), shape (n, K^T), at (initial, transition, emission); units are (1 where seen, y), (n, T, 1 + q).

    After the end of a sequence only the paths that stay in state 0 count, at no cost.
    """
    paths = np.array(list(itertools.product(range(count), repeat=LONGEST)))
    times = np.arange(LONGEST)

    def joint(plain: Any, units: Any) -> Any:
        initial, transition = plain[:count], plain[count:count * (1 + count)].reshape(count, count)
        seen = units[:, None, :, 0] > 0
        moves = jnp.log(transition)[paths[:, :-1], paths[:, 1:]]
        steps = jnp.concatenate([jnp.log(initial)[paths[:, :1]], moves], axis=1)
        emitted = emission(plain[count * (1 + count):], units[:, :, 1:])[:, times, paths]
        over = jnp.where(paths == 0, 0.0, NEVER)
        return jnp.where(seen, steps + emitted, over).sum(axis=2)

    return replace(labelled(joint), rows=ROWS)


def _case(name: str, model: Any, law: Law, raw: Any, weight: Any, emission: dict[str, Any]) -> Case:
    count = model.n_states
    fields = {"initial": (charts.simplex, (count,)), "transition": (charts.simplex, (count, count)), **emission}
    labels = {"initial": (0,), "transition": (0, 1), **dict.fromkeys(emission, (0,))}
    return Case(name, model, raw, weight, law, fields, np.eye(model.space.size("standard")), seed=60 + count,
                classes=count**LONGEST, labels=labels, arrays=_padded)


def _padded(data: Any) -> np.ndarray:
    """The sequences side by side with their marks, zero after the end, shape (n, T, 1 + q)."""
    rows = [np.column_stack([np.ones(len(unit)), unit]) for unit in data.units]
    return np.stack([np.pad(row, ((0, LONGEST - len(row)), (0, 0))) for row in rows])


@cache
def _symbol_law(count: int, kinds: int) -> Law:
    def emission(plain: Any, values: Any) -> Any:
        return jnp.log(plain.reshape(count, kinds)).T[values[:, :, 0].astype(int)]
    return _law(count, emission)


def _symbols(truth: dict[str, Any], lengths: tuple[int, ...], total: int, *, tabulated: bool) -> Case:
    """Every sequence of these lengths, as often as `total` sequences of each are expected to show it."""
    count, kinds = np.shape(truth["emission"])
    model = CategoricalHMM(count, kinds)
    raw = [np.array(unit) for length in lengths for unit in itertools.product(range(kinds), repeat=length)]
    params = model.params(**truth)
    chances = [np.exp(model.e_step(params, Data([unit])).loglik) for unit in raw]
    weight = np.round(total * np.array(chances)).astype(int)
    if not tabulated:
        raw, weight = [raw[i] for i in np.repeat(np.arange(len(raw)), weight)], None
    fields = {"emission": (charts.simplex, (count, kinds))}
    name = f"hmm-symbols-k{count}-{'tabulated' if tabulated else 'plain'}"
    return _case(name, model, _symbol_law(count, kinds), raw, weight, fields)


@cache
def _count_law(count: int) -> Law:
    def emission(plain: Any, values: Any) -> Any:
        return values * jnp.log(plain) - plain - jax.scipy.special.gammaln(values + 1)
    return _law(count, emission)


def _counts(truth: dict[str, Any], number: int) -> Case:
    """Sequences of lengths 1, 2, ..., LONGEST, 1, ..., drawn at random."""
    count = len(truth["rates"])
    model = PoissonHMM(count)
    lengths = [1 + i % LONGEST for i in range(number)]
    raw = model.sample(model.params(**truth), lengths, np.random.default_rng(62))
    return _case(f"hmm-counts-k{count}", model, _count_law(count), raw, None, {"rates": (charts.positive, (count,))})


@cache
def _normal_law(count: int, side: int) -> Law:
    def emission(plain: Any, values: Any) -> Any:
        noise = plain[count * side:].reshape(count, side, side)
        residual = values[:, :, None, :] - plain[:count * side].reshape(count, side)
        precision, det = inverse(noise)
        squares = jnp.einsum("ntki,kij,ntkj->ntk", residual, precision, residual)
        return -0.5 * (side * jnp.log(2 * jnp.pi) + jnp.log(det) + squares)
    return _law(count, emission)


def _normals(truth: dict[str, Any], number: int, kind: str) -> Case:
    count, side = np.shape(truth["means"])
    model = GaussianHMM(count, side, kind)
    lengths = [1 + i % LONGEST for i in range(number)]
    raw = model.sample(model.params(**truth), lengths, np.random.default_rng(63))
    chart, shape = (charts.log_cholesky, (count, side, side)) if kind == "full" else (charts.positive, (count, side))
    embed = np.eye(side * side) if kind == "full" else np.eye(side * side)[:, ::side + 1]
    case = _case(f"hmm-normals-{kind}", model, _normal_law(count, side), raw, None,
                 {"means": (charts.real, (count, side)), "covariances": (chart, shape)})
    plain = block_diag(np.eye(count * (1 + count + side)), np.kron(np.eye(count), embed))
    return replace(case, embed=plain, closed_remainder=lambda *at: _normal_remainder(kind, *at))


def _normal_remainder(kind: str, params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """-dm dm' of each state: the M-step's covariances are about the new means."""
    moved = moved_to.means - params.means
    return {"covariances": -moved**2 if kind == "diag" else -moved[:, :, None] * moved[:, None, :]}


def _sticky(count: int, stay: float) -> np.ndarray:
    return stay * np.eye(count) + (1 - stay) / (count - 1) * (1 - np.eye(count))


CHAIN = {"initial": [0.6, 0.4], "transition": [[0.85, 0.15], [0.25, 0.75]]}
TWO = CHAIN | {"emission": [[0.93, 0.07], [0.1, 0.9]]}
PLACES = CHAIN | {"means": [[0.0, 0.0], [3.0, 1.0]]}
THREE = {"initial": [0.5, 0.3, 0.2], "transition": _sticky(3, 0.7), "emission": _sticky(3, 0.8)}
CASES = [_symbols(TWO, (1, 4), 40, tabulated=False), _symbols(THREE, (4,), 300, tabulated=True),
         _counts(CHAIN | {"rates": [2.0, 8.0]}, 60),
         _normals(PLACES | {"covariances": [np.eye(2), 2 * np.eye(2)]}, 60, "full"),
         _normals(PLACES | {"covariances": [[1.0, 1.0], [1.0, 2.0]]}, 60, "diag")]
