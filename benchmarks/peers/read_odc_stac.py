"""odc-stac: a load for each touched block, by eight threads (an expert's use); or (PLAIN=1) one with ``geopolygon``."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import measure
import numpy as np
from gdal_settings import SETTINGS
from items import item
from scenes import EPSG, NORTH_M, WEST_M, SceneSet


def warm() -> None:
    import odc.stac
    import pystac  # noqa: F401

    odc.stac.configure_rio(cloud_defaults=True, **SETTINGS)


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    import odc.stac
    import pystac
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from odc.geo.geom import Geometry

    items = [pystac.Item.from_dict(item(scene, url))]
    names = list(items[0].assets)

    def one(window: tuple[int, int, int, int]) -> None:
        row, col, rows, cols = window
        p = scene.pixel_m
        place = Affine(p, 0, WEST_M + col * p, 0, -p, NORTH_M - row * p)
        cube = odc.stac.load(items, bands=names, geobox=GeoBox((rows, cols), place, f"EPSG:{EPSG}"), pool=1)
        sink(row, col, np.stack([cube[name].isel(time=0).values for name in names]))

    if not os.environ.get("PLAIN"):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, map(scene.window, scene.blocks)))
        return
    cube = odc.stac.load(
        items, bands=names, crs=f"EPSG:{EPSG}", resolution=scene.pixel_m, anchor="edge", pool=8,
        geopolygon=Geometry(scene.corridor, f"EPSG:{EPSG}"),
    )  # fmt: skip
    row = round((NORTH_M - float(cube.y[0])) / scene.pixel_m - 0.5)
    col = round((float(cube.x[0]) - WEST_M) / scene.pixel_m - 0.5)
    sink(row, col, np.stack([cube[name].isel(time=0).values for name in names]))


if __name__ == "__main__":
    measure.main(read, warm)
