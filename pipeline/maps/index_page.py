"""The overview of a run: the area at a glance, one small drawing, charts without script, and links to counties' maps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import jinja2
import pandas as pd

from ..reports import labels, offline, ranking, style, values, watched
from ..reports.labels import Word
from ..reports.pages import IndexPage, by_priority, lonlat, records
from . import index_cases, index_rows
from .index_map import corners, drawing
from .index_rows import county_link
from .index_words import TREND, WORDS, pair

__all__ = ["county_link", "render"]


def render(summary: IndexPage) -> str:
    """The overview as HTML text; the same input gives the same text. Raises LuyuError when a table has no CRS."""
    findings = by_priority(lonlat(summary.findings, "findings"))
    table = ranking.rank(summary.counties, findings, summary.coverage)
    kinds = ranking.kinds_of(findings)
    clues = dict(zip(table["county_code"], (int(count) for count in table["findings"]), strict=True))
    page = _environment().get_template("index.html.jinja").render(
        csp_mark=offline.CSP_MARK,
        css=offline.asset("page.css") + _own("index.css") + _own("index_charts.css"),
        js=_own("lang.js") + _own("index_print.js"),
        w=WORDS,
        words=ranking.COLUMNS,
        trend_words=TREND,
        title=values.text(summary.title),
        facts=index_rows.facts(summary.meta),
        foot=foot(summary.meta.get("credit")),
        internal=style.INTERNAL,
        disclaimer=style.DISCLAIMER,
        kinds=[(kind, style.kind_style(kind), corners(style.kind_style(kind).shape, 6.0)) for kind in kinds],
        rows=index_rows.ranking_rows(table, kinds, summary.files),
        total=index_rows.ranking_total(table, kinds),
        drawing=drawing(summary.counties, summary.roads, findings, clues),
        coverage=index_rows.coverage_rows(summary.coverage),
        alarms=[alarm_words(alarm) for alarm in summary.alarms],
        campaign=watched.campaign_line(summary.campaign),
        spots=index_rows.hot_spots(summary.hot_spots),
        sizes=index_rows.size_rows(summary.sizes),
        files=index_rows.file_links(summary.files),
        **_of_ledger(summary, table),
    )  # fmt: skip
    return offline.seal(page)


def _of_ledger(summary: IndexPage, table: pd.DataFrame) -> dict[str, Any]:
    """What a ledger tells; empty without one."""
    names = {row["county_code"]: row["county_name"] for row in records(table)}
    by_county = index_cases.named(summary.trend_by_county, names)
    return {
        "as_of": summary.as_of.isoformat() if isinstance(summary.as_of, dt.date) else "",
        "standing": index_rows.standing_rows(summary.standing),
        "trend": index_cases.trend(summary.trend, by_county),
        "months": index_cases.months(summary.months, summary.months_by_county),
    }


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FunctionLoader(_own),
    )


def _own(name: str) -> str:
    return offline.asset(name, __package__ or "")


def alarm_words(alarm: Mapping[str, Any]) -> dict[str, Word]:
    """``what`` is doubtful and its ``remedy``, in both languages."""
    return {
        "what": pair(alarm.get("zh"), alarm.get("en")),
        "remedy": pair(alarm.get("remedy_zh"), alarm.get("remedy_en")),
    }


def foot(credit: object) -> list[Word]:
    """What stands at the foot of every page; ``credit``: what the images' owners want to see printed."""
    words = [style.DISCLAIMER, style.INTERNAL, style.BOUNDARY_NOTE]
    if text := values.text(credit):
        name = labels.META["credit"]
        words.append(Word(f"{name.zh}：{text}", f"{name.en}: {text}"))
    return words
