"""Every scheduler gives every result once, keeps few items in flight, and listens on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
import work_tasks

from pipeline.execution import DaskOptions, kept, run_all

THREADS = DaskOptions(scheduler="threads", workers=2)
PROCESSES = DaskOptions(scheduler="processes", workers=2, env={"LUYU_TEST": "told"})
BOTH = pytest.mark.parametrize("options", [THREADS, PROCESSES], ids=lambda one: one.scheduler)


@pytest.fixture(scope="module", autouse=True)
def one_cluster() -> Iterator[None]:
    with kept(THREADS), kept(PROCESSES):
        yield


def listening() -> set[str]:
    """Addresses on which this process and its children listen."""
    me = psutil.Process()
    return {
        link.laddr.ip
        for one in (me, *me.children(recursive=True))
        for link in one.net_connections()
        if link.status == psutil.CONN_LISTEN
    }


@BOTH
def test_all_results_once(options: DaskOptions) -> None:
    done = list(run_all(work_tasks.square, range(100), options))
    assert sorted(done) == [value * value for value in range(100)]


def test_no_items_start_no_scheduler() -> None:
    assert list(run_all(work_tasks.square, [], DaskOptions(scheduler="tcp://127.0.0.1:9"))) == []


@BOTH
def test_what_is_not_consumed_counts_as_in_flight(options: DaskOptions) -> None:
    asked, taken, most = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal asked
        for value in range(200):
            asked += 1
            yield value

    for _ in run_all(work_tasks.square, items(), options):
        most = max(most, asked - taken)
        taken += 1
    assert taken == 200
    assert 2 <= most <= 8  # four a worker


@BOTH
def test_what_is_given_up_is_called_back(options: DaskOptions) -> None:
    results = run_all(work_tasks.slow_square, range(1000), options)
    next(results)
    results.close()
    assert next(run_all(work_tasks.square, [5], options)) == 25


@BOTH
def test_an_error_of_the_task_comes_as_it_is(options: DaskOptions) -> None:
    with pytest.raises(ZeroDivisionError):
        list(run_all(work_tasks.inverse, [1, 0], options))


@BOTH
def test_nothing_listens_beyond_this_machine(options: DaskOptions) -> None:
    list(run_all(work_tasks.square, [1], options))
    assert listening() == {"127.0.0.1"}


def test_workers_have_one_thread_for_each_library_and_what_the_configuration_says() -> None:
    (told,) = run_all(work_tasks.environment, [0], PROCESSES)
    assert {told[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")} == {"1"}
    assert told["MALLOC_ARENA_MAX"] == "2"
    assert told["LUYU_TEST"] == "told"


def test_kept_workers_serve_one_after_another() -> None:
    pids = {pid for _ in range(3) for pid in run_all(work_tasks.own_pid, range(8), PROCESSES)}
    assert len(pids) == 2
    with kept(PROCESSES):
        assert set(run_all(work_tasks.own_pid, range(8), PROCESSES)) <= pids
