"""Workers that are killed: no item is lost or doubled, one that kills workers fails alone, and others are not blamed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import work_tasks

from pipeline.execution import DaskOptions, kept, run_all
from pipeline.execution.executor import WorkerDiedError

pytestmark = pytest.mark.slow
CHANCE = np.random.default_rng()
ONE_RETRY = DaskOptions(scheduler="processes", workers=2, memory_gb=0.5, retries=1)


@pytest.fixture(scope="module", autouse=True)
def one_cluster() -> Iterator[None]:
    with kept(ONE_RETRY):
        yield


def cause(item: int, error: Exception) -> tuple[int, str]:
    return item, str(error)


def kill_workers(pauses_s: np.ndarray) -> None:
    for pause_s in pauses_s:
        time.sleep(pause_s)
        with suppress(psutil.NoSuchProcess):  # one is just starting anew
            children = psutil.Process().children(recursive=True)
            workers = [one.pid for one in children if "spawn_main" in " ".join(one.cmdline())]
            os.kill(int(CHANCE.choice(workers)), signal.SIGKILL)


def test_workers_killed_at_any_moment_cost_no_result_and_double_none() -> None:
    killer = threading.Thread(target=kill_workers, args=[CHANCE.uniform(0.0, 1.5, 4)])
    results = run_all(work_tasks.slow_square, range(120), ONE_RETRY)
    first = next(results)  # the workers are up
    killer.start()
    done = [first, *results]
    killer.join()
    assert sorted(done) == [value * value for value in range(120)]


def test_an_item_whose_worker_died_is_tried_again(tmp_path: Path) -> None:
    items = [(str(tmp_path), value) for value in range(12)]
    assert sorted(run_all(work_tasks.killed_once, items, ONE_RETRY)) == list(range(12))
    assert (tmp_path / "5").stat().st_size >= 2


def test_an_item_that_kills_its_workers_fails_alone() -> None:
    done = list(run_all(work_tasks.square_unless_poison, range(20), ONE_RETRY, failed=cause))
    lost = [one for one in done if isinstance(one, tuple)]
    assert sorted(one for one in done if not isinstance(one, tuple)) == [v * v for v in range(20) if v != 7]
    assert [item for item, _ in lost] == [7]
    assert "4 workers died at it, half of them with nothing else to do" in lost[0][1]
    assert "dask.memory_gb" in lost[0][1]


def test_without_a_way_to_fail_it_is_an_error() -> None:
    with pytest.raises(WorkerDiedError, match="workers died at it"):
        list(run_all(work_tasks.square_unless_poison, [7], ONE_RETRY))
    assert list(run_all(work_tasks.square, [3], ONE_RETRY)) == [9]  # the workers are there again


def test_an_item_too_large_for_its_worker_fails_with_the_limit_named() -> None:
    done = list(run_all(work_tasks.square_unless_large, range(6), ONE_RETRY, failed=cause))
    assert sorted(one for one in done if not isinstance(one, tuple)) == [v * v for v in range(6) if v != 3]
    (lost,) = [one for one in done if isinstance(one, tuple)]
    assert lost[0] == 3
    assert "out of memory (limit 0.5 GB)" in lost[1]
