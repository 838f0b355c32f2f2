"""One page for each run: what was asked, read, seen and not seen, found and not found, how long it took, from what it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import jinja2
import pandas as pd

from ..reports import offline, style, values
from ..reports.labels import Word, frozen
from .index_page import alarm_words, foot
from .index_rows import coverage_rows
from .run_report_blocks import Section, message, table
from .run_report_found import found, why_not
from .run_report_inputs import asked, read
from .run_report_made import made_of, took
from .run_report_seen import seen

WORDS = frozen(
    skip=("跳到正文", "skip to the content"),
    nav=("页内导航", "on this page"),
    languages=("语言", "language"),
    title=("运行报告", "run report"),
    overview=("返回总览", "overview"),
    doubtful=("本次结果存疑", "this run's result is doubtful"),
    no_alarms=("没有警示", "no alarms"),
    strips=("逐路观测条带（桩号约到 100 m）", "what was observed of each road (stakes to about 100 m)"),
    watched=("已观测", "observed"),
    all=("展开", "show"),
    printed=("打印", "print"),
)


@dataclass(frozen=True)
class ReportPage:
    """All that the page shows, of a finished run.

    ``record``: run.json. ``coverage``: as in ``IndexPage``. ``findings``, ``candidates``: FINDINGS, with ``why_not``. ``tiles``:
    ``tile_id, seconds, facts`` (JSON). ``unobserved``: lines with ``route_code, county_code, reason``; ``stakes``: points with
    ``route_code, stake, county_code, county_name`` of what was due, in the same CRS. ``keys``: every key of the configuration;
    ``differing``: key, value, default of what is not the default; None: not known.
    """

    record: Mapping[str, Any]
    coverage: pd.DataFrame
    findings: pd.DataFrame
    candidates: pd.DataFrame
    tiles: pd.DataFrame
    unobserved: gpd.GeoDataFrame
    stakes: gpd.GeoDataFrame
    keys: Sequence[tuple[str, str]]
    differing: Sequence[tuple[str, str, str | None]] | None
    facts: Mapping[str, Any]


def render(page: ReportPage) -> str:
    """The report as HTML text, sealed; the same input gives the same text."""
    told = [json.loads(text) for text in page.tiles["facts"]]
    sections = [
        seen(page.record, page.coverage, page.unobserved, page.stakes),
        found(page.record, page.findings),
        why_not(page.record, page.candidates),
        asked(page.keys, page.differing),
        read(page.record, told),
        took(page.record, page.tiles),
        made_of(page.record),
        *_notes(page.record),
    ]
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: offline.asset(name, __package__ or "")),
    )
    html = environment.get_template("run_report.html.jinja").render(
        csp_mark=offline.CSP_MARK,
        css=offline.asset("page.css") + _own("index.css") + _own("run_report.css"),
        js=_own("lang.js"),
        w=WORDS,
        title=values.text(page.record["totals"]["name"]),
        facts=[(label, value) for label, value in values.facts(page.facts)],
        internal=style.INTERNAL,
        disclaimer=style.DISCLAIMER,
        causes=coverage_rows(page.coverage)["causes"],
        alarms=[alarm_words(alarm) for alarm in page.record.get("alarms", ())],
        sections=sections,
        foot=foot(page.facts.get("credit")),
    )
    return offline.seal(html)


def _notes(record: Mapping[str, Any]) -> list[Section]:
    notes = record.get("notes", ())
    if not notes:
        return []
    rows = [(message(note),) for note in notes]
    return [
        Section("notes", Word("输入的提示", "notes on the inputs"), [
            table(Word(f"{len(rows)} 条", f"{len(rows)} notes"), (Word("提示", "note"),), rows, where="run.json")
        ])
    ]  # fmt: skip


def _own(name: str) -> str:
    return offline.asset(name, __package__ or "")
