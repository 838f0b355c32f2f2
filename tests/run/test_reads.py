"""The plan's reads are the run's reads, to the byte; and no pixel is touched to know them."""

from __future__ import annotations

import csv
import json
import tarfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from servers.nginx import Nginx, nginx
from shapely.geometry.base import BaseGeometry

from pipeline.catalog.archive import look
from pipeline.cli import main
from pipeline.config import RunConfig
from pipeline.errors import ConfigError
from pipeline.imagery.reader import RasterioReader
from pipeline.model.grid import Grid
from pipeline.model.scene import BandFile, TileService
from pipeline.net.costs import CostOptions
from pipeline.prepare.pair import prepare_pair
from pipeline.run.plan import Plan, make_plan
from pipeline.run.read_list import reads_summary, write_reads
from pipeline.run.reads import planned_reads, refuse_beyond


@pytest.fixture(scope="module")
def plan(world: Path) -> Plan:
    return make_plan(RunConfig.load(world / "run.yaml"))


@dataclass(frozen=True)
class Recorder:
    """Reads as a run does, and notes what of which file."""

    spans: dict[str, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    inner: RasterioReader = field(default_factory=RasterioReader)

    def read(self, file: BandFile, grid: Grid, **how: Any) -> np.ndarray:
        return self.read_many([file], grid, **how)[0]

    def read_many(
        self, files: Sequence[BandFile], grid: Grid, *, within: BaseGeometry | None = None, **how: Any
    ) -> list[np.ndarray]:
        found, _ = self.inner.planned(files, grid, within=within, resampling=how.get("resampling", "bilinear"))
        self.spans[files[0].href].update(found)
        return self.inner.read_many(files, grid, within=within, **how)


def test_a_plan_lists_what_a_run_reads(plan: Plan) -> None:
    listed = planned_reads(plan)
    for job in list(plan.jobs())[::3]:
        recorder = Recorder(inner=job.imagery.reader())
        prepare_pair(
            job.before, job.after, job.tile.grid, job.bands,
            reader=recorder, options=job.imagery.pair, within=job.imagery.read_area(job.corridor),
        )  # fmt: skip
        mine = [read for read in listed.reads if read.tile == job.tile.tile_id]
        planned = {read.file: 0 for read in mine}
        for read in mine:
            planned[read.file] += read.bytes
        done = {file: sum(stop - start for start, stop in spans) for file, spans in recorder.spans.items()}
        assert set(done) <= set(planned)
        for file, count in done.items():
            assert count == planned[file], file
        assert sum(done.values()) > 0


def test_each_block_counts_once_and_the_bounds_are_in_order(plan: Plan) -> None:
    listed = planned_reads(plan)
    assert listed.bytes == listed.local == sum(read.bytes_first for read in listed.reads)
    assert listed.bytes < sum(read.bytes for read in listed.reads), "neighbours share blocks"
    assert 0 < listed.least[0] <= listed.bytes
    assert (listed.fetched, listed.requests, listed.headers, listed.reckoned) == (0, 0, 0, 0)
    on_disk = sum(Path(file).stat().st_size for file in {read.file for read in listed.reads})
    assert listed.bytes <= on_disk


def test_a_plan_touches_no_pixel(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a plan must not read pixels")

    for name in ("read_many", "read"):
        monkeypatch.setattr(RasterioReader, name, refuse)
    opened = rasterio.open

    class Closed:
        """A dataset whose pixels cannot be read; of its header everything can."""

        def __init__(self, *args: Any, **how: Any) -> None:
            self._inner = opened(*args, **how)

        def __enter__(self) -> Closed:
            return self

        def __exit__(self, *_: object) -> None:
            self._inner.close()

        def __getattr__(self, name: str) -> Any:
            assert name not in ("read", "read_masks", "dataset_mask", "sample", "statistics"), "a pixel was asked for"
            return getattr(self._inner, name)

    monkeypatch.setattr(rasterio, "open", Closed)
    assert main(["plan", str(world / "run.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes_to_read"] > 100_000


def remote(plan: Plan, root: Path, server: Nginx) -> Plan:
    """The same plan with its files behind a server."""

    def far(file: BandFile | None) -> BandFile | None:
        return file and replace(file, href=f"{server.url}/{Path(file.href).relative_to(root)}")

    def moved(scenes: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            replace(s, files={name: far(file) for name, file in s.files.items()}, mask=far(s.mask)) for s in scenes
        )

    return replace(plan, before=moved(plan.before), after=moved(plan.after))


def test_of_far_files_headers_are_fetched_and_no_more(plan: Plan, world: Path) -> None:
    as_far = plan.config.imagery.model_copy(update={"context_m": 0.0})
    here = planned_reads(replace(plan, config=plan.config.model_copy(update={"imagery": as_far})))
    with nginx(world) as server:
        far = remote(plan, world, server)
        listed = planned_reads(far)
        hits = server.requests()
        files = {read.file for read in listed.reads}
        assert {hit.uri for hit in hits} <= {file.removeprefix(server.url) for file in files}
        assert len(hits) <= 2 * len(files)
        assert all(hit.sent <= 34_000 for hit in hits), "headers are small"
        assert (listed.fetched, listed.local, listed.cached) == (here.bytes, 0, 0)
        assert 0 < listed.requests <= len(listed.reads)
        server.forget()
        again = planned_reads(far)
        assert server.requests() == [], "headers are kept"
        assert again == listed
        # One tile fetched: the plan knows what lies in the cache now.
        job = next(iter(far.jobs()))
        prepare_pair(job.before, job.after, job.tile.grid, job.bands, reader=job.imagery.reader(), within=job.corridor)
        after = planned_reads(far)
        got = sum(hit.sent for hit in server.requests())
        assert after.cached > 0
        assert after.fetched + after.cached == listed.fetched
        assert after.cached <= got
    with pytest.raises(ConfigError, match=r"--max-gb 0\.001;.*shorter area"):
        refuse_beyond(replace(listed, fetched=2_000_000), 0.001)


def test_without_its_server_a_plan_reckons_and_says_so(plan: Plan, world: Path) -> None:
    with nginx(world) as server:
        far = remote(plan, world, server)
    offline = planned_reads(far, offline=True)
    assert offline.reckoned == offline.fetched > 0
    assert set(offline.unknown.values()) == {"not asked (--offline)"}
    network = plan.config.imagery.network.model_copy(update={"tries": 1, "connect_s": 1.0})
    imagery = plan.config.imagery.model_copy(update={"network": network})
    away = planned_reads(replace(far, config=plan.config.model_copy(update={"imagery": imagery})))
    assert away.fetched == offline.fetched
    assert all("no whole answer" in why for why in away.unknown.values())


def test_files_in_an_archive_count_whole_and_stay_packed(plan: Plan, tmp_path: Path) -> None:
    here = planned_reads(plan)
    archive = tmp_path / "delivery.tar.gz"
    files = {file.href for scene in plan.after for file in (*scene.files.values(), scene.mask) if file}
    with tarfile.open(archive, "w:gz") as tar:
        for href in sorted(files):
            tar.add(href, arcname=Path(href).name)
    looked = look(archive, tmp_path / "cache")

    def packed(file: BandFile | None) -> BandFile | None:
        return file and replace(file, href=str(looked.place / Path(file.href).name))

    after = tuple(
        replace(s, files={name: packed(file) for name, file in s.files.items()}, mask=packed(s.mask))
        for s in plan.after
    )
    listed = planned_reads(replace(plan, after=after))
    earlier = sum(read.bytes_first for read in here.reads if read.when == "before")
    touched = {read.file for read in here.reads if read.when == "after"}
    assert listed.bytes == earlier + sum(Path(href).stat().st_size for href in touched)
    assert not listed.unknown
    assert listed.archives == {str(archive): looked.bytes_unpacked}
    assert not looked.place.exists(), "a plan unpacks nothing"


def test_tiles_of_a_service_are_counted_once(plan: Plan) -> None:
    service = TileService(zoom=17, tile_bytes=20_000)

    def served(file: BandFile) -> BandFile:
        return replace(file, href="https://tiles.example.org/{z}/{x}/{y}.png", service=service)

    scene = plan.after[0]
    one = replace(scene, files={n: served(f) for n, f in scene.files.items()}, mask=None, footprint_lonlat=None)
    listed = planned_reads(replace(plan, after=(one,)))
    mine = [read for read in listed.reads if read.when == "after"]
    assert listed.fetched == 20_000 * listed.requests == sum(read.bytes_first for read in mine)
    assert listed.requests < sum(read.blocks for read in mine)
    assert {read.basis for read in mine} == {"reckoned"}


def test_the_list_is_written_whole_and_costs_are_those_of_the_configuration(plan: Plan, tmp_path: Path) -> None:
    listed = planned_reads(plan)
    write_reads(tmp_path / "reads.csv", listed)
    write_reads(tmp_path / "reads.json", listed)
    rows = list(csv.DictReader((tmp_path / "reads.csv").read_text(encoding="utf-8-sig").splitlines()))
    data = json.loads((tmp_path / "reads.json").read_text(encoding="utf-8"))
    assert len(rows) == len(data) == len(listed.reads)
    assert sum(int(row["bytes_first"]) for row in rows) == sum(row["bytes_first"] for row in data) == listed.bytes
    with pytest.raises(ConfigError, match="csv or"):
        write_reads(tmp_path / "reads.xlsx", listed)
    assert reads_summary(listed, CostOptions())["costs"] is None
    priced = replace(listed, fetched=3 * 10**9, requests=2000, least=(0, 10**9, 1000))
    costs = reads_summary(priced, CostOptions(price_per_gb=0.5, price_per_1000_requests=0.01, currency="USD"))["costs"]
    assert costs == {"currency": "USD", "at_most": 1.52, "at_least": 0.51}
    summary = reads_summary(listed, CostOptions())
    for part in ("by_scene", "by_stretch"):
        assert sum(row["bytes"] for row in summary[part]) == listed.bytes


def test_a_link_signed_anew_keeps_what_was_done(plan: Plan) -> None:
    def signed(token: str) -> Plan:
        far = {
            name: replace(file, href=f"https://host/{name}.tif?sig={token}")
            for name, file in plan.after[0].files.items()
        }
        return replace(plan, after=(replace(plan.after[0], files=far, mask=None), *plan.after[1:]))

    assert signed("one").fingerprint == signed("two").fingerprint
    assert signed("one").fingerprint != plan.fingerprint
