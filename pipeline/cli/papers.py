"""``luyu papers``: notices, clue sheets, dossiers, rankings and tables of spots from a ledger, as files in a folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import LuyuError
from ..model.audience import Audience, admitted
from . import OK
from .arguments import LedgerPath

if TYPE_CHECKING:
    from ..papers.desk import Desk, Selection

papers_app = typer.Typer(
    name="papers",
    help="Papers in Chinese from a ledger: notice, sheet, dossier, ranking, spots.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the papers go.", show_default=False)]
Run = Annotated[
    Path | None, typer.Option("--run", metavar="FOLDER", help="A run's folder: roads, zones, pictures, kilometres.")
]
County = Annotated[str | None, typer.Option(help="County code.")]
Township = Annotated[str | None, typer.Option(help="Township, code or name.")]
Numbers = Annotated[list[str] | None, typer.Argument(metavar="[CASE_NO]...", help="Only these.", show_default=False)]
Templates = Annotated[
    Path | None, typer.Option("--templates", metavar="FOLDER", help="Your own Word templates; what lacks is ours.")
]
Pdf = Annotated[bool, typer.Option("--pdf/--no-pdf", help="A PDF beside each paper, where LibreOffice is there.")]
For = Annotated[
    Audience, typer.Option("--audience", help="public: counts by township only, under a map approval number.")
]
Approval = Annotated[str | None, typer.Option("--map-approval", metavar="NUMBER", help="审图号, as on the approval.")]
Form = Annotated[str, typer.Option(help="check: clues to look at; rectify: a term for what officers confirmed.")]


@papers_app.command("notice")
def notices(
    ledger: LedgerPath,
    out: Out,
    numbers: Numbers = None,
    county: County = None,
    township: Township = None,
    form: Form = "check",
    to: Annotated[str, typer.Option("--to", help="Unit that is written to.")] = "",
    sender: Annotated[str, typer.Option("--from", help="Unit that writes.")] = "",
    contact: Annotated[str, typer.Option(help="Office and duty telephone.")] = "",
    run: Run = None,
    templates: Templates = None,
    pdf: Pdf = True,
    audience: For = Audience.INTERNAL,
    map_approval: Approval = None,
) -> int:
    """Draft notices, one for each township (a county's where townships are unknown)."""
    from ..papers.notice import NoticeForm, NoticeOptions

    if form not in {known.value for known in NoticeForm}:
        raise LuyuError(f"--form {form!r}: give check or rectify")
    chosen = _selection(county, township, numbers)
    options = NoticeOptions(addressee=to, sender=sender, contact=contact)
    with _desk(ledger, run, templates, audience, map_approval) as desk:
        made = _public(desk, chosen, audience, map_approval) or desk.notices(chosen, NoticeForm(form), options)
    return _written(made, out, pdf=pdf)


@papers_app.command("sheet")
def sheets(
    ledger: LedgerPath,
    out: Out,
    numbers: Numbers = None,
    county: County = None,
    township: Township = None,
    run: Run = None,
    templates: Templates = None,
    pdf: Pdf = True,
) -> int:
    """Clue sheets, one for each open case or for those named. They are about single places and never for the public."""
    with _desk(ledger, run, templates) as desk:
        made = desk.sheets(_selection(county, township, numbers))
    return _written(made, out, pdf=pdf)


@papers_app.command("dossier")
def dossiers(
    ledger: LedgerPath,
    out: Out,
    route: Annotated[str, typer.Option("--route", metavar="CODE", help="Route, as G311.", show_default=False)],
    section: Annotated[
        str | None, typer.Option(metavar="K1+200~K1+800", help="Stretch of it; without: all there is.")
    ] = None,
    county: County = None,
    run: Run = None,
    templates: Templates = None,
    pdf: Pdf = True,
    audience: For = Audience.INTERNAL,
    map_approval: Approval = None,
) -> int:
    """The dossier of a road section: its cases by stake, figures, coverage, assets, a strip sketch."""
    with _desk(ledger, run, templates, audience, map_approval) as desk:
        chosen = _selection(county, route=route)
        made = _public(desk, chosen, audience, map_approval) or desk.dossier(route, section, county, _today())
    return _written(made, out, pdf=pdf)


@papers_app.command("ranking")
def rankings(
    ledger: LedgerPath,
    out: Out,
    period: Annotated[str, typer.Option("--period", help="2024-11, 2024Q4 or two days.", show_default=False)],
    sender: Annotated[str, typer.Option("--from", help="Unit that publishes it.")] = "",
    run: Run = None,
    templates: Templates = None,
    pdf: Pdf = True,
    audience: For = Audience.INTERNAL,
    map_approval: Approval = None,
) -> int:
    """Counties side by side for a month or a quarter, each rate with numerator and denominator."""
    from ..ledger.period import Period

    named = Period.parse(period)
    with _desk(ledger, run, templates, audience, map_approval) as desk:
        chosen = _selection()
        made = _public(desk, chosen, audience, map_approval) or desk.ranking(named, sender, _today())
    return _written(made, out, pdf=pdf)


@papers_app.command("spots")
def spots(
    ledger: LedgerPath,
    out: Out,
    numbers: Numbers = None,
    county: County = None,
    township: Township = None,
    audience: For = Audience.INTERNAL,
    map_approval: Approval = None,
) -> int:
    """Tables of spots (图斑) under one dictionary of fields: .xlsx, .gpkg and a zipped shapefile in GBK."""
    with _desk(ledger, None, None, audience, map_approval) as desk:
        chosen = _selection(county, township, numbers)
        made = _public(desk, chosen, audience, map_approval) or desk.spots(chosen)
    return _written(made, out, pdf=False)


@contextmanager
def _desk(
    ledger: str,
    run: Path | None,
    templates: Path | None,
    audience: Audience = Audience.INTERNAL,
    map_approval: str | None = None,
) -> Iterator[Desk]:
    """The ledger opened for writing papers; refused before anything is read where the audience may not be served."""
    admitted(audience, map_approval)
    from ..ledger import Ledger
    from ..papers.desk import Desk
    from ..papers.source import RunFiles

    with Ledger.open(ledger, create=False) as opened:
        yield Desk(opened, RunFiles(run), templates)


def _selection(
    county: str | None = None, township: str | None = None, numbers: list[str] | None = None, route: str | None = None
) -> Selection:
    from ..papers.desk import Selection

    return Selection(county, township, route, tuple(numbers or ()))


def _public(desk: Desk, chosen: Selection, audience: Audience, map_approval: str | None) -> dict[str, bytes]:
    """What the public gets in place of any paper; nothing for an internal one."""
    return desk.public(chosen, map_approval or "", _today()) if audience is Audience.PUBLIC else {}


def _written(made: Mapping[str, bytes], out: Path, *, pdf: bool) -> int:
    """Every paper under its name, whole or not at all, and its PDF; what was written is said."""
    from ..files import write_bytes
    from ..papers.pdf import as_pdf, office
    from . import show

    paths = [out / name for name in made]
    for path in paths:
        write_bytes(path, made[path.name])
    written = [*paths, *(as_pdf(paths) if pdf else [])]
    for path in sorted(written):
        show.as_it_is(str(path))
    if pdf and office() is None:
        show.say("no PDF: LibreOffice (soffice) is not installed; print the .docx from Word, or install it")
    return OK


def _today() -> dt.date:
    from ..ledger.state import CHINA

    return dt.datetime.now(CHINA).date()
