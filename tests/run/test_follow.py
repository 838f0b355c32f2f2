"""Which open cases a run asks about, and what it writes of them; what the images say is given."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from houses import BARE, BUILT, EPSG, FOOTPRINT, GRID, NOW, OPENED, house, picture, scene
from shapely import box

from pipeline.ledger import Ledger
from pipeline.model.kinds import BILLBOARD, GRAIN_DRYING, Sighted
from pipeline.run import compared, follow, revisit
from pipeline.run.follow_looks import by_looks
from pipeline.run.job import TileResult


def make_findings(count: int, **columns) -> gpd.GeoDataFrame:
    data = {
        "finding_id": [f"f{place}" for place in range(count)],
        "kind": ["building"] * count,
        "county_code": ["320322"] * count,
        "route_code": ["G311"] * count,
        "stake": [f"K512+{100 + place:03d}" for place in range(count)],
        "first_seen": [OPENED] * count,
        "scene_before": ["2012"] * count,
        "scene_after": ["stood"] * count,
        "permit_no": [None] * count,
    }
    shapes = [shapely.affinity.translate(FOOTPRINT, 100 * place, 0) for place in range(count)]
    return gpd.GeoDataFrame({**data, **columns}, geometry=shapes, crs=EPSG)


def plan_of(after=(("newest", NOW),), *, corridor=None, tiles=10):
    squares = [
        SimpleNamespace(tile_id=f"t{n}", square=box(520_000 + 100 * n, 3_800_000, 520_100 + 100 * n, 3_800_100))
        for n in range(tiles)
    ]
    return SimpleNamespace(
        layers=SimpleNamespace(epsg=EPSG), corridor=corridor or box(519_000, 3_799_000, 523_000, 3_801_000),
        before=(scene("earlier", OPENED),), after=tuple(scene(*one) for one in after), tiles=squares, bands=compared.BANDS,
        touching=lambda scenes, _window: scenes, fingerprint="r", sites=gpd.GeoDataFrame({"kind": []}, geometry=[], crs=EPSG),
        config=SimpleNamespace(
            detectors=(), dask=None, imagery=SimpleNamespace(resolution_m=0.5, read_area=lambda area: area)
        ),
    )  # fmt: skip


def nothing() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"case_no": [], "kind": []}, geometry=[], crs=EPSG)


@pytest.fixture
def said(monkeypatch):
    """What a look at the images of a case answers; the cases that were asked."""
    asked, answers = [], {}

    def look(task, jobs, _dask, **_more):
        for job in jobs:
            asked.append(job)
            detail = {"proof": {"before": "stood", "after": "newest"}}
            kept = (picture(BARE, scene_id="newest", day=NOW, stands=False),)
            gone = revisit.Revisit(
                job.case_no, "gone", *job.scenes, job.day, detail, tuple(one_of(job, one) for one in kept)
            )
            yield answers.get(job.case_no, gone)

    monkeypatch.setattr(follow, "run_all", look)
    return SimpleNamespace(asked=asked, answers=answers)


def one_of(job, one):
    return type(one)(**{**vars(one), "case_no": job.case_no})


def followed(ledger, plan, *, findings=None, candidates=None, failed=()):
    results = [
        TileResult(tile.tile_id, nothing(), nothing(), failure={"why": "no"} if tile.tile_id in failed else None)
        for tile in plan.tiles
    ]
    told = follow.follow(
        nothing() if findings is None else findings, nothing() if candidates is None else candidates,
        pd.DataFrame(), results, plan, ledger, lambda *_: None,
    )  # fmt: skip
    return told.record()


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def words(ledger, case_no):
    return [one["what"] for one in ledger.case(case_no)["history"]]


def test_each_case_is_asked_once_for_a_pair_of_images(ledger, said):
    cases = ledger.settle(make_findings(2), run_id="a")["case_no"].tolist()
    first, again = followed(ledger, plan_of()), followed(ledger, plan_of())
    assert first == again == {"found_again": 0, "present": 0, "gone": 2, "unobservable": 0, "not_newer": 0, "why": {}}
    assert len(said.asked) == 2
    assert words(ledger, cases[0]) == ["observed", "not_seen"]
    assert ledger.case(cases[0])["sight"] == "gone"
    assert [(one.role, one.scene_id) for one in ledger.pictures(cases[0])] == [("after", "newest")]
    assert ledger.case(cases[0])["history"][-1]["detail"]["proof"] == {"before": "stood", "after": "newest"}


def test_a_word_of_an_older_image_of_the_run_stands_when_it_is_run_again(ledger, said):
    """The newest image is clouded over the place."""
    number = ledger.settle(make_findings(1), run_id="a")["case_no"].iloc[0]
    plan = plan_of([("clear", NOW), ("newest", NOW + dt.timedelta(days=9))])
    said.answers[number] = revisit.Revisit(number, "present", "earlier", "clear", NOW, {"by": "comparison"})
    assert followed(ledger, plan) == followed(ledger, plan)
    assert words(ledger, number) == ["observed", "observed"]


def test_only_open_cases_in_the_corridor_that_no_finding_took(ledger, said):
    cases = ledger.settle(make_findings(4), run_id="a")["case_no"].tolist()
    ledger.advance(cases[0], "dismissed", "Li", details={"reason": "not_a_building"})
    found = make_findings(2).iloc[1:].assign(case_no=[cases[1]])
    told = followed(ledger, plan_of(corridor=box(519_000, 3_799_000, 520_260, 3_801_000)), findings=found)
    assert [job.case_no for job in said.asked] == [cases[2]]
    assert told["found_again"] == 1


@pytest.mark.parametrize("status", ["assigned", "confirmed", "notified", "rectified"])
def test_a_thing_is_expected_in_every_open_status(ledger, said, status):
    number = ledger.settle(make_findings(1), run_id="a")["case_no"].iloc[0]
    for act in {"notified": ["confirmed"], "rectified": ["confirmed"]}.get(status, []):
        ledger.advance(number, act, "Li")
    ledger.advance(number, status, "Li", details={"to": "Wang"} if status == "assigned" else None)
    assert followed(ledger, plan_of())["gone"] == 1


@pytest.mark.parametrize("day", [dt.date(2024, 3, 1), OPENED])
def test_images_that_are_no_later_than_the_last_sighting_are_not_asked(ledger, said, day):
    number = ledger.settle(make_findings(1), run_id="a")["case_no"].iloc[0]
    told = followed(ledger, plan_of([("older", day)]))
    assert (told["not_newer"], told["gone"], said.asked) == (1, 0, [])
    assert words(ledger, number) == ["observed"]


@pytest.mark.parametrize(
    ("kind", "seen", "answer"),
    [
        ("building", "building", "unobservable"),
        ("building", "stockpile", "unobservable"),
        ("building", "roadworks", "gone"),  # where a building was pulled down the earth is bare
        ("building", "demolition", "gone"),
        ("roadworks", "roadworks", "unobservable"),
    ],
)
def test_a_candidate_however_unlikely_speaks_against_gone(ledger, said, kind, seen, answer):
    number = ledger.settle(make_findings(1, kind=[kind]), run_id="a")["case_no"].iloc[0]
    there = gpd.GeoDataFrame({"kind": [seen]}, geometry=[FOOTPRINT.centroid.buffer(2)], crs=EPSG)
    told = followed(ledger, plan_of(), candidates=there)
    assert told[answer] == 1
    last = ledger.case(number)["history"][-1]
    assert last["detail"].get("reason") == ("cannot_tell" if answer == "unobservable" else None)
    assert len(ledger.pictures(number)) == (answer == "gone")


def test_what_needs_no_look_is_told_at_once(ledger, said):
    numbers = ledger.settle(make_findings(2), run_id="a")["case_no"].tolist()
    told = followed(ledger, plan_of(tiles=1), failed=("t0",))
    assert told["why"] == {"failed": 1, "not_covered": 1}
    assert said.asked == []
    again = followed(ledger, plan_of(tiles=1))  # the tile was mended
    assert (again["gone"], again["why"]) == (1, {"not_covered": 1})
    assert words(ledger, numbers[0]) == ["observed", "unobservable", "not_seen"]


def test_the_newest_pictures_with_the_thing_go_along(ledger, said):
    number = ledger.settle(make_findings(1), run_id="a")["case_no"].iloc[0]
    days = [dt.date(2024, month, 1) for month in (2, 4, 6, 8, 10)]
    some = [picture(BUILT, scene_id=f"s{day.month}", day=day, stands=day.month != 8) for day in days]
    late = picture(BUILT, scene_id="late", day=NOW)
    bare = picture(BARE, scene_id="bare", day=dt.date(2023, 5, 1), stands=False)
    ledger.keep_pictures([type(one)(**{**vars(one), "case_no": number}) for one in (*some, late, bare)])
    followed(ledger, plan_of())
    (job,) = said.asked
    assert [one.scene_id for one in job.pictures] == ["s10", "s6", "s4", "bare"]
    assert job.grid == GRID
    assert job.since == OPENED


def test_shifts_that_a_tile_measured_are_known_in_its_small_windows():
    shift = {"moving": "a", "fixed": "b", "shift_px": [2.0, -1.0], "error_px": 0.2, "reliable": True}
    facts = {"shifts": [shift, {**shift, "moving": "c", "reliable": False}, {}]}
    (prior,) = follow.priors_of(TileResult("t", nothing(), nothing(), facts), 0.5).items()
    assert prior[0] == ("a", "b")
    assert (prior[1].shift_px, prior[1].sigma_px) == ((1.0, -0.5), 0.1)
    assert house().sum() == pytest.approx(FOOTPRINT.area / 0.25)


# What looks say: grain by its stretch of road (cells 10 to 15), boards by their site.


def looked(*rows, kind=GRAIN_DRYING, place="G311"):
    """Looks of (day, state, first cell, last cell, side)."""
    return pd.DataFrame(
        [
            {"kind": kind, "place": place, "side": side, "first_cell": first, "last_cell": last, "day": day,
             "state": state.value, "confidence": 0.9, "detector_version": "1"}
            for day, state, first, last, side in rows
        ]
    )  # fmt: skip


def cases_of(kind):
    row = {
        "case_no": "c",
        "kind": kind,
        "opened_on": OPENED.isoformat(),
        "last_seen_on": OPENED.isoformat(),
        "gone_on": None,
    }
    return gpd.GeoDataFrame([row], geometry=[FOOTPRINT], crs=EPSG)


def watched_plan(days):
    plan = plan_of([(f"s{day}", day) for day in days])
    plan.layers.roads = gpd.GeoDataFrame({"route_code": ["G311"], "route_key": [None], "road_class": ["G"]})
    plan.linref = SimpleNamespace(
        locate=lambda shapes: pd.DataFrame({"section": 0, "side": "left"}, index=shapes.index),
        span=lambda shapes, **_: pd.DataFrame({"stake_from_m": 100.0, "stake_to_m": 160.0}, index=shapes.index),
    )
    plan.sites = gpd.GeoDataFrame({"kind": [BILLBOARD], "key": ["k"]}, geometry=[FOOTPRINT.centroid], crs=EPSG)
    return plan


LATER = NOW + dt.timedelta(days=5)
THERE, AWAY, HID = Sighted.PRESENT, Sighted.ABSENT, Sighted.UNSEEN


@pytest.mark.parametrize(
    ("rows", "answer", "day"),
    [
        ([(NOW, AWAY, 0, 50, "left")], "gone", NOW),
        ([(NOW, AWAY, 0, 12, "left")], "unobservable", LATER),  # half of it was seen
        ([(NOW, AWAY, 0, 12, "left"), (NOW, AWAY, 13, 20, "left")], "gone", NOW),
        ([(NOW, AWAY, 0, 50, "right")], "gone", NOW),  # only the other half of the road was looked at
        ([(NOW, AWAY, 0, 50, "left"), (LATER, HID, 0, 50, "left")], "gone", NOW),
        ([(NOW, AWAY, 0, 50, "left"), (LATER, THERE, 11, 12, "left")], "present", LATER),
        ([(NOW, HID, 0, 50, "left")], "unobservable", LATER),
        ([(OPENED, AWAY, 0, 50, "left")], "unobservable", LATER),  # not later than the event
        ([(NOW, AWAY, 20, 50, "left")], "unobservable", LATER),  # elsewhere
    ],
)
def test_grain_is_gone_where_a_later_image_shows_its_stretch_empty(rows, answer, day):
    told = by_looks(cases_of(GRAIN_DRYING), looked(*rows), watched_plan([NOW, LATER]))["c"]
    assert (told.answer, told.day, told.scene_after) == (answer, day, f"s{day}")
    assert told.reason == ("cannot_tell" if answer == "unobservable" else "")


@pytest.mark.parametrize(("state", "answer"), [(THERE, "present"), (AWAY, "gone"), (HID, "unobservable")])
def test_boards_of_the_register_go_by_their_site(state, answer):
    looks = looked((NOW, state, 0, 0, ""), kind=BILLBOARD, place="k")
    assert by_looks(cases_of(BILLBOARD), looks, watched_plan([NOW]))["c"].answer == answer
    unlisted = looks.assign(place="another")
    assert by_looks(cases_of(BILLBOARD), unlisted, watched_plan([NOW])) == {}


def test_an_empty_stretch_is_proved_by_its_picture(ledger, said, monkeypatch):
    number = ledger.settle(make_findings(1), run_id="a")["case_no"].iloc[0]
    word = revisit.Revisit(number, "gone", "earlier", "newest", NOW, {"by": "looks"})
    monkeypatch.setattr(follow, "by_looks", lambda *_: {number: word})
    followed(ledger, plan_of(), candidates=gpd.GeoDataFrame({"kind": ["building"]}, geometry=[FOOTPRINT], crs=EPSG))
    assert said.asked[0].word == word
