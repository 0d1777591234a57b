"""A model whose complete-data likelihood is a product of families: everything but the E-step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

import numpy as np

from emlib.blocks.held import Fixed, Held
from emlib.data import Data, any_units
from emlib.families.base import Family, JointFamily
from emlib.model import LatentVariableModel, Statistics
from emlib.numerics import Array, block_diagonal

Method = TypeVar("Method", bound=Callable[..., Any])
APPLIED = {"posterior", "predict", "predict_response", "transform", "viterbi", "filter", "impute", "covariance",
           "sample", "score_samples", "precisions"}  # methods that users call with parameters of theirs
KEPT = ("space", "families")  # properties that are built once


def _accepting(method: Method) -> Method:
    """Return a method that takes what `ParameterSpace.accepted` takes for parameters."""
    @wraps(method)
    def accepting(self: Any, params: Any, *args: Any, **more: Any) -> Any:
        return method(self, self.space.accepted(params), *args, **more)
    return cast(Method, accepting)


@dataclass(frozen=True)
class ProductModel(LatentVariableModel):
    """Implements the M-step, Q and P of the protocol from `families`, in the order of the space's blocks.

    A subclass gives `space`, `families`, `reader`, `start` and `e_step`, with the shapes and the contract that
    `emlib.model.LatentVariableModel` writes down.

    Parameters
    ----------
    fixed : mapping of str to array_like, optional
        Fields of the parameters that are known: they are held at these values, and everything else is the
        maximum given them. In a field of probabilities NaN stands for what is to be estimated, beside known zeros.
        With None, `fit` may hold what the data say nothing about and then says so; an empty mapping holds nothing.
        It is no part of the printed form.
    """

    fixed: Mapping[str, Any] | None = field(default=None, kw_only=True, repr=False)

    def __init_subclass__(cls) -> None:
        """Keep a model's space and families once built: every step of every algorithm asks for them several times.

        A class that overrides `e_step` alone has it used by `e_step_at`, too.
        """
        super().__init_subclass__()
        if "e_step" in vars(cls) and "e_step_at" not in vars(cls):
            cls.e_step_at = LatentVariableModel.e_step_at  # type: ignore[method-assign]
        for name in KEPT:
            own = vars(cls).get(name)
            if isinstance(own, property) and own.fget is not None:
                kept = cached_property(own.fget)
                kept.__set_name__(cls, name)
                setattr(cls, name, kept)  # in the protocol a property
        for name in APPLIED & vars(cls).keys():
            setattr(cls, name, _accepting(vars(cls)[name]))

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is kept out of copies and pickles: it is built from the settings."""
        return {name: value for name, value in vars(self).items() if name not in KEPT}

    def __post_init__(self) -> None:
        if self.fixed is not None:
            valid = self.space.fixed  # building the space refuses values without a meaning
            object.__setattr__(self, "fixed", Fixed(valid or {}))
            for name in KEPT:
                vars(self).pop(name, None)  # it was built from the caller's own arrays

    @property
    @abstractmethod
    def families(self) -> tuple[Family, ...]:
        """The factors of the complete-data likelihood."""

    @property
    def full_family(self) -> bool:
        """Whether theorem T2 holds: the complete data form a full family, and no field is held."""
        return self.space.mean_chart is not None

    def params(self, **fields: Any) -> Any:
        """Build and validate parameters; see `space.blocks` for names and shapes. Held fields may be left out.

        Raises
        ------
        TypeError, ValueError
            Naming the field, what was found and what is needed.
        """
        return self.space.build(**fields)

    def _log_likelihoods(self, params: Any, data: Data) -> Array:
        """Return the log-likelihood of each unit, shape (n,), a penalty left out; here by one E-step for each."""
        return np.array([self.e_step(params, replace(unit, weights=None)).loglik for unit in data.chunks(1)])

    @_accepting
    def score_samples(self, params: Any, data: Any) -> Array:
        """Return the log-likelihood of each of any units, nats, shape (n,)."""
        return self._log_likelihoods(params, self._any_data(data))

    @_accepting
    def loglik(self, params: Any, data: Any, sample_weight: Any = None) -> float:
        """Return the log-likelihood of any units, each as often as it was seen, nats; a penalty is left out."""
        units = self._any_data(data, sample_weight)
        scores = self._log_likelihoods(params, units)
        if units.weights is None:
            return float(scores.sum())
        seen = units.weights > 0  # what was not seen may be impossible
        return float(scores[seen] @ units.weights[seen])

    def aic(self, params: Any, data: Any, sample_weight: Any = None) -> float:
        """Return Akaike's criterion of any units, 2 n_parameters - 2 loglik; smaller is better."""
        return 2.0 * self.n_parameters - 2.0 * self.loglik(params, data, sample_weight)

    def bic(self, params: Any, data: Any, sample_weight: Any = None) -> float:
        """Return Schwarz's criterion of any units, n_parameters log(observations) - 2 loglik; smaller is better."""
        units = self._any_data(data, sample_weight)
        return self.n_parameters * float(np.log(units.n_observations)) - 2.0 * self.loglik(params, units)

    def _any_data(self, raw: Any, sample_weight: Any = None) -> Data:
        return any_units(self.reader, raw, sample_weight)

    def m_step(self, stats: Statistics) -> Any:
        """Return the argmax of Q given the held fields, one closed form per family."""
        fields: dict[str, Array] = {}
        for family in self.families:
            fields |= self._argmax(family, stats[family.key])
        return self.space.params_type(**fields)

    def _held(self, family: Family) -> dict[str, Array]:
        return {name: value for name, value in self.space.held.items() if name in family.fields}

    def _argmax(self, family: Family, moments: Any) -> dict[str, Array]:
        held = self._held(family)
        if not held:
            return family.argmax(moments)
        if len(held) == len(family.fields):
            return held
        found = cast(JointFamily, family).argmax_given(moments, held)
        if found is None:
            raise ValueError(f"fixed: {sorted(held)} given, but {list(family.fields)} are estimated together; "
                             "hold all of them or none")
        return found | held

    def q_value(self, params: Any, stats: Statistics) -> float:
        """Return Q with every constant, so that loglik = Q + entropy."""
        return sum(family.q_value(params, stats[family.key]) for family in self.families)

    def q_gradient(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return the gradient of Q per field, entries taken as free; no pass over data."""
        slopes: dict[str, Array] = {}
        for family in self.families:
            slopes |= family.q_gradient(params, stats[family.key])
        return slopes

    def q_hessian(self, params: Any, stats: Statistics, coordinates: str = "free") -> Array:
        """Return the Hessian of Q, shape (p, p).

        Parameters
        ----------
        coordinates : {"free", "standard"}
            In free coordinates the curvature of the charts is included.
        """
        if coordinates not in ("free", "standard"):
            raise ValueError(f"coordinates: {coordinates!r} found; the Hessian of Q knows 'free' and 'standard'")
        hessian: Array = block_diagonal(*[family.q_hessian(params, stats[family.key]) for family in self.families])
        if coordinates == "standard":
            return hessian
        return self.space.pull_hessian(params, hessian, self.q_gradient(params, stats))

    def projection(self, params: Any, stats: Statistics) -> Array:
        """Return the preconditioner P in standard entries (theorem T4); zero in rows and columns of held fields."""
        full = block_diagonal(*[family.projection(params, stats[family.key]) for family in self.families])
        free = np.concatenate([np.full(block.size, not isinstance(block, Held)) for block in self.space.blocks])
        return np.where(np.outer(free, free), full, 0.0)

    def remainder(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return EM step - P gradient, one array per field (theorem T4)."""
        left: dict[str, Array] = {}
        for family in self.families:
            held = self._held(family)
            # P of the families with closed forms given a held field leaves nothing: see `argmax_given`.
            left |= {name: np.zeros(np.shape(getattr(params, name))) for name in family.fields} if held else (
                family.remainder(params, stats[family.key]))
        return {name: np.asarray(value) for name, value in left.items()}
