import math

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


def beside(x, section=0):
    return gpd.GeoDataFrame({"section": [section]}, geometry=[box(x - 5, 12, x + 5, 20)], crs=CRS)


def pair(other, named=None, by_other=None):
    own = road("G311", [(0, 0), (1000, 0)], 5000, 6000, named=named)
    return gpd.GeoDataFrame([own, *(road("S253", line, named=by_other) for line in other)], crs=CRS)


@pytest.mark.parametrize("degrees", [90, 15])
@pytest.mark.parametrize("at", [500, 510, 0])
def test_a_road_that_crosses_is_not_shared(degrees, at):
    """Nor is one that branches off at the road's very beginning."""
    x, y = 500 * math.cos(math.radians(degrees)), 500 * math.sin(math.radians(degrees))
    roads = pair([[(at - x, -y), (at + x, y)]])
    assert concurrent(beside(at), roads, LinearReference(roads)).tolist() == [None]


def test_a_crossing_of_roads_that_name_each_other_elsewhere_is_not_shared():
    roads = pair([[(500, -500), (500, 500)]], by_other="G311")
    assert concurrent(beside(500), roads, LinearReference(roads)).tolist() == [None]


def test_whichever_of_two_rows_names_the_other_both_share_the_road():
    """Lines 10 m apart, which only a name makes one road; stakes 20000 + x on the other."""
    line = [(0, 10), (1000, 10)]
    for named, by_other in (("S253", None), (None, "G311"), ("S253", "G311")):
        roads = pair([line], named, by_other)
        roads.loc[1, ["stake_from_m", "stake_to_m"]] = 20_000.0, 21_000.0
        linref = LinearReference(roads)
        assert concurrent(beside(300), roads, linref).tolist() == ["S253 K20+300"]
        assert concurrent(beside(300, section=1), roads, linref).tolist() == ["G311 K5+300"]
    roads = pair([line])
    assert concurrent(beside(300), roads, LinearReference(roads)).tolist() == [None]


def test_a_shared_road_goes_on_where_sections_of_either_route_meet():
    roads = pair([[(0, 1), (300, 1)], [(300, 1), (1000, 1)]])
    roads.loc[[1, 2], ["stake_from_m", "stake_to_m"]] = [[0.0, 300.0], [300.0, 1000.0]]
    linref = LinearReference(roads)
    assert concurrent(beside(290), roads, linref).tolist() == ["S253 K0+290"]
    assert concurrent(beside(5), roads, linref).tolist() == ["S253 K0+005"]  # at the road's end it looks one way only
