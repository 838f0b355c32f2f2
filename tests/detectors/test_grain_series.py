"""Grain over several takes: stays, their dates, and what was looked at; the look itself is made up here."""

from __future__ import annotations

import datetime as dt
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from pipeline.detectors.base import View
from pipeline.detectors.grain_look import Look, RoadStrip
from pipeline.detectors.grain_series import SeriesOptions, over_takes
from pipeline.model.grid import Grid
from pipeline.model.tables import SIGHTINGS
from pipeline.prepare.mosaic import DatedImage

ROAD = shapely.LineString([(0, 50), (400, 50)])


def day(number):
    return dt.date(2024, 6, number)


def strip(from_m=100.0, to_m=160.0, confidence=0.8, side="left"):
    return RoadStrip(
        "grain_drying", 0, side, from_m, to_m, confidence, {"width_m": 3.0}, shapely.box(from_m, 51, to_m, 54)
    )


def view(days):
    """A view whose images hold nothing but the number of their day: the made-up look reads that."""
    grid, before = Grid(4548, 0.0, 100.0, 0.5, 200, 800), day(1)

    def image(on):
        return xr.Dataset({"red": (("y", "x"), np.full((1, 1), float(on.day)))})

    roads = gpd.GeoDataFrame({"pavement_width_m": [9.0]}, geometry=[ROAD], crs=4548)
    return View(
        grid=grid, before=image(before), after=image(max(days)), zones={}, roads=roads, before_day=before,
        after_day=max(days), before_series=(DatedImage(before, image(before)),),
        after_series=tuple(DatedImage(on, image(on)) for on in reversed(days)),
    )  # fmt: skip


def looker(by_day, seen=((0, 0.0, 400.0),)):
    """What is seen on each day; a day that is not named was looked at and shows nothing."""

    def look(_view, _before, after, on):
        assert after["red"].item() == on.day
        strips, stretch = by_day.get(on.day, ((), seen))
        return Look(tuple(strips), tuple(stretch))

    return look


ALL = ((0, 0.0, 400.0),)


def rows(found):
    table = found.candidates.copy()
    table["evidence"] = [json.loads(text) for text in table["evidence"]]
    return table


def test_one_take_is_provisional_and_dated():
    found = over_takes(looker({8: ([strip()], ALL)}), view([day(8)]), SeriesOptions())
    (one,) = rows(found).itertuples()
    assert (one.last_absent, one.first_seen, one.confirmed_on, one.gone_on) == (day(1), day(8), None, None)
    assert one.evidence["provisional"] is True
    assert one.confidence == pytest.approx(0.8, abs=1e-3)


def test_a_second_take_confirms_and_a_third_sees_it_gone():
    told = {5: ([], ALL), 8: ([strip()], ALL), 10: ([strip(105, 150, 0.9)], ALL)}
    found = over_takes(looker(told), view([day(5), day(8), day(10), day(13)]), SeriesOptions())
    (one,) = rows(found).itertuples()
    assert (one.last_absent, one.first_seen, one.confirmed_on, one.gone_on) == (day(5), day(8), day(10), day(13))
    assert one.evidence["provisional"] is False
    assert one.evidence["best_day"] == "2024-06-10"
    assert one.confidence > 0.9


def test_a_take_that_did_not_see_the_place_does_not_say_gone():
    told = {8: ([strip()], ALL), 10: ([], ((0, 300.0, 400.0),))}
    (one,) = rows(over_takes(looker(told), view([day(8), day(10)]), SeriesOptions())).itertuples()
    assert one.gone_on is None


def test_two_stays_at_one_place_are_two_findings():
    told = {8: ([strip()], ALL), 12: ([], ALL), 20: ([strip()], ALL)}
    found = rows(over_takes(looker(told), view([day(8), day(12), day(20)]), SeriesOptions()))
    assert list(found["first_seen"]) == [day(8), day(20)]
    assert list(found["gone_on"]) == [day(12), None]
    assert list(found["last_absent"]) == [day(1), day(12)]


def test_what_lies_for_weeks_is_hardly_believed():
    told = {on: ([strip()], ALL) for on in (5, 12, 20, 28)}
    found = rows(over_takes(looker(told), view([day(n) for n in told]), SeriesOptions()))
    assert (found["confidence"] < 0.3).all()
    assert all(one["series"] == {"lasting": -3.0} for one in found["evidence"])


def test_sides_are_places_of_their_own():
    told = {8: ([strip(), strip(side="right")], ALL)}
    assert len(over_takes(looker(told), view([day(8)]), SeriesOptions()).candidates) == 2


def test_sightings_say_what_was_looked_at_on_every_day_and_doubt_is_neither():
    told = {1: ([], ((0, 0.0, 200.0),)), 8: ([strip(), strip(200, 260, 0.3, "right")], ALL)}
    seen = SIGHTINGS.check(over_takes(looker(told), view([day(8)]), SeriesOptions()).sightings)
    spans = {
        (row.day.day, row.side, row.state, round(row.geometry.bounds[0]), round(row.geometry.bounds[2]))
        for row in seen.itertuples()
    }
    assert spans == {
        (1, "left", "absent", 0, 200), (1, "right", "absent", 0, 200),
        (8, "left", "present", 100, 160), (8, "left", "absent", 0, 100), (8, "left", "absent", 160, 400),
        (8, "right", "absent", 0, 200), (8, "right", "absent", 260, 400),
    }  # fmt: skip


def test_nothing_seen_is_no_row():
    found = over_takes(looker({1: ([], ()), 8: ([], ())}), view([day(8)]), SeriesOptions())
    assert found.candidates.empty
    assert found.sightings.empty
    assert found.candidates.crs.to_epsg() == 4548


def test_what_the_earlier_date_alone_shows_is_no_finding_and_what_both_show_was_never_absent():
    both = {1: ([strip()], ALL), 20: ([strip()], ALL)}
    (one,) = rows(over_takes(looker(both), view([day(20)]), SeriesOptions())).itertuples()
    assert (one.first_seen, one.last_absent) == (day(20), None)
    wide = {1: ([strip(100, 400)], ALL), 20: ([strip(100, 160)], ALL), 22: ([], ALL)}
    assert len(over_takes(looker(wide), view([day(20), day(22)]), SeriesOptions()).candidates) == 1


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_surest_and_the_least_sure_stay_what_they_are(confidence):
    told = {8: ([strip(confidence=confidence)], ALL)}
    (one,) = rows(over_takes(looker(told), view([day(8)]), SeriesOptions())).itertuples()
    assert one.confidence == pytest.approx(confidence, abs=2e-4)
