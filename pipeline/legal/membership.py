"""In which zone a footprint lies, and whether that can be said at all, given where the pixels and the zone's edge may be.

Why three answers: an image is metres off (registration, 5-30 m zones), an estimated zone's edge is metres off too, and the
regulation attaches consequences to lying inside (公路安全保护条例 11, 13; penalty 56). Close to the edge the honest answer is
that an officer must measure.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.special import ndtr

from ..errors import GeometryError
from ..model.kinds import Membership, Zone
from ..model.tables import ZONES
from .outline import Borders, Grounds, Near

MIN_OVERLAP_M2 = 1.0
MIN_OVERLAP_SHARE = 0.01
_ORDER = (Zone.PAVEMENT.value, Zone.HIGHWAY_LAND.value, Zone.CONTROL_ZONE.value)
_LAND, _ZONE = 1, 2  # positions in _ORDER
_PART = 4096  # footprints judged at once


def judge(
    footprints: gpd.GeoSeries,
    zones: gpd.GeoDataFrame,
    sigma_m: pd.Series | float,
    *,
    probability: float = 0.9,
    yielding: pd.Series | None = None,
) -> pd.DataFrame:
    """Zone and membership of each footprint, on the same index.

    ``zone`` is the innermost one with material overlap (1 m2, or 1 % of the footprint). ``edge_distance_m`` is how deep the
    footprint reaches past the outer edge of all zones around it, negative where it stays outside. With that edge and the
    footprint each somewhat off, the reach is normal with sigma = hypot(``sigma_m``, the zone's ``edge_sigma_m``), and

    * the chance that it reaches in is at least ``probability``: inside,
    * at most 1 - ``probability``: outside,
    * otherwise undetermined. A footprint that stops short of the edge by less than the error is undetermined in the
      outermost zone of the road next to it.

    So ``zone`` is ``outside`` exactly where ``membership`` is.

    Parameters
    ----------
    footprints
        Polygons in the CRS of ``zones``.
    zones
        Table ZONES.
    sigma_m
        Positional standard error of each footprint (Series on the same index) or of all, metres; NaN counts as 0.
    probability
        Chance of being right that a decision needs, in (0.5, 1).
    yielding
        True, on the same index, for what is forbidden in the control zone too: where it is not that certain that it reaches
        into the highway land, it is said to lie in the control zone around, which is. Of the rest, forbidden on the highway
        and its land only, what reaches into the land is judged by the land's edge. Without it, all by the outermost edge.

    Returns
    -------
    DataFrame
        ``zone, membership, zone_basis, zone_overlap_m2`` (in ``zone``), ``edge_distance_m, zone_probability`` (that it
        reaches in), ``edge_sigma_m`` (of the zone's edge alone), ``route_code, section, side, road_class,
        overlap_pavement_m2, overlap_highway_land_m2, overlap_control_zone_m2``. Far footprints name the road
        next to them; without any zone the road columns are null and ``section`` -1.

    Raises
    ------
    GeometryError
        The CRS differ, coordinates are infinite, or ``probability`` is out of range.
    """
    _check(footprints, zones, probability)
    shapes = np.asarray(footprints.array)
    given = sigma_m.reindex(footprints.index) if isinstance(sigma_m, pd.Series) else sigma_m
    sigma = np.broadcast_to(np.nan_to_num(np.asarray(given, dtype=float)), len(shapes))
    if not len(zones) or not len(shapes):
        return _table(footprints.index, np.full(len(shapes), -1), zones, np.zeros((len(shapes), 3)), None)
    # Both False: judged by the outermost edge whatever it is.
    too, only = np.zeros((2, len(shapes)), dtype=bool)
    if yielding is not None:
        too = yielding.reindex(footprints.index, fill_value=False).to_numpy(dtype=bool)
        only = ~too
    network = _Network.of(zones, probability)
    # Footprints do not know each other, and the overlays let other threads work; parts bound the memory.
    parts = [slice(first, first + _PART) for first in range(0, len(shapes), _PART)]
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as pool:
        judged = list(pool.map(lambda part: network.judged(shapes[part], sigma[part], too[part], only[part]), parts))
    row, overlaps, distance, reaches_in = (np.concatenate(values) for values in zip(*judged, strict=True))
    inside, outside = reaches_in >= probability, reaches_in <= 1.0 - probability
    membership = np.where(
        inside, Membership.INSIDE.value, np.where(outside, Membership.OUTSIDE.value, Membership.UNDETERMINED.value)
    )
    return _table(footprints.index, row, zones, overlaps, (membership, distance, reaches_in))


def _check(footprints: gpd.GeoSeries, zones: gpd.GeoDataFrame, probability: float) -> None:
    ZONES.check(zones)
    if not 0.5 < probability < 1.0:
        raise GeometryError(f"probability must lie between 0.5 and 1, got {probability}")
    if len(zones) and len(footprints) and footprints.crs is not None and footprints.crs != zones.crs:
        raise GeometryError(f"footprints are in {footprints.crs}, zones in {zones.crs}; transform one of them first")
    if not np.isfinite(shapely.get_coordinates(footprints.array)).all():
        raise GeometryError("a footprint has infinite coordinates; check the CRS it was transformed to")


@dataclass(frozen=True)
class _Network:
    """Table ZONES made ready to be asked about footprints, part by part."""

    kind: np.ndarray  # position of each row's zone in _ORDER
    edge_sigma_m: np.ndarray
    grounds: Grounds
    land: Grounds  # without the control zone
    borders: Borders
    probability: float

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame, probability: float) -> _Network:
        polygons = np.asarray(zones.geometry.array)
        kind = zones["zone"].map({name: k for k, name in enumerate(_ORDER)}).to_numpy()
        edge_sigma_m = np.nan_to_num(zones["edge_sigma_m"].to_numpy(dtype=float))
        grounds = Grounds.of(polygons)
        return cls(kind, edge_sigma_m, grounds, grounds.only(kind != _ZONE), Borders.of(polygons), probability)

    def judged(
        self, shapes: np.ndarray, sigma_m: np.ndarray, yielding: np.ndarray, on_land: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Row of ZONES that each footprint is in or next to (-1: none), overlaps (n, 3), edge distance, chance to reach in.

        ``on_land``: those whose edge is that of the highway land, where they reach into it.
        """
        near = self.grounds.near(shapes)
        overlaps, best, pieces = self._overlaps(shapes, near)
        chosen = _innermost(shapes, overlaps)
        unsure = yielding & (chosen == _LAND) & (overlaps[:, _ZONE] > 0)
        chosen[self._unsure_of_land(shapes, near, pieces, unsure, sigma_m)] = _ZONE
        touched = self._first(len(shapes), near)
        row = np.where(chosen >= 0, best[np.arange(len(shapes)), chosen], touched)
        distance = self.grounds.depths(shapes, _corners(pieces), near)
        landed = on_land & (chosen >= 0) & (chosen <= _LAND)
        distance = np.where(landed, self._past_land(shapes, near, pieces, landed), distance)
        apart = np.flatnonzero((touched < 0) & ~shapely.is_empty(shapes) & ~shapely.is_missing(shapes))
        row[apart], far = self.borders.nearest(shapes[apart])
        distance[apart] = -far
        return row, overlaps, distance, _reaching(distance, sigma_m, self.edge_sigma_m[row])

    def _overlaps(self, shapes: np.ndarray, near: Near) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Overlap by zone (n, 3), the row of ZONES with most of it (n, 3), and the pieces that tell how deep each reaches.

        The deepest place of a footprint is in its innermost zone, so only the pieces there are kept.
        """
        one, other = near.shape[near.touches], near.row[near.touches]
        pieces = shapely.intersection(shapes[one], near.ground[near.touches])
        kind, area = self.kind[other], shapely.area(pieces)
        overlaps = np.zeros((len(shapes), 3))
        np.add.at(overlaps, (one, kind), area)
        pair, which = np.unique(one * len(self.kind) + other, return_inverse=True)
        total = np.bincount(which, weights=area, minlength=len(pair)).round(6)
        pair_one, pair_row = np.divmod(pair, len(self.kind))
        best = np.full((len(shapes), 3), -1)
        order = np.lexsort((-pair_row, total))  # the largest is written last; of equal ones the first row
        best[pair_one[order], self.kind[pair_row[order]]] = pair_row[order]
        inmost = _innermost(shapes, overlaps)[one]
        kept = (kind <= inmost) | (inmost < 0)
        return overlaps, best, (one[kept], pieces[kept])

    def _unsure_of_land(
        self,
        shapes: np.ndarray,
        near: Near,
        pieces: tuple[np.ndarray, np.ndarray],
        asked: np.ndarray,
        sigma_m: np.ndarray,
    ) -> np.ndarray:
        """Which of the footprints asked for reach into highway land with less than the probability."""
        depth = self._past_land(shapes, near, pieces, asked)
        row = self._first(len(shapes), near.only(self.kind[near.row] != _ZONE))
        return asked & (_reaching(depth, sigma_m, self.edge_sigma_m[row]) < self.probability)

    def _past_land(
        self, shapes: np.ndarray, near: Near, pieces: tuple[np.ndarray, np.ndarray], asked: np.ndarray
    ) -> np.ndarray:
        """How deep the footprints asked for reach past the edge of the highway land, 0 for others, metres."""
        near = near.only(asked[near.shape] & (self.kind[near.row] != _ZONE))
        of, points = _corners(pieces)
        return self.land.depths(shapes, (of[asked[of]], points[asked[of]]), near)

    def _first(self, count: int, near: Near) -> np.ndarray:
        """The first row of ZONES that each of ``count`` footprints touches, -1 where there is none."""
        first = np.full(count, len(self.kind))
        np.minimum.at(first, near.shape[near.touches], near.row[near.touches])
        return np.where(first < len(self.kind), first, -1)


def _corners(pieces: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Footprint and point of every corner of the pieces."""
    owner, parts = pieces
    xy, of = shapely.get_coordinates(parts, return_index=True)
    return owner[of], shapely.points(xy)


def _reaching(distance_m: np.ndarray, sigma_m: np.ndarray, edge_sigma_m: np.ndarray) -> np.ndarray:
    """The chance that a footprint so deep past an edge, or so far from it, reaches in, given both errors."""
    spread = np.hypot(sigma_m, edge_sigma_m)
    return np.where(spread > 0, ndtr(distance_m / np.where(spread > 0, spread, 1.0)), distance_m > 0)


def _innermost(shapes: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """Number of the innermost zone with material overlap, -1 where there is none."""
    needed = np.minimum(MIN_OVERLAP_M2, MIN_OVERLAP_SHARE * shapely.area(shapes))
    material = (overlaps >= needed[:, None]) & (overlaps > 0)
    return np.where(material.any(axis=1), np.argmax(material, axis=1), -1)


def _table(
    index: pd.Index,
    row: np.ndarray,
    zones: gpd.GeoDataFrame,
    overlaps: np.ndarray,
    judged: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
) -> pd.DataFrame:
    nothing = np.full(len(row), None, dtype=object), np.full(len(row), np.nan), np.zeros(len(row))
    membership, distance, reaches_in = judged or nothing
    known = row >= 0
    columns: dict[str, np.ndarray] = {}
    for name in ("zone", "basis", "route_code", "side", "road_class"):
        values = np.full(len(row), None, dtype=object)
        values[known] = zones[name].to_numpy(dtype=object)[row[known]]
        columns[name] = values
    section = np.full(len(row), -1, dtype=np.int64)
    section[known] = zones["section"].to_numpy()[row[known]]
    sigma = np.full(len(row), np.nan)
    sigma[known] = zones["edge_sigma_m"].to_numpy(dtype=float)[row[known]]
    member = membership.astype(object)
    member[~known] = Membership.OUTSIDE.value
    out = member == Membership.OUTSIDE.value
    zone = np.where(out, Zone.OUTSIDE.value, columns["zone"])
    in_zone = np.zeros(len(row))
    for k, name in enumerate(_ORDER):
        in_zone = np.where(zone == name, overlaps[:, k], in_zone)
    table = {
        "zone": zone,
        "membership": member,
        "zone_basis": columns["basis"],
        "zone_overlap_m2": in_zone,
        "edge_distance_m": np.where(known, distance, np.nan),
        "zone_probability": np.where(known, reaches_in, 0.0),
        "edge_sigma_m": sigma,
        "route_code": columns["route_code"],
        "section": section,
        "side": columns["side"],
        "road_class": columns["road_class"],
        **{f"overlap_{name}_m2": overlaps[:, k] for k, name in enumerate(_ORDER)},
    }
    return pd.DataFrame(table, index=index)
