"""This package, as its main job reads: tiles in road order by two threads, blocks ahead in the same requests, no cache
to begin with. ``LUYU_CACHE`` names the folder of the cache; with WARM=1 it may hold what an earlier run fetched."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import geopandas as gpd
import measure
import numpy as np
import shapely
from scenes import EPSG, NORTH_M, WEST_M, SceneSet

if TYPE_CHECKING:
    from pipeline.model.grid import Tile
    from pipeline.model.scene import Scene

TILE_PX, HALO_PX = 768, 32  # a run's default; a detector's view past the tile
_WORKERS = ExitStack()


def warm() -> None:
    import dask.array
    import distributed
    import filelock
    import keyring
    import obstore
    import tifffile
    import urllib3
    import xarray as xr
    from rasterio.warp import transform

    from pipeline.execution import DaskOptions, kept, run_all
    from pipeline.imagery import stack
    from pipeline.run import plan

    # as peers, with all imports done, and workers that wait
    assert all((dask.array, distributed, filelock, keyring.get_keyring(), obstore, tifffile, urllib3, xr, stack, plan))
    options = DaskOptions(scheduler="threads", workers=2)
    _WORKERS.enter_context(kept(options))
    assert list(run_all(len, ["ab"], options)) == [2]
    transform(f"EPSG:{EPSG}", "EPSG:4326", [WEST_M], [NORTH_M])  # PROJ opens its database
    cache = Path(os.environ["LUYU_CACHE"])
    if not os.environ.get("WARM") and cache.exists():
        shutil.rmtree(cache)


def _scene(scene: SceneSet, url: str) -> Scene:
    from pipeline.model.scene import Band, BandFile, Scene

    together = len(scene.files) == 1
    files = {
        f"B{band + 1}": BandFile(
            f"{url}/{scene.files[0 if together else band]}", Band(f"B{band + 1}", band + 1 if together else 1)
        )
        for band in range(scene.bands)
    }
    return Scene(scene.name, dt.date(2026, 4, 1), files)


@dataclass(frozen=True)
class _Task:
    """What all tiles share; the threads of this process find it in ``_TASK``."""

    scene: Scene
    side_px: int
    pixel_m: float
    corridor: shapely.Geometry
    sink: measure.Sink


_TASK: list[_Task] = []


def one(job: tuple[Tile, shapely.Geometry]) -> None:
    """Read one tile, blocks ahead of it in the same requests."""
    from pipeline.imagery.reader import RasterioReader
    from pipeline.imagery.stack import read_scene

    (tile, ahead), task = job, _TASK[0]
    within = shapely.intersection(task.corridor, tile.grid.footprint)
    names = [*task.scene.files]
    layer = read_scene(task.scene, tile.grid, names, reader=RasterioReader(ahead=ahead), within=within)
    if layer is None:  # the road goes on where the scene ends
        return
    inner = slice(HALO_PX, -HALO_PX)
    bands = np.stack([layer[name].to_numpy()[0, inner, inner] for name in names])
    row = round((NORTH_M - tile.square.bounds[3]) / task.pixel_m)
    col = round((tile.square.bounds[0] - WEST_M) / task.pixel_m)
    top, left = max(-row, 0), max(-col, 0)
    task.sink(row + top, col + left, bands[:, top : task.side_px - row, left : task.side_px - col])


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    from pipeline.execution import DaskOptions, run_all
    from pipeline.geo.tiling import tiles_over
    from pipeline.run.plan import AHEAD_TILES

    _TASK.append(_Task(_scene(scene, url), scene.side_px, scene.pixel_m, scene.corridor, sink))
    tiles = tiles_over(
        scene.corridor, epsg=EPSG, pixel_m=scene.pixel_m, tile_px=TILE_PX, halo_px=HALO_PX,
        along=gpd.GeoSeries([scene.road]),
    )  # fmt: skip

    def jobs() -> Iterator[tuple[Tile, shapely.Geometry]]:
        ahead = shapely.Polygon()
        for number, tile in enumerate(tiles):
            if number % AHEAD_TILES == 0:  # as Plan.jobs does
                near = tiles[max(number - 1, 0) : number + AHEAD_TILES + 1]
                ahead = shapely.union_all([some.core for some in near])
            yield tile, ahead

    for _ in run_all(one, jobs(), DaskOptions(scheduler="threads", workers=2)):
        pass


if __name__ == "__main__":
    measure.main(read, warm)
