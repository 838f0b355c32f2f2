"""Along which lines zones are laid: what is a road of this administration, drawn once, under the rules of its county."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from ..geo.corridor import last_direction
from ..linref.reference import LinearReference
from ..model.kinds import RoadClass, Structure
from .rules import LegalRules

SAME_ROAD_M = 3.0  # two routes' lines nearer than this are one road delivered twice (共用路段)
NAMED_ROAD_M = 30.0  # and where a row names the other route, so near
_LEAST_SHARED_M = 100.0  # lines that cross at a flat angle lie together for less
_TUNNEL_REACH_M = 15.0  # a tunnel's own line may have been digitised so far from the centreline
_CUT_M, _JUST_BEFORE_M = 0.05, 0.5
_THROUGH = 0.8  # of a tunnel's length a road must run in it that the tunnel is not listed under
Part = tuple[int, str, str, str | None, BaseGeometry]  # section, route, why, drawn with, line

_CLASS_RANK = {name.value: rank for rank, name in enumerate(RoadClass)}


def left_out(roads: gpd.GeoDataFrame, tunnels: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Parts of ROADS that have no zones of their own: ``section, route_code, why, drawn_with`` with their lines.

    ``why``: ``tunnel`` (nothing on the ground above belongs to the road), ``managed_by_city`` (another owner), ``unbuilt``,
    ``concurrent`` (共用路段: drawn with the road of the higher class, or of equal ones the earlier route; ``drawn_with`` is its
    code, null for the rest).

    Parameters
    ----------
    roads
        Table ROADS in a metric CRS.
    tunnels
        Lines of tunnels with ``route_code`` (null: of whatever road they lie on) in the same CRS.
    """
    records: list[Part] = []
    lines = roads.geometry.array
    for why, mask in (
        ("unbuilt", _flag(roads, "unbuilt")),
        ("managed_by_city", _flag(roads, "managed_by_city")),
        ("tunnel", (roads["structure"] == Structure.TUNNEL).to_numpy() if "structure" in roads else None),
    ):
        if mask is not None:
            records += [
                (roads.index[i], roads["route_code"].iloc[i], why, None, lines[i]) for i in np.flatnonzero(mask)
            ]
    # A road that is itself left out draws no other: a planned road on the line of today's leaves it its zones.
    closed = {section for section, _, why, _, _ in records if why != "tunnel"}
    shared = _shared(roads[~roads.index.isin(closed)])
    records += [*_in_tunnels(roads, tunnels, {(code, drawn_with) for _, code, _, drawn_with, _ in shared}), *shared]
    columns = ["section", "route_code", "why", "drawn_with", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(records, columns=columns), geometry="geometry", crs=roads.crs)


def jurisdictions(roads: gpd.GeoDataFrame, rules: LegalRules, counties: gpd.GeoDataFrame) -> pd.Series:
    """Beginning of the county codes whose rules hold at a point of each section, empty for the general ones; on its index."""
    out = pd.Series("", index=roads.index, dtype=object)
    if rules.jurisdictions and len(roads) and len(counties):
        inner = shapely.point_on_surface(roads.geometry.array)
        at, county = shapely.STRtree(counties.geometry.array).query(inner, predicate="intersects")
        out.iloc[at] = counties["code"].map(rules.jurisdiction).to_numpy(dtype=object)[county]
    return out


def grounds_by_section(without: gpd.GeoDataFrame) -> pd.Series:
    """Thin polygons over the parts that ``left_out`` names, by section: taken off a section's line they take just these."""
    grounds = without.assign(geometry=without.buffer(_CUT_M, cap_style="flat"))
    return grounds.groupby("section")["geometry"].agg(lambda parts: shapely.union_all(parts.array))


def drawn(
    reference: LinearReference,
    rules: LegalRules,
    *,
    without: gpd.GeoDataFrame | None = None,
    counties: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """``LinearReference.stretches`` less what ``left_out`` names, cut where other rules begin.

    Adds ``jurisdiction`` (beginning of the county codes whose rules hold; empty: the general ones) and ``lead_in`` (unit
    vector of the stretch that it continues, or None).
    """
    table = reference.stretches
    lines = table.geometry.array
    lead_in = [last_direction(lines[j]) if j >= 0 else None for j in table["joins"]]
    table = table.drop(columns="joins").assign(lead_in=pd.Series(lead_in, index=table.index, dtype=object))
    if without is not None and len(without):
        table = _cut(table, grounds_by_section(without))
    table["jurisdiction"] = ""
    return _by_jurisdiction(table, rules, counties) if rules.jurisdictions and counties is not None else table


def _cut(table: gpd.GeoDataFrame, ground_of: pd.Series) -> gpd.GeoDataFrame:
    """Rows of the named sections without the ground given for them."""
    touched = table["section"].isin(ground_of.index)
    cut = [part for _, row in table[touched].iterrows() for part in _parts(row, ground_of[row["section"]])]
    return pd.concat([table[~touched], _like(table, cut)]).sort_values("section", kind="stable", ignore_index=True)


def _by_jurisdiction(table: gpd.GeoDataFrame, rules: LegalRules, counties: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows cut at the borders of the areas that have rules of their own; of nested areas the smaller one holds."""
    codes = counties["code"].map(rules.jurisdiction)
    rest, done = table, []
    for code in sorted(set(codes) - {""}, key=lambda text: (-len(text), text)):
        area = shapely.union_all(counties.geometry[codes == code].array)
        shapely.prepare(area)
        inside = shapely.contains(area, rest.geometry.array)
        meets = shapely.intersects(area, rest.geometry.array)
        crossing = [rest.iloc[i] for i in np.flatnonzero(meets & ~inside)]
        elsewhere = [shapely.difference(row.geometry.envelope.buffer(1.0), area) for row in crossing]
        within = [_parts(row, ground, goes_on=True) for row, ground in zip(crossing, elsewhere, strict=True)]
        beyond = [_parts(row, area, goes_on=True) for row in crossing]
        mine = pd.concat([rest[inside], _like(table, [part for parts in within for part in parts])])
        done.append(mine.assign(jurisdiction=code))
        rest = pd.concat([rest[~meets], _like(table, [part for parts in beyond for part in parts])])
    return pd.concat([*done, rest]).sort_values("section", kind="stable", ignore_index=True)


def _parts(row: pd.Series, ground: BaseGeometry, *, goes_on: bool = False) -> list[dict[str, object]]:
    """The row once for each part of its line outside the ground; ``goes_on``: the road does, within the ground too."""
    line = row["geometry"]
    return [
        {**row, "geometry": part, "lead_in": row["lead_in"] if starts else _way_to(line, part) if goes_on else None}
        for part, starts in _outside(line, ground)
    ]


def _way_to(line: BaseGeometry, part: BaseGeometry) -> np.ndarray | None:
    """Unit vector of the line just before a part of it begins."""
    begins = shapely.get_point(part, 0)
    at = float(shapely.line_locate_point(line, begins))
    before = shapely.line_interpolate_point(line, max(at - _JUST_BEFORE_M, 0.0))
    ahead = shapely.get_coordinates(begins)[0] - shapely.get_coordinates(before)[0]
    length = float(np.hypot(*ahead))
    return ahead / length if length > 0 else None


def _outside(line: BaseGeometry, ground: BaseGeometry) -> list[tuple[BaseGeometry, bool]]:
    """Parts of a line outside a polygon, in its own direction and order, and whether each begins where the line does."""
    found = []
    for part in shapely.get_parts(shapely.difference(line, ground)):
        if part.geom_type == "LineString" and part.length > _CUT_M:
            # Points inside of the part tell its way: where a ring closes, one end lies at both ends of the line.
            inner = shapely.line_interpolate_point(part, [0.2, 0.21, 0.5, 0.51, 0.8, 0.81], normalized=True)
            at = shapely.line_locate_point(line, inner)
            onward = np.sign(np.diff(at)[::2]).sum() > 0
            found.append((float(at.min()), part if onward else shapely.reverse(part)))
    start = shapely.get_point(line, 0)
    ordered = [part for _, part in sorted(found, key=lambda item: item[0])]
    return [(part, shapely.distance(shapely.get_point(part, 0), start) < _CUT_M) for part in ordered]


def _like(table: gpd.GeoDataFrame, rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(rows, columns=table.columns).astype({"section": "int64", "inner": "int64"})
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=table.crs)


def _flag(roads: gpd.GeoDataFrame, name: str) -> np.ndarray | None:
    return roads[name].fillna(value=False).astype(bool).to_numpy() if name in roads else None


def _in_tunnels(
    roads: gpd.GeoDataFrame, tunnels: gpd.GeoDataFrame | None, drawn_with: set[tuple[str, str | None]]
) -> list[Part]:
    """Parts of roads in tunnels of their route, of one that is drawn with it, or of none that is recorded."""
    if tunnels is None or not len(tunnels):
        return []
    shapes = np.asarray(tunnels.geometry.array)
    flat = shapely.get_dimensions(shapes) == 2
    reach = np.where(flat, shapes, shapely.buffer(shapes, _TUNNEL_REACH_M, cap_style="flat"))
    long_m = np.where(flat, shapely.length(shapes) / 2, shapely.length(shapes))  # half the outline of what is slender
    tunnel, road = shapely.STRtree(roads.geometry.array).query(reach, predicate="intersects")
    whose, code = tunnels["route_code"].to_numpy(dtype=object), roads["route_code"].to_numpy(dtype=object)
    parts = shapely.intersection(np.asarray(roads.geometry.array)[road], reach[tunnel])
    shared = np.array([(whose[t], code[r]) in drawn_with for t, r in zip(tunnel, road, strict=True)], dtype=bool)
    # What merely crosses over a tunnel is not in it.
    through = pd.isna(whose[tunnel]) & (shapely.length(parts) >= _THROUGH * long_m[tunnel])
    mine = (whose[tunnel] == code[road]) | shared | through
    return [
        (roads.index[i], code[i], "tunnel", None, part)
        for i, part in zip(road[mine], parts[mine], strict=True)
        if part.length > SAME_ROAD_M
    ]


def _shared(roads: gpd.GeoDataFrame) -> list[Part]:
    """Parts of the lower of two routes that lie on the other's line, by their geometry or as the row says."""
    lines = shapely.force_2d(np.asarray(roads.geometry.array))
    code = roads["route_code"].to_numpy(dtype=object)
    named = roads["concurrent_with"].to_numpy(dtype=object) if "concurrent_with" in roads else np.full(len(code), None)
    rank = np.lexsort((np.arange(len(code)), code.astype(str), roads["road_class"].map(_CLASS_RANK))).argsort()
    low, high = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=NAMED_ROAD_M)
    pairs = (code[low] != code[high]) & (rank[low] > rank[high])
    shared: list[Part] = []
    for i, j in sorted(zip(low[pairs].tolist(), high[pairs].tolist(), strict=True)):
        told = code[j] in str(named[i] or "").split(";") or code[i] in str(named[j] or "").split(";")
        near = shapely.buffer(lines[j], NAMED_ROAD_M if told else SAME_ROAD_M, cap_style="flat")
        parts = shapely.get_parts(shapely.intersection(lines[i], near))
        long = [part for part in parts if part.length >= min(_LEAST_SHARED_M, lines[i].length)]
        if long:
            shared.append((roads.index[i], code[i], "concurrent", code[j], shapely.union_all(long)))
    return shared
