"""A model with its data and coordinates: functions of one flat vector, and counters of what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.evaluation import differences
from emlib.evaluation.point import Evaluation, Memo, MStep
from emlib.evaluation.steps import Steps
from emlib.evaluation.threads import chosen_map
from emlib.model import Expectation, LatentVariableModel, Statistics, check_model
from emlib.numerics import Array, tree_sum

__all__ = ["Evaluation", "MStep", "Problem"]


class Problem:
    """Functions of one flat vector, all resting on a single E-step per point.

    Parameters
    ----------
    model : LatentVariableModel
    data : Data or raw data
        A large array of float64 in C order, or one mapped from a file by ``numpy.load(..., mmap_mode="r")``, is read
        where it lies and never copied: leave it as it is while the problem, or a result of it, is in use. `Chunks`
        are for data that do not fit into memory.
    coordinates : {"free", "standard", "mean"}
    map : callable, optional
        Like the builtin `map`; it may spread the chunks over machines.
    n_threads : int
        Threads that share the chunks between them; the bits of a result do not depend on it. With more than one the
        BLAS is held to one thread of its own where threadpoolctl is installed (it comes with the extra `fast`).
    sample_weight : array_like, optional
        How often each unit was seen.
    chunk_size : int, optional
        Units per chunk; the bits of a result depend on it, nothing else does. Default: 8192, and four times as many
        for an E-step that compiled loops serve (a model's `estep_chunk`).

    Attributes
    ----------
    n_estep, n_mstep : int
        Passes over the data at a new point (a Louis matrix counts at least one), and M-steps.
    limit : int or None
        The `n_estep` at which an algorithm that runs its own loop must stop.
    memo : Memo
        What is not computed again; see `emlib.evaluation.companions` for functions that read or set it.
    """

    def __init__(self, model: LatentVariableModel, data: Any, coordinates: str = "free", *,
                 map: Callable[..., Iterable[Any]] = map, n_threads: int = 1, sample_weight: Any = None,
                 chunk_size: int | None = None) -> None:
        check_model(model)
        self.model = model
        self.data: Data = model.as_data(data, sample_weight)
        self.n_estep = self.n_mstep = 0
        self.limit: int | None = None
        self.map = self.data.map or chosen_map(map, n_threads)
        self.chunk_size = chunk_size
        whole = chunk_size is None and isinstance(self.data.units, np.ndarray)  # else the bits hang on where it is cut
        self._passed = model.condensed(self.data) if whole else self.data
        self.enter(coordinates)

    def enter(self, coordinates: str) -> None:
        """Go over to these coordinates; what was remembered of points in others is forgotten, counters are not."""
        if coordinates == "mean":
            self.model.space.require_mean()
        self.coordinates, self.size, self.memo = coordinates, self.model.space.size(coordinates), Memo()
        self._basis = self.model.space.tangent_map() if coordinates == "standard" else None
        self._steps = self.batch_steps(len(self.data))

    def evaluate(self, x: Any) -> Evaluation:
        """Return loglik, entropy, statistics and gradient at x; the last point is remembered.

        Raises
        ------
        ValueError
            If x has the wrong length. A point outside the space is no error: see `Evaluation.fault`.
        """
        x = np.array(x, dtype=float)
        if self.memo.last is not None and np.array_equal(x, self.memo.last.x):
            return self.memo.last
        x.setflags(write=False)
        params = self.model.space.unpack(x, self.coordinates)
        fault = None if self._is_checked_m_step(x) else self.model.space.fault(params)
        # A probe of a line search may lie far out: what overflows there becomes a fault, not a warning.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self.memo.last = self._outside(x, params, fault) if fault else self._evaluate(x, params)
        return self.memo.last

    def _is_checked_m_step(self, x: Array) -> bool:
        """Return whether x is the last M-step's point and was found inside the space; to check again takes longer."""
        if self.memo.m_step is None or self.coordinates != "standard":
            return False
        target = self.memo.m_step[1]
        return target.fault is None and np.array_equal(x, target.x)

    def _evaluate(self, x: Array, params: Any) -> Evaluation:
        try:
            found = self.expectation(params)
            if not np.isfinite(found.loglik):
                why = "; the data are impossible there, look for zeros" if found.loglik == -np.inf else ""
                return self._outside(x, params, f"loglik: {found.loglik} at a point inside the space{why}")
            slopes = self.model.q_gradient(params, found.stats)
            gradient = self.model.space.pullback(params, slopes, self.coordinates)
        except np.linalg.LinAlgError as error:  # of a covariance that is on the edge, though inside
            return self._outside(x, params, f"loglik: {str(error).lower()} at a point inside the space")
        if not np.isfinite(gradient).all():
            return self._outside(x, params, "gradient: not finite at a point inside the space")
        return Evaluation(x, params, found.stats, found.loglik, found.entropy, gradient, found.magnitude)

    def _outside(self, x: Array, params: Any, fault: str) -> Evaluation:
        return Evaluation(x, params, Statistics({}), -np.inf, 0.0, np.zeros(self.size), 0.0, fault)

    def expectation(self, params: Any) -> Expectation:
        """Run one E-step over all chunks and add them up in a fixed order."""
        self.count_e_steps(1)
        total: Expectation = self._total(self.model.e_step_at(params))
        return total

    def batch_steps(self, size: int) -> Steps:
        """Return the steps for a pass over all units, so many at a time."""
        found = self.model.batch_steps(self.data, self.coordinates, -(-len(self.data) // size))
        # Those of a model within another one, which may do some things otherwise, would pass it by.
        own = isinstance(found, Steps) and found.model is self.model
        return found if own else Steps(self.model, self.data, self.coordinates)

    def missing_information(self, params: Any) -> Array:
        """Return the model's closed-form missing information in standard entries, summed over chunks."""
        self.count_e_steps(self.model.missing_information_cost())
        total: Array = self._total(partial(self.model.missing_information, params))
        return total

    def _total(self, function: Callable[[Data], Any]) -> Any:
        """Return the sum over chunks of what a function makes of each."""
        size = self.model.estep_chunk() if self.chunk_size is None else self.chunk_size
        return tree_sum(self.map(partial(_of_seen, function), self._passed.chunks(size)))

    def loglik(self, x: Any) -> float:
        """Return the total observed-data log-likelihood; minus infinity outside the space."""
        return self.evaluate(x).loglik

    def entropy(self, x: Any) -> float:
        """Return the joint posterior entropy, nats."""
        return self.evaluate(x).entropy

    def gradient(self, x: Any) -> Array:
        """Return the gradient of the log-likelihood, by Fisher's identity."""
        return self.evaluate(x).gradient

    def em_map(self, x: Any) -> Array:
        """Return M(x); not finite where the M-step leaves the space (see `m_step`)."""
        return self.m_step(self.evaluate(x)).x

    def m_step(self, evaluation: Evaluation) -> MStep:
        """Return the maximiser of Q given an evaluation; no pass over the data, never raises on numbers."""
        if evaluation.fault is not None:
            return MStep(np.full(self.size, np.nan), evaluation.params, evaluation.fault)
        if self.memo.m_step is None or self.memo.m_step[0] is not evaluation:
            self.count_m_steps(1)
            self.memo.m_step = (evaluation, self.packed(*self._steps.m_step(evaluation.stats)))
        return self.memo.m_step[1]

    def checked_m_step(self, params: Any) -> MStep:
        """Count parameters as an M-step and return them in the problem's coordinates, with what is wrong with them."""
        self.count_m_steps(1)
        return self.packed(*self._steps.checked(params))

    def packed(self, params: Any, fault: str | None) -> MStep:
        """Return parameters of an M-step, with what is wrong with them, in the problem's coordinates."""
        try:
            x = self.model.space.pack(params, self.coordinates)
        except ValueError as error:
            return MStep(np.full(self.size, np.nan), params, fault or str(error))
        return MStep(x, params, fault)

    def complete_information(self, evaluation: Evaluation) -> Array:
        """Return I_c = -d2Q(u | theta) at u = M(theta), free coordinates, shape (p, p); no pass over the data.

        There dQ = 0, so the matrix is positive definite and does not depend on the chart; at u = theta it
        can be indefinite (theorem T12). Where a probability of M(theta) vanishes, entries may not be finite.
        """
        if self.memo.complete is None or self.memo.complete[0] is not evaluation:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                found = -self.model.q_hessian(self.m_step(evaluation).params, evaluation.stats)
            self.memo.complete = (evaluation, found)
        return self.memo.complete[1].copy()  # to which a caller may add

    def hessian(self, x: Any) -> Array:
        """Return the Hessian of the log-likelihood, in closed form where the model has its missing information.

        Raises
        ------
        ValueError
            In mean coordinates.
        """
        here = self.evaluate(x)
        if self.coordinates == "mean":
            raise ValueError("coordinates: no Hessian in 'mean' coordinates; use 'free' or 'standard'")
        if self.memo.hessian is None or self.memo.hessian[0] is not here:
            self.memo.hessian = (here, self._hessian(here))
        return self.memo.hessian[1]

    def _hessian(self, here: Evaluation) -> Array:
        model, params = self.model, here.params
        if not model.supplies("missing_information"):
            bend = model.q_hessian(params, here.stats, self.coordinates)
            steps = differences.units(model.space, here.x, bend / self.data.n_units, self.coordinates)
            found = differences.hessian(self.gradient, here.x, steps)
            self.memo.last = here
            return found
        standard = model.q_hessian(params, here.stats, "standard") + self.missing_information(params)
        if self.coordinates == "standard":
            return standard
        return model.space.pull_hessian(params, standard, model.q_gradient(params, here.stats))

    def reduce(self, gradient: Array) -> Array:
        """Return the components of a gradient along the feasible directions."""
        return gradient if self._basis is None else self._basis.T @ gradient

    def lift(self, step: Array) -> Array:
        """Return the step of the flat vector with these components along the feasible directions."""
        return step if self._basis is None else self._basis @ step

    def count_e_steps(self, number: int) -> None:
        """Count E-steps, such as a pass over mini-batches that an algorithm makes by itself."""
        self.n_estep += number

    def count_m_steps(self, number: int) -> None:
        """Count M-steps, such as those after mini-batches that an algorithm makes by itself."""
        self.n_mstep += number

    def allow_e_steps(self, number: int) -> None:
        """Set the limit: so many E-steps from now on."""
        self.limit = self.n_estep + number

    def allows(self, number: int) -> bool:
        """Return whether the limit leaves room for so many E-steps more."""
        return self.limit is None or self.n_estep + number <= self.limit

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Leave the counters as they are, for work that an earlier run has counted."""
        counts = self.n_estep, self.n_mstep
        try:
            yield
        finally:
            self.n_estep, self.n_mstep = counts


def _of_seen(function: Callable[[Data], Any], chunk: Data) -> Any:
    return function(chunk.seen())
