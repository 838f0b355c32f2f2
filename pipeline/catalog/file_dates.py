"""The day of a scene: what the person says, else the delivery's XML, else its name, else the file's tags."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

_ISO = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.](\d{2})[-_.](\d{2})(?!\d)")
_CHINESE = re.compile(r"(?<!\d)((?:19|20)\d{2})年(\d{1,2})月(\d{1,2})[日号]")
# 20240605, and Jilin's 20240605023012 with the time behind it
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?:\d{4}|\d{6})?(?!\d)")
# Names whose first date is that of acquisition and whose second that of processing: Sentinel-2, Landsat.
_TAKEN_FIRST = re.compile(r"^(S2[A-D]_MSIL|L[COTEM]\d{2}_L\d)", re.IGNORECASE)
_TAG_DATE = re.compile(r"(\d{4})[-:/.]?(\d{2})[-:/.]?(\d{2})")
_TAGS = ("ACQUISITIONDATE", "ACQUISITION_DATE", "ACQUISITIONDATETIME", "TIFFTAG_DATETIME")


def days_in(stem: str) -> list[dt.date]:
    """The different days that a name holds, in the order they stand; of products that name two, the one of taking."""
    found = [
        (match.start(), day)
        for pattern in (_ISO, _CHINESE, _COMPACT)
        for match in pattern.finditer(stem)
        if (day := _day(match))
    ]
    days = list(dict.fromkeys(day for _, day in sorted(found)))
    return days[:1] if _TAKEN_FIRST.match(stem) else days


def tagged(tags: Mapping[str, str]) -> dt.date | None:
    """The day that a TIFF's tags tell."""
    for tag in _TAGS:
        match = _TAG_DATE.match(tags.get(tag, ""))
        day = _day(match) if match else None
        if day is not None:
            return day
    return None


def _day(match: re.Match[str]) -> dt.date | None:
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
