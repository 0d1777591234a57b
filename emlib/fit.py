"""`fit`: the front door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, check_algorithm, is_number
from emlib.algorithms.stopping import DEFAULT_TOL
from emlib.data import Data
from emlib.data.validate import counted, generator, positive_integer
from emlib.fitting.default import default_algorithm, falls_back
from emlib.fitting.starts import Start, Task, attempt, moved, run_all
from emlib.model import LatentVariableModel, check_model
from emlib.result import Result


def fit(model: LatentVariableModel, data: Any, *, start: Any = None, algorithm: Algorithm | None = None,
        n_starts: int = 1, around: float | None = None, rng: Any = None, tol: float = DEFAULT_TOL,
        max_estep: int = 5000, max_iter: int | None = None, sample_weight: Any = None, coordinates: str | None = None,
        callback: Callable[..., Any] | None = None, progress: bool = False, checkpoint: Any = None,
        map: Callable[..., Iterable[Any]] = map, n_threads: int = 1, n_workers: int = 1,
        chunk_size: int | None = None) -> Result:
    """Maximise the log-likelihood of a model; nothing but model and data is needed.

    Parameters
    ----------
    model : LatentVariableModel
        Fields in its `fixed` are held. So are those that the data say nothing about (the model's `held_by_default`,
        such as the initial state of a single series), at the start's values, which the message says and
        `result.model` shows; ``fixed={}`` estimates them, too.
    data : array_like, Data or Chunks
        As the model's `as_data` reads it. A large array of float64 is not copied, see `Problem`; data that do not fit
        into memory come in `Chunks`.
    start : parameters, mapping of fields or Result, optional
        The first start; fields that a mapping leaves out are drawn. Two equal components are nudged apart, and the
        message says so.
    algorithm : Algorithm, optional
        Default, by the clock: `Profile` for models that it serves; ten steps of `EM`, then `SQUAREM`, above 200
        parameters; `Adaptive` where Louis's matrix costs but an E-step or hidden variables are continuous, else
        `SQUAREM` before it, for 20 cycles or as many as a Hessian takes E-steps (a `Relay`). Where hidden variables are
        discrete and a step fails or leads to a collapse, the default goes on by EM steps.
    n_starts : int
        Starts to try; the best converged run is returned. One that raises, where it is drawn or on its way, is left
        out, and the message says so; if all raise, so does `fit`.
    around : float, optional
        Draw the further starts around `start`, not from the data: each free coordinate moves by this many of its
        standard deviations in one unit of complete data, such as 0.3; zeros of the start stay.
    rng : int, Generator or None
        For the starts, which look at 8192 units of the data, drawn at random where there are more. None draws a seed,
        which the result records.
    tol : float
        Estimated gain in loglik still to be had, nats.
    max_estep : int
        Budget of each start; a run stops at the first iteration that reaches it, and may exceed it by that one.
    max_iter : int, optional
        Budget of each start in iterations.
    sample_weight : array_like, optional
        How often each unit was seen.
    coordinates : str, optional
        In which the run begins, and the result has its `x` and `jac`. Default: the algorithm's own. They go with
        `algorithm`: many, the default of some models among them, work in 'free' ones only.
    callback, progress
        See `solve`.
    checkpoint : str or Path, optional
        See `solve`; needs `start` or `rng`, so that the run is the same one when it goes on. With several starts
        each has its own file, "name-0.ext", "name-1.ext", ...
    map, n_threads, chunk_size
        See `Problem`.
    n_workers : int
        Processes that share the starts between them, with the same bits as one after another; each gets the data
        once. For small data, where threads would wait for each other.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        For data, starts or options that have no meaning; the text names argument, finding and remedy.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import Linkage
    >>> result = emlib.fit(Linkage(), [125, 18, 20, 34], rng=0)
    >>> round(float(result.params.theta), 4)
    0.6268
    """
    check_model(model)
    positive_integer(n_starts, "n_starts")
    positive_integer(n_workers, "n_workers")
    if n_workers > 1 and (callback is not None or progress):
        raise ValueError(f"n_workers: {n_workers} found beside a callback or progress, which stay in one process; "
                         "leave one of them out")
    if checkpoint is not None and rng is None and (start is None or n_starts > 1):
        raise ValueError("checkpoint: every call would draw other starts; give rng a seed, or one start")
    units = model.as_data(data, sample_weight)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if rng is None else rng
    chooser = generator(seed)
    chosen = default_algorithm(model) if algorithm is None else algorithm
    check_algorithm(chosen)
    if around is not None:
        _check_around(around, start, n_starts)
    starts = _starts(model, units, start, around, n_starts, chooser)
    task = Task(units, chosen, coordinates or chosen.coordinates, tol, max_estep, max_iter, map, n_threads, chunk_size,
                callback, progress, checkpoint, algorithm is None and falls_back(model))
    return replace(_best(run_all(task, starts, n_workers), len(starts)), seed=seed, algorithm=chosen)


def _check_around(around: Any, start: Any, n_starts: int) -> None:
    """Refuse what says nothing of further starts around a given one."""
    if not is_number(around) or around <= 0:
        raise ValueError(f"around: {around!r} found; a positive number of standard deviations is needed, such as 0.3")
    if start is None or n_starts == 1:
        raise ValueError(f"around: {around!r} found with n_starts={n_starts} and start={start!r}; give the start that "
                         "the others lie around, and n_starts above 1")


def _starts(model: Any, data: Data, given: Any, around: float | None, count: int,
            rng: np.random.Generator) -> list[Start | Exception]:
    """Return the starts, with an error in the place of each that could not be drawn; a given one's is raised."""
    drawn = partial(_prepared, model, data, None)
    first = _prepared(model, data, given, rng) if given is not None or count == 1 else attempt(drawn, rng)
    further = drawn if around is None or isinstance(first, Exception) else partial(moved, first, data, around)
    return [first, *(attempt(further, rng) for _ in range(count - 1))]


def _prepared(model: Any, data: Data, given: Any, rng: np.random.Generator) -> Start:
    """Return a start, the model that its held fields belong to, and a note of what was done to either."""
    params, note = _start(model, data, given, rng)
    held, kept = _with_held(model, data, params)
    sparse, zeros = _with_zeros(held, data, params)
    open_ones = sparse.unidentified(data)
    return Start(sparse, sparse.space.hold(params),
                 note + kept + zeros + ("" if open_ones is None else f"; not identified: {open_ones}"))


def _start(model: LatentVariableModel, data: Data, given: Any, rng: np.random.Generator) -> tuple[Any, str]:
    """Return a validated start in which no two components agree, and what was done to it."""
    if given is None:
        return model.start(data.sample(), rng), ""
    given = getattr(given, "params", given)  # of a result
    fields = given if isinstance(given, Mapping) else {
        b.name: getattr(given, b.name, None) for b in model.space.blocks}
    if any(value is None for value in fields.values()):
        raise TypeError(f"start: {type(given).__name__} found; give model.params({', '.join(fields)})")
    names = {block.name for block in model.space.blocks}
    unknown = [name for name in fields if name not in names]
    if unknown:
        raise TypeError(f"start: {type(model).__name__} has no field {unknown[0]!r}; give some or all of "
                        f"{', '.join(block.name for block in model.space.blocks)}")
    if isinstance(given, Mapping) and set(fields) < names:  # the others are drawn
        drawn = model.start(data.sample(), rng)
        fields = {name: getattr(drawn, name) for name in names} | dict(fields)
    params = model.params(**fields)
    split = model.separate(params, data, rng)
    if split is None:
        return params, ""
    apart = model.space.hold(split[0])
    alone = np.array_equal(model.space.pack(apart, "standard"), model.space.pack(params, "standard"))
    return apart, "" if alone else f"; {split[1]} and were nudged apart"


def _with_held(model: Any, data: Data, params: Any) -> tuple[Any, str]:
    """Return the model with the fields held, too, that the data say nothing about; not where its `fixed` is empty."""
    known = {} if model.fixed is None else dict(model.fixed)
    names = [name for name in model.held_by_default(data) if name not in known]
    if not names or (model.fixed is not None and not known):
        return model, ""
    held = replace(model, fixed=known | {name: getattr(params, name) for name in names})
    return held, f"; held at the start's value: {', '.join(names)} (give the model fixed={{}} to estimate all)"


def _with_zeros(model: Any, data: Data, params: Any) -> tuple[Any, str]:
    """Return the model with those probabilities known to be zero that stay zero, or have their maximum there."""
    found = model.known_zeros(params, data)
    if not found:
        return model, ""
    blocks = {block.name: block for block in model.space.blocks}
    known = {name: np.where(blocks[name].support & ~mask, np.nan, 0.0) for name, (mask, _) in found.items()}
    note = ", ".join(f"{name} ({reason})" for name, (_, reason) in found.items())
    return replace(model, fixed={**(model.fixed or {}), **known}), f"; kept at zero: {note}"


def _best(found: list[Result | Exception], n_starts: int) -> Result:
    """Return the highest converged run, or the highest of all if none converged; raise the first error if all did."""
    runs, errors = [each for each in found if isinstance(each, Result)], [e for e in found if isinstance(e, Exception)]
    if not runs:
        raise errors[0]
    best = max(runs, key=lambda run: (run.success, run.objective))
    if n_starts == 1 or len(found) == 1:
        return best
    total, done = sum(run.n_estep for run in runs), sum(run.success for run in runs)
    note = f"; best of {counted(len(runs), 'start')} ({done} converged, {total} E-steps in all)"
    if errors:
        note += f"; {len(errors)} more ended with an error, the first with {type(errors[0]).__name__}: {errors[0]}"
    return replace(best, message=best.message + note)
