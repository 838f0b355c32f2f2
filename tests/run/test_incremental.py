"""A tile is looked at again when what it follows from has changed, and only then; what would be done is said before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from pipeline.cli import main
from pipeline.config import RunConfig
from pipeline.errors import ImageryError
from pipeline.ledger import Ledger
from pipeline.prepare.pair import Pair
from pipeline.run import tile as tile_room
from pipeline.run.finished import followed_from
from pipeline.run.job import TileJob
from pipeline.run.looks import due_tiles
from pipeline.run.parts import Parts
from pipeline.run.plan import Plan, make_plan
from pipeline.run.redo import redo
from pipeline.run.runner import RunReport, run
from pipeline.simulate import Events, WorldOptions, simulate

GRAIN = 'detectors=[{"use": "grain_drying"}]'


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with three dates; of the middle one only one sheet has been delivered."""
    folder = tmp_path_factory.mktemp("land")
    simulate(
        folder, WorldOptions(seed=11, km=1.2, dates=3, events=Events(building_inside=0, building_outside=0, grain=4))
    )
    collection = folder / "imagery" / "demo-vhr" / "collection.json"
    data = json.loads(collection.read_text(encoding="utf-8"))
    items = [link for link in data["links"] if link["rel"] == "item"]
    middle = sorted({link["href"].removesuffix(".json").rsplit("-", 1)[1] for link in items})[1]
    late = [link for link in items if link["href"].removesuffix(".json").endswith(middle)]
    assert len(late) > 1
    data["links"] = [link for link in data["links"] if link not in late[1:]]
    collection.write_text(json.dumps(data), encoding="utf-8")
    return folder


def config(land: Path, out: Path, *more: str) -> RunConfig:
    first = f"imagery.before={days(land)[0]}"
    sets = [f"output={out}", f"ledger={out / 'cases.db'}", GRAIN, "imagery.tile_px=512", first, *more]
    return RunConfig.load(land / "run.yaml", sets)


def days(land: Path) -> list[str]:
    names = {path.name.rsplit("-", 1)[1] for path in (land / "imagery" / "demo-vhr").iterdir() if path.is_dir()}
    return [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in sorted(names)]


@pytest.fixture(scope="module")
def first(land: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    return run(config(land, tmp_path_factory.mktemp("first") / "run", f"imagery.after={days(land)[2]}"))


@pytest.fixture
def done(land: Path, first: RunReport) -> RunConfig:
    """The first run's configuration."""
    return config(land, first.folder.root, f"imagery.after={days(land)[2]}")


def asked(plan: Plan) -> dict[str, list[str]]:
    return {row["why"]: row["changed"] for row in redo(plan)["redo"]}


def test_before_the_first_run_everything_is_new(land: Path, tmp_path: Path) -> None:
    plan = make_plan(config(land, tmp_path / "run"))
    told = redo(plan)
    assert told["tiles_to_do"] == len(plan.tiles)
    assert told["tiles_kept"] == 0
    assert [(row["why"], row["tiles"]) for row in told["redo"]] == [("new", len(plan.tiles))]
    assert not (tmp_path / "run").exists()  # to be told is not to be written


def test_a_finished_run_is_not_touched_until_something_changes(done: RunConfig, first: RunReport) -> None:
    assert redo(make_plan(done))["tiles_to_do"] == 0
    stamps = {path: path.stat().st_mtime_ns for path in first.folder.root.rglob("*") if "cases.db" not in path.name}
    again = run(done)
    assert again.untouched
    assert again.complete
    assert again.summary() == first.summary() | {"tiles_reused": first.summary()["tiles"]}
    assert list(again.findings["finding_id"]) == list(first.findings["finding_id"])
    assert {path: path.stat().st_mtime_ns for path in stamps if path.name != ".lock"} == {
        path: stamp for path, stamp in stamps.items() if path.name != ".lock"
    }


def test_what_people_decided_makes_pages_anew_and_no_tile(done: RunConfig, first: RunReport) -> None:
    case_no = first.findings["case_no"].dropna().iloc[0]
    with Ledger.open(done.ledger) as ledger:
        ledger.advance(case_no, "assigned", "officer")
    again = run(done)
    assert not again.untouched
    assert again.summary()["tiles_reused"] == again.summary()["tiles"]
    assert again.findings.set_index("case_no").loc[case_no, "status"] == "assigned"
    assert run(done).untouched


def test_a_run_is_not_finished_where_a_file_that_it_follows_from_has_changed(
    land: Path, tmp_path: Path, first: RunReport
) -> None:
    """Whatever no tile follows from: entries of layers.yaml, a shapefile's companion, a local basemap."""
    for name in ("layers.gpkg", "layers.yaml"):
        (tmp_path / name).write_bytes((land / name).read_bytes())
    (tmp_path / "tiles" / "3" / "1").mkdir(parents=True)
    basemap = 'maps.basemaps=[{"kind": "folder", "name": "底图", "path": "%s"}]' % (tmp_path / "tiles")
    gpd.read_file(land / "layers.gpkg", layer="townships").to_file(tmp_path / "towns.shp", encoding="utf-8")
    text = (tmp_path / "layers.yaml").read_text(encoding="utf-8")
    text = text.replace("townships:\n  path: layers.gpkg\n  layer: townships", "townships:\n  path: towns.shp")
    assert "towns.shp" in text
    (tmp_path / "layers.yaml").write_text(text, encoding="utf-8")
    after = f"imagery.after={days(land)[2]}"
    settings = config(land, tmp_path / "run", after, f"layers={tmp_path / 'layers.yaml'}", basemap)

    def followed() -> str:
        return followed_from(make_plan(settings))

    seen = [followed()]
    assert followed() == seen[0]
    os.utime(tmp_path / "towns.dbf")
    seen.append(followed())
    (tmp_path / "layers.yaml").write_text(text.split("permits:")[0] + text[text.index("zones:") :], encoding="utf-8")
    seen.append(followed())
    (tmp_path / "tiles" / "3" / "1" / "2.png").write_bytes(b"png")
    seen.append(followed())
    assert len(set(seen)) == len(seen)


def test_a_page_that_was_lost_is_made_again(done: RunConfig, first: RunReport) -> None:
    page = first.folder.index.read_bytes()
    first.folder.index.unlink()
    assert not run(done).untouched
    assert len(first.folder.index.read_bytes()) == pytest.approx(len(page), rel=0.05)


def test_layers_that_decide_and_draw_nothing_touch_no_tile(done: RunConfig, land: Path) -> None:
    os.utime(land / "layers.gpkg")
    assert redo(make_plan(done))["tiles_to_do"] == 0
    again = run(done)
    assert not again.untouched
    assert again.summary()["tiles_reused"] == again.summary()["tiles"]


def test_settings_are_named_and_those_that_change_no_pixel_ask_for_nothing(done: RunConfig, land: Path) -> None:
    out = done.output
    after = f"imagery.after={days(land)[2]}"
    told = asked(make_plan(config(land, out, after, "imagery.pair.registration.max_shift_m=7.5")))
    assert told == {"settings": ["~ imagery.pair"]}
    for harmless in ("decisions.border_m=99", "dask.workers=1", "maps.single_file=false", "alarms.min_observed=0.1"):
        assert asked(make_plan(config(land, out, after, harmless))) == {}, harmless
    wider = f"imagery.after={days(land)[2]}/{days(land)[2][:4]}-12-31"
    assert asked(make_plan(config(land, out, wider))) == {}  # no image came with it


def test_a_road_that_moved_touches_the_tiles_along_it(done: RunConfig, land: Path, tmp_path: Path) -> None:
    moved = tmp_path / "layers.gpkg"
    for name in gpd.list_layers(land / "layers.gpkg")["name"]:
        table = gpd.read_file(land / "layers.gpkg", layer=name)
        if name == "roads":
            table.loc[table.index[-1], "LMKD"] += 1.5
        table.to_file(moved, layer=name)
    text = (land / "layers.yaml").read_text(encoding="utf-8")
    (tmp_path / "layers.yaml").write_text(text, encoding="utf-8")
    plan = make_plan(config(land, done.output, f"imagery.after={days(land)[2]}", f"layers={tmp_path / 'layers.yaml'}"))
    told = redo(plan)
    assert [row["why"] for row in told["redo"]] == ["ground"]
    assert 0 < told["tiles_to_do"] <= len(plan.tiles)


def test_a_road_far_off_touches_no_tile(done: RunConfig, land: Path, tmp_path: Path) -> None:
    for name in gpd.list_layers(land / "layers.gpkg")["name"]:
        table = gpd.read_file(land / "layers.gpkg", layer=name)
        if name == "roads":
            far = table.iloc[[0]].assign(LXBM="G101", geometry=table.geometry.iloc[[0]].translate(0, 9000))
            table = gpd.GeoDataFrame(pd.concat([table, far], ignore_index=True), crs=table.crs)
        table.to_file(tmp_path / "layers.gpkg", layer=name)
    (tmp_path / "layers.yaml").write_text((land / "layers.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    known = {tile.tile_id for tile in make_plan(done).tiles}
    plan = make_plan(config(land, done.output, f"imagery.after={days(land)[2]}", f"layers={tmp_path / 'layers.yaml'}"))
    due = due_tiles(plan, Parts(done.output / "work", plan.layers.epsg, mend=False))
    assert not known & set(due)


def test_only_tiles_under_a_new_image_are_looked_at_and_the_result_is_that_of_a_run_from_nothing(
    done: RunConfig, land: Path, tmp_path: Path
) -> None:
    run(done)
    open_end = f"imagery.after={days(land)[1]}/{days(land)[2]}"
    grown = config(land, done.output, open_end)
    plan = make_plan(grown)
    told = redo(plan)
    (row,) = told["redo"]
    assert row["why"] == "scenes"
    assert [name for name in row["changed"] if name.startswith("+ ")]
    new = {scene.scene_id for scene in plan.after} - {scene.scene_id for scene in make_plan(done).after}
    under = [tile for tile in plan.tiles if new & {scene.scene_id for scene in plan.scenes_of(tile)[1]}]
    assert 0 < len(under) == told["tiles_to_do"] < len(plan.tiles)
    after = run(grown)
    assert after.summary()["tiles"] - after.summary()["tiles_reused"] == len(under)
    fresh = run(config(land, tmp_path / "fresh", open_end))
    shown = ["finding_id", "kind", "confidence", "zone", "stake", "area_m2", "scene_before", "scene_after"]
    kept, made = (report.findings.sort_values("finding_id")[shown].reset_index(drop=True) for report in (after, fresh))
    assert len(made)
    assert kept.equals(made)


def test_what_was_away_is_tried_once_more_and_a_fault_of_the_program_is_not(
    land: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(land, tmp_path / "run", f"imagery.after={days(land)[2]}", "dask.workers=1")
    away, never, faulty, *_ = (tile.tile_id for tile in make_plan(settings).tiles)
    asked_for: list[str] = []
    whole = tile_room.pair_of

    def pair_of(job: TileJob) -> Pair:
        asked_for.append(job.tile.tile_id)
        if job.tile.tile_id == never or (job.tile.tile_id == away and asked_for.count(away) == 1):
            raise ImageryError("a", "red", "is not there")
        if job.tile.tile_id == faulty:
            raise ZeroDivisionError("of our own")
        return whole(job)

    monkeypatch.setattr(tile_room, "pair_of", pair_of)
    report = run(settings)
    assert not report.complete
    assert {failure["tile"]: failure["error"] for failure in report.failures} == {
        never: "ImageryError", faulty: "ZeroDivisionError",
    }  # fmt: skip
    assert [asked_for.count(tile) for tile in (away, never, faulty)] == [2, 2, 1]
    assert asked(make_plan(settings)) == {"failed": []}
    monkeypatch.setattr(tile_room, "pair_of", whole)
    mended = run(settings)
    assert mended.complete
    assert mended.summary()["tiles"] - mended.summary()["tiles_reused"] == 2


def test_plan_says_it_and_watch_does_it(
    land: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    sets = [
        f"output={out}",
        f"ledger={out / 'ledger.sqlite'}",
        GRAIN,
        "imagery.tile_px=512",
        f"imagery.after={days(land)[2]}",
    ]
    options = [part for one in sets for part in ("--set", one)]
    assert main(["watch", str(land / "run.yaml"), "--every", "0s", "--times", "2", *options]) == 0
    said = capfd.readouterr().out
    assert said.count("findings: ") == 2
    assert said.count("nothing was done") == 1
    assert main(["plan", str(land / "run.yaml"), *options]) == 0
    assert "to be looked at: 0 tiles" in capfd.readouterr().out
    # A round that fails is said, and does not end the watch; an input that is wrong from the start does.
    assert main(["watch", str(land / "run.yaml"), "--every", "soon", *options]) == 2
    assert main(["watch", str(tmp_path / "none.yaml"), "--times", "1"]) == 2
    monkeypatch.setattr("time.sleep", lambda _s: (land / "imagery" / "catalog.json").rename(tmp_path / "away.json"))
    try:
        code = main(["watch", str(land / "run.yaml"), "--every", "1s", "--times", "2", *options])
    finally:
        (tmp_path / "away.json").rename(land / "imagery" / "catalog.json")
    assert code == 3
    assert "catalog.json" in capfd.readouterr().err
