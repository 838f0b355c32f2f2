"""Reads tile services (XYZ, WMTS) on the run's grid: tiles that touch the corridor, put together, warped once.

No image is NaN: a tile that the service does not have, a placeholder, a transparent pixel. What cannot be had is an
error. Pictures in GCJ-02 are put back block by block: within a block the shift is an affine map to a hundredth of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from ..errors import ImageryError
from ..geo.tile_matrix import TileMatrix, ground_px_m, points_in, to_service
from ..model.grid import Grid
from ..model.scene import BandFile, TileService
from ..net.hrefs import redacted
from ..net.options import NetOptions
from ..tiff.gdal_env import gdal_env
from . import windows
from .tile_fetch import TileRef, blanks, bodies, forget, is_kept, refs
from .tile_picture import BANDS, pixels

_MAX_BYTES = 2**30  # of one mosaic in memory
_AFFINE_PX = 0.02  # how far an affine map may be from the shift it stands for, pixels of the grid
_LEAST_PX = 16  # a block is not cut smaller than this
_PROBES = 9  # points along a block's side where the shift is computed


@dataclass(frozen=True)
class TileRead:
    """Bands on the grid, float32 (rows, cols) each with NaN where not observed, and why whole tiles are not.

    ``absent``: by (column, row) of the tile.
    """

    bands: list[np.ndarray]
    absent: Mapping[tuple[int, int], str]


def planned(file: BandFile, grid: Grid, *, within: BaseGeometry | None = None) -> tuple[TileRef, ...]:
    """The tiles that reading this grid takes, their addresses without the key; asks nothing, touches no cache.

    ``within``: polygon in the grid's CRS; default: the grid's footprint.
    """
    service = _service_of([file])
    lat_deg = _latitude(grid)
    area = grid.footprint if within is None else shapely.intersection(within, grid.footprint)
    if area.is_empty:
        return ()
    reach_m = grid.pixel_m + max(grid.pixel_m, ground_px_m(service, lat_deg))  # a grid pixel and the kernel beyond it
    shape = to_service(area.buffer(reach_m, join_style="mitre"), grid.epsg, service)
    return refs(file, TileMatrix.of(service).touching(shape))


def to_fetch(
    file: BandFile, grid: Grid, *, within: BaseGeometry | None = None, options: NetOptions | None = None
) -> tuple[TileRef, ...]:
    """Those of the planned tiles that are not in the local cache; reckon ``service.tile_bytes`` for each."""
    chosen = options or NetOptions()
    return tuple(ref for ref in planned(file, grid, within=within) if not is_kept(ref, chosen))


def read_tiles(
    files: Sequence[BandFile],
    grid: Grid,
    *,
    nodata: float | None = None,
    resampling: str = "bilinear",
    within: BaseGeometry | None = None,
    options: NetOptions | None = None,
) -> list[np.ndarray]:
    """Bands of a tile service on the grid, float32 (rows, cols) of 0..255, NaN where not observed.

    Parameters
    ----------
    files : bands of one layer; ``band.index`` 1, 2, 3 are red, green, blue of the picture.
    nodata : pixels with this number in all bands are not observed.
    within : polygon in the grid's CRS; only tiles that touch it are asked for. Default: the grid's footprint.

    Raises
    ------
    ImageryError : the key is refused, the quota spent, the server fails, or sends something else than pictures.
    """
    return read(files, grid, nodata=nodata, resampling=resampling, within=within, options=options).bands


def read(
    files: Sequence[BandFile],
    grid: Grid,
    *,
    nodata: float | None = None,
    resampling: str = "bilinear",
    within: BaseGeometry | None = None,
    options: NetOptions | None = None,
) -> TileRead:
    """As :func:`read_tiles`, with the causes of what is absent."""
    service, chosen = _service_of(files), options or NetOptions()
    whole = replace(files[0], band=replace(files[0].band, name=",".join(file.band.name for file in files)))
    indexes = [file.band.index - 1 for file in files]
    if max(indexes) >= BANDS:
        raise _error(whole, f"a picture has {BANDS} bands, no band {max(indexes) + 1}; check the sensor profile")
    try:
        wanted = planned(whole, grid, within=within)
    except ValueError as error:
        raise _error(whole, str(error)) from None
    _check_size(whole, wanted, grid)
    got = bodies(whole, wanted, chosen)
    absent = {(ref.col, ref.row): why for ref, why in blanks(whole, got, chosen).items()}
    left = {ref: body for ref, body in got.items() if (ref.col, ref.row) not in absent}
    mosaic, place = _mosaic(whole, left, absent, nodata, chosen)
    if mosaic is None:
        return TileRead([np.full(grid.shape, np.nan, np.float32) for _ in files], absent)
    mosaic = mosaic[indexes]
    if service.gcj02:
        return TileRead(list(_put_back(mosaic, place, grid, service, resampling)), absent)
    return TileRead(list(_warped(mosaic, place, grid, service, resampling)), absent)


def _mosaic(
    file: BandFile,
    got: Mapping[TileRef, bytes],
    absent: dict[tuple[int, int], str],
    nodata: float | None,
    options: NetOptions,
) -> tuple[np.ndarray | None, Affine]:
    """Tiles side by side, float32 (3, rows, cols), and where that lies; adds to ``absent`` what shows nothing."""
    service = _service_of([file])
    px = service.tile_px
    shown: dict[tuple[int, int], np.ndarray] = {}
    for ref, body in got.items():
        try:
            picture, why = pixels(body, px)
        except ValueError as error:
            forget([ref], options)
            raise _error(file, f"tile {service.zoom}/{ref.col}/{ref.row}: {error}") from None
        if picture is None:
            absent[ref.col, ref.row] = why
        else:
            shown[ref.col, ref.row] = picture
    if not shown:
        return None, Affine.identity()
    cols, rows = zip(*shown, strict=True)
    left, top = min(cols), min(rows)
    out = np.full((BANDS, (max(rows) - top + 1) * px, (max(cols) - left + 1) * px), np.nan, np.float32)
    for (col, row), picture in shown.items():
        out[:, (row - top) * px : (row - top + 1) * px, (col - left) * px : (col - left + 1) * px] = picture
    if nodata is not None:
        out[:, (out == np.float32(nodata)).all(axis=0)] = np.nan
    return out, TileMatrix.of(service).transform(left, top, px)


def _warped(mosaic: np.ndarray, place: Affine, grid: Grid, service: TileService, resampling: str) -> np.ndarray:
    """The mosaic resampled onto the grid, float32 (bands, rows, cols)."""
    from rasterio.warp import Resampling, reproject

    out = np.full((len(mosaic), grid.rows, grid.cols), np.nan, np.float32)
    with gdal_env():
        reproject(
            mosaic,
            out,
            src_transform=place,
            src_crs=windows.crs(service.epsg),
            src_nodata=np.nan,
            dst_transform=grid.transform,
            dst_crs=windows.crs(grid.epsg),
            dst_nodata=np.nan,
            resampling=Resampling[resampling],
            num_threads=1,
            tolerance=0.01,
        )
    return out


def _put_back(mosaic: np.ndarray, place: Affine, grid: Grid, service: TileService, resampling: str) -> np.ndarray:
    """As :func:`_warped`, of pictures that are shifted (GCJ-02)."""
    out = np.full((len(mosaic), grid.rows, grid.cols), np.nan, np.float32)
    for row, col, block, back in _blocks(grid, 0, 0, service):
        part = _warped(mosaic, back @ place, block, replace(service, gcj02=False), resampling)
        out[:, row : row + block.rows, col : col + block.cols] = part
    return out


def _blocks(grid: Grid, row: int, col: int, service: TileService) -> Iterator[tuple[int, int, Grid, Affine]]:
    """Parts of the grid, each with its corner and an affine map from shifted to true coordinates that is good enough."""
    back, off_px = _unshift(grid, service)
    if off_px <= _AFFINE_PX or max(grid.shape) <= _LEAST_PX:
        yield row, col, grid, back
        return
    half_rows, half_cols = max(grid.rows // 2, 1), max(grid.cols // 2, 1)
    for top, rows in ((0, half_rows), (half_rows, grid.rows - half_rows)):
        for left, cols in ((0, half_cols), (half_cols, grid.cols - half_cols)):
            if rows and cols:
                west_m, north_m = grid.west_m + left * grid.pixel_m, grid.north_m - top * grid.pixel_m
                part = replace(grid, west_m=west_m, north_m=north_m, rows=rows, cols=cols)
                yield from _blocks(part, row + top, col + left, service)


def _unshift(grid: Grid, service: TileService) -> tuple[Affine, float]:
    """The affine map from shifted to true coordinates of the service that fits best, and its error in grid pixels."""
    west, south, east, north = grid.bounds_m
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(west, east, _PROBES), np.linspace(south, north, _PROBES)))
    true = np.column_stack(points_in(x, y, grid.epsg, replace(service, gcj02=False)))
    shifted = np.column_stack(points_in(x, y, grid.epsg, service))
    centre = shifted.mean(axis=0)  # near the middle the numbers are small, and the fit loses no digits
    terms = np.column_stack([shifted - centre, np.ones(len(x))])
    (a, d), (b, e), (c, f) = np.linalg.lstsq(terms, true - centre, rcond=None)[0]
    off = np.abs(terms @ np.array([[a, d], [b, e], [c, f]]) - (true - centre)).max()
    back = Affine.translation(*centre) @ Affine(a, b, c, d, e, f) @ Affine.translation(*-centre)
    return back, float(off / grid.pixel_m)


def _check_size(file: BandFile, wanted: Sequence[TileRef], grid: Grid) -> None:
    if not wanted:
        return
    service = _service_of([file])
    cols, rows = {ref.col for ref in wanted}, {ref.row for ref in wanted}
    size = (max(cols) - min(cols) + 1) * (max(rows) - min(rows) + 1) * service.tile_px**2 * BANDS * 4
    if size > _MAX_BYTES:
        px_m = ground_px_m(service, _latitude(grid))
        raise _error(
            file,
            f"{len(wanted)} tiles lie under one window: level {service.zoom} has pixels of {px_m:.2g} m, the grid of"
            f" {grid.pixel_m:g} m; choose a smaller zoom or smaller tiles (tile_px of imagery)",
        )


def _latitude(grid: Grid) -> float:
    west, south, east, north = grid.bounds_m
    lonlat = points_in(np.array([(west + east) / 2]), np.array([(south + north) / 2]), grid.epsg, _DEGREES)
    return float(lonlat[1][0])


_DEGREES = TileService(zoom=1, epsg=4490)


def _service_of(files: Sequence[BandFile]) -> TileService:
    """The service of bands of one layer; ValueError when they are not."""
    service = files[0].service
    if service is None or any(file.href != files[0].href or file.service != service for file in files):
        raise ValueError("read_tiles takes bands of one layer of a tile service")
    return service


def _error(file: BandFile, why: str) -> ImageryError:
    return ImageryError(redacted(file.href), file.band.name, why)
