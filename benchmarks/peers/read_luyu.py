"""This package, as its main job reads: tiles in road order by two threads, blocks ahead in the same requests, no cache
to begin with. ``LUYU_CACHE`` names the folder of the cache; with WARM=1 it may hold what an earlier run fetched."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
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

    from pipeline.imagery import stack
    from pipeline.run import executor, plan

    # as peers, with all imports done
    assert all((dask.array, distributed, filelock, keyring.get_keyring(), obstore, tifffile, urllib3, xr, stack, plan))
    assert executor
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


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    from pipeline.config.run_config import DaskOptions
    from pipeline.geo.tiling import tiles_over
    from pipeline.imagery.reader import RasterioReader
    from pipeline.imagery.stack import read_scene
    from pipeline.run.executor import run_all
    from pipeline.run.plan import AHEAD_TILES

    one_scene, corridor = _scene(scene, url), scene.corridor
    tiles = tiles_over(
        corridor, epsg=EPSG, pixel_m=scene.pixel_m, tile_px=TILE_PX, halo_px=HALO_PX,
        along=gpd.GeoSeries([scene.road]),
    )  # fmt: skip

    def one(job: tuple[Tile, shapely.Geometry]) -> None:
        tile, ahead = job
        within = shapely.intersection(corridor, tile.grid.footprint)
        layer = read_scene(one_scene, tile.grid, [*one_scene.files], reader=RasterioReader(ahead=ahead), within=within)
        if layer is None:  # the road goes on where the scene ends
            return
        inner = slice(HALO_PX, -HALO_PX)
        bands = np.stack([layer[name].to_numpy()[0, inner, inner] for name in one_scene.files])
        row = round((NORTH_M - tile.square.bounds[3]) / scene.pixel_m)
        col = round((tile.square.bounds[0] - WEST_M) / scene.pixel_m)
        top, left = max(-row, 0), max(-col, 0)
        sink(row + top, col + left, bands[:, top : scene.side_px - row, left : scene.side_px - col])

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
