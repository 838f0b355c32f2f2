"""Items through workers: few in flight, each result once, none lost with the worker that was at it."""

from __future__ import annotations

import math
import pickle
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from ..errors import ConfigError
from .clusters import client_of
from .options import DaskOptions
from .worker import Call

if TYPE_CHECKING:
    from distributed import Client, Future, KilledWorker

_T = TypeVar("_T")
_R = TypeVar("_R")

# Items in flight per worker: enough to keep workers busy, few enough that memory stays flat on any length of road.
_AHEAD = 4
_LOOK_S = 1.0  # between looks at how many workers there are
_AGAIN = "the same command goes on where it stopped"

_kept: dict[str, _Kept] = {}


class WorkerDiedError(ConfigError):
    """All workers that were at an item died of it, at last one that had nothing else to do."""


@dataclass
class _Kept:
    stack: ExitStack
    client: Client | None = None


@contextmanager
def kept(options: DaskOptions) -> Iterator[None]:
    """Within it, all that runs with these options runs on the same workers, started when they are first needed."""
    name = options.model_dump_json()
    if name in _kept:
        yield
        return
    with ExitStack() as stack:
        _kept[name] = _Kept(stack)
        try:
            yield
        finally:
            del _kept[name]


def run_all(
    task: Callable[[_T], _R],
    items: Iterable[_T],
    options: DaskOptions,
    *,
    failed: Callable[[_T, Exception], _R] | None = None,
) -> Iterator[_R]:
    """Results of ``task`` over ``items`` as they come, in no promised order; at most a few items are in flight.

    ``task`` must be a module-level function, items and results picklable. An item whose worker dies goes to another, at
    most ``options.retries`` times and then once more when nothing else runs; ``failed`` makes the result of one that
    kills them all, without it that raises WorkerDiedError. ConfigError when a scheduler does not answer, goes away, has
    no workers for long, or workers are of another version. No item, no scheduler.
    """
    remaining = iter(items)
    for first in remaining:
        with _client(options) as client:
            call = Call.of(task, same_machine=options.on_this_machine)
            yield from _Window(client, call, options).results(chain([first], remaining), failed)


@contextmanager
def _client(options: DaskOptions) -> Iterator[Client]:
    held = _kept.get(options.model_dump_json())
    if held is None:
        with client_of(options) as client:
            yield client
        return
    if held.client is None:
        held.client = held.stack.enter_context(client_of(options))
    yield held.client


class _Window:
    """Items under way at the same time, as many as there are workers for."""

    def __init__(self, client: Client, call: Call, options: DaskOptions) -> None:
        from distributed.client import ClosedClientError, FutureCancelledError

        self._lost = (ClosedClientError, FutureCancelledError, OSError, TimeoutError)
        self._client, self._call, self._options = client, call, options
        self._running: dict[Future, Any] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._threads, self._looked, self._seen = 0, -math.inf, time.monotonic()

    def results(self, items: Iterable[Any], failed: Callable[[Any, Exception], Any] | None) -> Iterator[Any]:
        """Each item's result; those that workers died of come last, one at a time, so that no other is blamed."""
        from distributed import KilledWorker

        suspects = []
        try:
            for item, future in self._through(items):
                try:
                    result = self._result(future)
                except KilledWorker:
                    suspects.append(item)
                    continue
                yield result
            for suspect in suspects:
                for item, future in self._through([suspect]):
                    try:
                        result = self._result(future)
                    except KilledWorker as error:
                        died = self._died(error)
                        if failed is None:
                            raise died from error
                        result = failed(item, died)
                    yield result
        finally:
            self._drop()

    def _through(self, items: Iterable[Any]) -> Iterator[tuple[Any, Future]]:
        """Items with their finished futures; the next items go in when the consumer comes back for more."""
        remaining = iter(items)
        self._fill(remaining)
        while self._running:
            future = self._next()
            item = self._running.pop(future)
            if future.cancelled():
                self._await_scheduler()
                self._submit(item)
                continue
            yield item, future
            del future  # its result is let go everywhere
            self._fill(remaining)

    def _fill(self, remaining: Iterator[Any]) -> None:
        if time.monotonic() - self._looked >= _LOOK_S:
            self._look()
        for item in islice(remaining, max(0, _AHEAD * max(1, self._threads) - len(self._running))):
            self._submit(item)

    def _submit(self, item: Any) -> None:
        # Dask remembers the last 100,000 names of tasks, some 40 MB; beyond that memory is flat.
        with self._scheduler_errors():
            future = self._client.submit(self._call, pickle.dumps(item), pure=False, key=f"luyu-{uuid4().hex}")
        self._running[future] = item
        future.add_done_callback(self._done.put)

    def _next(self) -> Future:
        while True:
            try:
                return self._done.get(timeout=_LOOK_S)
            except queue.Empty:
                self._look()

    def _look(self) -> None:
        """Count workers, which may have come or gone; ConfigError where there have been none for too long."""
        self._await_scheduler()
        with self._scheduler_errors():
            self._threads = sum(self._client.nthreads().values())
        self._looked = time.monotonic()
        cluster = self._client.cluster
        if self._threads < self._options.workers and hasattr(cluster, "worker_spec"):
            cluster.scale(len(cluster.worker_spec))  # what has gone for good is started anew
        if self._threads:
            self._seen = self._looked
        elif self._looked - self._seen > self._options.wait_s:
            raise ConfigError(
                f"dask.scheduler: {self._options.scheduler} has had no worker for {self._options.wait_s:.0f} s"
                f" (dask.wait_s); see why none starts; {_AGAIN}"
            )

    def _result(self, future: Future) -> Any:
        """What the task returned; KilledWorker where workers died of it, or of making it anew."""
        if future.status == "error":
            error = future.exception()
            if _lacks_luyu(error):
                raise ConfigError(
                    f"dask.scheduler: the scheduler or workers of {self._options.scheduler} cannot load luyu; install the"
                    " same version of it there"
                ) from error
            raise error
        with self._scheduler_errors():
            return future.result()

    def _await_scheduler(self) -> None:
        """Return once the client is connected; it tries by itself for some seconds and then closes."""
        while self._client.status == "connecting":
            time.sleep(0.05)
        if self._client.status != "running":
            raise self._gone()

    @contextmanager
    def _scheduler_errors(self) -> Iterator[None]:
        try:
            yield
        except self._lost as error:
            raise self._gone() from error

    def _gone(self) -> ConfigError:
        return ConfigError(
            f"dask.scheduler: {self._options.scheduler} went away in the midst of the work; start it again: {_AGAIN}"
        )

    def _died(self, error: KilledWorker) -> WorkerDiedError:
        limit = f" (limit {self._options.memory_gb:g} GB)" if self._options.memory_gb else ""
        return WorkerDiedError(
            f"{2 * (error.allowed_failures + 1)} workers died at it, half of them with nothing else to do:"
            f" out of memory{limit}, killed, or a library crashed; give workers more memory (dask.memory_gb) or make"
            " tiles smaller (imagery.tile_px)"
        )

    def _drop(self) -> None:
        """Call back what nobody waits for any more."""
        if self._running and self._client.status == "running":
            with suppress(*self._lost):
                self._client.cancel(list(self._running), force=True)
        self._running.clear()


def _lacks_luyu(error: BaseException) -> bool:
    missing = isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] == "pipeline"
    return missing or "deserialization of the task graph" in str(error)
