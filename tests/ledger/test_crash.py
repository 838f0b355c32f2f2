"""Two writers at once, and writers that are killed: nothing lost, nothing doubled, nothing half."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger

from .conftest import NOW, make_findings
from .test_settle import dump

ROUNDS = [[(100 * n, 50 * row) for n in range(8)] for row in range(4)]


def settle_rounds(path: Path, start, answers) -> None:
    start.wait()
    with Ledger.open(path) as ledger:
        for place, places in enumerate(ROUNDS):
            found = make_findings(places, scene_after=[f"s{place}"] * len(places))
            answers.put(dict(zip(found["finding_id"], ledger.settle(found, run_id="r")["case_no"], strict=True)))


def test_two_processes_at_once_lose_and_double_nothing(path):
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    start, answers = context.Event(), context.Queue()
    workers = [context.Process(target=settle_rounds, args=(path, start, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    start.set()
    told: dict[str, set[str]] = {}
    for _ in range(2 * len(ROUNDS)):
        for finding, number in answers.get(timeout=60).items():
            told.setdefault(finding, set()).add(number)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert all(len(numbers) == 1 for numbers in told.values())
    with Ledger.open(path) as ledger:
        rows = ledger.cases()
    assert {row["case_no"] for row in rows} == {f"320322-201710-building-{seq:04d}" for seq in range(1, 33)}
    assert {row["observations"] for row in rows} == {1}


def settle_all(ledger: Ledger, rounds: int = len(ROUNDS)) -> None:
    for place, places in enumerate(ROUNDS[:rounds]):
        ledger.settle(make_findings(places, scene_after=[f"s{place}"] * len(places)), run_id="r", now=NOW)


def settle_until(path: Path, statement: int, rounds: int) -> None:
    """Settle, and die without warning just before the ``statement``-th statement that reaches the database."""
    count = iter(range(1, statement + 1))

    def die_in_time(*_args: object) -> None:
        if next(count) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", die_in_time)
    sa.event.listen(sa.engine.Engine, "commit", die_in_time)
    settle_calmly(path, rounds)


def settle_calmly(path: Path, rounds: int = len(ROUNDS)) -> None:
    with Ledger.open(path) as ledger:
        settle_all(ledger, rounds)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to die cheaply")
@pytest.mark.parametrize(("step", "rounds"), [(9, 4), pytest.param(1, 2, marks=pytest.mark.slow)])
def test_killed_at_any_statement_and_settled_again_equals_undisturbed(path, tmp_path, step, rounds):
    settle_calmly(path, rounds)
    calm, fork = dump(path), multiprocessing.get_context("fork")
    kept = set()
    for statement in range(1, 200, step):
        killed = tmp_path / f"killed{statement}.sqlite"
        child = fork.Process(target=settle_until, args=(killed, statement, rounds))
        child.start()
        child.join(60)
        if child.exitcode == 0:
            break  # there is no such statement any more
        assert child.exitcode == -signal.SIGKILL
        with Ledger.open(killed) as ledger:
            kept.add(len(ledger.cases()))
            settle_all(ledger, rounds)
        assert dump(killed) == calm
        with sqlite3.connect(killed) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    else:
        pytest.fail("the child was killed at every statement; the list above is too short to reach the end")
    assert kept == set(range(0, 8 * rounds, 8))  # rounds are whole or absent, the last one died before its commit


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to die cheaply")
def test_killed_at_random_moments_and_settled_again_equals_undisturbed(path, tmp_path):
    began = time.monotonic()
    settle_calmly(path)
    took, calm = time.monotonic() - began, dump(path)
    moments, fork = np.random.default_rng(7), multiprocessing.get_context("fork")
    for attempt in range(5):
        killed = tmp_path / f"killed{attempt}.sqlite"
        for _ in range(2):
            child = fork.Process(target=settle_calmly, args=(killed,))
            child.start()
            time.sleep(moments.uniform(0, took))
            child.kill()
            child.join(60)
        settle_calmly(killed)
        assert dump(killed) == calm
