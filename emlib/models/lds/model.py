"""The linear dynamical system: a hidden linear Gaussian state, observed linearly with Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import eigh

from emlib.blocks import Diagonal, Held, PositiveDefinite, Real
from emlib.data import Data, require_data
from emlib.data.rows import RowsWithMissing
from emlib.data.sequences import Outputs
from emlib.data.validate import positive_integer
from emlib.families import AffineGaussian, Family, LinearGaussian, ProductModel
from emlib.model import Expectation, Statistics
from emlib.models.lds import starts
from emlib.models.lds.basis import n_free_changes
from emlib.models.lds.e_step import summarise
from emlib.models.lds.kalman import congruence, offsets, run_filter, run_smoother
from emlib.models.lds.params import LinearDynamicalSystemParams, LinearDynamicalSystemWithOffsetsParams
from emlib.models.partial import partial, patterns
from emlib.numerics import Array
from emlib.space import ParameterSpace

COLLAPSED = 1e-10  # smallest variance, relative to what the model's other variances or the data's columns have


@dataclass(frozen=True)
class LinearDynamicalSystem(ProductModel):
    """z_1 ~ N(m, P_0), z_{t+1} = A z_t + N(0, Q), y_t = C z_t + N(0, R); k latent, d observed dimensions.

    The data are one array (T, d), or a list of arrays, one a sequence; not-a-number marks missing entries, in any
    pattern. A structure such as the local level is given by `fixed`, where NaN stands for what is to be estimated: in
    the maps and offsets beside any numbers, in a covariance on the diagonal, beside zeros, for independent entries.

    Parameters
    ----------
    n_latent, n_features : int
    offsets : bool
        Whether the equations have constants, z_{t+1} = A z_t + b + N(0, Q) and y_t = C z_t + c + N(0, R), estimated
        unless they are in `fixed`.

    Notes
    -----
    Shumway & Stoffer (1982); Ghahramani & Hinton (1996). The latent data are the states, and the missing entries of
    rows that were seen in part. The path of states is not identified: z -> T z changes nothing that is observed, so
    that k^2 directions carry no information (fewer where fields are held); with both offsets estimated k more, the
    shifts z -> z + s. Every sequence tells of one first state; with fewer sequences than the k + k (k + 1) / 2
    parameters of its distribution and one more, `fit` holds these at the start's values unless the model has
    ``fixed={}``: with a single sequence the initial covariance would shrink for ever. Where nothing else is fixed it
    holds the state's noise, too, which costs no generality; else runs creep along a ridge, on which the scale of the
    states grows and the likelihood hardly at all. Drawn starts have mean 0 and both covariances 1 there, so that no
    axis is special. At most as many rows as columns leave the likelihood unbounded, and are refused; fewer numbers than
    free parameters are noted in the fit's message.

    Examples
    --------
    The local level model of the Nile's annual flow (Durbin & Koopman 2012, chapter 2):

    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.models import LinearDynamicalSystem
    >>> known = {"initial_mean": [0.0], "initial_covariance": [[1e9]], "transition": [[1.0]], "observation": [[1.0]]}
    >>> model = LinearDynamicalSystem(1, 1, fixed=known)
    >>> result = emlib.fit(model, datasets.nile(), rng=0)
    >>> result.params.observation_covariance.round().item(), result.params.transition_covariance.round().item()
    (15099.0, 1469.0)
    """

    n_latent: int
    n_features: int
    offsets: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        positive_integer(self.n_latent, "n_latent")
        positive_integer(self.n_features, "n_features")
        if not isinstance(self.offsets, bool):
            raise ValueError(f"offsets: {self.offsets!r} found; True or False is needed, known values go into fixed=")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Three linear maps and their covariances; no mean coordinates (theorem T2 fails)."""
        k, d = self.n_latent, self.n_features
        own = (Real("transition_offset", (k,)), Real("observation_offset", (d,))) if self.offsets else ()
        blocks = (Real("initial_mean", (k,)), PositiveDefinite("initial_covariance", (k, k)),
                  Real("transition", (k, k)), *own[:1], PositiveDefinite("transition_covariance", (k, k)),
                  Real("observation", (d, k)), *own[1:], PositiveDefinite("observation_covariance", (d, d)))
        kind = LinearDynamicalSystemWithOffsetsParams if self.offsets else LinearDynamicalSystemParams
        return ParameterSpace(kind, blocks, fixed=self.fixed, by_entry=True)

    @property
    def families(self) -> tuple[Family, ...]:
        """Three regressions: of the first state on 1, of each state on the one before, of the data on the states."""
        k, d = self.n_latent, self.n_features
        if self._by_entry:
            return (self._affine("initial", "initial_mean"), self._affine("transition", "transition"),
                    self._affine("observation", "observation"))
        return (LinearGaussian("initial_mean", "initial_covariance", "tied", "initial", (k,)),
                LinearGaussian("transition", "transition_covariance", "tied", "transition", (k, k)),
                LinearGaussian("observation", "observation_covariance", "tied", "observation", (d, k)))

    @property
    def _by_entry(self) -> bool:
        """Whether the regressions have offsets, or entries of theirs are known."""
        return self.offsets or any(isinstance(block, Diagonal) or (isinstance(block, Real) and block.known)
                                   for block in self.space.blocks)

    def _affine(self, key: str, matrix: str) -> AffineGaussian:
        """Return one of the regressions, with what is known of it."""
        blocks, held = {block.name: block for block in self.space.blocks}, self.space.held
        offset, noise, shape = f"{key}_offset", f"{key}_covariance", blocks[matrix].shape

        def free(name: str) -> Array:
            block = blocks[name]
            mask: Array = block.free_mask if isinstance(block, Real) else np.zeros(block.shape, dtype=bool)
            return mask.reshape(shape[0], -1)

        masks = [free(name) for name in (offset, matrix) if name in blocks]
        return AffineGaussian(matrix, offset if offset in blocks else None, noise, key, shape,
                              tuple(map(tuple, np.column_stack(masks).tolist())), isinstance(blocks[noise], Diagonal),
                              held.get(noise))

    def remainder(self, params: LinearDynamicalSystemParams, stats: Statistics) -> dict[str, Array]:
        """Return EM step - P gradient, one array per field (theorem T4)."""
        if not self._by_entry:
            return super().remainder(params, stats)
        parts = [family.remainder(params, stats[family.key]) for family in self.families]
        return {name: value for part in parts for name, value in part.items()}

    @property
    def n_invariant(self) -> int:
        """Directions in which the parameters change and the distribution of the data does not."""
        return n_free_changes({block.name: block.shape for block in self.space.blocks}, self.fixed or {})

    @property
    def reader(self) -> Outputs:
        """One array (one sequence) or a list of arrays; weights count whole sequences."""
        rows = RowsWithMissing(self.n_features)
        static = {"transition", "transition_covariance"} <= set(self.space.held)
        return Outputs(rows, 1 if self.n_features == 1 else 2, static, self._least_rows)

    @property
    def _least_rows(self) -> int:
        """Return how many rows bound the likelihood where maps and noise of the observations are free.

        In at most d rows in general position some combination v'y_t of the columns follows v'y_{t+1} = a v'y_t without
        error, for any a. With noise and loadings of size c along v and a^(T - 1) = 1/c, the longest sequence having T
        rows, the first row of a sequence has density 1/c, the others 1/(c a): their product grows without bound.
        """
        known = set(self.fixed or {}) - {"initial_mean", "initial_covariance", "transition_covariance",
                                         "transition_offset", "observation_offset"}
        return 1 if known else self.n_features + 1

    def start(self, data: Data, rng: np.random.Generator) -> LinearDynamicalSystemParams:
        """Draw a stable system with states of variance one, whose outputs have the size of the data."""
        offset = None
        if self.offsets:
            block = next(block for block in self.space.blocks if block.name == "observation_offset")
            offset = block.hold(data.scale[0].copy()) if isinstance(block, Real | Held) else None
        fields = starts.fields(data.scale, self.n_latent, rng, offset)
        if self._is_few(data) and self._states_are_free:
            fields |= starts.standard_states(self.n_latent)
        params: LinearDynamicalSystemParams = self.space.params_type(**fields)
        return self.space.hold(params)

    def held_by_default(self, data: Data) -> tuple[str, ...]:
        """Name the initial block where there are fewer sequences than its parameters and one more.

        Its covariance would shrink for ever; with the covariance alone held, the mean and the scale of the states would
        grow for ever, to the same end. With both held the scale still tells how well the first state is known, and
        creeps along a ridge; so the state's noise and offset are held, too, where nothing else is known of the states.
        """
        if not self._is_few(data):
            return ()
        own = ("transition_covariance", *(("transition_offset",) if self.offsets else ()))
        return ("initial_mean", "initial_covariance", *(own if self._states_are_free else ()))

    def unidentified(self, data: Data) -> str | None:
        """Say that rows times columns, missing entries counted, are fewer than the free parameters."""
        numbers = data.n_observations * self.n_features
        if numbers >= self.n_parameters:
            return None
        return (f"{numbers:g} numbers for {self.n_parameters} free parameters (use fewer latent dimensions, hold "
                "fields by fixed=, or give more rows)")

    def _is_few(self, data: Data) -> bool:
        return bool(data.n_units < self.n_latent + self.n_latent * (self.n_latent + 1) // 2 + 1)

    @property
    def _states_are_free(self) -> bool:
        """Whether nothing is known of the states, so that other units and axes of theirs give the same data."""
        return not set(self.fixed or {}) - {"observation_covariance", "observation_offset"}

    def e_step(self, params: LinearDynamicalSystemParams, data: Data) -> Expectation:
        """Return the expected moments of the three regressions about their current coefficients."""
        require_data(data)
        found = summarise(params, data.units, data.frequencies)
        return Expectation.of(found.stats, found.loglik, found.entropy, data)

    def filter(self, params: LinearDynamicalSystemParams, data: Any) -> tuple[Any, Any]:
        """Return means (T, k) and covariances (T, k, k) of the states given the past and present; lists for a list."""
        def one(rows: Array) -> tuple[Array, Array]:
            found = run_filter(params, rows[None])
            return found.means[0], found.covariances[0]
        return self._each(data, one)

    def posterior(self, params: LinearDynamicalSystemParams, data: Any) -> tuple[Any, Any]:
        """Return smoothed means (T, k) and covariances (T, k, k) of the states given all data; lists for a list."""
        def one(rows: Array) -> tuple[Array, Array]:
            states = run_smoother(params, run_filter(params, rows[None]))
            return states.means[0], states.covariances[0]
        return self._each(data, one)

    def predict(self, params: LinearDynamicalSystemParams, data: Any) -> tuple[Any, Any]:
        """Return mean (T, d) and covariance (T, d, d) of each row given the rows before it; lists for a list.

        Rows of not-a-number at the end give forecasts.
        """
        def one(rows: Array) -> tuple[Array, Array]:
            found, matrix = run_filter(params, rows[None]), params.observation
            spread = congruence(matrix, found.ahead_covariances[0]) + params.observation_covariance
            return found.ahead_means[0] @ matrix.T + offsets(params)[1], spread
        return self._each(data, one)

    def impute(self, params: LinearDynamicalSystemParams, data: Any) -> Any:
        """Return the data with each missing entry replaced by its mean given all that was seen; a list for a list."""
        def one(rows: Array) -> tuple[Array]:
            states = run_smoother(params, run_filter(params, rows[None])).means[0]
            expected = states @ params.observation.T + offsets(params)[1]
            filled = rows.copy()
            for seen, where in patterns(rows):
                law = partial(params.observation_covariance, seen)
                guess = expected[where] + (rows[where] - expected[where])[:, seen] @ law.fill.T
                filled[np.ix_(where, ~seen)] = guess[:, ~seen]
            return (filled,)
        return self._each(data, one)[0]

    def _each(self, data: Any, function: Any) -> tuple[Any, ...]:
        units, single = self.reader.read(data)
        found = [function(rows) for rows in units]
        return found[0] if single else tuple(map(list, zip(*found, strict=True)))

    def sample(self, params: LinearDynamicalSystemParams, lengths: Any, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw one sequence (T, d) of a given length, or a list of sequences for a list of lengths.

        `with_latent` also returns the states, shape (T, k) for each sequence: a pair of arrays, or of lists.
        """
        if np.ndim(lengths) == 0:
            drawn = starts.draw(params, int(lengths), rng)
            return drawn if with_latent else drawn[0]
        pairs = [starts.draw(params, int(length), rng) for length in lengths]
        rows = [row for row, _ in pairs]
        return (rows, [states for _, states in pairs]) if with_latent else rows

    def degenerate(self, params: LinearDynamicalSystemParams, data: Data) -> str | None:
        """Name a covariance that has collapsed: R against the data's columns, P_0 and Q against each other."""
        held = set(self.space.held)
        if not all(np.isfinite(value).all() for value in vars(params).values()):
            return None
        deviations = np.sqrt(data.scale[1])
        least = float(np.linalg.eigvalsh(params.observation_covariance / np.outer(deviations, deviations))[0])
        if least <= COLLAPSED and "observation_covariance" not in held:
            return (f"observation_covariance: collapsed, its smallest eigenvalue is {least:.1e} in units of the "
                    "columns' variances; the likelihood is unbounded there: use fewer latent dimensions, more rows or "
                    "another start")
        if "initial_covariance" in held:
            return None
        ratios = eigh(params.initial_covariance, params.transition_covariance, eigvals_only=True)
        if ratios[0] <= COLLAPSED:
            return (f"initial_covariance: collapsed to {ratios[0]:.1e} of the transition's; too few sequences tell of "
                    "it, hold it by fixed=")
        if ratios[-1] >= 1 / COLLAPSED:
            return (f"transition_covariance: collapsed to {1 / ratios[-1]:.1e} of the initial one; the state no longer "
                    "moves in some direction, use fewer latent dimensions or hold it by fixed=")
        return None
