"""Centrelines as stretches that face increasing stakes, cut where a partner carriageway begins or ends."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .calibration import Knots
from .carriageways import Part


def stretches_of(parts: list[Part], knots: list[Knots], roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """``section, route_code, inner, gap_m, joins`` and the line of each stretch, as ``LinearReference.stretches`` has them."""
    code = roads["route_code"].to_numpy(dtype=object)
    records = []
    for part, own in zip(parts, knots, strict=True):
        cuts = [0, *(np.flatnonzero(np.diff(part.inner)) + 1).tolist(), len(part.inner)]
        for first, last in pairwise(cuts):
            xy = part.xy_m[first : last + 1]
            gap = part.gap_m[first:last]
            known = gap[np.isfinite(gap)]
            inner = int(part.inner[first]) * (1 if own.ascending else -1)
            line = shapely.linestrings(xy if own.ascending else xy[::-1])
            records.append(
                (part.section, code[part.row], inner, float(np.median(known)) if len(known) else np.nan, line)
            )
    columns = ["section", "route_code", "inner", "gap_m", "geometry"]
    table = gpd.GeoDataFrame(pd.DataFrame(records, columns=columns), geometry="geometry", crs=roads.crs)
    return table.assign(joins=_joins(table))


def _joins(stretches: gpd.GeoDataFrame) -> np.ndarray:
    """For each stretch the one of the same route that ends where it starts."""
    starts, ends = shapely.get_point(stretches.geometry.array, 0), shapely.get_point(stretches.geometry.array, -1)
    joins = np.full(len(stretches), -1)
    if not len(stretches):
        return joins
    one, other = shapely.STRtree(ends).query(starts, predicate="dwithin", distance=1.0)
    code = stretches["route_code"].to_numpy(dtype=object)
    fits = (one != other) & (code[one] == code[other])
    for i, j in zip(one[fits][::-1], other[fits][::-1], strict=True):
        joins[i] = j
    return joins
