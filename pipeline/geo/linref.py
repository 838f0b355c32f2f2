"""Linear referencing (线性参照): which road, which stake, which side, how far off; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Point

from ..errors import GeometryError, LayerError, StakeError
from ..model.kinds import Side
from ..model.stake import Stake
from ..model.tables import ROADS, STAKES
from .carriageways import Part, parts_of
from .segments import Segments
from .staking import calibrate

_END_TOLERANCE_M = 1.0  # a stake this little beyond a road's end is its end: delivered stakes are rounded to the metre


class LinearReference:
    """Stakes of a road network.

    Each section is calibrated by the stakes of its route that lie within 100 m of it, else by its recorded first and last
    stake, else it counts from 0; ``problems`` says in plain words which stakes and sections could not be used as delivered.
    Lines may be digitised against their stakes: sides always face increasing stakes. Of a divided road whose two
    carriageways are digitised, what lies on or beside the left one is left, and the median belongs to the nearer one.

    Parameters
    ----------
    roads
        Table ROADS in a metric CRS; its index are the section numbers.
    stakes
        Table STAKES in the same CRS, or None.

    Raises
    ------
    LuyuError
        A table breaks its contract, section numbers repeat, a CRS differs, or coordinates are infinite.
    """

    def __init__(self, roads: gpd.GeoDataFrame, stakes: gpd.GeoDataFrame | None = None) -> None:
        self._roads = ROADS.check(roads)
        self.crs = roads.crs
        if stakes is not None:
            STAKES.check(stakes)
            if len(stakes) and stakes.crs != roads.crs:
                raise GeometryError(f"stakes are in {stakes.crs}, roads in {roads.crs}; transform one of them first")
        self._parts: list[Part] = parts_of(roads)
        self._segments = Segments.of([part.xy_m for part in self._parts]) if self._parts else None
        self._knots, problems = calibrate(self._parts, self._segments, roads, stakes)
        self.problems: tuple[str, ...] = tuple(problems)

    def locate(
        self, points: gpd.GeoSeries, *, route_code: pd.Series | None = None, section: pd.Series | None = None
    ) -> pd.DataFrame:
        """``section, route_code, stake_m, stake, side, offset_m`` of each point, on the same index.

        The nearest centreline counts, or the nearest of the route (sign or database key) or the section that is given for
        a point; a null there leaves the point free. A point beside a road's end has the stake of the end. ``offset_m`` is
        the distance to the centreline. A missing or empty point gives section -1, nulls and NaN.

        Raises
        ------
        LayerError
            There is no road to refer to, or a route or section is asked for that ROADS does not have.
        """
        xy_m = _xy(points)
        present = np.flatnonzero(np.isfinite(xy_m).all(axis=1))
        out = _nowhere(points.index)
        if not len(present):
            return out
        segments = self._needed()
        feet = segments.nearest(xy_m[present])
        segment = feet.segment
        for name, wanted, match in (("route", route_code, self._of_route), ("section", section, self._of_section)):
            if wanted is not None:
                segment = self._restricted(name, wanted.iloc[present], match, xy_m[present], segment)
        feet = feet if segment is feet.segment else segments.feet(xy_m[present], segment)
        stake_m = self._stake_m(feet.segment, feet.measure_m)
        line = segments.line[feet.segment]
        way = np.where(self._ascending[line], 1, -1)
        inner = self._inner[feet.segment] * way
        left = np.where(inner != 0, inner < 0, feet.side * way > 0)
        out.loc[out.index[present], "section"] = 0  # keeps the integer type
        for name, values in {
            "section": self._section[line],
            "route_code": self._code[line],
            "stake_m": stake_m,
            "stake": stake_texts(stake_m),
            "side": np.where(left, Side.LEFT.value, Side.RIGHT.value),
            "offset_m": feet.distance_m,
        }.items():
            column = out[name].to_numpy(copy=True)
            column[present] = values
            out[name] = column
        return out

    def place(self, route_code: str, stake_m: float) -> Point:
        """The point on the centreline of a route (sign or database key) at a stake.

        Where a number stands twice (长链, two carriageways, several counties) the first section of ROADS has it.

        Raises
        ------
        StakeError
            The route is not in ROADS, or no line of it has this stake (短链, a gap, beyond its ends).
        """
        mine = self._spans[np.isin(self._spans["line"].astype(int), np.flatnonzero(self._of_route(route_code)))]
        if not len(mine):
            raise StakeError(f"no route {route_code!r} in the roads layer; it has {_some(self._code)}")
        low, high = np.minimum(mine["s0"], mine["s1"]), np.maximum(mine["s0"], mine["s1"])
        off_m = np.maximum(np.maximum(low - stake_m, stake_m - high), 0.0)
        best = int(np.argmin(off_m))
        if not off_m[best] <= _END_TOLERANCE_M:
            ranges = f"{Stake(max(low.min(), 0.0))} to {Stake(max(high.max(), 0.0))}"
            near = Stake(max(float(np.clip(stake_m, low[best], high[best])), 0.0))
            raise StakeError(
                f"{route_code} has no stake {stake_m / 1000:.3f} km; it runs from {ranges}, nearest is {near}"
            )
        span = mine[best]
        rise = span["s1"] - span["s0"]
        share = np.clip((stake_m - span["s0"]) / rise, 0.0, 1.0) if rise else 0.0
        return self._point(int(span["line"]), span["m0"] + share * (span["m1"] - span["m0"]))

    def span(self, geometries: gpd.GeoSeries, section: pd.Series | None = None) -> pd.DataFrame:
        """``stake_from_m, stake_to_m`` (from <= to) that each geometry covers on its section, on the same index.

        Every vertex is referred to the section given, or to the section nearest to the geometry. A footprint cannot cover
        more of a road than its own diameter on both sides of its middle: feet on another limb of a hairpin are cut to that.
        """
        shapes = np.asarray(geometries.array)
        middles = gpd.GeoSeries(shapely.centroid(shapes), index=geometries.index, crs=geometries.crs)
        middle = self.locate(middles, section=section)
        xy_m, of = shapely.get_coordinates(shapes, return_index=True)
        corners = gpd.GeoSeries(shapely.points(xy_m), crs=geometries.crs)
        at = pd.Series(middle["section"].to_numpy()[of], index=corners.index)
        stake_m = self.locate(corners, section=at)["stake_m"].to_numpy()
        bounds = shapely.bounds(shapes)
        reach_m = np.hypot(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
        centre = middle["stake_m"].to_numpy()
        low, high = np.full(len(shapes), np.inf), np.full(len(shapes), -np.inf)
        cut = np.clip(stake_m, (centre - reach_m)[of], (centre + reach_m)[of])
        np.minimum.at(low, of, cut)
        np.maximum.at(high, of, cut)
        known = np.isfinite(centre) & np.isfinite(low)
        table = {"stake_from_m": np.where(known, low, np.nan), "stake_to_m": np.where(known, high, np.nan)}
        return pd.DataFrame(table, index=geometries.index)

    @cached_property
    def stretches(self) -> gpd.GeoDataFrame:
        """Stretches of all centrelines, turned to increasing stakes and cut where a partner carriageway begins or ends.

        ``section, route_code, inner`` (+1 the partner runs on the left, -1 on the right, 0 single), ``gap_m`` (median
        distance to it), and in ``joins`` the number of the stretch that it continues (-1: none).
        """
        records = []
        for part, knots in zip(self._parts, self._knots, strict=True):
            cuts = [0, *(np.flatnonzero(np.diff(part.inner)) + 1).tolist(), len(part.inner)]
            for first, last in pairwise(cuts):
                xy = part.xy_m[first : last + 1]
                gap = part.gap_m[first:last]
                known = gap[np.isfinite(gap)]
                inner = int(part.inner[first]) * (1 if knots.ascending else -1)
                code = self._roads["route_code"].iloc[part.row]
                line = shapely.linestrings(xy if knots.ascending else xy[::-1])
                records.append((part.section, code, inner, float(np.median(known)) if len(known) else np.nan, line))
        columns = ["section", "route_code", "inner", "gap_m", "geometry"]
        table = gpd.GeoDataFrame(pd.DataFrame(records, columns=columns), geometry="geometry", crs=self.crs)
        return table.assign(joins=_joins(table))

    def _restricted(
        self,
        name: str,
        wanted: pd.Series,
        match: Callable[[object], np.ndarray],
        xy_m: np.ndarray,
        segment: np.ndarray,
    ) -> np.ndarray:
        """Nearest segments among those of the wanted route or section, for the points that are not there already."""
        segments = self._needed()
        out = segment.copy()
        values = wanted.to_numpy(dtype=object)
        asked = ~pd.isna(values)
        if name == "section":
            asked &= values != -1
        for value in dict.fromkeys(values[asked]):
            allowed = match(value)
            names = self._code if name == "route" else self._section
            if not allowed.any():
                raise LayerError("roads", f"there is no {name} {value!r}; it has {_some(names)}")
            these = np.flatnonzero(asked & (values == value))
            these = these[~allowed[segments.line[out[these]]]]
            if len(these):
                out[these] = segments.nearest(xy_m[these], allowed[segments.line]).segment
        return out

    def _needed(self) -> Segments:
        if self._segments is None:
            raise LayerError("roads", "there is no road line to refer to; check the layer and the area asked for")
        return self._segments

    def _of_route(self, code: object) -> np.ndarray:
        return (self._code == code) | (self._key == code)

    def _of_section(self, section: object) -> np.ndarray:
        return self._section == section

    def _stake_m(self, segment: np.ndarray, measure_m: np.ndarray) -> np.ndarray:
        """Stakes at measures; all lines are laid end to end, 1 m apart, so that one interpolation serves them all."""
        start, at, stake = self._laid_out
        return np.interp(start[self._needed().line[segment]] + measure_m, at, stake)

    def _point(self, line: int, measure_m: float) -> Point:
        xy = self._parts[line].xy_m
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        return Point(np.interp(measure_m, along, xy[:, 0]), np.interp(measure_m, along, xy[:, 1]))

    @cached_property
    def _laid_out(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        start = np.concatenate([[0.0], np.cumsum([part.length_m + 1.0 for part in self._parts])[:-1]])
        at = np.concatenate([at0 + knots.measure_m for at0, knots in zip(start, self._knots, strict=True)])
        return start, at, np.concatenate([knots.stake_m for knots in self._knots])

    @cached_property
    def _spans(self) -> np.ndarray:
        """Every linear piece of every line: line, measures and stakes of its two ends; in order of ROADS."""
        rows = [
            (line, m0, m1, s0, s1)
            for line, knots in enumerate(self._knots)
            for m0, m1, s0, s1 in zip(
                knots.measure_m[:-1], knots.measure_m[1:], knots.stake_m[:-1], knots.stake_m[1:], strict=True
            )
        ]
        return np.array(rows, dtype=[(name, float) for name in ("line", "m0", "m1", "s0", "s1")])

    @cached_property
    def _ascending(self) -> np.ndarray:
        return np.array([knots.ascending for knots in self._knots])

    @cached_property
    def _inner(self) -> np.ndarray:
        return np.concatenate([part.inner for part in self._parts])

    @cached_property
    def _section(self) -> np.ndarray:
        return np.array([part.section for part in self._parts])

    @cached_property
    def _code(self) -> np.ndarray:
        return self._roads["route_code"].to_numpy(dtype=object)[[part.row for part in self._parts]]

    @cached_property
    def _key(self) -> np.ndarray:
        return self._roads["route_key"].to_numpy(dtype=object)[[part.row for part in self._parts]]


def stake_texts(stake_m: np.ndarray) -> list[str | None]:
    """``K12+345`` for each stake in metres; a place before K0+000 is written K0+000, NaN as None."""
    return [str(Stake(max(float(value), 0.0))) if np.isfinite(value) else None for value in stake_m]


def _xy(points: gpd.GeoSeries) -> np.ndarray:
    shapes = np.asarray(points.array)
    present = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    kinds = set(points.geom_type[present]) - {"Point"}
    if kinds:
        raise GeometryError(f"only points can be located; got {sorted(kinds)}; take representative points first")
    xy = np.full((len(shapes), 2), np.nan)
    xy[present] = shapely.get_coordinates(shapes[present])
    if np.isinf(xy).any():
        raise GeometryError("a point to be located has infinite coordinates; check the CRS it was transformed to")
    return xy


def _nowhere(index: pd.Index) -> pd.DataFrame:
    count = len(index)
    table = {
        "section": np.full(count, -1, dtype=np.int64),
        "route_code": np.full(count, None, dtype=object),
        "stake_m": np.full(count, np.nan),
        "stake": np.full(count, None, dtype=object),
        "side": np.full(count, None, dtype=object),
        "offset_m": np.full(count, np.nan),
    }
    return pd.DataFrame(table, index=index)


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


def _some(values: np.ndarray) -> str:
    names = sorted({str(value) for value in values})
    return ", ".join(names[:8]) + (f", ... ({len(names)} in all)" if len(names) > 8 else "")
