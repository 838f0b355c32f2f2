"""Raw images (L1A) on the run's grid: placed by their rational polynomials over a terrain, only the window needed.

Each pixel of the grid has a height, from the elevation model or one for all; the polynomials tell the row and column
where that point of the ground is seen, computed for every pixel and not interpolated between a few. What then remains
is the error of the satellite's own position (tens of metres, the same over a scene), which no terrain removes.

A wrong height of dh metres moves a pixel by dh * tan(angle off the vertical): 3.6 m for 10 m at 20 degrees. Polynomials
want heights above the ellipsoid. Models of heights above sea level differ from those by the height of the geoid, which
in China is some metres to some tens of metres and nearly the same over a county; ``Ortho.geoid_m`` adds it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import ImageryError, LuyuError
from ..geo.rpc import Rpc
from ..model.grid import Grid
from ..model.scene import BandFile, Ortho
from ..tiff.gdal_env import checked, gdal_env
from ..tiff.local_tiff import check_alone, opened_tiff

if TYPE_CHECKING:
    from rasterio.io import DatasetReader
    from shapely.geometry.base import BaseGeometry

_MARGIN_PX = 2  # source pixels beyond the window, for the kernel
_MIN_WEIGHT = 0.5  # of a pixel's kernel that must hold data
_MAX_BYTES = 2**30
_VOID = -32768.0  # of elevation models that name no nodata value


def read_ortho(
    files: Sequence[BandFile],
    grid: Grid,
    *,
    nodata: float | None = None,
    resampling: Literal["bilinear", "nearest"] = "bilinear",
    within: BaseGeometry | None = None,
) -> list[np.ndarray]:
    """Digital numbers of bands of one raw file: float32 (rows, cols) each, NaN outside the image and without data.

    The file lies on this machine, with its polynomials in it or beside it (.rpb, _rpc.txt, .rpc). A pixel is without
    data if all bands hold ``nodata``, or the file's own value. Where the file's pixels are smaller than the grid's by
    whole factors they are averaged first. ``within``: polygon in the grid's CRS; beyond its bounds nothing is read.

    ImageryError when the file cannot be read, has no polynomials, or the elevation model has no height under the image.
    """
    hrefs, orthos = {file.href for file in files}, {file.ortho for file in files}
    if len(hrefs) != 1 or len(orthos) != 1:
        raise ValueError("read_ortho takes bands of one file, placed in one way")
    href, names = files[0].href, ",".join(file.band.name for file in files)
    out = [np.full(grid.shape, np.nan, np.float32) for _ in files]
    part = _part(grid, within)
    if part is None:
        return out
    rows, cols, window = part
    try:
        with gdal_env(), _opened(checked(href)) as source:
            numbers = _read(source, files, window, nodata, resampling)
    except LuyuError:
        raise
    except (ValueError, OSError) as error:  # rasterio's errors are OSErrors
        raise ImageryError(href, names, str(error) or type(error).__name__) from error
    for layer, values in zip(out, numbers, strict=True):
        layer[rows, cols] = values
    return out


@contextmanager
def _opened(href: str) -> Iterator[DatasetReader]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # that is what raw means
            if "://" not in href and Path(href).exists():
                check_alone(Path(href))
            source = rasterio.open(href, driver="GTiff", sharing=False)
        with source:
            yield source
    except (RasterioError, ValueError) as error:
        raise OSError(str(error)) from error


def _part(grid: Grid, within: BaseGeometry | None) -> tuple[slice, slice, Grid] | None:
    """Rows, columns and grid of the part under the bounds of ``within``; None when they do not meet."""
    if within is None:
        return slice(0, grid.rows), slice(0, grid.cols), grid
    if within.is_empty:
        return None
    west, south, east, north = within.bounds
    first_row = max(int((grid.north_m - north) // grid.pixel_m), 0)
    first_col = max(int((west - grid.west_m) // grid.pixel_m), 0)
    last_row = min(int(-((south - grid.north_m) // grid.pixel_m)), grid.rows)
    last_col = min(int(-((grid.west_m - east) // grid.pixel_m)), grid.cols)
    if last_row <= first_row or last_col <= first_col:
        return None
    part = Grid(
        grid.epsg,
        grid.west_m + first_col * grid.pixel_m,
        grid.north_m - first_row * grid.pixel_m,
        grid.pixel_m,
        last_row - first_row,
        last_col - first_col,
    )
    return slice(first_row, last_row), slice(first_col, last_col), part


def _read(
    source: DatasetReader, files: Sequence[BandFile], grid: Grid, nodata: float | None, resampling: str
) -> list[np.ndarray]:
    href, ortho = files[0].href, files[0].ortho or Ortho()
    indexes = [file.band.index for file in files]
    missing = [index for index in indexes if index > source.count]
    if missing:
        raise ValueError(f"the file has {source.count} bands, no band {missing[0]}; check the sensor profile")
    rpc = Rpc.beside(Path(href)) or _own(source, href)
    lon, lat = _lonlat(grid)
    row, col = _where_seen(rpc, lon, lat, ortho, grid, source.shape)
    empty = [np.full(grid.shape, np.nan, np.float32) for _ in files]
    inside = (row > -1) & (row < source.height) & (col > -1) & (col < source.width)
    if not inside.any():
        return empty
    factor = max(1, int(grid.pixel_m / rpc.pixel_m + 0.01)) if resampling == "bilinear" else 1
    window = _window(row[inside], col[inside], source.shape, factor)
    if window[2] * window[3] * len(files) * 4 > _MAX_BYTES:
        raise ValueError(f"{window[2]} x {window[3]} of its pixels lie under one window; use smaller tiles")
    pixels = _pixels(source, indexes, window, nodata)
    if factor > 1:
        pixels = _averaged(pixels, factor)
    # Centre of a block of pixels, in blocks.
    row, col = ((v - start - (factor - 1) / 2) / factor for v, start in ((row, window[0]), (col, window[1])))
    return [_sampled(band, row, col, resampling) for band in pixels]


def _own(source: DatasetReader, href: str) -> Rpc:
    if source.rpcs is None:
        raise ValueError("a raw image without polynomials: put its .rpb, _rpc.txt or .rpc beside it")
    return Rpc.from_gdal(source.rpcs.to_gdal(), href)


@lru_cache(maxsize=16)
def _to_lonlat(epsg: int) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(epsg, 4326, always_xy=True)


def _lonlat(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of the centre of every pixel, degrees, (rows, cols) each."""
    x, y = np.meshgrid(grid.x_m, grid.y_m)
    lon, lat = _to_lonlat(grid.epsg).transform(x, y)
    return lon, lat


def _where_seen(
    rpc: Rpc, lon: np.ndarray, lat: np.ndarray, ortho: Ortho, grid: Grid, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the raw image, from the centre of its first pixel, where each pixel of the grid is seen."""
    if ortho.dem is None:
        return rpc.image(lon, lat, ortho.height_m)
    heights = _heights(ortho.dem, grid) + ortho.geoid_m
    unknown = ~np.isfinite(heights)
    if unknown.any():
        row, col = rpc.image(lon, lat, rpc.height_off)
        under = unknown & (row > -1) & (row < shape[0]) & (col > -1) & (col < shape[1])
        if under.any():
            raise ValueError(
                f"the elevation model {ortho.dem} has no height on {under.mean():.1%} of the window; fill its gaps"
            )
    return rpc.image(lon, lat, heights)


def _heights(dem: str, grid: Grid) -> np.ndarray:
    """Heights of the model on the grid, bilinear between its posts, m; NaN where it has none."""
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError
    from rasterio.vrt import WarpedVRT

    try:
        with opened_tiff(dem) as source:
            if source.crs is None:
                raise ValueError(f"the elevation model {dem} names no coordinate system; write it in")
            with WarpedVRT(
                source,
                crs=f"EPSG:{grid.epsg}",
                transform=grid.transform,
                width=grid.cols,
                height=grid.rows,
                resampling=Resampling.bilinear,
                dtype="float32",
                nodata=np.nan,
                src_nodata=_VOID if source.nodata is None else source.nodata,
            ) as view:
                heights = view.read(1)
    except RasterioError as error:
        raise ValueError(f"the elevation model {dem} cannot be read: {error}") from error
    return heights.astype(np.float64)


def _window(row: np.ndarray, col: np.ndarray, shape: tuple[int, int], factor: int) -> tuple[int, int, int, int]:
    """Row, column, rows and columns of the source that the sampling touches, a multiple of ``factor`` in from the corner."""
    starts, sizes = [], []
    for values, size in ((row, shape[0]), (col, shape[1])):
        first = max(int(np.floor(values.min())) - _MARGIN_PX * factor, 0) // factor * factor
        last = min(int(np.ceil(values.max())) + 1 + _MARGIN_PX * factor, size)
        starts.append(first)
        sizes.append(last - first)
    return starts[0], starts[1], sizes[0], sizes[1]


def _pixels(
    source: DatasetReader, indexes: Sequence[int], window: tuple[int, int, int, int], nodata: float | None
) -> np.ndarray:
    """Float32 (bands, rows, cols) of the window, NaN where no band holds data."""
    from rasterio.windows import Window

    row, col, rows, cols = window
    pixels = source.read(list(indexes), window=Window(col, row, cols, rows), out_dtype=np.float32)
    value = nodata if nodata is not None else source.nodata
    if value is not None:
        pixels[:, (pixels == np.float32(value)).all(axis=0)] = np.nan
    return pixels


def _averaged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Means of square blocks over what they hold, (bands, rows / factor, cols / factor), cut blocks included."""
    bands, rows, cols = pixels.shape
    more = (-rows) % factor, (-cols) % factor
    whole = np.pad(pixels, ((0, 0), (0, more[0]), (0, more[1])), constant_values=np.nan)
    blocks = whole.reshape(bands, whole.shape[1] // factor, factor, whole.shape[2] // factor, factor)
    known = np.isfinite(blocks)
    count = known.sum(axis=(2, 4))
    total = np.where(known, blocks, 0).sum(axis=(2, 4), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(count * 2 >= factor * factor, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _sampled(band: np.ndarray, row: np.ndarray, col: np.ndarray, resampling: str) -> np.ndarray:
    """Values of ``band`` at rows and columns (centres of pixels at whole numbers), float32; NaN outside, beside gaps."""
    rows, cols = band.shape
    outside = ~((row >= -0.5) & (row <= rows - 0.5) & (col >= -0.5) & (col <= cols - 0.5))
    r, c = np.where(outside, 0, row), np.where(outside, 0, col)
    if resampling == "nearest":
        at = np.clip(np.rint(r), 0, rows - 1).astype(int), np.clip(np.rint(c), 0, cols - 1).astype(int)
        return np.where(outside, np.float32(np.nan), band[at])
    r, c = np.clip(r, 0, rows - 1), np.clip(c, 0, cols - 1)
    top, left = np.minimum(r.astype(int), max(rows - 2, 0)), np.minimum(c.astype(int), max(cols - 2, 0))
    bottom, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, cols - 1)
    down, across = r - top, c - left
    known = np.isfinite(band)
    filled = np.where(known, band, 0)
    total, weight = np.zeros(row.shape), np.zeros(row.shape)
    for at_row, at_col, share in (
        (top, left, (1 - down) * (1 - across)),
        (top, right, (1 - down) * across),
        (bottom, left, down * (1 - across)),
        (bottom, right, down * across),
    ):
        total += share * filled[at_row, at_col]
        weight += share * known[at_row, at_col]
    good = (weight >= _MIN_WEIGHT) & ~outside
    return np.where(good, total / np.where(good, weight, 1), np.nan).astype(np.float32)
