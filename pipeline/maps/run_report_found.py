"""Run report: what was found, and why the rest of the candidates are no findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ..reports import style, values, watched
from ..reports.labels import Word
from ..reports.why_not import REASONS, reason
from .run_report_blocks import Section, Table, para, table


def found(record: Mapping[str, Any], findings: pd.DataFrame) -> Section:
    """Findings by county and kind; sites, cases that no finding took."""
    totals = record["totals"]
    blocks: list[Any] = [
        para(
            f"候选 {totals['candidates']} 处，其中疑似线索 {totals['findings']} 处（{totals['permitted']} 处有许可）；"
            f"存疑未列入 {totals.get('too_uncertain', 0)} 处，超出核查上限 {totals.get('capped', 0)} 处。",
            f"{totals['candidates']} candidates, {totals['findings']} of them findings ({totals['permitted']} under permit);"
            f" {totals.get('too_uncertain', 0)} too uncertain, {totals.get('capped', 0)} beyond the cap.",
        ),
        _by_county(totals),
    ]
    if len(findings):
        blocks.append(_by_zone(findings))
    if line := watched.campaign_line(record.get("sites", {})):
        blocks.append(para(line["zh"], line["en"]))
    if followed := record.get("followed"):
        blocks.append(
            para(
                f"往期在办案件：本期再次发现 {followed['found_again']} 件；另据影像仍在 {followed['present']} 件、"
                f"消失 {followed['gone']} 件、未能看清 {followed['unobservable']} 件。",
                f"Open cases: {followed['found_again']} found again; of the others {followed['present']} still stand,"
                f" {followed['gone']} are gone, {followed['unobservable']} cannot be seen.",
            )
        )
    return Section("found", Word("发现了什么", "what was found"), blocks)


def _by_county(totals: Mapping[str, Any]) -> Table:
    kinds = sorted({kind for row in totals["counties"] for kind in row["kinds"]})
    looks = [style.kind_style(kind) for kind in kinds]
    rows: list[tuple[object, ...]] = [
        (row["code"], row["name"], row["findings"], *(row["kinds"].get(kind, 0) for kind in kinds), row.get("too_uncertain", 0),
         row.get("capped", 0))
        for row in totals["counties"]
    ]  # fmt: skip
    sums = [sum(row["kinds"].get(kind, 0) for row in totals["counties"]) for kind in kinds]
    rows.append(
        ("", Word("合计", "total"), totals["findings"], *sums, totals.get("too_uncertain", 0), totals.get("capped", 0))
    )
    return table(
        Word("各县区线索（处）", "findings by county"),
        (
            Word("代码", "code"), Word("县区", "county"), Word("线索", "findings"), *(Word(look.zh, look.en) for look in looks),
            Word("存疑", "too uncertain"), Word("超上限", "capped"),
        ),
        rows, numeric=range(2, 5 + len(kinds)), where="run.json", most=400,
    )  # fmt: skip


def _by_zone(findings: pd.DataFrame) -> Table:
    counts = findings.groupby(["zone", "membership"]).size().reset_index(name="count")
    counts = counts.sort_values("count", ascending=False, kind="stable")
    rows = []
    for zone, membership, count in counts.itertuples(index=False):
        look = style.zone_style(values.text(zone))
        rows.append((Word(look.zh, look.en), style.word(style.MEMBERSHIP, values.text(membership)), count))
    return table(
        Word("按区域（处）", "by zone"),
        (Word("区域", "zone"), Word("判定", "membership"), Word("线索", "findings")),
        rows,
        numeric=(2,),
    )


def why_not(record: Mapping[str, Any], candidates: pd.DataFrame) -> Section:
    """Candidates that are no findings by reason and kind, with the rule behind each."""
    rest = candidates[candidates["why_not"].fillna("") != ""]
    permitted = record["totals"]["permitted"]
    blocks: list[Any] = [
        para(
            f"线索中有 {permitted} 处在许可范围内，列出而不立案。",
            f"Of the findings {permitted} lie under a permit: they are shown and get no case.",
        ),
        para(
            "没有列为线索的候选都保留在 findings.gpkg 的 candidates 图层；逐处原因：luyu explain ID --run 本文件夹。",
            "What is no finding is kept in layer candidates of findings.gpkg; of each one: luyu explain ID --run THIS_FOLDER.",
        ),
        table(
            Word(f"未列为线索的候选：{len(rest)} 处", f"candidates that are no findings: {len(rest)}"),
            (
                Word("原因", "reason"), Word("数量", "count"), Word("规则", "the rule"), Word("由何设定", "set by"),
                Word("其中", "of these"),
            ),
            _why_rows(rest), numeric=(1,),
        ),
        *_thresholds(record),
    ]  # fmt: skip
    return Section("why_not", Word("为什么没有列为线索", "why not"), blocks)


def _why_rows(rest: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    counts = rest["why_not"].value_counts()
    order = [name for name in REASONS if name in counts.index] + sorted(set(counts.index) - set(REASONS))
    for name in order:
        said = reason(str(name))
        kinds = rest.loc[rest["why_not"] == name, "kind"].value_counts().sort_index()
        looks = [(style.kind_style(str(kind)), int(count)) for kind, count in kinds.items()]
        yield (
            said.word, int(counts[name]), said.rule, said.key,
            Word("，".join(f"{look.zh} {n}" for look, n in looks), ", ".join(f"{look.en} {n}" for look, n in looks)),
        )  # fmt: skip


def _thresholds(record: Mapping[str, Any]) -> Iterator[Table]:
    limits = record["configuration"]["decisions"].get("confidence", {})
    looked = {kind for one in record["detectors"] for kind in one.get("kinds", ())}
    rows = []
    for kind, one in sorted(limits.items()):
        if one is None or (looked and kind not in looked):
            continue
        look = style.kind_style(kind)
        rows.append(
            (Word(look.zh, look.en), *(f"{one[name]:g}" for name in ("sure", "sure_alone", "unsure", "near_m")))
        )
    if rows:
        yield table(
            Word("置信度门槛（decisions.confidence）", "thresholds of confidence (decisions.confidence)"),
            (Word("类型", "kind"), Word("有同类在旁", "sure"), Word("孤立", "sure_alone"), Word("存疑下限", "unsure"),
             Word("多近算在旁（m）", "near_m")),
            rows, numeric=(1, 2, 3, 4),
        )  # fmt: skip
