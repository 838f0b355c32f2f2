from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from pipeline.attribution.assets import assets, placed_assets
from pipeline.linref.reference import LinearReference

from .conftest import frame, roads, square

# One straight road, K10+000 at the origin, eastwards; another northwards across it.
LINES = [LineString([(0, 0), (2000, 0)]), LineString([(1000, -500), (1000, 500)])]
LINREF = LinearReference(roads(LINES, ["G311320322", "S253320322"], [10_000.0, 0.0]))


def by_stake(rows: list[dict[str, object]]):
    """Assets without geometry; what a row does not say is unknown."""
    columns = ("kind", "name", "route_code", "stake_m", "stake_to_m", "length_m", "width_m", "side")
    return frame([row.get("geometry") for row in rows], **{c: [row.get(c) for row in rows] for c in columns})


def test_assets_are_placed_by_their_stakes():
    layer = by_stake(
        [
            {"kind": "sign", "name": "F1", "route_code": "G311", "stake_m": 10_500.0},
            {
                "kind": "bridge",
                "name": "一桥",
                "route_code": "G311",
                "stake_m": 10_500.0,
                "length_m": 100.0,
                "width_m": 12.0,
            },
            {"kind": "tunnel", "name": "一隧", "route_code": "G311", "stake_m": 10_500.0, "length_m": 100.0},
            {"kind": "barrier", "name": "护栏", "route_code": "G311", "stake_m": 10_300.0, "stake_to_m": 10_200.0},
            {"kind": "sign", "name": "F2", "geometry": Point(7, 7)},
            {"kind": "culvert", "name": "一涵", "route_code": "S253", "stake_m": 100.0, "length_m": 30.0},
        ]
    )
    before = layer.copy(deep=True)
    placed, problems = placed_assets(layer, LINREF)
    assert problems == ()
    shapes = placed.geometry
    assert shapes.iloc[0].equals(Point(500, 0))
    assert shapes.iloc[1].symmetric_difference(box(450, -6, 550, 6)).area < 1e-6
    assert shapes.iloc[2].equals(LineString([(500, 0), (600, 0)]))
    assert shapes.iloc[3].equals(LineString([(200, 0), (300, 0)]))
    assert shapes.iloc[4].equals(Point(7, 7))
    assert shapes.iloc[5].equals(Point(1000, -400))  # a culvert's length runs across the road
    assert placed["by_stake"].tolist() == [True] * 4 + [False, True]
    pd.testing.assert_frame_equal(layer, before)


def test_what_cannot_be_placed_is_told_in_words():
    lost = [{"kind": "sign", "name": f"F{n}", "route_code": "G311", "stake_m": 90_000.0} for n in range(5)]
    layer = by_stake([*lost, {"kind": "sign"}, {"kind": "bridge", "name": "B", "route_code": "X1", "stake_m": 5.0}])
    placed, problems = placed_assets(layer, LINREF)
    assert placed.geometry.isna().all()
    assert len(problems) == 3
    assert problems[0] == ("assets: 1 row cannot be placed ((no name)): neither a geometry nor a route with a stake")
    assert problems[1].startswith("assets: 5 rows cannot be placed (F0, F1, F2, ...): G311 has no stake 90.000 km")
    assert "no route 'X1'" in problems[2]


def test_optional_columns_may_lack():
    layer = frame([None], kind=["bridge"], name=["一桥"], route_code=["G311"], stake_m=[10_500.0])
    assert placed_assets(layer, LINREF)[0].geometry.iloc[0].equals(Point(500, 0))


def test_the_nearest_asset_that_has_a_place(unharmed):
    layer = frame(
        [Point(-30, 5), LineString([(20, 0), (20, 50)]), None, Point(1015, 5), Point(995, 5)],
        kind=["bridge", "sign", "bridge", "sign", "bridge"],
        name=["一桥", "F1", "没有位置", "F2", "二桥"],
    )
    found = frame([square(0), square(1000), square(5000)]).set_index(pd.Index(["b", "a", "c"]))
    result = unharmed(assets, found, layer)
    assert result["asset_name"].tolist() == ["F1", "二桥", None]  # of two at 5 m the first kind
    assert result["asset_kind"].tolist() == ["sign", "bridge", None]
    np.testing.assert_allclose(result["asset_distance_m"], [10, 5, np.nan])
    assert result["asset_along_m"].isna().all()
    assert result["assets_by_kind"].tolist() == [
        {
            "bridge": {"name": "一桥", "distance_m": 30.0, "along_m": None},
            "sign": {"name": "F1", "distance_m": 10.0, "along_m": None},
        },
        {
            "bridge": {"name": "二桥", "distance_m": 5.0, "along_m": None},
            "sign": {"name": "F2", "distance_m": 5.0, "along_m": None},
        },
        {},
    ]
    json.dumps(result["assets_by_kind"].tolist())
    assert assets(found.iloc[:1], layer, within_m=9)["asset_name"].tolist() == [None]


def test_along_the_road_is_the_difference_of_stakes():
    found = frame([square(500, 10), square(500, 10), square(500, 10)], route_code=["G311", "S253", None])
    found["stake_m"] = [10_505.0, 10_505.0, np.nan]
    layer = frame(
        [Point(440, 0), Point(700, 5)],
        kind=["bridge", "sign"],
        name=["一桥", "F1"],
        route_code=["G311", None],
        stake_m=[10_440.0, np.nan],
    )
    with_roads = assets(found, layer, LINREF)
    np.testing.assert_allclose(with_roads["asset_along_m"], [-65.0, np.nan, np.nan])
    assert with_roads["assets_by_kind"].iloc[0]["sign"]["along_m"] == 195.0  # located, since it says nothing itself
    assert assets(found, layer)["assets_by_kind"].iloc[0]["sign"]["along_m"] is None
    assert with_roads["asset_kind"].tolist() == ["bridge"] * 3


def test_stakes_of_two_roads_with_one_sign_are_not_compared():
    lines = [LineString([(0, 0), (1000, 0)]), LineString([(0, 300), (1000, 300)])]
    linref = LinearReference(roads(lines, ["X201320321", "X201320322"], [0.0, 50_000.0]))
    found = frame([box(495, 10, 505, 20)], route_code=["X201"], stake_m=[500.0])
    other = by_stake([{"kind": "culvert", "route_code": "X201", "stake_m": 50_500.0}]).assign(route_key="X201320322")
    row = assets(found, placed_assets(other, linref)[0], linref).iloc[0]
    assert row["asset_distance_m"] == 280.0
    assert np.isnan(row["asset_along_m"])
    assert row["assets_by_kind"]["culvert"]["along_m"] is None
    own = by_stake([{"kind": "culvert", "route_code": "X201", "stake_m": 700.0}]).assign(route_key="X201320321")
    assert assets(found, placed_assets(own, linref)[0], linref)["asset_along_m"].tolist() == [200.0]


def test_ties_do_not_hang_on_the_order_of_rows():
    layer = frame(
        [Point(-5, 5), Point(15, 5), Point(5, 15), Point(5, -5)], kind=["sign"] * 4, name=["d", None, "a", "b"]
    )
    for rows in (layer, layer.iloc[::-1], layer.sample(frac=1, random_state=1)):
        assert assets(frame([square(0)]), rows)["asset_name"].tolist() == ["a"]


def test_no_assets_and_no_footprints():
    nothing = frame([], kind=[], name=[])
    assert assets(frame([square(0)]), nothing)["asset_kind"].tolist() == [None]
    assert assets(frame([square(0)]), nothing)["assets_by_kind"].tolist() == [{}]
    assert assets(frame([]), nothing).empty
    unplaced = frame([None], kind=["sign"], name=["x"])
    assert np.isnan(assets(frame([square(0)]), unplaced)["asset_distance_m"].iloc[0])
    placed, problems = placed_assets(by_stake([]), LINREF)
    assert placed.empty
    assert problems == ()


def test_without_roads_nothing_has_to_be_placed():
    none = LinearReference(roads(LINES, ["G311320322", "S253320322"], [10_000.0, 0.0]).iloc[:0])
    assert placed_assets(by_stake([]), none)[0].empty
    placed, problems = placed_assets(by_stake([{"kind": "sign", "geometry": Point(7, 7)}]), none)
    assert (placed["by_stake"].tolist(), problems) == ([False], ())


@pytest.mark.parametrize("width", [0.0, -3.0, np.nan, None])
def test_a_width_that_is_none_leaves_a_line(width):
    rows = [{"kind": "bridge", "route_code": "G311", "stake_m": 10_500.0, "length_m": 100.0, "width_m": width}]
    assert placed_assets(by_stake(rows), LINREF)[0].geometry.iloc[0].geom_type == "LineString"
