"""Grain over days: in the windows of harvest alone, for two or three days, at some places again and again."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest

from pipeline.simulate import Hazards, World, WorldOptions
from pipeline.simulate.harvest import OCCURRENCES, WINDOWS, window
from pipeline.simulate.press import run_yaml
from pipeline.simulate.things import Thing

DAILY = WorldOptions(km=4.0, hazards=Hazards.none(), harvest_days=7, harvest_years=2)


@pytest.fixture(scope="module")
def daily() -> World:
    return World.generate(DAILY)


def strips(world: World) -> dict[int, Thing]:
    """One piece of each spread, by its number."""
    return {thing.number: thing for thing in world.things if thing.sort == "grain" and thing.number is not None}


def test_days_of_harvest_lie_close_together_in_each_year() -> None:
    days = DAILY.days
    for year in (2023, 2024):
        autumn = [day for day in days if day.year == year and day.month > 7]
        assert len(autumn) >= 7
        assert max(b - a for a, b in pairwise(autumn)) <= dt.timedelta(days=4)
    assert DAILY.last_absent == dt.date(2024, 4, 28)
    assert DAILY.first_seen == dt.date(2024, 10, 2)


@pytest.mark.parametrize(
    "options", [WorldOptions(km=3, dates=6), DAILY, WorldOptions(km=3, harvest="summer", harvest_days=5)]
)
def test_no_grain_outside_the_windows_of_its_crop(options: WorldOptions) -> None:
    world = World.generate(options)
    crops = {season: crops for season, crops, *_ in WINDOWS}
    for thing in strips(world).values():
        seen = [day for day in options.days if thing.there(day)]
        assert seen
        for day in seen:
            assert thing.look in crops[window(day) or ""]


def test_rice_and_maize_in_autumn_wheat_in_summer(daily: World) -> None:
    assert set(daily.grain_days["crop"]) == {"maize", "rice"}
    summer = World.generate(WorldOptions(km=3, harvest="summer", harvest_days=5))
    june = summer.grain_days[summer.grain_days["there"] & summer.grain_days["day"].str.startswith("2024-06")]
    assert len(june)
    assert set(june["crop"]) == {"wheat"}


def test_a_strip_stays_two_or_three_days_and_never_two_at_one_place(daily: World) -> None:
    by_place: dict[int, list[Thing]] = {}
    for number, thing in strips(daily).items():
        assert thing.born is not None
        assert thing.gone is not None
        assert (thing.gone - thing.born).days in (2, 3)
        by_place.setdefault(number // OCCURRENCES, []).append(thing)
    for of in by_place.values():
        of.sort(key=lambda thing: thing.born or dt.date.min)
        assert all(a.gone < b.born for a, b in pairwise(of) if a.gone and b.born)


def test_hot_spots_recur_on_other_days_and_in_other_years_and_most_places_do_not(daily: World) -> None:
    there = daily.grain_days[daily.grain_days["there"]]
    spreads = there.groupby("place")["spread"].nunique()
    years = there.assign(year=there["day"].str[:4]).groupby("place")["year"].nunique()
    assert (spreads >= 3).any()
    assert (years == 2).any()
    assert (spreads == 1).mean() > 0.4
    never = World.generate(DAILY.model_copy(update={"events": DAILY.events.model_copy(update={"grain_hot": 0})}))
    assert never.grain_days.groupby("place")["spread"].nunique().max() == 1


def test_truth_says_when_a_strip_came_and_when_it_was_gone(daily: World) -> None:
    grain = daily.truth[daily.truth["kind"] == "grain_drying"]
    days = [day.isoformat() for day in DAILY.days]
    assert grain["gone_on"].notna().sum() > 3
    for row in grain.itertuples():
        of = daily.grain_days[daily.grain_days.geometry.geom_equals(row.geometry)]
        there = sorted(of["day"][of["there"]])
        assert there[0] == row.first_seen
        assert days[days.index(there[0]) - 1] == row.last_absent
        last = days.index(there[-1])
        assert [row.gone_on] == days[last + 1 : last + 2] or (pd.isna(row.gone_on) and last + 1 == len(days))
        assert row.first_seen >= "2024-10-02"  # what lay there in earlier years is in `grain_days` alone


def test_a_pair_has_its_grain_on_the_later_day() -> None:
    world = World.generate(WorldOptions(km=3, hazards=Hazards.none()))
    assert set(world.grain_days["day"]) == {"2024-10-12"}
    assert world.grain_days["there"].all()
    assert len(world.grain_days) == (world.truth["kind"] == "grain_drying").sum() >= 2


def test_the_run_of_a_pair_leaves_earlier_years_alone() -> None:
    text = run_yaml(DAILY)
    assert "before: 2024-04-21/2024-05-05" in text
    assert "after: 2024-09-25/2024-10-19" in text
