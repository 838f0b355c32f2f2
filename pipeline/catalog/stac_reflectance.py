"""How the numbers of a band become reflectance: as the item says, and by the rules of products that it names.

Sentinel-2 (ESA, processing baseline 04.00 of 25 January 2022, levels 1C and 2A): reflectance = (DN - 1000) / 10000;
before it, DN / 10000. Which of the two holds follows the baseline and not the day: scenes of before 2022 were processed
again with the offset. Some hosts take the 1000 out of their copies, and say so in the item or not; others state an
offset that their copies do not have. So the offset is settled in one place, from the surest sign to the least.

Landsat Collection 2 level 2 (USGS): DN * 0.0000275 - 0.2. NAIP: 8 bit, DN / 255.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import pystac

from ..errors import CatalogError
from ..model.scene import Sensor

_S2_SCALE, _S2_OFFSET = 1e-4, -0.1
_S2_OFFSET_SINCE, _S2_OFFSET_DAY = 400, dt.date(2022, 1, 25)
_S2_BASELINE = ("s2:processing_baseline", "sentinel:processing_baseline", "processing_baseline", "processing:version")
_S2_NAMES = ("s2:product_uri", "sentinel:product_id", "s2:product_id", "title")
_S2_TAKEN_OUT = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
_LANDSAT_C2_L2 = (2.75e-5, -0.2)


def reflectance(
    item: pystac.Item, key: str, name: str, said: Mapping[str, Any], sensor: Sensor | None, day: dt.date
) -> tuple[float, float]:
    """Scale and offset of band ``name`` in asset ``key``.

    Parameters
    ----------
    said : what the item says of the band (STAC 1.1, or the raster extension of 1.0).
    sensor : profile for what the item leaves open.
    day : of acquisition.

    Raises
    ------
    CatalogError : nobody says how the numbers become reflectance, or they are radiances.
    """
    scale, offset = _number(said, "raster:scale", "scale"), _number(said, "raster:offset", "offset")
    if "watt" in str(said.get("unit", said.get("raster:unit", ""))).lower():
        raise CatalogError(
            f"item {item.id!r}: asset {key!r} holds radiances, not reflectance; use a collection of reflectances (L2)"
        )
    picture = key.lower().startswith("visual")
    if not picture and (settled := _sentinel2(item, scale, offset, day)) is not None:
        return settled
    if scale is not None or offset is not None:
        return (1.0 if scale is None else scale), offset or 0.0
    if not picture and (product := _product(item, name)) is not None:
        return product
    bands = {band.name: band for band in sensor.bands} if sensor is not None else {}
    if name in bands:
        return bands[name].scale, bands[name].offset
    kind = str(said.get("data_type", "uint8" if picture else ""))
    if kind == "uint8":
        return 1.0 / 255.0, 0.0
    if kind.startswith("float"):
        return 1.0, 0.0
    raise CatalogError(
        f"item {item.id!r}: asset {key!r} does not say how its numbers become reflectance (raster:scale);"
        " add sensor: to the source, e.g. sensor: sentinel2_l2a"
    )


def _number(said: Mapping[str, Any], *names: str) -> float | None:
    values = (said.get(name) for name in names)
    return next((float(one) for one in values if isinstance(one, int | float) and not isinstance(one, bool)), None)


def _sentinel2(
    item: pystac.Item, scale: float | None, offset: float | None, day: dt.date
) -> tuple[float, float] | None:
    """Of Sentinel-2 products of ESA's processing; None for others, as HLS, which are not ESA's numbers."""
    if not _is_sentinel2(item) or not _is_esa(item):
        return None
    scale = _S2_SCALE if scale is None else scale
    if any(item.properties.get(flag) is True for flag in _S2_TAKEN_OUT):
        return scale, 0.0  # the host states -0.1 all the same
    if not _carries_offset(item, day):
        return scale, 0.0  # there is none to take out, whatever is stated
    return scale, _S2_OFFSET if offset is None else offset


def _is_sentinel2(item: pystac.Item) -> bool:
    said = (item.properties.get("constellation"), item.properties.get("platform"), item.collection_id)
    return any(re.sub(r"[ _]", "-", str(one).lower()).startswith(("sentinel-2", "sentinel-s2")) for one in said if one)


def _is_esa(item: pystac.Item) -> bool:
    collection = re.sub(r"[ _]", "-", str(item.collection_id or "").lower())
    return not collection.startswith("hls") and (
        _baseline(item) is not None
        or str(item.properties.get("s2:product_type", "")).startswith("S2MSI")
        or re.match(r"sentinel-?(2|s2)(-c1)?-(l1c|l2a)", collection) is not None
    )


def _carries_offset(item: pystac.Item, day: dt.date) -> bool:
    baseline = _baseline(item)
    if baseline is not None:
        return baseline >= _S2_OFFSET_SINCE
    if "-c1-" in str(item.collection_id or "").lower():  # Collection 1: all of it processed again, by 05.00 and later
        return True
    return day >= _S2_OFFSET_DAY


def _baseline(item: pystac.Item) -> int | None:
    """The processing baseline, 04.00 as 400, as a property or in the product's name; None where it says nothing.

    99.99 is what users' own processing writes: it names no baseline.
    """
    plain = (re.match(r"N?(\d{2})[.]?(\d{2})$", str(item.properties.get(name, ""))) for name in _S2_BASELINE)
    named = (re.search(r"_N(\d{2})(\d{2})_", str(item.properties.get(name, ""))) for name in _S2_NAMES)
    in_id = re.search(r"_N(\d{2})(\d{2})_", item.id)
    found = (int(match[1]) * 100 + int(match[2]) for match in (*plain, *named, in_id) if match)
    return next((one for one in found if one < 9900), None)


def _product(item: pystac.Item, name: str) -> tuple[float, float] | None:
    """Of products whose catalogues commonly leave it out: Landsat C2 L2, NAIP."""
    collection = (item.collection_id or "").lower()
    landsat = "landsat" in collection and "c2" in collection and "l2" in collection
    if landsat or item.properties.get("landsat:correction") in ("L2SP", "L2SR"):
        return None if name.startswith("lwir") else _LANDSAT_C2_L2
    if collection.startswith("naip"):
        return 1.0 / 255.0, 0.0
    return None
