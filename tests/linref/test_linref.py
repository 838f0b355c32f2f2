import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, box

from pipeline.errors import GeometryError, LayerError, StakeError
from pipeline.linref.reference import LinearReference
from pipeline.model.stake import Stake

from .stake_roads import CRS, points, roads, stakes

STRAIGHT = LineString([(0, 0), (1000, 0)])


def test_recorded_ends_calibrate_a_section_without_stakes():
    ref = LinearReference(roads({"geometry": STRAIGHT, "stake_from_m": 5000.0, "stake_to_m": 5990.0}))
    found = ref.locate(points((500, 30), (1200, -40)))
    np.testing.assert_allclose(found["stake_m"], [5495, 5990])
    assert list(found["stake"]) == ["K5+495", "K5+990"]
    assert list(found["side"]) == ["left", "right"]
    np.testing.assert_allclose(found["offset_m"], [30, np.hypot(200, 40)])
    assert ref.problems == ()


def test_without_stakes_or_ends_it_counts_from_zero_and_says_so():
    ref = LinearReference(roads({"geometry": STRAIGHT}))
    assert ref.locate(points((250, 1)))["stake_m"].iloc[0] == pytest.approx(250)
    assert "section 0 (G311)" in ref.problems[0]


def test_line_digitised_against_its_stakes():
    placed = stakes([(10_000 + 1000 - x, (x, 3)) for x in (0, 250, 700, 1000)])
    ref = LinearReference(roads({"geometry": STRAIGHT}), placed)
    found = ref.locate(points((300, 20)))
    assert found["stake_m"].iloc[0] == pytest.approx(10_700)
    assert found["side"].iloc[0] == "right"  # facing increasing stakes, which is west
    assert shapely.get_coordinates(ref.stretches.geometry.iloc[0])[0, 0] == 1000


def test_stakes_beat_recorded_ends_and_extrapolate_metre_by_metre():
    placed = stakes([(7200, (200, 0)), (7600, (600, 0))])
    ref = LinearReference(roads({"geometry": STRAIGHT, "stake_from_m": 0.0, "stake_to_m": 1000.0}), placed)
    np.testing.assert_allclose(ref.locate(points((0, 0), (400, 0), (1000, 0)))["stake_m"], [7000, 7400, 8000])


def test_strays_and_contradictions_are_left_out_and_named():
    placed = stakes([(0, (0, 0)), (900, (300, 0)), (500, (500, 0)), (800, (800, 0)), (950, (950, 400))])
    ref = LinearReference(roads({"geometry": STRAIGHT}), placed)
    assert ref.locate(points((300, 0)))["stake_m"].iloc[0] == pytest.approx(300)
    assert any("K0+950" in p and "more than 100 m" in p for p in ref.problems)
    assert any("K0+900" in p and "contradict" in p for p in ref.problems)
    unknown = LinearReference(roads({"geometry": STRAIGHT}), stakes([(1, (0, 0))], "S1", "S1"))
    assert any("route S1 is not in the roads layer" in p for p in unknown.problems)


def test_posts_that_lack_something_are_counted():
    placed = stakes(
        [(0, (0, 0)), (np.nan, (400, 0)), (500, (500, 0)), (600, (600, 0)), (np.nan, (700, 0)), (5, (5, 400))]
    )
    placed.loc[4, "geometry"] = None
    placed.loc[3, ["route_code", "route_key"]] = None
    placed.loc[[2, 5], "route_code"] = None  # the key says it
    ref = LinearReference(roads({"geometry": STRAIGHT}), placed)
    assert ref.problems == (
        "stakes: 3 of 6 rows are left out: 2 without a stake, 1 without a place, 1 without a route",
        "stakes: K0+005 of G311320322 lie more than 100 m from its line and are left out",
    )
    assert ref.locate(points((300, 0)))["stake_m"].iloc[0] == pytest.approx(300)


def test_a_stake_near_the_end_of_the_next_section_does_not_calibrate_this_one():
    two = roads({"geometry": STRAIGHT}, {"geometry": LineString([(1000, 0), (2000, 0)])})
    placed = stakes([(x, (x, 0)) for x in (100, 900, 1050, 1900)])
    ref = LinearReference(two, placed)
    np.testing.assert_allclose(ref.locate(points((1000, 0), (990, 5), (1010, 5)))["stake_m"], [1000, 990, 1010])
    assert ref.problems == ()


def test_gaps_do_not_count_unless_stakes_say_so():
    broken = MultiLineString([[(0, 0), (400, 0)], [(600, 0), (1000, 0)]])
    plain = LinearReference(roads({"geometry": broken, "stake_from_m": 0.0, "stake_to_m": 800.0}))
    np.testing.assert_allclose(plain.locate(points((400, 1), (600, 1), (700, 1)))["stake_m"], [400, 400, 500])
    placed = stakes([(100, (100, 0)), (900, (900, 0))])
    told = LinearReference(roads({"geometry": broken}), placed)
    np.testing.assert_allclose(told.locate(points((399, 1), (601, 1), (700, 1)))["stake_m"], [399, 601, 700])
    with pytest.raises(StakeError, match="no stake"):
        told.place("G311", 500.0)


def test_parts_that_run_against_each_other_are_calibrated_apart():
    mixed = MultiLineString([[(0, 0), (1000, 0)], [(2000, 0), (1000, 0)]])
    placed = stakes([(x, (x, 2)) for x in range(100, 2000, 200)])
    ref = LinearReference(roads({"geometry": mixed}), placed)
    found = ref.locate(points((450, 9), (1450, 9)))
    np.testing.assert_allclose(found["stake_m"], [450, 1450])
    assert list(found["side"]) == ["left", "left"]


@pytest.mark.parametrize("off_m", [0.0, 0.4, 0.6, 1.0, 2.0])  # between what neighbours say of the stake where they meet
@pytest.mark.parametrize("neighbours", [(0,), (2,), (0, 2)])
def test_neighbouring_sections_turn_a_reversed_one(off_m, neighbours):
    chain = roads(
        {"geometry": STRAIGHT, "stake_from_m": 0.0, "stake_to_m": 1000.0},
        {"geometry": LineString([(2000, 0), (1000, 0)]), "stake_from_m": 1000.0 + off_m, "stake_to_m": 2000.0},
        {"geometry": LineString([(2000, 0), (3000, 0)]), "stake_from_m": 2000.0 + off_m, "stake_to_m": 3000.0},
    )
    found = LinearReference(chain.loc[sorted([1, *neighbours])]).locate(points((1300, 5), (1900, 5)))
    np.testing.assert_allclose(found["stake_m"], [1300, 1900], atol=2)
    assert list(found["side"]) == ["left"] * 2


def test_sections_that_do_not_meet_do_not_turn_each_other():
    chain = roads(
        {"geometry": STRAIGHT, "stake_from_m": 0.0, "stake_to_m": 1000.0},
        {"geometry": LineString([(2000, 0), (1021, 0)]), "stake_from_m": 1000.0, "stake_to_m": 1979.0},  # 21 m away
    )
    assert LinearReference(chain).locate(points((1900, 5)))["stake_m"].iloc[0] == pytest.approx(1100)
    chain["stake_from_m"] += [0.0, 10.0]  # a jump
    assert LinearReference(chain).locate(points((2000, 5)))["stake_m"].iloc[0] == pytest.approx(1010)


@pytest.mark.parametrize("with_stakes", [True, False])
@pytest.mark.parametrize("as_parts", [True, False])
def test_divided_road_has_one_left_and_one_right_carriageway(with_stakes, as_parts):
    east, west = [(0, 0), (2000, 0)], [(2000, 20), (0, 20)]  # both digitised the way traffic runs
    ends = {"stake_from_m": 0.0, "stake_to_m": 2000.0}
    if as_parts:
        table = roads({"geometry": MultiLineString([east, west]), **ends})
    else:
        table = roads({"geometry": LineString(east), **ends}, {"geometry": LineString(west), **ends})
    ref = LinearReference(table, stakes([(x, (x, -8)) for x in range(100, 2000, 300)]) if with_stakes else None)
    found = ref.locate(points((700, -30), (700, 4), (700, 16), (700, 50)))
    np.testing.assert_allclose(found["stake_m"], 700, atol=1e-6)
    assert list(found["side"]) == ["right", "right", "left", "left"]
    assert list(ref.stretches["inner"]) == [1, -1]


def test_route_and_section_restrict_the_search():
    table = roads(
        {"geometry": STRAIGHT, "stake_from_m": 0.0, "stake_to_m": 1000.0},
        {
            "geometry": LineString([(0, 40), (1000, 40)]),
            "route_code": "X201",
            "route_key": "X201320322",
            "stake_from_m": 0.0,
            "stake_to_m": 1000.0,
        },
    )
    ref = LinearReference(table)
    at = points((300, 5), (300, 5), (300, 5), (300, 5))
    codes = ref.locate(at, route_code=pd.Series(["X201", "X201320322", None, "G311"]))["route_code"]
    assert list(codes) == ["X201", "X201", "G311", "G311"]
    assert list(ref.locate(at, section=pd.Series([1, 0, -1, 1]))["section"]) == [1, 0, 0, 1]
    with pytest.raises(LayerError, match=r"no route 'S9'; it has G311, X201"):
        ref.locate(at[:1], route_code=pd.Series(["S9"]))
    at = at[:2].set_axis([7, 9])
    found = ref.locate(at, route_code=pd.Series(["X201", "G311"], index=[9, 7]))
    assert list(found["route_code"]) == ["G311", "X201"]
    assert list(ref.locate(at, route_code=pd.Series(["X201"], index=[9]))["route_code"]) == ["G311", "X201"]
    assert list(ref.locate(at, section=pd.Series([1, 0], index=[9, 7]))["section"]) == [0, 1]
    assert list(ref.locate(at, section=pd.Series([1, pd.NA], index=[7, 9], dtype="Int64"))["section"]) == [1, 0]
    twice = at.set_axis([7, 7])
    assert list(ref.locate(twice, section=pd.Series([1, 0], index=[7, 7]))["section"]) == [1, 0]


def test_index_is_kept_and_nothing_gives_nulls():
    ref = LinearReference(roads({"geometry": STRAIGHT, "stake_from_m": 0.0, "stake_to_m": 1000.0}))
    found = ref.locate(gpd.GeoSeries([Point(10, 1), None, Point()], index=["b", "a", "c"], crs=CRS))
    assert list(found.index) == ["b", "a", "c"]
    assert list(found["section"]) == [0, -1, -1]
    assert found["stake"].isna().tolist() == [False, True, True]
    assert found["section"].dtype == np.int64
    none = ref.locate(gpd.GeoSeries([], crs=CRS))
    assert none.empty
    assert list(none.columns) == list(found.columns)


def test_span_of_footprints():
    ref = LinearReference(roads({"geometry": STRAIGHT, "stake_from_m": 5000.0, "stake_to_m": 4000.0}))
    shapes = gpd.GeoSeries([box(100, 10, 140, 30), box(300, -9, 301, -3)], index=[5, 3], crs=CRS)
    found = ref.span(shapes, pd.Series([0, 0], index=[5, 3]))
    np.testing.assert_allclose(found.loc[5], [4860, 4900])
    np.testing.assert_allclose(found.loc[3], [4699, 4700])


def test_span_does_not_leap_to_the_other_limb_of_a_hairpin():
    hairpin = LineString([(0, 0), (1000, 0), (1000, 60), (0, 60)])
    ref = LinearReference(roads({"geometry": hairpin, "stake_from_m": 0.0, "stake_to_m": 2060.0}))
    found = ref.span(gpd.GeoSeries([box(200, 10, 230, 40)], crs=CRS))
    assert found["stake_to_m"].iloc[0] - found["stake_from_m"].iloc[0] < 90


wiggle = st.lists(st.tuples(st.floats(20, 200), st.floats(-30, 30)), min_size=2, max_size=10)


@settings(max_examples=30, deadline=None)
@given(
    wiggle,
    st.booleans(),
    st.lists(st.floats(0.02, 0.98), max_size=6, unique=True),
    st.floats(0.7, 1.4),
    st.floats(0, 1),
)
def test_place_then_locate_gives_the_stake_back(steps, reverse, where, scale, share):
    xy = np.concatenate([[(0, 0)], np.cumsum(steps, axis=0)])
    xy[:, 1] = np.concatenate([[0], [step[1] for step in steps]])
    line = LineString(xy[::-1] if reverse else xy)
    forward = LineString(xy)
    posts = [
        (1000 + scale * m * forward.length, forward.interpolate(m, normalized=True).coords[0]) for m in sorted(where)
    ]
    ends = {"stake_from_m": 1000.0, "stake_to_m": 1000.0 + forward.length}
    ref = LinearReference(roads({"geometry": line, **ends}), stakes(posts) if posts else None)
    ends_m = ref.locate(gpd.GeoSeries([Point(xy[0]), Point(xy[-1])], crs=CRS))["stake_m"]
    wanted = ends_m.min() + share * (ends_m.max() - ends_m.min())
    found = ref.locate(gpd.GeoSeries([ref.place("G311", wanted)], crs=CRS))
    assert found["stake_m"].iloc[0] == pytest.approx(wanted, abs=1e-3)
    along = gpd.GeoSeries(shapely.line_interpolate_point(forward, np.linspace(0, forward.length, 50)), crs=CRS)
    steps_m = np.diff(ref.locate(along)["stake_m"])
    assert (steps_m >= -1e-6).all() or (steps_m <= 1e-6).all()


def test_a_stake_that_the_road_lacks_is_refused_with_what_it_has():
    ref = LinearReference(roads({"geometry": STRAIGHT, "stake_from_m": 5000.0, "stake_to_m": 6000.0}))
    assert ref.place("G311320322", 6000.4).x == pytest.approx(1000)
    with pytest.raises(StakeError, match=r"K5\+000 to K6\+000, nearest is K6\+000"):
        ref.place("G311", 7000.0)
    with pytest.raises(StakeError, match="no route 'S1'"):
        ref.place("S1", 5000.0)


def test_refusals():
    with pytest.raises(LayerError, match="repeat"):
        LinearReference(pd.concat([roads({"geometry": STRAIGHT})] * 2))
    with pytest.raises(GeometryError, match=r"section 0.*infinite"):
        LinearReference(roads({"geometry": LineString([(0, 0), (np.inf, 0)])}))
    with pytest.raises(GeometryError, match="transform one of them"):
        LinearReference(roads({"geometry": STRAIGHT}), stakes([(0, (0, 0))], crs=4549))
    with pytest.raises(GeometryError, match="only points"):
        LinearReference(roads({"geometry": STRAIGHT})).locate(gpd.GeoSeries([STRAIGHT], crs=CRS))
    with pytest.raises(LayerError, match="no road line"):
        LinearReference(roads({"geometry": LineString()})).locate(points((0, 0)))


@pytest.mark.real
def test_real_stakes_of_a_small_curve(real_data):
    layers = real_data / "roadside_vhr" / "layers.gpkg"
    lines, posts = gpd.read_file(layers, layer="roads"), gpd.read_file(layers, layer="stakes")
    rows = [{"route_code": r.LXBM[:4], "route_key": r.LXBM, "geometry": r.geometry} for r in lines.itertuples()]
    table = gpd.GeoDataFrame(
        {
            "route_code": posts["LXBM"].str[:4],
            "route_key": posts["LXBM"],
            "stake_m": [Stake.parse(text).measure_m for text in posts["ZH"]],
        },
        geometry=posts.geometry,
        crs=posts.crs,
    )
    ref = LinearReference(roads(*rows, crs=lines.crs), table)
    found = ref.locate(table.geometry)
    assert ref.problems == ()
    np.testing.assert_allclose(found["stake_m"], table["stake_m"], atol=0.01)
    assert (found["route_code"] == table["route_code"]).all()
