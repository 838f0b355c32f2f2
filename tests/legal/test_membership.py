import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from shapely import LineString, Polygon, box

from pipeline.errors import GeometryError
from pipeline.legal.membership import judge
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import road_zones
from pipeline.model.tables import ZONES

from .roads import CRS, roads

RULES = LegalRules.load()
ZONES_OF_G = road_zones(roads({"geometry": LineString([(0, 0), (1000, 0)])}), RULES)
OUTER = RULES.widths(roads({"geometry": LineString([(0, 0), (1, 0)])}).iloc[0]).control_edge_m  # 31.5
EDGE_SIGMA = float(ZONES_OF_G["edge_sigma_m"].iloc[0])


def shapes(*polygons, index=None):
    return gpd.GeoSeries(polygons, index=index, crs=CRS)


def house(reach_m, x=500.0):
    """A house whose near wall lies ``reach_m`` inside the outer edge of the control zone."""
    return box(x, OUTER - reach_m, x + 10, OUTER - reach_m + 12)


def test_zones_from_the_inside_out():
    found = judge(
        shapes(box(10, -5, 30, -1), box(10, 6, 14, 10), box(10, 4, 20, 40), box(10, 15, 20, 25), box(10, 90, 20, 99)),
        ZONES_OF_G,
        0.5,
    )
    assert list(found["zone"]) == ["pavement", "highway_land", "pavement", "control_zone", "outside"]
    assert list(found["membership"]) == ["inside"] * 4 + ["outside"]
    assert list(found["side"]) == ["right", "left", "left", "left", "left"]
    assert set(found["route_code"]) == {"G311"}
    assert found["overlap_pavement_m2"].iloc[2] == pytest.approx(10 * 1.25)
    assert found["overlap_highway_land_m2"].iloc[2] == pytest.approx(10 * 6.25)
    assert found["overlap_control_zone_m2"].iloc[2] == pytest.approx(10 * 20)
    np.testing.assert_allclose(found["zone_overlap_m2"], [80, 16, 12.5, 100, 0])


@settings(max_examples=80, deadline=None)
@given(st.floats(-40, 25), st.floats(0, 15), st.floats(0.55, 0.99))
def test_membership_follows_the_error(reach_m, sigma_m, probability):
    (row,) = judge(shapes(house(reach_m)), ZONES_OF_G, sigma_m, probability=probability).itertuples()
    assert row.edge_distance_m == pytest.approx(reach_m, abs=0.02)
    needed = norm.ppf(probability) * np.hypot(sigma_m, EDGE_SIGMA)
    if abs(abs(reach_m) - needed) < 0.05:
        return
    expected = "inside" if reach_m > needed else "outside" if reach_m < -needed else "undetermined"
    assert row.membership == expected
    assert (row.zone == "outside") == (expected == "outside")


def test_just_outside_within_the_error_is_undetermined_in_the_zone_beside_it():
    (row,) = judge(shapes(house(-1.0)), ZONES_OF_G, 2.0).itertuples()
    assert (row.zone, row.membership, row.zone_overlap_m2) == ("control_zone", "undetermined", 0.0)


def test_more_error_never_makes_a_decision():
    footprints = shapes(*(house(reach) for reach in np.linspace(-30, 20, 26)))
    sharp = judge(footprints, ZONES_OF_G, 0.5)["membership"]
    blunt = judge(footprints, ZONES_OF_G, 8.0)["membership"]
    assert ((blunt == sharp) | (blunt == "undetermined")).all()
    assert (blunt == "undetermined").sum() > (sharp == "undetermined").sum()


def test_a_graze_is_not_material():
    long_wall = box(100, 11.5 - 0.004, 300, 11.5 + 10)  # 0.8 m2 of 2000 m2 on highway land
    assert judge(shapes(long_wall), ZONES_OF_G, 0.5)["zone"].iloc[0] == "control_zone"
    deeper = box(100, 11.5 - 0.01, 300, 11.5 + 10)
    assert judge(shapes(deeper), ZONES_OF_G, 0.5)["zone"].iloc[0] == "highway_land"


def test_depth_counts_across_sections_and_zones():
    two = road_zones(
        roads({"geometry": LineString([(0, 0), (500, 0)])}, {"geometry": LineString([(500, 0), (1000, 0)])}), RULES
    )
    footprint = shapes(box(490, 2, 510, 9))
    one = judge(footprint, ZONES_OF_G, 1.0)["edge_distance_m"].iloc[0]
    assert judge(footprint, two, 1.0)["edge_distance_m"].iloc[0] == pytest.approx(one, abs=0.02)
    assert one == pytest.approx(OUTER - 2, abs=0.02)


def test_index_and_series_of_errors():
    footprints = shapes(house(-3.0), house(-3.0), index=["q", "a"])
    found = judge(footprints, ZONES_OF_G, pd.Series({"a": 0.0, "q": 30.0}), probability=0.8)
    assert list(found.index) == ["q", "a"]
    assert list(found["membership"]) == ["undetermined", "outside"]


def test_agrees_with_geopandas_overlay():
    rng = np.random.default_rng(5)
    corner = rng.uniform([0, -45], [980, 40], (200, 2))
    footprints = shapes(
        *(box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corner, rng.uniform(2, 20, (200, 2)), strict=True))
    )
    cut = gpd.overlay(gpd.GeoDataFrame({"k": range(200)}, geometry=footprints), ZONES_OF_G, how="intersection")
    wanted = cut.assign(area=cut.area).pivot_table(
        index="k", columns="zone", values="area", aggfunc="sum", fill_value=0.0
    )
    found = judge(footprints, ZONES_OF_G, 1.0)
    for zone in ("pavement", "highway_land", "control_zone"):
        expected = wanted[zone].reindex(range(200), fill_value=0.0)
        np.testing.assert_allclose(found[f"overlap_{zone}_m2"], expected, atol=1e-6)


def test_winding_roads_give_the_same_overlap_as_whole_polygons():
    x = np.arange(0, 4000, 10.0)
    line = LineString(np.column_stack([x, 40 * np.sin(x / 60)]))
    zones = road_zones(roads({"geometry": line}), RULES)
    footprints = shapes(*(line.interpolate(at).buffer(25) for at in range(50, 3900, 130)))
    found = judge(footprints, zones, 1.0)
    for zone in ("pavement", "highway_land", "control_zone"):
        grounds = zones[zones["zone"] == zone].geometry
        expected = [sum(grounds.intersection(footprint).area) for footprint in footprints]
        np.testing.assert_allclose(found[f"overlap_{zone}_m2"], expected, rtol=1e-4)


def test_nothing_to_judge_and_nothing_to_judge_by():
    assert judge(shapes(), ZONES_OF_G, 1.0).empty
    found = judge(shapes(house(1.0)), ZONES.empty(crs=CRS), 1.0)
    assert list(found["zone"]) == ["outside"]
    assert list(found["membership"]) == ["outside"]
    assert list(found["section"]) == [-1]
    assert list(found.columns) == list(judge(shapes(house(1.0)), ZONES_OF_G, 1.0).columns)


def test_refusals():
    with pytest.raises(GeometryError, match="probability"):
        judge(shapes(house(1.0)), ZONES_OF_G, 1.0, probability=0.5)
    with pytest.raises(GeometryError, match="transform one of them"):
        judge(shapes(house(1.0)).set_crs(4549, allow_override=True), ZONES_OF_G, 1.0)
    with pytest.raises(GeometryError, match="infinite"):
        judge(shapes(Polygon([(0, 0), (np.inf, 0), (1, 1)])), ZONES_OF_G, 1.0)
