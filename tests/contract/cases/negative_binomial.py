"""Cases of mixtures of negative binomial distributions: counts, tabulated or not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import digamma

from emlib.models import NegativeBinomialMixture
from tests.contract import charts
from tests.contract.autodiff import jax, jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, labelled


@cache
def _law(count: int) -> Law:
    """log(pi_k NB(y_i | mu_k, alpha_k)), shape (n, K), at (weights, means, dispersion), by gamma functions."""
    def joint(plain: Any, units: Any) -> Any:
        weights, means, dispersion = jnp.split(plain, 3)
        size, y, log_gamma = 1 / dispersion, units[:, None], jax.scipy.special.gammaln
        chances = size * jnp.log(size / (size + means)) + y * jnp.log(means / (size + means))
        return jnp.log(weights) + log_gamma(y + size) - log_gamma(size) - log_gamma(y + 1) + chances
    return labelled(joint)


def _remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """The step of the dispersion less its slope over the sum of squared scores, by digamma functions."""
    table, size, means = stats["counts"], 1 / params.dispersion[:, None], params.means[:, None]
    y = np.arange(float(table.shape[1]))
    by_size = digamma(y + size) - digamma(size) + np.log(size / (size + means)) + 1 - (size + y) / (size + means)
    scores = -size**2 * by_size
    taken = (table * scores).sum(axis=1) / (table * scores**2).sum(axis=1)
    return {"dispersion": moved_to.dispersion - params.dispersion - taken}


def _case(*, tabulated: bool) -> Case:
    rng = np.random.default_rng(70)
    rates = np.concatenate([rng.gamma(1.0, 2.0, 150), rng.gamma(4.0, 7.0, 150)])
    raw, weight = rng.poisson(rates if tabulated else rates[::2]), None
    if tabulated:
        raw, weight = np.unique(raw, return_counts=True)
    fields = {"weights": (charts.simplex, (2,))} | dict.fromkeys(("means", "dispersion"), (charts.positive, (2,)))
    return Case(f"negative-binomial-{'tabulated' if tabulated else 'plain'}", NegativeBinomialMixture(2), raw, weight,
                _law(2), fields, np.eye(6), seed=71, classes=2, labels=dict.fromkeys(fields, (0,)),
                closed_remainder=_remainder)


CASES = [_case(tabulated=True), _case(tabulated=False)]
