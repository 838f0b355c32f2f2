"""``luyu watch``: the main job again and again, each time only what is new."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from . import INCOMPLETE, OK
from .progress import progress

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CHINA = dt.timezone(dt.timedelta(hours=8))


def watch(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Run configuration, YAML.", show_default=False)],
    every: Annotated[str, typer.Option(metavar="TIME", help="How often to look for new images: 30m, 6h, 1d.")] = "6h",
    last_days: Annotated[
        int | None,
        typer.Option("--last-days", metavar="N", help="Let imagery.after be the last N days, anew each time.", min=1),
    ] = None,
    times: Annotated[int | None, typer.Option(help="Stop after so many rounds.", min=1)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key; repeatable.")
    ] = None,
) -> int:
    """Run again and again: new images are looked at as they come, findings, cases and maps follow.

    Where nothing is new, the days of imagery.after included, a round only plans and writes nothing. A round that fails (a
    server that is away, a full disk) is said, and the next one tries again. For cron, ``luyu run`` does one such round.
    """
    pause_s, code, done = _seconds(every), OK, 0
    while True:
        started = time.monotonic()
        code = _round(config, list(set_ or ()), last_days, first=done == 0)
        done += 1
        if times is not None and done >= times:
            return code
        time.sleep(max(0.0, pause_s - (time.monotonic() - started)))


def _round(config: Path, overrides: list[str], last_days: int | None, *, first: bool) -> int:
    """One run; what is wrong with the input from the start ends the watch, what goes wrong later does not."""
    from ..config import RunConfig
    from ..errors import ConfigError, LuyuError, Problems
    from ..net.hrefs import scrubbed
    from ..run.runner import run
    from . import show

    now = dt.datetime.now(_CHINA)
    if last_days is not None:
        since = now.date() - dt.timedelta(days=last_days)
        overrides = [*overrides, f"imagery.after={since}/{now.date()}"]
    show.say(f"\n{now:%Y-%m-%d %H:%M}")
    try:
        loaded = RunConfig.load(config, overrides)
        with progress() as step:
            report = run(loaded, on_step=step)
    except (LuyuError, OSError, MemoryError) as error:
        if first and isinstance(error, ConfigError | Problems):
            raise
        show.err(scrubbed(str(error) or type(error).__name__))
        return INCOMPLETE
    show.run_report(report)
    show.alarms(report)
    show.capped(report)
    return OK if report.complete else INCOMPLETE


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if not found:
        raise typer.BadParameter(f"{text!r} is no time; give a number with s, m, h or d, such as 6h")
    return float(found[1]) * _UNITS_S[found[2] or "s"]
