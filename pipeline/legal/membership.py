"""In which zone a footprint lies, and whether that can be said at all, given where the pixels and the zone's edge may be.

Why three answers: an image is metres off (registration, 5-30 m zones), an estimated zone's edge is metres off too, and the
regulation attaches consequences to lying inside (公路安全保护条例 11, 13; penalty 56). Close to the edge the honest answer is
that an officer must measure.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.stats import norm

from ..errors import GeometryError
from ..model.kinds import Membership, Zone
from ..model.tables import ZONES

MIN_OVERLAP_M2 = 1.0
MIN_OVERLAP_SHARE = 0.01
_ORDER = (Zone.PAVEMENT.value, Zone.HIGHWAY_LAND.value, Zone.CONTROL_ZONE.value)
_LAND, _ZONE = 1, 2  # positions in _ORDER
_BLOCK_VERTICES, _MAX_HALVINGS = 256, 30
_SEAM_M = 0.005  # zones that meet to the millimetre have no edge between them


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
        into the highway land, it is said to lie in the control zone around, which is.

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
    overlaps, best, pieces = _overlaps(shapes, zones)
    chosen = _innermost(shapes, overlaps)
    if yielding is not None:
        asked = yielding.reindex(footprints.index, fill_value=False).to_numpy(dtype=bool)
        unsure = asked & (chosen == _LAND) & (overlaps[:, _ZONE] > 0)
        chosen[_unsure_of_land(shapes, zones, pieces, unsure, sigma, probability)] = _ZONE
    row = np.where(chosen >= 0, best[np.arange(len(shapes)), chosen], _nearest(shapes, zones, chosen < 0))
    distance = _edge_distance(shapes, zones, pieces)
    edge_sigma = zones["edge_sigma_m"].to_numpy(dtype=float)[row]
    spread = np.hypot(sigma, np.nan_to_num(edge_sigma))
    reaches_in = np.where(spread > 0, norm.cdf(distance / np.where(spread > 0, spread, 1.0)), distance > 0)
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


def _overlaps(
    shapes: np.ndarray, zones: gpd.GeoDataFrame
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Overlap by zone (n, 3), the row of ZONES with most of it (n, 3), and the pieces that tell how deep each reaches.

    The deepest place of a footprint is in its innermost zone, so only the pieces there are kept.
    """
    grounds, row = _small(np.asarray(zones.geometry.array))
    one, block = shapely.STRtree(grounds).query(shapes, predicate="intersects")
    shapely.prepare(grounds)
    whole = shapely.contains_properly(grounds[block], shapes[one])
    pieces = shapes[one].copy()
    pieces[~whole] = shapely.intersection(shapes[one[~whole]], grounds[block[~whole]])
    other, area = row[block], shapely.area(pieces)
    zone_kind = zones["zone"].map({name: k for k, name in enumerate(_ORDER)}).to_numpy()
    kind = zone_kind[other]
    overlaps = np.zeros((len(shapes), 3))
    np.add.at(overlaps, (one, kind), area)
    pair, which = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)
    total = np.bincount(which.ravel(), weights=area, minlength=len(pair)).round(6)
    best = np.full((len(shapes), 3), -1)
    order = np.lexsort((-pair[:, 1], total))  # the largest is written last; of equal ones the first row
    best[pair[order, 0], zone_kind[pair[order, 1]]] = pair[order, 1]
    inmost = _innermost(shapes, overlaps)[one]
    kept = (kind <= inmost) | (inmost < 0)
    return overlaps, best, (one[kept], pieces[kept])


def _small(grounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The polygons cut into blocks of few vertices, and which one each block is of: overlays cost by the vertex."""
    parts, row = shapely.get_parts(grounds, return_index=True)
    for _ in range(_MAX_HALVINGS):
        large = shapely.get_num_coordinates(parts) > _BLOCK_VERTICES
        if not large.any():
            break
        west, south, east, north = shapely.bounds(parts[large]).T
        upright = north - south > east - west
        x, y = np.where(upright, east, (west + east) / 2), np.where(upright, (south + north) / 2, north)
        x0, y0 = np.where(upright, west, x), np.where(upright, y, south)
        first = shapely.intersection(parts[large], shapely.box(west, south, x, y))
        second = shapely.intersection(parts[large], shapely.box(x0, y0, east, north))
        halves, of = shapely.get_parts(np.concatenate([first, second]), return_index=True)
        areal = shapely.area(halves) > 0
        parts = np.concatenate([parts[~large], halves[areal]])
        row = np.concatenate([row[~large], np.tile(row[large], 2)[of[areal]]])
    return parts, row


def _innermost(shapes: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """Number of the innermost zone with material overlap, -1 where there is none."""
    needed = np.minimum(MIN_OVERLAP_M2, MIN_OVERLAP_SHARE * shapely.area(shapes))
    material = (overlaps >= needed[:, None]) & (overlaps > 0)
    return np.where(material.any(axis=1), np.argmax(material, axis=1), -1)


def _nearest(shapes: np.ndarray, zones: gpd.GeoDataFrame, wanted: np.ndarray) -> np.ndarray:
    """Row of ZONES next to each wanted footprint; of equally near ones the first."""
    out = np.full(len(shapes), -1)
    these = np.flatnonzero(wanted & ~shapely.is_empty(shapes) & ~shapely.is_missing(shapes))
    if len(these):
        at, near = shapely.STRtree(np.asarray(zones.geometry.array)).query_nearest(shapes[these])
        first = np.full(len(these), len(zones))
        np.minimum.at(first, at, near)
        out[these] = first
    return out


def _unsure_of_land(
    shapes: np.ndarray,
    zones: gpd.GeoDataFrame,
    pieces: tuple[np.ndarray, np.ndarray],
    asked: np.ndarray,
    sigma: np.ndarray,
    probability: float,
) -> np.ndarray:
    """Positions of the footprints asked for that reach into highway land with less than the probability."""
    these = np.flatnonzero(asked)
    if not len(these):
        return these
    land = zones[zones["zone"] != Zone.CONTROL_ZONE.value]
    number = np.full(len(shapes), -1)
    number[these] = np.arange(len(these))
    owner, parts = pieces
    mine = number[owner] >= 0
    depth = _edge_distance(shapes[these], land, (number[owner[mine]], parts[mine]))
    edge_sigma = land["edge_sigma_m"].to_numpy(dtype=float)[_nearest(shapes[these], land, np.ones(len(these), bool))]
    spread = np.hypot(sigma[these], np.nan_to_num(edge_sigma))
    reaches = np.where(spread > 0, norm.cdf(depth / np.where(spread > 0, spread, 1.0)), depth > 0)
    return these[reaches < probability]


def _edge_distance(shapes: np.ndarray, zones: gpd.GeoDataFrame, pieces: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Depth past the outer edge of all zones (positive), or distance to it (negative), for each footprint."""
    grounds = shapely.buffer(np.asarray(zones.geometry.array), _SEAM_M, join_style="mitre")
    edge = shapely.boundary(shapely.buffer(shapely.union_all(grounds), -_SEAM_M, join_style="mitre"))
    xy, line = shapely.get_coordinates(shapely.get_parts(edge), return_index=True)
    same = line[:-1] == line[1:]
    tree = shapely.STRtree(shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1)))
    owner, parts = pieces
    depth = np.zeros(len(shapes))
    corners, of = shapely.get_coordinates(parts, return_index=True)
    if len(corners):
        (_, _), far = tree.query_nearest(shapely.points(corners), return_distance=True, all_matches=False)
        np.maximum.at(depth, owner[of], far)
    apart = np.setdiff1d(np.flatnonzero(~shapely.is_empty(shapes) & ~shapely.is_missing(shapes)), owner)
    if len(apart):
        (which, _), far = tree.query_nearest(shapes[apart], return_distance=True, all_matches=False)
        depth[apart[which]] = -far
    return depth


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
