"""Whether the numbers of a Sentinel-2 file hold the offset of processing baseline 04.00: applied once, never twice.

Since that baseline (25 January 2022, and in older scenes that were reprocessed) reflectance = (DN - 1000) / 10000.
Asked are, in this order: the person (``harmonised``), the file's tags, the product's name, the product's XML, the day.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from .geotiff import Header
from .sensors import OffsetSince

_IN_NAME = re.compile(r"_N(\d{2})(\d{2})(?=_|\.|$)")
_IN_XML = re.compile(rb"<PROCESSING_BASELINE>\s*(\d{2}\.?\d{2})\s*</PROCESSING_BASELINE>")
_TAGS = ("PROCESSING_BASELINE", "S2_PROCESSING_BASELINE", "S2:PROCESSING_BASELINE", "PROCESSING:VERSION")
_TAKEN_OUT = ("BOA_OFFSET_APPLIED", "EARTHSEARCH:BOA_OFFSET_APPLIED", "HARMONISED", "HARMONIZED")
_XML = ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml")
_XML_BYTES = 4 << 20
_LEVELS_UP = 6


def holds_offset(rule: OffsetSince, header: Header, seen: str, day: dt.date, *, harmonised: bool | None) -> bool:
    """Whether the offset has to be taken off this file's numbers; ``seen``: a path beside which its XML may lie."""
    if harmonised is not None:
        return not harmonised
    if any(header.tags.get(tag, "").strip().lower() in ("true", "yes", "1") for tag in _TAKEN_OUT):
        return False
    found = baseline(header, seen)
    return day >= rule.day if found is None else found >= rule.baseline


def baseline(header: Header, seen: str) -> float | None:
    """The processing baseline, 5.1 for 05.10, that tags, name or XML tell; None when none of them does."""
    for tag in _TAGS:
        match = re.match(r"N?(\d{2})\.?(\d{2})$", header.tags.get(tag, "").strip())
        if match:
            return float(f"{match[1]}.{match[2]}")
    for text in (header.href, header.tags.get("PRODUCT_URI", "")):
        matches = _IN_NAME.findall(text)
        if matches:
            return float(".".join(matches[-1]))
    return None if "://" in seen else _of_xml(Path(seen))


def _of_xml(path: Path) -> float | None:
    """Of the product's XML in the image's folder or one above it."""
    for folder in list(path.parents)[:_LEVELS_UP]:
        for name in _XML:
            if (folder / name).is_file():
                with (folder / name).open("rb") as file:
                    match = _IN_XML.search(file.read(_XML_BYTES))
                if match:
                    text = match[1].decode()
                    return float(text if "." in text else f"{text[:2]}.{text[2:]}")
    return None
