"""Where posts and breaks stand on the lines of their route: every foot that could be meant, the likeliest first."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..geo.segments import Segments
from .carriageways import Part

MAX_STAKE_OFFSET_M = 100.0
_SAME_PLACE_M = 2.0
_BEYOND_END_M = 5.0


@dataclass(frozen=True)
class Lines:
    """What decides which line a point of a route may stand on: sign, key and whether it is a ramp, line by line."""

    code: np.ndarray
    key: np.ndarray
    ramp: np.ndarray
    accompanied: np.ndarray

    @classmethod
    def of(cls, parts: list[Part], roads: gpd.GeoDataFrame) -> Lines:
        """Lines of parts; ``accompanied`` is per segment: a partner carriageway runs beside it."""
        row = np.array([part.row for part in parts])
        code, key = (roads[name].to_numpy(dtype=object)[row] for name in ("route_code", "route_key"))
        structure = roads["structure"].to_numpy(dtype=object) if "structure" in roads else np.full(len(roads), None)
        inner = np.concatenate([part.inner for part in parts]) != 0
        return cls(code, np.where(pd.isna(key), code, key), structure[row] == "ramp", inner)

    def of_route(self, table: pd.DataFrame, i: np.ndarray, line: np.ndarray) -> np.ndarray:
        """Whether row ``i`` of a table with ``route_code, route_key`` is of the route of ``line``; a known key decides."""
        code, key, by_key = self._names_in(table)
        return np.where(by_key[i], key[i] == self.key[line], code[i] == self.code[line]).astype(bool)

    def same_route(self, table: pd.DataFrame, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Whether rows ``i`` and ``j`` of such a table are of one route, as far as they say."""
        code, key, by_key = self._names_in(table)
        return np.where(by_key[i] & by_key[j], key[i] == key[j], code[i] == code[j]).astype(bool)

    def _names_in(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        code, key = (table[name].to_numpy(dtype=object) for name in ("route_code", "route_key"))
        return code, key, pd.Series(key).isin(set(self.key)).to_numpy() & ~pd.isna(key)

    def names(self) -> set[object]:
        """All signs and keys."""
        return set(self.code) | set(self.key)


@dataclass(frozen=True)
class Feet:
    """Feet of points: row of the table, line, measure on it, and how far off it is.

    ``first`` marks the one that is meant unless it cannot be.
    """

    row: np.ndarray
    line: np.ndarray
    measure_m: np.ndarray
    distance_m: np.ndarray
    first: np.ndarray

    def only(self, chosen: np.ndarray) -> Feet:
        """The chosen ones (a mask, or their places)."""
        return Feet(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def feet_of(table: gpd.GeoDataFrame, segments: Segments, lines: Lines) -> tuple[Feet, np.ndarray]:
    """Feet of points (present, rows numbered from 0) on the lines of their routes, and the rows that have none within 100 m.

    A point stands on the nearest line, on others only in the same place (within 2 m) or where two carriageways run beside
    each other; on ramps only where the route has no other line near. Where a line comes by more than once, each time
    counts as one foot.
    """
    points = shapely.force_2d(np.asarray(table.geometry.array))
    i, segment = segments.tree.query(points, predicate="dwithin", distance=MAX_STAKE_OFFSET_M)
    line = segments.line[segment]
    same = lines.of_route(table, i, line)
    i, segment, line = i[same], segment[same], line[same]
    stray = np.setdiff1d(np.arange(len(table)), i)
    main = np.zeros(len(table), dtype=bool)
    main[i[~lines.ramp[line]]] = True
    meant = ~(lines.ramp[line] & main[i])
    i, segment = i[meant], segment[meant]
    order = np.lexsort((segment, i))
    i, segment = i[order], segment[order]
    feet = segments.feet(shapely.get_coordinates(points)[i], segment)
    distance = feet.distance_m
    nearby = (np.diff(i) == 0) & (np.diff(segment) == 1) & (np.diff(segments.line[segment]) == 0)
    falls = np.concatenate([[True], ~nearby | (distance[1:] < distance[:-1])])
    rises = np.concatenate([~nearby | (distance[:-1] <= distance[1:]), [True]])
    low = falls & rises & ~(feet.clamped & (distance > _BEYOND_END_M))
    i, segment, distance, measure = i[low], segment[low], distance[low], feet.measure_m[low]
    return _ranked(len(table), i, segments.line[segment], distance, measure, lines.accompanied[segment]), stray


def _ranked(
    count: int, i: np.ndarray, line: np.ndarray, distance: np.ndarray, measure: np.ndarray, along: np.ndarray
) -> Feet:
    """The nearest foot of each point on each line is the first of it; lines that the point does not stand on are dropped."""
    nearest = np.full(count, np.inf)
    np.minimum.at(nearest, i, distance)
    order = np.lexsort((measure, np.round(distance, 6), line, i))
    i, line, distance, measure, along = i[order], line[order], distance[order], measure[order], along[order]
    first = np.concatenate([[True], (np.diff(i) != 0) | (np.diff(line) != 0)])[: len(i)]
    stands = (distance <= nearest[i] + _SAME_PLACE_M) | along
    kept = stands[first][np.cumsum(first) - 1] if len(i) else stands
    return Feet(i, line, measure, distance, first).only(kept)
