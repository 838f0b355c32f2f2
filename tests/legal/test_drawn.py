import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from shapely import LineString, Point, box

from pipeline.legal.drawn import drawn, left_out
from pipeline.legal.membership import judge
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import Errors, corridor, road_zones
from pipeline.linref.reference import LinearReference
from pipeline.model.shipped import shipped

from .roads import CRS, ground, roads

RULES = LegalRules.load()
CHINA = LegalRules.load(shipped("legal") / "china.yaml")
EAST = LineString([(0, 0), (1000, 0)])
NEXT = LineString([(1000, 0), (2000, 0)])
G = {"route_code": "G311", "road_class": "G", "pavement_width_m": 9.0, "roadbed_width_m": 12.0}
S = {**G, "route_code": "S253", "road_class": "S"}


def tunnel(line, route="G311"):
    return gpd.GeoDataFrame({"route_code": [route]}, geometry=[line], crs=CRS)


def zones_of(table, rules=RULES, **given):
    out = left_out(table, given.pop("tunnels", None))
    return road_zones(table, rules, without=out, **given)


@pytest.mark.parametrize("flag", [{"structure": "tunnel"}, {"managed_by_city": True}, {"unbuilt": True}])
def test_whole_sections_without_zones(flag):
    table = roads({"geometry": EAST, **G}, {"geometry": NEXT, **G, **flag})
    zones = zones_of(table)
    assert set(zones["section"]) == {0}
    assert ground(zones).bounds[2] == pytest.approx(1000, abs=0.1)
    assert list(left_out(table)["why"]) == [next(iter(flag)) if flag != {"structure": "tunnel"} else "tunnel"]


def test_no_zone_above_a_tunnel_of_the_assets_layer():
    table = roads({"geometry": EAST, **G})
    zones = zones_of(table, tunnels=tunnel(LineString([(400, 4), (600, 4)])))
    over = box(420, -60, 580, 60)
    assert ground(zones).intersection(over).area == 0
    assert ground(zones).intersection(box(0, -60, 380, 60)).area == pytest.approx(2 * 30 * 380 + 0, rel=0.06)
    judged = judge(gpd.GeoSeries([box(490, 10, 500, 20)], crs=CRS), zones, 1.0)
    assert judged["membership"].iloc[0] == "outside"


def test_a_tunnel_of_another_route_takes_nothing_from_this_one():
    table = roads({"geometry": EAST, **G})
    assert left_out(table, tunnel(LineString([(400, 4), (600, 4)]), "S253")).empty
    assert len(left_out(table, tunnel(LineString([(400, 4), (600, 4)]), None))) == 1


def test_a_tunnel_listed_under_the_route_that_is_drawn_with_another_is_cut_too():
    table = roads({"geometry": EAST, **S}, {"geometry": EAST, **G})
    zones = zones_of(table, tunnels=tunnel(LineString([(400, 0), (600, 0)]), "S253"))
    assert ground(zones).intersection(box(420, -60, 580, 60)).area == 0


def test_a_road_that_crosses_over_a_tunnel_of_no_route_keeps_its_zones():
    table = roads({"geometry": EAST, **G}, {"geometry": LineString([(500, -400), (500, 400)]), **S})
    out = left_out(table, tunnel(LineString([(400, 0), (600, 0)]), None))
    assert list(out["section"]) == [0]


def test_a_tunnel_that_is_drawn_as_a_polygon_ends_at_its_portals():
    table = roads({"geometry": EAST, **G})
    out = left_out(table, tunnel(box(400, -6, 600, 6)))
    assert out.geometry.iloc[0].length == pytest.approx(200, abs=0.1)


def ring():
    angle = np.linspace(0, 2 * np.pi, 121)
    return LineString(np.column_stack([500 * np.cos(angle), 500 * np.sin(angle)]))


@pytest.mark.parametrize("degrees", [0, 2, 90, 200, 358])
def test_a_ring_keeps_left_and_right_when_it_is_cut(degrees):
    table = roads({"geometry": ring(), **G})
    turned = shapely.affinity.rotate(LineString([(500, -80), (500, 80)]), degrees, origin=(0, 0))
    zones = zones_of(table, tunnels=tunnel(turned))
    inside = shapely.Polygon(ring())
    left, right = ground(zones, side="left"), ground(zones, side="right")
    assert left.intersection(inside).area > 0.99 * left.area  # the ring runs against the clock
    assert right.intersection(inside).area < 0.02 * right.area


def test_no_wedge_is_lost_where_a_border_meets_a_bend():
    bend = roads({"geometry": LineString([(0, 0), (500, 0), (900, 300)]), "route_code": "X201", "road_class": "X"})
    counties = gpd.GeoDataFrame(
        {"code": ["340322", "320322"], "name": ["", ""]},
        geometry=[box(-100, -900, 500, 900), box(500, -900, 1100, 900)],
        crs=CRS,
    )
    plain = ground(road_zones(bend, RULES))
    cut = ground(road_zones(bend, CHINA, counties=counties))  # Jiangsu's widths are the national ones
    assert plain.symmetric_difference(cut).area < 1.0


def test_a_line_against_its_stakes_keeps_its_sides_after_cutting():
    table = roads({"geometry": EAST, **G, "stake_from_m": 1000.0, "stake_to_m": 0.0})
    posts = gpd.GeoDataFrame(
        {"route_code": "G311", "route_key": "G311", "stake_m": [1000.0, 500.0, 0.0]},
        geometry=[Point(0, 0), Point(500, 0), Point(1000, 0)],
        crs=CRS,
    )
    reference = LinearReference(table, posts)
    plain = road_zones(table, RULES, reference=reference)
    cut = road_zones(
        table, RULES, reference=reference, without=left_out(table, tunnel(LineString([(400, 0), (600, 0)])))
    )
    for side in ("left", "right"):
        assert ground(cut, side=side).difference(ground(plain, side=side).buffer(0.01)).area == pytest.approx(
            0, abs=0.5
        )


def test_concurrent_routes_are_drawn_once_by_the_higher_class():
    shared = LineString([(0, 0.5), (600, 0.5), (900, 400)])
    table = roads({"geometry": shared, **S}, {"geometry": EAST, **G})
    out = left_out(table)
    assert list(out["why"]) == ["concurrent"]
    assert list(out["section"]) == [0]
    assert list(out["drawn_with"]) == ["G311"]
    assert out.geometry.iloc[0].length == pytest.approx(600, abs=10)
    zones = zones_of(table)
    near = zones[zones.intersects(box(0, -60, 590, 60))]
    assert set(near["route_code"]) == {"G311"}
    assert "S253" in set(zones["route_code"])


@pytest.mark.parametrize("flag", [{"unbuilt": True}, {"managed_by_city": True}])
def test_a_road_that_is_left_out_draws_no_other(flag):
    table = roads({"geometry": EAST, **S}, {"geometry": EAST, **G, **flag})
    assert list(left_out(table)["section"]) == [1]
    assert set(zones_of(table)["route_code"]) == {"S253"}


def test_routes_that_only_cross_are_both_drawn():
    across = LineString([(500, -500), (500, 500)])
    assert left_out(roads({"geometry": across, **S}, {"geometry": EAST, **G})).empty


def test_a_row_that_names_the_other_route_is_shared_though_its_line_lies_metres_off():
    off = LineString([(0, 20), (1000, 20)])
    named = roads({"geometry": off, **S, "concurrent_with": "G311"}, {"geometry": EAST, **G})
    assert list(left_out(named)["section"]) == [0]
    assert left_out(roads({"geometry": off, **S}, {"geometry": EAST, **G})).empty


def test_rules_change_at_the_border_of_provinces():
    county = roads({"geometry": EAST, "route_code": "X201", "road_class": "X", "roadbed_width_m": 12.0, "ditch_m": 3.0})
    counties = gpd.GeoDataFrame(
        {"code": ["320322", "411481"], "name": ["沛县", "永城市"]},
        geometry=[box(-100, -500, 400, 500), box(400, -500, 1100, 500)],
        crs=CRS,
    )
    zones = road_zones(county, CHINA, counties=counties)
    left = zones[zones["side"] == "left"]
    assert ground(left).intersection(box(0, 0, 390, 99)).bounds[3] == pytest.approx(20, abs=0.01)
    assert ground(left).intersection(box(410, 0, 1000, 99)).bounds[3] == pytest.approx(19, abs=0.01)
    assert set(zones["law"].str.contains("河南")) == {True, False}
    assert ground(zones).area == pytest.approx(2 * (20 * 400 + 19 * 600), rel=1e-4)  # nothing twice, nothing lost
    pieces = drawn(LinearReference(county), CHINA, counties=counties)
    assert list(pieces["jurisdiction"]) == ["32", "41"]
    assert pieces.geometry.length.sum() == pytest.approx(1000)


def test_jurisdictions_are_chosen_by_the_longest_code():
    assert CHINA.of("320322").name == "江苏"
    assert CHINA.of("411481").name == "河南"
    assert CHINA.of("340621") is CHINA
    assert CHINA.of(None) is CHINA


@pytest.mark.parametrize(
    ("ditch_m", "structure", "land_m"),
    [(3.0, None, 10.0), (0.0, None, 8.5), (np.nan, None, 11.5), (3.0, "bridge", 7.0)],
)
def test_land_follows_the_ditch_that_is_recorded(ditch_m, structure, land_m):
    road = roads({"geometry": EAST, **G, "ditch_m": ditch_m, "structure": structure}).iloc[0]
    # G is taken as technical class 3: fill 1 m at 1:1.5; berm 1 m, ditch 2 m where none is recorded.
    assert RULES.widths(road).land_edge_m == pytest.approx(land_m)
    assert RULES.widths(road).control_edge_m == pytest.approx(land_m + 20)


def test_layers_errors_widen_the_undetermined_band():
    table = roads({"geometry": EAST, **G, "ditch_m": 3.0})
    usual, rough = road_zones(table, RULES), road_zones(table, RULES, errors=Errors(centreline_m=5.0))
    assert usual["edge_sigma_m"].iloc[0] == pytest.approx(np.hypot(1.5, 1.0))
    assert rough["edge_sigma_m"].iloc[0] == pytest.approx(np.hypot(1.5, 5.0))
    house = gpd.GeoSeries([box(500, 24, 510, 34)], crs=CRS)  # 6 m deep
    assert judge(house, usual, 1.0)["membership"].iloc[0] == "inside"
    judged = judge(house, rough, 1.0).iloc[0]
    assert judged["membership"] == "undetermined"
    assert judged["edge_distance_m"] == pytest.approx(6.0, abs=0.01)
    assert judged["zone_probability"] == pytest.approx(0.8705, abs=0.001)  # 6 m over hypot(1, 5.22) is 1.13


def test_announced_polygons_take_the_error_of_their_layer():
    table = roads({"geometry": EAST, **G})
    given = gpd.GeoDataFrame(
        {
            "zone": ["control_zone"],
            "basis": ["announced"],
            "route_code": [None],
            "number": [None],
            "announced_on": [None],
        },
        geometry=[box(0, 10, 1000, 40)],
        crs=CRS,
    )
    zones = road_zones(table, RULES, announced=given, errors=Errors(given_m=2.5))
    assert set(zones.loc[zones["basis"] == "announced", "edge_sigma_m"]) == {2.5}


def test_what_is_left_out_is_not_in_the_corridor_either():
    table = roads({"geometry": EAST, **G}, {"geometry": NEXT, **G, "structure": "tunnel"})
    due = table.drop(index=left_out(table)["section"])
    assert corridor(due, RULES).bounds[2] == pytest.approx(1000, abs=0.01)
    assert shapely.area(corridor(due, RULES)) > 0
