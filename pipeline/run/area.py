"""What is due: the parts of roads that a run must look at, by route and county."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString, MultiLineString
from shapely.geometry.base import BaseGeometry

from ..catalog.layers import Layers
from ..config.run_config import AreaOptions, Stretch
from ..errors import ConfigError
from ..legal.drawn import NAMED_ROAD_M, grounds_by_section
from ..linref.reference import LinearReference

_STEP_M, _SEAM_M = 5.0, 0.05


def roads_asked(layers: Layers, area: AreaOptions, linref: LinearReference) -> gpd.GeoDataFrame:
    """ROADS rows whose geometry is cut to the routes, stretches and counties asked for; same index (section).

    ConfigError when a route, county or stretch names nothing in the layers.
    """
    roads = layers.roads
    wanted = set(area.routes) | {stretch.route for stretch in area.stretches}
    if wanted:
        known = set(roads["route_code"]) | set(roads["route_key"])
        if missing := sorted(wanted - known):
            raise ConfigError(f"area: no route {missing[0]!r} in the roads layer; it has {_some(roads['route_code'])}")
        roads = roads[roads["route_code"].isin(wanted) | roads["route_key"].isin(wanted)]
    if area.stretches:
        roads = _only_stretches(roads, area, linref)
    if area.counties:
        roads = _only_counties(roads, layers.counties, area.counties)
    roads = roads[~roads.geometry.is_empty & (roads.geometry.length > 0)]
    if roads.empty:
        raise ConfigError("area: no road is left after counties, routes and stretches are applied; widen one of them")
    return roads


def roads_due(asked: gpd.GeoDataFrame, without: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """What of the roads asked for is looked at; and what is not, in the columns of ``drawn.left_out``.

    What is drawn with another route is left to it only where that route is asked for too. ConfigError where nothing is left.
    """
    parts = without.assign(geometry=_in_asked(without, asked))
    parts = parts[~parts.geometry.is_empty]
    due = less(asked, parts)
    due = due[due.geometry.length > 0]
    if due.empty:
        raise ConfigError(
            "area: all of it lies in tunnels, on cities' streets or on roads that are not built; widen it, or correct"
            " structure, managed_by_city and unbuilt in the roads layer"
        )
    return due, parts


def less(roads: gpd.GeoDataFrame, without: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The roads without those parts of their sections."""
    if without.empty:
        return roads
    grounds = grounds_by_section(without).reindex(roads.index)
    cut = grounds.notna().to_numpy()
    shapes = np.asarray(roads.geometry.array).copy()
    shapes[cut] = [_lines_of(shape) for shape in shapely.difference(shapes[cut], grounds[cut].to_numpy(dtype=object))]
    return roads.set_geometry(gpd.GeoSeries(shapes, index=roads.index, crs=roads.crs))


def _in_asked(without: gpd.GeoDataFrame, asked: gpd.GeoDataFrame) -> list[BaseGeometry]:
    """The part of each row within what is asked for of its section, and of the route that it is drawn with."""
    found = []
    for section, route, shape in zip(without["section"], without["drawn_with"], without.geometry, strict=True):
        if section not in asked.index:
            found.append(LineString())
            continue
        ground = shapely.buffer(asked.geometry.loc[section], _SEAM_M)
        if pd.notna(route):
            other = asked.geometry[asked["route_code"] == route]
            ground &= shapely.union_all(shapely.buffer(other.array, NAMED_ROAD_M, cap_style="flat"))
        found.append(_lines_of(shapely.intersection(shape, ground)))
    return found


def by_county(roads: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, linref: LinearReference) -> gpd.GeoDataFrame:
    """Pieces of the roads by route and county; ``county_code`` is empty where no county is.

    Columns ``section, route_code, county_code, county_name, km_per_m``: a divided road that is drawn as two
    carriageways counts half a kilometre for each, since a route's kilometres are counted once.
    """
    columns = ["section", "route_code", "county_code", "county_name", "km_per_m", "geometry"]
    base = roads[["route_code", "geometry"]].assign(section=roads.index)
    base = _single_and_paired(base, linref.stretches)
    inside = gpd.overlay(
        base,
        counties[["code", "name", "geometry"]].rename(columns={"code": "county_code", "name": "county_name"}),
        how="intersection",
        keep_geom_type=True,
    )
    rest = base.assign(
        geometry=base.geometry.difference(shapely.union_all(counties.geometry.array)), county_code="", county_name=""
    )
    pieces = pd.concat([inside[columns], rest[columns]], ignore_index=True)
    pieces = pieces[pieces.geometry.length > 0.01]
    return pieces.sort_values(["route_code", "section", "county_code"], kind="stable").reset_index(drop=True)


def _single_and_paired(roads: gpd.GeoDataFrame, stretches: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The roads cut into the parts that run alone and those with a partner carriageway, with ``km_per_m``."""
    paired = stretches[stretches["inner"] != 0]
    pieces = []
    for row in roads.itertuples():
        beside = shapely.union_all(paired.geometry[paired["section"] == row.section].array).buffer(
            0.01, cap_style="flat"
        )
        for shape, km_per_m in ((row.geometry.difference(beside), 0.001), (row.geometry.intersection(beside), 0.0005)):
            if not shape.is_empty and shape.length > 0.01:
                pieces.append((row.route_code, row.section, km_per_m, _lines_of(shape)))
    names = ["route_code", "section", "km_per_m", "geometry"]
    return gpd.GeoDataFrame(pieces, columns=names, geometry="geometry", crs=roads.crs)


def _only_counties(roads: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, codes: tuple[str, ...]) -> gpd.GeoDataFrame:
    if missing := sorted(set(codes) - set(counties["code"])):
        raise ConfigError(f"area: no county {missing[0]!r} in the counties layer; it has {_some(counties['code'])}")
    union = shapely.union_all(counties.geometry[counties["code"].isin(codes)].array)
    return roads.assign(geometry=roads.geometry.intersection(union).map(_lines_of))


def _only_stretches(roads: gpd.GeoDataFrame, area: AreaOptions, linref: LinearReference) -> gpd.GeoDataFrame:
    """Stretches cut the routes they name; a route also listed in ``routes`` stays whole."""
    whole = set(area.routes)
    cut: dict[int, BaseGeometry] = {}
    for stretch in area.stretches:
        if stretch.route in whole:
            continue
        mine = roads[(roads["route_code"] == stretch.route) | (roads["route_key"] == stretch.route)]
        parts = {section: _between(mine.loc[[section]], stretch, linref) for section in mine.index}
        if all(part.is_empty for part in parts.values()):
            wanted = f"{stretch.from_} to {stretch.to}"
            raise ConfigError(f"area: {stretch.route} has no stretch {wanted}; look up its stakes in the layers")
        for section, part in parts.items():
            cut[section] = shapely.union(cut[section], part) if section in cut else part
    geometry = [cut.get(section, shape) for section, shape in roads.geometry.items()]
    keep = [section in cut or code in whole for section, code in roads["route_code"].items()]
    return roads.assign(geometry=gpd.GeoSeries(geometry, index=roads.index, crs=roads.crs))[keep]


def _between(road: gpd.GeoDataFrame, stretch: Stretch, linref: LinearReference) -> BaseGeometry:
    """The part of one road row whose stakes lie in the stretch, to about the sampling step of 5 m."""
    pieces = []
    section = road.index[0]
    for line in shapely.get_parts(road.geometry.iloc[0]):
        count = max(2, int(np.ceil(line.length / _STEP_M)) + 1)
        measure_m = np.linspace(0.0, line.length, count)
        points = gpd.GeoSeries(shapely.line_interpolate_point(line, measure_m), crs=road.crs)
        located = linref.locate(points, section=pd.Series(section, index=points.index))
        inside = located["stake_m"].between(stretch.from_.measure_m, stretch.to.measure_m).to_numpy()
        edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(np.int8), [0]))))
        for first, last in zip(edges[::2], edges[1::2] - 1, strict=True):
            if last > first:
                pieces.append(shapely.ops.substring(line, measure_m[first], measure_m[last]))
    return MultiLineString(pieces) if len(pieces) > 1 else (pieces[0] if pieces else LineString())


def _lines_of(geometry: BaseGeometry) -> BaseGeometry:
    """Only the lines of an intersection; a road that touches a border can leave points."""
    lines = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString" and part.length > 0]
    return MultiLineString(lines) if len(lines) != 1 else lines[0]


def _some(values: pd.Series) -> str:
    names = sorted(set(values))
    return ", ".join(names[:12]) + (f" … ({len(names)} in all)" if len(names) > 12 else "")
