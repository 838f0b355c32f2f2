"""From stakes to places and stretches, many at once; and laws that hold for all roads."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point

from pipeline.linref.reference import LinearReference

from .stake_roads import CRS, breaks, placed, points, roads, stakes

ENDS = {"stake_from_m": 0.0, "stake_to_m": 1000.0}
TWO_COUNTIES = roads(
    {"geometry": LineString([(0, 0), (1000, 0)]), "route_code": "X201", "route_key": "X201320322", **ENDS},
    {"geometry": LineString([(0, 9000), (1000, 9000)]), "route_code": "X201", "route_key": "X201320382", **ENDS},
    {"geometry": LineString([(0, 500), (2000, 500)]), "stake_from_m": 7000.0, "stake_to_m": 9000.0},
)


def test_many_stakes_at_once_keep_their_index():
    ref = LinearReference(TWO_COUNTIES)
    index = ["e", "a", "d", "b", "c", "f"]
    route = pd.Series(["X201", "X201320382", "G311", "S9", None, "G311"], index=index)
    found = ref.place_many(route, pd.Series([300, 300, 7500, 10, 10, np.nan], index=index)[::-1])
    assert list(found.index) == index
    assert [None if p is None else (p.x, p.y) for p in found.geometry] == [
        (300, 0), (300, 9000), (500, 500), None, None, None
    ]  # fmt: skip
    assert list(found["candidates"]) == [2, 1, 1, 0, 0, 0]
    assert list(found["chain_no"]) == [1, 1, 1, 0, 0, 0]
    assert found["problem"].tolist()[3] == "no route 'S9' in the roads layer; it has G311, X201"
    assert found["problem"].tolist()[5] == "no stake is given"
    assert found["problem"].isna().tolist() == [True, True, True, False, False, False]
    near = ref.place_many(
        route[:1], pd.Series([300], index=["e"]), near=gpd.GeoSeries([Point(0, 8000)], index=["e"], crs=CRS)
    )
    assert near.geometry.iloc[0].y == 9000
    assert ref.place_many(route[:0], pd.Series([], dtype=float)).empty


def test_what_a_route_has_around_a_number_that_it_lacks():
    gap = roads(
        {"geometry": LineString([(0, 0), (1000, 0)]), **ENDS},
        {"geometry": LineString([(3000, 0), (4000, 0)]), "stake_from_m": 3000.0, "stake_to_m": 4000.0},
    )
    said = placed(LinearReference(gap), 1200, 2900, 4100, 1000.9)["problem"].tolist()
    assert said[0].endswith("it runs from K0+000 to K4+000 but for K1+000 to K3+000, nearest is K1+000")
    assert said[1].endswith("nearest is K3+000")
    assert said[2] == "G311 has no stake 4.100 km; it runs from K0+000 to K4+000, nearest is K4+000"
    assert pd.isna(said[3])


def test_stretches_between_stakes():
    table = roads(
        {"geometry": LineString([(1000, 0), (0, 0)]), "stake_from_m": 1000.0, "stake_to_m": 0.0},
        {"geometry": LineString([(1000, 0), (1500, 0), (2000, 500)]), "stake_from_m": 1000.0, "stake_to_m": 2000.0},
        {"geometry": LineString([(5000, 0), (6000, 0)]), "stake_from_m": 5000.0, "stake_to_m": 6000.0},
    )
    ref = LinearReference(table)
    route = pd.Series(["G311"] * 5 + ["S9"], index=range(6, 0, -1))
    from_m = pd.Series([200.0, 900, 1900, 7000, 5200, 0], index=route.index)
    to_m = pd.Series([300.0, 1200, 5100, 8000, 5100, 9], index=route.index)
    found = ref.span_of(route, from_m, to_m)
    assert list(found.index) == list(route.index)
    np.testing.assert_allclose(shapely.get_coordinates(found.iloc[0])[[0, -1]], [(200, 0), (300, 0)])
    xy = shapely.get_coordinates(found.iloc[1])
    assert found.iloc[1].geom_type == "LineString"
    np.testing.assert_allclose(xy[0], (900, 0), atol=1e-6)
    assert found.iloc[1].length == pytest.approx(100 + 0.2 * (500 + 500 * 2**0.5))
    assert isinstance(found.iloc[2], MultiLineString)
    assert [found.iloc[k] for k in (3, 5)] == [None, None]
    np.testing.assert_allclose(shapely.get_coordinates(found.iloc[4])[[0, -1]], [(5100, 0), (5200, 0)])


def test_two_carriageways_have_every_number_twice_in_one_chain():
    east, west = [(0, 0), (2000, 0)], [(2000, 20), (0, 20)]
    table = roads({"geometry": MultiLineString([east, west]), "stake_from_m": 0.0, "stake_to_m": 2000.0})
    ref = LinearReference(table, stakes([(x, (x, -8)) for x in range(100, 2000, 300)]))
    found = placed(ref, 700, near=points((700, 300)))
    assert (found["candidates"].iloc[0], found["chain_no"].iloc[0], found.geometry.iloc[0].y) == (2, 1, 20)
    line = ref.span_of(pd.Series(["G311"]), pd.Series([100.0]), pd.Series([300.0])).iloc[0]
    assert len(line.geoms) == 2
    assert [shapely.get_coordinates(part)[0, 0] for part in line.geoms] == pytest.approx([100, 100])


def test_many_routes_are_searched_at_once_however_far_away_the_points_are():
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 3000, (40, 2, 2))
    table = roads(*({"geometry": LineString(line), "route_code": f"X{k:03d}", "route_key": f"X{k:03d}320322", "stake_from_m": 0.0}
                    for k, line in enumerate(xy)))  # fmt: skip
    ref = LinearReference(table)
    at = np.concatenate([rng.uniform(0, 3000, (200, 2)), rng.uniform(-1e7, 1e7, (20, 2))])
    which = rng.integers(0, 40, len(at))
    names = np.where(
        rng.random(len(at)) < 0.5, table["route_code"].to_numpy()[which], table["route_key"].to_numpy()[which]
    )
    points_ = gpd.GeoSeries(shapely.points(at), crs=CRS)
    found = ref.locate(points_, route_code=pd.Series(names))
    lines = table.geometry.to_numpy()[which]
    np.testing.assert_allclose(found["offset_m"], shapely.distance(lines, points_.to_numpy()), rtol=1e-9)
    np.testing.assert_allclose(found["stake_m"], shapely.line_locate_point(lines, points_.to_numpy()), atol=1e-3)
    free = ref.locate(points_)["offset_m"]
    nearest = shapely.distance(points_.to_numpy()[:, None], table.geometry.to_numpy()[None]).min(axis=1)
    np.testing.assert_allclose(free, nearest, rtol=1e-9)


@st.composite
def worlds(draw):
    """A winding line, posts on it with a chain that may begin anew or jump, its breaks, and points beside it."""
    steps = draw(st.lists(st.tuples(st.floats(300, 900), st.floats(-250, 250)), min_size=6, max_size=14))
    xy = np.concatenate([[(0, 0)], np.cumsum(steps, axis=0)])
    xy[:, 1] = np.concatenate([[0], [step[1] for step in steps]])
    line = LineString(xy)
    scale = draw(st.floats(0.9, 1.1))
    measures = np.arange(draw(st.floats(0, 300)), line.length, draw(st.floats(150, 500)))
    numbers = 10_000 + scale * measures
    jump = draw(st.sampled_from(["none", "long", "short"]))
    table = None
    if jump != "none":
        where = line.length * draw(st.floats(0.3, 0.7))
        back = 10_000 + scale * where
        ahead = back + {"long": -60.0, "short": 60.0}[jump]
        numbers = np.where(measures > where, numbers + ahead - back, numbers)
        table = breaks((back, ahead, line.interpolate(where).coords[0]))
        keep = np.abs(measures - where) > 1
        measures, numbers = measures[keep], numbers[keep]
    posts = stakes([(n, line.interpolate(m).coords[0]) for n, m in zip(numbers, measures, strict=True)])
    return line, posts, table, draw(st.integers(0, 2**32 - 1))


def beside(line, seed, count=40):
    rng = np.random.default_rng(seed)
    foot = shapely.get_coordinates(shapely.line_interpolate_point(line, rng.uniform(0, line.length, count)))
    return gpd.GeoSeries(shapely.points(foot + rng.normal(0, 30, foot.shape)), crs=CRS)


LAWS = settings(max_examples=25, deadline=None)


@LAWS
@given(worlds())
def test_the_place_of_a_stake_is_the_foot_of_the_point_that_has_it(world):
    line, posts, table, seed = world
    ref = LinearReference(roads({"geometry": line}), posts, table)
    at = beside(line, seed)
    found = ref.locate(at)
    back = ref.place_many(found["route_code"], found["stake_m"], chain_no=found["chain_no"])
    foot = shapely.line_interpolate_point(line, shapely.line_locate_point(line, at.to_numpy()))
    assert shapely.distance(back.geometry.to_numpy(), foot).max() < 1e-3
    again = ref.locate(back.geometry)
    np.testing.assert_allclose(again["stake_m"], found["stake_m"], atol=1e-3)


@LAWS
@given(worlds())
def test_stakes_rise_along_a_chain(world):
    line, posts, table, _ = world
    along = gpd.GeoSeries(shapely.line_interpolate_point(line, np.linspace(0, line.length, 300)), crs=CRS)
    found = LinearReference(roads({"geometry": line}), posts, table).locate(along)
    assert (np.diff(found["chain_no"]) >= 0).all()
    for _, chain in found.groupby("chain_no"):
        assert (np.diff(chain["stake_m"]) > 0).all()


@LAWS
@given(worlds(), st.lists(st.integers(1, 12), max_size=4, unique=True), st.randoms(use_true_random=False))
def test_neither_direction_nor_cuts_nor_order_matter(world, cuts, random):
    line, posts, table, seed = world
    xy = shapely.get_coordinates(line)
    at = beside(line, seed)
    plain = LinearReference(roads({"geometry": line}), posts, table)
    told = plain.locate(at)
    bounds = [0, *sorted(c for c in cuts if c < len(xy) - 1), len(xy) - 1]
    parts = [xy[a : b + 1][:: random.choice([1, -1])] for a, b in pairwise(bounds)]
    random.shuffle(parts)
    shuffled = posts.sample(frac=1, random_state=seed % 1000).reset_index(drop=True)
    for shape, own in ((line.reverse(), posts), (MultiLineString(parts), posts), (line, shuffled)):
        ref = LinearReference(roads({"geometry": shape}), own, table)
        other = ref.locate(at)
        assert ref.problems == plain.problems
        np.testing.assert_allclose(other["stake_m"], told["stake_m"], atol=1e-6)
        assert (other[["side", "chain_no"]] == told[["side", "chain_no"]]).all(axis=None)
