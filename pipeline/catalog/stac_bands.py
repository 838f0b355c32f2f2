"""From a STAC item's assets to band files: which asset, which band in it, and its way to reflectance.

Read are STAC 1.1 ``bands``, the ``eo:bands`` and ``raster:bands`` of 1.0, and asset keys where neither is there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pystac

from ..errors import CatalogError
from ..model.scene import Band, Sensor
from .json_doc import is_number
from .stac_reflectance import reflectance

# Asset keys that say which band they hold, in catalogues without band metadata (Sentinel-2 numbers; B8A is no B08).
_BY_KEY: Mapping[str, str] = MappingProxyType(
    {"b02": "blue", "b03": "green", "b04": "red", "b08": "nir", "b2": "blue", "b3": "green", "b4": "red", "b8": "nir"}
    | {name: name for name in ("coastal", "blue", "green", "red", "nir", "pan")}
)
# Bands that detectors ask for: none of them may get lost without a word.
_CORE = frozenset({"blue", "green", "red", "nir"})
_NO_DATA_ROLES = frozenset({"thumbnail", "overview", "metadata", "data-mask", "cloud", "snow-ice", "water-mask"})


@dataclass(frozen=True)
class BandAsset:
    """One band as an asset offers it; ``rank`` orders offers of the same band, the smallest is taken."""

    key: str
    band: Band
    nodata: float | None
    gsd_m: float | None
    bytes_per_px: float
    rank: tuple[int, float, int]


def bands_of(item: pystac.Item, mapped: Mapping[str, str], sensor: Sensor | None, day: dt.date) -> dict[str, BandAsset]:
    """The best asset of every band that the item offers as GeoTIFF, by common name.

    Parameters
    ----------
    mapped : band name to asset key, or ``KEY:INDEX`` for a band of a multi-band asset; wins over what the item says.
    sensor : profile for what the item leaves open.
    day : of acquisition, for rules that changed in time.

    Raises
    ------
    CatalogError : no band at all, a mapped asset that is not there, or a band whose way to reflectance nobody tells.
    """
    found = [_mapped(item, name, where) for name, where in mapped.items()]
    if not found:
        data = {key: asset for key, asset in item.assets.items() if _may_hold_bands(asset)}
        tiffs = {key: asset for key, asset in data.items() if is_geotiff(asset)}
        found = [one for key in tiffs for one in _in_asset(item, key, len(tiffs), sensor)]
        if not found:
            raise CatalogError(f"item {item.id!r}: {_why_none(item, data)}")
    offers: list[BandAsset] = []
    unexplained: dict[str, CatalogError] = {}
    for one in found:
        try:
            offers.append(_offer(item, one, sensor, day))
        except CatalogError as error:
            unexplained.setdefault(one.name, error)
    best: dict[str, BandAsset] = {}
    for offer in sorted(offers, key=lambda one: one.rank):
        best.setdefault(offer.band.name, offer)
    for name, reason in unexplained.items():
        if name not in best and (name in _CORE or not best):  # a band that nobody needs may stay unexplained
            raise reason
    if "nir" not in best and "nir08" in best:  # Landsat's near infrared under its newer name
        best["nir"] = _renamed(best["nir08"], "nir")
    return best


def is_geotiff(asset: pystac.Asset) -> bool:
    """Whether the asset says to be a GeoTIFF, by its media type, else by its suffix."""
    if asset.media_type:
        return "tiff" in asset.media_type.lower()
    return asset.href.partition("?")[0].lower().endswith((".tif", ".tiff"))


def _may_hold_bands(asset: pystac.Asset) -> bool:
    return not (_NO_DATA_ROLES & set(asset.roles or ()))


def _why_none(item: pystac.Item, data: Mapping[str, pystac.Asset]) -> str:
    kinds = sorted({asset.media_type or "unknown type" for asset in data.values()})
    if any("jp2" in kind for kind in kinds):
        return "its bands are JPEG 2000, which is not read; use a collection of GeoTIFFs (COGs)"
    return (
        f"no asset names a band (assets: {', '.join(item.assets) or 'none'}; types: {', '.join(kinds) or 'none'});"
        " say which is which with assets: in the source, e.g. assets: {red: B04}, or give its sensor:"
    )


@dataclass(frozen=True)
class _Found:
    """A band somewhere in an asset, with what the item says of it."""

    key: str
    name: str
    index: int
    said: Mapping[str, Any]


def _mapped(item: pystac.Item, name: str, where: str) -> _Found:
    """The band that ``KEY`` or ``KEY:INDEX`` names; CatalogError when the item has no such asset."""
    key, _, index = where.rpartition(":") if re.search(r":\d+$", where) else (where, "", "1")
    if key not in item.assets:
        raise CatalogError(f"item {item.id!r}: no asset {key!r} for band {name!r}; it has {', '.join(item.assets)}")
    described = _described(item.assets[key])
    return _Found(key, name, int(index), described[int(index) - 1] if int(index) <= len(described) else {})


def _in_asset(item: pystac.Item, key: str, rivals: int, sensor: Sensor | None) -> list[_Found]:
    """The bands of one asset: as described, else by its key, else, for the only image of an item, by the sensor."""
    asset = item.assets[key]
    described = _described(asset)
    known = [_Found(key, name, at, one) for at, one in enumerate(described, 1) if (name := _common_name(one))]
    if not known and (by_key := _BY_KEY.get(key.lower())):
        known = [_Found(key, by_key, 1, described[0] if described else {})]
    if not known and rivals == 1 and sensor is not None:
        extra = {band.index: described[band.index - 1] for band in sensor.bands if band.index <= len(described)}
        known = [_Found(key, band.name, band.index, extra.get(band.index, {})) for band in sensor.bands]
    return known


def _described(asset: pystac.Asset) -> list[dict[str, Any]]:
    """What the asset says of each of its bands, the names of STAC 1.1 and of the extensions of 1.0 put together."""
    fields = asset.extra_fields
    lists = [fields.get(name) for name in ("bands", "eo:bands", "raster:bands")]
    rows = [one for one in lists if isinstance(one, list)]
    count = max((len(one) for one in rows), default=0)
    common: dict[str, Any] = {
        key: fields[key] for key in ("raster:scale", "raster:offset", "nodata", "data_type", "unit") if key in fields
    }
    merged = []
    for index in range(count):
        band = dict(common)
        for one in rows:
            if index < len(one) and isinstance(one[index], dict):
                band.update(one[index])
        merged.append(band)
    return merged


def _common_name(band: Mapping[str, Any]) -> str | None:
    name = band.get("eo:common_name") or band.get("common_name")
    if name is None and str(band.get("name", "")).lower() in _BY_KEY:
        name = _BY_KEY[str(band["name"]).lower()]
    return str(name).lower() if name else None


def _offer(item: pystac.Item, found: _Found, sensor: Sensor | None, day: dt.date) -> BandAsset:
    key, said, asset = found.key, found.said, item.assets[found.key]
    visual = "visual" in (asset.roles or ()) or key.lower().startswith("visual")
    kind = str(said.get("data_type", ""))
    scale, offset = reflectance(item, key, found.name, said, None if visual else sensor, day)
    gsd = said.get("spatial_resolution", said.get("raster:spatial_resolution", asset.extra_fields.get("gsd")))
    gsd_m = float(gsd) if is_number(gsd) else None
    nodata = said.get("nodata")
    return BandAsset(
        key=key,
        band=Band(found.name, found.index, scale, offset),
        nodata=float(nodata) if nodata == "nan" or is_number(nodata) else None,
        gsd_m=gsd_m,
        bytes_per_px=_bytes(kind, visual),
        rank=(int(visual), gsd_m or _gsd_in(key), list(item.assets).index(key)),
    )


def _gsd_in(key: str) -> float:
    """Metres out of keys such as ``red_20m``; 0 without, so that the plain key wins."""
    match = re.search(r"_(\d+)m$", key)
    return float(match[1]) if match else 0.0


def _bytes(kind: str, visual: bool) -> float:
    bits = re.search(r"\d+$", kind)
    return int(bits[0]) / 8 if bits else (1.0 if visual else 2.0)


def _renamed(offer: BandAsset, name: str) -> BandAsset:
    return replace(offer, band=replace(offer.band, name=name))
