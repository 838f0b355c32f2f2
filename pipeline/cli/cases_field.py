"""``luyu cases export`` and ``import``: a package for the field, and what comes back of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import OK
from .arguments import Json, LedgerPath


def register(cases_app: typer.Typer) -> None:
    """Add both commands to ``luyu cases``."""
    cases_app.command("export")(export_cases)
    cases_app.command("import")(import_cases)


def export_cases(
    ledger: LedgerPath,
    county: Annotated[str, typer.Option(help="County code.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder to be made.", show_default=False)],
    route: Annotated[str | None, typer.Option(help="Only of this route, such as G311.")] = None,
    open_only: Annotated[bool, typer.Option("--open/--all", help="Only cases that are open, or all.")] = True,
    most: Annotated[int | None, typer.Option(help="At most so many, the most urgent first.", min=1)] = None,
    as_json: Json = False,
) -> int:
    """Write a folder for the field: QField project, workbook and a place for photos."""
    from ..field import Choice, export
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        numbers = export(opened, Choice(county, route, open_only, most), out)
    if as_json:
        show.as_json({"folder": str(out), "cases": numbers})
    else:
        show.say(
            f"{out}: {len(numbers)} cases; cases.qgs for QField and QGIS, cases.xlsx for the desk, read_me.txt first"
        )
        show.say(f"back:  luyu cases import {out} --ledger {ledger}")
    return OK


def import_cases(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="PACKAGE",
            help="Folder of an export, its cases.gpkg or cases.xlsx, or a verdict file (.json).",
            show_default=False,
        ),
    ],
    ledger: LedgerPath,
    by: Annotated[str | None, typer.Option("--by", help="Who says so where a row bears no name.")] = None,
    far_m: Annotated[
        float, typer.Option("--far", metavar="M", help="Flag photos farther from their case, m.", min=1)
    ] = 500.0,
    as_json: Json = False,
) -> int:
    """Take verdicts and photos back from the field; a row that is wrong is refused with its place, the others go in."""
    from ..field import TakeBackOptions, take_back
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        report = take_back(place, opened, by=by, options=TakeBackOptions(far_m=far_m))
    show.as_json(report.as_dict()) if as_json else show.say(report.text())
    return report.exit_code
