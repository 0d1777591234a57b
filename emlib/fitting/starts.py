"""Runs from several starts, one after another or in processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from emlib.algorithms.base import Algorithm
from emlib.data import Data
from emlib.evaluation.differences import units
from emlib.evaluation.threads import one_blas_thread
from emlib.problem import Problem
from emlib.result import Result
from emlib.solve import solve

Outcome = TypeVar("Outcome")
SMALL_DATA = 10_000  # observations up to which the BLAS is held to one thread
LEAST_PROBABILITY = 1e-3  # to which zeros that are not known ones are lifted before a start is moved
HALVED = 0.5 ** np.arange(20.0)  # shares of the distance that are tried, until the point lies inside the space
SIGNAL_CHECK = 0.5  # seconds between two looks for a signal while waiting for processes


@dataclass(frozen=True)
class Start:
    """A start, the model whose held fields have its values, and a note of what was done to either."""

    model: Any
    params: Any
    note: str


@dataclass(frozen=True)
class Task:
    """The settings that all starts share; the fields are those of `fit`."""

    data: Data
    algorithm: Algorithm
    coordinates: str
    tol: float
    max_estep: int
    max_iter: int | None
    map: Callable[..., Iterable[Any]]
    n_threads: int
    chunk_size: int | None
    callback: Callable[..., Any] | None
    progress: bool
    checkpoint: Any
    fall_back: bool

    def run(self, start: Start, file: Any) -> Result:
        """Return the result of the run from one start."""
        problem = Problem(start.model, self.data, self.coordinates, map=self.map, n_threads=self.n_threads,
                          chunk_size=self.chunk_size)
        x0 = start.model.space.pack(start.params, problem.coordinates)
        # Threads of the BLAS wait for each other longer than they work on a few rows.
        with one_blas_thread() if self.data.n_observations <= SMALL_DATA else nullcontext():
            run = solve(problem, self.algorithm, x0, tol=self.tol, max_estep=self.max_estep, max_iter=self.max_iter,
                        callback=self.callback, progress=self.progress, checkpoint=file,
                        fall_back=self.fall_back)
        return replace(run, message=run.message + start.note)

    def checkpoint_of(self, index: int, count: int) -> Any:
        """Return the path of the checkpoint of one of `count` starts."""
        if self.checkpoint is None or count == 1:
            return self.checkpoint
        path = Path(self.checkpoint)
        return path.with_name(f"{path.stem}-{index}{path.suffix}")


def attempt(function: Callable[..., Outcome], *given: Any) -> Outcome | Exception:
    """Return what a function returns, or the error that it has raised: other starts may still arrive."""
    try:
        return function(*given)
    except Exception as error:  # whatever a model of the user's may raise
        return error


def moved(start: Start, data: Data, distance: float, rng: np.random.Generator) -> Start:
    """Return a start near another: each free coordinate is moved by a normal number of its units times the distance.

    The unit of a coordinate is its standard error from one unit of complete data, so that it follows the data's units.
    """
    space = start.model.space
    problem = Problem(start.model, data.sample())
    here = problem.evaluate(space.pack(space.lifted(start.params, LEAST_PROBABILITY)))
    if here.fault is not None:
        raise ValueError(f"start: {here.fault}")
    bend = start.model.q_hessian(here.params, here.stats) / problem.data.n_units
    size = units(space, here.x, bend, "free")
    for shrink in HALVED:
        params = space.unpack(here.x + distance * shrink * size * rng.standard_normal(len(here.x)))
        if space.fault(params) is None:
            break
    return replace(start, params=params)


def run_all(task: Task, starts: Sequence[Start | Exception], n_workers: int) -> list[Result | Exception]:
    """Return results, or errors, in the order of the starts; after an interruption those that there are.

    An error in the place of a start stays in its place.

    Notes
    -----
    Processes are started as `multiprocessing` does by default. Data go to each once and do not come back. Ctrl-C
    reaches them, too: what runs ends with what it has, and what has not begun is left out.
    """
    files = [task.checkpoint_of(index, len(starts)) for index in range(len(starts))]
    drawn = [(start, file) for start, file in zip(starts, files, strict=True) if isinstance(start, Start)]
    if len(starts) == 1 and drawn:
        return [task.run(*drawn[0])]
    if n_workers == 1 or not drawn:
        return _in_place(starts, [attempt(task.run, *given) for given in drawn])
    futures: list[Future[Result | Exception]] = []
    with ProcessPoolExecutor(min(n_workers, len(drawn)), initializer=_set_task, initargs=(task,)) as pool:
        try:
            futures.extend(pool.submit(_run_in_worker, *given) for given in drawn)
            # A signal that another thread receives is heard when this one wakes, hence not one long sleep.
            while wait(futures, timeout=SIGNAL_CHECK).not_done:
                pass
        except KeyboardInterrupt:
            stopped = [run.cancel() for run in futures]
            if all(stopped):
                raise
    done = [(start, run.result()) for (start, _), run in zip(drawn, futures, strict=False) if not run.cancelled()]
    return _in_place(starts, [run if isinstance(run, Exception) else replace(run, model=start.model, data=task.data)
                              for start, run in done])


def _in_place(starts: Sequence[Start | Exception], runs: Sequence[Result | Exception]) -> list[Result | Exception]:
    """Return the runs in order, with the errors of what was never drawn between them."""
    rest = iter(runs)
    found = (start if isinstance(start, Exception) else next(rest, None) for start in starts)
    return [each for each in found if each is not None]


_task: list[Task] = []  # of a worker process


def _set_task(task: Task) -> None:
    """Keep the task in a worker process, so that it is sent there once."""
    _task[:] = [task]


def _run_in_worker(start: Start, file: Any) -> Result | Exception:
    with one_blas_thread():
        found = attempt(_task[0].run, start, file)
        return found if isinstance(found, Exception) else replace(found, model=None, data=None)
