"""Given polygons (announced control zones, surveyed highway land) against the stretch of road that they accompany."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from ..geo.corridor import GRID_M, sides

_MIN_SHARE = 0.02  # of a polygon on one side of the road, below which it only touches that side
_MIN_LENGTH_M = 0.5
_MAX_REACHES = (
    5.0  # a polygon that also follows other roads is looked at only this many times as far as the zones reach
)


@dataclass(frozen=True)
class Alongside:
    """A line turned to increasing stakes, its route, and how far its zones reach."""

    route_code: str
    line: BaseGeometry
    reach_m: float


def announced_zones(road: Alongside, announced: gpd.GeoDataFrame | None) -> list[tuple[BaseGeometry, str | None]]:
    """Announced polygons of this road, with the number of the announcement where it is known."""
    return _of_road(road, announced)


def surveyed_land(road: Alongside, surveyed: gpd.GeoDataFrame | None) -> list[BaseGeometry]:
    """Surveyed polygons of this road."""
    return [polygon for polygon, _ in _of_road(road, surveyed)]


def replaced_by(
    road: Alongside, polygon: BaseGeometry, sign: int, *, beyond_m: float = 0.0
) -> tuple[BaseGeometry, BaseGeometry]:
    """The part of a given polygon on the left (+1) or right (-1) of a road, and the ground that it speaks for there.

    It speaks for the ground on that side along the stretch of line that it accompanies, out to ``beyond_m`` past its own
    farthest corner. Both are empty where it does not lie on that side.
    """
    nothing = Polygon(), Polygon()
    line = road.line
    corners = shapely.points(shapely.get_coordinates(polygon))
    at_m = shapely.line_locate_point(line, corners)
    first_m, last_m = float(at_m.min()), float(at_m.max())
    if last_m - first_m < _MIN_LENGTH_M:
        return nothing
    farthest_m = float(shapely.distance(line, corners).max())
    far_m = min(max(farthest_m, road.reach_m), _MAX_REACHES * road.reach_m) + beyond_m + 1.0
    grounds = sides(substring(line, first_m, last_m), far_m, far_m)
    mine = grounds[0] if sign > 0 else grounds[1]
    part = shapely.intersection(polygon, mine, grid_size=GRID_M)
    if part.area < _MIN_SHARE * polygon.area:
        return nothing
    return part, mine


def _of_road(road: Alongside, given: gpd.GeoDataFrame | None) -> list[tuple[BaseGeometry, str | None]]:
    if given is None or not len(given):
        return []
    near = given.iloc[
        np.sort(given.sindex.query(road.line.buffer(road.reach_m, cap_style="flat"), predicate="intersects"))
    ]
    out: list[tuple[BaseGeometry, str | None]] = []
    for row in near.itertuples():
        route = getattr(row, "route_code", None)
        if pd.notna(route) and route not in ("", road.route_code):
            continue
        number = getattr(row, "number", None)
        name = number if pd.notna(number) and number else None
        parts = shapely.get_parts(shapely.make_valid(row.geometry))
        out.extend((part, name) for part in parts if part.geom_type == "Polygon" and part.area > 0)
    return out
