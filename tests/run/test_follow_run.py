"""Cases of a finished run, followed in later images of the simulated world: read, compared, written, proved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from pipeline.config import RunConfig
from pipeline.ledger import Ledger
from pipeline.model.tables import CANDIDATES
from pipeline.run.case_pictures import placed_grid, reopened
from pipeline.run.follow import follow
from pipeline.run.job import TileResult
from pipeline.run.plan import make_plan
from pipeline.run.runner import RunReport
from pipeline.run.watch import looks_of, road_places

GONE, BACK = "20250320", "20250425"
AUTUMN = "2024-09-01/2024-12-31"


def again(world: Path, old: str, new: str) -> None:
    """The scenes of a day once more in the catalogue, as of a later day."""
    folder = world / "imagery" / "demo-vhr"
    catalogue = json.loads((folder / "collection.json").read_text())
    iso = f"{new[:4]}-{new[4:6]}-{new[6:]}T02:50:00Z"
    for item in sorted(folder.glob(f"*-{old}")):
        name = item.name.replace(old, new)
        told = json.loads((item / f"{item.name}.json").read_text())
        told["id"], told["properties"]["datetime"] = name, iso
        for asset in told["assets"].values():
            asset["href"] = f"../{item.name}/" + asset["href"].removeprefix("./")
        (folder / name).mkdir()
        (folder / name / f"{name}.json").write_text(json.dumps(told))
        catalogue["links"].append({"rel": "item", "href": f"./{name}/{name}.json", "type": "application/geo+json"})
    catalogue["extent"]["temporal"]["interval"][0][1] = iso
    (folder / "collection.json").write_text(json.dumps(catalogue))


@pytest.fixture
def later(world: Path, tmp_path: Path) -> Path:
    """The world with the ground as it was before the things came, and then with them again."""
    copy = tmp_path / "world"
    shutil.copytree(world, copy, ignore=shutil.ignore_patterns("output*"))
    days = sorted({item.name[-8:] for item in (copy / "imagery" / "demo-vhr").glob("*-2024*")})
    again(copy, days[0], GONE)
    again(copy, days[-1], BACK)
    return copy


def followed(world: Path, ledger: Ledger, before: str, after: str) -> dict:
    periods = [f"imagery.before={before}", f"imagery.after={after}"]
    plan = make_plan(RunConfig.load(world / "run.yaml", [f"output={world / 'out'}", *periods]))
    none = CANDIDATES.empty(crs=plan.layers.epsg)
    results = [TileResult(tile.tile_id, none, none) for tile in plan.tiles]
    looks = looks_of(results[0].sightings, plan.linref, road_places(plan.layers.roads))
    return follow(none.assign(case_no=None), none, looks, results, plan, ledger, lambda *_: None).record()


@pytest.mark.slow
def test_buildings_that_went_are_gone_with_proof_and_found_when_they_are_back(
    finished: RunReport, later: Path, tmp_path: Path
) -> None:
    assert finished.summary()["followed"]["found_again"] > 0
    for file in finished.folder.root.glob("ledger.sqlite*"):
        shutil.copy(file, tmp_path / file.name)
    findings = gpd.read_file(finished.folder.findings_gpkg, layer="findings").set_index("case_no")
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        houses = [case["case_no"] for case in ledger.cases() if case["kind"] == "building"]
        for number in houses:
            kept = {one.role: one for one in ledger.pictures(number)}
            assert set(kept) == {"before", "after"}
            shape = findings.geometry[number]
            assert placed_grid(kept["after"]).footprint.contains(shape)
            assert [reopened(kept[role]).stands for role in ("before", "after")] == [False, True]
            assert np.isfinite(reopened(kept["after"]).image).any()
        first = followed(later, ledger, AUTUMN, "2025-03-20")
        assert followed(later, ledger, AUTUMN, "2025-03-20") == first
        told = {number: ledger.case(number) for number in houses}
        assert first["gone"] > 0
        assert sum(case["sight"] == "gone" for case in told.values()) >= 0.5 * len(houses)
        assert not any(case["sight"] == "present" and case["sight_on"] == "2025-03-20" for case in told.values())
        for case in told.values():
            events = [event for event in case["history"] if event["on_date"] == "2025-03-20"]
            assert len(events) == 1
            if case["sight"] == "gone":
                proof = events[0]["detail"]["proof"]
                scenes = {(one.scene_id, one.grid["stands"]) for one in ledger.pictures(case["case_no"])}
                assert {(proof["before"], True), (proof["after"], False)} <= scenes
        followed(later, ledger, "2025-03-20", "2025-04-25")
        back = [ledger.case(number)["sight"] for number in houses]
        assert "gone" not in back
        assert back.count("present") >= 0.8 * len(houses)
