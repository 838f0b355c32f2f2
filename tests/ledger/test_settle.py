from __future__ import annotations

import datetime as dt
import sqlite3

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger, LedgerOptions, NumberOptions

from .conftest import EPSG, NOW, make_findings

PLACES = [(0, 0), (100, 0), (200, 0), (0, 300)]


def dump(path) -> list[tuple]:
    """Every row of the ledger but the times, in order."""
    with sqlite3.connect(path) as connection:
        cases = connection.execute("SELECT * FROM cases ORDER BY case_no").fetchall()
        events = connection.execute(
            "SELECT case_no, actor, what, key, on_date, finding_id, detail FROM events ORDER BY id"
        ).fetchall()
    return [*cases, *events]


def test_new_findings_get_numbers_in_the_order_of_the_road(ledger):
    found = make_findings(PLACES, stake=["K12+300", "K2+900", None, "K2+100"])
    settled = ledger.settle(found, run_id="r1", now=NOW)
    assert settled["case_no"].tolist() == [f"320322-201710-building-{seq:04d}" for seq in (3, 2, 4, 1)]
    assert set(settled["status"]) == {"suspected"}
    assert settled.index.equals(found.index)


def test_the_index_and_order_of_the_rows_do_not_matter(path, tmp_path):
    found = make_findings(PLACES)
    mixed = found.set_index(pd.Index(["d", "c", "b", "a"])).iloc[[2, 0, 3, 1]]
    with Ledger.open(path) as one, Ledger.open(tmp_path / "two.sqlite") as two:
        straight = one.settle(found, run_id="r", now=NOW)
        crooked = two.settle(mixed, run_id="r", now=NOW)
    assert crooked.index.equals(mixed.index)
    assert dict(zip(found["finding_id"], straight["case_no"], strict=True)) == dict(
        zip(mixed["finding_id"], crooked["case_no"], strict=True)
    )


def test_settling_does_not_touch_the_findings(ledger):
    found = make_findings(PLACES)
    before = found.copy(deep=True)
    ledger.settle(found, run_id="r1", now=NOW)
    assert_frame_equal(pd.DataFrame(found), pd.DataFrame(before))


def test_the_same_images_again_write_nothing(path):
    found = make_findings(PLACES)
    with Ledger.open(path) as ledger:
        first = ledger.settle(found, run_id="r1", now=NOW)
    size, content = path.stat().st_size, path.read_bytes()
    watcher = sqlite3.connect(path)
    version = watcher.execute("PRAGMA data_version").fetchone()
    with Ledger.open(path) as ledger:
        again = ledger.settle(found.sample(frac=1, random_state=1), run_id="r2", now=NOW + dt.timedelta(days=9))
    assert_frame_equal(again.loc[first.index], first)
    assert watcher.execute("PRAGMA data_version").fetchone() == version
    watcher.close()
    assert path.stat().st_size == size
    assert path.read_bytes() == content


def test_another_version_of_the_detector_on_the_same_images_writes_nothing(path):
    found = make_findings(PLACES)
    with Ledger.open(path) as ledger:
        first = ledger.settle(found, run_id="r1", now=NOW)
        before = dump(path)
        newer = found.assign(finding_id=[f"v2-{name}" for name in found["finding_id"]])
        again = ledger.settle(newer.set_geometry(found.buffer(0.7, join_style="mitre")), run_id="r2", now=NOW)
    assert_frame_equal(again, first)
    assert dump(path) == before


def test_later_images_are_observed_in_the_same_case(ledger):
    first = ledger.settle(make_findings(PLACES[:1]), run_id="r1", now=NOW)
    later = make_findings([(3, 2)], finding_id=["new"], scene_after=["2019"], first_seen=[dt.date(2019, 5, 1)])
    again = ledger.settle(later, run_id="r2", now=NOW)
    assert again["case_no"].tolist() == first["case_no"].tolist()
    history = ledger.case(again["case_no"].iloc[0])["history"]
    assert [event["on_date"] for event in history] == ["2017-10-20", "2019-05-01"]
    assert ledger.cases()[0]["opened_on"] == "2017-10-20"


def test_a_neighbour_in_a_row_of_shops_is_a_case_of_its_own(ledger):
    first = ledger.settle(make_findings([(0, 0)]), run_id="r1", now=NOW)
    neighbour = make_findings([(0, 12)], scene_after=["2019"])  # shares a wall, centroid 12 m off
    close = neighbour.set_geometry(neighbour.scale(yfact=0.5, origin=(520_000, 3_800_012)))  # and now 9 m
    for other in (neighbour, close):
        assert ledger.settle(other, run_id="r2", now=NOW)["case_no"].iloc[0] != first["case_no"].iloc[0]


def test_a_mast_that_moves_by_the_error_of_the_image_is_the_same_mast(ledger):
    mast = make_findings([(0, 0)], kind=["billboard"])
    small = mast.set_geometry(mast.scale(0.1, 0.2))
    first = ledger.settle(small, run_id="r1", now=NOW)
    moved = small.set_geometry(small.translate(6, 0)).assign(finding_id="m2", scene_after="2019")
    assert ledger.settle(moved, run_id="r2", now=NOW)["case_no"].tolist() == first["case_no"].tolist()
    far = small.set_geometry(small.translate(17, 0)).assign(finding_id="m3", scene_after="2020")
    assert ledger.settle(far, run_id="r3", now=NOW)["case_no"].tolist() != first["case_no"].tolist()


def test_kinds_do_not_mix(ledger):
    first = ledger.settle(make_findings([(0, 0)]), run_id="r1", now=NOW)
    grain = ledger.settle(make_findings([(0, 0)], kind=["grain_drying"], finding_id=["g"]), run_id="r1", now=NOW)
    assert grain["case_no"].iloc[0] == "320322-201710-grain_drying-0001" != first["case_no"].iloc[0]


def test_a_dismissed_place_stays_dismissed_even_in_two_halves(ledger):
    first = ledger.settle(make_findings([(0, 0)]), run_id="r1", now=NOW)
    number = first["case_no"].iloc[0]
    ledger.advance(number, "dismissed", "Li", at=NOW, details={"reason": "greenhouse"})
    halves = make_findings([(0, 0), (0, 0)], finding_id=["a", "b"], scene_after=["2019"] * 2)
    roof = halves.geometry.iloc[:1]
    west, east = roof.scale(0.5, 1, origin=(520_000, 0)), roof.scale(0.45, 1, origin=(520_020, 0))
    halves = halves.set_geometry([*west, *east])
    again = ledger.settle(halves, run_id="r2", now=NOW)
    assert again["case_no"].tolist() == [number, number]
    assert again["status"].tolist() == ["dismissed", "dismissed"]
    assert len(ledger.cases()) == 1


def test_best_pair_first_and_one_to_one(ledger):
    first = ledger.settle(make_findings([(0, 0), (14, 0)]), run_id="r1", now=NOW)
    moved = make_findings([(6, 0), (15, 0)], finding_id=["x", "y"], scene_after=["2019"] * 2)
    again = ledger.settle(moved, run_id="r2", now=NOW)
    assert again["case_no"].tolist() == first["case_no"].tolist()


def test_a_neighbouring_zone_s_coordinates_find_the_same_case(ledger):
    found = make_findings(PLACES)
    first = ledger.settle(found, run_id="r1", now=NOW)
    other = found.to_crs(4549).assign(finding_id=[f"z{n}" for n in range(4)], scene_after="2019")
    assert_frame_equal(ledger.settle(other, run_id="r2", now=NOW), first)


def test_a_permit_opens_no_case(ledger):
    found = make_findings(PLACES[:2], permit_no=["苏徐交许〔2016〕0123号", None])
    settled = ledger.settle(found, run_id="r1", now=NOW)
    assert settled["status"].tolist() == ["permitted", "suspected"]
    assert settled["case_no"].isna().tolist() == [True, False]
    assert len(ledger.cases()) == 1


def test_no_findings_no_rows(ledger):
    settled = ledger.settle(make_findings(PLACES).iloc[:0], run_id="r1", now=NOW)
    assert list(settled.columns) == ["case_no", "status"]
    assert settled.empty


def test_numbers_go_on_and_are_never_used_twice(ledger):
    ledger.settle(make_findings(PLACES[:2]), run_id="r1", now=NOW)
    more = make_findings([(500, 0), (600, 0)], county_code=["320322", None], scene_after=["2018"] * 2)
    settled = ledger.settle(more, run_id="r2", now=NOW)
    assert settled["case_no"].tolist() == ["320322-201710-building-0003", "000000-201710-building-0001"]


def test_the_template_is_the_client_s(tmp_path):
    options = LedgerOptions(number=NumberOptions(template="{county}{kind}〔{yyyy}〕{yyyymm}第{seq4}号"))
    with Ledger.open(tmp_path / "a.sqlite", options) as ledger:
        settled = ledger.settle(make_findings(PLACES[:1]), run_id="r1", now=NOW)
    assert settled["case_no"].iloc[0] == "320322building〔2017〕201710第0001号"
    with pytest.raises(ValueError, match="two cases could get one number"):
        NumberOptions(template="{county}-{seq4}")
    with pytest.raises(ValueError, match="unknown fields"):
        NumberOptions(template="{county}-{yyyymm}-{kind}-{seq4}-{town}")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda f: f.to_crs(4326), "metric CRS"),
        (lambda f: f.set_crs(None, allow_override=True), "metric CRS"),
        (lambda f: f.drop(columns="stake"), "lack columns"),
        (lambda f: f.assign(finding_id="same"), "comes twice"),
        (lambda f: f.assign(first_seen=None), "no first_seen"),
        (lambda f: f.assign(first_seen="autumn"), "not a date"),
        (lambda f: f.assign(kind=None), "no kind"),
        (lambda f: f.set_geometry([None, *f.geometry[1:]]), "no geometry"),
        (lambda f: f.set_geometry(f.translate(np.inf)), "infinite"),
        (lambda f: f.set_index(pd.Index([1] * len(f))), "repeated labels"),
    ],
)
def test_bad_findings_are_refused_and_leave_no_trace(ledger, spoil, why):
    with pytest.raises(LedgerError, match=why):
        ledger.settle(spoil(make_findings(PLACES)), run_id="r1", now=NOW)
    assert ledger.cases() == []


def test_a_failure_midway_leaves_nothing(ledger, monkeypatch):
    monkeypatch.setattr("pipeline.ledger.settle.evidence", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ledger.settle(make_findings(PLACES), run_id="r1", now=NOW)
    assert ledger.cases() == []


def test_timestamps_and_text_days_open_the_same_case(path, tmp_path):
    days = [dt.date(2017, 10, 20), "2017-10-20", pd.Timestamp("2017-10-20"), "2017-10-20T00:00:00"]
    for place, day in enumerate(days):
        with Ledger.open(tmp_path / f"{place}.sqlite") as ledger:
            ledger.settle(make_findings(PLACES[:1], first_seen=[day]), run_id="r", now=NOW)
            assert ledger.cases()[0]["opened_on"] == "2017-10-20"


def test_footprints_come_back_where_they_were(ledger):
    found = make_findings(PLACES)
    ledger.settle(found, run_id="r1", now=NOW)
    back = ledger.footprints(epsg=EPSG)
    assert isinstance(back, gpd.GeoDataFrame)
    assert back.geometry.geom_equals_exact(found.geometry, 1e-9).all()
    assert len(ledger.footprints(epsg=4326, county="nowhere")) == 0
