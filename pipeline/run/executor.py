"""Tiles in parallel on Dask: threads, processes, a cluster of this machine, or a scheduler somewhere else."""

from __future__ import annotations

import ctypes
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Any, TypeVar

from ..config.run_config import DaskOptions
from ..errors import ConfigError

_T = TypeVar("_T")
_R = TypeVar("_R")

# Tiles in flight per worker: enough to keep workers busy, few enough that memory stays flat on any length of road.
_AHEAD = 4
_M_ARENA_MAX, _ARENAS = -8, 2  # malloc.h


def run_all(task: Callable[[_T], _R], items: Iterable[_T], options: DaskOptions) -> Iterator[_R]:
    """Results of ``task`` over ``items`` as they come, in no promised order; at most a few items are in flight.

    ``task`` must be a module-level function and its results picklable. ConfigError when a scheduler does not answer.
    """
    if options.scheduler in ("threads", "processes"):
        yield from _pooled(task, items, options)
    else:
        yield from _distributed(task, items, options)


def _pooled(task: Callable[[_T], _R], items: Iterable[_T], options: DaskOptions) -> Iterator[_R]:
    import dask

    if options.scheduler == "threads":
        few_arenas()
        pool: Any = ThreadPoolExecutor(options.workers)
    else:
        # Not fork: GDAL and OpenCV hold threads and locks that do not survive it.
        spawned = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(options.workers, mp_context=spawned, initializer=few_arenas)
    remaining = iter(items)
    call = dask.delayed(task, pure=False)
    with pool:
        while batch := list(islice(remaining, _AHEAD * options.workers)):
            # traverse=False: a job is one value; Dask must not walk into its tables.
            lazy = [call(dask.delayed(item, traverse=False)) for item in batch]
            yield from dask.compute(*lazy, scheduler=options.scheduler, pool=pool)


def few_arenas() -> None:
    """Let this process' threads share their heaps, where the C library is glibc.

    It gives each thread a heap of its own and hands little of it back, so that memory grows with the road although
    nothing is held.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    except (OSError, AttributeError):  # another C library
        return


def _distributed(task: Callable[[_T], _R], items: Iterable[_T], options: DaskOptions) -> Iterator[_R]:
    from distributed import Client, LocalCluster, as_completed

    with ExitStack() as stack:
        if options.scheduler == "local":
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=options.workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    # Without this Dask shows its dashboard, and with it the data, on every interface.
                    dashboard_address="127.0.0.1:0",
                    silence_logs=40,
                )
            )
            client = stack.enter_context(Client(cluster))
            ahead = _AHEAD * options.workers
        else:
            client = stack.enter_context(_connect(options.scheduler))
            ahead = _AHEAD * max(1, sum(client.nthreads().values()))
        remaining = iter(items)
        running = as_completed(client.submit(task, item, pure=False) for item in islice(remaining, ahead))
        for future in running:
            yield future.result()
            for item in islice(remaining, 1):
                running.add(client.submit(task, item, pure=False))


def _connect(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout="10s")
    except (OSError, TimeoutError) as error:
        raise ConfigError(
            f"dask.scheduler: {address} does not answer; is the scheduler running and reachable?"
        ) from error
