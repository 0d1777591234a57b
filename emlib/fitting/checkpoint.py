"""Checkpoints: what a run needs to resume, with the same bits, after it was killed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, State
from emlib.data import Data
from emlib.data.chunks import Chunked
from emlib.evaluation.companions import restore
from emlib.fitting import npz_file
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import COLUMNS, Trace

WRITE_INTERVAL = 1.0  # seconds at least between two writes, so that quick iterations do not wait for the disk
SAME_LOGLIK = 1e-9  # relative; a larger difference in loglik comes from other code or another machine


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run between two iterations.

    Attributes
    ----------
    state : State
    best : Evaluation
    trace : Trace
        May grow later; its first `n_rows` rows belong to the snapshot.
    remembered : mapping of str to Evaluation or None
        What the problem would not count again.
    plain : mapping
        n_estep, n_mstep, n_rows, rate, remaining, exact, notes, coordinates and what else the run remembers.
    """

    state: State
    best: Evaluation
    trace: Trace
    remembered: Mapping[str, Evaluation | None]
    plain: Mapping[str, Any]


class Checkpoint:
    """The file of one run.

    Parameters
    ----------
    path : str or Path
        In a folder that exists; a file already there must be of the same run.
    problem, algorithm, tol, x0
        What makes it the same run.
    """

    def __init__(self, path: Any, problem: Problem, algorithm: Algorithm, tol: float, x0: Any) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint: there is no folder {self.path.parent}; make it or give another path")
        self._problem = problem
        self._identity = {
            "model": fingerprint(problem.model), "data": fingerprint(problem.data), "algorithm": fingerprint(algorithm),
            "coordinates": problem.coordinates, "chunk_size": str(problem.chunk_size), "tol": repr(float(tol)),
            "start": fingerprint(np.asarray(x0, dtype=float))}
        self._next = 0.0

    def due(self) -> bool:
        """Return whether the last write is long enough ago."""
        return time.monotonic() >= self._next

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file by one with this snapshot."""
        found = {"state": snapshot.state.evaluation, "best": snapshot.best, **snapshot.remembered}
        points: list[Evaluation] = list({id(item): item for item in found.values() if item is not None}.values())
        places = {name: None if item is None else [point is item for point in points].index(True)
                  for name, item in found.items()}
        rows = slice(snapshot.plain["n_rows"])
        arrays = {f"trace.{name}": np.asarray(snapshot.trace.columns[name][rows]) for name in COLUMNS}
        arrays["points"] = np.stack([point.x for point in points])
        memory = npz_file.encode(snapshot.state.memory, "memory", arrays)
        npz_file.write(self.path, {"identity": self._identity, "plain": dict(snapshot.plain), "places": places,
                                  "loglik": snapshot.state.evaluation.loglik, "memory": memory}, arrays)
        self._next = time.monotonic() + WRITE_INTERVAL

    def load(self) -> Snapshot | None:
        """Return the last snapshot, or None if there is no file yet; costs E-steps that are not counted.

        Raises
        ------
        ValueError
            If the file is damaged or of another run; the text names what differs.
        """
        if not self.path.exists():
            return None
        meta, arrays = npz_file.read(self.path)
        for name, value in self._identity.items():
            if meta["identity"][name] != value:
                raise ValueError(f"checkpoint: {self.path} was written with another {name}; give another path, or "
                                 "delete the file to start anew")
        self._problem.enter(meta["plain"]["coordinates"])
        found = self._evaluations(arrays["points"], meta["places"])
        here = found.pop("state")
        self._check(here, meta["loglik"])
        memory = npz_file.decode(meta["memory"], arrays, here.stats)
        trace = Trace({name: arrays[f"trace.{name}"].tolist() for name in COLUMNS})
        return Snapshot(State(here, memory), found.pop("best"), trace, found, meta["plain"])

    def _evaluations(self, points: Array, places: Mapping[str, int | None]) -> dict[str, Any]:
        """Evaluate the points again, and restore what the problem remembered."""
        with self._problem.uncounted():
            evaluated = [self._problem.evaluate(x) for x in points]
        found = {name: None if place is None else evaluated[place] for name, place in places.items()}
        restore(self._problem, {name: item for name, item in found.items() if name not in ("state", "best")})
        return found

    def _check(self, here: Evaluation, loglik: float) -> None:
        """Raise ValueError if this code or machine does not find the log-likelihood in the file."""
        if not abs(here.loglik - loglik) <= SAME_LOGLIK * here.magnitude:
            raise ValueError(f"checkpoint: {self.path} has log-likelihood {loglik!r} where this code finds "
                             f"{here.loglik!r}; delete the file to start anew")


def fingerprint(value: Any) -> str:
    """Return a digest of models, data or settings, the same in every process and for equal entries alone."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _units_fingerprint(data: Data) -> str:
    return fingerprint((data.units, data.weights))


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8))  # read where it lies, not copied
    elif isinstance(value, Chunked):
        _feed(digest, list(value.each(_units_fingerprint)))
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(digest, (type(value).__qualname__, *[(f.name, getattr(value, f.name)) for f in fields(value)]))
    elif isinstance(value, Mapping):
        _feed(digest, sorted(value.items()))
    elif isinstance(value, list | tuple | np.ndarray):
        digest.update(f"{len(value)}(".encode())
        for item in value:
            _feed(digest, item)
    elif callable(value):
        digest.update(getattr(value, "__qualname__", type(value).__qualname__).encode())
    else:
        digest.update(repr(value).encode() + b";")
