import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, box

from pipeline.errors import GeometryError
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import corridor, road_zones
from pipeline.linref.reference import LinearReference
from pipeline.model.tables import ZONES

from .roads import CRS, ground, overlap_m2, roads

RULES = LegalRules.load()
STRAIGHT = LineString([(0, 0), (1000, 0)])
EXPRESSWAY = {"route_code": "G3", "road_class": "expressway", "tech_class": 1.0}


def given_polygon(polygon, zone="control_zone", route=None):
    return gpd.GeoDataFrame(
        {
            "zone": [zone],
            "basis": ["announced"],
            "route_code": [route],
            "number": ["沛政公告1号"],
            "announced_on": [None],
        },
        geometry=[polygon],
        crs=CRS,
    )


def test_bands_of_a_straight_road():
    zones = road_zones(roads({"geometry": STRAIGHT, "pavement_width_m": 10.0, "roadbed_width_m": 12.0}), RULES)
    ZONES.check(zones)
    assert list(zones["zone"]) == ["pavement", "highway_land", "control_zone"] * 2
    assert list(zones["side"]) == ["left"] * 3 + ["right"] * 3
    assert set(zones["basis"]) == {"estimated"}
    edges = {"pavement": (0, 5), "highway_land": (5, 11.5), "control_zone": (11.5, 31.5)}
    for row in zones.itertuples():
        low, high = edges[row.zone]
        expected = box(0, low, 1000, high) if row.side == "left" else box(0, -high, 1000, -low)
        assert row.geometry.symmetric_difference(expected).area < 1e-6
        assert (row.inner_m, row.outer_m) == (low, high)


def test_left_faces_increasing_stakes():
    table = roads({"geometry": STRAIGHT, "stake_from_m": 2000.0, "stake_to_m": 1000.0})
    assert ground(road_zones(table, RULES), side="left").bounds[3] == pytest.approx(0)
    posts = gpd.GeoDataFrame(
        {"route_code": "G311", "route_key": "G311", "stake_m": [0.0, 900.0]},
        geometry=[Point(50, 0), Point(950, 0)],
        crs=CRS,
    )
    told = road_zones(table, RULES, reference=LinearReference(table, posts))
    assert ground(told, side="left").bounds[1] == pytest.approx(0)


coordinate = st.integers(-300, 300)
line = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=5, unique=True).map(LineString)
network = st.lists(st.tuples(line, st.sampled_from(["expressway", "G", "S", "X", "C", "Z"])), min_size=1, max_size=4)


@settings(max_examples=10, deadline=None)
@given(network)
def test_zones_are_disjoint_and_cover_every_roads_ground(rows):
    table = roads(*({"geometry": g, "road_class": c, "route_code": f"{c}{i}"} for i, (g, c) in enumerate(rows)))
    zones = road_zones(table, RULES)
    assert zones.is_valid.all()
    assert overlap_m2(zones) < 0.001 * zones.length.sum()
    reach = min(RULES.widths(row).control_edge_m for _, row in table.iterrows())
    near = shapely.union_all([LineString(g).buffer(reach - 0.5, cap_style="flat") for g, _ in rows])
    ends = shapely.union_all([Point(p).buffer(2 * reach) for g, _ in rows for p in (g.coords[0], g.coords[-1])])
    assert near.difference(ends).difference(shapely.union_all(zones.geometry.array)).area < 2.0


@settings(max_examples=10, deadline=None)
@given(network)
def test_precedence(rows):
    table = roads(*({"geometry": g, "road_class": c, "route_code": f"{c}{i}"} for i, (g, c) in enumerate(rows)))
    zones = road_zones(table, RULES)
    for (section, _), mine in zones.groupby(["section", "side"]):
        half_m = RULES.widths(table.loc[section]).pavement_half_m
        pavement = table.geometry[section].buffer(half_m - 0.1, cap_style="flat")
        ends = shapely.union_all([Point(p).buffer(2 * half_m) for p in (*table.geometry[section].coords,)])
        assert mine["zone"].is_unique
        others = ground(zones[zones["zone"] != "pavement"])
        assert pavement.difference(ends).intersection(others).area < 0.5


def test_a_side_road_keeps_its_pavement_in_the_main_roads_control_zone():
    table = roads(
        {"geometry": STRAIGHT},
        {"geometry": LineString([(500, 0), (500, 400)]), "route_code": "X201", "road_class": "X"},
    )
    zones = road_zones(table, RULES)
    at = Point(500, 25)
    assert ground(zones, route_code="X201", zone="pavement").buffer(0.01).contains(at)
    beside = Point(515, 25)  # in both control zones: the higher class wins
    assert ground(zones, route_code="G311", zone="control_zone").contains(beside)
    assert not ground(zones, route_code="X201").contains(beside)


@pytest.mark.parametrize("as_parts", [True, False])
@pytest.mark.parametrize("gap_m", [14.0, 30.0])
def test_the_median_of_a_divided_road_is_highway(as_parts, gap_m):
    east, west = [(0, 0), (2000, 0)], [(2000, gap_m), (0, gap_m)]
    if as_parts:
        table = roads({**EXPRESSWAY, "geometry": MultiLineString([east, west])})
    else:
        table = roads({**EXPRESSWAY, "geometry": LineString(east)}, {**EXPRESSWAY, "geometry": LineString(west)})
    zones = road_zones(table, RULES)
    assert overlap_m2(zones) < 0.1
    between = box(0, 0, 2000, gap_m)
    inside = ground(zones, zone="pavement") | ground(zones, zone="highway_land")
    assert between.difference(inside).area < 1.0
    assert ground(zones, zone="control_zone").intersection(between).area < 1.0
    assert ground(zones, side="right").intersection(box(0, -200, 2000, -0.1)).area == pytest.approx(
        ground(zones).intersection(box(0, -200, 2000, -0.1)).area, abs=1.0
    )
    left, right = ground(zones, zone="control_zone", side="left"), ground(zones, zone="control_zone", side="right")
    assert left.area == pytest.approx(30 * 2000, rel=1e-3)
    assert right.area == pytest.approx(30 * 2000, rel=1e-3)


def test_where_the_partner_ends_both_sides_have_a_control_zone_again():
    table = roads(
        {**EXPRESSWAY, "geometry": LineString([(0, 0), (4000, 0)])},
        {**EXPRESSWAY, "geometry": LineString([(2000, 16), (0, 16)])},
    )
    zones = road_zones(table, RULES)
    control = ground(zones, zone="control_zone")
    assert control.contains(Point(3500, 40))
    assert control.contains(Point(3500, -40))
    assert not control.contains(Point(500, 8))
    assert overlap_m2(zones) < 0.1


def test_gaps_and_heights_in_a_section():
    broken = MultiLineString([[(0, 0, 5), (400, 0, 6)], [(600, 0, 7), (1000, 0, 8)]])
    zones = road_zones(roads({"geometry": broken}), RULES)
    assert ground(zones).intersection(box(401, -100, 599, 100)).area == 0
    assert not zones.has_z.any()


def test_bend_between_two_sections_leaves_no_wedge():
    table = roads({"geometry": STRAIGHT}, {"geometry": LineString([(1000, 0), (1500, 500)])})
    zones = road_zones(table, RULES)
    whole = LineString([(0, 0), (1000, 0), (1500, 500)]).buffer(31.4, cap_style="flat")
    assert whole.difference(ground(zones)).area < 1.0


def test_announced_polygon_replaces_the_estimate_along_it():
    announced = given_polygon(box(200, 0, 600, 60))
    zones = road_zones(roads({"geometry": STRAIGHT}), RULES, announced=announced)
    assert overlap_m2(zones) < 0.1
    control = zones[zones["zone"] == "control_zone"]
    left = control[(control["side"] == "left") & (control["basis"] == "announced")]
    assert left.geometry.iloc[0].symmetric_difference(box(200, 11.5, 600, 60)).area < 1.0
    assert "沛政公告1号" in left["law"].iloc[0]
    assert left["edge_sigma_m"].iloc[0] < control["edge_sigma_m"].max()
    rest = ground(control, side="left", basis="estimated")
    assert rest.intersection(box(200, 0, 600, 100)).area < 0.1
    assert rest.area == pytest.approx(600 * 20, rel=1e-3)
    assert set(control[control["side"] == "right"]["basis"]) == {"estimated"}


def test_a_narrower_announced_zone_also_wins():
    zones = road_zones(roads({"geometry": STRAIGHT}), RULES, announced=given_polygon(box(0, 0, 1000, 20)))
    assert ground(zones, zone="control_zone", side="left").bounds[3] == pytest.approx(20)


def test_announced_polygon_of_another_route_is_not_taken():
    zones = road_zones(roads({"geometry": STRAIGHT}), RULES, announced=given_polygon(box(0, 0, 1000, 60), route="S1"))
    assert set(zones["basis"]) == {"estimated"}


def test_the_control_zone_is_measured_from_surveyed_land():
    land = given_polygon(box(200, -16, 600, 16), zone="highway_land")
    zones = road_zones(roads({"geometry": STRAIGHT}), RULES, announced=land)
    assert overlap_m2(zones) < 0.1
    surveyed = zones[zones["basis"] == "surveyed"]
    assert sorted(surveyed["zone"].unique()) == ["control_zone", "highway_land"]
    middle = box(250, -100, 550, 100)
    assert ground(surveyed, zone="highway_land").intersection(middle).bounds[3] == pytest.approx(16)
    assert ground(surveyed, zone="control_zone").intersection(middle).bounds[3] == pytest.approx(36)


def test_no_roads_no_zones():
    assert road_zones(roads({"geometry": STRAIGHT}).iloc[:0], RULES).empty
    assert road_zones(roads({"geometry": LineString()}), RULES).empty


def test_degrees_are_refused():
    with pytest.raises(GeometryError, match="metric CRS"):
        road_zones(roads({"geometry": STRAIGHT}, crs=4490), RULES)


def test_corridor_reaches_past_each_roads_own_zone():
    table = roads(
        {"geometry": STRAIGHT}, {"geometry": LineString([(0, 900), (1000, 900)]), "road_class": "C", "route_code": "C1"}
    )
    ours = corridor(table, RULES, margin_m=50)
    wide = [RULES.widths(row).control_edge_m + 50 for _, row in table.iterrows()]
    expected = box(0, -wide[0], 1000, wide[0]) | box(0, 900 - wide[1], 1000, 900 + wide[1])
    assert ours.symmetric_difference(expected).area < 1.0
    assert corridor(table, RULES, half_width_m=80).area == pytest.approx(2 * 160 * 1000, rel=1e-6)


def test_same_zones_again_and_on_other_section_numbers():
    table = roads(
        {"geometry": STRAIGHT},
        {"geometry": LineString([(500, -300), (520, 300)]), "route_code": "S1", "road_class": "S"},
    )
    one, again = road_zones(table, RULES), road_zones(table, RULES)
    assert one.equals(again)
    other = road_zones(table.set_axis([70, 90]), RULES)
    assert np.array_equal(other["section"], one["section"].map({0: 70, 1: 90}))
    assert other.geometry.to_wkb().tolist() == one.geometry.to_wkb().tolist()
