"""What a GeoTIFF says about itself before any pixel is read; nothing but GeoTIFF is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer

from ..errors import CatalogError
from ..model.scene import Band, BandFile

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

# Classic and big TIFF, either byte order. A VRT named scene.tif would read other files; it never reaches GDAL.
_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
# Points on each edge of the footprint, so that it stays true when projected edges are curves in degrees.
_EDGE_POINTS = 9


@dataclass(frozen=True)
class Header:
    """One GeoTIFF: shape, type, place and tags."""

    href: str
    band_count: int
    dtype: str
    bytes_per_px: float  # of one band
    nodata: float | None
    pixel_m: float
    footprint_lonlat: shapely.Polygon
    tags: Mapping[str, str]

    def files(self, bands: Iterable[Band]) -> Mapping[str, BandFile]:
        """Where each of the bands lies, in this file."""
        return {band.name: BandFile(self.href, band) for band in bands}


def read_header(href: str) -> Header:
    """The header of a local or s3:// GeoTIFF; CatalogError naming file and remedy when it cannot be used as a map."""
    import rasterio
    from rasterio.errors import RasterioError

    if not href.startswith("s3://"):
        _check_magic(Path(href))
    try:
        with rasterio.open(href, driver="GTiff") as dataset:
            return _header(href, dataset)
    except RasterioError as error:
        raise CatalogError(f"{href}: cannot be opened as GeoTIFF: {error}") from error


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    if start not in _MAGIC:
        raise CatalogError(f"{path}: the content is not TIFF, whatever the name says; convert it to GeoTIFF or COG")


def _header(href: str, dataset: DatasetReader) -> Header:
    if dataset.crs is None:
        raw = dataset.rpcs is not None or dataset.gcps[0] or dataset.transform.is_identity
        remedy = (
            "this looks like an L1A delivery (no map coordinates); orthorectify it first, e.g. gdalwarp -rpc"
            if raw
            else f"it has a position; say in which system, e.g. rio edit-info --crs EPSG:4548 {Path(href).name}"
        )
        raise CatalogError(f"{href}: names no coordinate system: {remedy}")
    tags = {**dataset.tags(ns="IMAGERY"), **dataset.tags()}
    dtypes = set(dataset.dtypes)
    return Header(
        href=href,
        band_count=dataset.count,
        dtype=dtypes.pop() if len(dtypes) == 1 else "mixed",
        bytes_per_px=_bytes_per_px(href, dataset),
        nodata=dataset.nodata,
        pixel_m=_pixel_m(dataset),
        footprint_lonlat=_footprint(href, dataset),
        tags=MappingProxyType({key.upper(): str(value) for key, value in tags.items()}),
    )


def _footprint(href: str, dataset: DatasetReader) -> shapely.Polygon:
    """Outline of the image in degrees of CGCS2000, longitude first."""
    steps = np.linspace(0.0, 1.0, _EDGE_POINTS)
    zeros, ones = np.zeros_like(steps), np.ones_like(steps)
    cols = np.concatenate([steps, ones, steps[::-1], zeros]) * dataset.width
    rows = np.concatenate([zeros, steps, ones, steps[::-1]]) * dataset.height
    place = dataset.transform
    x, y = place.a * cols + place.b * rows + place.c, place.d * cols + place.e * rows + place.f
    lon, lat = Transformer.from_crs(CRS.from_wkt(dataset.crs.to_wkt()), 4490, always_xy=True).transform(x, y)
    outline = np.column_stack([lon, lat])
    if not np.isfinite(outline).all():
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
