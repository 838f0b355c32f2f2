"""People write at once, and are cut off: every act that was acknowledged is there, once, and standings agree with events."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.ledger import Ledger
from pipeline.ledger.database import open_engine
from pipeline.ledger.standing import fetch, folded

from .conftest import NOW, make_findings

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork to start and die cheaply"
)
ACTS = (("assigned", {}), ("undecided", {"reason": "no_access"}), ("escalated", {}))


def say(path: Path, name: str, count: int, acknowledged) -> None:
    with Ledger.open(path) as ledger:
        numbers = [case["case_no"] for case in ledger.cases()]
        for k in range(count):
            what, details = ACTS[min(k // len(numbers), 2)]
            at = NOW + dt.timedelta(seconds=k)
            ledger.advance(numbers[k % len(numbers)], what, name, at=at, details=details)
            acknowledged.send((numbers[k % len(numbers)], what, f"{name}@{k}", at.isoformat()))
    acknowledged.close()


def check(path: Path, told: list[tuple[str, str, str, str]], *, all_of_them: bool) -> None:
    with Ledger.open(path) as ledger:
        people = [event for event in ledger.events() if event["actor"] != "machine"]
    found = {(one["case_no"], one["what"], one["actor"], dt.datetime.fromisoformat(one["at"])) for one in people}
    said = {(no, what, key.split("@")[0], dt.datetime.fromisoformat(at)) for no, what, key, at in told}
    assert len(found) == len(people), "no act twice"
    assert said <= found
    assert said == found if all_of_them else len(found - said) <= 2  # written, and killed before it could be said
    engine = open_engine(path, create=False, wait_s=5)
    with engine.connect() as connection:
        states = {one.state.case_no: one for one in folded(connection)}
        assert states == fetch(connection, sorted(states))
    engine.dispose()


def start(path: Path, count: int):
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(2)]
    writers = [
        context.Process(target=say, args=(path, name, count, pipe[1])) for name, pipe in zip("WZ", pipes, strict=True)
    ]
    for writer, (_, end) in zip(writers, pipes, strict=True):
        writer.start()
        end.close()
    return writers, [receiver for receiver, _ in pipes]


def heard(receiver) -> list:
    told = []
    try:
        while True:
            told.append(receiver.recv())
    except EOFError:
        return told


@pytest.fixture
def settled(path):
    with Ledger.open(path) as ledger:
        ledger.settle(make_findings([(60 * n, 0) for n in range(40)]), run_id="r", now=NOW)
    return path


@needs_fork
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_writers_lose_nothing(settled, count):
    writers, receivers = start(settled, count)
    told = [one for receiver in receivers for one in heard(receiver)]
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert len(told) == 2 * count
    check(settled, told, all_of_them=True)


@needs_fork
def test_writers_that_are_killed_keep_what_was_acknowledged(settled):
    writers, receivers = start(settled, 10_000)
    time.sleep(float(np.random.default_rng(3).uniform(0.8, 1.6)))
    for writer in writers:
        writer.kill()
        writer.join(60)
    told = [one for receiver in receivers for one in heard(receiver)]
    assert told
    check(settled, told, all_of_them=False)
