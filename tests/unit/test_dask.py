"""A cluster of two processes: the bits of a local fit, whatever happens to a worker; the data stay where they are."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import dask.array
import numpy as np
import pytest
from dask.delayed import delayed
from distributed import Client, LocalCluster

import emlib
from emlib import Chunks
from emlib.algorithms import EM, IncrementalEM
from emlib.backends import dask as backend
from emlib.backends import dask_calls
from emlib.backends.dask import dask_data, dask_map
from emlib.fitting.checkpoint import fingerprint
from emlib.models import CategoricalHMM, GaussianMixture, RegressionMixture

DRAWN = np.random.default_rng(0)
ROWS = DRAWN.normal(size=(10_000, 4)) + 3.0 * DRAWN.integers(0, 2, (10_000, 1))
WEIGHTS = DRAWN.integers(0, 3, 10_000)
CHAINS = [DRAWN.integers(0, 2, length) for length in DRAWN.integers(2, 30, 40)]
MIXTURE = GaussianMixture(2, 4)
SIZE = 3000  # so that blocks of 8192 units lie across chunks
OPTIONS: dict[str, Any] = {"rng": 1, "algorithm": EM(), "max_estep": 4, "chunk_size": 2000}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as pair, Client(pair) as found:
        yield found


def local(whole: Any, size: int = SIZE) -> Chunks:
    return Chunks([whole[low:low + size] for low in range(0, len(whole), size)])


def far(rows: Any) -> Any:
    """As a Dask array, in chunks of columns, too."""
    return dask.array.from_array(rows, chunks=(SIZE, 2)[:rows.ndim])


def same(one: Any, other: Any) -> None:
    assert one.n_estep == other.n_estep
    assert one.loglik == other.loglik
    assert np.array_equal(one.x, other.x)


def test_without_a_client_the_remedy_is_named() -> None:
    """First in the file: the others share a client."""
    with pytest.raises(ValueError, match="dask: no client found; start one first"):
        dask_map(abs, [1])


def test_the_bits_are_those_of_a_local_fit(client: Client) -> None:
    same(emlib.fit(MIXTURE, far(ROWS), **OPTIONS), emlib.fit(MIXTURE, local(ROWS), **OPTIONS))
    other = emlib.fit(MIXTURE, local(ROWS), **{**OPTIONS, "chunk_size": 1999})  # the comparison does see the cuts
    assert not np.array_equal(other.x, emlib.fit(MIXTURE, local(ROWS), **OPTIONS).x)


def test_weights_pairs_and_sequences_travel_well(client: Client) -> None:
    weighted = emlib.fit(MIXTURE, far(ROWS), sample_weight=far(WEIGHTS), **OPTIONS)
    same(weighted, emlib.fit(MIXTURE, local(ROWS), sample_weight=local(WEIGHTS), **OPTIONS))
    design, response = ROWS[:, :1], ROWS[:, 1]
    cuts = [slice(low, low + SIZE) for low in range(0, len(ROWS), SIZE)]
    model, pairs = RegressionMixture(2, 1), Chunks([(design[cut], response[cut]) for cut in cuts])
    same(emlib.fit(model, (far(design), far(response)), **OPTIONS), emlib.fit(model, pairs, **OPTIONS))
    chains = [CHAINS[:13], CHAINS[13:]]
    same(emlib.fit(CategoricalHMM(2, 2), [delayed(part) for part in chains], **OPTIONS),
         emlib.fit(CategoricalHMM(2, 2), Chunks(chains), **OPTIONS))


def kills(client: Client, done: list[int], intermediate_result: Any) -> None:
    """Kill a worker once, in the middle of a fit."""
    if intermediate_result.nit == 2 and not done:
        done.extend(client.run(os.getpid).values())
        os.kill(done[0], signal.SIGKILL)


def test_a_worker_that_is_killed_changes_nothing(client: Client) -> None:
    done: list[int] = []
    found = emlib.fit(MIXTURE, far(ROWS), callback=partial(kills, client, done), **OPTIONS)
    assert len(done) == 2
    same(found, emlib.fit(MIXTURE, local(ROWS), **OPTIONS))
    client.wait_for_workers(2)
    assert set(client.run(os.getpid).values()) != set(done)


def test_a_call_whose_worker_is_gone_is_made_elsewhere(client: Client) -> None:
    part = client.scatter(MIXTURE.as_data(ROWS[:100]))
    calls = [(len, part), (len, part)]
    futures = [client.submit(len, part, workers=home, pure=False) for home in ("tcp://127.0.0.1:9", None)]
    found = dask_calls._gathered(client, calls, futures, [("tcp://127.0.0.1:9",), ()], slice(0, 2))
    assert found == [100, 100]


def sent(client: Client) -> int:
    """Bytes of results that the workers have given away, by Dask's own count."""
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def test_only_statistics_travel(client: Client) -> None:
    problem = emlib.Problem(MIXTURE, far(ROWS), chunk_size=2000)
    params = MIXTURE.start(problem.data.sample(), np.random.default_rng(0))
    before = sent(client)
    problem.expectation(params)
    assert sent(client) - before < 0.01 * ROWS.nbytes
    before = sent(client)
    assert sum(map(len, dask_map(keep, problem.data.chunks(2000)))) == len(ROWS)  # the count would see the rows
    assert sent(client) - before >= ROWS.nbytes


def keep(data: Any) -> Any:
    return data


def test_a_run_goes_on_here_or_there(client: Client) -> None:
    there, here = dask_data(MIXTURE, far(ROWS)), MIXTURE.as_data(local(ROWS))
    assert fingerprint(there) == fingerprint(here)
    changed = ROWS.copy()
    changed[7000, 3] += 1e-9
    assert fingerprint(dask_data(MIXTURE, far(changed))) != fingerprint(here)


def refused(index: int) -> Any:
    with np.errstate(divide="ignore"):
        raise np.linalg.LinAlgError(f"refused {index}")


def settings(index: int) -> tuple[int, str]:
    return index, np.geterr()["over"]


def test_the_map_keeps_order_settings_and_errors(client: Client) -> None:
    with np.errstate(over="raise"):
        assert list(dask_map(settings, range(5))) == [(index, "raise") for index in range(5)]
    with pytest.raises(np.linalg.LinAlgError, match="refused 0"):
        list(dask_map(refused, range(1)))
    same(emlib.fit(MIXTURE, ROWS, map=dask_map, **OPTIONS), emlib.fit(MIXTURE, ROWS, **OPTIONS))


def test_what_cannot_be_done_is_said(client: Client) -> None:
    bad = ROWS.copy()
    bad[7000, 1] = np.nan
    with pytest.raises(ValueError, match=r"chunk 2 of data: entry \[1000, 1\] is nan; remove or impute it"):
        emlib.fit(MIXTURE, far(bad), **OPTIONS)
    with pytest.raises(ValueError, match="sample_weight: 1 chunks found, the data have 4; give one for each"):
        emlib.fit(MIXTURE, far(ROWS), sample_weight=far(WEIGHTS[:SIZE]), **OPTIONS)
    with pytest.raises(ValueError, match="they stay on the workers of a cluster, where this algorithm does not go"):
        emlib.fit(MIXTURE, far(ROWS), **{**OPTIONS, "algorithm": IncrementalEM(2000)})


@pytest.mark.parametrize("lengths", [(5,), (4, 4), (1, 9, 2), (3, 3, 3, 3), (8, 1), (1,) * 9])
def test_blocks_are_cut_across_the_parts(lengths: tuple[int, ...]) -> None:
    cuts = list(backend._cuts(lengths, 4))
    sizes = [sum(high - low for _, low, high in block) for block in cuts]
    assert sizes[:-1] == [4] * (len(sizes) - 1)
    flat = [(index, row) for block in cuts for index, low, high in block for row in range(low, high)]
    assert flat == [(index, row) for index, length in enumerate(lengths) for row in range(length)]
