"""Cases of nested random effects with known variances: data are rows of responses, some of them missing."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib.models import RandomEffects
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law

SIZES, VARIANCES, NOISE = (2, 3), (0.8, 0.5), 1.2
DESIGN = np.column_stack([np.ones(6), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]])
SCHOOL, CLASS = np.ones((6, 1)), np.repeat(np.eye(2), 3, axis=0)


@cache
def _law(augmented: int) -> Law:
    """The seen responses and the effects, at (coefficients,); units are (responses with zeros, 1 where missing)."""
    effects = np.hstack([SCHOOL, CLASS][:augmented])
    spread = np.repeat(VARIANCES[:augmented], [1, 2][:augmented])
    rest = NOISE * np.eye(6) + (VARIANCES[1] * CLASS @ CLASS.T if augmented == 1 else 0)

    def seen(units: Any, plain: Any) -> tuple[Any, Any]:
        there = 1 - units[:, 6:]
        return there, there * (units[:, :6] - DESIGN @ plain)

    def masked(matrix: Any, there: Any) -> Any:
        """Return the matrix of the seen responses, one on the diagonal for each that is missing."""
        return there[:, :, None] * matrix * there[:, None, :] + (1 - there)[:, :, None] * jnp.eye(6)

    def normal(matrix: Any, there: Any, left: Any, more: Any = 0.0) -> Any:
        whole = masked(matrix, there)
        squares = jnp.trace(jnp.linalg.solve(whole, left[:, :, None] * left[:, None, :] + more), axis1=1, axis2=2)
        return -0.5 * (there.sum(axis=1) * np.log(2 * np.pi) + jnp.linalg.slogdet(whole)[1] + squares)

    def loglik(plain: Any, units: Any) -> Any:
        there, left = seen(units, plain)
        return normal(rest + (effects * spread) @ effects.T, there, left)

    def posterior(plain: Any, units: Any) -> Any:
        there, left = seen(units, plain)
        z = there[:, :, None] * effects
        weighed = jnp.swapaxes(z, 1, 2) @ jnp.linalg.inv(masked(rest, there))
        covariances = jnp.linalg.inv(np.diag(1 / spread) + weighed @ z)
        return (covariances @ (weighed @ left[:, :, None]))[:, :, 0], covariances

    def expected(plain: Any, found: Any, units: Any) -> Any:
        (means, covariances), (there, left) = found, seen(units, plain)
        z = there[:, :, None] * effects
        squares = (means**2 + jnp.einsum("nii->ni", covariances)) @ (1 / spread)
        own = -0.5 * (np.log(2 * np.pi * spread).sum() + squares)
        clean = left - (z @ means[:, :, None])[:, :, 0]
        return own + normal(rest, there, clean, z @ covariances @ jnp.swapaxes(z, 1, 2))

    def entropy(found: Any) -> Any:
        return 0.5 * (len(spread) * (1 + np.log(2 * np.pi)) + jnp.linalg.slogdet(found[1])[1])

    return Law(loglik, posterior, expected, entropy)


def _with_mask(data: Any) -> np.ndarray:
    gone = np.isnan(data.units)
    return np.column_stack([np.where(gone, 0.0, data.units), gone])


def _case(augmented: int, *, weighted: bool = False) -> Case:
    model = RandomEffects(SIZES, VARIANCES, NOISE, DESIGN, augmented)
    rng = np.random.default_rng(54)
    rows = model.sample(model.params(coefficients=[1.5, -0.5]), 30, rng)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    name = f"random-effects-{augmented}{'-weighted' if weighted else ''}"
    return Case(name, model, rows, 1 + np.arange(30) % 3 if weighted else None, _law(augmented),
                {"coefficients": (charts.real, (2,))}, np.eye(2), seed=55, arrays=_with_mask, bent=False)


CASES = [_case(2), _case(2, weighted=True), _case(1)]
