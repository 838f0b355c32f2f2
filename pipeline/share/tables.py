"""Contracts of the tables that are shared, and what each column and code is called.

Findings keep the contract that all rooms share (``model.tables.FINDINGS``) and the labels that all documents share
(``reports.labels``, ``reports.style``); said here is only what they do not know. Names of people are no columns: who a case
was assigned to, and who did what, stays in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..ledger.reasons import REASONS
from ..model.cause import Cause
from ..model.tables import FINDINGS, Table
from ..reports import labels, style
from ..reports.labels import Word, frozen

_AREAS = ("Polygon", "MultiPolygon")
_LINES = ("LineString", "MultiLineString")

CASES = Table(
    "cases",
    MappingProxyType(
        {
            "case_no": "str",
            "status": "str",
            "since": "datetime",
            "kind": "str",
            "county_code": "str",
            "county_name": "str",
            "township_name": "str",
            "route_code": "str",
            "stake": "str",
            "side": "str",
            "zone": "str",
            "area_m2": "float",
            "opened_on": "date",
            "last_seen_on": "date",
            "observations": "int",
            "updated_at": "datetime",
            "due_on": "date",
            "answer_due_on": "date",
            "reason": "str",
            "confidence": "float",
            "priority": "float",
            "sight": "str",
            "sight_on": "date",
            "gone_on": "date",
            "repeats": "int",
            "renewals": "int",
            "escalations": "int",
            "objection": "str",
            "audit": "str",
            "conflict": "bool",
            "merged_into": "str",
            "split_from": "str",
            "lon": "float",
            "lat": "float",
        }
    ),
    _AREAS,
)
COVERAGE = Table(
    "coverage",
    MappingProxyType(
        {"coverage_id": "str", "route_code": "str", "county_code": "str", "county_name": "str"}
        | dict.fromkeys(("km_due", "km_observed", "km_unobserved"), "float")
        | {"why": "str"}
        | {cause.column: "float" for cause in Cause}
    ),
    _LINES,
)
UNOBSERVED = Table(
    "unobserved",
    MappingProxyType(dict.fromkeys(("stretch_id", "route_code", "county_code", "county_name", "reason"), "str")),
    _LINES,
)
TOWNSHIP_COUNTS = Table(
    "townships",
    MappingProxyType(
        dict.fromkeys(("county_code", "county_name", "township_name", "kind", "status"), "str")
        | {"cases": "int", "few": "bool"}
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({t.name: t for t in (FINDINGS, CASES, COVERAGE, UNOBSERVED)})
"""What an internal share holds, by name."""

KEYS: Mapping[str, str] = MappingProxyType(
    {"findings": "finding_id", "cases": "case_no", "coverage": "coverage_id", "unobserved": "stretch_id"}
)
"""The column that names a row for good."""

TITLES = frozen(
    findings=("疑似线索", "clues (findings)"),
    cases=("案件", "cases"),
    coverage=("观测覆盖（按路线、县区）", "coverage by route and county"),
    unobserved=("未观测路段", "stretches not observed"),
    townships=("乡镇统计", "counts by township"),
)
SAYS = frozen(
    findings=("卫星影像提示的疑似线索，不作为处罚依据", "what images hint at; a clue, never a verdict"),
    cases=("由线索立案的案件及办理状态", "cases opened from clues, and where they stand"),
    coverage=(
        "应观测、已观测里程；线形为该路线在县区内的走向，不一定全部应观测",
        "kilometres due and observed; the line is the route within the county, not all of it need be due",
    ),
    unobserved=("未观测不等于没有问题", "not observed does not mean without problems"),
    townships=("按乡镇、类型、状态统计的案件数", "number of cases by township, kind and status"),
)

_LABELS: Mapping[str, Word] = MappingProxyType(
    {
        **labels.COLUMNS,
        **frozen(
            since=("状态起始时间", "status since"),
            opened_on=("立案影像日期", "opened by the image of"),
            last_seen_on=("最近见于影像", "last seen on"),
            observations=("影像观测次数", "times observed"),
            updated_at=("更新时间", "updated at"),
            due_on=("办理期限", "due on"),
            answer_due_on=("异议答复期限", "answer due on"),
            reason=("原因", "reason"),
            sight_on=("影像状态日期", "image state as of"),
            repeats=("复发次数", "times it came back"),
            renewals=("销号后新变化次数", "times something new happened after a dismissal"),
            escalations=("督办次数", "escalations"),
            objection=("异议", "objection"),
            audit=("抽查结论", "audit"),
            conflict=("外业结论冲突", "conflicting verdicts"),
            merged_into=("并入案件", "merged into"),
            split_from=("拆分自案件", "split from"),
            coverage_id=("覆盖编号", "coverage id"),
            stretch_id=("路段编号", "stretch id"),
            km_due=("应观测（km）", "due, km"),
            km_observed=("已观测（km）", "observed, km"),
            km_unobserved=("未观测（km）", "not observed, km"),
            why=("未观测原因及里程（km）", "why not observed, with km"),
            cases=("案件数", "number of cases"),
            few=("少于3件，不列数", "fewer than 3, number withheld"),
        ),
        **{c.column: Word(f"未观测：{c.zh}（km）", f"not observed, {c.en}, km") for c in Cause},
    }
)
_LABELS_OF: Mapping[tuple[str, str], Word] = MappingProxyType(
    {("cases", "sight"): Word("最新影像", "newest image"), ("unobserved", "reason"): Word("未观测原因", "cause")}
)


def _words(table: Mapping[str, object]) -> Mapping[str, Word]:
    return MappingProxyType({name: Word(entry.zh, entry.en) for name, entry in table.items()})  # type: ignore[attr-defined]


_CODES: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "kind": _words(style.KINDS),
        "zone": _words(style.ZONES),
        "membership": style.MEMBERSHIP,
        "zone_basis": style.BASIS,
        "side": style.SIDES,
        "status": style.STATUS,
        "transience": style.COURSE,
        "stage": style.STAGES,
        "permit_state": style.PERMIT_STATES,
        "sight": style.SIGHT,
        "asset_kind": style.ASSET_KINDS,
        "impact": style.IMPACTS,
        "objection": frozen(open=("待答复", "open"), upheld=("成立", "upheld"), rejected=("不成立", "rejected")),
        "audit": frozen(agreed=("一致", "agreed"), disagreed=("不一致", "disagreed")),
    }
)
_CODES_OF: Mapping[tuple[str, str], Mapping[str, Word]] = MappingProxyType(
    {
        ("cases", "reason"): _words(REASONS),
        ("unobserved", "reason"): style.REASONS,
        ("cases", "sight"): frozen(
            present=("影像仍见", "present"),
            gone=("影像显示消失", "gone"),
            grown=("影像显示扩大", "grown"),
            unseen=("未能看清", "cannot be seen"),
        ),
    }
)
SEVERAL = frozenset({"impact"})
"""Columns whose cells may hold several codes, with ``;`` between them."""


def label(table: str, column: str) -> Word:
    """What a column is called; KeyError for one that nobody has named."""
    return _LABELS_OF.get((table, column)) or _LABELS[column]


def codes(table: str, column: str) -> Mapping[str, Word]:
    """Codes that a column may hold, with their meaning; empty where it holds figures or free text."""
    return _CODES_OF.get((table, column)) or _CODES.get(column, MappingProxyType({}))
