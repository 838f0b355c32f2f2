import geopandas as gpd
import pytest
from shapely import LineString, box

from pipeline.attribution.concurrent import concurrent
from pipeline.linref.reference import LinearReference

CRS = 4548
NAN = float("nan")


def road(code, line, first_m=NAN, last_m=NAN, named=None):
    return {
        "route_code": code, "route_key": code, "name": None, "road_class": code[0], "tech_class": NAN,
        "pavement_width_m": NAN, "roadbed_width_m": NAN, "stake_from_m": first_m, "stake_to_m": last_m,
        "concurrent_with": named, "geometry": LineString(line),
    }  # fmt: skip


@pytest.fixture
def roads():
    return gpd.GeoDataFrame(
        [
            road("G311", [(0, 0), (1000, 0)], 5000, 6000),
            road("S253", [(0, 1), (600, 1), (900, 300)], 40000, 41000),
            road("X201", [(2000, 0), (3000, 0)], 0, 1000, named="Y9;X201"),
        ],
        crs=CRS,
    )


def test_both_routes_of_a_shared_road_are_named_with_their_stakes(roads):
    found = gpd.GeoDataFrame(
        {"section": [0, 0, 2, -1]},
        geometry=[box(295, 10, 305, 20), box(895, 10, 905, 20), box(2400, 5, 2410, 9), box(0, 0, 1, 1)],
        index=["a", "b", "c", "d"],
        crs=CRS,
    )
    said = concurrent(found, roads, LinearReference(roads))
    assert said["a"] == "S253 K40+293"  # 300 of 1023.6 m of its line
    assert said["b"] is None  # S253 has left the road
    assert said["c"] == "Y9"  # named, but without a line
    assert said["d"] is None
