"""``luyu cases``: look at the cases of a ledger, and what people say of them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from . import OK, cases_field
from .arguments import Json, LedgerPath, known_reason

cases_app = typer.Typer(
    name="cases",
    help="Cases of a ledger: list, show, assign, verdict, deadlines, audit, export for the field, import back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

CaseNo = Annotated[str, typer.Argument(metavar="CASE_NO", show_default=False)]
By = Annotated[str, typer.Option("--by", help="Who says so.", show_default=False)]
Note = Annotated[str, typer.Option(help="Free text; no names, telephone numbers or plates.")]
On = Annotated[
    dt.datetime | None, typer.Option("--on", help="When it was said, China's time; default: now.", formats=["%Y-%m-%d"])
]
County = Annotated[str | None, typer.Option(help="County code.")]
Due = Annotated[str | None, typer.Option("--due", metavar="DAY", help="Deadline; default: by working days.")]
_NOON = dt.time(12, tzinfo=dt.timezone(dt.timedelta(hours=8)))

cases_field.register(cases_app)


@cases_app.command("list")
def list_cases(
    ledger: LedgerPath,
    county: County = None,
    kind: Annotated[str | None, typer.Option(help="Kind, such as building.")] = None,
    route: Annotated[str | None, typer.Option(help="Route, such as G311.")] = None,
    status: Annotated[str | None, typer.Option(help="Status, such as assigned.")] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only what somebody still has to do something about.")
    ] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose deadline has passed.")] = False,
    conflict: Annotated[bool, typer.Option("--conflict", help="Only those with contradicting verdicts.")] = False,
    as_json: Json = False,
) -> int:
    """List the cases, of one county if asked."""
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        rows = opened.cases(county=county, open_only=open_only)
    wanted: dict[str, object] = {"kind": kind, "route_code": route, "status": status}
    wanted |= {name: True for name, asked in (("overdue", overdue), ("conflict", conflict)) if asked}
    rows = [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())]
    show.as_json(rows) if as_json else show.cases(rows)
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


@cases_app.command("assign")
def assign(
    ledger: LedgerPath,
    by: By,
    to: Annotated[str, typer.Option("--to", help="Unit that is to check.", show_default=False)],
    cases: Annotated[list[str] | None, typer.Argument(metavar="CASE_NO...", show_default=False)] = None,
    county: Annotated[str | None, typer.Option(help="Instead of numbers: the most urgent of this county.")] = None,
    most: Annotated[int | None, typer.Option(help="With --county: most cases in a week.", min=1)] = None,
    due: Due = None,
    note: Note = "",
    on: On = None,
) -> int:
    """Hand cases over to a unit (交办): those named, or the week's most urgent of a county."""
    from ..errors import LedgerError
    from ..ledger import Ledger
    from ..ledger.workload import week_plan, week_start
    from . import show

    if (county is None) == (not cases) or (county is None) != (most is None):
        raise LedgerError("cases assign: give case numbers, or --county CODE with --most N")
    at = _moment(on)
    with Ledger.open(ledger, create=False) as opened:
        numbers = list(cases or ())
        if county is not None and most is not None:
            told = opened.events(county, since=week_start(at.astimezone(_NOON.tzinfo).date()))
            plan = week_plan(opened.cases(county, open_only=True), told, most_per_county=most)
            numbers = [str(case["case_no"]) for case in plan]
        for number in numbers:
            opened.advance(number, "assigned", by, note, at, details=_told(to=to, due_on=due))
        show.cases([opened.case(number) for number in numbers])
    return OK


@cases_app.command("verdict")
def verdict(
    case_no: CaseNo,
    ledger: LedgerPath,
    by: By,
    confirm: Annotated[bool, typer.Option("--confirm", help="Checked on the ground: it is so.")] = False,
    dismiss: Annotated[
        str | None, typer.Option("--dismiss", metavar="REASON", help="It is not so; the coded reason (cases reasons).")
    ] = None,
    cannot_tell: Annotated[
        str | None, typer.Option("--cannot-tell", metavar="REASON", help="Nothing can be said; the coded reason.")
    ] = None,
    rectified: Annotated[bool, typer.Option("--rectified", help="It has been put right.")] = False,
    note: Note = "",
    on: On = None,
) -> int:
    """Enter what an officer found; what a person decides is never overwritten by a machine."""
    from ..errors import LedgerError

    chosen = {
        "confirmed": confirm, "dismissed": dismiss is not None, "undecided": cannot_tell is not None,
        "rectified": rectified,
    }  # fmt: skip
    what = [name for name, is_set in chosen.items() if is_set]
    if len(what) != 1:
        raise LedgerError(
            "cases verdict: give exactly one of --confirm, --dismiss REASON, --cannot-tell REASON, --rectified"
        )
    known_reason(dismiss, cannot_tell)
    return _say(ledger, case_no, what[0], by, note, on, reason=dismiss or cannot_tell)


@cases_app.command("notify")
def notify(
    case_no: CaseNo,
    ledger: LedgerPath,
    by: By,
    due: Due = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Number of the notice.")] = None,
    note: Note = "",
    on: On = None,
) -> int:
    """Note that a term was set in writing (限期整改)."""
    return _say(ledger, case_no, "notified", by, note, on, due_on=due, ref=ref)


@cases_app.command("escalate")
def escalate(
    ledger: LedgerPath,
    by: Annotated[str | None, typer.Option("--by", help="Who says so.")] = None,
    case_no: Annotated[str | None, typer.Argument(metavar="CASE_NO", show_default=False)] = None,
    all_overdue: Annotated[bool, typer.Option("--overdue", help="Every case whose deadline has passed.")] = False,
    county: County = None,
    due: Due = None,
    note: Note = "",
    on: On = None,
) -> int:
    """Press for a case (督办), or for every overdue one, once for each deadline that has passed."""
    from ..errors import LedgerError
    from ..ledger import Ledger
    from . import show

    if (case_no is None) != all_overdue or (case_no is not None and by is None):
        raise LedgerError("cases escalate: give CASE_NO and --by NAME, or --overdue")
    if case_no is not None:
        return _say(ledger, case_no, "escalated", str(by), note, on, due_on=due)
    with Ledger.open(ledger, create=False) as opened:
        numbers = opened.escalate_overdue(county=county, now=_moment(on))
        show.cases([opened.case(number) for number in numbers])
    return OK


@cases_app.command("close")
def close(case_no: CaseNo, ledger: LedgerPath, by: By, note: Note = "", on: On = None) -> int:
    """Close a case that was put right (办结)."""
    return _say(ledger, case_no, "closed", by, note, on)


@cases_app.command("revisit")
def revisit(case_no: CaseNo, ledger: LedgerPath, by: By, note: Note = "", on: On = None) -> int:
    """Note that a closed case was looked at again (回访)."""
    return _say(ledger, case_no, "revisited", by, note, on)


@cases_app.command("reopen")
def reopen(case_no: CaseNo, ledger: LedgerPath, by: By, note: Note = "", on: On = None) -> int:
    """Take up again what was closed or dismissed."""
    return _say(ledger, case_no, "reopened", by, note, on)


@cases_app.command("audit")
def audit(
    ledger: LedgerPath,
    case_no: Annotated[str | None, typer.Argument(metavar="CASE_NO", show_default=False)] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who checked; not the one who dismissed.")] = None,
    agree: Annotated[bool, typer.Option("--agree", help="The dismissal is right.")] = False,
    disagree: Annotated[bool, typer.Option("--disagree", help="It is not; the case is taken up again.")] = False,
    period: Annotated[
        str | None, typer.Option(help="Draw a sample of the dismissals of a month, quarter or year.")
    ] = None,
    share: Annotated[float | None, typer.Option(help="Share of them, 0..1; default: the ledger's.")] = None,
    seed: Annotated[
        str, typer.Option(help="A word drawn after the period, so that no one could foresee the sample.")
    ] = "",
    county: County = None,
    note: Note = "",
    on: On = None,
    as_json: Json = False,
) -> int:
    """Draw dismissals for a second person to check (抽查复核), or enter what was found of one."""
    from ..errors import LedgerError
    from ..ledger import Ledger
    from ..ledger.audit import audit_sample
    from ..ledger.period import Period
    from . import show

    if case_no is not None:
        if by is None or agree == disagree:
            raise LedgerError("cases audit CASE_NO: give --by NAME and one of --agree, --disagree")
        return _say(ledger, case_no, "audited", by, note, on, outcome="agreed" if agree else "disagreed")
    if period is None:
        raise LedgerError(
            "cases audit: give CASE_NO with a verdict, or --period to draw a sample, e.g. --period 2024-11"
        )
    span = Period.parse(period)
    with Ledger.open(ledger, create=False) as opened:
        told = opened.events(county, since=span.begin, until=span.end)
        numbers = audit_sample(
            told, share=opened.options.audit_share if share is None else share, seed=f"{period} {seed}"
        )
        rows = [row for row in opened.cases(county) if row["case_no"] in set(numbers)]
    show.as_json(rows) if as_json else show.cases(rows)
    return OK


@cases_app.command("object")
def object_to(
    case_no: CaseNo,
    ledger: LedgerPath,
    by: Annotated[str, typer.Option("--by", help="Office that took the request in; not the party's name.")],
    note: Annotated[str, typer.Option(help="What is to be corrected; no personal data.", show_default=False)],
    ref: Annotated[str | None, typer.Option("--ref", help="Number under which the request was filed.")] = None,
    on: On = None,
) -> int:
    """Enter an affected party's request to correct a case (更正申请)."""
    return _say(ledger, case_no, "objected", by, note, on, ref=ref)


@cases_app.command("answer")
def answer(
    case_no: CaseNo,
    ledger: LedgerPath,
    by: By,
    uphold: Annotated[bool, typer.Option("--uphold", help="The request is right: the case is dismissed.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="It is not: the case goes on.")] = False,
    note: Note = "",
    on: On = None,
) -> int:
    """Answer a request to correct a case."""
    from ..errors import LedgerError

    if uphold == reject:
        raise LedgerError("cases answer: give one of --uphold, --reject")
    return _say(ledger, case_no, "answered", by, note, on, outcome="upheld" if uphold else "rejected")


@cases_app.command("reasons")
def reasons(as_json: Json = False) -> int:
    """The coded reasons of a dismissal, and of what cannot be told."""
    from ..ledger.reasons import REASONS, UNDECIDED
    from . import show

    rows = [
        {"code": one.code, "zh": one.zh, "en": one.en, "says": one.says.value, "cannot_tell": one.code in UNDECIDED}
        for one in REASONS.values()
    ]
    show.as_json(rows) if as_json else show.reasons(rows)
    return OK


def _say(ledger: str, case_no: str, what: str, by: str, note: str, on: dt.datetime | None, **told: str | None) -> int:
    from ..ledger import Ledger
    from . import show

    with Ledger.open(ledger, create=False) as opened:
        opened.advance(case_no, what, by, note, _moment(on), details=_told(**told))
        show.case(opened.case(case_no))
    return OK


def _told(**told: str | None) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


def _moment(on: dt.datetime | None) -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    return (
        now if on is None or on.date() == now.astimezone(_NOON.tzinfo).date() else dt.datetime.combine(on.date(), _NOON)
    )
