"""What mixtures and hidden Markov models share: hidden labels, each one of K values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from emlib.data import Data, require_data
from emlib.data.validate import positive_number
from emlib.families import Family, ProductModel
from emlib.families.constant import Constant
from emlib.model import Expectation
from emlib.models.penalty import KEY, CovariancePenalty
from emlib.numerics import Array

NUDGE = 0.01  # relative size of what tells equal components or states apart


class DiscreteLatentModel(ProductModel):
    """A model with hidden labels: one component for each unit, or one state at each time.

    A subclass gives `n_latent_values`, `posterior` and the members below that are abstract.
    """

    _label: ClassVar[str]  # what a value of the hidden label is called

    def __post_init__(self) -> None:
        if self.penalty is not None:
            positive_number(self.penalty, "penalty")
        super().__post_init__()

    def _prepared(self, params: Any) -> Any:
        """Return what the E-steps of all chunks share of the parameters; None if that is nothing."""
        return None

    @abstractmethod
    def _expectation(self, params: Any, prepared: Any, data: Data) -> Expectation:
        """Return the E-step of a chunk, a penalty left out."""

    @property
    @abstractmethod
    def _labelled(self) -> tuple[str, ...]:
        """The fields, label by label along their first axis, that must differ for labels to be told apart."""

    @abstractmethod
    def _nudged(self, params: Any, data: Data, rng: np.random.Generator) -> Any:
        """Return parameters of which no two labels agree."""

    @property
    def _prior(self) -> CovariancePenalty | None:
        """The penalty on the covariances, for a model that has a `penalty`."""
        return None

    @property
    def _constant(self) -> tuple[Family, ...]:
        """What a penalised model adds to its families: a constant."""
        return () if self._prior is None else (Constant(KEY),)

    def log_penalty(self, params: Any, data: Data) -> float:
        """Return the penalty at the parameters, nats: never positive, and zero for maximum likelihood."""
        return 0.0 if self._prior is None else self._prior.value(params, self._prior.unseen(params, data))

    def e_step(self, params: Any, data: Data) -> Expectation:
        """Return the expected statistics of a chunk about the current parameters, log-likelihood and entropy."""
        return self._penalised(params, self._prepared(params), data)

    def e_step_at(self, params: Any) -> Callable[[Data], Expectation]:
        """Return the E-step at fixed parameters, of which what all chunks share is prepared once."""
        return partial(self._penalised, params, self._prepared(params))

    def _penalised(self, params: Any, prepared: Any, data: Data) -> Expectation:
        require_data(data)
        found = self._expectation(params, prepared, data)
        return found if self._prior is None else self._prior.added(found, params, data)

    def predict(self, params: Any, data: Any) -> Any:
        """Return the most probable label of each unit, shape (n,); of sequences that at each time, (T,) each."""
        found = self.posterior(params, data)
        return [part.argmax(axis=1) for part in found] if isinstance(found, list) else found.argmax(axis=1)

    def separate(self, params: Any, data: Data, rng: np.random.Generator) -> tuple[Any, str] | None:
        """Return parameters nudged apart where those of two labels agree; None where none do."""
        pair = equal_entries([np.asarray(getattr(params, name)) for name in self._labelled])
        if pair is None:
            return None
        return self._nudged(params, data, rng), f"{self._label}s {pair[0]} and {pair[1]} started equal"


def equal_entries(fields: Sequence[Array]) -> tuple[int, int] | None:
    """Return the first two indices of the first axis at which every field agrees, or None."""
    count = len(fields[0])
    for first in range(count):
        for second in range(first + 1, count):
            if all(np.array_equal(f[first], f[second]) for f in fields):
                return first, second
    return None
