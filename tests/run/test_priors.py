"""Tiles that say nothing of their shift learn it from the others, whatever the order and however often it is broken off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from pipeline.config import RunConfig
from pipeline.model.grid import Tile
from pipeline.model.tables import CANDIDATES
from pipeline.run import looks
from pipeline.run.job import TileJob, TileResult, no_sightings
from pipeline.run.looks import better, shift_priors, wants_prior
from pipeline.run.parts import TABLES, Parts
from pipeline.run.plan import make_plan
from pipeline.run.runner import RunReport, run
from pipeline.run.tile import process_tile

_TILE_PX, EPSG = 512, 4548


def config(world: Path, out: Path, *more: str) -> RunConfig:
    sets = [f"output={out}", f"ledger={out / 'ledger.sqlite'}", f"imagery.tile_px={_TILE_PX}", *more]
    return RunConfig.load(world / "run.yaml", sets)


@pytest.fixture(scope="module")
def plain(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tile]:
    """The world with a bare field, without any edge, over all that one tile in the middle looks at; and that tile."""
    folder = tmp_path_factory.mktemp("plain") / "world"
    shutil.copytree(world, folder)
    plan = make_plan(config(folder, folder / "unused"))
    tile = plan.tiles[len(plan.tiles) // 2]
    bare = tile.grid.footprint.buffer(15.0, join_style="mitre")
    for scene in (*plan.before, *plan.after):
        for href in {file.href for file in scene.files.values()}:
            _bare(Path(href), bare)
    return folder, tile


def _bare(path: Path, area: shapely.Polygon) -> None:
    with rasterio.open(path) as image:
        window = rasterio.windows.from_bounds(*area.bounds, image.transform).round_offsets().round_lengths()
        overlap = shapely.box(*image.bounds).intersects(area)
        if not overlap:
            return
        window = window.intersection(rasterio.windows.Window(0, 0, image.width, image.height))
        profile, values, nodata = image.profile, image.read(), image.nodata
    rows, cols = window.toslices()
    part = values[:, rows, cols]
    level = np.median(part, axis=(1, 2), keepdims=True).astype(part.dtype)
    values[:, rows, cols] = np.where(part == nodata, part, level) if nodata is not None else level
    with rasterio.open(path, "w", **(profile | {"compress": "deflate"})) as image:
        image.write(values)


@pytest.fixture(scope="module")
def seen(plain: tuple[Path, Tile], tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    return run(config(plain[0], tmp_path_factory.mktemp("seen") / "run"))


def middle(report: RunReport, plain: tuple[Path, Tile]) -> dict:
    return report.tiles[plain[1].tile_id]


def test_a_tile_without_texture_is_observed_with_what_the_others_know(
    seen: RunReport, plain: tuple[Path, Tile]
) -> None:
    facts = middle(seen, plain)
    assert facts["second_look_used"]
    assert facts["from_prior"]
    assert facts["observed_share"] > 0.3
    assert not facts["registration_refused"]
    others = [
        told["shift_px"]
        for tile_id, told in seen.tiles.items()
        if tile_id != plain[1].tile_id and told["shifts"][0]["moving"] == facts["shifts"][0]["moving"]
    ]
    assert len(others) >= 3
    assert facts["shift_px"] == pytest.approx(np.median(others, axis=0), abs=2e-3)
    assert facts["error_px"] == pytest.approx(facts["priors"][0]["sigma_px"] * np.sqrt(2), abs=2e-3)
    registration = seen.record["registration"]
    assert registration["tiles_by_prior"] == registration["second_look_used"] == 1
    assert registration["tiles_refused"] == 0
    assert registration["measured_share"] == pytest.approx(1 - 1 / registration["tiles"], abs=1e-4)


def test_without_the_others_it_is_refused(plain: tuple[Path, Tile]) -> None:
    folder, tile = plain
    (job,) = make_plan(config(folder, folder / "unused")).jobs((tile,))
    alone = process_tile(job)
    assert alone.facts["observed_share"] == 0
    assert alone.facts["registration_refused"]
    assert not alone.facts["registration_reliable"]
    assert alone.facts["error_px"] is None
    assert "not measurable" in alone.facts["registration_reason"]
    assert set(alone.stretches["reason"]) == {"shift_unmeasured"}


def test_a_run_broken_off_between_the_looks_or_done_again_gives_the_same(
    seen: RunReport, plain: tuple[Path, Tile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[TileJob] = []

    def counted(task: object, jobs: Iterator[TileJob], options: object, **_more: object) -> Iterator[TileResult]:
        for job in jobs:
            asked.append(job)
            yield process_tile(job)

    monkeypatch.setattr(looks, "run_all", counted)
    out = tmp_path / "run"
    shutil.copytree(seen.folder.root, out)
    again = run(config(plain[0], out))
    assert not asked  # a finished run is not done again
    assert again.summary()["tiles_reused"] == again.summary()["tiles"]
    lose(out, lambda _tile, look: look == "second")
    resumed = run(config(plain[0], out))
    assert [job.tile.tile_id for job in asked] == [plain[1].tile_id]
    assert middle(resumed, plain)["second_look_used"]
    others = [tile.tile_id for tile in make_plan(config(plain[0], out)).tiles if tile.tile_id != plain[1].tile_id]
    lose(out, lambda tile, _look: tile == others[0], of_other_priors=True)
    run(config(plain[0], out, "dask.workers=1"))
    assert {job.tile.tile_id for job in asked[1:]} == {others[0], plain[1].tile_id}  # of other priors: once more
    for report in (again, resumed):
        assert report.folder.findings_geojson.read_bytes() == seen.folder.findings_geojson.read_bytes()
        assert report.folder.coverage.read_bytes() == seen.folder.coverage.read_bytes()


def lose(out: Path, which: Callable[[str, str], bool], *, of_other_priors: bool = False) -> None:
    """Leave a run as if it had been broken off before these results were kept, or the second looks had had other priors."""
    whole = Parts(out / "work", EPSG)
    kept = {key: whole.get(key) for key in whole}
    tables = {name: {key: list(whole.table(name, [key])) for key in kept} for name in TABLES}
    whole.forget()
    left = Parts(out / "work", EPSG)
    for key, one in kept.items():
        if one is None or which(*key):
            continue
        facts = json.loads(one.facts)
        if of_other_priors and key[1]:
            facts["priors"][0]["sigma_px"] += 0.1
        frames = {name: next(iter(tables[name][key]), None) for name in TABLES}
        empty = {
            "candidates": CANDIDATES.empty(crs=EPSG),
            "stretches": gpd.GeoDataFrame(),
            "sightings": no_sightings(EPSG),
        }
        filled = {name: empty[name] if frame is None else frame for name, frame in frames.items()}
        left.add(TileResult(key[0], facts=facts, failure=one.failure, **filled), one.inputs, key[1])


def result(tile_id: str = "t", *shifts: dict, failure: dict | None = None, **facts: object) -> TileResult:
    nothing = CANDIDATES.empty(crs=4548)
    return TileResult(tile_id, nothing, gpd.GeoDataFrame(), {"shifts": list(shifts), **facts}, failure)


def shift(row: float, col: float, **changes: object) -> dict:
    told = {"moving": "b", "fixed": "a", "shift_px": [row, col], "reliable": True, "refused": False}
    return told | {"from_prior": False, "confidence": 0.99, "error_px": 0.02} | changes


UNKNOWN = shift(0.0, 0.0, reliable=False, refused=True)


def test_a_prior_is_the_median_of_those_that_measured_and_robust_to_one_that_errs() -> None:
    tiles = [result("t", shift(1.0 + 0.3 * n, -2.0)) for n in range(5)]
    tiles = [*tiles, result("t", shift(40.0, 40.0)), result("t", UNKNOWN), result("t", shift(9, 9, from_prior=True))]
    (prior,) = shift_priors(tiles).values()
    assert prior.shift_px == (1.75, -2.0)
    assert prior.sigma_px == pytest.approx(1.4826 * 0.45, abs=1e-3)
    assert shift_priors(tiles) == shift_priors(tiles[::-1])
    (sure,) = shift_priors([result("t", shift(1.0, 1.0))] * 3).values()
    assert sure.sigma_px == 0.1
    assert shift_priors(tiles[:2]) == {}


def test_only_what_was_lost_for_want_of_a_measure_is_looked_at_again() -> None:
    priors = shift_priors([result("t", shift(1.0, 1.0))] * 3)
    assert wants_prior(result("t", UNKNOWN, shift_lost_share=0.5), priors)
    assert wants_prior(result("t", UNKNOWN | {"refused": False}), priors)  # taken as zero
    assert not wants_prior(result("t", UNKNOWN, shift_lost_share=0.0), priors)  # filled by another take
    assert not wants_prior(result("t", UNKNOWN | {"fixed": "c"}, shift_lost_share=0.5), priors)
    assert not wants_prior(result("t", shift(9, 9, refused=True), shift_lost_share=1.0), priors)  # too large, and sure
    weak = {"confidence": 0.85, "error_px": 0.4}
    assert wants_prior(result("t", shift(9, 9, refused=True, **weak), shift_lost_share=1.0), priors)
    assert wants_prior(result("t", shift(-1, 1, **weak)), priors)  # believed by chance
    assert not wants_prior(result("t", shift(1.5, 1, **weak)), priors)  # within what both may err


def test_a_second_look_counts_only_where_it_sees_more_and_its_failure_is_told() -> None:
    looked = {"second_look": True, "priors": [], "seconds": 1.0}
    first = result("t", UNKNOWN, observed_share=0.5, seconds=2.0)
    same = better(first, result("t", UNKNOWN, observed_share=0.5, **looked))
    assert (same.facts["second_look_used"], same.facts["seconds"]) == (False, 3.0)
    more = better(first, result("t", shift(1, 1), observed_share=0.6, **looked))
    assert more.facts["second_look_used"]
    assert more.facts["observed_share"] == 0.6
    assert better(more, result("t", UNKNOWN, observed_share=0.0, **looked), doubted=True).facts["observed_share"] == 0
    failed = better(first, result("t", failure={"tile": "t", "why": "unreadable"}))
    assert failed.facts["observed_share"] == 0.5
    assert failed.failure == {"tile": "t", "why": "unreadable"}
