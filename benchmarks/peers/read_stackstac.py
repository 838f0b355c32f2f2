"""stackstac: only the chunks of touched blocks computed, by eight threads; or (PLAIN=1) all within the bounds."""

from __future__ import annotations

import os

import measure
import numpy as np
from gdal_settings import SETTINGS
from items import item
from scenes import EPSG, NORTH_M, WEST_M, SceneSet


def warm() -> None:
    import stackstac  # noqa: F401


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    import dask
    import stackstac
    from stackstac.rio_env import LayeredEnv

    env = LayeredEnv(always=SETTINGS, open={}, read={})
    one = item(scene, url)
    side_m, p = scene.side_px * scene.pixel_m, scene.pixel_m
    west, south, east, north = WEST_M, NORTH_M - side_m, WEST_M + side_m, NORTH_M
    plain = bool(os.environ.get("PLAIN"))
    if plain:
        west, south, east, north = scene.corridor.bounds
        west, east = (WEST_M + f((v - WEST_M) / p) * p for f, v in ((np.floor, west), (np.ceil, east)))
        south, north = (NORTH_M - f((NORTH_M - v) / p) * p for f, v in ((np.ceil, south), (np.floor, north)))
    cube = stackstac.stack(
        one, assets=list(one["assets"]), epsg=EPSG, resolution=p, bounds=(west, south, east, north), dtype=scene.dtype,
        fill_value=np.dtype(scene.dtype).type(0), rescale=False, chunksize=scene.block_px, gdal_env=env,
        xy_coords=False, properties=False, band_coords=False,
    ).isel(time=0)  # fmt: skip
    with dask.config.set(scheduler="threads", num_workers=8):
        if plain:
            sink(round((NORTH_M - north) / p), round((west - WEST_M) / p), cube.compute().values)
            return
        chunks = [
            cube.data[:, row : row + rows, col : col + cols] for row, col, rows, cols in map(scene.window, scene.blocks)
        ]
        for block, pixels in zip(scene.blocks, dask.compute(*chunks), strict=True):
            sink(*scene.window(block)[:2], pixels)


if __name__ == "__main__":
    measure.main(read, warm)
