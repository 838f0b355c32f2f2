"""Ground that drivers must see across at bends and level crossings (安全视距): advisory, never a zone of the law.

The law gives the inner side of bends and level crossings to the control zone "by safe sight distance" and names no number
(公路安全保护条例 11, 13); the announced polygon decides. What is computed here shows where to look: the envelope of the sight
lines of the design's distances (JTG D20), along centrelines that may be metres off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from ..geo.corridor import GRID_M
from ..model.kinds import RoadClass, Structure
from ..model.tables import SIGHT
from .rules import LegalRules
from .stretches import areal

_STEP_M = 10.0
_JUNCTION_M = 8.0  # a side road's line may end so far from the other's centreline
_APART_M = 60.0  # a bridge or interchange this near lifts one road over the other
_LEAST_M2 = 5.0


def sight_ground(
    roads: gpd.GeoDataFrame,
    rules: LegalRules,
    grade_separated: gpd.GeoSeries | None = None,
    *,
    jurisdiction: pd.Series | None = None,
) -> gpd.GeoDataFrame:
    """Table SIGHT: advisory polygons at bends and level crossings, pavements left out, sorted by section.

    A bend's ground lies between the line and the chords of the stopping sight distance; a crossing's is the triangle whose
    legs are the crossing's sight distances along both roads, in every quarter that two legs enclose.

    Parameters
    ----------
    roads
        Table ROADS in a metric CRS, without what has no zones; sections on bridges have bends but no level crossing.
    grade_separated
        Bridges and interchanges in the same CRS: roads that cross within 60 m of one do not meet.
    jurisdiction
        Whose rules hold for each section, as from ``drawn.jurisdictions``; without it the general ones.
    """
    whose = pd.Series("", index=roads.index) if jurisdiction is None else jurisdiction.reindex(roads.index)
    mine = [rules.of(code) for code in whose]
    lines, row = shapely.get_parts(shapely.line_merge(shapely.force_2d(roads.geometry.array)), return_index=True)
    bends = _bends(roads, lines, row, mine)
    crossings = _crossings(roads, lines, row, mine, grade_separated)
    paved = _pavements(roads, mine)
    law = {section: own.sight.law for section, own in zip(roads.index, mine, strict=True)}
    rows = []
    for sight, section, other, speed, ground in [*bends, *crossings]:
        clear = areal(shapely.difference(ground, paved(ground), grid_size=GRID_M))
        if clear.area > _LEAST_M2:
            rows.append((sight, roads.loc[section, "route_code"], section, other, float(speed), law[section], clear))
    columns = [*SIGHT.columns, "geometry"]
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=roads.crs)
    return SIGHT.check(table.sort_values(["section", "sight"], kind="stable", ignore_index=True))


Ground = tuple[str, int, str | None, int, BaseGeometry]


def _bends(roads: gpd.GeoDataFrame, lines: np.ndarray, row: np.ndarray, mine: list[LegalRules]) -> list[Ground]:
    found: list[Ground] = []
    for line, i in zip(lines, row.tolist(), strict=True):
        road, rules = roads.iloc[i], mine[i]
        speed = _speed(road, rules)
        reach_m = _distance_m(rules.sight.stopping_m, speed)
        pieces = _chords(line, reach_m, rules.widths(road).pavement_half_m)
        if len(pieces):
            grounds = shapely.get_parts(areal(shapely.union_all(pieces, grid_size=GRID_M)))
            found += [("bend", int(roads.index[i]), None, speed, part) for part in grounds]
    return found


def _chords(line: BaseGeometry, reach_m: float, pavement_half_m: float) -> np.ndarray:
    """Polygons between the line and each chord over ``reach_m`` of it, where the two part by more than the pavement."""
    count = max(round(line.length / _STEP_M), 2)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, np.linspace(0.0, line.length, count + 1)))
    span = max(round(reach_m / (line.length / count)), 2)
    if span > count:
        return np.array([], dtype=object)
    runs = np.lib.stride_tricks.sliding_window_view(xy, span + 1, axis=0).swapaxes(1, 2)
    chord = runs[:, -1] - runs[:, 0]
    length = np.maximum(np.hypot(*chord.T), 1e-9)[:, None]
    away = runs - runs[:, :1]
    off = np.abs(away[..., 0] * chord[:, None, 1] - away[..., 1] * chord[:, None, 0]) / length
    bent = off.max(axis=1) > pavement_half_m
    return shapely.make_valid(shapely.polygons(np.concatenate([runs[bent], runs[bent][:, :1]], axis=1)))


def _crossings(
    roads: gpd.GeoDataFrame, lines: np.ndarray, row: np.ndarray, mine: list[LegalRules], apart: gpd.GeoSeries | None
) -> list[Ground]:
    code = roads["route_code"].to_numpy(dtype=object)[row]
    level = (roads["road_class"] != RoadClass.EXPRESSWAY).to_numpy()
    if "structure" in roads:
        level = level & ~roads["structure"].isin([Structure.BRIDGE, Structure.TUNNEL, Structure.RAMP]).to_numpy()
    level = level[row]
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=_JUNCTION_M)
    pairs = (one < other) & (code[one] != code[other]) & level[one] & level[other]
    bridges = shapely.STRtree([] if apart is None else apart.dropna().array)
    found: list[Ground] = []
    for i, j in zip(one[pairs].tolist(), other[pairs].tolist(), strict=True):
        for at in _meetings(lines[i], lines[j]):
            if len(bridges.query(at, predicate="dwithin", distance=_APART_M)):
                continue
            speeds = [_speed(roads.iloc[row[k]], mine[row[k]]) for k in (i, j)]
            reach = [_distance_m(mine[row[k]].sight.crossing_m, v) for k, v in zip((i, j), speeds, strict=True)]
            ground = _quarters(at, (lines[i], lines[j]), reach)
            found.append(("crossing", int(roads.index[row[i]]), str(code[j]), speeds[0], ground))
    return found


def _meetings(one: BaseGeometry, other: BaseGeometry) -> list[BaseGeometry]:
    """Points at which two lines cross or one ends at the other; not where they run together."""
    met = [part for part in shapely.get_parts(shapely.intersection(one, other)) if part.geom_type == "Point"]
    if met or shapely.intersects(one, other):
        return met
    for line, along in ((one, other), (other, one)):
        for end in (0, -1):
            tip = shapely.get_point(line, end)
            if shapely.distance(tip, along) <= _JUNCTION_M:
                return [shapely.line_interpolate_point(along, shapely.line_locate_point(along, tip))]
    return []


def _quarters(at: BaseGeometry, lines: tuple[BaseGeometry, BaseGeometry], reach_m: list[float]) -> BaseGeometry:
    """Ground between each leg of the one road and each leg of the other, closed by the sight line between their ends."""
    legs = [_legs(line, at, far_m) for line, far_m in zip(lines, reach_m, strict=True)]
    quarters = []
    for first in legs[0]:
        for second in legs[1]:
            ring = [*first, *second[::-1]]
            quarters.append(shapely.make_valid(shapely.Polygon([(at.x, at.y), *ring, (at.x, at.y)])))
    return areal(shapely.union_all(quarters, grid_size=GRID_M))


def _legs(line: BaseGeometry, at: BaseGeometry, reach_m: float) -> list[list[tuple[float, ...]]]:
    """Vertices of the line from the crossing outwards, both ways, as far as it goes."""
    here = float(shapely.line_locate_point(line, at))
    ways = [substring(line, here, min(here + reach_m, line.length)), substring(line, here, max(here - reach_m, 0.0))]
    return [list(way.coords)[1:] for way in ways if way.length > _JUNCTION_M]


def _pavements(roads: gpd.GeoDataFrame, mine: list[LegalRules]) -> Any:
    """A function giving the pavements under a ground."""
    rows = (road for _, road in roads.iterrows())
    half = [rules.widths(road).pavement_half_m for road, rules in zip(rows, mine, strict=True)]
    paved = shapely.buffer(roads.geometry.array, half, cap_style="flat")
    tree = shapely.STRtree(paved)
    return lambda ground: shapely.union_all(paved[tree.query(ground, predicate="intersects")], grid_size=GRID_M)


def _speed(road: pd.Series, rules: LegalRules) -> int:
    """Design speed, km/h: recorded, else that of the technical class."""
    recorded = float(road.get("design_speed_kmh", math.nan))
    if math.isfinite(recorded) and recorded > 0:
        return round(recorded)
    tech = road["tech_class"]
    known = int(tech) if pd.notna(tech) else rules.assumed_tech_class[RoadClass(road["road_class"])]
    return rules.sight.assumed_speed_kmh.get(known, min(rules.sight.assumed_speed_kmh.values()))


def _distance_m(by_speed: Mapping[int, float], speed: int) -> float:
    """The distance of the lowest listed speed that is not below the one asked for, else of the highest."""
    return by_speed[min((listed for listed in by_speed if listed >= speed), default=max(by_speed))]
