"""What the memory of places gives to the documents: hot spots for the township, known sites for the campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from . import encode, style, values
from .pages import lonlat, records

HOT_SPOTS = (
    "rank", "kind", "route_code", "stake_from", "stake_to", "side", "events", "years", "days_seen", "looks", "first_day",
    "last_day", "county_name", "township",
)  # fmt: skip
"""Columns of hot spots in documents, in order."""
SITES = (
    "number", "name", "route_code", "stake", "county_code", "state", "day", "unseen_on", "gone_on", "valid_to", "confidence",
)  # fmt: skip
"""Columns of known sites in documents, in order."""
_TITLE = style.Word("清理进度", "campaign")


def cell(name: str, value: object) -> str:
    """A value of either table as text."""
    if name == "kind":
        return style.kind_style(values.text(value)).zh
    if name == "side":
        return style.word(style.SIDES, values.text(value)).zh if values.text(value) else ""
    if name == "state":
        return style.word(style.SITE_STATES, values.text(value)).zh
    if name in ("day", "unseen_on", "gone_on", "valid_to", "first_day", "last_day"):
        return values.day(value)
    if name == "confidence":
        return values.number(value, 2)
    return values.text(value)


def rows(table: pd.DataFrame, names: tuple[str, ...], limit: int | None = None) -> list[list[str]]:
    """The table's rows as texts in the order of ``names``."""
    part = table if limit is None else table.head(limit)
    return [[cell(name, row.get(name)) for name in names] for row in records(part)]


def campaign_line(told: Mapping[str, Any]) -> dict[str, str]:
    """How a clearing campaign stands, in both languages; {} without sites."""
    if not told:
        return {}
    seen = told["standing"] + told["gone"]
    zh = f"在册 {told['sites']} 处：仍在 {told['standing']}，已拆除 {told['gone']}，未能看清 {told['unseen']}"
    en = f"{told['sites']} known sites: {told['standing']} standing, {told['gone']} gone, {told['unseen']} cannot be seen"
    if seen:
        share = values.number(100 * told["gone"] / seen, 0)
        zh, en = f"{zh}；看得清的已拆除 {share}%", f"{en}; {share}% of those seen are gone"
    if told["standing_expired"]:
        zh = f"{zh}；仍在且已过有效期 {told['standing_expired']}"
        en = f"{en}; {told['standing_expired']} stand past their term"
    if told["deadline"]:
        left = told["days_left"]
        zh += f"；期限 {told['deadline']}，" + (f"余 {left} 天" if left >= 0 else f"已逾期 {-left} 天")
        en += f"; deadline {told['deadline']}, " + (f"{left} days left" if left >= 0 else f"{-left} days over")
    return {"zh": f"{zh}（截至 {told['as_of']} 影像）", "en": f"{en} (images up to {told['as_of']})"}


def map_layers(hot_spots: gpd.GeoDataFrame | None, sites: gpd.GeoDataFrame | None, simplify_m: float) -> dict[str, Any]:
    """Hot spots as lines with a text, sites as points with number, state and a text, for the county's map."""
    spots: list[list[Any]] = []
    if hot_spots is not None and len(hot_spots):
        frame = lonlat(hot_spots, "hot_spots")
        shapes = encode.simplified(frame.geometry.to_numpy(), simplify_m)
        for shape, row in zip(shapes, records(frame), strict=True):
            spots.append([_spot(row), encode.lines(shape)])
    boards: list[list[Any]] = []
    if sites is not None and len(sites):
        frame = lonlat(sites, "sites")
        points = shapely.get_coordinates(frame.geometry.to_numpy()).round(6).tolist()
        for at, row in zip(points, records(frame), strict=True):
            boards.append([*at, values.text(row.get("state")), _site(row)])
    states = {name: [*word, style.SITE_COLOURS[name]] for name, word in style.SITE_STATES.items()}
    return {"hotSpots": spots, "sites": boards, "siteStates": states}


def _spot(row: Mapping[str, Any]) -> str:
    place = f"{values.text(row['route_code'])} {values.text(row['stake_from'])}～{values.text(row['stake_to'])}"
    times = f"{values.text(row['years'])} 年 {values.text(row['events'])} 次，清晰影像 {values.text(row['looks'])} 期"
    return f"{style.kind_style(values.text(row['kind'])).zh} {place} {cell('side', row['side'])}：{times}"


def _site(row: Mapping[str, Any]) -> str:
    parts = [values.text(row.get("number")), values.text(row.get("name")), cell("state", row.get("state"))]
    parts += [
        values.day(row.get("day")),
        f"有效期至 {values.day(row['valid_to'])}" if values.day(row.get("valid_to")) else "",
    ]
    return " ".join(part for part in parts if part)
