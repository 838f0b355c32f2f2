"""This package, as its main job reads: tiles in road order by two threads, blocks ahead in the same requests, no cache
to begin with. ``LUYU_CACHE`` names the folder of the cache; with WARM=1 it may hold what an earlier run fetched."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import geopandas as gpd
import measure
import numpy as np
import shapely
from scenes import EPSG, NORTH_M, WEST_M, SceneSet

TILE_PX, HALO_PX = 768, 32  # a run's default; a detector's view past the tile


def warm() -> None:
    import tifffile  # noqa: F401
    import urllib3  # noqa: F401
    from rasterio.warp import transform

    from pipeline.imagery import reader  # noqa: F401
    from pipeline.run import executor, plan  # noqa: F401

    transform(f"EPSG:{EPSG}", "EPSG:4326", [WEST_M], [NORTH_M])  # PROJ opens its database
    cache = Path(os.environ["LUYU_CACHE"])
    if not os.environ.get("WARM") and cache.exists():
        shutil.rmtree(cache)


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    from pipeline.config.run_config import DaskOptions
    from pipeline.geo.tiling import tiles_over
    from pipeline.imagery.reader import RasterioReader
    from pipeline.model.grid import Tile
    from pipeline.model.scene import Band, BandFile
    from pipeline.run.executor import run_all
    from pipeline.run.plan import _AHEAD_TILES  # noqa: PLC2701  the same look-ahead as a run's

    together = len(scene.files) == 1
    files = [
        BandFile(f"{url}/{scene.files[0 if together else band]}", Band(f"B{band + 1}", band + 1 if together else 1))
        for band in range(scene.bands)
    ]
    by_href: dict[str, list[BandFile]] = {}
    for file in files:
        by_href.setdefault(file.href, []).append(file)
    corridor = scene.corridor
    tiles = tiles_over(
        corridor, epsg=EPSG, pixel_m=scene.pixel_m, tile_px=TILE_PX, halo_px=HALO_PX, along=gpd.GeoSeries([scene.road])
    )

    def one(job: tuple[Tile, shapely.Geometry]) -> None:
        tile, ahead = job
        reader = RasterioReader(ahead=ahead)
        within = shapely.intersection(corridor, tile.grid.footprint)
        bands = [layer for some in by_href.values() for layer in reader.read_many(some, tile.grid, within=within)]
        inner = np.stack(bands)[:, HALO_PX:-HALO_PX, HALO_PX:-HALO_PX]
        row = round((NORTH_M - tile.square.bounds[3]) / scene.pixel_m)
        col = round((tile.square.bounds[0] - WEST_M) / scene.pixel_m)
        top, left = max(-row, 0), max(-col, 0)
        inside = inner[:, top : scene.side_px - row, left : scene.side_px - col]
        sink(row + top, col + left, inside)

    def jobs():
        ahead = None
        for number, tile in enumerate(tiles):
            if number % _AHEAD_TILES == 0:
                near = tiles[max(number - 1, 0) : number + _AHEAD_TILES + 1]
                ahead = shapely.union_all([one.core for one in near])
            yield tile, ahead

    for _ in run_all(one, jobs(), DaskOptions(scheduler="threads", workers=2)):
        pass


if __name__ == "__main__":
    measure.main(read, warm)
