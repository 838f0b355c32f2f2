"""Small pictures, scenes and files that the tests of this room share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import cv2
import numpy as np
import rasterio
import xarray as xr

from pipeline.model.grid import Grid
from pipeline.model.scene import Band, BandFile, Scene

RGB = ("red", "green", "blue")


def grid(rows: int = 96, cols: int = 128, **changes: float) -> Grid:
    known = {"epsg": 4548, "west_m": 520_000.0, "north_m": 3_800_000.0, "pixel_m": 0.5}
    return Grid(**(known | changes), rows=rows, cols=cols)


def land(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    """Fields, roads and houses, reflectance (3, rows, cols) float32."""
    rng = np.random.default_rng(seed)
    picture = np.full((rows, cols, 3), 0.25, np.float32)
    for _ in range(rows * cols // 4000 + 8):
        centre = rng.uniform((0, 0), (cols, rows))
        size, angle = rng.uniform(10, 60, 2), float(rng.uniform(0, 180))
        corners = cv2.boxPoints((centre.tolist(), size.tolist(), angle)).astype(np.int32)
        cv2.fillPoly(picture, [corners], rng.uniform(0.05, 0.5, 3).tolist())
    for _ in range(rows * cols // 20_000 + 3):
        ends = rng.uniform((0, 0), (cols, rows), (2, 2)).astype(int)
        cv2.line(picture, ends[0].tolist(), ends[1].tolist(), rng.uniform(0.1, 0.3, 3).tolist(), 5)
    texture = cv2.GaussianBlur(rng.normal(0, 0.03, picture.shape).astype(np.float32), (0, 0), 1.0)
    return np.moveaxis(cv2.GaussianBlur(picture, (0, 0), 0.7) + texture, -1, 0).copy()


def dataset(bands: np.ndarray, names: tuple[str, ...] = RGB) -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), band.astype(np.float32)) for name, band in zip(names, bands, strict=True)})


def tiff(path: Path, array: np.ndarray, place: Grid, **profile: object) -> str:
    """Path of a tiled GeoTIFF of ``array`` (bands, rows, cols) lying on ``place``."""
    known = {
        "driver": "GTiff", "dtype": array.dtype.name, "count": len(array), "height": array.shape[1],
        "width": array.shape[2], "crs": f"EPSG:{place.epsg}", "transform": place.transform,
        "tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate", "interleave": "pixel",
    }  # fmt: skip
    with rasterio.open(path, "w", **(known | profile)) as out:
        out.write(array)
    return str(path)


def band_file(href: str, name: str = "red", index: int = 1, scale: float = 1.0, offset: float = 0.0) -> BandFile:
    return BandFile(href, Band(name, index, scale, offset))


def scene(href: str, day: str = "2024-10-01", *, scale: float = 1.0, **changes: object) -> Scene:
    files = {name: band_file(href, name, index, scale) for index, name in enumerate(RGB, 1)}
    return Scene(**({"scene_id": f"S{day}", "day": dt.date.fromisoformat(day), "files": files} | changes))
