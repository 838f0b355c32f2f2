"""The overview of a ledger: a year's months of the area and by county, where each county stands, and run by run."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from pipeline.ledger import Ledger
from pipeline.ledger.definitions import RATES
from pipeline.ledger.figures import county_figures
from pipeline.ledger.period import Period
from pipeline.run.overview import MONTHS, overview

NAMES = {"320322": "沛县", "320321": "丰县", "320324": "睢宁县"}
KM = {"320322": 50.0, "320321": 30.0}


def at(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 3, tzinfo=dt.UTC)


def settled(ledger, moment, places, *, county="320322", run_id="run"):
    """Case numbers of buildings at these metres along a road."""
    found = gpd.GeoDataFrame(
        {
            "finding_id": [f"{moment:%Y%m}-{x}" for x in places],
            "kind": "building",
            "county_code": county,
            "route_code": "G311",
            "stake": [f"K{x // 1000}+{x % 1000:03d}" for x in places],
            "first_seen": moment.date(),
            "scene_before": "2012",
            "scene_after": f"{moment:%Y%m}",
            "permit_no": None,
        },
        geometry=[box(520_000 + x, 3_800_000, 520_020 + x, 3_800_012) for x in places],
        crs=4548,
    )
    return list(ledger.settle(found, run_id=run_id, now=moment)["case_no"])


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def told(ledger):
    """Four cases in two counties over three months, with nothing said in the second."""
    one, two, _ = settled(ledger, at(2024, 9, 2), [0, 1000, 2000], run_id="first")
    ledger.advance(one, "assigned", "Li", at=at(2024, 9, 3), details={"due_on": "2024-09-20"})
    ledger.advance(one, "dismissed", "Li", at=at(2024, 9, 10), details={"reason": "greenhouse"})
    ledger.advance(two, "assigned", "Li", at=at(2024, 9, 4), details={"due_on": "2024-09-20"})
    ledger.advance(two, "confirmed", "Li", at=at(2024, 9, 12))
    ledger.advance(two, "notified", "Li", at=at(2024, 9, 12), details={"due_on": "2024-10-10"})
    settled(ledger, at(2024, 11, 5), [9000], county="320321", run_id="second")
    settled(ledger, at(2024, 11, 6), [20_000], county="410000", run_id="elsewhere")
    return ledger


def test_months_run_to_the_day_without_holes(told):
    made = overview(told, NAMES, KM, dt.date(2024, 11, 20))
    assert made.months["month"].tolist() == ["2024-09", "2024-10", "2024-11"]
    assert made.months["opened"].tolist() == [3, 0, 1]
    assert made.months["open"].tolist() == [2, 2, 3]
    assert made.months["true_n"].tolist() == [1, 0, 0]
    assert made.months["true_of"].tolist() == [2, 0, 0]
    assert made.months["true"].fillna(-1).tolist() == [0.5, -1, -1]
    assert made.months["per_100_km"].tolist() == [3.75, 0, 1.25]
    assert made.months["per_100_km_of"].tolist() == [80.0] * 3
    assert made.as_of == dt.date(2024, 11, 20)


def test_without_a_day_it_is_the_day_of_the_last_word(told):
    assert overview(told, NAMES, KM).as_of == dt.date(2024, 11, 5), "what is said elsewhere moves nothing"


def test_by_county_months_are_those_of_the_figures(told):
    made = overview(told, NAMES, KM, dt.date(2024, 11, 20)).months_by_county
    assert made["county_name"].tolist()[:3] == ["丰县", "沛县", "睢宁县"]
    for month in ("2024-09", "2024-10"):
        mine = made[made["month"] == month].drop(columns=["month", "county_name"]).reset_index(drop=True)
        direct = county_figures(told, Period.parse(month), counties=list(NAMES), km_due=KM)[list(mine.columns)]
        pd.testing.assert_frame_equal(mine, direct, check_dtype=False)


def test_area_rates_are_those_of_the_sums(told):
    made = overview(told, NAMES, KM, dt.date(2024, 11, 20))
    sums = made.months_by_county.groupby("month")[[f"{rate}_{end}" for rate in RATES for end in ("n", "of")]].sum()
    pd.testing.assert_frame_equal(made.months.set_index("month")[list(sums.columns)], sums)
    assert ((made.months["overdue_low"] <= made.months["overdue"]) | made.months["overdue"].isna()).all()


def test_where_each_county_stands(told):
    standing = overview(told, NAMES, KM, dt.date(2024, 11, 20)).standing.set_index("county_code")
    assert standing["open"].to_dict() == {"320321": 1, "320322": 2, "320324": 0}
    assert standing.loc["320322", ["overdue_n", "overdue_of"]].tolist() == [1, 1]
    early = overview(told, NAMES, KM, dt.date(2024, 10, 9)).standing.set_index("county_code")
    assert early.loc["320322", ["overdue_n", "overdue_of"]].tolist() == [0, 1]


def test_the_trend_is_of_these_counties_and_up_to_the_day(told):
    made = overview(told, NAMES, KM, dt.date(2024, 11, 20))
    assert dict(zip(made.trend["run_id"], made.trend["opened"], strict=True)) == {"first": 3, "second": 1}
    assert made.trend_by_county["county_code"].tolist() == ["320322", "320321"]
    assert overview(told, NAMES, KM, dt.date(2024, 9, 30)).trend["run_id"].tolist() == ["first"]


def test_no_more_than_twelve_months(ledger):
    settled(ledger, at(2022, 1, 5), [0])
    settled(ledger, at(2024, 3, 5), [1000])
    made = overview(ledger, NAMES, {}, dt.date(2024, 3, 31))
    assert len(made.months) == MONTHS
    assert made.months["month"].iloc[0] == "2023-04"
    assert made.months["per_100_km"].isna().all()


@pytest.mark.parametrize("today", [None, dt.date(2024, 3, 31)])
def test_a_ledger_without_a_case_here_has_empty_tables(ledger, today):
    settled(ledger, at(2024, 1, 5), [0], county="410000")
    made = overview(ledger, NAMES, KM, today)
    assert made.trend.empty
    assert made.months.empty
    assert made.months_by_county.empty
    assert made.standing[["open", "overdue_n", "overdue_of"]].sum().tolist() == [0, 0, 0]
    assert made.standing["county_name"].tolist() == ["丰县", "沛县", "睢宁县"]
    assert made.as_of is None


def test_no_county_is_no_error(ledger):
    settled(ledger, at(2024, 1, 5), [0])
    assert overview(ledger, {}, {}, dt.date(2024, 3, 31)).months.empty


def test_the_same_ledger_gives_the_same_tables(told):
    first, again = (overview(told, NAMES, KM) for _ in range(2))
    for name in ("trend", "trend_by_county", "months", "months_by_county", "standing"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))


def test_a_dismissal_without_any_deadline_gives_figures(ledger):
    """Texts that repeat are kept as categories: of none of them days are made too."""
    one, _ = settled(ledger, at(2024, 10, 2), [0, 1000])
    ledger.advance(one, "dismissed", "Li", at=at(2024, 11, 3), details={"reason": "greenhouse"})
    told = overview(ledger, NAMES, KM)
    assert list(told.months["opened"])[-2:] == [2, 0]
    assert list(told.months["finished"])[-2:] == [0, 1]
