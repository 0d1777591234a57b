"""What a latent-variable model is: an additive E-step and an M-step.

One E-step at theta gives four things: the log-likelihood, the posterior entropy, the EM update
(through the statistics) and, by Fisher's identity, the gradient of the log-likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from emlib.data import SURVEY_ROWS, Data, Reader, read
from emlib.numerics import Array
from emlib.space import ParameterSpace


class Moments:
    """A part of the statistics that is no plain number or array.

    It is no abstract class: checks of types would then take a large part of a mini-batch's time.
    """

    def combined(self, factor: float, other: Any, weight: float) -> Any:
        """Return `factor` times these moments plus `weight` times others; a subclass may have a quicker way."""
        mine: Any = self
        return factor * mine + weight * other


@dataclass(frozen=True, eq=False)
class Statistics:
    """Expected complete-data statistics: one additive part per family of the model."""

    parts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.parts[name]

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics({name: part + other[name] for name, part in self.parts.items()})

    def __mul__(self, factor: float) -> Statistics:
        return Statistics({name: part * factor for name, part in self.parts.items()})

    __rmul__ = __mul__

    def combined(self, factor: float, other: Statistics, weight: float) -> Statistics:
        """Return `factor` times these statistics plus `weight` times others."""
        parts: dict[str, Any] = {}
        for name, part in self.parts.items():
            there = other.parts[name]
            own = isinstance(part, Moments)
            parts[name] = part.combined(factor, there, weight) if own else factor * part + weight * there
        return Statistics(parts)


@dataclass(frozen=True, eq=False)
class Expectation:
    """What one E-step over a chunk yields.

    Attributes
    ----------
    stats : Statistics
        Expected sufficient statistics, summed over the chunk.
    loglik : float
        Observed-data log-likelihood of the chunk (total, nats); of a penalised model with its share of the penalty.
    entropy : float
        Joint posterior entropy of the latent variables (nats), so that loglik = Q + entropy.
    n_units : float
        Units seen, weights counted.
    magnitude : float
        Sum of the units' absolute log-likelihoods: the scale of rounding in `loglik`.
    """

    stats: Statistics
    loglik: float
    entropy: float
    n_units: float
    magnitude: float

    @classmethod
    def of(cls, stats: Statistics, logliks: Array, entropy: float, data: Data) -> Expectation:
        """Return statistics and entropy of a chunk, with the sums of its units' log-likelihoods, shape (n,)."""
        seen = data.frequencies
        return cls(stats, float(seen @ logliks), float(entropy), data.n_units, float(seen @ np.abs(logliks)))

    def __add__(self, other: Expectation) -> Expectation:
        return Expectation(self.stats + other.stats, self.loglik + other.loglik,
                           self.entropy + other.entropy, self.n_units + other.n_units,
                           self.magnitude + other.magnitude)


def _lacking(model: Any, name: str) -> TypeError:
    return TypeError(f"model: {type(model).__name__} has no `{name}`")


def check_model(model: Any) -> None:
    """Refuse what is no model, such as data in its place, or the class of a model."""
    try:
        fits = not isinstance(model, type) and all(map(callable, (model.as_data, model.e_step, model.m_step)))
    except AttributeError:
        fits = False
    if not fits:
        found = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model: {found} found; give a model with its settings, such as GaussianMixture(2, 1), first, "
                        "then the data")


class LatentVariableModel(Protocol):
    """What a model supplies; algorithms, diagnostics and loops use nothing else.

    Required are the members of the first part. `emlib.families.ProductModel` implements most of them for models whose
    complete-data likelihood is a product of families, and leaves these to be written:

    ``space`` : ParameterSpace
        The blocks of theta, with names and shapes.
    ``families`` : tuple of Family
        The factors of the complete-data likelihood, in the order of the blocks; statistics have one part for each.
    ``reader`` : Reader
        Three methods that read data of any size: the units of any part of them, shape (n, ...) or a list of (T_i, ...);
        what is measured of a block of units, which is added up; and, of this sum, the scale of the whole, which every
        chunk then carries as `data.scale`, or what is wrong with the data. See `emlib.data.Reader`.
    ``start(data, rng)`` -> params
        From at most 8192 of the units, weighted by `data.weights`, shape (n,), where these are not None.
    ``e_step(params, data)`` -> Expectation
        Of one chunk, validated; what it yields is added up over chunks. It may cut at any unit.

    The second part are *capabilities*: members with defaults, which a model overrides where it can do better. What has
    no sensible default raises TypeError; `supplies` says whether a model has it.

    Once these are written, the rest comes for nothing: `emlib.fit` with every algorithm, gradient, Hessian, rate,
    missing information, standard errors and bounds; data as arrays, `Chunks` or on a Dask cluster, with weights;
    checkpoints, threads, and the contract tests.

    Data are read once, by `as_data`. The methods that take a `data: Data` take nothing else; those for users
    (`posterior`, `predict`) also take raw data.
    """

    @property
    def space(self) -> ParameterSpace:
        """Return the parameter space: which blocks theta has, with shapes."""

    @property
    def full_family(self) -> bool:
        """Return whether the complete data form a full exponential family (theorem T2 holds exactly)."""

    def params(self, **fields: Any) -> Any:
        """Build and validate parameters."""

    @property
    def reader(self) -> Reader:
        """Return how data are read: see `emlib.data.Reader`; a model with an `as_data` of its own needs none."""
        raise _lacking(self, "reader")

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Validate raw data, once for all that follows; a `Data` passes through.

        Parameters
        ----------
        raw : raw data, `Chunks` of them, or what a backend reads
            What raw data are, `reader` says.
        sample_weight : array_like, shape (n,), optional
            How often each unit was seen; for `Chunks` of data, chunks of weights.
        """
        return read(self.reader, raw, sample_weight)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw a sensible random start, never with equal components."""

    def e_step(self, params: Any, data: Data) -> Expectation:
        """Return the expected sufficient statistics of this chunk, with loglik and entropy.

        Raises
        ------
        TypeError
            For raw data: `as_data` validates them, once.
        """

    def m_step(self, stats: Statistics) -> Any:
        """Return the argmax of Q; it may lie outside the space, which `space.fault` then names."""

    def q_value(self, params: Any, stats: Statistics) -> float:
        """Return Q with every constant."""

    def q_gradient(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return the gradient of Q, one array per field, entries taken as free."""

    def q_hessian(self, params: Any, stats: Statistics, coordinates: str = "free") -> Array:
        """Return the Hessian of Q in free coordinates (chart curvature included) or in standard entries."""

    def projection(self, params: Any, stats: Statistics) -> Array:
        """Return the preconditioner P of theorem T4 in standard entries."""

    def remainder(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return what P times the gradient leaves of the EM step, one array per field (theorem T4)."""

    # Capabilities with a default

    def e_step_at(self, params: Any) -> Callable[[Data], Expectation]:
        """Return the E-step at fixed parameters, a function of a chunk; what all chunks share is prepared once, here.

        By default nothing is prepared. The function must pickle: a `map` may send it to other processes.
        """
        return partial(self.e_step, params)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> Any:
        """Return a quicker `emlib.evaluation.steps.Steps` for so many batches of these data a pass; None has none."""
        return None

    @property
    def fixed(self) -> Mapping[str, Any] | None:
        """Return the fields that are held at known values, by name; None if the user said nothing about it."""
        return None

    @property
    def penalty(self) -> float | None:
        """Return the weight of a penalty on the parameters; None for plain maximum likelihood."""
        return None

    def log_penalty(self, params: Any, data: Data) -> float:
        """Return the penalty that `e_step` adds to the log-likelihood of these data, nats."""
        return 0.0

    @property
    def n_invariant(self) -> int:
        """Return the number of directions in which the parameters move and the distribution stays the same."""
        return 0

    @property
    def n_parameters(self) -> int:
        """Return the number of free parameters, without those directions."""
        return int(self.space.size("free") - self.n_invariant)

    @property
    def n_latent_values(self) -> int:
        """Return how many values a discrete hidden variable has; 1 where none is discrete."""
        return 1

    @property
    def profiled(self) -> str | None:
        """Return the field given which `profile` knows the best values of all others; None if there is none."""
        return None

    def condensed(self, data: Data) -> Data:
        """Return units in memory whose E-steps add up to those of the data, fewer where units repeat and it pays."""
        return data

    def estep_chunk(self) -> int:
        """Return how many units one call of `e_step` should get."""
        return SURVEY_ROWS

    def degenerate(self, params: Any, data: Data) -> str | None:
        """Say in what way parameters have collapsed onto these data; None if they have not."""
        return None

    def vanishing(self, params: Any, data: Data, step: Array) -> str | None:
        """Say which parameter a Newton step in free coordinates sends to where the model degenerates; None if none."""
        return None

    def separate(self, params: Any, data: Data, rng: np.random.Generator) -> tuple[Any, str] | None:
        """Return a start with equal components nudged apart, and which these were; None if none are equal."""
        return None

    def held_by_default(self, data: Data) -> tuple[str, ...]:
        """Return the fields that these data say nothing about."""
        return ()

    def unidentified(self, data: Data) -> str | None:
        """Say which parameters these data do not determine, why, and what to do; None where none are known to be."""
        return None

    def known_zeros(self, params: Any, data: Data) -> Mapping[str, tuple[Array, str]]:
        """Return by field which probabilities a run from these parameters keeps at zero, and why."""
        return {}

    def missing_information_cost(self) -> int:
        """Return how many E-steps `missing_information` takes."""
        return 1

    # Capabilities that a model has or has not

    def supplies(self, name: str) -> bool:
        """Return whether this model overrides one of the members below."""
        return getattr(type(self), name) is not getattr(LatentVariableModel, name)

    def missing_information(self, params: Any, data: Data) -> Array:
        """Return the missing information of a chunk in closed form (Louis 1982), standard entries, shape (q, q)."""
        raise _lacking(self, "missing_information")

    def expectation_under(self, q: Any, params: Any, data: Data) -> tuple[Statistics, float]:
        """Return the statistics of a chunk under any distribution q of the hidden variables, and the entropy of q."""
        raise _lacking(self, "expectation_under")

    def posterior(self, params: Any, data: Any) -> Any:
        """Return what is known of the hidden variables: probabilities, of chains one array (T, K) a sequence."""
        raise _lacking(self, "posterior")

    def predict(self, params: Any, data: Any) -> Any:
        """Return the most probable value of each discrete hidden variable."""
        raise _lacking(self, "predict")

    def score_samples(self, params: Any, data: Any) -> Array:
        """Return the log-likelihood of each of any units, nats, shape (n,); weighted it adds up to `loglik`."""
        raise _lacking(self, "score_samples")

    def sample(self, params: Any, n: Any, rng: np.random.Generator) -> Any:
        """Draw n units, as `as_data` reads them; of sequences one of length n, or a list of them for a list."""
        raise _lacking(self, "sample")

    def cm_steps(self, params: Any, stats: Statistics) -> Any:
        """Return the parameters after a cycle of conditional maximisations (ECME)."""
        raise _lacking(self, "cm_steps")

    def expanded_m_step(self, stats: Statistics) -> Any:
        """Return the argmax of Q in a model with more parameters, mapped back (PX-EM)."""
        raise _lacking(self, "expanded_m_step")

    def profile(self, params: Any, stats: Statistics) -> tuple[Any, Array]:
        """Return the best values of the other fields given `profiled`, and the Hessian in that field."""
        raise _lacking(self, "profile")
