"""Troubles with layers: what systems of coordinates, shapefiles and registers of stakes come with."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely
from hostile.ground import EAST, EPSG, NORTH, counties, roads
from shapely import Point
from troubleshooting_ground import Trouble, case, short

from pipeline.geo.gcj02 import to_gcj02

short("layer-missing", lambda t: t.roads())
short("layer-without-crs", lambda t: t.roads(roads().set_crs(None, allow_override=True)))
short("column-missing", lambda t: t.roads(roads().rename(columns={"LXBM": "LXBH"})))
short("metres-called-degrees", lambda t: t.roads(roads().set_crs(4490, allow_override=True), "roads.gpkg"))
short("area-without-such-route", lambda t: t.set("area={routes: [G312]}"))
short("area-without-such-stretch", lambda t: t.set("area={stretches: [{route: G311, from: K50+000, to: K60+000}]}"))


def _part_lost(t: Trouble, suffix: str) -> list[str]:
    argv = t.roads(roads())
    (t.ground.folder / f"roads{suffix}").unlink()
    return argv


short("shx-missing", lambda t: _part_lost(t, ".shx"))
short("dbf-missing", lambda t: _part_lost(t, ".dbf"))


@case
def latitude_first(t: Trouble) -> list[str]:
    frame = roads().to_crs(4490)
    frame.geometry = shapely.transform(frame.geometry, lambda xy: xy[:, ::-1])
    return t.roads(frame, "roads.gpkg")


@case
def zone_prefix(t: Trouble) -> list[str]:
    frame = roads()
    frame.geometry = frame.geometry.translate(39_000_000)
    return t.roads(frame, "roads.gpkg")


@case
def text_not_chinese(t: Trouble) -> list[str]:
    argv = t.roads(roads())
    dbf = t.ground.folder / "roads.dbf"
    dbf.write_bytes(dbf.read_bytes().replace("连天线".encode(), b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff"))
    (t.ground.folder / "roads.cpg").unlink()
    return argv


@case
def several_layers(t: Trouble) -> list[str]:
    path = t.ground.folder / "all.gpkg"
    roads().to_file(path, layer="roads")
    counties().to_file(path, layer="counties")
    return t.roads(None, "all.gpkg")


def _shifted(t: Trouble) -> list[str]:
    """Stakes of a web map beside roads that lie right."""
    places = gpd.GeoSeries([Point(EAST + 20 + 30 * n, NORTH - 170) for n in range(10)], crs=EPSG).to_crs(4490)
    lon, lat = to_gcj02(places.x.to_numpy(), places.y.to_numpy())
    stakes = gpd.GeoDataFrame(
        {"LXBM": ["G311"] * 10, "ZH": [n * 0.03 for n in range(10)]}, geometry=gpd.points_from_xy(lon, lat), crs=4490
    )
    stakes.to_file(t.ground.folder / "stakes.gpkg")
    return t.layers(stakes=f"{{path: '{t.ground.folder / 'stakes.gpkg'}', columns: {{route: LXBM, stake_km: ZH}}}}")


short("gcj02-suspected", _shifted, 0)


def _stakes(t: Trouble, stakes_km: list[float]) -> list[str]:
    points = [Point(EAST + 20 + 60 * n, NORTH - 170 - 2 * n) for n in range(len(stakes_km))]
    frame = gpd.GeoDataFrame({"LXBM": ["G311"] * len(points), "ZH": stakes_km}, geometry=points, crs=EPSG)
    frame.to_file(t.ground.folder / "stakes.gpkg")
    return t.layers(stakes=f"{{path: '{t.ground.folder / 'stakes.gpkg'}', columns: {{route: LXBM, stake_km: ZH}}}}")


short("stakes-contradict", lambda t: _stakes(t, [10.0, 10.06, 19.12, 10.18, 10.24]), 0)
short("rows-repeated", lambda t: t.roads(pd.concat([roads(), roads()], ignore_index=True), "roads.gpkg"), 0)
