"""Probabilistic principal component analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.blocks import Positive, Real
from emlib.data import Data
from emlib.families import LinearFactors
from emlib.models.factor_steps import FactorSteps, factor_steps
from emlib.models.factors import COLLAPSED, FactorModel, FactorParams
from emlib.space import ParameterSpace


@dataclass(frozen=True)
class PPCA(FactorModel):
    """y = mean + W z + noise, z ~ N(0, I), noise ~ N(0, v I).

    Parameters
    ----------
    n_features, n_factors : int
        d > k.

    Notes
    -----
    Tipping & Bishop (1999): at the maximum W W' + v I keeps the k largest eigenvalues of the rows' covariance, and v
    is the mean of the others. W is known up to a rotation W R: with k >= 2 factors `diagnostics.information` finds
    k (k - 1) / 2 unidentified directions and infinite standard errors of the loadings; those of mean, noise and of any
    function of `covariance` are finite. EM's rate is theorem T8, with 1 - v / lambda_k and 0 for the mean.
    An E-step uses n, mean and covariance of the rows alone, which are computed once.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import PPCA
    >>> model = PPCA(n_features=3, n_factors=1)
    >>> result = emlib.fit(model, model.from_covariance(np.diag([5.0, 1.5, 0.5]), n_units=100), rng=0)
    >>> round(float(result.params.noise_variance), 4)  # the mean of the discarded 1.5 and 0.5
    1.0
    >>> np.abs(result.params.loadings.ravel()).round(3).tolist()  # the root of 5 - 1 in the first direction
    [2.0, 0.0, 0.0]
    """

    n_features: int
    n_factors: int

    @property
    def space(self) -> ParameterSpace:
        """Real mean and loadings, one positive variance."""
        shape = (self.n_features, self.n_factors)
        blocks = (Real("mean", shape[:1]), Real("loadings", shape), Positive("noise_variance"))
        return ParameterSpace(FactorParams, blocks, fixed=self.fixed)

    @property
    def family(self) -> LinearFactors:
        """Regressions on (1, z) with one noise variance."""
        return LinearFactors("tied", held=self._known)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> FactorSteps | None:
        """Return compiled steps where there are many batches."""
        return factor_steps(self, PPCA, data, coordinates, count, np.diag(data.scale).min(keepdims=True), COLLAPSED)

    def degenerate(self, params: FactorParams, data: Data) -> str | None:
        """Say whether the noise has collapsed against the data's smallest variance; None if not."""
        share = float(params.noise_variance) / np.diag(data.scale).min()
        if not share <= COLLAPSED:  # also where it is not a number, which the space names
            return None
        return (f"noise_variance: collapsed to {share:.1e} of the smallest variance in the data, whose rank is at most "
                f"n_factors={self.n_factors}; the likelihood is unbounded there: use fewer factors, more rows, or drop "
                "duplicated columns")
