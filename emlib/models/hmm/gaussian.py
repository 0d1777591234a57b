"""Hidden Markov model with normal observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from emlib.blocks import Positive, PositiveDefinite, Real
from emlib.blocks.block import Block
from emlib.data import Data, sequences
from emlib.data.rows import NormalRows
from emlib.data.validate import positive_integer
from emlib.families import GaussianMoments, LinearGaussian, covariance
from emlib.kernels.chain_arguments import Emissions
from emlib.models import compiled_gaussian, gaussian_data
from emlib.models.compiled_gaussian import NormalDensities
from emlib.models.hmm import compiled_chain
from emlib.models.hmm.base import HiddenMarkovModel
from emlib.models.hmm.emission import Emission
from emlib.models.penalty import CovariancePenalty, penalised
from emlib.numerics import Array


@dataclass(frozen=True, eq=False)
class GaussianHMMParams:
    """Parameters of `GaussianHMM`.

    Attributes
    ----------
    initial : ndarray, shape (K,)
        Probabilities of the first state.
    transition : ndarray, shape (K, K)
        Row i: probabilities of the state after i.
    means : ndarray, shape (K, d)
    covariances : ndarray
        (K, d, d) full, (d, d) tied, (K, d) diag (variances), (K,) spherical (variances).
    """

    initial: Array
    transition: Array
    means: Array
    covariances: Array


@dataclass(frozen=True)
class GaussianEmission(Emission):
    """Normal rows of `n_features` numbers."""

    n_features: int
    covariance_type: str

    @property
    def depth(self) -> int:
        return 1 if self.n_features == 1 else 2

    @property
    def blocks(self) -> tuple[Block, ...]:
        shape = covariance.shape(self.covariance_type, self.n_states, self.n_features)
        matrix = self.covariance_type in ("full", "tied")
        noise: Block = PositiveDefinite("covariances", shape) if matrix else Positive("covariances", shape)
        return (Real("means", (self.n_states, self.n_features)), noise)

    @property
    def family(self) -> LinearGaussian:
        return LinearGaussian("means", "covariances", self.covariance_type, "emission")

    @property
    def rows(self) -> NormalRows:
        return NormalRows(self.n_features, self.n_states, self.covariance_type)

    def _noise(self, params: GaussianHMMParams) -> Array:
        return covariance.expand(self.covariance_type, params.covariances, self.n_states, self.n_features)

    def log_density(self, params: GaussianHMMParams, rows: Array) -> Array:
        return gaussian_data.log_density(rows, params.means, self._noise(params))

    def moments(self, params: GaussianHMMParams, rows: Array, members: Array) -> GaussianMoments:
        return gaussian_data.moments(rows, members, params.means, self.covariance_type)

    def prepared(self, params: GaussianHMMParams) -> NormalDensities:
        return NormalDensities(np.zeros(self.n_states), params.means, self._noise(params), self.covariance_type)

    def compiled(self, prepared: NormalDensities, rows: Array) -> Emissions:
        return compiled_chain.normal_emissions(prepared.arguments, rows)

    def collected(self, params: GaussianHMMParams, rows: Array, found: compiled_chain.Sums) -> GaussianMoments:
        return compiled_gaussian.to_moments(found.normals, params.means, self.covariance_type)

    def start(self, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        """Draw k-means++ centres; the data's covariance, shrunk by the number of states."""
        return {"means": gaussian_data.spread_centres(sequences.flattened(data), self.n_states, rng),
                "covariances": gaussian_data.shrunk(data.scale, self.n_states, self.covariance_type)}

    def nudged(self, params: GaussianHMMParams, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        return {"means": gaussian_data.nudged(params.means, data.scale, rng)}

    def collapsed(self, params: GaussianHMMParams, data: Data) -> str | None:
        if not np.isfinite(params.covariances).all():
            return None
        found = gaussian_data.collapsed(self._noise(params), data.scale)
        if found is None:
            return None
        return (f"covariances: state {found[0]} has collapsed, its smallest variance is {found[1]:.1e} of the data's; "
                "the likelihood is unbounded there: use another start, fewer states, or a penalty= such as 0.1")

    def sample(self, params: GaussianHMMParams, states: Array, rng: np.random.Generator) -> Array:
        return gaussian_data.drawn(params.means, self._noise(params), states, rng)


@dataclass(frozen=True)
class GaussianHMM(HiddenMarkovModel):
    """Hidden Markov chain of `n_states` states with a normal observation in `n_features` dimensions at each time.

    Parameters
    ----------
    n_states, n_features : int
    covariance_type : {"full", "tied", "diag", "spherical"}

    Notes
    -----
    Data are one array of shape (T, d), or a list of arrays; with one feature (T,) will do. The likelihood is
    unbounded: a state may collapse onto one observation. A fit that does so ends with status DEGENERATE and names
    the state; with a `penalty`, such as 0.1 units of data, none can (see `GaussianMixture`).

    Examples
    --------
    >>> import numpy as np
    >>> import emlib
    >>> from emlib.models import GaussianHMM
    >>> model = GaussianHMM(n_states=2, n_features=1)
    >>> truth = model.params(initial=[1, 0], transition=[[0.9, 0.1], [0.1, 0.9]], means=[[0], [4]],
    ...                      covariances=[[[1]], [[1]]])
    >>> rows = model.sample(truth, 500, np.random.default_rng(0))
    >>> result = emlib.fit(model, rows, rng=0)
    >>> result.success, sorted(result.params.means.ravel().round(1).tolist())
    (True, [-0.1, 3.9])
    """

    n_features: int
    covariance_type: str = "full"
    penalty: float | None = field(default=None, kw_only=True, repr=False)
    _params_type: ClassVar[type] = GaussianHMMParams

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        if self.covariance_type not in covariance.TYPES:
            raise ValueError(f"covariance_type: {self.covariance_type!r} is unknown; choose one of {covariance.TYPES}")
        super().__post_init__()

    @property
    def emission(self) -> GaussianEmission:
        """Rows with their own mean and covariance in each state."""
        return GaussianEmission(self.n_states, self.n_features, self.covariance_type)

    @property
    def _labelled(self) -> tuple[str, ...]:
        return ("means",) if self.covariance_type == "tied" else super()._labelled

    @property
    def _prior(self) -> CovariancePenalty | None:
        return penalised(self.penalty, self.emission.family)
