"""Reads bands of one file on the run's grid: raw digital numbers, NaN where there is nothing.

If the file's pixels lie on the grid they are copied, not resampled. Otherwise the touched window is read, from the
overview that suits the grid's resolution, and warped. Several bands of a file are read at once, so that blocks of a
pixel-interleaved file are fetched and decoded once. Of a window only the internal blocks that the area of interest
touches are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from shapely.geometry.base import BaseGeometry

from ..errors import ImageryError, NetError
from ..model.grid import Grid
from ..model.scene import BandFile
from ..net.hrefs import redacted
from ..net.options import NetOptions
from ..tiff.facts import Facts
from ..tiff.gdal_env import checked, gdal_env, is_remote
from ..tiff.origin import FarFile, LocalFile, origin_of
from ..tiff.spans import Span
from . import windows
from .blocks import Touched, everything, spans_of, touched
from .decode import Job, numbers_of
from .place import placed, warped

Resampling = Literal["bilinear", "nearest"]


class Reader(Protocol):
    """Reads bands on a grid. Constructing one touches no data; it is frozen and can be pickled."""

    def read(
        self,
        file: BandFile,
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
    ) -> np.ndarray:
        """Digital numbers of one band: float32, shape (grid.rows, grid.cols), NaN outside and where no data."""
        ...

    def read_many(
        self,
        files: Sequence[BandFile],
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
    ) -> list[np.ndarray]:
        """The same for several bands of one file, in the order given.

        ``within``: a polygon in the grid's CRS; only blocks of the file that it touches are read, the rest is NaN.
        """
        ...


@dataclass(frozen=True)
class RasterioReader:
    """Reads GeoTIFF and COG, here or over http(s) or s3; tile services and raw images through rooms of their own.

    ``nodata`` of a call wins over the file's own. A pixel is without data if *all* bands read from the file hold the
    nodata value (as ``gdalwarp -wo UNIFIED_SRC_NODATA=YES``): in an 8-bit mosaic with nodata 0, a dark pixel may well
    have one band at 0. Internal masks and alpha bands count too.

    ``network``: limits of requests and the cache. ``ahead``: area in the CRS of the grids to come; when blocks have to
    be fetched, those that it touches are fetched with them, so that neighbouring tiles share requests. ``max_bytes``
    bounds one read in memory, ``attempts`` the tries at a far file whose blocks turn out damaged. ``whole_local``: of a
    local file the whole window is read, whatever ``within`` says: nearness costs nothing.
    """

    network: NetOptions = field(default_factory=NetOptions)
    ahead: BaseGeometry | None = None
    whole_local: bool = False
    max_bytes: int = 2**30
    attempts: int = 2

    def read(
        self,
        file: BandFile,
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
    ) -> np.ndarray:
        """Digital numbers of one band, float32 (rows, cols); ImageryError when they cannot be had."""
        return self.read_many([file], grid, nodata=nodata, resampling=resampling, within=within)[0]

    def read_many(
        self,
        files: Sequence[BandFile],
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
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
        if within is not None and within.is_empty:
            return [np.full(grid.shape, np.nan, np.float32) for _ in files]
        if files[0].service is not None:
            from .tile_service import read_tiles

            return read_tiles(files, grid, nodata=nodata, resampling=resampling, within=within, options=self.network)
        if files[0].ortho is not None:
            from .ortho import read_ortho

            return read_ortho(files, grid, nodata=nodata, resampling=resampling, within=within)
        left = self.attempts if is_remote(href) else 1
        while True:
            left -= 1
            try:
                checked(href)
                with gdal_env():
                    return self._read(files, grid, nodata, resampling, within)
            except (ValueError, NetError) as error:
                why = error.why if isinstance(error, NetError) else str(error)
                raise ImageryError(redacted(href), names, why) from error
            except (RasterioError, OSError) as error:
                if not left:
                    raise ImageryError(redacted(href), names, _plain(error, href)) from None

    def planned(
        self,
        files: Sequence[BandFile],
        grid: Grid,
        *,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
    ) -> tuple[list[Span], int]:
        """The bytes that ``read_many`` would read of a TIFF (spans of start and stop), and its overview factor (1: full).

        Of the file only the header is read, if it is not known. ImageryError as ``read_many``.
        """
        from rasterio.errors import RasterioError

        href, names = files[0].href, ",".join(file.band.name for file in files)
        try:
            checked(href)
            with gdal_env():
                origin = origin_of(files[0], self.network)
                job = self._job(origin, [file.band.index for file in files], grid, resampling, within)
                factor = 1 if job.level is None else origin.facts(None).factors[job.level]
                return self._spans(origin, job), factor
        except (ValueError, NetError) as error:
            raise ImageryError(redacted(href), names, getattr(error, "why", str(error))) from error
        except (RasterioError, OSError) as error:
            raise ImageryError(redacted(href), names, _plain(error, href)) from None

    def _read(
        self,
        files: Sequence[BandFile],
        grid: Grid,
        nodata: float | None,
        resampling: Resampling,
        within: BaseGeometry | None,
    ) -> list[np.ndarray]:
        origin = origin_of(files[0], self.network)
        job = self._job(origin, [file.band.index for file in files], grid, resampling, within)
        if job.window is None:
            return [np.full(grid.shape, np.nan, np.float32) for _ in files]
        pixels = numbers_of(origin, job, nodata, self._ahead(job, grid) if isinstance(origin, FarFile) else ())
        if job.corner is not None:
            return list(placed(pixels, job.window, job.corner, grid))
        return list(warped(pixels, job, grid, resampling))

    def _job(
        self,
        origin: LocalFile | FarFile,
        indexes: Sequence[int],
        grid: Grid,
        resampling: Resampling,
        within: BaseGeometry | None,
    ) -> Job:
        """What to read of a file for a grid: level, window and blocks; refuses what cannot be read, from its header."""
        facts = origin.facts(None)
        self._check(facts, indexes)
        corner = windows.aligned(facts, grid)
        level = None
        if corner is not None:
            window = windows.inside(facts, corner, grid)
        else:
            level = windows.overview(facts, grid) if resampling == "bilinear" else None
            facts = facts if level is None else origin.facts(level)
            window = windows.under(facts, grid)
        if window is None:
            return Job(facts, level, corner, None, everything(facts), tuple(indexes))
        if window[2] * window[3] * len(indexes) * 4 > self.max_bytes:
            raise ValueError(
                f"{window[2]} x {window[3]} of its pixels lie under one window and it has no overviews; rewrite it as a COG"
            )
        blocks = everything(facts)
        if within is not None and not (self.whole_local and isinstance(origin, LocalFile)):
            margin_px = 0.0 if corner is not None else windows.margin_px(facts, grid)
            blocks = touched(facts, grid.epsg, within, window, margin_px)
        return Job(facts, level, corner, window, blocks, tuple(indexes))

    def _spans(self, origin: LocalFile | FarFile, job: Job) -> list[Span]:
        return [] if job.window is None else spans_of(origin.layout(), job.facts, job.blocks, job.window, job.indexes)

    def _ahead(self, job: Job, grid: Grid) -> Iterator[Touched]:
        """Blocks under the area that is read next, at the same level; reckoned only if somebody asks."""
        if self.ahead is not None:
            window = (0, 0, job.facts.height, job.facts.width)
            margin_px = 0.0 if job.corner is not None else windows.margin_px(job.facts, grid)
            yield touched(job.facts, grid.epsg, self.ahead, window, margin_px)

    def _check(self, facts: Facts, indexes: Sequence[int]) -> None:
        """Refuse what cannot be read rightly, from the header alone."""
        missing = [index for index in indexes if not 1 <= index <= facts.count]
        if missing:
            raise ValueError(f"the file has {facts.count} bands, no band {missing[0]}; check the sensor profile")
        rows, cols = facts.block_shape
        if rows * cols * np.dtype(facts.dtype).itemsize * (facts.count if facts.together else 1) > self.max_bytes:
            raise ValueError(f"its blocks of {rows} x {cols} px are too large to decode; rewrite it as a COG")


def _plain(error: BaseException, href: str) -> str:
    """GDAL's own words, without the secrets of a signed link."""
    text = str(error) or type(error).__name__
    cause = str(error.__cause__ or "")
    if cause and cause not in text:
        text = f"{text}: {cause}"
    return text.replace(href, redacted(href))


@dataclass(frozen=True)
class MemoryReader:
    """A reader of arrays, for tests: ``files`` maps an address to an array (bands, rows, cols) and its grid."""

    files: Mapping[str, tuple[np.ndarray, Grid]]
    log: list[tuple[str, Grid]] = field(default_factory=list, compare=False)

    def read(
        self,
        file: BandFile,
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,
    ) -> np.ndarray:
        """One band on the grid; ImageryError for an unknown address."""
        return self.read_many([file], grid, nodata=nodata, resampling=resampling, within=within)[0]

    def read_many(
        self,
        files: Sequence[BandFile],
        grid: Grid,
        *,
        nodata: float | None = None,
        resampling: Resampling = "bilinear",
        within: BaseGeometry | None = None,  # noqa: ARG002  an array is all there
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
