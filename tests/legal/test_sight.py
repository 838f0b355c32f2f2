import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString, Point

from pipeline.legal.rules import LegalRules
from pipeline.legal.sight import sight_ground

from .roads import CRS, ground, roads

RULES = LegalRules.load()
EAST = LineString([(0, 0), (1000, 0)])
G = {"route_code": "G311", "road_class": "G", "pavement_width_m": 9.0, "design_speed_kmh": 80.0}
S = {"route_code": "S253", "road_class": "S", "pavement_width_m": 7.0, "design_speed_kmh": 40.0}


def arc(radius_m, turn_rad, count=200):
    angle = np.linspace(0, turn_rad, count)
    return LineString(np.column_stack([radius_m * np.sin(angle), radius_m * (1 - np.cos(angle))]))


def test_a_straight_road_needs_no_sight_ground():
    assert sight_ground(roads({"geometry": EAST, **G}), RULES).empty


def test_ground_on_the_inside_of_a_bend_reaches_as_far_as_the_sagitta():
    radius_m = 200.0
    table = sight_ground(roads({"geometry": arc(radius_m, 1.5), **G}), RULES)
    assert set(table["sight"]) == {"bend"}
    centre = Point(0, radius_m)  # the line turns left round it
    nearest = shapely.distance(centre, ground(table))
    # m = R (1 - cos(S / 2R)) for a stopping sight distance of 110 m at 80 km/h, JTG D20
    assert radius_m - nearest == pytest.approx(radius_m * (1 - np.cos(110 / (2 * radius_m))), abs=0.3)
    assert ground(table).distance(Point(0, -50)) > 40  # nothing on the outside
    assert ground(table).intersection(arc(radius_m, 1.5).buffer(4.4)).area < 1.0  # no pavement


def test_gentle_bends_are_seen_across_on_the_pavement():
    assert sight_ground(roads({"geometry": arc(2000.0, 0.4), **G}), RULES).empty


def test_direction_of_digitising_does_not_matter():
    line = arc(150.0, 2.0)
    one, other = (ground(sight_ground(roads({"geometry": shape, **G}), RULES)) for shape in (line, line.reverse()))
    assert one.symmetric_difference(other).area < 0.02 * one.area


def test_a_level_crossing_has_a_triangle_in_every_quarter():
    table = sight_ground(
        roads({"geometry": EAST, **G}, {"geometry": LineString([(500, -400), (500, 400)]), **S}), RULES
    )
    assert list(table["sight"]) == ["crossing"]
    assert list(table["other_route"]) == ["S253"]
    shape = ground(table)
    # legs 175 m at 80 km/h and 70 m at 40 km/h: four triangles, each less half the pavements along its legs
    assert shape.area == pytest.approx(4 * (175 * 70 / 2 - 4.5 * 175 - 3.5 * 70), rel=0.02)
    for x, y in ((530, 30), (470, 30), (530, -30), (470, -30)):
        assert shape.contains(Point(x, y))
    assert not shape.contains(Point(640, 60))
    assert not shape.contains(Point(500, 30))


def test_a_side_road_that_ends_at_the_other_has_two():
    shape = ground(
        sight_ground(roads({"geometry": EAST, **G}, {"geometry": LineString([(500, 5), (500, 400)]), **S}), RULES)
    )
    assert shape.contains(Point(530, 20))
    assert shape.contains(Point(470, 20))
    assert shape.bounds[1] >= -0.01


@pytest.mark.parametrize("flag", [{"structure": "bridge"}, {"road_class": "expressway", "route_code": "G30"}])
def test_roads_that_pass_over_each_other_do_not_meet(flag):
    table = roads({"geometry": EAST, **G, **flag}, {"geometry": LineString([(500, -400), (500, 400)]), **S})
    assert sight_ground(table, RULES).empty


def test_a_bridge_of_the_assets_lifts_one_road_over_the_other():
    table = roads({"geometry": EAST, **G}, {"geometry": LineString([(500, -400), (500, 400)]), **S})
    assert sight_ground(table, RULES, gpd.GeoSeries([Point(510, 3)], crs=CRS)).empty
    assert not sight_ground(table, RULES, gpd.GeoSeries([Point(700, 3)], crs=CRS)).empty


def test_without_a_recorded_speed_the_technical_class_says_it():
    slow = {**G, "design_speed_kmh": float("nan"), "tech_class": 5.0}
    assert sight_ground(roads({"geometry": arc(200.0, 1.5), **slow}), RULES).empty  # 20 m at 20 km/h
