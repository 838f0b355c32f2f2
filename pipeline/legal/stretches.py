"""Pieces of road sections that zones are laid along: turned to increasing stakes, with their widths and their median."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from ..geo.corridor import sides
from ..model.kinds import RoadClass, Side
from .overrides import Alongside
from .rules import LegalRules
from .widths import RoadWidths

MIN_AREA_M2 = 0.01  # less is rounding


@dataclass(frozen=True)
class Stretch:
    """A piece of a section, turned to increasing stakes, with a partner on one side (inner +1 left, -1 right) or none."""

    section: int
    route_code: str
    road_class: RoadClass
    line: BaseGeometry
    lead_in: np.ndarray | None
    inner: int
    between: BaseGeometry
    widths: RoadWidths
    rules: LegalRules

    @property
    def alongside(self) -> Alongside:
        """What given polygons are compared with."""
        return Alongside(self.route_code, self.line, self.widths.control_edge_m)

    def side_of(self, sign: int) -> Side:
        """Side of the road that ground on the left (+1) or right (-1) of this line belongs to."""
        sign = -self.inner if self.inner else sign
        return Side.LEFT if sign > 0 else Side.RIGHT


def stretches_of(table: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, rules: LegalRules) -> Iterator[Stretch]:
    """Stretches of ``drawn`` with the widths that the rules of their jurisdiction give their sections."""
    lines = table.geometry.array
    gaps = _between(table)
    columns = [table[name] for name in ("section", "route_code", "inner", "gap_m", "lead_in", "jurisdiction")]
    for i, (section, code, inner, gap_m, lead_in, jurisdiction) in enumerate(zip(*columns, strict=True)):
        road = roads.loc[section]
        divided = inner != 0 and math.isfinite(gap_m)
        mine = rules.of(jurisdiction)
        yield Stretch(
            section=int(section),
            route_code=code,
            road_class=RoadClass(road["road_class"]),
            line=lines[i],
            lead_in=lead_in,
            inner=int(inner) if divided else 0,
            between=gaps[i],
            widths=mine.widths(road, separation_m=gap_m if divided else None),
            rules=mine,
        )


def _between(table: gpd.GeoDataFrame) -> list[BaseGeometry]:
    """Ground between each stretch and its partner: what both have on their inner side."""
    facing = []
    for line, inner, gap_m in zip(table.geometry.array, table["inner"], table["gap_m"], strict=True):
        reach_m = 1.25 * gap_m if inner and math.isfinite(gap_m) else 0.0
        left, right = sides(line, reach_m if inner > 0 else 0.0, reach_m if inner < 0 else 0.0)
        facing.append(left if inner > 0 else right)
    tree, code = shapely.STRtree(facing), table["route_code"].to_numpy(dtype=object)
    gaps: list[BaseGeometry] = []
    for i, ground in enumerate(facing):
        others = (
            [j for j in tree.query(ground, predicate="intersects") if j != i and code[j] == code[i]] if ground else []
        )
        shared = shapely.union_all(shapely.intersection(ground, np.array([facing[j] for j in others], dtype=object)))
        gaps.append(areal(shared) if others else Polygon())
    return gaps


def areal(shape: BaseGeometry) -> BaseGeometry:
    """Only the polygons of an overlay's result that are more than rounding."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > MIN_AREA_M2]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
