"""Deliveries: images of one sensor as they come, in files, folders and archives, and the day of each."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from shapely.geometry.base import BaseGeometry

from ..errors import ConfigError, LuyuError, NoImageError, Problems
from ..model.options import Options
from ..model.scene import Period, Scene
from ..net.options import NetOptions
from .delivery import Delivered, delivered
from .file_dates import days_in, tagged
from .file_paths import expanded
from .file_scenes import Placing, headers_of, scene_of
from .geotiff import Header
from .mosaic import SeamLines, parts_by_day
from .sensors import SensorProfile, profile

_Days = Annotated[
    Period,
    BeforeValidator(lambda value: value if isinstance(value, Period) else Period.parse(value)),
    PlainSerializer(str),
    WithJsonSchema({"type": "string"}),
]


class FileEntry(Options):
    """One file, folder, archive or glob with its date."""

    path: str = Field(
        min_length=1, description="File, folder, archive or glob, relative to the configuration; or s3://…."
    )
    date: dt.date | None = Field(
        None, description="Day of acquisition; default: of the delivery's XML, its name, tags."
    )
    dates: _Days | None = Field(
        None, description="First and last day of a mosaic of which nobody knows more: 2024-03-01/2024-06-30."
    )

    @model_validator(mode="after")
    def _one(self) -> FileEntry:
        if self.date is not None and self.dates is not None:
            raise ValueError("has date and dates; give one of them")
        return self


class FilesSource(Options):
    """Images of one sensor: GeoTIFF or COG files, folders and archives as delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, populate_by_name=True)

    kind: Literal["files"] = Field("files", description="Image files as delivered.")
    sensor: str = Field(
        description="Sensor profile: a name out of data_catalog/sensors, or a file of your own, own.yaml."
    )
    entries: tuple[str | FileEntry, ...] = Field(
        alias="scenes", min_length=1, description="Globs, or {path, date} entries; local or s3://."
    )
    geo_rmse_m: float | None = Field(
        None,
        ge=0,
        le=1000,
        description="Positional error (RMSE) that a quality report states, m; default: the profile's.",
    )
    dem: Path | None = Field(
        None, description="Elevation model (GeoTIFF, m) for raw images; default: a plane, and a wider positional error."
    )
    geoid_m: float = Field(
        0.0,
        ge=-110,
        le=90,
        description="Height of the geoid above the ellipsoid in the area, m, added to a model of heights above sea level.",
    )
    seamlines: SeamLines | None = Field(None, description="Of mosaics of several days: which part is of which day.")
    harmonised: bool | None = Field(
        None, description="Sentinel-2: the provider took the offset of baseline 04.00 out; default: found out."
    )
    unpack_to: Path | None = Field(
        None, description="Folder that archives are unpacked to; default: LUYU_CACHE, else the user's cache folder."
    )
    max_unpacked_gb: float = Field(100.0, gt=0, description="An archive that holds more is refused, GB.")

    def resolved(self, base: Path) -> FilesSource:
        """The same source with paths made absolute from ``base``."""
        entries = tuple(
            _absolute(entry, base)
            if isinstance(entry, str)
            else entry.model_copy(update={"path": _absolute(entry.path, base)})
            for entry in self.entries
        )
        places: dict[str, Path | str] = {
            name: base / value.expanduser()
            for name in ("dem", "unpack_to")
            if isinstance(value := getattr(self, name), Path)
        }
        if self.sensor.endswith(".yaml"):
            places["sensor"] = str(base / Path(self.sensor).expanduser())
        if self.seamlines is not None:
            seams = self.seamlines.model_copy(update={"path": base / self.seamlines.path.expanduser()})
            return self.model_copy(update={"entries": entries, **places, "seamlines": seams})
        return self.model_copy(update={"entries": entries, **places})

    def scenes(
        self,
        area_lonlat: BaseGeometry,
        period: Period,
        *,
        base: Path,
        sensor_folders: Sequence[Path] = (),
        network: NetOptions | None = None,
    ) -> tuple[Scene, ...]:
        """Scenes of the period that touch the area, sorted by day and id.

        Headers are read, no pixels; archives are looked into, not unpacked. A mosaic of a range of days counts for a
        period that holds the whole range, and as its last day: whatever day a thing on it was really seen, that day lies
        in the period and is not later than the one reported.

        ConfigError for an entry that names nothing or has no date; CatalogError for a file that cannot be used and when
        no file lies in the period and the area; several at once as Problems.
        """
        source = self.resolved(base)
        sensor = profile(source.sensor, sensor_folders)
        placing = Placing(
            sensor, tuple(sensor_folders), source.geo_rmse_m, source.dem, source.geoid_m, source.harmonised, network
        )
        seams = {} if source.seamlines is None else parts_by_day(source.seamlines, source.seamlines.path)
        dated, faults = _all_dated(source, self.entries, sensor)
        days: set[tuple[dt.date, dt.date]] = set()
        found: list[tuple[Scene, str]] = []
        for one in dated:
            try:
                parts = (
                    [Part(day, day, shape) for day, shape in seams.items()]
                    if one.days is None and seams
                    else [one.part]
                )
                days.update((part.first, part.last) for part in parts)
                parts = [part for part in parts if part.first in period and part.last in period]
                if not parts:
                    continue
                headers = headers_of(one.scene, placing)
                for part in parts:
                    scene = scene_of(one.scene, headers, part.last, placing, within=part.clip_lonlat, first=part.first)
                    if scene is not None and scene.footprint_lonlat.intersects(area_lonlat):  # type: ignore[attr-defined]
                        found.append((scene, one.scene.main.href))
            except LuyuError as error:
                faults.extend(error.problems if isinstance(error, Problems) else [str(error)])
        if faults:
            raise Problems(dict.fromkeys(faults))
        if not found:
            raise NoImageError(self._nothing(period, sorted(days)))
        return tuple(sorted(_named(found), key=lambda scene: (scene.day, scene.scene_id)))

    def _nothing(self, period: Period, days: Sequence[tuple[dt.date, dt.date]]) -> str:
        if any(first in period and last in period for first, last in days):
            return (
                f"imagery.source.scenes: none of the images of {period} touches the area; check the roads and the area"
            )
        shown = ", ".join(str(first) if first == last else f"{first}/{last}" for first, last in days[:6])
        shown += f" and {len(days) - 6} more days" if len(days) > 6 else ""
        return f"imagery.source.scenes: no image lies in {period}; the files are of {shown}"


@dataclass(frozen=True)
class Part:
    """A part of an image by its days; ``clip_lonlat``: None for the whole."""

    first: dt.date
    last: dt.date
    clip_lonlat: BaseGeometry | None = None


@dataclass(frozen=True)
class Dated:
    """A delivered scene and the days that its entry states, None for those that it tells itself."""

    scene: Delivered
    days: Period | None

    @cached_property
    def part(self) -> Part:
        """The whole image with its days; ConfigError naming the file when nothing tells."""
        if self.days is not None:
            return Part(self.days.start, self.days.end)
        day = self._told()
        return Part(day, day)

    def _told(self) -> dt.date:
        """The day that the XML tells, else the name, else the tags."""
        if self.scene.product is not None and self.scene.product.day is not None:
            return self.scene.product.day
        main = self.scene.main
        named = [days for stem in (main.stem, self.scene.stem) if (days := days_in(stem))]
        days = next((days for days in named if len(days) == 1), named[0] if named else [])
        if len(days) == 1:
            return days[0]
        day = tagged(self._header.tags)
        if day is None or (len(days) > 1 and day not in days):
            why = "two dates in the name" if days else "no date in the name or in the file's tags"
            name = Path(main.href).name
            raise ConfigError(f"{main.href}: {why}; say when it was taken, e.g. {{path: {name}, date: 2024-11-05}}")
        return day

    @cached_property
    def _header(self) -> Header:
        from .geotiff import read_header

        return read_header(self.scene.main.seen)


def _all_dated(
    source: FilesSource, written: Sequence[str | FileEntry], sensor: SensorProfile
) -> tuple[list[Dated], list[str]]:
    """The scenes of all entries, each once, with what the entries say of their days; and what is wrong.

    ``source`` has absolute paths, ``written`` the entries as the person wrote them, for messages.
    """
    dated: dict[str, Dated] = {}
    faults: list[str] = []
    for entry, as_written in zip(source.entries, written, strict=True):
        one = FileEntry(path=entry) if isinstance(entry, str) else entry
        name = as_written if isinstance(as_written, str) else as_written.path
        days = one.dates if one.date is None else Period(one.date, one.date)
        for path in _gathered(one.path, name, faults):
            try:
                for scene in delivered(path, sensor, cache=source.unpack_to, max_gb=source.max_unpacked_gb):
                    if scene.main.href not in dated or days is not None:
                        dated[scene.main.href] = Dated(scene, days)
            except LuyuError as error:
                faults.append(str(error))
    return list(dated.values()), faults


def _absolute(path: str, base: Path) -> str:
    return path if "://" in path else os.path.normpath(base / Path(path).expanduser())


def _gathered(path: str, as_written: str, faults: list[str]) -> Iterator[str]:
    try:
        yield from expanded(path, as_written)
    except ConfigError as error:
        faults.append(str(error))


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
