"""Layers against each other: what lies far from the roads, and what fits only once a web map's shift is taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from ..geo.gcj02 import from_gcj02, is_shifted_at, to_gcj02
from .layer_entries import Entry

# A layer that lies farther than this from every road is most likely in a wrong coordinate system.
_FAR_M = 50_000.0
# Layers that stand on or beside the roads; how near to them a right one lies for the most part, metres.
_BY_THE_ROAD = {"stakes": 30.0, "assets": 60.0, "permits": 100.0, "zones": 60.0, "exempt": 100.0, "registry": 100.0}
_BORDER_FIT_M = 60.0  # townships' borders on their counties': two sources of one border
# What is nearer as it lies is in no doubt; GCJ-02 is some 500 m off, less across a road that runs with it.
_OFF_M = 100.0
_SHIFT_M = 700.0  # GCJ-02 is nowhere farther off
_BETTER = 0.25  # of the distance is left once the shift is out
_LEAST, _MOST = 5, 2000  # objects: fewer say nothing, more say no more
_STEP_M = 500.0  # between points of a border


def far_notes(ready: Mapping[str, gpd.GeoDataFrame], entries: Sequence[Entry]) -> list[str]:
    """A note for each layer that lies nowhere near the roads."""
    west, south, east, north = ready["roads"].total_bounds
    notes = []
    for role, table in ready.items():
        located = table.geometry.dropna()
        if located.empty:
            continue
        left, low, right, top = located.total_bounds
        gap_m = max(left - east, west - right, low - north, south - top)
        if gap_m > _FAR_M:
            notes.append(
                f"{_place(entries, role)}: layer {role!r} lies {gap_m / 1000:.0f} km from the roads; check crs: of both"
            )
    return notes


def shift_notes(ready: Mapping[str, gpd.GeoDataFrame], entries: Sequence[Entry], crs: pyproj.CRS) -> list[str]:
    """A note for each layer that fits the roads, or the counties' borders, only with GCJ-02's shift out of one of the two.

    Nothing is moved. Fewer than five objects, and roads that run with the shift, say nothing.
    """
    roads = ready["roads"].geometry.dropna()
    west, south, east, north = roads.to_crs(4490).total_bounds
    if not is_shifted_at((west + east) / 2, (south + north) / 2):
        return []
    notes: list[str] = []
    move = _Moves(crs)
    for role, near_m in _BY_THE_ROAD.items():
        if role in ready:
            notes += _doubt(role, "roads", _some(ready[role]), np.asarray(roads.values), near_m, entries, move)
    notes += _sections_doubt(ready["roads"], ready["counties"], entries, move)
    if "townships" in ready:
        border = _border_points(ready["counties"])
        lines = shapely.boundary(np.asarray(ready["townships"].geometry.values))
        notes += _doubt("counties", "townships", border, lines, _BORDER_FIT_M, entries, move)
    return notes


class _Moves:
    """The shift of GCJ-02 taken out of, or put into, geometries of a metric CRS."""

    def __init__(self, crs: pyproj.CRS) -> None:
        self._there = pyproj.Transformer.from_crs(crs, 4490, always_xy=True)
        self._back = pyproj.Transformer.from_crs(4490, crs, always_xy=True)

    def out_of(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        return self._by(from_gcj02, shapes)

    def into(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        return self._by(to_gcj02, shapes)

    def _by(self, shift: object, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
            lon, lat = self._there.transform(points[:, 0], points[:, 1])
            return np.column_stack(self._back.transform(*shift(lon, lat)))  # type: ignore[operator]

        return shapely.transform(shapes, moved)


def _doubt(
    role: str,
    other: str,
    shapes: NDArray[np.object_],
    lines: NDArray[np.object_],
    near_m: float,
    entries: Sequence[Entry],
    move: _Moves,
) -> list[str]:
    """The note on one layer against the lines that it should lie on, if there is one."""
    if len(shapes) < _LEAST:
        return []
    tree = shapely.STRtree(lines)
    as_it_lies = _median_m(shapes, tree)
    if as_it_lies <= _OFF_M:
        return []
    # Moving the others by the shift is, seen from here, moving this layer the other way.
    for shifted, culprit in ((move.out_of(shapes), role), (move.into(shapes), other)):
        without = _median_m(shifted, tree)
        if without <= min(near_m, _BETTER * as_it_lies):
            partner = other if culprit == role else role
            said = (
                f"{_place(entries, culprit)}: layer {culprit!r} looks like GCJ-02: {role!r} lie {as_it_lies:.0f} m from"
                f" the lines of {other!r}, {without:.0f} m once the shift is out of {culprit!r}. Nothing was moved; ask"
                f" for CGCS2000, or add datum: gcj02 to {culprit}, unless it is {partner!r} that was shifted the other way"
            )
            return [said]
    return []


def _sections_doubt(
    roads: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, entries: Sequence[Entry], move: _Moves
) -> list[str]:
    """The note on sections that their database key puts into one county and the layers into another, if there is one."""
    code = roads["route_key"].str.extract(r"(\d{6})(?:D\d{3})?$")[0]
    areas = counties.set_index("code").geometry
    theirs = np.asarray(areas.reindex(code).values)
    lines = np.asarray(roads.geometry.values)
    border = shapely.STRtree(shapely.boundary(np.asarray(areas.values)))
    near = np.unique(border.query(lines, predicate="dwithin", distance=_SHIFT_M)[0])
    near = near[~shapely.is_missing(theirs[near])][:_MOST]
    lines, theirs = lines[near], theirs[near]
    as_it_lies = _outside_m(lines, theirs)
    stray = as_it_lies > _OFF_M
    if int(stray.sum()) < _LEAST:
        return []
    for moved, culprit in ((move.out_of(lines), "roads"), (move.into(lines), "counties")):
        without = _outside_m(moved, theirs)
        if without.sum() <= _BETTER * as_it_lies.sum():
            said = (
                f"{_place(entries, culprit)}: layer {culprit!r} looks like GCJ-02: {int(stray.sum())} road sections lie"
                f" {np.median(as_it_lies[stray]):.0f} m outside the county that their code names,"
                f" {np.median(without[stray]):.0f} m once the shift is out of {culprit!r}. Nothing was moved; ask for"
                f" CGCS2000, or add datum: gcj02 to {culprit}"
            )
            return [said]
    return []


def _outside_m(lines: NDArray[np.object_], areas: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.asarray(shapely.length(lines) - shapely.length(shapely.intersection(lines, areas)))


def _median_m(shapes: NDArray[np.object_], tree: shapely.STRtree) -> float:
    _, apart_m = tree.query_nearest(shapes, return_distance=True, all_matches=False)
    return float(np.median(apart_m)) if len(apart_m) else np.inf


def _some(table: gpd.GeoDataFrame) -> NDArray[np.object_]:
    shapes = np.asarray(table.geometry.dropna().values)
    return shapes[:: max(len(shapes) // _MOST, 1)]


def _border_points(table: gpd.GeoDataFrame) -> NDArray[np.object_]:
    borders = shapely.segmentize(shapely.boundary(np.asarray(table.geometry.values)), _STEP_M)
    points = shapely.points(shapely.get_coordinates(borders))
    return points[:: max(len(points) // _MOST, 1)]


def _place(entries: Sequence[Entry], role: str) -> str:
    """Where the entry of a layer stands; stakes out of the roads' M have none of their own."""
    places = {entry.role: entry.place for entry in reversed(entries)}
    return places.get(role, places["roads"])
