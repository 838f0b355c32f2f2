"""What a tile costs, stage by stage, and how many kilometres of road a core does in an hour.

    python benchmarks/bench_tile.py [--km 4] [--seed 7] [--rounds 2]

Simulates a world (0.5 m, two dates, RGBN) and runs ``process_tile`` on all its tiles with building and grain_drying, in turn
with two limits: rasterio decoding the same windows of the same files, and a copy of the same pixels in memory. CPU seconds
of the whole process, one thread each in OpenCV and onnxruntime, the least of the rounds; a stage's own time is without the
stages in it.

"Without the learned model" is the same less ``Network.probability``: the network's inference and what makes its inputs and
its maps; all else of the building detector stays in. Band registration is done in three tiles of each scene, however long
the road, so it is a cost per scene and told apart.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import rasterio
from rasterio.windows import Window

from pipeline.config import RunConfig
from pipeline.detectors.building import Building
from pipeline.detectors.grain_drying import GrainDrying
from pipeline.imagery.decode import forget_decoded
from pipeline.networks.network import Network
from pipeline.networks.session import Session
from pipeline.run import tile as tiles
from pipeline.run.job import TileJob
from pipeline.run.plan import Plan, make_plan
from pipeline.run.tile import process_tile

take, mosaic = (import_module(f"pipeline.prepare.{name}") for name in ("take", "mosaic"))
INFERENCE, AROUND_IT, BANDS = "network: inference", "network: inputs, maps", "band registration"
STAGES: tuple[tuple[Any, str, str], ...] = (
    (take, "scene_pixels", "read, quality masks"),
    (mosaic, "register", "registration"),
    (mosaic, "match", "normalisation"),
    (mosaic, "band_shifts", BANDS),
    (tiles, "prepare_pair", "takes put together"),
    (Session, "run", INFERENCE),
    (Network, "probability", AROUND_IT),
    (Building, "__call__", "building, the rest"),
    (GrainDrying, "__call__", "grain_drying"),
)
REST = "the rest"
GOAL_WITHOUT, GOAL_WITH, GOAL_MB = 1000.0, 150.0, 1536.0


class Stopwatch:
    """CPU seconds of stages, each without what is called in it."""

    def __init__(self) -> None:
        self.spent_s: Counter[str] = Counter()
        self._inside_s = [0.0]

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self._inside_s.append(0.0)
            start = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                whole = time.process_time() - start
                self.spent_s[stage] += whole - self._inside_s.pop()
                self._inside_s[-1] += whole

        return counted

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for owner, name, stage in STAGES:
                stack.enter_context(mock.patch.object(owner, name, self.timed(stage, getattr(owner, name))))
            yield


def run(jobs: Sequence[TileJob]) -> Counter[str]:
    """CPU seconds of all tiles by stage."""
    watch = Stopwatch()
    forget_decoded()
    whole = watch.timed(REST, process_tile)
    with watch.on():
        for job in jobs:
            result = whole(job)
            if not result:
                raise SystemExit(f"{result.tile_id}: {result.failure}")
    return watch.spent_s


def windows(plan: Plan, jobs: Sequence[TileJob]) -> list[tuple[str, Window]]:
    """What of which file lies under each tile's window with its margin; blocks that tiles share are asked for by each."""
    found = []
    for job in jobs:
        wide = job.tile.grid.padded(plan.config.imagery.pair.margin_px(job.tile.grid.pixel_m))
        for scene in (*job.before, *job.after):
            for href in dict.fromkeys(file.href for file in (*scene.files.values(), scene.mask) if file is not None):
                with rasterio.open(href) as file:
                    left, top = (round(value) for value in ~file.transform * (wide.west_m, wide.north_m))
                    rows = slice(max(top, 0), min(top + wide.rows, file.height))
                    cols = slice(max(left, 0), min(left + wide.cols, file.width))
                if rows.stop > rows.start and cols.stop > cols.start:
                    found.append((href, Window.from_slices(rows, cols)))
    return found


def decoded(asked: Sequence[tuple[str, Window]]) -> None:
    """All windows read by rasterio alone, with GDAL's own cache of blocks."""
    for href, window in asked:
        with rasterio.open(href) as file:
            file.read(window=window)


def copied(jobs: Sequence[TileJob]) -> None:
    """Both dates' pixels of all tiles, copied once as float32."""
    for job in jobs:
        image = np.zeros((2, len(job.bands), *job.tile.grid.shape), np.float32)
        image.copy()


def cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def printed(spent: Counter[str], limits: dict[str, float], plan: Plan, scenes: int) -> None:
    count, km = len(plan.tiles), plan.km_due
    bands_s = spent[BANDS]
    whole_s = sum(spent.values()) - bands_s
    learned_s = spent[INFERENCE] + spent[AROUND_IT]
    print(f"\n{km:.2f} km, {count} tiles, {count / km:.2f} a km; CPU s a tile, CPU s a km, share")
    for stage, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        if stage != BANDS:
            print(f"  {stage:24}{seconds / count:8.3f}{seconds / km:8.2f}{seconds / whole_s:8.1%}")
    print(f"  {'all':24}{whole_s / count:8.3f}{whole_s / km:8.2f}")
    print(
        f"  {BANDS}: {bands_s / scenes:.2f} s a scene, once in {scenes} scenes, {bands_s / (whole_s + bands_s):.1%} of this run"
    )
    for name, seconds in limits.items():
        print(f"  {name}: {seconds / count:.3f} s a tile; all of a tile is {whole_s / seconds:.1f} x that")
    for name, seconds, goal in (
        ("with the learned model", whole_s, GOAL_WITH),
        ("without it", whole_s - learned_s, GOAL_WITHOUT),
    ):
        print(f"  km per core-hour {name}: {3600 * km / seconds:.0f} (goal {goal:.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--km", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, so that its memory is not taken for the tiles'.
        world = ["simulate", "--out", name, "--seed", str(asked.seed), "--km", str(asked.km)]
        command = [sys.executable, "-m", "pipeline", *world]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
        detectors = "detectors=[{use: building}, {use: grain_drying}]"
        out = [f"output={folder / 'output'}", f"ledger={folder / 'ledger.sqlite'}"]
        plan = make_plan(RunConfig.load(folder / "run.yaml", [detectors, *out]))
        jobs = list(plan.jobs())
        process_tile(jobs[0])  # opens what stays open
        files = windows(plan, jobs)
        rounds, peak_mb = [], 0.0
        for _ in range(asked.rounds):
            spent = run(jobs)
            peak_mb = peak_mb or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of tiles only, so far
            limits = {"decoding alone": cpu_s(lambda: decoded(files)), "a copy": cpu_s(lambda: copied(jobs))}
            rounds.append((spent, limits))
        spent = min((one for one, _ in rounds), key=lambda one: sum(one.values()))
        least = {name: min(limits[name] for _, limits in rounds) for name in rounds[0][1]}
        printed(spent, least, plan, len({scene for job in jobs for scene in job.bands_of}))
        print(f"  peak memory of this process: {peak_mb:.0f} MB (goal {GOAL_MB:.0f})")


if __name__ == "__main__":
    main()
