"""Progress of long work: a bar on a terminal, plain lines elsewhere, nothing where stdout must be JSON alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..words import shown

Step = Callable[[str, int, int], None]

_EVERY_S = 10.0


@contextmanager
def progress() -> Iterator[Step]:
    """A function ``(what, done, total)`` that shows how far the work has come, on stderr."""
    if sys.stderr.isatty():
        with _bar() as step:
            yield step
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, object] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(shown(what), total=total)
            bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

        yield step


def _lines() -> Step:
    last: dict[str, float] = {}

    def step(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done in (0, total) or now - last.get(what, 0.0) >= _EVERY_S:
            last[what] = now
            print(f"{shown(what)} {done}/{total}", file=sys.stderr, flush=True)  # noqa: T201

    return step
