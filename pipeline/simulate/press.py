"""From a world to a folder: sheets of pixels one at a time, the catalogue, the layers, the truth and the run file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pystac
import shapely
from rasterio.features import geometry_mask

from ..errors import WorkspaceError
from ..model.grid import Grid
from . import catalogue, layers
from .camera import HALO_PX, Shot, expose, shot
from .options import WorldOptions
from .roads import EPSG, ORIGIN_M
from .world import World

SHEET_M = 512.0
SERIES_SHEET_M, SERIES_PIXEL_M = 2560.0, 10.0
_UNDER = 2  # the 10 m series is painted twice as sharp and averaged
_SERIES_SHIFT = 0.4  # its pixels are large: it is shifted by less of them
_ALIGN_PX = 16

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sheet:
    """One sheet: collection, name, grid, and the part of the grid that the corridor touches (the rest is fill)."""

    collection: str
    name: str
    grid: Grid
    part: Grid


def sheets(world: World) -> list[Sheet]:
    """The sharp sheets and those of the 10 m series, each from north to south and west to east."""
    pixel = world.options.resolution_m
    out = list(_lattice("demo-vhr", world.corridor, round(SHEET_M / pixel), pixel))
    if world.options.series:
        out += _lattice("demo-10m", world.corridor, round(SERIES_SHEET_M / SERIES_PIXEL_M), SERIES_PIXEL_M)
    return out


def _lattice(collection: str, corridor: shapely.Geometry, size_px: int, pixel_m: float) -> Iterator[Sheet]:
    size_m = size_px * pixel_m
    west, south, east, north = corridor.bounds
    for row in range(int(np.floor((ORIGIN_M[1] - north) / size_m)), int(np.ceil((ORIGIN_M[1] - south) / size_m))):
        for col in range(int(np.floor((west - ORIGIN_M[0]) / size_m)), int(np.ceil((east - ORIGIN_M[0]) / size_m))):
            grid = Grid(EPSG, ORIGIN_M[0] + col * size_m, ORIGIN_M[1] - row * size_m, pixel_m, size_px, size_px)
            touched = corridor.intersection(grid.footprint)
            if touched.area >= 4 * pixel_m**2:
                name = f"r{row:+03d}c{col:+03d}".replace("+", "s").replace("-", "n")
                yield Sheet(collection, name, grid, _part(grid, touched))


def _part(grid: Grid, touched: shapely.Geometry) -> Grid:
    """The smallest window of the sheet, in steps of 16 px, that holds what the corridor touches."""
    step = _ALIGN_PX * grid.pixel_m
    west, south, east, north = touched.bounds
    left, top = int((west - grid.west_m) // step), int((grid.north_m - north) // step)
    rows = min(int(np.ceil((grid.north_m - south) / step)) * _ALIGN_PX, grid.rows) - top * _ALIGN_PX
    cols = min(int(np.ceil((east - grid.west_m) / step)) * _ALIGN_PX, grid.cols) - left * _ALIGN_PX
    return Grid(grid.epsg, grid.west_m + left * step, grid.north_m - top * step, grid.pixel_m, rows, cols)


def simulate(out: str | Path, options: WorldOptions | None = None, progress: Progress | None = None) -> Path:
    """Generate a world and write it into ``out``; returns the path of its ``run.yaml``.

    One sheet per thread is in memory at a time. ``progress`` is told (sheets written, sheets in all).
    """
    return write_world(World.generate(options), Path(out), progress)


def write_world(world: World, folder: Path, progress: Progress | None) -> Path:
    """Write everything into ``folder``; returns the path of ``run.yaml``, which is written last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot be made: {error.strerror}; choose a folder that you may write to, --out DIR"
        raise WorkspaceError(f"{folder}: {why}") from error
    _write_tables(world, folder)
    jobs = sheets(world)
    items: dict[str, list[pystac.Item]] = {}
    with ThreadPoolExecutor(world.options.workers) as pool:
        made = pool.map(lambda sheet: _write_sheet(world, folder / "imagery", sheet), jobs)
        for done, (sheet, found) in enumerate(zip(jobs, made, strict=True), 1):
            items.setdefault(sheet.collection, []).extend(found)
            if progress is not None:
                progress(done, len(jobs))
    about = {
        "demo-vhr": "Sharp images of the corridor, simulated.",
        "demo-10m": "A 10 m series of the corridor, simulated.",
    }
    catalogue.write_catalogue(folder / "imagery", {name: (about[name], found) for name, found in items.items()})
    path = folder / "run.yaml"
    path.write_text(run_yaml(world.options), encoding="utf-8")
    return path


def _write_tables(world: World, folder: Path) -> None:
    tables = {
        "roads": layers.roads_layer(world.options, world.roads),
        "stakes": layers.stakes_layer(world.options, world.roads),
        "counties": layers.counties_layer(world.counties),
        "permits": layers.permits_layer(world.permits),
        "announced": layers.announced_layer(world.roads),
        "exempt": layers.exempt_layer(world.things),
        "bridges": layers.bridges_layer(world.roads),
        "culverts": layers.culverts_layer(world.roads),
        "townships": layers.townships_layer(world.counties),
        "registry": layers.registry_layer(world.sites),
    }
    layers.write_gpkg(folder / "layers.gpkg", tables)
    known = {
        "findings": world.truth,
        "sites": world.site_states,
        "stages": world.site_stages,
        "grain_days": world.grain_days,
    }
    layers.write_gpkg(folder / "truth.gpkg", known)
    (folder / "layers.yaml").write_text(layers.LAYERS_YAML, encoding="utf-8")


def _write_sheet(world: World, folder: Path, sheet: Sheet) -> list[pystac.Item]:
    """One sheet at every date of its collection; what does not change is worked out once."""
    options, part = world.options, sheet.part
    sharp = sheet.collection == "demo-vhr"
    under = 1 if sharp else _UNDER
    grid = Grid(EPSG, part.west_m, part.north_m, part.pixel_m / under, part.rows * under, part.cols * under)
    wide = grid.padded(HALO_PX)
    still = world.still(wide)
    near = geometry_mask([world.corridor], part.shape, part.transform, invert=True)
    items = []
    for day in options.days if sharp else options.series_days:
        taken = shot(options, day)
        if not sharp:
            columns, rows = taken.shift_px
            taken = replace(taken, shift_px=(columns * _SERIES_SHIFT, rows * _SERIES_SHIFT))
        numbers, mask = expose(options, taken, wide, world.paint(wide, taken, still))
        if not sharp:
            numbers, mask = _averaged(numbers, mask)
        items.append(_save(folder, sheet, taken, numbers * near, np.where(near, mask, 255).astype(np.uint8), options))
    return items


def _averaged(numbers: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of blocks of pixels, and the worst of their mask."""
    rows, cols = mask.shape[0] // _UNDER, mask.shape[1] // _UNDER
    blocks = numbers.reshape(4, rows, _UNDER, cols, _UNDER)
    worst = mask.reshape(rows, _UNDER, cols, _UNDER).max(axis=(1, 3))
    return np.round(blocks.mean(axis=(2, 4))).astype(np.uint16), worst


def _save(
    folder: Path, sheet: Sheet, taken: Shot, numbers: np.ndarray, mask: np.ndarray, options: WorldOptions
) -> pystac.Item:
    grid, part = sheet.grid, sheet.part
    row = round((grid.north_m - part.north_m) / grid.pixel_m)
    col = round((part.west_m - grid.west_m) / grid.pixel_m)
    inner = (slice(row, row + part.rows), slice(col, col + part.cols))
    whole, whole_mask = np.zeros((4, *grid.shape), np.uint16), np.full(grid.shape, 255, np.uint8)
    whole[:, inner[0], inner[1]] = numbers
    whole_mask[inner] = mask
    shift = options.hazards.shift
    item = catalogue.item(
        f"{sheet.collection}-{sheet.name}-{taken.day:%Y%m%d}",
        grid,
        taken,
        cloudy=float((mask == 1).sum() / max((mask != 255).sum(), 1)),
        geo_rmse_m=float(np.hypot(0.3, 0.72 * shift.size * shift.on * grid.pixel_m)),
    )
    place = folder / sheet.collection / item.id
    catalogue.write_cog(place / f"{item.id}.tif", whole, grid, nodata=0, names=catalogue.BANDS)
    catalogue.write_cog(place / f"{item.id}_mask.tif", whole_mask[None], grid, nodata=255, names=("mask",))
    return item


def run_yaml(options: WorldOptions) -> str:
    """The run configuration of a written world."""
    # Harvests of earlier years are there for runs of their own.
    before = [day for day in options.days if day <= options.last_absent and day.year == options.last_absent.year]
    after = [day for day in options.days if day >= options.first_seen]
    week = dt.timedelta(days=7)
    return f"""\
name: demo
layers: layers.yaml
imagery:
  source: {{kind: stac, url: imagery/catalog.json, collection: demo-vhr}}
  before: {min(before) - week}/{max(before) + week}
  after: {min(after) - week}/{max(after) + week}
  resolution_m: {options.resolution_m:g}
detectors:
  - {{use: building}}
  - {{use: grain_drying}}
  - {{use: roadworks}}
  - {{use: stockpile}}
  - {{use: billboard}}
output: output
ledger: ledger.sqlite
"""
