from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from pipeline.attribution.priority import PriorityOptions, drive_km, priority
from pipeline.errors import GeometryError
from pipeline.model.kinds import Membership, Zone, ZoneBasis

TERMS = ["confidence", "zone", "membership", "basis", "kind", "size", "repeat", "age", "drive", "near_border"]


def table(**columns) -> pd.DataFrame:
    row = {
        "confidence": 0.8,
        "zone": "control_zone",
        "membership": "inside",
        "zone_basis": "announced",
        "kind": "building",
        "area_m2": 240.0,
        "near_border": False,
    }
    return pd.DataFrame({name: [value] for name, value in (row | columns).items()}, index=["f"])


@given(
    st.floats(0, 1),
    st.sampled_from([*Zone, None]),
    st.sampled_from([*Membership, None]),
    st.sampled_from([*ZoneBasis, None]),
    st.floats(0, 1e6),
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "repeats": st.none() | st.integers(0, 50),
            "age_days": st.none() | st.floats(-10, 5000),
            "drive_km": st.none() | st.floats(0, 5000),
        },
    ),
)
def test_the_terms_add_up_to_the_priority(confidence, zone, membership, basis, area_m2, near, more):
    result = priority(
        table(
            confidence=confidence,
            zone=zone,
            membership=membership,
            zone_basis=basis,
            area_m2=area_m2,
            near_border=near,
            **more,
        )
    )
    assert list(json.loads(result["priority_terms"].iloc[0])) == TERMS
    total = sum(json.loads(result["priority_terms"].iloc[0]).values())
    assert result["priority"].iloc[0] == pytest.approx(np.clip(total, 0, 100), abs=0.051)
    assert 0 <= result["priority"].iloc[0] <= 100


@pytest.mark.parametrize(
    "worse",
    [
        {"confidence": 0.2},
        {"confidence": None},
        {"zone": "outside"},
        {"zone": None},
        {"membership": "undetermined"},
        {"zone_basis": "estimated"},
        {"kind": "billboard"},
        {"area_m2": 20.0},
        {"area_m2": np.nan},
        {"near_border": True},
    ],
)
def test_what_is_less_certain_or_less_grave_comes_later(worse):
    before = table()
    assert priority(table(**worse))["priority"].iloc[0] < priority(before)["priority"].iloc[0]
    assert priority(before).index.tolist() == ["f"]


@pytest.mark.parametrize(
    ("urgent", "more_urgent", "most_urgent"),
    [
        ({"repeats": 0}, {"repeats": 1}, {"repeats": 2}),
        ({"age_days": 0.0}, {"age_days": 60.0}, {"age_days": 180.0}),
        ({"drive_km": 40.0}, {"drive_km": 10.0}, {"drive_km": 0.0}),
    ],
)
def test_what_came_back_has_waited_or_lies_near_comes_first(urgent, more_urgent, most_urgent):
    points = [priority(table(**row))["priority"].iloc[0] for row in ({}, urgent, more_urgent, most_urgent)]
    assert points[0] == points[1] < points[2] < points[3]


@pytest.mark.parametrize("column", ["repeats", "age_days", "drive_km"])
@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA])
def test_what_is_not_known_counts_nothing(column, unknown):
    assert priority(table(**{column: unknown}))["priority"].iloc[0] == priority(table())["priority"].iloc[0]


def test_points_by_hand():
    row = table(
        confidence=0.5, zone_basis="estimated", area_m2=250.0, repeats=1, age_days=90.0, drive_km=10.0, near_border=True
    )
    points = priority(row)
    assert json.loads(points["priority_terms"].iloc[0]) == {
        "confidence": 12.0,
        "zone": 12.0,  # control zone: 0.6 of 20
        "membership": 12.0,
        "basis": 0.0,
        "kind": 5.6,  # building: 0.7 of 8
        "size": 6.0,  # half of the root
        "repeat": 5.0,
        "age": 2.5,
        "drive": 3.8,  # three quarters of 5, rounded
        "near_border": -4.0,
    }
    assert points["priority"].iloc[0] == 54.9


def test_order_of_a_week():
    """Grain on the pavement before a rebuilt house, that before the same house new, that before an unsure shed."""
    rows = pd.concat(
        [
            table(kind="grain_drying", zone="pavement", area_m2=300.0),
            table(repeats=1, age_days=120.0),
            table(),
            table(confidence=0.4, membership="undetermined", zone_basis="estimated", area_m2=60.0, drive_km=1.0),
        ]
    )
    points = priority(rows)["priority"].tolist()
    assert points == sorted(points, reverse=True)
    assert len(set(points)) == 4


def test_the_gravest_has_a_hundred_and_nothing_has_zero():
    top = table(
        confidence=1.0, zone="pavement", kind="grain_drying", area_m2=5000.0, repeats=9, age_days=999.0, drive_km=0.0
    )
    assert priority(top)["priority"].iloc[0] == 100.0
    nothing = table(confidence=None, zone=None, membership=None, zone_basis=None, area_m2=None, near_border=True)
    options = PriorityOptions(urgency={"building": 0.0})
    assert priority(nothing, options)["priority"].iloc[0] == 0.0


def test_points_must_make_a_hundred():
    with pytest.raises(ValueError, match="must be 100, not 115"):
        PriorityOptions(zone=35)
    with pytest.raises(ValueError, match="must lie in 0"):
        PriorityOptions(urgency={"building": 3})


def test_the_drive_is_the_straight_line_to_the_next_depot_times_the_detour():
    places = gpd.GeoSeries(
        [shapely.Point(500_000, 3_800_000), shapely.box(503_000, 3_804_000, 503_020, 3_804_012), None, shapely.Point()],
        index=list("abcd"),
        crs=4548,
    )
    depots = gpd.GeoSeries([None, shapely.Point(500_000, 3_810_000), shapely.Point(503_000, 3_800_000)], crs=4548)
    found = drive_km(places, depots)
    assert found.index.tolist() == list("abcd")
    assert found.tolist()[:2] == pytest.approx([3.0 * 1.3, 4.0 * 1.3])
    assert found.isna().tolist() == [False, False, True, True]
    assert drive_km(places, depots, PriorityOptions(detour=1.0))["a"] == pytest.approx(3.0)


def test_without_depots_no_drive_is_known():
    places = gpd.GeoSeries([shapely.Point(500_000, 3_800_000)], crs=4548)
    assert drive_km(places, gpd.GeoSeries([], crs=4548)).isna().all()
    assert drive_km(places[:0], places).empty
    with pytest.raises(GeometryError, match="one metric CRS"):
        drive_km(places.to_crs(4490), places.to_crs(4490))
    with pytest.raises(GeometryError, match="EPSG:4490"):
        drive_km(places, places.to_crs(4490))
