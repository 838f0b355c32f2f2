"""Scenes on the run's grid: reflectance by band, cloud and shadow blanked, the newest clear pixel of several.

No data is NaN and nothing else, and a pixel of a scene is observed in all bands or in none, so that no view is ever
mixed from two days band by band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from ..errors import ImageryError
from ..model.grid import Grid
from ..model.options import Options
from ..model.scene import Scene
from ..tiff.gdal_env import is_remote
from .masks import asked, border, clouded, lonlat_bounds, outside
from .reader import RasterioReader, Reader

if TYPE_CHECKING:
    import xarray as xr

_FILES_AT_ONCE = 16  # of far scenes, in one process
_FOOTPRINT_MARGIN_DEG = 0.001  # footprints in catalogues are rounded; 100 m more costs nothing


class StackOptions(Options):
    """How scenes become reflectance without cloud."""

    mask_margin_m: float = Field(
        default=20.0,
        ge=0,
        le=2000,
        description="Cloud and shadow of a scene's mask are widened by this, m; edges are hazy.",
    )


def overlapping(scenes: Sequence[Scene], grid: Grid) -> tuple[Scene, ...]:
    """The scenes whose part of the ground touches the grid, newest first and by id within a day.

    That part is the footprint and, in a mosaic of several days, the clip; a scene that states neither is kept.
    """
    area = shapely.box(*_lonlat_bounds(grid))
    kept = [
        scene
        for scene in scenes
        if all(
            shape.intersects(area)
            for shape in (scene.footprint_lonlat, scene.clip_lonlat)
            if isinstance(shape, shapely.Geometry)
        )
    ]
    return tuple(sorted(kept, key=lambda scene: (-scene.day.toordinal(), scene.scene_id)))


def load(
    scenes: Sequence[Scene],
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader | None = None,
    options: StackOptions | None = None,
    within: BaseGeometry | None = None,
) -> xr.Dataset:
    """Stack of the scenes that have pixels on the grid, oldest first.

    Dims (time, y, x); a float32 variable per band holding reflectance (DN * scale + offset), NaN where the scene has
    no data or is masked. Coordinates: ``time`` (day), ``y``, ``x`` (pixel centres, m), ``scene_id`` (time) and
    ``clouded`` (time, y, x): there is an image, but its mask calls it cloud, shadow or fill. ``attrs``: ``epsg``,
    ``pixel_m``. A scene that lacks one of the bands or cannot be read raises ImageryError; it is never left out.
    ``within``: polygon in the grid's CRS; beyond it pixels may be left unread, and are NaN then.
    """
    import xarray as xr

    reader = reader or RasterioReader()
    layers = []
    for scene in reversed(overlapping(scenes, grid)):
        layer = read_scene(scene, grid, bands, reader=reader, options=options, within=within)
        if layer is not None:
            layers.append(layer)
    if not layers:
        return _empty(grid, bands)
    return xr.concat(layers, dim="time", join="exact", combine_attrs="override", coords="minimal", compat="equals")


def read_scene(
    scene: Scene,
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader,
    options: StackOptions | None = None,
    within: BaseGeometry | None = None,
) -> xr.Dataset | None:
    """One scene as a stack of one day (see :func:`load`), or None if it has no pixel on the grid."""
    found = scene_pixels(scene, grid, bands, reader=reader, options=options, within=within)
    return None if found is None else _dataset(scene, grid, bands, *found)


def scene_pixels(
    scene: Scene,
    grid: Grid,
    bands: Sequence[str],
    *,
    reader: Reader,
    options: StackOptions | None = None,
    within: BaseGeometry | None = None,
) -> tuple[np.ndarray, np.ndarray] | None:
    """One scene's reflectance, float32 (bands, rows, cols), NaN where not clear, and where its mask calls it so (bool).

    None if it has no pixel on the grid. What the file shows of other days and its unmarked border are no part of the scene:
    no image there.
    """
    options = options or StackOptions()
    missing = [name for name in bands if name not in scene.files]
    if missing:
        raise ImageryError(scene.scene_id, missing[0], f"the scene has only {', '.join(sorted(scene.files))}")
    elsewhere = outside(scene, grid)
    if elsewhere is not None and elsewhere.all():
        return None
    try:
        values = _numbers(scene, grid, bands, reader, within)
        observed = np.logical_and.reduce([np.isfinite(layer) for layer in values])
        if scene.border and observed.any():
            observed &= ~border(scene.border, grid, lambda wide: _numbers(scene, wide, bands, reader, None), values)
        if elsewhere is not None:
            observed &= ~elsewhere
        if not observed.any():
            return None
        box, bad = _box(observed), np.zeros(grid.shape, bool)  # of a scene that ends in the window no more is looked at
        bad[box] = clouded(scene, grid.part(*box), reader, options.mask_margin_m, within) & observed[box]
    except ImageryError as error:
        raise ImageryError(scene.scene_id, error.band, f"{error.scene_id}: {error.why}") from error
    for position, name in enumerate(bands):
        layer = values[position][box]
        layer *= np.float32(scene.files[name].band.scale)
        layer += np.float32(scene.files[name].band.offset)
    np.copyto(values, np.float32(np.nan), where=~observed | bad)
    return values, bad


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a mask that is true somewhere."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def composite(stack: xr.Dataset) -> tuple[xr.Dataset, np.ndarray]:
    """The newest clear pixel of a stack, and where it came from.

    Returns the Dataset with dims (y, x), all bands of a pixel from one scene, and an int16 array (rows, cols): the
    index along the stack's time, -1 where no scene is clear. Coordinate ``clouded``: not observed, but some scene has
    an image there.
    """
    names = list(stack.data_vars)
    shape = stack.sizes["y"], stack.sizes["x"]
    source = np.full(shape, -1, np.int16)
    out = {name: np.full(shape, np.nan, np.float32) for name in names}
    order = np.lexsort((-np.arange(stack.sizes["time"]), -stack["time"].to_numpy().astype("datetime64[D]").astype(int)))
    for index in order:
        layer = {name: stack[name].to_numpy()[index] for name in names}
        fill = (source < 0) & np.logical_and.reduce([np.isfinite(values) for values in layer.values()])
        source[fill] = index
        for name, values in layer.items():
            out[name][fill] = values[fill]
    masked = stack["clouded"].to_numpy().any(axis=0) if "clouded" in stack.coords else np.zeros(shape, bool)
    flat = stack.isel(time=[], drop=True).drop_dims("time").drop_vars(["scene_id", "clouded"], errors="ignore")
    flat = flat.assign({name: (("y", "x"), values) for name, values in out.items()})
    return flat.assign_coords(clouded=(("y", "x"), masked & (source < 0))), source


def estimate_bytes(scenes: Sequence[Scene], grid: Grid, bands: Sequence[str], *, block_px: int = 512) -> int:
    """Bytes that reading these scenes on the grid will fetch, from the scenes' own description; reads nothing.

    A window touches on average one block more than it covers in each direction; ``block_px`` is the assumed block
    size, :attr:`Scene.bytes_per_px` the stored size of a pixel of one band, overviews are assumed where they would
    serve.
    """
    total = 0.0
    area = shapely.box(*_lonlat_bounds(grid))
    for scene in overlapping(scenes, grid):
        native_m = scene.native_pixel_m or grid.pixel_m
        used_m = native_m * 2.0 ** max(0, math.floor(math.log2(grid.pixel_m / native_m)))
        footprint = scene.footprint_lonlat
        share = footprint.intersection(area).area / area.area if isinstance(footprint, shapely.Geometry) else 1.0
        rows, cols = (size * grid.pixel_m / used_m + block_px for size in grid.shape)
        total += share * rows * cols * (len(bands) + (scene.mask is not None)) * scene.bytes_per_px
    return math.ceil(total)


def _numbers(scene: Scene, grid: Grid, bands: Sequence[str], reader: Reader, within: BaseGeometry | None) -> np.ndarray:
    """Digital numbers, (bands, rows, cols) float32; bands of one file read together."""
    by_href: dict[str, list[int]] = {}
    for position, name in enumerate(bands):
        by_href.setdefault(scene.files[name].href, []).append(position)
    values = np.empty((len(bands), *grid.shape), np.float32)

    def read(positions: list[int]) -> None:
        files = [scene.files[bands[position]] for position in positions]
        for position, numbers in zip(
            positions, asked(reader, files, grid, within=within, nodata=scene.nodata), strict=True
        ):
            values[position] = numbers

    if len(by_href) == 1 or not any(is_remote(href) for href in by_href):
        for positions in by_href.values():
            read(positions)
        return values
    list(_beside().map(read, by_href.values()))  # files of a far scene wait for the network at the same time
    return values


@lru_cache(maxsize=1)
def _beside() -> ThreadPoolExecutor:
    """Threads that stay: each new one would open the database of projections again, 10 ms and more."""
    return ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="luyu-files")


def _dataset(scene: Scene, grid: Grid, bands: Sequence[str], values: np.ndarray, bad: np.ndarray) -> xr.Dataset:
    import xarray as xr

    dims = ("time", "y", "x")
    return xr.Dataset(
        {name: (dims, layer[None]) for name, layer in zip(bands, values, strict=True)},
        coords={
            "time": np.array([scene.day], "datetime64[ns]"),
            "y": grid.y_m,
            "x": grid.x_m,
            "scene_id": ("time", np.array([scene.scene_id], object)),
            "clouded": (dims, bad[None]),
        },
        attrs={"epsg": grid.epsg, "pixel_m": grid.pixel_m},
    )


def _empty(grid: Grid, bands: Sequence[str]) -> xr.Dataset:
    import xarray as xr

    dims, shape = ("time", "y", "x"), (0, *grid.shape)
    return xr.Dataset(
        {name: (dims, np.empty(shape, np.float32)) for name in bands},
        coords={
            "time": np.array([], "datetime64[ns]"),
            "y": grid.y_m,
            "x": grid.x_m,
            "scene_id": ("time", np.array([], object)),
            "clouded": (dims, np.empty(shape, bool)),
        },
        attrs={"epsg": grid.epsg, "pixel_m": grid.pixel_m},
    )


def _lonlat_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """West, south, east, north of the grid in degrees, a little widened."""
    west, south, east, north = lonlat_bounds(grid)
    margin = _FOOTPRINT_MARGIN_DEG
    return west - margin, south - margin, east + margin, north + margin
