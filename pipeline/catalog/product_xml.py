"""What the XML of a delivery says of its scene: satellite, day, corners, cloud, sun, angle of view, level.

Read are the forms of GF-1/2/6 and SuperView (``ProductMetaData``, all in one list), of GF-7 and ZY-3
(``sensor_corrected_metadata/productInfo``, whose longitudes are spelt ``Longtitude``) and of Jilin-1
(``MetaData/ProductInfo``). A document comes from outside: it is bounded in size and may declare no entities.
"""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from ..errors import CatalogError

MAX_BYTES = 8 << 20
# Times without zone are Beijing time; with one they are brought to it, because days are counted where the road is.
_BEIJING = dt.timezone(dt.timedelta(hours=8))
_ROOTS = ("ProductMetaData", "sensor_corrected_metadata", "MetaData")
_TIMES = ("CenterTime", "AcquisitionTime", "ImagingTime", "ImagingStartTime", "StartTime", "EndTime")
_MOMENT = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_CORNERS = (
    ("TopLeft", "UpperLeft", "LeftTop"),
    ("TopRight", "UpperRight", "RightTop"),
    ("BottomRight", "LowerRight", "RightBottom"),
    ("BottomLeft", "LowerLeft", "LeftBottom"),
)
_LONGITUDE = ("Longitude", "Longtitude")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9_.-]+)["'][^>]*\?>""")


@dataclass(frozen=True)
class Product:
    """A scene as its XML describes it; None where that says nothing or nonsense. ``level``: as written."""

    satellite: str
    sensor: str
    day: dt.date | None
    level: str
    footprint_lonlat: shapely.Polygon | None
    cloud_percent: float | None
    off_nadir_deg: float | None
    sun_azimuth_deg: float | None
    sun_elevation_deg: float | None

    @property
    def level_number(self) -> int | None:
        """1 for raw (LEVEL1A, L1B), 2 for laid on a map without control (2A), from 3 orthorectified; None: untold."""
        match = re.search(r"\d", self.level)
        return None if match is None else int(match[0])


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type before any entity in it is declared, let alone expanded."""

    def doctype(self, *_: object) -> None:
        raise CatalogError("declares a document type, which no product's XML does; refused")


def parse(data: bytes, name: str) -> Product | None:
    """The product of the XML in ``data``, or None when it is the XML of something else.

    CatalogError, naming ``name``, for what is no XML, is too large, or declares a document type.
    """
    if len(data) > MAX_BYTES:
        raise CatalogError(f"{name}: larger than {MAX_BYTES >> 20} MiB; no product's XML is")
    try:
        root = ET.fromstring(_as_utf8(data), parser=ET.XMLParser(target=_NoDoctype()))  # noqa: S314  see _NoDoctype
    except CatalogError as error:
        raise CatalogError(f"{name}: {error}") from None
    except (ET.ParseError, LookupError, ValueError, RecursionError) as error:
        raise CatalogError(f"{name}: not valid XML: {error}") from error
    if _plain(root.tag) not in _ROOTS:
        return None
    return _product(_leaves(root))


def _as_utf8(data: bytes) -> bytes:
    """Documents in GB2312 or GBK, which the parser does not know, in UTF-8 without their declaration."""
    declared = _DECLARED.match(data)
    if declared and declared[1].decode().lower().replace("-", "") in ("gb2312", "gbk", "gb18030", "cp936"):
        return data[declared.end() :].decode("gb18030", errors="replace").encode()
    return data


def _leaves(root: ET.Element) -> dict[str, str]:
    """Text of the elements by name, of those of a parent's also by both names; the first of a name wins."""
    found: dict[str, str] = {}
    for parent in root.iter():
        for one in parent:
            text = (one.text or "").strip()
            if len(one) == 0 and text:
                found.setdefault(_plain(one.tag), text)
                found.setdefault(f"{_plain(parent.tag)}/{_plain(one.tag)}", text)
    return found


def _product(said: Mapping[str, str]) -> Product:
    zenith = _number(said, ("SolarZenith", "SunZenith"), 0, 180)
    elevation = _number(said, ("SolarElevation", "SunElevation", "SunAltitude", "SolarAltitude"), -90, 90)
    return Product(
        satellite=said.get("SatelliteID", ""),
        sensor=said.get("SensorID", said.get("Sensor", "")),
        day=_day(said),
        level=said.get("ProductLevel", ""),
        footprint_lonlat=_footprint(said),
        cloud_percent=_number(said, ("CloudPercent", "CloudCover"), 0, 100),
        off_nadir_deg=_off_nadir(said),
        sun_azimuth_deg=_number(said, ("SolarAzimuth", "SunAzimuth"), -360, 360),
        sun_elevation_deg=elevation if elevation is not None or zenith is None else 90.0 - zenith,
    )


def _day(said: Mapping[str, str]) -> dt.date | None:
    """The day in Beijing of the first time that can be read."""
    for name in _TIMES:
        match = _MOMENT.match(said.get(name, ""))
        if match is None:
            continue
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        try:
            moment = dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(match[7]))
        except ValueError:
            continue
        return moment.astimezone(_BEIJING).date()
    return None


def _zone(text: str | None) -> dt.tzinfo:
    if not text:
        return _BEIJING
    if text == "Z":
        return dt.UTC
    sign = -1 if text[0] == "-" else 1
    return dt.timezone(sign * dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _off_nadir(said: Mapping[str, str]) -> float | None:
    """Angle between the line of sight and the vertical below the satellite, out of roll and pitch, degrees."""
    for kind in ("Viewing", "Satellite"):
        roll = _number(said, (f"Roll{kind}Angle",), -90, 90)
        pitch = _number(said, (f"Pitch{kind}Angle",), -90, 90)
        if roll is not None:
            cosines = np.cos(np.radians([roll, pitch or 0.0]))
            return round(float(np.degrees(np.arccos(np.prod(cosines)))), 3)
    return _number(said, ("SwingSatelliteAngle", "OffNadir", "OffNadirAngle"), -90, 90)


def _footprint(said: Mapping[str, str]) -> shapely.Polygon | None:
    """The four corners, longitude first; None when one lacks or they span no area on the globe."""
    corners = []
    for names in _CORNERS:
        lat = _number(said, [f"{n}{sep}Latitude" for n in names for sep in ("", "Point/")], -90, 90)
        lon = _number(said, [f"{n}{sep}{l}" for n in names for sep in ("", "Point/") for l in _LONGITUDE], -180, 180)  # noqa: E741
        if lat is None or lon is None:
            return None
        corners.append((lon, lat))
    shape = shapely.Polygon(corners)
    hull = shape if shape.is_valid else shapely.convex_hull(shapely.MultiPoint(corners))
    return hull if isinstance(hull, shapely.Polygon) and hull.area > 0 else None


def _number(said: Mapping[str, str], names: Iterable[str], low: float, high: float) -> float | None:
    """The first of the names that holds a number between the bounds."""
    for name in names:
        try:
            value = float(said.get(name, "").rstrip("%"))
        except ValueError:
            continue
        if low <= value <= high:
            return value
    return None


def _plain(tag: object) -> str:
    """A name without its namespace."""
    return str(tag).rpartition("}")[2]
