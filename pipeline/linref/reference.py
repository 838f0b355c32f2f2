"""Linear referencing (线性参照): which road, which stake, which side, how far off; and the way back."""

from __future__ import annotations

from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Point

from ..errors import GeometryError, LayerError, StakeError
from ..geo.segments import Segments, Strips
from ..model.kinds import Side
from ..model.stake import stake_texts
from ..model.tables import BREAKS, ROADS, STAKES
from .carriageways import Part, parts_of
from .network import Network
from .placing import Placing
from .points import located, on_index, xy_of
from .routes import Names
from .staking import calibrate
from .stretches import stretches_of


class LinearReference:
    """Stakes of a road network.

    Each section is calibrated by the posts of its route that lie within 100 m of it, else by its recorded first and last
    stake, else it counts from 0; ``problems`` says in plain words which posts, breaks and sections could not be used as
    delivered. Lines may be digitised against their stakes: sides always face increasing stakes. Of a divided road whose
    two carriageways are digitised, what lies on or beside the left one is left, and the median belongs to the nearer one.

    Numbers may stand twice or lack along one route (断链, numbers that start anew): what has every number once is a chain,
    and chains are counted 1, 2, ... along each route in the order in which the road runs.

    Parameters
    ----------
    roads
        Table ROADS in a metric CRS; its index are the section numbers.
    stakes
        Table STAKES in the same CRS, or None.
    breaks
        Table BREAKS in the same CRS, or None. A break without a place is placed by the posts around it.

    Raises
    ------
    LuyuError
        A table breaks its contract, section numbers repeat, a CRS differs, or coordinates are infinite.
    """

    def __init__(
        self,
        roads: gpd.GeoDataFrame,
        stakes: gpd.GeoDataFrame | None = None,
        breaks: gpd.GeoDataFrame | None = None,
    ) -> None:
        self._roads = ROADS.check(roads)
        self.crs = roads.crs
        for table, given in ((STAKES, stakes), (BREAKS, breaks)):
            if given is not None:
                table.check(given)
                if len(given) and given.crs != roads.crs:
                    raise GeometryError(
                        f"{table.name} are in {given.crs}, roads in {roads.crs}; transform one of them first"
                    )
        self._parts: list[Part] = parts_of(roads)
        lines = [part.xy_m for part in self._parts]
        self._segments = Segments.of(lines) if lines else None
        knots, problems = calibrate(self._parts, self._segments, roads, stakes, breaks)
        self.problems: tuple[str, ...] = tuple(problems)
        self._knots = knots
        self._names = Names(self._parts, roads)
        self._strips: dict[str, Strips] = {}

    def locate(
        self, points: gpd.GeoSeries, *, route_code: pd.Series | None = None, section: pd.Series | None = None
    ) -> pd.DataFrame:
        """``section, route_code, stake_m, stake, chain_no, side, offset_m`` of each point, on the same index.

        The nearest centreline counts, or the nearest of the route (sign or database key) or the section that is given for
        a point, on its index; a null there leaves the point free. A point beside a road's end has the stake of the end.
        ``offset_m`` is the distance to the centreline. A missing or empty point gives section -1, chain 0, nulls and NaN.

        Raises
        ------
        LayerError
            There is no road to refer to, or a route or section is asked for that ROADS does not have.
        """
        xy_m = xy_of(points)
        present = np.flatnonzero(np.isfinite(xy_m).all(axis=1))
        if not len(present):
            return located({}, present, points.index)
        segments, at = self._needed(), xy_m[present]
        segment = np.full(len(present), -1)
        asked: list[tuple[str, np.ndarray, np.ndarray]] = []
        if route_code is not None:
            routes = self._names.routes(on_index(route_code, points.index).to_numpy(dtype=object)[present], must=True)
            asked += [(kind, rows, group) for kind, (rows, group) in routes.items()]
        if section is not None:
            asked.append(
                ("section", *self._names.sections(on_index(section, points.index).to_numpy(dtype=object)[present]))
            )
        for kind, rows, group in asked:
            segment[rows] = self._nearest_of(kind, at[rows], group)
        free = segment < 0
        if free.any():
            segment[free] = segments.nearest_segment(at[free])
        return self._told(points.index, present, at, segment)

    def place(self, route_code: str, stake_m: float) -> Point:
        """The point on the centreline of a route (sign or database key) at a stake.

        Where a number stands twice (长链, two carriageways, several counties) the first section of ROADS has it.

        Raises
        ------
        StakeError
            The route is not in ROADS, or no line of it has this stake (短链, a gap, beyond its ends).
        """
        if self._segments is None:
            raise StakeError(f"no route {route_code!r}: the roads layer has no line")
        asked = np.array([route_code], dtype=object), np.array([stake_m], dtype=float), np.array([np.nan])
        _, run = self._placing.having(*asked)
        if not len(run):
            raise StakeError(self._placing.why_none(*asked)[0])
        return Point(self._network.places(run[:1], asked[1])[0])

    def route_of(self, table: pd.DataFrame) -> pd.Series:
        """What each row of a table calls its route: ``route_key`` where ROADS has this key, else ``route_code``.

        Signs of rural roads repeat in every county; registers that hold the whole key say which one is meant.
        """
        code = table["route_code"].astype(object)
        if "route_key" not in table:
            return code
        return (
            table["route_key"].astype(object).where(self._names.known_keys(table["route_key"].to_numpy(object)), code)
        )

    def roads_called(self, signs: pd.Series) -> pd.Series:
        """How many roads (database keys) each of the signs stands for, on the same index; 0 where it is none."""
        return pd.Series(self._names.roads_called(signs.to_numpy(dtype=object)), index=signs.index)

    def place_many(
        self,
        route_code: pd.Series,
        stake_m: pd.Series,
        *,
        near: gpd.GeoSeries | None = None,
        chain_no: pd.Series | int | None = None,
    ) -> gpd.GeoDataFrame:
        """``candidates, chain_no, problem`` and the point of each stake (metres) of a route, on the index of ``route_code``.

        ``candidates`` is the number of places that have the number (of the chain, where one is given). Of several the one
        nearest to ``near`` is taken, else the first in ROADS, a ramp last. Where there is none the geometry is null and
        ``problem`` says why. A route is a sign or a database key; null routes and stakes give no place.
        """
        index, count = route_code.index, len(route_code)
        routes = route_code.to_numpy(dtype=object)
        stakes = on_index(stake_m, index).to_numpy(dtype=float)
        asked = pd.Series(np.nan if chain_no is None else chain_no, index=index).to_numpy(dtype=float)
        query, run = self._placing.having(routes, stakes, asked)
        candidates = np.bincount(query, minlength=count)
        xy_m = self._network.places(run, stakes[query])
        if near is not None:
            beside = xy_of(on_index(near, index))[query]
            order = np.lexsort((np.arange(len(query)), np.hypot(*(xy_m - beside).T), query))
            query, run, xy_m = query[order], run[order], xy_m[order]
        rows, first = np.unique(query, return_index=True)
        shapes, chains = np.full(count, None, dtype=object), np.zeros(count, dtype=np.int64)
        shapes[rows], chains[rows] = shapely.points(xy_m[first]), self._network.chain_no[run[first]]
        problem = np.full(count, None, dtype=object)
        lost = np.flatnonzero(candidates == 0)
        problem[lost] = self._placing.why_none(routes[lost], stakes[lost], asked[lost])
        table = {"candidates": candidates, "chain_no": chains, "problem": problem}
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=index, crs=self.crs), index=index)

    def span_of(self, route_code: pd.Series, from_m: pd.Series, to_m: pd.Series) -> gpd.GeoSeries:
        """Centrelines between two stakes of a route (sign or database key), facing increasing stakes, on the same index.

        Two carriageways, chains that both have the numbers, and gaps give a MultiLineString; null where nothing lies between.
        """
        index = route_code.index
        ends = np.sort(np.column_stack([on_index(s, index).to_numpy(dtype=float) for s in (from_m, to_m)]), axis=1)
        shapes = self._placing.between(route_code.to_numpy(dtype=object), ends[:, 0], ends[:, 1])
        return gpd.GeoSeries(shapes, index=index, crs=self.crs)

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
        return stretches_of(self._parts, self._knots, self._roads)

    def _told(self, index: pd.Index, present: np.ndarray, xy_m: np.ndarray, segment: np.ndarray) -> pd.DataFrame:
        """What ``locate`` tells of points on their segments; the rest of the index is nowhere."""
        segments = self._needed()
        feet = segments.feet(xy_m, segment)
        line = segments.line[segment]
        run = self._network.run_at(line, feet.measure_m)
        stake_m = self._network.stakes(run, feet.measure_m)
        way = np.where(self._ascending[line], 1, -1)
        inner = self._inner[segment] * way
        left = np.where(inner != 0, inner < 0, feet.side * way > 0)
        columns = {
            "section": self._names.section[line],
            "route_code": self._names.code[line],
            "stake_m": stake_m,
            "stake": np.array(stake_texts(stake_m), dtype=object),
            "chain_no": self._network.chain_no[run],
            "side": np.array([Side.RIGHT.value, Side.LEFT.value], dtype=object)[left.astype(int)],
            "offset_m": feet.distance_m,
        }
        return located(columns, present, index)

    def _nearest_of(self, kind: str, xy_m: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Nearest segment of the given sign, key or section for each point."""
        if not len(xy_m):
            return np.array([], dtype=int)
        if kind not in self._strips:
            segments = self._needed()
            self._strips[kind] = Strips(segments, self._names.group(kind)[segments.line])
        return self._strips[kind].nearest(xy_m, group)

    def _needed(self) -> Segments:
        if self._segments is None:
            raise LayerError("roads", "there is no road line to refer to; check the layer and the area asked for")
        return self._segments

    @cached_property
    def _network(self) -> Network:
        self._needed()
        return Network.of(self._parts, self._knots, self._roads, self._names)

    @cached_property
    def _placing(self) -> Placing:
        return Placing(self._network, self._names)

    @cached_property
    def _ascending(self) -> np.ndarray:
        return np.array([knots.ascending for knots in self._knots])

    @cached_property
    def _inner(self) -> np.ndarray:
        return np.concatenate([part.inner for part in self._parts])
