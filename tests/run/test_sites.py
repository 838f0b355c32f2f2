"""Known sites: keys that stay, states that nobody's not looking can change, and the campaign's counts."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import Point, box

from pipeline.linref.reference import LinearReference
from pipeline.model.tables import SITES
from pipeline.run.sites import campaign, known_sites, site_states
from pipeline.transience.cells import COLUMNS


def day(number):
    return dt.date(2024, 6, number)


@pytest.fixture
def linref():
    roads = gpd.GeoDataFrame(
        {
            "route_code": ["G311"], "route_key": ["G311320322"], "name": [""], "road_class": ["national"],
            "tech_class": [3.0], "pavement_width_m": [9.0], "roadbed_width_m": [12.0], "stake_from_m": [1000.0],
            "stake_to_m": [2000.0],
        },
        geometry=[shapely.LineString([(500_000, 3_800_000), (501_000, 3_800_000)])], crs=4548,
    )  # fmt: skip
    return LinearReference(roads)


AREAS = gpd.GeoDataFrame(
    {"code": ["320321", "320322"], "name": ["甲", "乙"]},
    geometry=[box(499_000, 3_799_000, 500_500, 3_801_000), box(500_500, 3_799_000, 502_000, 3_801_000)], crs=4548,
)  # fmt: skip


def registry(*rows):
    names = ("kind", "name", "number", "route_code", "stake_m", "valid_to", "geometry")
    return gpd.GeoDataFrame([dict(zip(names, row, strict=True)) for row in rows], geometry="geometry", crs=4548)


BOARDS = registry(
    ("billboard", "甲", "GG-01", "G311", np.nan, day(10), Point(500_200, 3_800_030)),
    ("billboard", "乙", "GG-02", "G311", 1_800.0, None, None),
    ("billboard", "丙", "GG-03", None, np.nan, None, Point(500_700, 3_799_970)),
    ("billboard", "丁", "GG-03", "G311", 99_000.0, None, None),
)


SEARCHED = box(499_000, 3_799_900, 502_000, 3_800_100)
KEYS = {"GG-01": "320321/GG-01", "GG-02": "320322/GG-02"}


def looks(*rows):
    full = [("billboard", KEYS[key], "", 0, 0, on, state, 0.9, "1") for key, on, state in rows]
    return pd.DataFrame(full, columns=list(COLUMNS))


def test_sites_are_placed_by_stake_and_keep_their_keys(linref):
    sites = known_sites(BOARDS, linref, AREAS, SEARCHED)
    assert list(sites["key"]) == ["320321/GG-01", "320322/GG-02", "320322/GG-03"]
    assert sites.geometry[1].x == pytest.approx(500_800)
    assert list(sites["position_error_m"].notna()) == [False, True, False]
    again = known_sites(BOARDS.iloc[::-1], linref, AREAS, SEARCHED)
    assert set(again["key"]) == set(sites["key"])
    assert known_sites(None, linref, AREAS, SEARCHED).empty


def test_a_number_that_stands_twice_names_neither_and_counties_count_for_themselves(linref):
    twice = BOARDS.assign(number=["1", "1", "1", "1"])
    keys = list(known_sites(twice, linref, AREAS, SEARCHED)["key"])
    assert keys == ["320321/1", "billboard@500800,3800000", "billboard@500700,3799970"]


def test_sites_far_from_what_is_searched_are_not_of_the_run(linref):
    far = BOARDS.assign(geometry=[Point(500_200, 3_803_000), None, Point(500_700, 3_799_970), None])
    assert list(known_sites(far, linref, AREAS, SEARCHED)["number"]) == ["GG-02", "GG-03"]


def states(linref, *rows):
    sites = known_sites(BOARDS, linref, AREAS, SEARCHED)
    table = site_states(sites, looks(*rows), {KEYS["GG-01"]: '{"score": 3}'}, linref, AREAS)
    return SITES.check(table).set_index("number")


def test_standing_gone_and_unseen(linref):
    table = states(
        linref, ("GG-01", day(1), "present"), ("GG-01", day(5), "absent"), ("GG-02", day(1), "present"),
        ("GG-02", day(5), "unseen"),
    )  # fmt: skip
    assert list(table["state"]) == ["gone", "standing", "unseen"]
    assert list(table["day"]) == [day(5), day(1), None]
    assert table.loc["GG-01", "gone_on"] == day(5)
    assert table.loc["GG-02", "unseen_on"] == day(5)
    assert list(table["county_code"]) == ["320321", "320322", "320322"]
    assert table.loc["GG-02", "stake"] == "K1+800"
    assert table.loc["GG-01", "evidence"] == '{"score": 3}'


def test_never_gone_because_nobody_could_see(linref):
    table = states(linref, *[("GG-01", day(n), "unseen") for n in (1, 5, 9)], ("GG-02", day(1), "present"))
    assert table.loc["GG-01", "state"] == "unseen"
    assert table.loc["GG-02", "state"] == "standing"


def test_a_board_put_up_again_stands(linref):
    table = states(linref, ("GG-01", day(1), "absent"), ("GG-01", day(9), "present"))
    assert table.loc["GG-01", "state"] == "standing"
    assert table.loc["GG-01", "gone_on"] is None


def test_the_campaign_counts_against_its_deadline(linref):
    table = states(linref, ("GG-01", day(20), "present"), ("GG-02", day(20), "absent")).reset_index()
    told = campaign(table, day(30), day(20))
    assert (told["sites"], told["standing"], told["gone"], told["unseen"]) == (3, 1, 1, 1)
    assert told["standing_expired"] == 1
    assert told["days_left"] == 10
    assert told["counties"]["320322"] == {"standing": 0, "gone": 1, "unseen": 1}
    assert campaign(table, None, day(20))["days_left"] is None
    assert campaign(table.iloc[:0], day(30), day(20)) == {}
