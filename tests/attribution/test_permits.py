from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, box

from pipeline.attribution.along import alongside
from pipeline.attribution.permits import permits
from pipeline.errors import LayerError
from pipeline.linref.reference import LinearReference
from pipeline.model.kinds import PermitState

from .conftest import frame, roads, square

PERMIT = {"number": ["P1"], "kind": ["x"], "valid_from": [dt.date(2016, 3, 1)], "valid_to": [dt.date(2018, 3, 1)]}


def found(*shapes):
    return frame(shapes).set_index(pd.Index(["b", "a", "c", "d"][: len(shapes)]))


def permitted(day, shape=None, **changes):
    layer = frame([square(0, 0, 20)], **{**PERMIT, **changes})
    shapes = found(shape if shape is not None else square(5, 5))
    return permits(shapes, layer, on=pd.Series([day], index=shapes.index)).iloc[0]


@pytest.mark.parametrize(
    ("day", "number", "note"),
    [
        (dt.date(2016, 3, 1), "P1", "covered"),
        ("2018-03-01", "P1", "covered"),
        (pd.Timestamp("2018-03-02"), None, "expired 2018-03-01"),
        (pd.Timestamp("2016-02-29 23:00"), None, "not_yet_valid 2016-03-01"),
        (None, None, "undated"),
        (pd.NaT, None, "undated"),
    ],
)
def test_a_permit_holds_on_its_days(day, number, note):
    assert permitted(day)[["permit_no", "permit_share", "permit_note"]].tolist() == [number, 1.0, note]


def test_open_ends_hold_for_ever():
    assert permitted("1990-01-01", valid_from=[None])["permit_no"] == "P1"
    assert permitted("2050-01-01", valid_to=[None])["permit_no"] == "P1"
    assert permitted(None, valid_to=[None], valid_from=[None])["permit_no"] == "P1"


def test_building_beyond_the_permit_is_not_covered():
    row = permitted("2017-01-01", box(7, 0, 27, 10))
    assert row.drop("permit_share").tolist() == [None, "not_as_approved", "P1", "beyond 35 %"]
    assert row["permit_share"] == pytest.approx(0.65)
    assert permitted("2017-01-01", box(4, 0, 24, 10))["permit_no"] == "P1"  # 80 % inside, the outline's own error
    assert permitted("2017-01-01", square(500)).tolist() == [None, None, None, 0.0, None]


def test_of_several_permits_the_one_that_covers_is_named(unharmed):
    layer = frame(
        [square(0, 0, 20), square(0, 0, 20), box(0, 0, 5, 20), box(5, 0, 20, 20)],
        number=["old", "wide", "parcels", "parcels"],
        valid_from=[dt.date(2010, 1, 1), dt.date(2020, 1, 1), dt.date(2016, 1, 1), dt.date(2016, 1, 1)],
        valid_to=[dt.date(2011, 1, 1), None, None, None],
    )
    shapes = found(square(0), square(2))
    on = pd.Series(["2017-01-01", "2010-06-01"], index=["a", "b"])  # another order than the footprints
    result = unharmed(permits, shapes, layer, on=on)
    assert result["permit_no"].tolist() == ["old", "parcels"]
    assert result["permit_share"].tolist() == [1.0, 1.0]


def test_a_day_that_is_none_names_the_row():
    with pytest.raises(LayerError, match=r"'findings', row b: first_seen 'autumn' is not a date"):
        permitted("autumn")
    with pytest.raises(LayerError, match=r"'permits', row 0: valid_to '31/12'"):
        permitted("2017-01-01", valid_to=["31/12"])


WORDS = {"广告": ("billboard",), "标志": ("billboard",), "接道": ("roadworks", "building")}


@pytest.mark.parametrize(
    ("said", "kind", "state"),
    [
        ("设置广告设施", "billboard", "covered"),
        ("设置广告设施", "building", "other_kind"),
        ("接道及广告", "building", "other_kind"),  # 广告 is the first of the rules' words
        ("接道及广告", "billboard", "covered"),
        ("跨越公路", "building", "covered"),  # a word that the rules do not know
        (None, "building", "covered"),
        ("设置广告设施", None, "covered"),
    ],
)
def test_a_permit_is_for_its_kind(said, kind, state):
    shapes = found(square(5, 5))
    layer = frame([square(0, 0, 20)], **{**PERMIT, "kind": [said]})
    on, kinds = (pd.Series([value], index=shapes.index) for value in ("2017-01-01", kind))
    row = permits(shapes, layer, on=on, kinds=WORDS, finding_kinds=kinds).iloc[0]
    assert (row["permit_state"], row["permit_ref"]) == (state, "P1")
    assert (row["permit_no"] == "P1") == (state == "covered")
    if state == "other_kind":
        assert row["permit_note"] == f"other_kind {said}"


@pytest.mark.parametrize(
    ("said", "note"), [("跨越公路", "other_kind 跨越公路"), (None, "other_kind"), ("接道", "other_kind 接道")]
)
def test_what_nobody_can_permit_is_covered_by_no_permit(said, note):
    shapes = found(square(5, 5), square(5, 5), square(500))
    layer = frame([square(0, 0, 20)], **{**PERMIT, "kind": [said]})
    kinds = pd.Series(["grain_drying", "building", "grain_drying"], index=shapes.index)
    on = pd.Series("2017-01-01", index=shapes.index)
    known = {"接道": ("grain_drying", "building")}
    rows = permits(shapes, layer, on=on, kinds=known, finding_kinds=kinds, never=("grain_drying",))
    assert rows["permit_state"].tolist() == ["other_kind", "covered", None]
    assert rows["permit_no"].tolist() == [None, "P1", None]
    assert rows["permit_note"].iloc[0] == note


def test_a_permit_without_a_number_covers_all_the_same():
    row = permitted("2017-01-01", number=[None])
    assert row.tolist() == ["无编号", "covered", "无编号", 1.0, "covered"]
    row = permitted("2019-01-01", number=[np.nan])
    assert row.tolist() == [None, "expired", "无编号", 1.0, "expired 2018-03-01"]


def test_permits_without_numbers_are_not_one_permit():
    layer = frame(
        [box(0, 0, 6, 10), box(6, 0, 10, 10)],
        **{name: values * 2 for name, values in {**PERMIT, "number": [None]}.items()},
    )
    row = permits(frame([square(0)]), layer, on=pd.Series(["2017-01-01"])).iloc[0]
    assert row[["permit_no", "permit_state", "permit_ref"]].tolist() == [None, "not_as_approved", "无编号"]
    assert row["permit_share"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("parcels", "share"),
    [
        ([box(0, 0, 5, 10), box(0, 0, 5, 10)], 0.5),  # delivered twice
        ([box(0, 0, 5, 10), box(3, 0, 7, 10)], 0.7),  # 2 m in common
        ([box(0, 0, 5, 10), box(5, 0, 9, 10)], 0.9),
        ([box(0, 0, 5, 10), Point(2, 2)], 1.0),
    ],
)
def test_what_lies_in_two_parcels_of_a_permit_counts_once(parcels, share):
    layer = frame(parcels, **{name: values * 2 for name, values in PERMIT.items()})
    shapes = frame([square(0), square(100)])
    rows = permits(shapes, layer, on=pd.Series(["2017-01-01"] * 2))
    assert rows["permit_share"].tolist() == pytest.approx([share, 0.0])
    assert rows["permit_state"].tolist() == ["covered" if share >= 0.8 else "not_as_approved", None]


def test_the_best_that_one_permit_allows_is_said():
    """One footprint under a permit of another kind, an expired one, and one that covers half of it."""
    shapes = found(square(0), square(100), square(200))
    layer = frame(
        [square(0), square(0), square(0, 0, 5), square(100), square(100), square(200)],
        number=["kind", "old", "part", "kind", "old", "kind"],
        kind=["广告", "接道", "接道", "广告", "接道", "广告"],
        valid_from=[None] * 6,
        valid_to=[None, dt.date(2010, 1, 1), None, None, dt.date(2010, 1, 1), None],
    )
    on, kinds = pd.Series("2017-01-01", index=shapes.index), pd.Series("building", index=shapes.index)
    result = permits(shapes, layer, on=on, kinds=WORDS, finding_kinds=kinds)
    assert result["permit_state"].tolist() == ["not_as_approved", "expired", "other_kind"]
    assert result["permit_ref"].tolist() == ["part", "old", "kind"]
    assert set(result["permit_state"]) <= set(PermitState)
    np.testing.assert_allclose(result["permit_share"], [0.25, 1.0, 1.0])


def test_permits_by_stake_lie_along_their_stretch():
    linref = LinearReference(roads([LineString([(0, 0), (2000, 0)])], ["G311320322"], [10_000.0]))
    layer = frame(
        [None, None, None, None, square(500)],
        number=["left", "both", "beyond", "nowhere", "drawn"],
        kind=["x"] * 5,
        valid_from=[None] * 5,
        valid_to=[None] * 5,
        route_code=["G311", "G311", "G311", None, None],
        stake_from_m=[10_100.0, 10_400.0, 20_000.0, np.nan, np.nan],
        stake_to_m=[10_200.0, 10_300.0, 20_100.0, np.nan, np.nan],
        side=["left", None, None, None, None],
    )
    before = layer.copy(deep=True)
    laid, problems = alongside(layer, linref, 30.0)
    assert laid.geometry.iloc[0].symmetric_difference(box(100, 0, 200, 30)).area < 0.1
    assert laid.geometry.iloc[1].symmetric_difference(box(300, -30, 400, 30)).area < 0.1
    assert laid.geometry.isna().tolist() == [False, False, True, True, False]
    assert laid.geometry.iloc[4].equals(before.geometry.iloc[4])
    assert problems == (
        "permits: 1 row cannot be placed (nowhere): neither a geometry nor a route with a stake",
        "permits: 1 row cannot be placed (beyond): G311 has no line from 20.000 to 20.100 km",
    )
    pd.testing.assert_frame_equal(layer, before)
    shapes = found(box(120, 5, 130, 15), box(120, -15, 130, -5), box(350, -15, 360, -5))
    numbers = permits(shapes, laid, on=pd.Series("2017-01-01", index=shapes.index))["permit_no"]
    assert numbers.tolist() == ["left", None, "both"]
    assert alongside(layer.iloc[4:], linref, 30.0)[1] == ()
