"""Imagery against its peers, in one process, run in turn: reading, registration, normalisation, burning, tracing.

Prints the ratio of our median time to the peer's; below 1 is faster. The pictures are drawn here, from a fixed seed.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import rasterio
import shapely
import xarray as xr
from rasterio.features import rasterize, shapes
from rasterio.warp import Resampling, reproject
from rasterio.windows import Window
from skimage.registration import phase_cross_correlation

from pipeline.imagery import RasterioReader, burn, polygons, write_cog
from pipeline.model.grid import Grid
from pipeline.model.scene import Band, BandFile
from pipeline.prepare import match, register
from pipeline.prepare.resample import moved

SIDE = 1024
BANDS = ("red", "green", "blue")
ROUNDS = 3


def duel(name: str, ours: Callable[[], object], peer: Callable[[], object], peer_name: str) -> float:
    """Ratio of median wall times, ours to the peer's, measured in turn after one warm-up each."""
    ours(), peer()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for run, seconds in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
    mine, theirs = (statistics.median(seconds) for seconds in times)
    mpx = SIDE * SIDE / 1e6
    print(
        f"{name:34} {mpx / mine:8.1f} Mpx/s   {mine / theirs:6.2f} x the time of {peer_name} ({mpx / theirs:.1f} Mpx/s)"
    )
    return mine / theirs


def picture(seed: int) -> np.ndarray:
    """Fields and houses with some texture, uint8 (bands, rows, cols), a little larger than a tile."""
    rng = np.random.default_rng(seed)
    side = SIDE + 512
    image = np.full((side, side, 3), 90, np.uint8)
    for _ in range(900):
        corners = cv2.boxPoints(
            (rng.uniform(0, side, 2).tolist(), rng.uniform(10, 120, 2).tolist(), rng.uniform(0, 180))
        )
        cv2.fillPoly(image, [corners.astype(np.int32)], rng.integers(20, 200, 3).tolist())
    noisy = image + rng.normal(0, 6, image.shape)
    return np.moveaxis(np.clip(noisy, 0, 255), -1, 0).astype(np.uint8)


def dataset(bands: np.ndarray) -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), band.astype(np.float32)) for name, band in zip(BANDS, bands, strict=True)})


def reading(folder: Path, pixels: np.ndarray) -> None:
    whole = Grid(4548, 520_000.0, 3_800_000.0, 0.5, *pixels.shape[1:])
    path = str(write_cog(folder / "scene.tif", pixels, whole))
    files = [BandFile(path, Band(name, index)) for index, name in enumerate(BANDS, 1)]
    reader = RasterioReader()
    aligned = Grid(4548, 520_100.0, 3_799_900.0, 0.5, SIDE, SIDE)
    apart = Grid(4548, 520_100.2, 3_799_900.1, 0.5, SIDE, SIDE)

    def plain() -> np.ndarray:
        with rasterio.open(path) as source:
            return source.read(window=Window(200, 200, SIDE, SIDE))

    def plain_warp() -> np.ndarray:
        out = np.zeros((3, SIDE, SIDE), np.uint8)
        with rasterio.open(path) as source:
            reproject(
                rasterio.band(source, [1, 2, 3]), out, dst_transform=apart.transform, dst_crs="EPSG:4548",
                resampling=Resampling.bilinear,
            )  # fmt: skip
        return out

    assert np.array_equal(np.stack(reader.read_many(files, aligned)), plain())
    duel("read, aligned, 3 bands", lambda: reader.read_many(files, aligned), plain, "plain rasterio window")
    duel("read, other phase, 3 bands", lambda: reader.read_many(files, apart), plain_warp, "rasterio reproject")
    duel(
        "read, bands one by one",
        lambda: [reader.read(file, aligned) for file in files],
        lambda: reader.read_many(files, aligned),
        "our one read of all",
    )


def comparing(pixels: np.ndarray) -> None:
    shift_px = (2.3, -1.6)
    fixed = pixels[:, :SIDE, :SIDE].astype(np.float32)
    moving = np.stack([moved(band.astype(np.float32), shift_px) for band in pixels])[:, :SIDE, :SIDE] * 0.8 + 5
    moving = np.nan_to_num(moving).astype(np.float32)
    grey = fixed.mean(axis=0).astype(np.float64), moving.mean(axis=0).astype(np.float64)
    window = cv2.createHanningWindow((SIDE, SIDE), cv2.CV_64F)
    found = register(dataset(moving), dataset(fixed), 0.5)
    cv = cv2.phaseCorrelate(grey[1], grey[0], window)[0]
    sk = phase_cross_correlation(*grey, upsample_factor=20, normalization=None)[0]
    truth = -np.array(shift_px)
    for name, answer in (("ours", found.shift_px), ("OpenCV", cv[::-1]), ("scikit-image", sk)):
        print(f"  shift error of {name}: {np.hypot(*(np.array(answer) - truth)):.3f} px")
    duel("register, 3 bands, with evidence", lambda: register(dataset(moving), dataset(fixed), 0.5),
         lambda: cv2.phaseCorrelate(grey[1], grey[0], window), "cv2.phaseCorrelate, 1 band")  # fmt: skip
    duel("  the same", lambda: register(dataset(moving), dataset(fixed), 0.5),
         lambda: phase_cross_correlation(*grey, upsample_factor=20, normalization=None),
         "scikit-image phase correlation, 1 band")  # fmt: skip
    before, after = dataset(moving), dataset(fixed)

    def least_squares() -> list[np.ndarray]:
        return [np.polyfit(before[name].to_numpy().ravel(), after[name].to_numpy().ravel(), 1) for name in BANDS]

    duel("match, 3 bands, robust", lambda: match(before, after), least_squares, "numpy least squares on all pixels")


def tracing() -> None:
    rng = np.random.default_rng(0)
    mask = cv2.GaussianBlur(rng.random((SIDE, SIDE)).astype(np.float32), (0, 0), 4) > 0.52
    grid = Grid(4548, 520_000.0, 3_800_000.0, 0.5, SIDE, SIDE)
    found = polygons(mask, grid)
    geometries = list(found)

    def gdal_trace() -> list[shapely.Geometry]:
        pieces = shapes(mask.astype(np.uint8), mask=mask, connectivity=8, transform=grid.transform)
        return [shapely.geometry.shape(shape) for shape, _ in pieces]

    assert len(found) == len(gdal_trace())
    assert np.array_equal(burn(found, grid), mask)
    duel(f"polygons of {len(found)} objects", lambda: polygons(mask, grid), gdal_trace, "rasterio.features.shapes")
    duel(
        f"burn {len(found)} polygons",
        lambda: burn(found, grid),
        lambda: rasterize(geometries, out_shape=grid.shape, transform=grid.transform),
        "rasterio rasterize",
    )


def main() -> None:
    pixels = picture(0)
    with tempfile.TemporaryDirectory() as folder:
        reading(Path(folder), pixels)
    comparing(pixels)
    tracing()


if __name__ == "__main__":
    main()
