"""``luyu doctor``: what stands in the way of a run on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import OK, REFUSED
from .arguments import Json

if TYPE_CHECKING:
    from ..doctor.finding import Asked, Finding

_MARKS = {"ok": "+", "note": ".", "warning": "!", "error": "X"}


def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="CONFIG", help="Run configuration: what it needs is looked at too.", show_default=False),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no host.")] = False,
    as_json: Json = False,
) -> int:
    """Look at libraries, console, fonts, disk, memory, network and ledger; writes nothing, reads no pixel."""
    from ..doctor.examine import examine, worst
    from ..doctor.finding import Level
    from . import show

    asked, refused = _asked(config, offline=offline)
    found = [*refused]
    if not as_json:
        for one in refused:
            show.say(_line(one))
    for one in examine(asked):
        found.append(one)
        if not as_json:
            show.say(_line(one))
    if as_json:
        show.as_json({"worst": worst(found).value, "findings": [one.told() for one in found]})
    return REFUSED if worst(found) is Level.ERROR else OK


def _asked(config: Path | None, *, offline: bool) -> tuple[Asked, list[Finding]]:
    """What is looked at, and why a configuration cannot be."""
    from ..doctor.finding import Asked, error
    from ..errors import LuyuError
    from ..net.hrefs import scrubbed
    from ..words.catalogue import catalogue

    if config is None:
        return Asked(offline=offline), []
    try:
        from ..config import RunConfig

        return Asked(RunConfig.load(config), offline=offline), []
    except (LuyuError, ImportError) as fault:
        told = scrubbed(str(fault))
        remedy = (
            "先改正配置（luyu check 一次列出全部问题）",
            "mend the configuration first (luyu check lists every fault)",
        )
        return Asked(offline=offline), [error("config", (catalogue().translated(told), told), remedy)]


def _line(one: Finding) -> str:
    """A finding in the reader's language, its remedy below."""
    from ..words.language import chinese

    place = 0 if chinese() else 1
    text = f"{_MARKS[one.level]} {one.level.word[place]}  {one.head[place]}: {one.what[place]}"
    return text if one.remedy is None else f"{text}\n    -> {one.remedy[place]}"
