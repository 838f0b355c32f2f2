"""``luyu check``: what a run would be given, said before it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..words import shown
from . import OK

_SHOWN = 12
_BY = {
    "entry": "its entry",
    "file": "file",
    "datum": "its datum",
    "format": "format",
    "looked at": "its bytes",
    ".cpg": "its .cpg",
    ".dbf": "its .dbf",
    "byte order mark": "its first bytes",
}


def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Run configuration, YAML.", show_default=False)],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A machine-readable summary on stdout.")] = False,
) -> int:
    """Validate configuration, catalogue, layers and images; list every problem at once, and write check.html."""
    from ..config import RunConfig
    from ..errors import Problems
    from ..run import check as checks
    from ..run.reads import planned_reads
    from . import show

    plan = checks.checked_plan(RunConfig.load(config, set_ or ()))
    if unknown := planned_reads(plan).unknown:
        raise Problems(show.without_header(unknown))
    made = checks.check(plan)
    page = checks.write_page(made)
    if as_json:
        show.as_json({**made.summary(), "page": str(page)})
        return OK
    for line in lines(made.summary()):
        show.as_it_is(line)
    show.say(f"check.html: {page}")
    show.say(f"{config}: nothing stands in the way of a run ({len(plan.tiles)} tiles, {plan.km_due:.1f} km)")
    return OK


def lines(summary: Mapping[str, Any]) -> list[str]:
    """Layers, routes and notes of a check, for people, in their language."""
    said = [line for report in summary["layers"] for line in _layer(report)]
    routes = summary["routes"]
    said += [
        shown(f"route {row['route_code']:<8} {row['sections']} sections, {row['km']:.3f} km, {row['posts']} posts")
        for row in routes[:_SHOWN]
    ]
    if len(routes) > _SHOWN:
        said.append(shown(f"and {len(routes) - _SHOWN} more routes; --json tells all"))
    return said + [shown(f"note: {note}") for note in summary["notes"]]


def _layer(report: Mapping[str, Any]) -> list[str]:
    inside = f" ({report['layer']})" if report["layer"] else ""
    text_by, crs_by = (shown(_BY.get(report[key], "")) for key in ("encoding_from", "crs_from"))
    text = shown(f", {report['encoding']} by {text_by}") if report["encoding"] else ""
    where = shown(f", {report['crs']} by {crs_by}") if report["crs"] else shown(", no coordinates")
    shift = shown(f", converted from {report['datum']}") if report["datum"] else ""
    error = "" if report["accuracy_m"] is None else shown(f", standard error {report['accuracy_m']:g} m")
    posts = shown(f", {report['posts']} posts from M") if report["posts"] else ""
    counts = shown(f"{report['kept']} of {report['read']} rows kept")
    counts += shown(f", {report['without_place']} by their stake") if report["without_place"] else ""
    rows = "".join(
        f"; {shown(word)}: {shown(_numbers(report[key]))}"
        for key, word in (("left_out", "left out"), ("repaired", "repaired"), ("repeated", "repeated"))
        if report[key]
    )
    return [
        f"{report['label']}: {report['path']}{inside}",
        f"  {report['driver']}{text}{where}{shift}{error}",
        f"  {counts}{posts}{rows}",
    ]


def _numbers(rows: Sequence[int]) -> str:
    numbers = ", ".join(map(str, rows[:_SHOWN]))
    more = len(rows) - _SHOWN
    if len(rows) == 1:
        return f"row {numbers}"
    return f"rows {numbers} and {more} more" if more > 0 else f"rows {numbers}"
