"""A map over threads: NumPy and the compiled loops release the interpreter while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from functools import cache
from importlib.util import find_spec
from typing import Any

from emlib.data.validate import positive_integer

CHUNKS_AHEAD = 2  # for each thread, read before their turn


def spread(n_threads: int) -> Callable[..., Iterable[Any]]:
    """Return a function like the builtin `map` that works on several threads and keeps the order of its results.

    Like `map` it reads as it goes: a few calls are under way at a time, however many there are.

    Parameters
    ----------
    n_threads : int
        1 is the builtin `map` itself.

    Raises
    ------
    ValueError
        If it is no positive integer.

    Notes
    -----
    Results are added up in a fixed order afterwards, so that their bits do not depend on the number of threads.
    Each call works under its caller's settings (such as `numpy.errstate`), which threads do not inherit.
    """
    positive_integer(n_threads, "n_threads")
    if n_threads == 1:
        return map

    def mapped(function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
        under_way: deque[Future[Any]] = deque()
        with one_blas_thread(), ThreadPoolExecutor(n_threads) as pool:
            for given in zip(*columns, strict=True):
                if len(under_way) == CHUNKS_AHEAD * n_threads:  # so that neither chunks nor results pile up
                    yield under_way.popleft().result()
                under_way.append(pool.submit(copy_context().run, function, *given))
            while under_way:
                yield under_way.popleft().result()

    return mapped


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep the BLAS from starting threads of its own in each of ours; needs threadpoolctl, else it may."""
    controller = _controller()
    limits: AbstractContextManager[Any] = nullcontext() if controller is None else controller.limit(limits=1)
    return limits


@cache
def _controller() -> Any:
    """Return the controller of the BLAS's threads, or None; made once, since it searches all loaded libraries.

    NumPy's and SciPy's are loaded before anything here can run.
    """
    if find_spec("threadpoolctl") is None:
        return None
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def chosen_map(given: Callable[..., Iterable[Any]], n_threads: int) -> Callable[..., Iterable[Any]]:
    """Return the map over threads, or the given one.

    Raises
    ------
    ValueError
        If several threads are asked for and another map is given, too.
    """
    threads = spread(n_threads)
    if n_threads > 1 and given is not map:
        raise ValueError(f"n_threads: {n_threads} found beside a `map` of your own; give one of the two")
    return threads if n_threads > 1 else given
