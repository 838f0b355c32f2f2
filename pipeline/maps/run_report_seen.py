"""Run report: what was seen of each road and what was not, where, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.stake import Stake
from ..reports import coverage as causes_of
from ..reports import values
from ..reports.labels import Word
from .index_rows import coverage_rows, percent
from .run_report_blocks import MOST, Section, Strips, Table, message, para, plain, table

_STEP_M = 100.0  # between stakes of the layer that strips are drawn by
_TOGETHER_M = 1.5 * _STEP_M
_NAMED = 8  # tiles


def seen(
    record: Mapping[str, Any], coverage: pd.DataFrame, unobserved: gpd.GeoDataFrame, stakes: gpd.GeoDataFrame
) -> Section:
    """Kilometres by route and county and cause, a strip a road, registration, failed tiles.

    ``stakes``: points with ``route_code, stake, county_code`` about every 100 m of what was due; ``unobserved``: lines with
    ``route_code, county_code, reason`` in the same CRS.
    """
    totals = record["totals"]
    told = coverage_rows(coverage)
    share = percent(totals["km_observed"] / totals["km_due"]) if totals["km_due"] else "—"
    lost = values.number(totals["km_due"] - totals["km_observed"], 3)
    blocks: list[Any] = [
        para(
            f"应观测 {totals['km_due']:.3f} km，已观测 {totals['km_observed']:.3f} km（{share}），未观测 {lost} km。"
            "未观测路段不等于没有问题。",
            f"{totals['km_due']:.3f} km due, {totals['km_observed']:.3f} km observed ({share}), {lost} km not. A stretch not"
            " observed is not one without problems.",
        ),
        _km_table(told),
        strips(unobserved, stakes, told["causes"]),
        *_registration(record.get("registration", {})),
        *_failed(record.get("failures", ())),
    ]
    return Section("seen", Word("看到与没看到", "seen and not seen"), [block for block in blocks if block is not None])


def _km_table(told: Mapping[str, Any]) -> Table:
    looks = [look for _, look in told["causes"]]
    rows = [
        (
            row["route"],
            row["county"],
            row["km_due"],
            row["km_observed"],
            row["share"],
            row["km_unobserved"],
            *row["causes"],
        )
        for row in told["rows"]
    ]
    return table(
        Word("各路线、县区里程（km）", "km by route and county"),
        (
            Word("路线", "route"), Word("县区", "county"), Word("应观测", "due"), Word("已观测", "observed"),
            Word("观测率", "share"), Word("未观测", "not observed"), *(Word(look.zh, look.en) for look in looks),
        ),
        rows, numeric=range(2, 6 + len(looks)), where="coverage.csv",
    )  # fmt: skip


def strips(unobserved: gpd.GeoDataFrame, stakes: gpd.GeoDataFrame, causes: Sequence[tuple[int, Any]]) -> Strips | None:
    """One strip for each route in each county, by stake; None where there are no stakes."""
    if stakes.empty:
        return None
    number = {look.zh: place for place, look in causes}
    lost = dict(list(unobserved.groupby(["route_code", unobserved["county_code"].fillna("")])))
    rows = []
    for (route, county), points in stakes.groupby(["route_code", "county_code"], sort=True):
        at_m = np.array([Stake.parse(text).measure_m for text in points["stake"]])
        first_m, last_m = float(at_m.min()), float(at_m.max()) + _STEP_M
        found = lost.get((route, county))
        ranges = [] if found is None else list(_ranges(found, points, at_m))

        def per_cent(metres: float, first_m: float = first_m, last_m: float = last_m) -> float:
            return round(100 * (metres - first_m) / (last_m - first_m), 2)

        rows.append(
            {
                "route": values.text(route),
                "county": values.text(points["county_name"].iloc[0]),
                "from": str(Stake(first_m)),
                "to": str(Stake(last_m)),
                "watched": [(per_cent(a), round(per_cent(b) - per_cent(a), 2)) for a, b in _runs(np.sort(at_m))],
                "lost": [
                    (number[causes_of.look(reason).zh], per_cent(a), max(round(per_cent(b) - per_cent(a), 2), 0.3))
                    for a, b, reason in ranges
                    if causes_of.look(reason).zh in number
                ],
                "words": plain(_in_words(ranges)),
            }
        )
    return Strips(causes, rows[:MOST], max(len(rows) - MOST, 0))


def _runs(at_m: np.ndarray) -> Iterator[tuple[float, float]]:
    """Stretches of stakes that follow each other."""
    ends = np.flatnonzero(np.diff(at_m) > _TOGETHER_M)
    for part in np.split(at_m, ends + 1):
        yield float(part[0]), float(part[-1]) + _STEP_M


def _ranges(lines: gpd.GeoDataFrame, points: gpd.GeoDataFrame, at_m: np.ndarray) -> Iterator[tuple[float, float, str]]:
    """Stakes between which each line lies, to 100 m, of one cause those together that follow each other."""
    tree = shapely.STRtree(points.geometry.array)
    parts = lines.explode(index_parts=False)
    lines = parts[(parts.geom_type == "LineString") & ~parts.geometry.is_empty]
    shapes = lines.geometry.array
    ends = [shapely.get_point(shapes, place) for place in (0, -1)]
    stakes_m = np.sort(np.stack([at_m[tree.nearest(end)] for end in ends]), axis=0)
    by_cause: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for a, b, reason in zip(*stakes_m.tolist(), lines["reason"], strict=True):
        by_cause[str(reason)].append((a, b))
    for reason in causes_of.ordered(by_cause):
        joined: list[tuple[float, float]] = []
        for a, b in sorted(by_cause[reason]):
            if joined and a - joined[-1][1] <= _STEP_M:
                joined[-1] = (joined[-1][0], max(joined[-1][1], b))
            else:
                joined.append((a, b))
        yield from ((a, b, reason) for a, b in joined)


def _in_words(ranges: Sequence[tuple[float, float, str]]) -> Word:
    """The ranges as text, for those who cannot see the strip."""
    if not ranges:
        return Word("全部已观测", "all observed")
    told = [(f"{Stake(a)}～{Stake(b)}" if b > a else str(Stake(a)), causes_of.look(reason)) for a, b, reason in ranges]
    more = len(told) - _NAMED
    tail = (f"；另 {more} 段", f"; {more} more") if more > 0 else ("", "")
    return Word(
        "未观测（约）：" + "；".join(f"{where} {look.zh}" for where, look in told[:_NAMED]) + tail[0],
        "not observed, about: " + "; ".join(f"{where} {look.en}" for where, look in told[:_NAMED]) + tail[1],
    )


def _registration(told: Mapping[str, Any]) -> Iterator[Any]:
    if not told or not told.get("tiles"):
        return
    shift = told.get("median_shift_px")
    moved = f"{shift[0]:.2f}, {shift[1]:.2f}" if shift else "—"
    error = values.number(told.get("median_error_px"), 3) or "—"
    yield para(
        f"两期配准：{told['tiles']} 个分幅中 {told['tiles_reliable']} 个可靠（其中 {told['tiles_by_prior']} 个取自相邻分幅），"
        f"{told['tiles_refused']} 个拒绝；错位中位数 {moved} 像元（行，列），误差中位数 {error} 像元；"
        f"{told['looked_at_again']} 个分幅复看，{told['second_look_used']} 个采用。",
        f"Registration: of {told['tiles']} tiles {told['tiles_reliable']} are reliable ({told['tiles_by_prior']} by other tiles'"
        f" shifts), {told['tiles_refused']} were refused; median shift {moved} px (rows, cols), median error {error} px;"
        f" {told['looked_at_again']} tiles were looked at again, {told['second_look_used']} of these looks used.",
    )


def _failed(failures: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    if not failures:
        yield para("没有处理失败的分幅。", "No tile failed.")
        return
    tiles: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for failure in failures:
        tiles[(str(failure.get("error", "")), str(failure.get("why", "")))].append(str(failure.get("tile", "")))
    counts = Counter({cause: len(mine) for cause, mine in tiles.items()})
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        (count, _cause(*cause), f"{', '.join(sorted(tiles[cause])[:_NAMED])}{', …' if count > _NAMED else ''}")
        for cause, count in order
    ]
    yield table(
        Word(
            f"处理失败的分幅：{len(failures)} 个（再次运行只重试这些）",
            f"tiles that failed: {len(failures)} (another run tries these alone)",
        ),
        (Word("分幅数", "tiles"), Word("原因", "cause"), Word("分幅", "which")), rows, numeric=(0,), where="run.json",
    )  # fmt: skip


def _cause(error: str, why: str) -> Word:
    """Why a tile failed, with the name of its error, by which maintainers know it."""
    told = message(why)
    return Word(f"{told.zh}（{error}）", f"{error}: {told.en}")
