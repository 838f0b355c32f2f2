"""Mosaics of several days in one file: which part is of which day, from the layer of seam lines that comes with them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import shapely
from pydantic import Field

from ..errors import LayerError, Problems
from ..model.options import Options
from .layer_entries import Entry
from .layer_file import read_layer
from .yaml_doc import did_you_mean

# Parts of two days may lie over each other by rounding, not more: else nobody knows the day of what is seen there.
_MAX_OVERLAP = 0.01
_PLACE = "imagery.source.seamlines"
_DATE = re.compile(r"\s*((?:19|20)\d{2})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[T\s]\d{2}:.*)?\s*")


class SeamLines(Options):
    """The layer that says of which day each part of a mosaic is."""

    path: Path = Field(description="Polygons (Shapefile, GeoPackage, …), relative to the configuration file.")
    date_column: str = Field(min_length=1, description="Column with the day of acquisition.")
    layer: str | None = Field(None, description="Layer in a file of several.")
    crs: str | None = Field(None, description="Coordinate system, where the file claims none or a wrong one.")
    encoding: str | None = Field(None, description="Encoding of the text, e.g. gbk; default: found out.")


def parts_by_day(seams: SeamLines, path: Path) -> Mapping[dt.date, shapely.Geometry]:
    """The ground of each day in degrees of CGCS2000, longitude first, sorted by day.

    LayerError or Problems, naming the rows, for parts without a day, without an area, or over those of another day.
    """
    entry = Entry("seamlines", path, _PLACE, layer=seams.layer, crs=seams.crs, encoding=seams.encoding)
    frame = read_layer(entry).frame
    if seams.date_column not in frame.columns:
        columns = [str(name) for name in frame.columns if name != "geometry"]
        raise LayerError(
            "seamlines", f"no column {seams.date_column!r}; {did_you_mean(seams.date_column, columns)}", path=path
        )
    shapes = shapely.make_valid(frame.to_crs(4490).geometry.to_numpy())
    faults: list[str] = []
    parts: dict[dt.date, list[shapely.Geometry]] = {}
    for row, (written, shape) in enumerate(zip(frame[seams.date_column], shapes, strict=True), start=1):
        day = _day(written)
        if day is None:
            why = "has no date" if pd.isna(written) or not str(written).strip() else f"is no date: {str(written)!r}"
            faults.append(f"{path}: layer 'seamlines', row {row}: {seams.date_column!r} {why}; write it as 2024-06-05")
        elif shape is None or shape.is_empty or shape.area == 0:
            faults.append(f"{path}: layer 'seamlines', row {row}: has no area; draw it as a polygon")
        else:
            parts.setdefault(day, []).append(shape)
    if faults:
        raise Problems(faults)
    if not parts:
        raise LayerError("seamlines", "holds no part", path=path)
    found = {day: shapely.union_all(parts[day]) for day in sorted(parts)}
    _check_apart(found, path)
    return found


def _check_apart(parts: Mapping[dt.date, shapely.Geometry], path: Path) -> None:
    days = list(parts)
    for at, first in enumerate(days):
        for second in days[at + 1 :]:
            one, other = parts[first], parts[second]
            if not one.intersects(other):
                continue
            shared = shapely.intersection(one, other).area / min(one.area, other.area)
            if shared > _MAX_OVERLAP:
                raise LayerError(
                    "seamlines",
                    f"the parts of {first} and {second} lie over each other ({shared:.0%} of the smaller);"
                    " give the layer of what is seen, not of the images that went in",
                    path=path,
                )


def _day(value: object) -> dt.date | None:
    if isinstance(value, dt.datetime):  # pandas' Timestamp is one
        return None if pd.isna(value) else value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = _DATE.fullmatch(str(value))
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
