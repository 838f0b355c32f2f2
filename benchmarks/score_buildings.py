"""Scores of the building detector on real labelled pairs: pixels, objects, false objects per km2.

    python benchmarks/score_buildings.py [SET ...] [--swap] [--overlays DIR]

Reads ../shared/real or $LUYU_REAL_DATA. All pairs are brought to 0.5 m; before is registered to after and matched to
its radiometry as in a run. The shipped weights were fitted on these pairs except egybcd;
``fit_buildings.py`` prints what a set scores when it, and all of its origin, was not used.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import rasterio
import xarray as xr
from rasterio.features import rasterize

from pipeline.detectors import building
from pipeline.detectors.base import View
from pipeline.imagery.raster import burn
from pipeline.model.grid import Grid
from pipeline.prepare.radiometry import match
from pipeline.prepare.register import register

REAL = Path(os.environ.get("LUYU_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "real"))
PIXEL_M = {"levir": 0.5, "fotbcd": 0.2, "whu": 0.25, "egybcd": 0.28, "dsifn": 0.6, "sztaki": 1.5}
SETS = ("roadside_vhr", "levir", "fotbcd", "whu", "egybcd")


def read(path: Path) -> np.ndarray:
    with warnings.catch_warnings(), rasterio.open(path) as file:
        warnings.simplefilter("ignore")
        return np.moveaxis(file.read()[:3], 0, -1)


def resampled(image: np.ndarray, factor: float) -> np.ndarray:
    if abs(factor - 1) < 1e-6:
        return image
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    if image.dtype == bool:
        return cv2.resize(image.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def pairs(name: str, pixel_m: float = 0.5) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(id, before, after, truth) at ``pixel_m``: uint8 RGB, bool."""
    if name == "roadside_vhr":
        folder = REAL / name
        files = sorted((folder / "imagery").glob("*.tif"))
        with rasterio.open(files[0]) as file:
            shapes = gpd.read_file(folder / "truth.gpkg", layer="findings").geometry
            truth = rasterize(shapes, file.shape, transform=file.transform) > 0
        yield name, *(resampled(image, 0.5 / pixel_m) for image in (read(files[0]), read(files[1]), truth))
        return
    folder = REAL / "building_pairs" / name
    for path in sorted((folder / "A").iterdir()):
        images = read(path), read(folder / "B" / path.name), read(folder / "label" / path.name)[..., 0] > 0
        yield path.stem, *(resampled(image, PIXEL_M[name] / pixel_m) for image in images)


def dataset(rgb: np.ndarray) -> xr.Dataset:
    bands = {n: (("y", "x"), rgb[..., k].astype(np.float32) / 255) for k, n in enumerate(("red", "green", "blue"))}
    return xr.Dataset(bands)


def prepared(before: np.ndarray, after: np.ndarray, pixel_m: float = 0.5) -> tuple[xr.Dataset, xr.Dataset]:
    """Both dates as a run hands them to a detector."""
    return laid_over(dataset(before), dataset(after), pixel_m)


def laid_over(before: xr.Dataset, after: xr.Dataset, pixel_m: float) -> tuple[xr.Dataset, xr.Dataset]:
    """``before`` registered to ``after`` and in its radiometry, and ``after``."""
    moved = register(before, after, pixel_m)
    return match(before if moved.refused else moved.aligned, after)[0], after


def sheets(world: Path) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """(before, after, truth) of each sheet of a simulated world, clouds and their shadows NaN."""
    truth = gpd.read_file(world / "truth.gpkg")
    shapes = list(truth[truth.kind == "building"].geometry)
    files = sorted(f for f in (world / "imagery" / "demo-vhr").glob("*/*.tif") if "_mask" not in f.name)
    by_sheet: dict[str, list[Path]] = {}
    for file in files:
        by_sheet.setdefault(file.stem.rsplit("-", 1)[0], []).append(file)
    for dates in by_sheet.values():
        images = []
        for path in (dates[0], dates[-1]):
            with rasterio.open(path) as file, rasterio.open(path.with_name(path.stem + "_mask.tif")) as clear:
                bad = cv2.dilate((clear.read(1) > 0).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
                values = np.where(bad, np.nan, file.read() / 10_000).astype(np.float32)
                inside = rasterize(shapes, file.shape, transform=file.transform) > 0 if shapes else np.zeros_like(bad)
            names = ("blue", "green", "red", "nir")
            images.append(xr.Dataset({n: (("y", "x"), v) for n, v in zip(names, values, strict=True)}))
        if not np.isfinite(images[0]["red"].to_numpy() + images[1]["red"].to_numpy()).any():
            continue
        yield images[0], images[1], inside & np.isfinite(images[1]["red"].to_numpy())


def view(before: xr.Dataset, after: xr.Dataset, pixel_m: float = 0.5) -> View:
    shape = after["red"].shape
    grid = Grid(4548, 520_000.0, 3_800_000.0, pixel_m, *shape)
    zones = {n: np.full(shape, n == "corridor") for n in ("pavement", "highway_land", "control_zone", "corridor")}
    roads = gpd.GeoDataFrame(geometry=[], crs=4548)
    return View(grid, before, after, zones, roads, dt.date(2012, 5, 5), dt.date(2017, 10, 20))


def object_counts(found: np.ndarray, truth: np.ndarray, pixel_m: float = 0.5, iou: float = 0.3) -> np.ndarray:
    """(true objects of 18 m2 or more that were met, all such, found objects that meet one, all found)."""
    n, labels = cv2.connectedComponents(truth.astype(np.uint8), connectivity=4)
    m = int(found.max()) + 1
    both = np.bincount((labels.astype(np.int64) * m + found).ravel(), minlength=n * m).reshape(n, m)
    union = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    ratio = np.pad((both / np.maximum(union, 1))[1:, 1:], ((0, 1), (0, 1)))
    large = both.sum(1)[1:] * pixel_m**2 >= 18
    return np.array([(ratio[:-1].max(1)[large] >= iou).sum(), large.sum(), (ratio.max(0)[:-1] >= iou).sum(), m - 1])


def burnt(table: gpd.GeoDataFrame, grid: Grid) -> np.ndarray:
    """Labels 1.. of the candidates, the surest on top."""
    labels = np.zeros(grid.shape, np.int64)
    for k, shape in reversed(list(enumerate(table.geometry, 1))):
        labels[burn([shape], grid) > 0] = k
    return labels


def overlay(path: Path, before: np.ndarray, after: np.ndarray, truth: np.ndarray, table: gpd.GeoDataFrame) -> None:
    """Before and after side by side; truth red, candidates green with their confidence in percent."""
    scale = max(1, round(900 / after.shape[0]))
    picture = cv2.resize(after, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(truth.astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    cv2.drawContours(picture, cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0], -1, (255, 0, 0), 1)
    for shape, confidence in zip(table.geometry, table.confidence, strict=True):
        for ring in (shape.exterior, *shape.interiors):
            xy = (np.array(ring.coords) - (520_000, 3_800_000)) / 0.5 * (scale, -scale)
            cv2.polylines(picture, [xy.round().astype(np.int32)], True, (0, 255, 0), 1)
        x, y = xy.mean(0).astype(int)
        cv2.putText(picture, f"{confidence * 100:.0f}", (int(x), int(y)), 0, 0.5, (255, 255, 0), 1)
    both = np.concatenate([cv2.resize(before, picture.shape[1::-1]), picture], axis=1)
    cv2.imwrite(str(path), cv2.cvtColor(both, cv2.COLOR_RGB2BGR))


def score_set(
    name: str, detector: building.Building, *, swap: bool = False, overlays: Path | None = None
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """(tp, fp, fn) pixels; object counts; km2; CPU seconds of the detector."""
    pixels, objects, area, seconds = np.zeros(3), np.zeros(4), 0.0, 0.0
    for ident, before, after, truth in pairs(name):
        if swap:
            before, after, truth = after, before, np.zeros_like(truth)  # noqa: PLW2901
        seen = view(*prepared(before, after))
        start = time.process_time()
        table = detector(seen)
        seconds += time.process_time() - start
        labels = burnt(table, seen.grid)
        found = labels > 0
        pixels += [(found & truth).sum(), (found & ~truth).sum(), (~found & truth).sum()]
        objects += object_counts(labels, truth)
        area += truth.size * 0.25e-6
        if overlays:
            overlay(overlays / f"{name}_{ident}.png", before, after, truth, table)
    return pixels, objects, area, seconds


def line(name: str, pixels: np.ndarray, objects: np.ndarray, area: float, seconds: float) -> str:
    tp, fp, fn = pixels
    f1 = 2 * tp / max(2 * tp + fp + fn, 1)
    return (
        f"{name:13s} pixel F1 {f1:.3f} P {tp / max(tp + fp, 1):.2f} R {tp / max(tp + fn, 1):.2f} | objects IoU .3: "
        f"recall {objects[0]:.0f}/{objects[1]:.0f} precision {objects[2]:.0f}/{objects[3]:.0f} "
        f"false {(objects[3] - objects[2]) / area:.0f}/km2 | {area * 4 / seconds:.2f} Mpx/s of CPU"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--swap", action="store_true", help="before and after exchanged: everything found is false")
    parser.add_argument("--overlays", type=Path)
    parser.add_argument("--confidence", type=float, default=0.5)
    args = parser.parse_args()
    detector = building.Building(building.BuildingOptions(min_confidence=args.confidence))
    for name in args.sets:
        print(line(name, *score_set(name, detector, swap=args.swap, overlays=args.overlays)), flush=True)


if __name__ == "__main__":
    main()
