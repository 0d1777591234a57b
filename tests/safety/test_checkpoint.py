"""A run that was cut off goes on to the same bits; a file that is damaged or of another run is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import emlib
from emlib.algorithms import (
    ECG,
    EM,
    LBFGS,
    SGD,
    SQUAREM,
    Adam,
    Anderson,
    EMGradient,
    GradientAscent,
    IncrementalEM,
    Newton,
    OnlineEM,
    QSecant,
    QuasiNewtonEM,
    Switch,
    after,
)
from emlib.algorithms.base import Info, State
from emlib.fitting import checkpoint, npz_file
from emlib.fitting.checkpoint import fingerprint
from emlib.models import PoissonMixture
from tests.safety.killed import FITS, KILLS, bits, fit

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTS = [0, 0, 1, 1, 1, 2, 3, 5, 7, 8, 8, 11]
MODEL = PoissonMixture(2)


def test_fits_killed_at_random_moments_go_on_to_the_same_bits(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-m", "tests.safety.killed", str(tmp_path), "7"], cwd=ROOT, check=True,
                         capture_output=True, text=True, timeout=120)
    stories = [json.loads(line) for line in run.stdout.splitlines()]
    assert [story["name"] for story in stories] == list(FITS)
    for story in stories:
        assert story["same"], story
        assert story["killed"] == KILLS, story
        assert 0 < max(story["rows"]) < story["nit"] + 1, story
        assert story["rows"] == sorted(story["rows"]), story


class Stop(Exception):
    """Stands for a crash at a place of our choosing."""


def cut_off_after(n: int) -> Any:
    def callback(intermediate: Any) -> None:
        if intermediate.nit == n:
            raise Stop
    return callback


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WRITE_INTERVAL", 0.0)


ALGORITHMS = [None, EM(), Newton(), Switch(EM(), LBFGS(), after(2)), LBFGS(metric="identity"), GradientAscent(),
              IncrementalEM(4),
              ECG(), EMGradient(), SQUAREM(), SGD(batch_size=4), Adam(batch_size=4), OnlineEM(batch_size=4),
              OnlineEM(batch_size=4, average_after=1.5), Anderson(), QSecant(2), QuasiNewtonEM("standard"),
              Switch(EM(), Newton(), after(3))]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=repr)
@pytest.mark.parametrize("n", [1, 4])
def test_every_algorithm_goes_on(algorithm: Any, n: int, tmp_path: Path, every_step: None) -> None:
    """Same bits, same counters, wherever the run was cut off; and once more from the file of the finished run."""
    def run(**options: Any) -> Any:
        return emlib.fit(MODEL, COUNTS, rng=3, algorithm=algorithm, max_estep=60, **options)

    path = tmp_path / "run"
    with pytest.raises(Stop):
        run(checkpoint=path, callback=cut_off_after(n))
    undisturbed = bits(run())
    assert bits(run(checkpoint=path)) == undisturbed
    assert bits(run(checkpoint=path)) == undisturbed


def test_a_larger_budget_goes_on_from_a_spent_one(tmp_path: Path) -> None:
    options: dict[str, Any] = {"rng": 3, "algorithm": EM(), "checkpoint": tmp_path / "run"}
    assert emlib.fit(MODEL, COUNTS, max_estep=10, **options).stopped_by == "MAX_ESTEP"
    whole = emlib.fit(MODEL, COUNTS, rng=3, algorithm=EM())
    assert bits(emlib.fit(MODEL, COUNTS, **options)) == bits(whole)


def test_writes_wait_for_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second only the first state and the last are written."""
    written: list[int] = []
    honest = npz_file.write
    monkeypatch.setattr(npz_file, "write", lambda path, meta, arrays: (written.append(meta["plain"]["n_rows"]),
                                                                      honest(path, meta, arrays)))
    monkeypatch.setattr(checkpoint, "WRITE_INTERVAL", 3600.0)
    found = emlib.fit(MODEL, COUNTS, rng=3, checkpoint=tmp_path / "run")
    assert written == [1, found.nit + 1]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run"
    npz_file.write(path, {"a": 1}, {})
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        npz_file.write(path, {"a": 2}, {})
    assert npz_file.read(path)[0] == {"a": 1}


def finished(path: Path) -> bytes:
    emlib.fit(MODEL, COUNTS, rng=3, checkpoint=path)
    return path.read_bytes()


@pytest.mark.parametrize("place", [60, 100, 400, -1])
def test_one_wrong_byte_is_noticed(place: int, tmp_path: Path) -> None:
    path = tmp_path / "run"
    content = bytearray(finished(path))
    content[place] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"checkpoint: .*run is damaged, its checksum does not fit .*; delete it to"):
        emlib.fit(MODEL, COUNTS, rng=3, checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"PK", b"emlib checkpoint 0\n", b"\x80\x04N."])
def test_a_file_of_another_kind_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint of this version of emlib; give another path"):
        emlib.fit(MODEL, COUNTS, rng=3, checkpoint=path)
    assert path.read_bytes() == content


def test_half_a_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run"
    content = finished(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        emlib.fit(MODEL, COUNTS, rng=3, checkpoint=path)


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("model", {"model": PoissonMixture(2, fixed={"weights": [0.5, 0.5]})}), ("data", {"data": [*COUNTS[:-1], 12]}),
    ("data", {"sample_weight": np.ones(12)}), ("algorithm", {"algorithm": EM()}), ("tol", {"tol": 1e-9}),
    ("algorithm", {"algorithm": Switch(EM(), Newton(), after(3))}), ("chunk_size", {"chunk_size": 5}),
    ("start", {"rng": 4}),
    ("coordinates", {"algorithm": GradientAscent(), "coordinates": "standard"}),
]


@pytest.mark.parametrize(("what", "other"), OTHERS)
def test_a_file_of_another_run_is_refused_by_name(what: str, other: dict[str, Any], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"model": MODEL, "data": COUNTS, "rng": 3, "checkpoint": tmp_path / "run"}
    if what == "coordinates":
        settings["algorithm"] = other["algorithm"]
    emlib.fit(**settings)
    with pytest.raises(ValueError, match=f"was written with another {what}; give another path, or delete the file"):
        emlib.fit(**{**settings, **other})


def test_other_code_is_noticed(tmp_path: Path) -> None:
    """A file whose log-likelihood this code does not find."""
    path = tmp_path / "run"
    finished(path)
    meta, arrays = npz_file.read(path)
    npz_file.write(path, meta | {"loglik": meta["loglik"] + 1e-3}, arrays)
    with pytest.raises(ValueError, match=r"has log-likelihood -\d.* where this code finds -\d"):
        emlib.fit(MODEL, COUNTS, rng=3, checkpoint=path)


def test_several_starts_have_a_file_each(tmp_path: Path) -> None:
    path = tmp_path / "run.emlib"
    first = emlib.fit(MODEL, COUNTS, rng=3, n_starts=3, checkpoint=path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run-0.emlib", "run-1.emlib", "run-2.emlib"]
    assert bits(emlib.fit(MODEL, COUNTS, rng=3, n_starts=3, checkpoint=path)) == bits(first)


def test_paths_and_starts_without_a_meaning_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"checkpoint: there is no folder .*gone; make it or give another path"):
        emlib.fit(MODEL, COUNTS, rng=3, checkpoint=tmp_path / "gone" / "run")
    with pytest.raises(ValueError, match="checkpoint: every call would draw other starts; give rng a seed, or one st"):
        emlib.fit(MODEL, COUNTS, checkpoint=tmp_path / "run")


@dataclass(frozen=True)
class Forgetful:
    """An algorithm that remembers what no file can hold."""

    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = True

    def init(self, problem: Any, evaluation: Any) -> State:
        return State(evaluation, {"thing": object()})

    def step(self, problem: Any, state: State) -> tuple[State, Info]:
        raise AssertionError("refused before the first step")


def test_a_memory_that_no_file_can_hold_is_refused_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"checkpoint: memory.thing is of type object, which a checkpoint cannot hold"):
        emlib.fit(MODEL, COUNTS, rng=3, algorithm=Forgetful(), checkpoint=tmp_path / "run")


def test_what_is_put_in_comes_out() -> None:
    model, rows, _ = FITS["gaussian"]
    stats = model.e_step(fit("gaussian").params, model.as_data(rows)).stats
    value = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.float64(0.1), "c": 0.1, "d": True, "e": None, "f": "x",
             "g": (1, (2,)), "h": {"i": np.int64(3)}, "j": (stats, stats), "k": np.inf,
             "l": np.array(["a", "bc"])}
    arrays: dict[str, Any] = {}
    node = json.loads(json.dumps(npz_file.encode(value, "m", arrays)))
    back = npz_file.decode(node, arrays, stats)
    assert repr(back.keys()) == repr(value.keys())
    for name in "abcdefghkl":
        assert type(back[name]) is type(value[name])
        assert fingerprint(back[name]) == fingerprint(value[name])
    assert fingerprint(back["j"]) == fingerprint(value["j"])


def test_fingerprints_see_one_bit_and_not_the_place_in_memory() -> None:
    data = MODEL.as_data(COUNTS)
    assert fingerprint(data) == fingerprint(MODEL.as_data(list(COUNTS)))
    nudged = data.units.copy()
    nudged[3] = np.nextafter(nudged[3], 2)
    assert fingerprint(replace(data, units=nudged)) != fingerprint(data)
    assert fingerprint([np.ones(2), np.ones(1)]) != fingerprint([np.ones(1), np.ones(2)])
    assert fingerprint(np.array([[1, "a"]], dtype=object)) == fingerprint(np.array([[1, "a"]], dtype=object))
    assert fingerprint(len) != fingerprint(sum)


def test_ctrl_c_returns_the_best_so_far_and_the_file_goes_on(tmp_path: Path, every_step: None) -> None:
    def interrupt(intermediate: Any) -> None:
        if intermediate.nit == 5:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"rng": 3, "algorithm": EM(), "checkpoint": tmp_path / "run"}
    found = emlib.fit(MODEL, COUNTS, callback=interrupt, **options)
    assert found.stopped_by == "INTERRUPTED"
    assert not found.success
    assert found.nit == 5
    assert found.loglik == max(found.trace.loglik)
    assert bits(emlib.fit(MODEL, COUNTS, **options)) == bits(emlib.fit(MODEL, COUNTS, rng=3, algorithm=EM()))


def test_a_run_that_forgot_something_gives_other_bits(tmp_path: Path, every_step: None) -> None:
    """The control: without the pairs that L-BFGS remembered, the comparison by bits fails."""
    path = tmp_path / "run"
    options: dict[str, Any] = {"rng": 3, "algorithm": LBFGS()}
    with pytest.raises(Stop):
        emlib.fit(MODEL, COUNTS, checkpoint=path, callback=cut_off_after(4), **options)
    meta, arrays = npz_file.read(path)
    pairs = {name: arrays[name][:0] for name in ("memory.moves", "memory.changes")}
    assert len(arrays["memory.moves"]) > 1
    npz_file.write(path, meta, arrays | pairs)
    assert bits(emlib.fit(MODEL, COUNTS, checkpoint=path, **options)) != bits(emlib.fit(MODEL, COUNTS, **options))
