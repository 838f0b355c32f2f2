"""A delivered scene in the words of ``model.scene``: bands by file, place, positional error, mask, border, angles."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError
from ..model.scene import Band, BandFile, Ortho, Scene
from ..net.options import NetOptions
from .archive import unpack
from .baseline import holds_offset
from .delivery import Delivered, Image
from .file_dates import days_in
from .geotiff import Header, read_header
from .sensors import SensorProfile, profile

_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Placing:
    """What the source says of all its scenes: profile, positional error, terrain, offset; and limits of requests."""

    sensor: SensorProfile
    sensor_folders: tuple[Path, ...] = ()
    geo_rmse_m: float | None = None
    dem: Path | None = None
    geoid_m: float = 0.0
    harmonised: bool | None = None
    network: NetOptions | None = None


@dataclass(frozen=True)
class Headers:
    """Headers of a scene's images by pattern, and the profile that fits them."""

    of: Mapping[str, Header]
    sensor: SensorProfile

    @property
    def main(self) -> Header:
        """Of the image with the first band."""
        return next(iter(self.of.values()))


def headers_of(scene: Delivered, placing: Placing) -> Headers:
    """The headers of all images; CatalogError when one is not what the profile describes."""
    headers = {pattern: _header(image, placing.network) for pattern, image in scene.images.items()}
    sensor = placing.sensor
    first = next(iter(headers))
    other = sensor.by_band_count.get(headers[first].band_count)
    if other is not None and len(headers) == 1:
        sensor = profile(other, placing.sensor_folders)
        headers = {sensor.files[0]: headers[first]}
    for pattern, header in headers.items():
        _check(header, sensor, pattern)
    return Headers(headers, sensor)


def _header(image: Image, network: NetOptions | None) -> Header:
    """The image's header; of an archive the copy's, and if that does not tell enough, of the unpacked image."""
    try:
        header = read_header(image.seen, network)
    except CatalogError as error:
        if image.archive is None:
            raise
        if not str(error).startswith(image.seen):
            raise
        unpack(image.archive)
        return read_header(image.href)
    if image.size is not None:
        header = replace(header, bytes_per_px=image.size / (header.rows * header.cols * header.band_count))
    return replace(header, href=image.href)


def _check(header: Header, sensor: SensorProfile, pattern: str) -> None:
    bands = sensor.in_file(pattern)
    needed = max(band.index for band in bands)
    if header.band_count < needed:
        names = ", ".join(f"{band.name}={band.index}" for band in bands)
        raise CatalogError(
            f"{header.href}: has {header.band_count} bands, but sensor {sensor.name!r} needs {needed}"
            f" ({names}); choose the profile that fits the delivery"
        )
    if sensor.dtype is not None and header.dtype != sensor.dtype:
        raise CatalogError(
            f"{header.href}: holds {header.dtype}, but sensor {sensor.name!r} describes {sensor.dtype};"
            " scaled so, its reflectance would be wrong; choose or write the profile that fits"
        )


def scene_of(
    scene: Delivered,
    headers: Headers,
    day: dt.date,
    placing: Placing,
    *,
    within: BaseGeometry | None = None,
    first: dt.date | None = None,
) -> Scene | None:
    """The scene, or its part ``within`` a polygon in degrees; None when the image does not reach into that.

    ``first``: first day of a mosaic whose last one is ``day``. CatalogError for a raw image whose positional error the
    profile does not tell, or that the elevation model does not cover.
    """
    sensor, main, product = headers.sensor, headers.main, scene.product
    level = None if product is None else product.level_number
    # A level 1 product that lies on a map all the same has a rough position there; its polynomials are the better one.
    raw = {one: not h.on_map or (level == 1 and h.rpc is not None) for one, h in headers.of.items()}
    error_m = _error_m(headers, placing, raw=any(raw.values()), level=level)
    footprint = _footprint(main, raw[next(iter(raw))], error_m)
    if placing.dem is not None and any(raw.values()):
        _check_dem(placing.dem, footprint, main.href)
    if within is not None:
        footprint = shapely.intersection(footprint, within)
        if footprint.is_empty or footprint.area == 0:
            return None
    files: dict[str, BandFile] = {}
    for pattern, header in headers.of.items():
        ortho = _ortho(header, placing) if raw[pattern] else None
        files |= {
            band.name: BandFile(header.href, band, ortho=ortho)
            for band in _bands(scene, headers, pattern, day, placing)
        }
    mask = sensor.mask if scene.mask is not None else None
    return Scene(
        scene_id=_scene_id(scene, day, first or day, clipped=within is not None),
        day=day,
        files={band.name: files[band.name] for band in sensor.bands if band.name in files},
        footprint_lonlat=footprint,
        nodata=sensor.nodata if main.nodata is None else main.nodata,
        geo_rmse_m=error_m,
        native_pixel_m=main.pixel_m,
        mask=BandFile(scene.mask.href, Band("mask", mask.index))
        if scene.mask is not None and mask is not None
        else None,
        mask_bad=frozenset(mask.bad) if mask is not None else frozenset(),
        mask_bits=sum(1 << bit for bit in mask.bits) if mask is not None else 0,
        clip_lonlat=None if within is None else footprint,
        border=sensor.border if main.nodata is None and sensor.nodata is None else (),
        sun_azimuth_deg=product.sun_azimuth_deg if product else None,
        sun_elevation_deg=product.sun_elevation_deg if product else None,
        off_nadir_deg=product.off_nadir_deg if product else None,
        cloud_percent=product.cloud_percent if product else None,
        sensor=sensor.name,
        bytes_per_px=sum(header.bytes_per_px for header in headers.of.values()) / len(headers.of),
    )


def _error_m(headers: Headers, placing: Placing, *, raw: bool, level: int | None) -> float:
    """Positional error, m: as stated, else the profile's of the level; over a plane widened by what relief may add.

    Polynomials come with the range of heights that they were fitted for (offset, scale). A plane at the offset is wrong
    by an unknown height of that range, scale / sqrt(3) if every height is as likely, and a height error moves the image
    by the tangent of the angle that it was taken at.
    """
    sensor = headers.sensor
    if placing.geo_rmse_m is not None:
        return placing.geo_rmse_m
    if not raw and (level is None or level >= 3):
        return sensor.geo_rmse_m
    if sensor.raw_rmse_m is None:
        if not raw:
            return sensor.geo_rmse_m
        raise CatalogError(
            f"{headers.main.href}: is a raw image, and sensor {sensor.name!r} does not tell how far off those are"
            " (raw_rmse_m); choose the profile of deliveries as they come, or state geo_rmse_m"
        )
    rpc = headers.main.rpc
    if not raw or rpc is None or placing.dem is not None:
        return sensor.raw_rmse_m
    relief_m = rpc.lean_m_per_m * abs(rpc.height_scale) / math.sqrt(3)
    return round(min(math.hypot(sensor.raw_rmse_m, relief_m), 1000.0), 1)


def _footprint(header: Header, raw: bool, error_m: float) -> shapely.Geometry:
    """Outline in degrees; of a raw image as much wider as it may lie elsewhere."""
    return header.footprint_lonlat.buffer(error_m / _METRES_PER_DEGREE) if raw else header.footprint_lonlat


def _ortho(header: Header, placing: Placing) -> Ortho:
    height_m = header.rpc.height_off if header.rpc is not None else 0.0
    return Ortho(None if placing.dem is None else str(placing.dem), height_m, placing.geoid_m)


@lru_cache(maxsize=8)
def _dem_header(dem: Path) -> Header:
    return read_header(str(dem))


def _check_dem(dem: Path, footprint: shapely.Geometry, href: str) -> None:
    if not _dem_header(dem).footprint_lonlat.covers(footprint):
        raise CatalogError(
            f"{dem}: the elevation model does not cover {Path(href).name}; give one that does, or none at all"
        )


def _bands(scene: Delivered, headers: Headers, pattern: str, day: dt.date, placing: Placing) -> tuple[Band, ...]:
    """The bands of one image with scale and offset; Sentinel-2's offset by the product's baseline."""
    sensor, image = headers.sensor, scene.images.get(pattern, scene.main)
    with_offset = sensor.offset_since is None or holds_offset(
        sensor.offset_since, headers.of[pattern], image.seen, day, harmonised=placing.harmonised
    )
    wanted = {band.name for band in sensor.in_file(pattern)}
    return tuple(band for band in sensor.sensor(with_offset=with_offset).bands if band.name in wanted)


def _scene_id(scene: Delivered, day: dt.date, first: dt.date, *, clipped: bool) -> str:
    """The name that the files have in common, with the day where it does not hold it."""
    single = scene.main.stem if len(scene.images) == 1 else scene.stem.rstrip("_-")
    if first != day:
        return f"{single}_{first:%Y%m%d}-{day:%Y%m%d}"
    return single if day in days_in(single) and not clipped else f"{single}_{day:%Y%m%d}"
