"""Which other routes a stretch of road is at the same time (共用路段), and at which of their stakes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..linref.reference import LinearReference
from .overlap import column, texts

_SAME_ROAD_M, _NAMED_ROAD_M = 3.0, 30.0  # as where zones are drawn once


def concurrent(footprints: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, linref: LinearReference) -> pd.Series:
    """``S253 K12+345`` for each footprint beside a shared road, several with ``;``, null for others; on its index.

    A route shares the road where its own line lies within 3 m of it, or where the row of the road names it; a route that is
    only named and has no line there comes without a stake.

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
    inner = shapely.point_on_surface(footprints.geometry.to_numpy()[these])
    feet = shapely.get_point(shapely.shortest_line(lines[row], inner), 0)
    code, named = column(roads, "route_code"), column(roads, "concurrent_with")
    at, other = shapely.STRtree(lines).query(feet, predicate="dwithin", distance=_NAMED_ROAD_M)
    told = np.array(
        [code[j] in str(named[row[i]] or "").split(";") for i, j in zip(at, other, strict=True)], dtype=bool
    )
    near = shapely.distance(feet[at], lines[other]) <= np.where(told, _NAMED_ROAD_M, _SAME_ROAD_M)
    pairs = pd.DataFrame({"at": at, "route": code[other]})[near & (code[other] != code[row[at]])]
    pairs = pairs.drop_duplicates().sort_values(["at", "route"], kind="stable", ignore_index=True)
    points = gpd.GeoSeries(feet[pairs["at"]], index=pairs.index, crs=roads.crs)
    stakes = linref.locate(points, route_code=pairs["route"])["stake"] if len(pairs) else pd.Series([], dtype=object)
    said: dict[int, dict[str, str]] = {}
    for i, route, stake in zip(pairs["at"], pairs["route"], stakes, strict=True):
        said.setdefault(int(i), {})[route] = f"{route} {stake}"
    for i in np.flatnonzero(~pd.isna(named[row])):
        for route in str(named[row[i]]).split(";"):
            if route != code[row[i]]:
                said.setdefault(int(i), {}).setdefault(route, route)
    for i, words in said.items():
        out[these[i]] = ";".join(words[route] for route in sorted(words))
    return pd.Series(out, index=footprints.index, dtype=object)
