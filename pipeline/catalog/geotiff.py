"""What a GeoTIFF says about itself before any pixel is read; nothing but GeoTIFF is opened."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from ..errors import CatalogError, NetError
from ..geo.rpc import Rpc
from ..model.scene import Band, BandFile
from ..net.hrefs import redacted
from ..net.options import NetOptions
from ..tiff.gdal_env import gdal_env
from ..tiff.local_tiff import MAGIC
from ..tiff.origin import origin_of

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

# Points on each edge of the footprint, so that it stays true when projected edges are curves in degrees.
_EDGE_POINTS = 9


@dataclass(frozen=True)
class Header:
    """One TIFF: shape, type, place and tags. ``rpc``: the polynomials of a raw image, where it has some.

    ``on_map``: it has map coordinates; without them its place comes from ``rpc``, on a plane of the mean height.
    """

    href: str
    rows: int
    cols: int
    band_count: int
    dtype: str
    bytes_per_px: float  # of one band
    nodata: float | None
    pixel_m: float
    footprint_lonlat: shapely.Polygon
    tags: Mapping[str, str]
    on_map: bool = True
    rpc: Rpc | None = None

    def files(self, bands: Iterable[Band]) -> Mapping[str, BandFile]:
        """Where each of the bands lies, in this file."""
        return {band.name: BandFile(self.href, band) for band in bands}


def read_header(href: str, network: NetOptions | None = None) -> Header:
    """The header of a TIFF, local, s3:// or https; CatalogError naming file and remedy when nothing says where it lies.

    A raw image is placed by polynomials: its own, or those of a file beside it (.rpb, _rpc.txt, .rpc). Of a far file
    the first kilobytes are fetched.
    """
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if "://" not in href:
        _check_magic(Path(href))
    shown = redacted(href)
    try:
        with warnings.catch_warnings(), gdal_env():
            # Raw images are expected, and told from broken ones.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            origin = origin_of(BandFile(href, Band("any", 1)), network or NetOptions())
            with origin.opened(None, ()) as dataset:
                return _header(href, dataset)
    except (RasterioError, ValueError) as error:
        raise CatalogError(f"{shown}: cannot be opened as GeoTIFF: {str(error).replace(href, shown)}") from error
    except NetError as error:
        raise CatalogError(str(error)) from error


def _check_magic(path: Path) -> None:
    """A VRT named scene.tif would read other files, and a pipe never ends; neither reaches GDAL."""
    try:
        start = b""
        if path.is_file():
            with path.open("rb") as file:
                start = file.read(4)
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    if start not in MAGIC:
        raise CatalogError(f"{path}: the content is not TIFF, whatever the name says; convert it to GeoTIFF or COG")


def _header(href: str, dataset: DatasetReader) -> Header:
    rpc = _polynomials(href, dataset)
    if dataset.crs is None and rpc is None:
        raw = dataset.gcps[0] or dataset.transform.is_identity
        remedy = (
            "nothing says where on the map it lies; of a raw (L1A) delivery ask for its polynomials (.rpb, _rpc.txt, .rpc),"
            " of a picture for the GeoTIFF that it was made from"
            if raw
            else f"it has a position; say in which system, e.g. rio edit-info --crs EPSG:4548 {Path(href).name}"
        )
        raise CatalogError(f"{href}: names no coordinate system: {remedy}")
    tags = {**dataset.tags(ns="IMAGERY"), **dataset.tags()}
    dtypes = set(dataset.dtypes)
    on_map = dataset.crs is not None
    return Header(
        href=href,
        rows=dataset.height,
        cols=dataset.width,
        band_count=dataset.count,
        dtype=dtypes.pop() if len(dtypes) == 1 else "mixed",
        bytes_per_px=_bytes_per_px(href, dataset),
        nodata=dataset.nodata,
        pixel_m=_pixel_m(dataset) if on_map or rpc is None else rpc.pixel_m,
        footprint_lonlat=_footprint(href, dataset) if on_map or rpc is None else _raw_footprint(href, dataset, rpc),
        tags=MappingProxyType({key.upper(): str(value) for key, value in tags.items()}),
        on_map=on_map,
        rpc=rpc,
    )


def _polynomials(href: str, dataset: DatasetReader) -> Rpc | None:
    """Of the file beside a local image, else of the image's own tags."""
    beside = None if "://" in href else Rpc.beside(Path(href))
    if beside is not None or dataset.rpcs is None:
        return beside
    return Rpc.from_gdal(dataset.rpcs.to_gdal(), href)


def _edge(dataset: DatasetReader) -> tuple[np.ndarray, np.ndarray]:
    """(cols, rows) of points along the outline, corner to corner, pixels from the outer corner."""
    steps = np.linspace(0.0, 1.0, _EDGE_POINTS)
    zeros, ones = np.zeros_like(steps), np.ones_like(steps)
    cols = np.concatenate([steps, ones, steps[::-1], zeros]) * dataset.width
    rows = np.concatenate([zeros, steps, ones, steps[::-1]]) * dataset.height
    return cols, rows


def _raw_footprint(href: str, dataset: DatasetReader, rpc: Rpc) -> shapely.Polygon:
    """Outline of a raw image in degrees on the plane of its mean height, longitude first."""
    cols, rows = _edge(dataset)
    outline = np.column_stack(rpc.ground(rows - 0.5, cols - 0.5, rpc.height_off))
    shape = shapely.Polygon(outline) if np.isfinite(outline).all() else None
    if shape is None or not shape.is_valid or shape.area == 0:
        raise CatalogError(f"{href}: its polynomials place it nowhere; are they of another image?")
    return shape


def _footprint(href: str, dataset: DatasetReader) -> shapely.Polygon:
    """Outline of the image in degrees of CGCS2000, longitude first."""
    place = dataset.transform
    if place.is_identity or place.is_degenerate:
        raise CatalogError(f"{href}: has a coordinate system, but nothing says where its pixels lie (no geotransform)")
    cols, rows = _edge(dataset)
    x, y = place.a * cols + place.b * rows + place.c, place.d * cols + place.e * rows + place.f
    try:
        lon, lat = Transformer.from_crs(CRS.from_wkt(dataset.crs.to_wkt()), 4490, always_xy=True).transform(x, y)
    except ProjError as error:
        raise CatalogError(f"{href}: no way leads from {dataset.crs} to CGCS2000; correct its system") from error
    outline = np.column_stack([lon, lat])
    if not (np.isfinite(outline).all() and (np.abs(outline) <= (360.0, 90.0 + 1e-6)).all()):
        raise CatalogError(f"{href}: its corners have no place in {dataset.crs}; correct the file's coordinate system")
    return shapely.Polygon(outline)


def _bytes_per_px(href: str, dataset: DatasetReader) -> float:
    """Stored bytes of one pixel of one band: of a local file as compressed, else of the plain type."""
    path = Path(href)
    if path.is_file():
        return path.stat().st_size / (dataset.width * dataset.height * dataset.count)
    return float(np.mean([np.dtype(kind).itemsize for kind in dataset.dtypes]))


def _pixel_m(dataset: DatasetReader) -> float:
    """Side of a pixel in metres; for degrees the north-south side, which is the same everywhere."""
    size = float(np.sqrt(abs(dataset.transform.determinant)))
    if dataset.crs.is_geographic:
        return float(abs(dataset.transform.e)) * 111_320.0
    return size * float(dataset.crs.linear_units_factor[1])
