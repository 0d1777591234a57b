"""Runs from several starts, one after another or in processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emlib.algorithms.base import Algorithm
from emlib.data import Data
from emlib.problem import Problem
from emlib.result import Result
from emlib.solve import solve
from emlib.threads import one_blas_thread

AWAKE = 0.5  # seconds after which who waits for processes looks whether a signal has come


@dataclass(frozen=True)
class Begun:
    """A start with the model whose held fields have its values, and what was done to either."""

    model: Any
    params: Any
    note: str


@dataclass(frozen=True)
class Task:
    """What is the same for all starts; the fields are those of `fit`."""

    data: Data
    algorithm: Algorithm
    coordinates: str
    tol: float
    max_estep: int
    map: Callable[..., Iterable[Any]]
    n_threads: int
    chunk_size: int | None
    callback: Callable[..., Any] | None
    progress: bool
    checkpoint: Any

    def run(self, begun: Begun, file: Any) -> Result:
        """Run from one start."""
        problem = Problem(begun.model, self.data, self.coordinates, map=self.map, n_threads=self.n_threads,
                          chunk_size=self.chunk_size)
        x0 = begun.model.space.pack(begun.params, problem.coordinates)
        run = solve(problem, self.algorithm, x0, tol=self.tol, max_estep=self.max_estep, callback=self.callback,
                    progress=self.progress, checkpoint=file)
        return replace(run, message=run.message + begun.note)

    def file(self, index: int, count: int) -> Any:
        """Return the checkpoint of one of so many starts."""
        if self.checkpoint is None or count == 1:
            return self.checkpoint
        path = Path(self.checkpoint)
        return path.with_name(f"{path.stem}-{index}{path.suffix}")


def run_all(task: Task, starts: Sequence[Begun], n_workers: int) -> list[Result]:
    """Return the results in the order of the starts; after an interruption those that there are.

    Notes
    -----
    Processes are started as `multiprocessing` does by default. Data go to each once and do not come back. Ctrl-C
    reaches them, too: what runs ends with what it has, and what has not begun is left out.
    """
    files = [task.file(index, len(starts)) for index in range(len(starts))]
    if n_workers == 1 or len(starts) == 1:
        return [task.run(*given) for given in zip(starts, files, strict=True)]
    under_way: list[Future[Result]] = []
    with ProcessPoolExecutor(min(n_workers, len(starts)), initializer=_adopt, initargs=(task,)) as pool:
        try:
            under_way.extend(pool.submit(_work, *given) for given in zip(starts, files, strict=True))
            # A signal that another thread receives is heard when this one wakes, hence not one long sleep.
            while wait(under_way, timeout=AWAKE).not_done:
                pass
        except KeyboardInterrupt:
            stopped = [run.cancel() for run in under_way]
            if all(stopped):
                raise
    done = [(begun, run.result()) for begun, run in zip(starts, under_way, strict=False) if not run.cancelled()]
    return [replace(run, model=begun.model, data=task.data) for begun, run in done]


_task: list[Task] = []  # of a worker process: what its runs have in common


def _adopt(task: Task) -> None:
    _task[:] = [task]


def _work(begun: Begun, file: Any) -> Result:
    with one_blas_thread():
        return replace(_task[0].run(begun, file), model=None, data=None)
