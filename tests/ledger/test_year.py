"""A simulated year: places appear, grow, leave, return, run together, are clouded and dismissed; each stays one case."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import box

from pipeline.errors import LedgerError
from pipeline.ledger import Ledger

from .conftest import EPSG
from .test_settle import dump

RUNS = [dt.date(2024, month, 5) for month in range(1, 13)]
PLACES = 500
KINDS = ("building", "stockpile", "billboard", "roadworks")


@dataclass
class Place:
    """What happens at one place. Months are numbers of runs; None: never."""

    number: int
    kind: str
    x: float
    y: float
    width: float
    depth: float
    appears: int
    grows: int | None
    leaves: int | None
    returns: int | None
    false_alarm: bool
    county: str
    case_no: set[str] = field(default_factory=set)

    def stands(self, month: int) -> bool:
        if self.returns is not None and month >= self.returns:
            return True
        return month >= self.appears and not (self.leaves is not None and month >= self.leaves)

    def outline(self, month: int) -> shapely.Polygon:
        factor = 2.2 if self.grows is not None and month >= self.grows else 1.0
        return box(self.x, self.y, self.x + self.width, self.y + factor * self.depth)


def world(rng: np.random.Generator) -> list[Place]:
    places = []
    for number in range(PLACES):
        appears = int(rng.integers(0, 9))
        leaves = int(rng.integers(appears + 1, 13)) if rng.random() < 0.35 else None
        leaves = leaves if leaves is not None and leaves < 11 else None
        returns = int(rng.integers(leaves + 1, 12)) if leaves is not None and rng.random() < 0.5 else None
        grows = int(rng.integers(appears + 1, 12)) if rng.random() < 0.25 else None
        kind = KINDS[number % len(KINDS)]
        small = kind == "billboard"
        places.append(
            Place(
                number, kind, 520_000 + 60.0 * (number // 2), 3_800_000 + 45.0 * (number % 2),
                float(rng.uniform(2, 6) if small else rng.uniform(12, 26)),
                float(rng.uniform(2, 5) if small else rng.uniform(8, 16)),
                appears, None if small else grows, leaves, returns, bool(rng.random() < 0.2),
                "320322" if number < 250 else "320321",
            )
        )  # fmt: skip
    return places


def seen_in(
    places: list[Place], month: int, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, dict[str, Place], set[int]]:
    """Findings of one run with the place of each, and the clouded places. Positions and sizes waver with the image."""
    rows, owner = [], {}
    drift = rng.normal(0, 1.2, 2)
    clouded = {place.number for place in places if rng.random() < 0.15}
    for place in places:
        if place.number in clouded or not place.stands(month):
            continue
        shape = shapely.affinity.translate(place.outline(month), *(drift + rng.normal(0, 0.8, 2)))
        shape = shapely.affinity.scale(shape, rng.uniform(0.92, 1.08), rng.uniform(0.92, 1.08))
        parts = [shape]
        # A known roof in two pieces, or half of one. (At first sight two pieces are two cases, until they are seen as one.)
        if place.kind == "building" and place.case_no and rng.random() < 0.1:
            west, south, east, north = shape.bounds
            middle = (west + east) / 2
            parts = [box(west, south, middle - 0.3, north), box(middle + 0.3, south, east, north)]
            parts = parts[: 1 if rng.random() < 0.3 else 2]
        for k, part in enumerate(parts):
            name = f"m{month}p{place.number}k{k}"
            owner[name] = place
            rows.append(
                {
                    "finding_id": name, "kind": place.kind, "county_code": place.county, "route_code": "G311",
                    "stake": f"K{place.number // 4}+{10 * (place.number % 4):03d}", "first_seen": RUNS[month],
                    "scene_before": "2023", "scene_after": f"s{month:02d}", "permit_no": None, "confidence": 0.7,
                    "last_absent": dt.date(2023, 12, 1), "detector": "b", "detector_version": "1", "geometry": part,
                }
            )  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=EPSG), owner, clouded


def look_again(
    ledger: Ledger, places: list[Place], month: int, clouded: set[int], settled: set[str], now: dt.datetime
) -> None:
    """What the images say of known cases that no finding took: gone, or clouded."""
    by_number = {number: place for place in places for number in place.case_no}

    def word(place: Place) -> str:
        if place.number in clouded:
            return "unobservable"
        return "observed" if place.stands(month) else "not_seen"  # a detector misses what the eye finds

    rows = [
        (case["case_no"], word(by_number[case["case_no"]]), "2023", f"s{month:02d}", RUNS[month])
        for case in ledger.cases(open_only=True)
        if case["case_no"] not in settled
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["case_no", "what", "scene_before", "scene_after", "day"])
    ledger.witness(table, run_id=f"run{month}", now=now)


def decide(
    ledger: Ledger, places: list[Place], month: int, rng: np.random.Generator, said: list, now: dt.datetime
) -> None:
    """Officers dismiss false alarms, confirm the rest, and see through what has gone."""
    by_number = {number: place for place in places for number in place.case_no}
    for case in ledger.cases(open_only=True):
        place = by_number[case["case_no"]]
        if rng.random() < 0.4:
            continue
        if place.false_alarm:
            acts = [("dismissed", {"reason": "greenhouse"})] if case["status"] == "suspected" else []
        elif case["status"] == "suspected":
            acts = [("confirmed", {})]
        elif case["status"] == "confirmed" and case["sight"] == "gone":
            acts = [("rectified", {}), ("closed", {})]
        else:
            acts = []
        for what, details in acts:
            ledger.advance(case["case_no"], what, "Wang", at=now, details=details)
            said.append((case["case_no"], what))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_a_year_of_five_hundred_places_ends_with_each_in_one_case(path, seed):
    rng = np.random.default_rng(seed)
    places, said, numbered = world(rng), [], defaultdict(set)
    dismissed: set[str] = set()
    with Ledger.open(path) as ledger:
        for month, day in enumerate(RUNS):
            now = dt.datetime(day.year, day.month, day.day, 3, tzinfo=dt.UTC) + dt.timedelta(days=2)
            found, owner, clouded = seen_in(places, month, rng)
            settled = ledger.settle(found, run_id=f"run{month}", now=now)
            for name, number in zip(found["finding_id"], settled["case_no"], strict=True):
                owner[name].case_no.add(number)
                numbered[number].add(owner[name].number)
            look_again(ledger, places, month, clouded, set(settled["case_no"]), now)
            before = dump(path)
            assert (
                ledger.settle(found.sample(frac=1, random_state=seed), run_id="again", now=now)["case_no"].notna().all()
            )
            assert dump(path) == before, "the same images again write nothing"
            check_dismissed(ledger, places, dismissed, month)
            decide(ledger, places, month, rng, said, now + dt.timedelta(days=3))
            dismissed = {case["case_no"] for case in ledger.cases() if case["status"] == "dismissed"}
        seen = [place for place in places if place.case_no]
        assert len(seen) > 450
        assert {len(owners) for owners in numbered.values()} == {1}, "no two places in one case"
        cases = {case["case_no"]: case for case in ledger.cases()}
        for place in seen:
            assert len({lineage(number, cases) for number in place.case_no}) == 1, (place, place.case_no)
        assert len({lineage(number, cases) for number in cases}) == len(seen), "no duplicate"
        check_ends(seen, cases)
        histories = {number: [event["what"] for event in ledger.case(number)["history"]] for number in cases}
        for number, what in said:
            assert what in histories[number]
        assert sum(len(history) for history in histories.values()) == len(ledger.events())
        people = [event for event in ledger.events() if event["actor"] != "machine"]
        assert [(event["case_no"], event["what"]) for event in people] == said


def lineage(number: str, cases: dict) -> str:
    """The first of all cases that a case ran into, was split from, or the other way round, directly or not."""
    links = defaultdict(set)
    for one, case in cases.items():
        for other in (case["merged_into"], case["split_from"]):
            if other is not None:
                links[one].add(other)
                links[other].add(one)
    found, waiting = {number}, [number]
    while waiting:
        new = links[waiting.pop()] - found
        found |= new
        waiting += new
    return min(found)


def check_dismissed(ledger: Ledger, places: list[Place], dismissed: set[str], month: int) -> None:
    """A dismissed case is taken up again where its place has really grown, and nowhere else."""
    by_number = {number: place for place in places for number in place.case_no}
    for number in dismissed:
        case = ledger.case(number)
        place = by_number[number]
        if case["status"] != "dismissed":
            assert case["history"][-1]["detail"]["why"] == "grown"
            assert place.grows is not None, place
            assert month >= place.grows, place


def check_ends(seen: list[Place], cases: dict) -> None:
    """What came back after it had gone and was closed, or was only seen to have gone, counts as a repeat."""
    for place in seen:
        case = cases[lineage(next(iter(place.case_no)), cases)]
        if place.returns is None:
            assert case["repeats"] == 0, place
        if case["status"] in ("closed", "rectified"):
            assert not place.stands(11) or case["sight"] != "present"
    assert sum(case["repeats"] for case in cases.values()) > 20
    assert sum(case["sight"] == "gone" for case in cases.values()) > 20


def test_acts_that_are_not_allowed_lose_nothing(ledger):
    with pytest.raises(LedgerError):
        ledger.advance("none", "confirmed", "Wang")
    assert ledger.events() == []
