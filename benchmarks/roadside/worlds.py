"""Simulated worlds and the runs over them."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio

from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.run.runner import run
from pipeline.simulate import Events, World, WorldOptions, write_world

SEEDS = (311, 312, 313, 314)  # no detector has been made or tuned on them
HARVEST_SEEDS = (314,)  # once more, with several images within a harvest
KM, HARVEST_KM, HARVEST_DAYS = 6.0, 2.0, 4
DETECTORS = ("building", "grain_drying", "roadworks", "stockpile", "billboard")
KINDS = DETECTORS  # each finds the kind of its name
# Two or three times as much as a usual world has, so that recall is told from tens of objects; the weather is full.
EVENTS = Events(
    roadworks=0.7, pad=0.4, access=0.5, trench=0.35, site=0.5, stockpile=1.4,
    billboard=0.9, billboard_new=0.6, billboard_gone=0.5, billboard_phantom=0.25,
)  # fmt: skip
HARVEST_EVENTS = Events(grain=2.5)


@dataclass(frozen=True)
class Outcome:
    """A world and what one run said of it. Tables in the world's CRS; ``sites``, ``hot_spots`` None: not in the output."""

    seed: int
    world: World
    findings: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame | None
    hot_spots: gpd.GeoDataFrame | None
    km: float
    seconds: tuple[float, float]  # the world's making, the run
    failures: int

    @property
    def day(self) -> dt.date:
        """The later day."""
        return self.world.options.days[-1]


def missing() -> list[str]:
    """Detectors that this version does not have."""
    return [name for name in DETECTORS if name not in registry.known()]


def options(seed: int, *, harvest: bool = False, km: float | None = None) -> WorldOptions:
    """A pair at full weather; ``harvest``: the later date is several days within one autumn."""
    # One centreline a road, so that km are km of road.
    if harvest:
        return WorldOptions(
            seed=seed, km=km or HARVEST_KM, series=False, carriageways="one", workers=1, harvest_days=HARVEST_DAYS,
            events=HARVEST_EVENTS,
        )  # fmt: skip
    return WorldOptions(seed=seed, km=km or KM, series=False, carriageways="one", workers=1, events=EVENTS)


def outcome(seed: int, folder: Path, *, harvest: bool = False, km: float | None = None) -> Outcome:
    """Make the world in ``folder`` and run the pipeline over it with the detectors that there are."""
    started = time.perf_counter()
    world = World.generate(options(seed, harvest=harvest, km=km))
    path = write_world(world, folder, None)
    made = time.perf_counter()
    wanted = ("grain_drying",) if harvest else DETECTORS
    listed = ", ".join(f"{{use: {name}}}" for name in wanted if name in registry.known())
    config = RunConfig.load(path, [f"detectors=[{listed}]", "dask.workers=1"])
    report = run(config)
    done = time.perf_counter()
    file = report.folder.findings_gpkg
    layers = set(pyogrio.list_layers(file)[:, 0])
    tables = {name: gpd.read_file(file, layer=name) if name in layers else None for name in _LAYERS}
    return Outcome(
        seed, world, tables["findings"], tables["candidates"], tables["sites"], tables["hot_spots"],
        report.km_observed, (made - started, done - made), len(report.failures),
    )  # fmt: skip


_LAYERS = ("findings", "candidates", "sites", "hot_spots")
