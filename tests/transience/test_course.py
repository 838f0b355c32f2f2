"""Courses: what images of one place add up to, one at a time and in any order."""

import datetime as dt
import itertools

import pandas as pd
import pytest

from pipeline.model.kinds import Sighted
from pipeline.transience.cells import COLUMNS, cells, stretches
from pipeline.transience.course import Course, CourseOptions, Phase, course
from pipeline.transience.hotspots import HotSpotOptions, hot_spots
from pipeline.transience.objects import event_of

P, A, U = Sighted.PRESENT, Sighted.ABSENT, Sighted.UNSEEN


def day(number, year=2024):
    return dt.date(year, 6, number)


def row(first, last, on, state, *, kind="grain_drying", place="G311", side="left", version="1"):
    return (kind, place, side, first, last, on, state.value, 0.9, version)


def looks(*rows):
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def test_absent_appeared_ongoing_finished():
    now, phases = Course(), []
    for number, state in ((1, A), (4, P), (6, P), (9, A), (12, A)):
        now = now.after(day(number), state)
        phases.append(now.phase)
    assert phases == [Phase.ABSENT, Phase.APPEARED, Phase.ONGOING, Phase.FINISHED, Phase.FINISHED]
    (event,) = now.events
    assert (event.last_absent, event.first_seen, event.confirmed_on, event.last_seen, event.gone_on) == (
        day(1), day(4), day(6), day(6), day(9),
    )  # fmt: skip
    assert not event.provisional


def test_a_single_image_is_provisional_and_nothing_is_gone_because_nobody_looked():
    now = course([(day(1), A), (day(4), P), (day(6), U), (day(9), U)])
    assert now.phase is Phase.APPEARED
    assert now.events[0].provisional
    assert now.events[0].gone_on is None
    assert now.looks == 2


def test_two_stays_with_nobody_looking_between_are_two_events():
    now = course([(day(1), P), (day(20), P)], CourseOptions(event_days=5))
    assert [event.first_seen for event in now.events] == [day(1), day(20)]
    assert now.events[0].gone_on is None
    assert now.events[1].last_absent is None  # nobody saw the place empty between


def test_order_of_arrival_has_no_say_but_time_does_not_run_back():
    told = [(day(1), A), (day(4), P), (day(6), P), (day(9), A)]
    assert len({course(order) for order in itertools.permutations(told)}) == 1
    with pytest.raises(ValueError, match="cannot follow"):
        Course().after(day(4), P).after(day(1), A)


def test_the_same_image_twice_tells_nothing_new():
    once = course([(day(1), A), (day(4), P)])
    assert course([(day(1), A), (day(4), P), (day(4), P), (day(4), A), (day(1), A)]) == once


def test_cells_are_ten_metres_by_stakes():
    assert cells(0, 100) == (0, 9)
    assert cells(94, 6) == (1, 8)
    assert cells(12, 13) == (1, 1)


def test_stretches_share_one_history_and_a_newer_detector_has_the_word():
    table = looks(
        row(0, 9, day(1), A), row(0, 9, day(4), A, version="1"), row(3, 5, day(4), P, version="1"),
        row(0, 9, day(9), A), row(0, 9, day(4), A, version="2"), row(4, 5, day(4), P, version="2"),
    )  # fmt: skip
    found = {(one.first, one.last): one.course for one in stretches(table)}
    with_event = {span for span, one in found.items() if one.events}
    assert with_event == {(4, 5)}
    assert found[4, 5].events[0].gone_on == day(9)


def test_the_event_of_a_finding_takes_all_images_of_its_stretch():
    table = looks(
        row(0, 99, day(1), A), row(0, 99, day(5), A), row(10, 19, day(5), P), row(0, 99, day(7), A),
        row(12, 19, day(7), P), row(0, 13, day(8), A), row(0, 99, day(11), A), row(0, 99, day(3), U),
    )  # fmt: skip
    event = event_of(table, 10, 19, day(5))
    assert (event.last_absent, event.first_seen, event.confirmed_on, event.gone_on) == (
        day(1), day(5), day(7), day(11),
    )  # fmt: skip
    assert event_of(table, 40, 50, day(5)) is None


def test_hot_spots_are_where_it_came_back_worst_first():
    years = (2022, 2023, 2024)
    rows = [row(0, 99, day(1, year), A) for year in years]
    rows += [row(10, 19, day(5, year), P) for year in years] + [row(0, 99, day(9, year), A) for year in years]
    rows += [row(60, 69, day(5), P), row(60, 69, day(20), P), row(80, 89, day(5), P)]
    table = hot_spots(stretches(looks(*rows)))
    assert list(table["from_m"]) == [100.0, 600.0]
    worst = table.iloc[0]
    assert (worst["rank"], worst["years"], worst["events"], worst["to_m"]) == (1, 3, 3, 200.0)
    assert worst["looks"] == 9
    assert len(hot_spots(stretches(looks(*rows)), HotSpotOptions(min_events=1))) == 3


def test_without_looks_there_are_none():
    empty = looks()
    assert list(stretches(empty)) == []
    assert hot_spots(stretches(empty)).empty


def test_a_newer_detector_has_the_word_only_where_it_looked():
    table = looks(
        row(0, 999, day(1), A), row(0, 999, day(4), A), row(500, 520, day(4), P), row(0, 99, day(4), A, version="2"),
    )  # fmt: skip
    with_event = [(one.first, one.last) for one in stretches(table) if one.course.events]
    assert with_event == [(500, 520)]
    assert event_of(table, 500, 520, day(4)) is not None


def test_what_every_image_shows_and_none_shows_gone_is_one_stay_and_no_hot_spot():
    weekly = [row(10, 19, dt.date(2024, 6, 1) + dt.timedelta(days=7 * week), P) for week in range(8)]
    assert hot_spots(stretches(looks(*weekly))).empty
    next_year = [row(10, 19, day(3, 2025), P)]
    assert list(hot_spots(stretches(looks(*weekly, *next_year)))["years"]) == [2]
