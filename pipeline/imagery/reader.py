"""Reads bands of one file on the run's grid: raw digital numbers, NaN where there is nothing.

If the file's pixels lie on the grid they are copied, not resampled. Otherwise the touched window is read, from the
overview that suits the grid's resolution, and warped. Several bands of a file are read at once, so that blocks of a
pixel-interleaved file are fetched and decoded once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from ..errors import ImageryError
from ..model.grid import Grid
from ..model.scene import BandFile
from . import windows
from .gdal_env import checked, gdal_env, is_remote, redacted

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

Resampling = Literal["bilinear", "nearest"]


class Reader(Protocol):
    """Reads bands on a grid. Constructing one touches no data; it is frozen and can be pickled."""

    def read(
        self, file: BandFile, grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> np.ndarray:
        """Digital numbers of one band: float32, shape (grid.rows, grid.cols), NaN outside and where no data."""
        ...

    def read_many(
        self, files: Sequence[BandFile], grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> list[np.ndarray]:
        """The same for several bands of one file, in the order given."""
        ...


@dataclass(frozen=True)
class RasterioReader:
    """Reads GeoTIFF and COG, local or over http(s) or s3.

    ``nodata`` of a call wins over the file's own. A pixel is without data if *all* bands read from the file hold the
    nodata value (as ``gdalwarp -wo UNIFIED_SRC_NODATA=YES``): in an 8-bit mosaic with nodata 0, a dark pixel may well
    have one band at 0. Internal masks and alpha bands count too.

    ``max_bytes`` bounds one read in memory, ``attempts`` the tries of a remote one.
    """

    max_bytes: int = 2**30
    attempts: int = 3

    def read(
        self, file: BandFile, grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> np.ndarray:
        """Digital numbers of one band, float32 (rows, cols); ImageryError when they cannot be had."""
        return self.read_many([file], grid, nodata=nodata, resampling=resampling)[0]

    def read_many(
        self, files: Sequence[BandFile], grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> list[np.ndarray]:
        """Digital numbers of several bands of one file, float32 (rows, cols) each; ImageryError as above."""
        from rasterio.errors import RasterioError

        hrefs = {file.href for file in files}
        if len(hrefs) != 1:
            raise ValueError(f"read_many takes bands of one file, got {len(hrefs)} files")
        href, names = files[0].href, ",".join(file.band.name for file in files)
        if grid.rows * grid.cols * len(files) * 4 > self.max_bytes:
            raise ImageryError(
                redacted(href), names, f"a window of {grid.rows} x {grid.cols} px is too large; use smaller tiles"
            )
        left = self.attempts if is_remote(href) else 1
        afresh = False
        while True:
            left -= 1
            try:
                with gdal_env(checked(href), afresh=afresh):
                    return self._read(files, grid, nodata, resampling)
            except ValueError as error:
                raise ImageryError(redacted(href), names, str(error)) from error
            except (RasterioError, OSError) as error:
                if not left:
                    raise ImageryError(redacted(href), names, _plain(error, href)) from None
                afresh = True

    def _read(
        self, files: Sequence[BandFile], grid: Grid, nodata: float | None, resampling: Resampling
    ) -> list[np.ndarray]:
        import rasterio

        href, indexes = files[0].href, [file.band.index for file in files]
        with rasterio.open(href, driver="GTiff", sharing=False) as source:
            self._check(source, indexes)
            if (corner := windows.aligned(source, grid)) is not None:
                return list(_place(source, indexes, corner, grid, nodata))
            level = windows.overview(source, grid) if resampling == "bilinear" else None
            if level is None:
                return list(self._warp(source, indexes, grid, nodata, resampling))
        with rasterio.open(href, driver="GTiff", sharing=False, overview_level=level) as source:
            return list(self._warp(source, indexes, grid, nodata, resampling))

    def _check(self, source: DatasetReader, indexes: Sequence[int]) -> None:
        """Refuse what cannot be read rightly, from the header alone."""
        missing = [index for index in indexes if not 1 <= index <= source.count]
        if missing:
            raise ValueError(f"the file has {source.count} bands, no band {missing[0]}; check the sensor profile")
        if source.crs is None:
            raise ValueError(
                "the file has no coordinate system; raw (L1A) deliveries must be orthorectified first, "
                "and a GeoTIFF without one needs it written in, e.g. by gdal_edit.py -a_srs EPSG:4548"
            )
        if source.transform.is_degenerate or source.transform.is_identity:
            raise ValueError("the file has no geotransform, so nothing says where its pixels lie")
        rows, cols = source.block_shapes[indexes[0] - 1]
        together = source.count if str(source.interleaving).lower().endswith("pixel") else 1
        if rows * cols * np.dtype(source.dtypes[0]).itemsize * together > self.max_bytes:
            raise ValueError(f"its blocks of {rows} x {cols} px are too large to decode; rewrite it as a COG")
        if any(np.dtype(source.dtypes[index - 1]).kind == "c" for index in indexes):
            raise ValueError("its pixels are complex numbers; detect (take the magnitude) first")

    def _warp(
        self, source: DatasetReader, indexes: Sequence[int], grid: Grid, nodata: float | None, resampling: Resampling
    ) -> np.ndarray:
        """Pixels resampled onto the grid from the source window under it."""
        from rasterio.warp import Resampling as Methods
        from rasterio.warp import reproject
        from rasterio.windows import Window

        out = np.full((len(indexes), grid.rows, grid.cols), np.nan, np.float32)
        window = windows.under(source, grid)
        if window is None:
            return out
        row, col, rows, cols = window
        if rows * cols * len(indexes) * 4 > self.max_bytes:
            raise ValueError(
                f"{rows} x {cols} of its pixels lie under one window and it has no overviews; rewrite it as a COG"
            )
        pixels = _pixels(source, indexes, (row, col, rows, cols), nodata)
        gaps = np.isnan(pixels)
        if gaps.all():
            return out
        # Told of no-data values, GDAL looks at every pixel for them, at more than twice the time.
        known = {"src_nodata": np.nan, "dst_nodata": np.nan} if gaps.any() else {"init_dest_nodata": False}
        reproject(
            pixels,
            out,
            src_transform=source.window_transform(Window(col, row, cols, rows)),
            src_crs=source.crs,
            dst_transform=grid.transform,
            dst_crs=windows.crs(grid.epsg),
            resampling=Methods[resampling],
            num_threads=1,
            tolerance=0.01,
            **known,
        )
        return out


def _plain(error: BaseException, href: str) -> str:
    """GDAL's own words, without the secrets of a signed link."""
    text = str(error) or type(error).__name__
    cause = str(error.__cause__ or "")
    if cause and cause not in text:
        text = f"{text}: {cause}"
    query = href.partition("?")[2] if is_remote(href) else ""
    text = text.replace(href, redacted(href))
    return text.replace(query, "...") if query else text


def _place(
    source: DatasetReader, indexes: Sequence[int], corner: tuple[int, int], grid: Grid, nodata: float | None
) -> np.ndarray:
    """The aligned window, pixel for pixel."""
    out = np.full((len(indexes), grid.rows, grid.cols), np.nan, np.float32)
    row, col = corner
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + grid.rows, source.height), min(col + grid.cols, source.width)
    if bottom > top and right > left:
        part = _pixels(source, indexes, (top, left, bottom - top, right - left), nodata)
        out[:, top - row : bottom - row, left - col : right - col] = part
    return out


def _pixels(
    source: DatasetReader, indexes: Sequence[int], window: tuple[int, int, int, int], nodata: float | None
) -> np.ndarray:
    """Float32 (bands, rows, cols) of a window (row, col, rows, cols) inside the source; NaN where it has no data."""
    from rasterio.enums import MaskFlags
    from rasterio.windows import Window

    row, col, rows, cols = window
    view = Window(col, row, cols, rows)
    pixels = source.read(list(indexes), window=view, out_dtype=np.float32)
    value = nodata if nodata is not None else source.nodata
    finite = np.isfinite(pixels)
    empty = ~finite.any(axis=0)
    if value is not None and not math.isnan(value):
        empty |= (~finite | (pixels == np.float32(value))).all(axis=0)
    flags = source.mask_flag_enums[indexes[0] - 1]
    if MaskFlags.per_dataset in flags or MaskFlags.alpha in flags:
        empty |= source.read_masks(indexes[0], window=view) == 0
    pixels[~finite] = np.nan
    pixels[:, empty] = np.nan
    return pixels


@dataclass(frozen=True)
class MemoryReader:
    """A reader of arrays, for tests: ``files`` maps an address to an array (bands, rows, cols) and its grid."""

    files: Mapping[str, tuple[np.ndarray, Grid]]
    log: list[tuple[str, Grid]] = field(default_factory=list, compare=False)

    def read(
        self, file: BandFile, grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> np.ndarray:
        """One band on the grid; ImageryError for an unknown address."""
        return self.read_many([file], grid, nodata=nodata, resampling=resampling)[0]

    def read_many(
        self, files: Sequence[BandFile], grid: Grid, *, nodata: float | None = None, resampling: Resampling = "bilinear"
    ) -> list[np.ndarray]:
        """Several bands of one file on the grid."""
        href = files[0].href
        if href not in self.files:
            raise ImageryError(href, files[0].band.name, "no such array in memory")
        array, own = self.files[href]
        col, row = (grid.west_m - own.west_m) / own.pixel_m, (own.north_m - grid.north_m) / own.pixel_m
        if own.epsg != grid.epsg or own.pixel_m != grid.pixel_m or row % 1 or col % 1:
            raise ImageryError(href, files[0].band.name, f"arrays in memory are not resampled ({resampling})")
        self.log.append((href, grid))
        rows, cols = np.arange(grid.rows) + int(row), np.arange(grid.cols) + int(col)
        inside = np.ix_((rows >= 0) & (rows < own.rows), (cols >= 0) & (cols < own.cols))
        part = array[[file.band.index - 1 for file in files]].astype(np.float32)
        out = np.full((len(files), *grid.shape), np.nan, np.float32)
        at = np.ix_(rows[inside[0].ravel()], cols[inside[1].ravel()])
        for layer, band in zip(out, part, strict=True):
            layer[inside] = band[at]
        if nodata is not None:
            out[:, (out == np.float32(nodata)).all(axis=0)] = np.nan
        return list(out)


_readers: tuple[type[Reader], ...] = (RasterioReader, MemoryReader)  # the checker agrees that both are Readers
