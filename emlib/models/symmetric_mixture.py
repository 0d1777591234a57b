"""Two equal normals at theta and -theta with known variance: the model whose EM is gradient ascent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Real
from emlib.data import Data
from emlib.data.rows import Rows
from emlib.data.validate import as_floats, positive_integer
from emlib.families import Family
from emlib.families.linear_gaussian import LOG_2PI
from emlib.families.mean_coordinates import MixtureMean
from emlib.families.signed_mean import SignedMean
from emlib.model import Statistics
from emlib.models.discrete import NUDGE
from emlib.models.symmetric import SymmetricModel
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class SymmetricMixtureParams:
    """Parameters of `SymmetricMixture`.

    Attributes
    ----------
    mean : ndarray, shape (d,)
        Centre of the first component; the second lies at its negative.
    """

    mean: Array


@dataclass(frozen=True)
class SymmetricMixture(SymmetricModel):
    """Half N(theta, D) and half N(-theta, D), D diagonal and known.

    Parameters
    ----------
    n_features : int
    variance : float or tuple of float
        The diagonal of D: one number for all features, or one number a feature.

    Notes
    -----
    Balakrishnan, Wainwright & Yu (2017), first example. The complete-data information is n / D, whatever the data;
    for D = variance * I the EM step is the gradient times variance / n (theorem T3). At theta = 0 the likelihood
    has a saddle or its maximum; `fit` moves a start there away.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import SymmetricMixture
    >>> result = emlib.fit(SymmetricMixture(1, 1.0), [-2.0, -1.5, 1.0, 2.5], start={"mean": [1.0]})
    >>> round(float(result.params.mean[0]), 4)
    1.7294
    """

    n_features: int
    variance: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        values = as_floats(self.variance, "variance")
        if values.shape not in ((), (self.n_features,)):
            raise ValueError(f"variance: shape {values.shape} found; give one number, or one for each of the "
                             f"{self.n_features} features")
        if (values <= 0).any():
            raise ValueError(f"variance: {self.variance!r} found; a known variance is positive")
        super().__post_init__()

    @property
    def variances(self) -> Array:
        """The diagonal of D, shape (d,)."""
        return np.broadcast_to(np.asarray(self.variance, dtype=float), (self.n_features,))

    @property
    def space(self) -> ParameterSpace:
        """A real vector."""
        blocks = (Real("mean", (self.n_features,)),)
        return ParameterSpace(SymmetricMixtureParams, blocks, MixtureMean(self, _moments), self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Signed observations."""
        return (SignedMean("mean", tuple(self.variances)),)

    @property
    def reader(self) -> Rows:
        """Rows of `n_features` numbers, shape (n, d)."""
        return Rows(self.n_features)

    def start(self, data: Data, rng: np.random.Generator) -> SymmetricMixtureParams:
        """Draw a row of the data and move it by about half a known standard deviation."""
        row = data.units[rng.integers(len(data))]
        return SymmetricMixtureParams(row + 0.5 * np.sqrt(self.variances) * rng.standard_normal(self.n_features))

    def sample(self, params: SymmetricMixtureParams, n: int, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw n rows, shape (n, d); `with_latent` also their components, 0 for theta and 1 for -theta, shape (n,)."""
        noise = rng.standard_normal((n, self.n_features)) * np.sqrt(self.variances)
        signs = self._random_signs(n, rng)
        rows = signs[:, None] * params.mean + noise
        return (rows, (signs < 0).astype(int)) if with_latent else rows

    def _log_joint(self, params: SymmetricMixtureParams, data: Data) -> Array:
        residual = data.units[:, None, :] - np.stack([params.mean, -params.mean])
        constant = -np.log(2) - 0.5 * (self.n_features * LOG_2PI + np.log(self.variances).sum())
        found: Array = constant - 0.5 * (residual**2 / self.variances).sum(axis=2)
        return found

    def _statistics(self, params: SymmetricMixtureParams, data: Data, members: Array) -> Statistics:
        seen = members.sum(axis=1)
        signed = (members[:, 0] - members[:, 1]) @ data.units
        return Statistics({"mean": np.concatenate([[seen.sum()], signed, seen @ data.units**2])})

    def _signed_scores(self, params: SymmetricMixtureParams, data: Data) -> Array:
        return np.asarray(data.units / self.variances)

    def from_mean(self, vector: Array) -> SymmetricMixtureParams:
        """Return the parameters whose expected signed observation is `vector`."""
        return SymmetricMixtureParams(np.asarray(vector))

    def _nudged(self, params: SymmetricMixtureParams, data: Data, rng: np.random.Generator) -> SymmetricMixtureParams:
        return SymmetricMixtureParams(NUDGE * np.sqrt(self.variances) * rng.standard_normal(self.n_features))


def _moments(fields: dict[str, Array]) -> Array:
    """E[T] per unit: the signed observation z y has mean theta."""
    return fields["mean"]
