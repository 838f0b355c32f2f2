"""One STAC item as a Scene: its day where the road is, its bands, its mask, its footprint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pystac
import shapely
from pystac.errors import STACError, STACTypeError

from ..errors import CatalogError
from ..model.scene import Band, BandFile, Scene, Sensor
from ..net.hrefs import redacted
from .json_doc import is_number
from .stac_bands import BandAsset, bands_of, is_geotiff
from .stac_href import band_file
from .stac_options import StacOptions

# Values of quality layers that mean: do not look here. SCL: fill, saturated, shadow, clouds, cirrus, snow.
# UDM2 band 1 is 1 where clear; of masks written for this program 0 is clear, 1 cloud, 2 shadow, 255 fill.
_ALL_BUT_0 = frozenset(range(1, 256))
MASK_BAD: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        "scl": frozenset({0, 1, 3, 8, 9, 10, 11}),
        "mask": _ALL_BUT_0,
        "udm": _ALL_BUT_0,
        "udm2": frozenset({0}),
        "ortho_udm2": frozenset({0}),
    }
)
# Bits of Landsat Collection 2's QA_PIXEL (USGS LSDS-1619): 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud shadow,
# 5 snow. Set bits 6 (clear) and 7 (water) are ground to look at.
MASK_BITS: Mapping[str, int] = MappingProxyType({"qa_pixel": 0b111111})


def parsed(data: Mapping[str, Any], href: str) -> pystac.Item:
    """The item in ``data``; CatalogError naming ``href`` when it is none."""
    if not isinstance(data, Mapping) or not isinstance(data.get("assets"), dict):
        raise CatalogError(f"{redacted(href)}: no STAC item: it has no assets")
    if not isinstance(data.get("id"), str):
        raise CatalogError(f"{redacted(href)}: no STAC item: its id is no text")
    try:
        return pystac.Item.from_dict(dict(data), href=href, migrate=False)
    except (STACError, STACTypeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"{redacted(href)}: not a valid STAC item: {type(error).__name__}: {error}") from error


def day_of(item: pystac.Item, utc_offset_h: float) -> dt.date:
    """The local day of acquisition; of an item with a time range, the day that it starts."""
    moment = item.datetime or item.common_metadata.start_datetime
    if moment is None:
        raise CatalogError(f"item {item.id!r}: has neither datetime nor start_datetime")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.timezone(dt.timedelta(hours=utc_offset_h))).date()


def footprint_of(item: pystac.Item) -> shapely.Geometry:
    """The valid footprint in degrees, longitude first; the bounding box where no geometry is given."""
    if item.geometry is not None:
        try:
            shape = shapely.geometry.shape(item.geometry)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, shapely.errors.ShapelyError) as error:
            raise CatalogError(f"item {item.id!r}: its geometry cannot be read: {error}") from error
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise CatalogError(f"item {item.id!r}: its geometry has coordinates that are no numbers")
        return shape if shape.is_valid else shapely.make_valid(shape)
    if item.bbox is not None:
        box = item.bbox
        if not isinstance(box, list) or len(box) not in (4, 6) or not all(is_number(one) for one in box):
            raise CatalogError(f"item {item.id!r}: its bbox is none of 4 or 6 numbers")
        half = len(box) // 2
        return shapely.box(box[0], box[1], box[half], box[half + 1])
    raise CatalogError(f"item {item.id!r}: has neither geometry nor bbox")


def scene_of(item: pystac.Item, owner: str, source: StacOptions, sensor: Sensor | None) -> Scene:
    """The item as a Scene; CatalogError for bands that cannot be read or addresses that point where they must not.

    Parameters
    ----------
    owner : path or address of the document that the item stands in.
    """
    day = day_of(item, source.utc_offset_h)
    offers = bands_of(item, source.assets, sensor, day)
    mask, bad, bits = _mask(item, owner, source)
    gsd_m = _gsd(item, offers)
    nodata = next((offer.nodata for offer in offers.values() if offer.nodata is not None), None)
    return Scene(
        scene_id=item.id,
        day=day,
        files={name: band_file(item, one.key, owner, source, one.band) for name, one in offers.items()},
        footprint_lonlat=footprint_of(item),
        nodata=sensor.nodata if nodata is None and sensor is not None else nodata,
        geo_rmse_m=_geo_rmse(item, source, sensor, gsd_m),
        native_pixel_m=gsd_m if gsd_m is not None else (sensor.native_pixel_m if sensor else None),
        mask=mask,
        mask_bad=bad,
        mask_bits=bits,
        sun_azimuth_deg=_number(item, "view:sun_azimuth", "s2:mean_solar_azimuth"),
        sun_elevation_deg=_elevation(item),
        off_nadir_deg=_number(item, "view:off_nadir"),
        cloud_percent=_number(item, "eo:cloud_cover"),
        sensor=source.sensor or str(item.properties.get("platform") or item.collection_id or ""),
        bytes_per_px=_stored_bytes(item, {one.key for one in offers.values()})
        or sum(one.bytes_per_px for one in offers.values()) / len(offers),
    )


def _stored_bytes(item: pystac.Item, keys: set[str]) -> float | None:
    """Bytes of a pixel of one band as the files store it, where the item tells size (file extension) and shape.

    An estimate for plans, and taken only where it can be true: nothing that is read depends on what ``proj:`` claims.
    """
    size, pixels = 0.0, 0.0
    for key in keys:
        said = item.assets[key].extra_fields
        shape = said.get("proj:shape") or item.properties.get("proj:shape")
        if not isinstance(said.get("file:size"), int) or shape is None or not _is_shape(shape):
            return None
        bands = len(said.get("bands") or said.get("raster:bands") or said.get("eo:bands") or (1,))
        size, pixels = size + said["file:size"], pixels + shape[0] * shape[1] * bands
    return size / pixels if pixels and 0.01 <= size / pixels <= 16 else None


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, int) and one > 0 for one in value)


def _mask(item: pystac.Item, owner: str, source: StacOptions) -> tuple[BandFile | None, frozenset[int], int]:
    """The quality file, its bad values and its bad bits: the one that the source names, else one by key or role."""
    key = source.mask
    if key == "none":
        return None, frozenset(), 0
    if key is not None and key not in item.assets:
        raise CatalogError(f"item {item.id!r}: no asset {key!r} for the mask; it has {', '.join(item.assets)}")
    if key is None:
        usable = [name for name, asset in item.assets.items() if is_geotiff(asset)]
        by_key = [name for name in usable if _mask_kind(name) in {*MASK_BAD, *MASK_BITS}]
        by_role = [name for name in usable if "data-mask" in (item.assets[name].roles or ())]
        key = next(iter((*by_key, *by_role)), None)
    if key is None:
        return None, frozenset(), 0
    told = source.mask_bad is not None or source.mask_bits is not None
    bad = frozenset(source.mask_bad or ()) if told else MASK_BAD.get(_mask_kind(key), frozenset())
    bits = (source.mask_bits or 0) if told else MASK_BITS.get(_mask_kind(key), 0)
    if not bad and not bits and not told:
        raise CatalogError(
            f"item {item.id!r}: asset {key!r} is a mask, but nobody says which of its values are bad;"
            " add mask_bad: to the source, e.g. mask_bad: [1, 2, 255], or mask_bits: for a bit-coded one, or mask: none"
        )
    return band_file(item, key, owner, source, Band("mask", 1)), bad, bits


def _mask_kind(key: str) -> str:
    """``qa_pixel`` out of keys such as ``QA_PIXEL.TIF``."""
    return key.lower().removesuffix(".tif")


def _gsd(item: pystac.Item, offers: Mapping[str, BandAsset]) -> float | None:
    """Metres of a pixel of the finest band, else of the item."""
    stated = [offer.gsd_m for offer in offers.values() if offer.gsd_m]
    return min(stated) if stated else _number(item, "gsd")


def _geo_rmse(item: pystac.Item, source: StacOptions, sensor: Sensor | None, gsd_m: float | None) -> float:
    """Of the item, else of the source, else of the sensor; else a pixel, and never below a metre."""
    stated = item.properties.get("luyu:geo_rmse_m")
    if stated is not None:
        if not is_number(stated) or stated < 0:
            raise CatalogError(f"item {item.id!r}: luyu:geo_rmse_m is {stated!r}; it must be metres, 0 or more")
        return float(stated)
    if source.geo_rmse_m is not None:
        return source.geo_rmse_m
    return sensor.geo_rmse_m if sensor is not None else max(1.0, gsd_m or 0.0)


def _elevation(item: pystac.Item) -> float | None:
    elevation, zenith = _number(item, "view:sun_elevation"), _number(item, "s2:mean_solar_zenith")
    return elevation if elevation is not None or zenith is None else 90.0 - zenith


def _number(item: pystac.Item, *names: str) -> float | None:
    values = (item.properties.get(name) for name in names)
    return next((float(one) for one in values if is_number(one)), None)
