"""Places watched from run to run: what a detector looked at is kept, and gives findings their dates."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.detectors.base import Found, View
from pipeline.detectors.registry import detector
from pipeline.ledger import Ledger
from pipeline.linref.reference import LinearReference
from pipeline.model.kinds import GRAIN_DRYING, Sighted
from pipeline.model.options import Options
from pipeline.model.tables import HOT_SPOTS, SIGHTINGS, SITES
from pipeline.run.plan import make_plan
from pipeline.run.runner import rebuild, run
from pipeline.run.watch import looks_of, road_places

EVERY_M = 400.0  # a strip of 60 m on the left of each road, at the start of each such length


class WatcherOptions(Options):
    """Nothing to choose."""

    use: Literal["test_watcher"] = "test_watcher"


@dataclass(frozen=True)
class Watcher:
    """Says that grain lies at known places along each line, and that the road was looked at on both dates."""

    Options: ClassVar[type[Options]] = WatcherOptions
    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = (GRAIN_DRYING,)
    halo_m: ClassVar[float] = 20.0
    outline: ClassVar[str] = "smooth"
    options: WatcherOptions = field(default_factory=WatcherOptions)

    def __call__(self, view: View) -> Found:
        found, seen = [], []
        for section, road in view.roads.geometry.items():
            for line in shapely.get_parts(road):
                clear = shapely.intersection(line, view.grid.footprint)
                for day in (view.before_day, view.after_day):
                    for side in ("left", "right"):
                        seen += [
                            self._row(section, side, day, Sighted.ABSENT, part) for part in shapely.get_parts(clear)
                        ]
                for at in np.arange(60.0, line.length - 60, EVERY_M):
                    strip = shapely.ops.substring(line, at, at + 60)
                    if strip.intersects(view.grid.footprint):
                        found.append(strip.buffer(3.0, single_sided=True))
                        seen.append(self._row(section, "left", view.after_day, Sighted.PRESENT, strip))
        crs = view.grid.epsg
        candidates = gpd.GeoDataFrame(
            {"kind": [GRAIN_DRYING] * len(found), "confidence": 0.9, "evidence": "{}", "first_seen": view.after_day},
            geometry=gpd.GeoSeries(found, crs=crs), crs=crs,
        )  # fmt: skip
        if not seen:
            return Found(candidates, SIGHTINGS.empty(crs=crs))
        return Found(candidates, gpd.GeoDataFrame(seen, geometry="geometry", crs=crs))

    @staticmethod
    def _row(section, side, day, state, line):
        return {
            "kind": GRAIN_DRYING, "place": None, "section": section, "side": side, "day": day, "state": state.value,
            "confidence": 0.9, "evidence": "{}", "geometry": line,
        }  # fmt: skip


def config(world: Path, out: Path, ledger: Path) -> RunConfig:
    """Runs of one folder share their tiles, whatever their ledgers know."""
    return RunConfig.load(world / "run.yaml", [f"output={out}", f"ledger={ledger}", "detectors=[{use: test_watcher}]"])


@pytest.fixture(scope="module", autouse=True)
def filed():
    """The detector is in the register while these tests run, and in no other test's."""
    detector(Watcher)
    yield
    del registry._DETECTORS["test_watcher"]


@pytest.fixture(scope="module")
def seen(world, tmp_path_factory, filed):
    """One run, its configuration, and its findings of G311 by the ledger that they were settled in."""
    folder = tmp_path_factory.mktemp("watched")
    made = config(world, folder / "run", folder / "ledger.sqlite")
    return made, run(made)


def grain(report):
    return gpd.read_file(report.folder.findings_gpkg, layer="findings")


def test_a_single_image_says_that_it_is_provisional(seen):
    findings = grain(seen[1])
    assert seen[1].complete, seen[1].failures
    assert len(findings) > 1
    assert set(findings["transience"]) == {"appeared"}
    assert findings["confirmed_on"].isna().all()
    assert findings["gone_on"].isna().all()
    assert all(json.loads(text)["provisional"] for text in findings["evidence"])


def test_looks_are_by_route_and_stake_and_cover_the_road_once(seen):
    made, _report = seen
    with Ledger.open(made.ledger) as ledger:
        looks = ledger.looks(GRAIN_DRYING)
    plan = make_plan(made)
    assert set(looks["place"]) == set(road_places(plan.layers.roads))
    assert set(looks["side"]) == {"left", "right"}
    absent = looks[(looks["state"] == "absent") & (looks["side"] == "left") & (looks["day"] == looks["day"].max())]
    covered = sum(row.last_cell - row.first_cell + 1 for row in absent.itertuples()) / 100
    assert covered == pytest.approx(plan.km_due, rel=0.05)


def test_the_same_run_again_writes_no_look(seen):
    made, report = seen
    with Ledger.open(made.ledger) as ledger:
        before = len(ledger.looks(GRAIN_DRYING))
    again = run(made)
    with Ledger.open(made.ledger) as ledger:
        assert len(ledger.looks(GRAIN_DRYING)) == before
    pd.testing.assert_frame_equal(
        grain(again).drop(columns="geometry"), grain(report).drop(columns="geometry"), check_like=True
    )


def test_looks_of_other_runs_give_a_finding_all_four_dates(seen, world, tmp_path):
    made = config(world, seen[0].output, tmp_path / "ledger.sqlite")
    first = grain(run(made))
    one = first.iloc[0]
    day = one["first_seen"].date()
    with Ledger.open(made.ledger) as ledger:
        looks = ledger.looks(GRAIN_DRYING)
        looks = looks[looks["place"].str.startswith(one["route_code"])]
        absent = looks[(looks["state"] == "absent") & (looks["day"] == day)]
        present = looks[looks["state"] == "present"]
        for days, table in ((-2, absent), (1, absent), (1, present), (4, absent)):
            ledger.remember(table.assign(day=day + dt.timedelta(days=days)), run_id="another")
    report = run(made)
    same = grain(report).set_index("finding_id").loc[one["finding_id"]]
    assert same["last_absent"].date() == day - dt.timedelta(days=2)
    assert same["first_seen"].date() == day
    assert same["confirmed_on"].date() == day + dt.timedelta(days=1)
    assert same["gone_on"].date() == day + dt.timedelta(days=4)
    assert same["transience"] == "finished"
    assert json.loads(same["evidence"])["provisional"] is False
    assert same["case_no"] == one["case_no"]


def test_what_comes_back_is_a_hot_spot(seen, world, tmp_path):
    made = config(world, seen[0].output, tmp_path / "ledger.sqlite")
    one = grain(run(made)).iloc[0]
    day = one["first_seen"].date()
    with Ledger.open(made.ledger) as ledger:
        looks = ledger.looks(GRAIN_DRYING)
        looks = looks[looks["place"].str.startswith(one["route_code"])]
        present = looks[looks["state"] == "present"].iloc[:1]
        ledger.remember(present.assign(day=dt.date(day.year - 1, day.month, day.day)), run_id="last year")
    report = run(made)
    spots = HOT_SPOTS.check(gpd.read_file(report.folder.findings_gpkg, layer="hot_spots"))
    assert len(spots) == 1
    spot = spots.iloc[0]
    assert (spot["rank"], spot["years"], spot["events"]) == (1, 2, 2)
    assert spot["county_code"] == one["county_code"]
    assert spot["to_m"] - spot["from_m"] == pytest.approx(60, abs=20)
    assert report.record["hot_spots"] == {GRAIN_DRYING: 1}
    rebuild(report.folder.root)


def test_tables_of_places_without_memory_are_there_and_empty(seen):
    folder = run(seen[0]).folder
    assert gpd.read_file(folder.findings_gpkg, layer="hot_spots").empty
    SITES.check(gpd.read_file(folder.findings_gpkg, layer="sites"))


def test_the_half_of_the_road_faces_increasing_stakes():
    """Two lines of one road, one digitised against its stakes: its halves are exchanged, its cells are not."""
    road = shapely.LineString([(500_000, 3_800_000), (500_300, 3_800_000)])
    common = {"road_class": "national", "name": "", "tech_class": 3.0, "pavement_width_m": 9.0, "roadbed_width_m": 12.0}
    roads = gpd.GeoDataFrame(
        [
            {"route_code": "G311", "route_key": "G311", "stake_from_m": 1000.0, "stake_to_m": 1300.0, **common},
            {"route_code": "S253", "route_key": "S253", "stake_from_m": 1300.0, "stake_to_m": 1000.0, **common},
        ],
        geometry=[road, shapely.affinity.translate(road, 0, 500)], crs=4548,
    )  # fmt: skip
    rows = [
        Watcher._row(section, side, dt.date(2024, 6, 1), Sighted.ABSENT, shapely.ops.substring(line, 50, 150))
        for section, line in roads.geometry.items()
        for side in ("left", "right")
    ]
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=4548).assign(
        detector_version="1", confidence=[0.1, 0.2, 0.3, 0.4]
    )
    looks = looks_of(table, LinearReference(roads), road_places(roads)).sort_values("confidence")
    assert list(looks["side"]) == ["left", "right", "right", "left"]
    assert list(zip(looks["first_cell"], looks["last_cell"], strict=True)) == [(105, 114)] * 2 + [(115, 124)] * 2


def test_a_county_road_is_another_road_in_the_next_county():
    line = shapely.LineString([(0, 0), (100, 0)])
    roads = gpd.GeoDataFrame(
        {
            "route_code": ["X101", "X101", "G311"], "route_key": ["X101320321", "X101320322", "G311320322"],
            "road_class": ["X", "X", "G"],
        },
        geometry=[line] * 3, crs=4548,
    )  # fmt: skip
    assert list(road_places(roads)) == ["X101320321", "X101320322", "G311"]


def test_a_closed_road_keeps_its_cells():
    ring = shapely.Point(500_000, 3_800_000).buffer(160).exterior
    roads = gpd.GeoDataFrame(
        {
            "route_code": ["G1"], "route_key": ["G1"], "road_class": ["G"], "name": [""], "tech_class": [3.0],
            "pavement_width_m": [9.0], "roadbed_width_m": [12.0], "stake_from_m": [0.0], "stake_to_m": [ring.length],
        },
        geometry=[shapely.LineString(ring.coords)], crs=4548,
    )  # fmt: skip
    piece = shapely.ops.substring(roads.geometry[0], ring.length - 60, ring.length)
    table = gpd.GeoDataFrame(
        [Watcher._row(0, "left", dt.date(2024, 6, 1), Sighted.PRESENT, piece)], geometry="geometry", crs=4548
    ).assign(detector_version="1")
    (look,) = looks_of(table, LinearReference(roads), road_places(roads)).itertuples()
    assert look.last_cell - look.first_cell < 10
    assert look.first_cell > 80
