"""``luyu explain``: why something is a finding, or is none, term by term."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import OK
from .arguments import Json

if TYPE_CHECKING:
    from ..explain.subject import Subject


def explain(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="CASE_NO",
            help="Number of a case; with --run also an id of a finding or candidate.",
            show_default=False,
        ),
    ],
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="PATH", help="Ledger file, or postgresql:// URL.", show_default=False),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="RUN", help="Run folder: knows thresholds and candidates.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> int:
    """Why this is a finding, or is none: images, confidence, zone, law, priority, case, and what would have changed it."""
    from ..explain.explanation import explained
    from ..words.language import chinese
    from . import show

    told = explained(_subject(wanted, ledger, run))
    if as_json:
        show.as_json(told.told())
    else:
        for line in told.lines("zh" if chinese() else "en"):
            show.say(line)
    return OK


def _subject(wanted: str, ledger: str | None, run: Path | None) -> Subject:
    """What is asked for: a case of the ledger, else a finding or candidate of the run."""
    from ..errors import LuyuError
    from ..ledger import Ledger
    from ..run.explained import of_case, of_run, read_run

    stored = None if run is None else read_run(run, ledger)
    if ledger is not None:
        with Ledger.open(ledger, create=False) as opened:
            if stored is None or opened.statuses([wanted]):
                return of_case(opened, wanted, stored)
    if stored is None:
        raise LuyuError("explain: give --ledger PATH for a case, or --run RUN for a finding or candidate of a run")
    return of_run(stored, wanted)
