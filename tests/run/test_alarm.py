"""A run that saw suspiciously nothing says so; one that saw its road does not."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from pipeline.cli import main
from pipeline.config import RunConfig
from pipeline.config.alarm_options import AlarmOptions
from pipeline.model.cause import Cause
from pipeline.model.scene import Band, BandFile, Period, Scene
from pipeline.run.alarm import Alarm, Earlier, Seen, alarms
from pipeline.run.coverage import TABLE
from pipeline.run.runner import RunReport, run

BEFORE, AFTER = Period.parse("2024-04-01/2024-05-31"), Period.parse("2024-10-01/2024-11-30")
GOOD = {"registration_refused": False, "spread": {"a": 0.3, "b": 0.25}, "same": False}


def scene(name: str, day: str) -> Scene:
    return Scene(name, dt.date.fromisoformat(day), {"red": BandFile(f"{name}.tif", Band("red", 1))})


def covered(*rows: tuple[str, str, float, float, Cause]) -> pd.DataFrame:
    """Rows of route, county, km due, km observed, cause of the rest."""
    table = [
        (
            route,
            county,
            f"{county}县",
            due,
            observed,
            due - observed,
            "",
            *(due - observed if c is cause else 0.0 for c in Cause),
        )
        for route, county, due, observed, cause in rows
    ]
    return pd.DataFrame(table, columns=list(TABLE))


ALL = covered(("G311", "320322", 100.0, 95.0, Cause.CLOUD))
SEEN = Seen(
    coverage=ALL,
    facts=[GOOD] * 10,
    candidates=40,
    before=((scene("a", "2024-04-28"),), (BEFORE,)),
    after=((scene("b", "2024-10-12"),), (AFTER,)),
)


def raised(seen: Seen, **options: float) -> dict[str, Alarm]:
    return {alarm.code: alarm for alarm in alarms(seen, AlarmOptions(**options))}


def test_a_run_that_saw_its_road_raises_nothing() -> None:
    assert raised(SEEN) == {}


@pytest.mark.parametrize("cause", list(Cause))
def test_little_observed_names_the_cause_and_what_to_do(cause: Cause) -> None:
    alarm = raised(replace(SEEN, coverage=covered(("G311", "320322", 50.0, 2.0, cause))))["little_observed"]
    assert alarm.grave
    assert alarm.numbers["km_by_cause"] == {cause: 48.0}
    assert f"{cause.zh} 48.00 km" in alarm.zh
    assert f"{cause.en} 48.00 km" in alarm.en
    assert len(alarm.remedy_zh) > 10
    assert len(alarm.remedy_en) > 10


def test_nothing_observed_has_a_name_of_its_own() -> None:
    nothing = covered(("G311", "320322", 50.0, 0.0, Cause.CLOUD))
    assert set(raised(replace(SEEN, coverage=nothing, candidates=0))) == {"nothing_observed"}


def test_a_county_that_was_hardly_seen_is_named_though_the_whole_was() -> None:
    coverage = covered(("G311", "320322", 90.0, 90.0, Cause.CLOUD), ("S253", "320321", 10.0, 1.0, Cause.CLOUD))
    alarm = raised(replace(SEEN, coverage=coverage))["part_unobserved"]
    assert not alarm.grave
    assert {part["name"] for part in alarm.numbers["parts"]} == {"320321县", "S253"}
    assert "part_unobserved" not in raised(replace(SEEN, coverage=coverage), min_observed_part=0.05)


def test_no_candidate_is_doubtful_only_where_some_were_to_be_expected() -> None:
    empty = replace(SEEN, candidates=0)
    alarm = raised(empty)["no_candidates"]  # 95 km at 0.1 per km: exp(-9.5)
    assert alarm.numbers["probability"] == pytest.approx(np.exp(-9.5))
    short = replace(empty, coverage=covered(("G311", "320322", 20.0, 20.0, Cause.CLOUD)))
    assert raised(short) == {}
    assert "no_candidates" in raised(replace(short, earlier=Earlier(candidates_per_km=0.5)))
    assert "no_candidates" in raised(replace(short, earlier=Earlier(cases=8.0)))
    assert raised(replace(short, earlier=Earlier(cases=5.0))) == {}
    assert raised(empty, candidates_per_km=0.0) == {}


def test_a_black_image_is_named() -> None:
    black = {**GOOD, "spread": {"a": 0.001, "b": 0.25, "c": 0.3}}
    seen = replace(SEEN, before=((scene("a", "2024-04-28"), scene("c", "2024-04-29")), (BEFORE,)))
    alarm = raised(replace(seen, facts=[black] * 9 + [GOOD]))["flat_scene"]
    assert alarm.numbers["scenes"] == ["a"]
    assert not alarm.grave, "another image of that date is good"
    assert raised(replace(SEEN, facts=[black] * 10))["flat_scene"].grave
    assert raised(replace(SEEN, facts=[black] * 5 + [GOOD] * 5)) == {}, "a lake is no black image"


def test_one_image_given_twice_is_found_by_its_pixels_or_its_name() -> None:
    assert raised(replace(SEEN, facts=[{**GOOD, "same": True}] * 10))["same_images"].grave
    assert raised(replace(SEEN, facts=[{**GOOD, "same": True}] * 5 + [GOOD] * 5)) == {}
    assert "same_images" in raised(replace(SEEN, before=SEEN.after))


def test_all_shifts_refused() -> None:
    refused = {"registration_refused": True, "registration_reason": "7.1 m is above 5 m"}
    alarm = raised(replace(SEEN, facts=[refused] * 10))["all_refused"]
    assert alarm.grave
    assert "7.1 m" in alarm.en
    assert raised(replace(SEEN, facts=[refused] * 9 + [GOOD])) == {}


@pytest.mark.parametrize(
    ("day", "out"),
    [("2024-06-10", 0), ("2022-05-01", 0), ("2024-06-30", 30), ("2023-01-15", 76), ("2024-12-31", 91)],
)
def test_days_out_of_season_wrap_round_the_year(day: str, out: int) -> None:
    found = raised(replace(SEEN, before=((scene("a", day),), (BEFORE,))))
    assert ("out_of_season" in found) == (out > 0)
    if out:
        assert found["out_of_season"].numbers["days_out"] == {"a": pytest.approx(out, abs=1)}


def test_the_simulated_world_raises_nothing(finished: RunReport) -> None:
    assert finished.alarms == ()
    assert finished.complete
    assert "本次结果存疑" not in finished.folder.index.read_text(encoding="utf-8")


@pytest.mark.slow
def test_black_images_end_in_exit_code_3_and_stand_on_top_of_the_overview(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dark = tmp_path / "world"
    shutil.copytree(world, dark)
    config = RunConfig.load(dark / "run.yaml")
    for path in dark.rglob("demo-vhr-*.tif"):
        if "mask" in path.stem or dt.date.fromisoformat(path.stem[-8:]) not in config.imagery.after:
            continue
        with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
            for _, window in file.block_windows(1):
                file.write(np.full((file.count, window.height, window.width), 7, file.dtypes[0]), window=window)
    out = tmp_path / "out"
    code = main(
        ["run", str(dark / "run.yaml"), "--set", f"output={out}", "--set", f"ledger={out / 'l.sqlite'}", "--json"]
    )
    told = capsys.readouterr()
    summary = json.loads(told.out)
    codes = {alarm["code"] for alarm in summary["alarms"]}
    assert code == 3
    assert "flat_scene" in codes
    assert codes & {"nothing_observed", "little_observed"}
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["unobserved_km"][Cause.SHIFT_UNMEASURED] > 0.5 * record["totals"]["km_due"]
    assert "ALARM flat_scene" in told.err
    assert "警示" not in told.err, "one language at a time"
    assert record["alarms"] == summary["alarms"]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.index("本次结果存疑") < page.index('class="totals"')


@pytest.mark.slow
def test_the_same_images_for_both_dates_are_no_quiet_success(world: Path, tmp_path: Path) -> None:
    twin, out = tmp_path / "world", tmp_path / "out"
    shutil.copytree(world, twin)
    for path in twin.rglob("demo-vhr-*-20241012*.tif"):
        shutil.copy(path, str(path).replace("20241012", "20240428"))
    report = run(RunConfig.load(twin / "run.yaml", [f"output={out}", f"ledger={out / 'ledger.sqlite'}"]))
    assert "same_images" in {alarm["code"] for alarm in report.alarms}
    assert not report.complete
