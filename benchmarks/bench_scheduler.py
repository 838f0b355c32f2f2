"""What the scheduler costs: per tile at 100,000 tiles, in memory, and in what a second core brings.

Prints milliseconds per item beside those of a bare thread pool and of Dask's own pool in batches, the share of a tile of
two seconds, memory at a tenth and at the end, and efficiency from one worker to two beside a bare process pool. The other
processes of the machine have a say in all of it: trust figures of an idle one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from multiprocessing import get_context
from statistics import median

import dask
import psutil

from pipeline.execution import DaskOptions, kept, run_all

TILE_S = 2.0
AHEAD = 8  # items in a batch of the peer, as many as ours has in flight


def nothing(item: int) -> int:
    return item


def busy(rounds: int) -> bytes:
    """One core for some tenths of a second; lets go of the interpreter, as OpenCV and onnxruntime do."""
    return hashlib.pbkdf2_hmac("sha256", b"luyu", b"bench", rounds)


def by_pool(items: Iterable[int]) -> Iterator[int]:
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(nothing, items)


def by_batches(items: Iterable[int]) -> Iterator[int]:
    remaining = iter(items)
    call = dask.delayed(nothing, pure=False)
    while batch := [call(item) for item in islice(remaining, AHEAD)]:
        yield from dask.compute(*batch, scheduler="threads", num_workers=2)


def overhead(name: str, run: Callable[[Iterable[int]], Iterator[int]], count: int) -> float:
    """Milliseconds per item of ``count``; prints them with the process' memory on the way."""
    results = run(range(count))
    next(results)
    began, done, memory = time.perf_counter(), 1, {}
    for done, _ in enumerate(results, start=2):
        if done in (count // 10, count):
            memory[done] = psutil.Process().memory_info().rss / 1e6
    each_ms = (time.perf_counter() - began) / done * 1e3
    told = ", ".join(f"{mb:.0f} MB at {at:,}" for at, mb in memory.items())
    print(f"{name:<28}{each_ms:8.3f} ms per item of {done:,}   {each_ms / TILE_S / 10:.3f} % of {TILE_S:g} s   {told}")
    return each_ms


def by(scheduler: str) -> Callable[[Iterable[int]], Iterator[int]]:
    options = DaskOptions(scheduler=scheduler, workers=2)
    return lambda items: run_all(nothing, items, options)


def ours(scheduler: str, workers: int, items: list[int]) -> float:
    options = DaskOptions(scheduler=scheduler, workers=workers)
    with kept(options):
        list(run_all(nothing, range(8 * workers), options))  # the workers are up
        began = time.perf_counter()
        assert len(list(run_all(busy, items, options))) == len(items)
        return time.perf_counter() - began


def bare(workers: int, items: list[int]) -> float:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(nothing, range(8 * workers)))
        began = time.perf_counter()
        assert len(list(pool.map(busy, items))) == len(items)
        return time.perf_counter() - began


def scaling(tiles: int, repeats: int) -> None:
    """Seconds of the same work by one worker over twice those by two, medians of interleaved tries."""
    began = time.perf_counter()
    busy(100_000)
    rounds = int(100_000 * 0.3 / (time.perf_counter() - began))
    items = [rounds] * tiles
    kinds: dict[str, Callable[[int], float]] = {
        "bare process pool": lambda workers: bare(workers, items),
        "luyu threads": lambda workers: ours("threads", workers, items),
        "luyu processes": lambda workers: ours("processes", workers, items),
    }
    seen: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(repeats):
        for name, seconds in kinds.items():
            seen[name].append(seconds(1) / (2 * seconds(2)))
    for name, efficiencies in seen.items():
        ratio = median(efficiencies) / median(seen["bare process pool"])
        print(f"{name:<28}efficiency 1 to 2 workers {median(efficiencies):.3f}   {ratio:.2f} of the bare pool's")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000, help="of no work, for threads; processes get a fifth")
    parser.add_argument("--tiles", type=int, default=24, help="of 0.3 s, for the efficiency")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    pool = overhead("bare thread pool", by_pool, args.items)
    batches = overhead("dask.compute in batches", by_batches, args.items // 5)
    for scheduler, count in (("threads", args.items), ("processes", args.items // 5)):
        each_ms = overhead(f"luyu {scheduler}", by(scheduler), count)
        print(f"{'':<28}{each_ms / pool:8.1f} x the bare pool, {each_ms / batches:.2f} x batches")
    scaling(args.tiles, args.repeats)


if __name__ == "__main__":
    main()
