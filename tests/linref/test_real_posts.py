"""Real posts held out: what the program says where they stand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString

from pipeline.linref.reference import LinearReference

from .stake_roads import NOTHING, roads, stakes

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def m10(real_data):
    """The line of a road of 646 km that runs against its stakes, and its posts, a kilometre apart but for a gap of 367 km."""
    folder = real_data / "gis" / "rosavto_m9_m10"
    line = gpd.read_file(folder / "m10_path.shp").to_crs(32637).geometry.iloc[0]
    posts = gpd.read_file(folder / "m10_pk.shp").to_crs(32637).sort_values("Position")
    placed = [(m, (p.x, p.y)) for m, p in zip(posts["Position"], posts.geometry, strict=True)]
    return roads({"geometry": line}, crs=32637), stakes(placed, crs=32637)


@pytest.mark.parametrize("held", [0, 1])
def test_every_second_kilometre_post_of_the_m10(m10, held):
    table, posts = m10
    out = posts.iloc[held::2]
    ref = LinearReference(table, posts.iloc[1 - held :: 2].reset_index(drop=True))
    error_m = (ref.locate(out.geometry)["stake_m"] - out["stake_m"]).abs()
    assert error_m.median() <= 10
    assert error_m.quantile(0.95) <= 95


def test_every_second_post_of_94_roads_without_centrelines(real_data):
    table = pd.read_csv(real_data / "gis" / "taiwan_stakes" / "data_raw_axis_swapped.csv")
    table = table.drop_duplicates(["Road", "Mileage"]).sort_values(["Road", "Mileage"], ignore_index=True)
    lonlat = shapely.points(table["Latitude"], table["Longitude"])  # the header has them swapped
    names = {"route_code": table["Road"], "route_key": table["Road"], "stake_m": table["Mileage"].astype(float)}
    posts = gpd.GeoDataFrame(names, geometry=gpd.GeoSeries(lonlat, crs=4326).to_crs(3826))
    odd = table.groupby("Road").cumcount() % 2 == 1
    lines = (
        posts[~odd]
        .groupby("route_code")
        .geometry.agg(lambda p: LineString(p.tolist()) if len(p) > 1 else None)
        .dropna()
    )
    base = {"name": "", "road_class": "G", **NOTHING}
    road_table = gpd.GeoDataFrame(
        {"route_code": lines.index, "route_key": lines.index, **base}, geometry=lines.to_list(), crs=3826
    )
    ref = LinearReference(road_table, posts[~odd])
    held = posts[odd & posts["route_code"].isin(lines.index)]
    error_m = (ref.locate(held.geometry, route_code=held["route_code"])["stake_m"] - held["stake_m"]).abs()
    by_route = error_m.groupby(held["route_code"]).median()
    assert len(by_route) > 85
    assert np.median(by_route) < 15
