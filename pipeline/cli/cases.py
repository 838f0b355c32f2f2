"""``luyu cases``: look at the cases of a ledger and say what was found on the ground."""

from __future__ import annotations

from typing import Annotated

import typer

from . import OK

cases_app = typer.Typer(
    name="cases", help="Cases of a ledger: list, show, verdict.", no_args_is_help=True, rich_markup_mode=None
)

LedgerPath = Annotated[str, typer.Option("--ledger", metavar="PATH", help="Ledger file.", show_default=False)]
CaseNo = Annotated[str, typer.Argument(metavar="CASE_NO", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]


@cases_app.command("list")
def list_cases(
    ledger: LedgerPath, county: Annotated[str | None, typer.Option(help="County code.")] = None, as_json: Json = False
) -> int:
    """List the cases, of one county if asked."""
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        cases = opened.cases(county=county)
    show.as_json(cases) if as_json else show.cases(cases)
    return OK


@cases_app.command("show")
def show_case(case_no: CaseNo, ledger: LedgerPath, as_json: Json = False) -> int:
    """Show one case with all that happened to it."""
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        case = opened.case(case_no)
    show.as_json(case) if as_json else show.case(case)
    return OK


@cases_app.command("verdict")
def verdict(
    case_no: CaseNo,
    ledger: LedgerPath,
    by: Annotated[str, typer.Option("--by", help="Who says so.", show_default=False)],
    confirm: Annotated[bool, typer.Option("--confirm", help="Checked on the ground: it is so.")] = False,
    dismiss: Annotated[
        str | None, typer.Option("--dismiss", metavar="REASON", help="It is not so; the coded reason.")
    ] = None,
    rectified: Annotated[bool, typer.Option("--rectified", help="It has been put right.")] = False,
    note: Annotated[str, typer.Option(help="Free text.")] = "",
) -> int:
    """Enter what an officer found; what a person decides is never overwritten by a machine."""
    from ..errors import LedgerError
    from ..ledger import Ledger
    from . import show

    chosen = [("confirmed", confirm), ("dismissed", dismiss is not None), ("rectified", rectified)]
    what = [name for name, is_set in chosen if is_set]
    if len(what) != 1:
        raise LedgerError("cases verdict: give exactly one of --confirm, --dismiss REASON, --rectified")
    with Ledger.open(ledger, create=False) as opened:
        opened.advance(case_no, what[0], by, note, details={"reason": dismiss} if dismiss else None)
        case = opened.case(case_no)
    show.case(case)
    return OK
