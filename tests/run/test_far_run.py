"""A run whose images lie on a server: only the corridor is fetched, once; faults on the way change nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.faulty import faulty
from servers.nginx import nginx

from pipeline.config import RunConfig
from pipeline.imagery.blocks import spans_of, touched
from pipeline.imagery.decode import forget_decoded
from pipeline.run.plan import Plan, make_plan
from pipeline.run.runner import RunReport, run
from pipeline.tiff.origin import LocalFile

pytestmark = pytest.mark.slow
GRAIN = "detectors=[{use: grain_drying}]"  # the quicker of the two


@pytest.fixture(scope="module")
def near(world: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """The same world with the same detector from the folder, as much of it read as of a far one."""
    out = tmp_path_factory.mktemp("near") / "run"
    return run(
        RunConfig.load(world / "run.yaml", [f"output={out}", f"ledger={out}.sqlite", GRAIN, "imagery.context_m=0"])
    )


def far(world: Path, url: str, out: Path, *more: str) -> RunConfig:
    settings = [
        f"imagery.source.url={url}/imagery/catalog.json",
        f"output={out}",
        f"ledger={out.with_suffix('.sqlite')}",
        f"imagery.network.cache={out.with_suffix('.cache')}",
        *more,
    ]
    return RunConfig.load(world / "run.yaml", settings)


def findings(report: RunReport) -> bytes:
    return report.folder.findings_geojson.read_bytes()


def ideal(plan: Plan, root: Path, url: str, asked: set[str]) -> dict[str, int]:
    """Bytes of the blocks that the corridor touches, of each file that was asked for blocks."""
    sizes = {}
    for scene in (*plan.before, *plan.after):
        for file in (*scene.files.values(), *((scene.mask,) if scene.mask else ())):
            path = file.href.removeprefix(url)
            if path not in asked or path in sizes:
                continue
            local = LocalFile(str(root) + path)
            facts = local.facts(None)
            window = (0, 0, facts.height, facts.width)
            area = plan.corridor if file != scene.mask else plan.corridor.buffer(25.0)  # a cloud's edge reaches in
            blocks = touched(facts, plan.layers.epsg, area, window, 0.0)
            bands = sorted({one.band.index for one in scene.files.values() if one.href == file.href} or {1})
            sizes[path] = sum(stop - start for start, stop in spans_of(local.layout(), facts, blocks, window, bands))
    return sizes


def test_only_the_corridor_is_fetched_and_only_once(world, near, tmp_path):
    with nginx(world) as server:
        config = far(world, server.url, tmp_path / "far", GRAIN)
        plan = make_plan(config)
        report = run(config)
        hits = [hit for hit in server.requests() if hit.uri.endswith(".tif")]
        server.forget()
        forget_decoded()
        again = run(far(world, server.url, tmp_path / "far", "output=" + str(tmp_path / "again"), GRAIN), fresh=True)
        second = [hit for hit in server.requests() if hit.uri.endswith(".tif")]
    assert report.complete
    assert findings(report) == findings(near)
    assert all(hit.status == 206 for hit in hits)
    per_file: dict[str, int] = {}
    for hit in hits:
        per_file[hit.uri] = per_file.get(hit.uri, 0) + hit.body
    wanted = ideal(plan, world, server.url, {uri for uri, got in per_file.items() if got > 32 << 10})
    assert len(wanted) >= 2
    for uri, size in wanted.items():
        assert per_file[uri] <= 1.05 * size + (64 << 10), uri
    assert second == []
    assert len(again.findings)
    said = json.loads(report.folder.run_json.read_text(encoding="utf-8"))
    assert said["reads"]["requests"] >= len(hits) > 0  # the catalogue's documents are asked for too


def test_one_in_twenty_requests_failing_changes_no_finding(world, near, tmp_path):
    with faulty(world) as server:
        server.at_random(0.05, seed=5)
        report = run(far(world, server.url, tmp_path / "faulty", "imagery.network.backoff_s=0.01", GRAIN))
    assert report.complete
    assert findings(report) == findings(near)


def test_a_server_that_is_down_fails_tiles_and_a_later_run_mends_them(world, near, tmp_path):
    with faulty(world) as server:
        config = far(world, server.url, tmp_path / "down", "imagery.network.tries=1", GRAIN)
        server.always("500", on=".tif")
        broken = run(config)
        assert not broken.complete
        assert {failure["error"] for failure in broken.failures} == {"ImageryError"}
        assert broken.km_observed == 0
        server.mend()
        mended = run(config)
    assert mended.complete
    assert findings(mended) == findings(near)
