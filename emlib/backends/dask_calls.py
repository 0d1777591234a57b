"""Calls on the workers of a Dask cluster, made where their data are; a worker that is lost is no loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from distributed import Client, Future, get_client, wait

BATCH = 256  # results that come back at a time
PATIENCE = 1.0  # seconds after which it is looked whether the workers that hold the data are still there


def current_client() -> Client:
    """Return the client that the user has started; raise ValueError if there is none."""
    try:
        return get_client()
    except ValueError:
        raise ValueError("dask: no client found; start one first, as distributed.Client('tcp://scheduler:8786'), or "
                         "Client() for workers on this machine") from None


def near(client: Client, homes: Any, function: Callable[..., Any], part: Future[Any], *given: Any) -> Future[Any]:
    """Call a function where a part is, or elsewhere if that worker is lost; the result may be needed for long."""
    home = homes.get(part.key)
    more = {"workers": home, "allow_other_workers": True} if home else {}
    return client.submit(function, part, *given, pure=False, **more)


def results(client: Client, calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """Make the calls where their data are, and nowhere else unless the worker is lost; yield results in order."""
    data = [next((value for value in call if isinstance(value, Future)), None) for call in calls]
    found = client.who_has([future for future in data if future is not None]) if any(data) else {}
    homes = [() if future is None else found.get(future.key, ()) for future in data]
    futures = [client.submit(*call, pure=False, workers=home or None)
               for call, home in zip(calls, homes, strict=True)]
    for low in range(0, len(futures), BATCH):
        yield from _gathered(client, calls, futures, homes, slice(low, low + BATCH))


def _gathered(client: Client, calls: Any, futures: list[Any], homes: list[Any], batch: slice) -> list[Any]:
    """Return a batch of results; what waits for a worker that is no longer there is called anew, anywhere."""
    while True:
        try:
            wait(futures[batch], timeout=PATIENCE)
            found: list[Any] = client.sync(_awaited, client, futures[batch])
            return found
        except TimeoutError:
            alive = set(client.nthreads())
            for index, home in enumerate(homes):
                if home and not alive.intersection(home):
                    homes[index], futures[index] = (), client.submit(*calls[index], pure=False)


async def _awaited(client: Client, futures: list[Any]) -> Any:
    """Fetch what is ready; it may be lost on the way, and would then be waited for in vain."""
    return await asyncio.wait_for(client.gather(futures, asynchronous=True), 10 * PATIENCE)


def call_under(function: Callable[..., Any], settings: Any, *given: Any) -> Any:
    """Call a function under the caller's settings of NumPy's errors."""
    with np.errstate(**settings):
        return function(*given)
