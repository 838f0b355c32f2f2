"""Deliveries: local or s3:// GeoTIFFs of one sensor, their day from the entry, the name or the file's tags."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError, ConfigError, LuyuError, Problems
from ..model.options import Options
from ..model.scene import Period, Scene
from .geotiff import Header, read_header
from .sensors import SensorProfile, profile

_ISO = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.](\d{2})[-_.](\d{2})(?!\d)")
# 20240605, and Jilin's 20240605023012 with the time behind it
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?:\d{4}|\d{6})?(?!\d)")
_TAG_DATE = re.compile(r"(\d{4})[-:/.]?(\d{2})[-:/.]?(\d{2})")
_TAGS = ("ACQUISITIONDATE", "ACQUISITION_DATE", "ACQUISITIONDATETIME", "TIFFTAG_DATETIME")


class FileEntry(Options):
    """One file or glob with its date."""

    path: str = Field(min_length=1, description="GeoTIFF or glob, relative to the configuration file, or s3://….")
    date: dt.date | None = Field(None, description="Day of acquisition; default: from the file's name or tags.")


class FilesSource(Options):
    """GeoTIFF or COG files of one sensor."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, populate_by_name=True)

    kind: Literal["files"] = Field("files", description="Image files as delivered.")
    sensor: str = Field(description="Sensor profile: data_catalog/sensors/NAME.yaml or one of your own.")
    entries: tuple[str | FileEntry, ...] = Field(
        alias="scenes", min_length=1, description="Globs, or {path, date} entries; local or s3://."
    )

    def resolved(self, base: Path) -> FilesSource:
        """The same source with paths made absolute from ``base``."""
        entries = tuple(
            _absolute(entry, base)
            if isinstance(entry, str)
            else entry.model_copy(update={"path": _absolute(entry.path, base)})
            for entry in self.entries
        )
        return self.model_copy(update={"entries": entries})

    def scenes(
        self, area_lonlat: BaseGeometry, period: Period, *, base: Path, sensor_folders: Sequence[Path] = ()
    ) -> tuple[Scene, ...]:
        """Scenes of the period that touch the area, sorted by day and id.

        Headers are read, no pixels. ConfigError for an entry that names nothing or has no date; CatalogError for a file
        that cannot be used and when no file lies in the period and the area; several at once as Problems.
        """
        sensor = profile(self.sensor, sensor_folders)
        dated, faults = self._dated(base)
        days = sorted({day for _, day, _ in dated})
        found: list[tuple[Scene, str]] = []
        for href, day, known in dated:
            if day not in period:
                continue
            try:
                header = known or read_header(href)
                _check(header, sensor)
            except CatalogError as error:
                faults.append(str(error))
                continue
            if header.footprint_lonlat.intersects(area_lonlat):
                found.append((_scene(header, day, sensor), href))
        if faults:
            raise Problems(dict.fromkeys(faults))
        if not found:
            raise CatalogError(self._nothing(period, days))
        return tuple(sorted(_named(found), key=lambda scene: (scene.day, scene.scene_id)))

    def _dated(self, base: Path) -> tuple[list[tuple[str, dt.date, Header | None]], list[str]]:
        """Address, day and, where the day had to be looked up in it, header of each file; and what is wrong."""
        dated: dict[str, tuple[str, dt.date, Header | None]] = {}
        faults: list[str] = []
        for entry in self.entries:
            path, day = (entry, None) if isinstance(entry, str) else (entry.path, entry.date)
            try:
                for href in _expanded(_absolute(path, base), path):
                    if href not in dated or day is not None:
                        dated[href] = _with_day(href, day)
            except LuyuError as error:
                faults.append(str(error))
        return list(dated.values()), faults

    def _nothing(self, period: Period, days: Sequence[dt.date]) -> str:
        inside = sum(day in period for day in days)
        if inside:
            return (
                f"imagery.source.scenes: none of the images of {period} touches the area; check the roads and the area"
            )
        shown = ", ".join(map(str, days[:6])) + (f" and {len(days) - 6} more days" if len(days) > 6 else "")
        return f"imagery.source.scenes: no image lies in {period}; the files are of {shown}"


def _absolute(path: str, base: Path) -> str:
    return path if path.startswith("s3://") else str(base / Path(path).expanduser())


def _expanded(path: str, as_written: str) -> list[str]:
    """The files that a path or glob names, sorted; ConfigError when it names none."""
    wild = any(char in path for char in "*?[")
    if path.startswith("s3://"):
        if wild:
            raise ConfigError(
                f"imagery.source.scenes: {as_written!r}: globs work on local folders only; list the files"
            )
        return [path]
    if Path(path).exists() or not wild:
        if not Path(path).is_file():
            raise ConfigError(f"imagery.source.scenes: {as_written!r}: no such file ({path})")
        return [path]
    anchor = Path(Path(path).anchor)
    matches = sorted(str(found) for found in anchor.glob(str(Path(path).relative_to(anchor))) if found.is_file())
    if not matches:
        raise ConfigError(f"imagery.source.scenes: glob {as_written!r} matches no file ({path})")
    return matches


def _with_day(href: str, day: dt.date | None) -> tuple[str, dt.date, Header | None]:
    """The day from the entry, else the name, else the tags; ConfigError naming the file when none of them tells."""
    if day is not None:
        return href, day, None
    days = _days_in(Path(href).stem)
    if len(days) == 1:
        return href, days[0], None
    header = read_header(href)
    tagged = _tagged(header)
    if tagged is None or (len(days) > 1 and tagged not in days):
        why = "two dates in the name" if days else "no date in the name or in the file's tags"
        raise ConfigError(f"{href}: {why}; say when it was taken, e.g. {{path: {Path(href).name}, date: 2024-11-05}}")
    return href, tagged, header


def _days_in(stem: str) -> list[dt.date]:
    """The different days that a name holds, in the order they stand."""
    days: dict[dt.date, None] = {}
    for pattern in (_ISO, _COMPACT):
        for match in pattern.finditer(stem):
            day = _day(match)
            if day is not None:
                days[day] = None
    return list(days)


def _tagged(header: Header) -> dt.date | None:
    for tag in _TAGS:
        match = _TAG_DATE.match(header.tags.get(tag, ""))
        day = _day(match) if match else None
        if day is not None:
            return day
    return None


def _day(match: re.Match[str]) -> dt.date | None:
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _check(header: Header, sensor: SensorProfile) -> None:
    """CatalogError when the file is not what the profile describes."""
    if header.band_count < sensor.band_count:
        names = ", ".join(f"{band.name}={band.index}" for band in sensor.bands)
        raise CatalogError(
            f"{header.href}: has {header.band_count} bands, but sensor {sensor.name!r} needs {sensor.band_count}"
            f" ({names}); choose the profile that fits the delivery"
        )
    if sensor.dtype is not None and header.dtype != sensor.dtype:
        raise CatalogError(
            f"{header.href}: holds {header.dtype}, but sensor {sensor.name!r} describes {sensor.dtype};"
            " scaled so, its reflectance would be wrong; choose or write the profile that fits"
        )


def _scene(header: Header, day: dt.date, profiled: SensorProfile) -> Scene:
    sensor = profiled.sensor()
    stem = Path(header.href).stem
    scene_id = stem if day in _days_in(stem) else f"{stem}_{day:%Y%m%d}"
    return Scene(
        scene_id=scene_id,
        day=day,
        files=header.files(sensor.bands),
        footprint_lonlat=header.footprint_lonlat,
        nodata=sensor.nodata if header.nodata is None else header.nodata,
        geo_rmse_m=sensor.geo_rmse_m,
        native_pixel_m=header.pixel_m,
        sensor=sensor.name,
        bytes_per_px=header.bytes_per_px,
    )


def _named(found: Sequence[tuple[Scene, str]]) -> list[Scene]:
    """Scenes whose ids differ: sheets of the same name in different folders take as many folders as tell them apart."""
    counts = Counter(scene.scene_id for scene, _ in found)
    named = []
    for scene, href in found:
        if counts[scene.scene_id] > 1:
            same = [Path(other).parts[:-1] for one, other in found if one.scene_id == scene.scene_id]
            own = Path(href).parts[:-1]
            depth = next(
                n for n in range(1, len(own) + 2) if sum(p[-n:] == own[-n:] for p in same) == 1 or n > len(own)
            )
            scene = replace(scene, scene_id="_".join((*own[-depth:], scene.scene_id)))  # noqa: PLW2901
        named.append(scene)
    return named
