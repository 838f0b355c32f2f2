"""A photo from the field: what it is by its content, and what it says of when, where and which way it was taken.

Nothing is decoded, so a picture that would unpack to gigabytes stays the file that it is. The original bytes are kept, and
their hash, so that the photo can stand as evidence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from pyproj import Geod

from ..geo.gcj02 import from_gcj02
from .bounds import MOST_PHOTO_BYTES
from .verdict import CHINA

MOST_PIXELS = 300_000_000  # the largest sensors of telephones have 200 million
_READ_BY_PILLOW = ("JPEG", "PNG", "WEBP")
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_EXIF_MARK = b"Exif\x00\x00"
_GPS, _SHOT = ExifTags.IFD.GPSInfo, ExifTags.IFD.Exif
_EARTH = Geod(ellps="GRS80")


@dataclass(frozen=True)
class Shot:
    """What a photo says of itself; None where it does not. Degrees; ``azimuth_deg`` 0 north, clockwise; ``taken_at`` UTC."""

    sha256: str
    content: bytes
    taken_at: str | None = None
    lon: float | None = None
    lat: float | None = None
    azimuth_deg: float | None = None


def read_photo(path: Path) -> Shot:
    """The photo in a file; ValueError saying what is wrong with it and what to do."""
    if (size := path.stat().st_size) > MOST_PHOTO_BYTES:
        raise ValueError(
            f"is {size / 1e6:.0f} MB, more than {MOST_PHOTO_BYTES // 1_000_000} MB; take it at a lower resolution"
        )
    content = path.read_bytes()
    exif = _exif(content)
    gps, shot = exif.get_ifd(_GPS), exif.get_ifd(_SHOT)
    lon, lat = _position(gps)
    return Shot(hashlib.sha256(content).hexdigest(), content, _taken_at(shot), lon, lat, _azimuth(gps))


def distance_m(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    """Metres along the ground between two places in degrees."""
    return float(_EARTH.inv(lon, lat, to_lon, to_lat)[2])


def far_note(lon: float, lat: float, case: Mapping[str, Any], far_m: float) -> str | None:
    """What is to be told of a photo taken farther than ``far_m`` from its case; None where it was not.

    Some telephones write positions of Chinese web maps (GCJ-02) some 550 m off; that is said where it would explain it.
    """
    away_m = distance_m(lon, lat, case["lon"], case["lat"])
    if away_m <= far_m:
        return None
    true_lon, true_lat = from_gcj02(np.array([lon]), np.array([lat]))
    unshifted_m = distance_m(float(true_lon[0]), float(true_lat[0]), case["lon"], case["lat"])
    hint = f"; taken as GCJ-02 it would be {unshifted_m:.0f} m: the camera may write shifted positions"
    return f"was taken {away_m:.0f} m from the case, more than {far_m:.0f} m{hint if unshifted_m <= far_m else ''}"


def _exif(content: bytes) -> Image.Exif:
    """The EXIF block of a photo, empty where there is none; ValueError for what is no photo, or a bomb."""
    exif = Image.Exif()
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        # Pillow reads no HEIC; its EXIF block stands in it as it is, behind a mark.
        at = max(content.find(_EXIF_MARK + order) for order in (b"MM\x00*", b"II*\x00"))
        block = content[at:] if at >= 0 else b""
    else:
        block = _header(content)
    if block:
        try:
            exif.load(block)
        except Exception:  # noqa: BLE001  whatever a camera wrote; a photo without EXIF is still a photo
            return Image.Exif()
    return exif


def _header(content: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large ones are weighed below
            with Image.open(io.BytesIO(content), formats=_READ_BY_PILLOW) as image:
                width, height, block = *image.size, image.info.get("exif", b"")
    except Image.DecompressionBombError:
        width, height, block = MOST_PIXELS, MOST_PIXELS, b""
    except Exception as error:  # Pillow raises whatever it meets in a damaged file
        raise ValueError("is no JPEG, PNG, WebP or HEIC by its content; put the photo itself there") from error
    if width * height > MOST_PIXELS:
        raise ValueError(f"has more than {MOST_PIXELS // 1_000_000} million pixels; take it at a lower resolution")
    return block if isinstance(block, bytes) else b""


def _taken_at(shot: Mapping[int, Any]) -> str | None:
    """UTC text of the moment of exposure; a camera that names no offset is taken to show China's time."""
    try:
        local = dt.datetime.strptime(str(shot[ExifTags.Base.DateTimeOriginal]).strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        offset = str(shot.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\x00 ")
        zone = dt.datetime.strptime(offset, "%z").tzinfo if offset else CHINA
        return local.replace(tzinfo=zone).astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (KeyError, ValueError, OverflowError):
        return None


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | tuple[None, None]:
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90.0)
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180.0)
    if lon is None or lat is None or (lon == 0 and lat == 0):  # what a receiver writes that has found nothing
        return None, None
    return lon, lat


def _degrees(parts: Any, ref: Any, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or not 0 <= value <= most:
        return None
    return round(-value if str(ref).strip("\x00 ").upper() == negative else value, 7)


def azimuth_of(value: object) -> float | None:
    """Degrees from north, clockwise, in [0, 360); None for what is none."""
    try:
        angle = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return angle % 360 if math.isfinite(angle) and 0 <= angle <= 360 else None


def _azimuth(gps: Mapping[int, Any]) -> float | None:
    return azimuth_of(gps.get(ExifTags.GPS.GPSImgDirection))
