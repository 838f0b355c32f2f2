"""The overview of a run: a page without any script, one small drawing, and a link to each county's map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from ..reports import coverage as causes_of
from ..reports import encode, labels, offline, ranking, style, values, watched
from ..reports.pages import IndexPage, by_priority, lonlat, records

_MOST_SPOTS = 20
_WIDTH_PX, _HEIGHT_PX, _MARGIN_PX = 720.0, 480.0, 16.0


def render(summary: IndexPage) -> str:
    """The overview as HTML text; the same input gives the same text. Raises LuyuError when a table has no CRS."""
    findings = by_priority(lonlat(summary.findings, "findings"))
    table = ranking.rank(summary.counties, findings, summary.coverage)
    kinds = ranking.kinds_of(findings)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(offline.asset("index.html.jinja", __package__))
    page = template.render(
        csp_mark=offline.CSP_MARK,
        css=offline.asset("page.css") + offline.asset("index.css", __package__),
        title=values.text(summary.title),
        facts=values.facts_line(summary.meta),
        foot=style.foot_line(summary.meta.get("credit")),
        internal=style.INTERNAL,
        disclaimer=style.DISCLAIMER,
        words=ranking.COLUMNS,
        kinds=[(kind, style.kind_style(kind), _corners(style.kind_style(kind).shape, 6.0)) for kind in kinds],
        rows=[_row(row, kinds) for row in records(table)],
        total=_total(table, kinds),
        drawing=_drawing(summary, findings),
        coverage=_coverage(summary.coverage),
        alarms=[_alarm(alarm) for alarm in summary.alarms],
        campaign=watched.campaign_line(summary.campaign),
        spots=_hot_spots(summary.hot_spots),
    )
    return offline.seal(page)


def _hot_spots(table: pd.DataFrame | None) -> dict[str, Any]:
    """The worst stretches and how many there are in all."""
    if table is None or not len(table):
        return {"total": 0, "heads": [], "rows": []}
    heads = [labels.COLUMNS[name] for name in watched.HOT_SPOTS]
    return {"total": len(table), "heads": heads, "rows": watched.rows(table, watched.HOT_SPOTS, _MOST_SPOTS)}


def _alarm(alarm: Mapping[str, Any]) -> dict[str, str]:
    return {name: values.text(alarm.get(name)) for name in ("zh", "en", "remedy_zh", "remedy_en")}


def county_link(code: object) -> str:
    """Where the map of a county lies, seen from the overview: ``counties/320322.html``."""
    return f"counties/{quote(values.file_stem(code))}.html"


def _row(row: dict[str, Any], kinds: list[str]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("rank", "county_code", "county_name")}
    counts = {name: int(row[name]) for name in ("findings", "inside", "checked", "confirmed", "rectified", "permitted")}
    km = {name: values.number(row[name], 1) for name in ("km_due", "km_observed", "km_unobserved")}
    share, rate = row["observed_share"], values.number(row["per_100_km"], 1)
    return {
        **shown,
        **counts,
        **km,
        "link": county_link(row["county_code"]) if row["county_code"] else "",
        "kinds": [int(row[f"kind:{kind}"]) for kind in kinds],
        "observed_share": "" if values.is_null(share) else f"{values.number(100 * share, 1)}%",
        "gap": not values.is_null(share) and share < 0.95,
        "per_100_km": rate or "—",
    }


def _total(table: pd.DataFrame, kinds: list[str]) -> dict[str, Any]:
    counts = ["findings", "inside", "checked", "confirmed", "rectified", "permitted", *(f"kind:{k}" for k in kinds)]
    km = ["km_due", "km_observed", "km_unobserved"]
    sums: dict[str, Any] = {name: table[name].sum() for name in counts + km}
    due, observed = sums["km_due"], sums["km_observed"]
    sums |= {"rank": "", "county_code": "", "county_name": "合计"}
    sums["observed_share"] = observed / due if due > 0 else None
    sums["per_100_km"] = 100 * sums["findings"] / observed if observed > 0 else None
    return _row(sums, kinds)


def _coverage(coverage: pd.DataFrame) -> dict[str, Any]:
    """Coverage by county and by route, with a column per cause that occurs anywhere."""
    causes = list(causes_of.km_by_cause(coverage))
    plain = coverage.assign(county_code=[values.text(code) for code in values.column(coverage, "county_code")])
    counties = [_coverage_row(part, causes) for _, part in plain.groupby("county_code", sort=True)]
    return {
        "causes": [(name, causes_of.look(name)) for name in causes],
        "counties": sorted(counties, key=lambda row: (-row["lost"], row["code"])),
        "rows": [_coverage_row(plain.iloc[[at]], causes) for at in range(len(plain))],
        "total": _coverage_row(plain, causes) if len(plain) else None,
    }


def _coverage_row(part: pd.DataFrame, causes: list[str]) -> dict[str, Any]:
    """One or more rows of the coverage table as one: kilometres, and their shares for the bar."""
    first, by_cause = part.iloc[0], causes_of.km_by_cause(part)
    km = {name: float(pd.to_numeric(part[name]).sum()) for name in ("km_due", "km_observed", "km_unobserved")}
    due = max(km["km_due"], 1e-9)
    return {
        "code": values.text(first.get("county_code")),
        "route": values.text(first.get("route_code")),
        "county": values.text(first.get("county_name")) or values.text(first.get("county_code")) or "未定县区",
        **{name: values.number(value, 2) for name, value in km.items()},
        "lost": km["km_unobserved"],
        "share": f"{values.number(100 * km['km_observed'] / due, 1)}%" if km["km_due"] > 0 else "—",
        "gap": km["km_observed"] < 0.95 * km["km_due"],
        "causes": [values.number(by_cause[name], 2) if name in by_cause else "" for name in causes],
        "bar": [(causes_of.look(name), round(100 * by_cause[name] / due, 2)) for name in causes if name in by_cause],
    }


def _drawing(summary: IndexPage, findings: gpd.GeoDataFrame) -> dict[str, Any]:
    """What the small map is made of, as SVG path texts in pixels."""
    counties, roads = lonlat(summary.counties, "counties"), lonlat(summary.roads, "roads")
    points = shapely.points(np.c_[findings["lon"].to_numpy(float), findings["lat"].to_numpy(float)])
    everything = shapely.get_coordinates(np.concatenate([counties.geometry, roads.geometry, points]).astype(object))
    if not len(everything):
        return {"counties": [], "roads": [], "dots": [], "width": 0, "height": 0}
    (west, south), (east, north) = everything.min(axis=0).tolist(), everything.max(axis=0).tolist()
    shrink = math.cos(math.radians((south + north) / 2))
    scale = min(
        (_WIDTH_PX - 2 * _MARGIN_PX) / max((east - west) * shrink, 1e-6),
        (_HEIGHT_PX - 2 * _MARGIN_PX) / max(north - south, 1e-6),
    )

    def pixels(lonlats: np.ndarray) -> np.ndarray:
        x = _MARGIN_PX + (lonlats[:, 0] - west) * shrink * scale
        return np.c_[x, _MARGIN_PX + (north - lonlats[:, 1]) * scale]

    tolerance_m = 0.4 / scale * 111_320
    areas = zip(
        counties["code"], counties["name"], encode.simplified(counties.geometry.to_numpy(), tolerance_m), strict=True
    )
    lines = zip(
        values.column(roads, "road_class"), encode.simplified(roads.geometry.to_numpy(), tolerance_m), strict=True
    )
    return {
        "width": round((east - west) * shrink * scale + 2 * _MARGIN_PX),
        "height": round((north - south) * scale + 2 * _MARGIN_PX),
        "counties": [
            {
                "link": county_link(code),
                "name": values.text(name),
                "path": _path(shape, pixels),
                "at": _label_place(shape, pixels),
            }
            for code, name, shape in areas
            if not shape.is_empty
        ],
        "roads": [
            {"class": style.word(style.ROAD_CLASS, values.text(road_class)).en, "path": _path(shape, pixels)}
            for road_class, shape in lines
        ],
        "dots": list(_dots(findings, pixels)),
    }


def _label_place(shape: BaseGeometry, pixels: Any) -> list[float]:
    return np.round(pixels(shapely.get_coordinates(shape.representative_point())), 1)[0].tolist()


def _path(shape: BaseGeometry, pixels: Any) -> str:
    """SVG path of a polygon's rings or a line's parts."""
    rings = []
    for part in shapely.get_parts(shape):
        rings += [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pixels(shapely.get_coordinates(r))) for r in rings)


def _dots(findings: gpd.GeoDataFrame, pixels: Any) -> Iterator[dict[str, Any]]:
    """Symbols, least urgent first so that urgent ones lie on top."""
    places = np.round(pixels(findings[["lon", "lat"]].to_numpy(float)), 1)
    rows = zip(places.tolist(), values.column(findings, "kind"), values.column(findings, "status"), strict=True)
    for (x, y), kind, status in reversed(list(rows)):
        look = style.kind_style(values.text(kind))
        fill = style.GREY if values.text(status) in style.SETTLED else look.colour
        yield {"x": x, "y": y, "fill": fill, "corners": _corners(look.shape, 4.5, x, y)}


def _corners(shape: str, radius: float, x: float = 8.0, y: float = 8.0) -> str:
    return " ".join(f"{x + radius * dx:.1f},{y + radius * dy:.1f}" for dx, dy in style.SHAPES.get(shape, ()))
