"""Hand-worked ground on one straight road eastwards, K10+000 at the origin, increasing to the right of the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, box
from shapely.affinity import translate

from pipeline.attribution.assets import placed_assets
from pipeline.attribution.impact_options import ImpactOptions
from pipeline.attribution.impacts import hides_sign, impacts, in_sight_triangle, on_culvert, under_bridge
from pipeline.attribution.sight import sight_at
from pipeline.linref.reference import LinearReference

from .conftest import frame, roads, square

LINREF = LinearReference(roads([LineString([(0, 0), (2000, 0)])], ["G311320322"], [10_000.0]))
OPTIONS = ImpactOptions()


def asset(kind: str, shape=None, **known):
    columns = {"kind": kind, "name": "甲", "route_code": "G311", "stake_m": 10_500.0} | known
    return placed_assets(frame([shape], **{name: [value] for name, value in columns.items()}), LINREF)[0]


def told(rule, footprint, assets, options=OPTIONS) -> bool:
    return bool(rule(frame([footprint]), assets, LINREF, options).notna().iloc[0])


# A bridge of 100 m at K10+500 (x 450 to 550), 20 m wide (y -10 to 10), however the register gives it.
BRIDGES = [
    asset("bridge", box(450, -10, 550, 10)),
    asset("bridge", LineString([(450, 0), (550, 0)]), width_m=20.0),
    asset("bridge", length_m=100.0, width_m=20.0),
    asset("bridge", Point(500, 0), length_m=100.0, width_m=20.0),
]


@pytest.mark.parametrize("bridge", BRIDGES, ids=["polygon", "line", "stake", "point"])
def test_ground_under_a_bridge(bridge):
    assert told(under_bridge, box(545, 5, 555, 15), bridge)
    assert told(under_bridge, box(460, -5, 470, 5), bridge)
    assert not told(under_bridge, box(551, 0, 561, 10), bridge)  # past its end
    assert not told(under_bridge, box(500, 11, 510, 21), bridge)  # beside it
    assert not told(under_bridge, box(500, 9.999, 540, 39.999), bridge)  # 0.04 m2 is rounding


def test_a_bridge_of_unknown_size():
    point = asset("bridge", Point(500, 0))
    assert told(under_bridge, square(501, 1), point)
    assert not told(under_bridge, square(507, 0), point)  # beyond half of 12 m
    assert told(under_bridge, square(507, 0), point, ImpactOptions(bridge_width_m=20.0))
    line = asset("bridge", length_m=100.0)  # width unknown
    assert told(under_bridge, square(460, 1), line)
    assert not told(under_bridge, square(460, 7), line)


def test_the_sentence_names_the_bridge_and_the_article():
    found = frame([box(545, 5, 555, 15)])
    assert under_bridge(found, BRIDGES[0], LINREF, OPTIONS).tolist() == [
        "占用甲桥面或桥下空间约25平方米（公路安全保护条例第二十二条）"
    ]
    nameless = BRIDGES[0].assign(name=None)
    assert "未命名桥梁" in under_bridge(found, nameless, LINREF, OPTIONS).iloc[0]


# A sign on the right (y -10) at K10+500: drivers come from the west, from x 390 to 500. The view is the triangle
# (390, 0), (500, 0), (500, -10); at x 450 it is 60/110 of 10 = 5.45 m deep.
def test_what_hides_a_sign_on_the_right():
    sign = asset("sign", Point(500, -10), side="right")
    assert told(hides_sign, box(449, -5, 451, -3), sign)
    assert not told(hides_sign, box(449, -10, 451, -6), sign)  # behind the line of sight
    assert not told(hides_sign, box(449, 3, 451, 5), sign)  # across the road
    assert not told(hides_sign, box(510, -5, 512, -3), sign)  # drivers have passed it
    assert not told(hides_sign, box(370, -2, 380, -0.1), sign)  # farther than 110 m
    assert told(hides_sign, box(370, -2, 380, -0.1), sign, ImpactOptions(sign_view_m=160.0))


def test_drivers_on_the_left_come_from_the_other_way():
    sign = asset("sign", Point(500, 10))  # its side is seen from its place
    assert told(hides_sign, box(549, 3, 551, 5), sign)
    assert not told(hides_sign, box(449, 3, 451, 5), sign)
    assert not told(hides_sign, box(549, -5, 551, -3), sign)


def test_a_sign_by_stake_stands_beside_the_road_on_its_side():
    sign = asset("sign", side="left")
    assert told(hides_sign, box(549, 3, 551, 4), sign)  # 8 m off: at x 550 4.4 m deep
    assert not told(hides_sign, box(549, 5, 551, 7), sign)
    assert told(hides_sign, box(449, -4, 451, -3), asset("sign", side="right"))
    assert not told(hides_sign, box(449, -4, 451, 4), asset("sign"))  # nobody knows which way it faces


def test_a_sign_near_the_start_of_its_road_and_the_sign_itself():
    near = asset("sign", Point(50, -10), stake_m=10_050.0)
    assert told(hides_sign, box(10, -2, 20, -0.1), near)
    sign = asset("sign", Point(500, -10))
    assert not told(hides_sign, box(495, -11, 505, -6), sign)  # may be the sign
    listed = asset("sign", side="right")
    assert not told(hides_sign, box(498, -9, 502, -7), listed)  # 8 m off, where it is taken to stand
    assert told(hides_sign, box(494, -6, 502, 0), listed)  # on its spot on the centreline stands no sign


# Two carriageways 20 m apart, their digitised directions opposite; the place of a stake is on the first.
@pytest.mark.parametrize("first", [-10, 10])
@pytest.mark.parametrize("given", ["place", "stake"])
def test_a_sign_on_a_divided_road_is_for_its_own_carriageway(first, given):
    line = MultiLineString([[(0, first), (2000, first)], [(2000, -first), (0, -first)]])
    divided = LinearReference(roads([line], ["G3"], [0.0]).assign(stake_to_m=2000.0))
    for side, out in (("right", -1), ("left", 1)):
        at = Point(500, 18 * out) if given == "place" else None
        row = frame([at], kind=["sign"], name=["甲"], route_code=["G3"], stake_m=[500.0], side=[side])
        sign, problems = placed_assets(row, divided)
        assert problems == ()
        x = 500 + 40 * out  # drivers come from there; 70 of 110 m on, the view is 5.1 m deep
        near, median, across = (
            box(x, min(a, b), x + 2, max(a, b)) for a, b in ((11 * out, 13 * out), (-2, 2), (-7 * out, -9 * out))
        )
        said = hides_sign(frame([near, median, across]), sign, divided, OPTIONS)
        assert said.notna().tolist() == [True, False, False], side


@pytest.mark.parametrize("given", ["place", "stake"])
@pytest.mark.parametrize(("length_m", "half_m"), [(60.0, 30.0), (None, 20.0), (12.0, 10.0)])
def test_a_culvert_crosses_both_carriageways(given, length_m, half_m):
    line = MultiLineString([[(0, -10), (2000, -10)], [(2000, 10), (0, 10)]])
    divided = LinearReference(roads([line], ["G3"], [0.0]).assign(stake_to_m=2000.0))
    at = Point(500, -10) if given == "place" else None
    row = frame([at], kind=["culvert"], name=["甲"], route_code=["G3"], stake_m=[500.0], length_m=[length_m])
    culvert = placed_assets(row, divided)[0]
    for out in (-1, 1):
        ends = [sorted((out * (half_m + off), out * (half_m + off + 3))) for off in (2, 4)]
        shapes = frame([box(498, low, 502, high) for low, high in ends])
        assert on_culvert(shapes, culvert, divided, OPTIONS).notna().tolist() == [True, False]


# A culvert at K10+500: a line across the road at x 500, 30 m long.
def test_what_stands_on_a_culvert():
    culvert = asset("culvert", length_m=30.0)
    assert told(on_culvert, box(502, 12, 510, 20), culvert)  # 2 m beside its end piece
    assert not told(on_culvert, box(504, 0, 510, 10), culvert)  # 4 m off
    assert not told(on_culvert, box(495, 19, 505, 25), culvert)  # 4 m past its end
    assert told(on_culvert, box(495, 9, 505, 12), asset("culvert"))  # 20 m where the length is unknown
    assert not told(on_culvert, box(495, 14, 505, 20), asset("culvert"))
    drawn = asset("culvert", LineString([(480, -20), (520, 20)]))
    assert told(on_culvert, square(510, 10), drawn)


def test_sight_ground():
    said = in_sight_triangle(frame([square(0)] * 3, sight=["bend", "crossing", None]))
    assert said.iloc[0].startswith("位于弯道内侧视距范围（推算）")
    assert said.iloc[1].startswith("位于平面交叉口视距范围（推算）")
    assert said.iloc[2] is None


def test_the_word_and_the_impact_on_sight_agree():
    """A long wall with 2 m², but not 1 %, in the ground is by neither in the drivers' view."""
    ground = frame([box(0, 0, 2000, 50)], sight=["bend"])
    found = frame([box(0, 49, 2, 649), box(0, 41, 2, 641)])
    words = sight_at(found, ground)
    assert words.tolist() == [None, "bend"]
    kinds = pd.Series(["building"] * 2)
    said = impacts(found, frame([], kind=[], name=[]), LINREF, kinds=kinds, sight=words)
    assert said["impact"].tolist() == [None, "in_sight_triangle"]


def test_impacts_by_kind(unharmed):
    layer = pd.concat([BRIDGES[0], asset("culvert", length_m=30.0)], ignore_index=True)
    found = frame([square(495, 0)] * 4 + [square(900)]).set_index(pd.Index(["b", "a", "c", "d", "e"]))
    kinds = pd.Series(["building", "roadworks", "grain_drying", None, "building"], index=found.index)
    sight = pd.Series("bend", index=found.index, dtype=object)
    mixed, sights = (words.sample(frac=1, random_state=2) for words in (kinds, sight))
    result = unharmed(lambda *tables: impacts(*tables, LINREF, kinds=mixed, sight=sights), found, layer)
    assert result["impact"].tolist() == [
        "under_bridge;on_culvert;in_sight_triangle",
        "on_culvert",
        None,
        None,
        "in_sight_triangle",
    ]
    assert result["impact_note"].iloc[0].count("；") == 2
    assert result["impact_note"].isna().tolist() == [False, False, True, True, False]
    assert impacts(found, layer, LINREF, kinds=kinds)["impact"].tolist()[4] is None


def test_nothing_on_no_assets():
    layer = frame([], kind=[], name=[])
    kinds = pd.Series(["building"])
    assert impacts(frame([square(0)]), layer, LINREF, kinds=kinds)["impact"].tolist() == [None]
    assert impacts(frame([]), layer, LINREF, kinds=kinds.iloc[:0]).empty
    unplaced = frame([None, None], kind=["sign", "bridge"], name=["a", "b"])
    assert impacts(frame([square(0)]), unplaced, LINREF, kinds=kinds)["impact"].tolist() == [None]


@settings(max_examples=20, deadline=None)
@given(st.floats(300, 700), st.floats(-30, 30), st.floats(-5e5, 5e5), st.floats(-5e5, 5e5))
def test_moving_everything_changes_nothing(x, y, east, north):
    layer = pd.concat([BRIDGES[0], asset("culvert"), asset("sign", Point(600, -9))], ignore_index=True)
    found, kinds = frame([square(x, y, 8)]), pd.Series(["building"])
    here = impacts(found, layer, LINREF, kinds=kinds)["impact"].iloc[0]
    moved = LinearReference(roads([LineString([(east, north), (2000 + east, north)])], ["G311320322"], [10_000.0]))
    shifted = (
        table.set_geometry(table.geometry.map(lambda shape: translate(shape, east, north)).set_crs(table.crs))
        for table in (found, layer)
    )
    there = impacts(*shifted, moved, kinds=kinds)["impact"].iloc[0]
    grazing = min(abs(y + 10 + d) for d in (0.0, -20.0, 8.0, -12.0))  # the last digits decide there
    assert here == there or grazing < 1.0 or not np.isfinite(grazing)
