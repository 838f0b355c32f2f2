"""Which other routes a stretch of road is at the same time (共用路段), and at which of their stakes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..linref.reference import LinearReference
from .overlap import column, texts

_SAME_ROAD_M, _NAMED_ROAD_M = 3.0, 30.0  # as where zones are drawn once
_TOGETHER_M = 40.0  # so far both ways lines run together that share a road; those that cross have parted by then


def concurrent(footprints: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, linref: LinearReference) -> pd.Series:
    """``S253 K12+345`` for each footprint beside a shared road, several with ``;``, null for others; on its index.

    A route shares the road where its own line lies within 3 m of it, or within 30 m where the row of either road names the
    other, there and for 40 m both ways. A route that the row of the road names, and that has no line there, comes without
    a stake.

    Parameters
    ----------
    footprints
        With ``section`` (index of the road section in ROADS; -1: none), in the CRS of ``roads``.
    roads
        Table ROADS, all of it: routes of a lower class have no zones where they are shared, but they have stakes.
    """
    out = texts(len(footprints))
    section = footprints["section"].to_numpy()
    these = np.flatnonzero(np.isin(section, roads.index))
    if not len(these):
        return pd.Series(out, index=footprints.index, dtype=object)
    row = roads.index.get_indexer(section[these])
    lines = shapely.force_2d(roads.geometry.to_numpy())
    points = _foot_and_both_ways(lines, row, shapely.point_on_surface(footprints.geometry.to_numpy()[these]))
    pairs = _sharing(points, row, lines, column(roads, "route_code"), column(roads, "concurrent_with"))
    feet = gpd.GeoSeries(points[pairs["at"], 0], index=pairs.index, crs=roads.crs)
    stakes = linref.locate(feet, route_code=pairs["route"])["stake"] if len(pairs) else pd.Series([], dtype=object)
    said: dict[int, dict[str, str]] = {}
    for i, route, stake in zip(pairs["at"], pairs["route"], stakes, strict=True):
        said.setdefault(int(i), {})[route] = f"{route} {stake}"
    code, named = column(roads, "route_code")[row], column(roads, "concurrent_with")[row]
    for i in np.flatnonzero(~pd.isna(named)):
        for route in str(named[i]).split(";"):
            if route != code[i]:
                said.setdefault(int(i), {}).setdefault(route, route)
    for i, words in said.items():
        out[these[i]] = ";".join(words[route] for route in sorted(words))
    return pd.Series(out, index=footprints.index, dtype=object)


def _foot_and_both_ways(lines: np.ndarray, row: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """``(n, 3)`` points on the nearest part of each own line: the foot of ``inner``, and a way before and beyond it.

    No farther than the part reaches: where it ends, nothing is known of how the two go on.
    """
    parts, of = shapely.get_parts(lines, return_index=True)
    of_row = pd.DataFrame({"row": of, "part": np.arange(len(parts))})
    pairs = pd.DataFrame({"row": row, "at": np.arange(len(row))}).merge(of_row, on="row")
    pairs["apart_m"] = shapely.distance(parts[pairs["part"]], inner[pairs["at"]])
    own = parts[pairs.sort_values(["at", "apart_m"], kind="stable").drop_duplicates("at")["part"]]
    along_m = shapely.line_locate_point(own, inner)[:, None] + np.array([0.0, -_TOGETHER_M, _TOGETHER_M])
    return shapely.line_interpolate_point(own[:, None], np.clip(along_m, 0.0, shapely.length(own)[:, None]))


def _sharing(
    points: np.ndarray, row: np.ndarray, lines: np.ndarray, code: np.ndarray, named: np.ndarray
) -> pd.DataFrame:
    """``at, route``: positions of footprints, and each other route that lies near all points of their own line."""
    flat, other = shapely.STRtree(lines).query(points.ravel(), predicate="dwithin", distance=_NAMED_ROAD_M)
    at, which = np.divmod(flat, points.shape[1])
    own = row[at]
    told = np.array(
        [_names(named[i], code[j]) or _names(named[j], code[i]) for i, j in zip(own, other, strict=True)], dtype=bool
    )
    near = shapely.distance(points.ravel()[flat], lines[other]) <= np.where(told, _NAMED_ROAD_M, _SAME_ROAD_M)
    near &= code[other] != code[own]
    # Several sections of the other route may take turns beside it.
    pairs = pd.DataFrame({"at": at, "route": code[other], "which": which})[near].drop_duplicates()
    count = pairs.groupby(["at", "route"], sort=True).size()
    return count[count == points.shape[1]].index.to_frame(index=False)


def _names(routes: str | None, code: str) -> bool:
    return code in str(routes or "").split(";")
