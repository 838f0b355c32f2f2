"""Images of two dates: which files they are, of when, of which sensor, how fine, and where they lie."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely

from ..catalog.delivery import Delivered, delivered
from ..catalog.file_paths import expanded
from ..catalog.file_scenes import Headers, Placing, headers_of
from ..catalog.files import Dated
from ..catalog.sensors import SensorProfile, profile
from ..errors import CatalogError, ConfigError, LuyuError, Problems
from ..model.scene import Period
from .given import Said
from .sensor import by_name

_MONTH = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_.年]?(0?[1-9]|1[0-2])月?(?!\d)")
_CONVERT = "make a GeoTIFF of it, e.g. in QGIS: Raster, Conversion, Translate; or rio convert {} {}.tif"
# What images come as and nothing here opens.
_OTHERS = {
    **dict.fromkeys((".img", ".jp2", ".ecw", ".sid", ".pix", ".dat", ".hdf", ".nc", ".vrt"), _CONVERT),
    **dict.fromkeys(
        (".jpg", ".jpeg", ".png", ".bmp", ".gif"),
        "a picture without a position on the map; ask for the GeoTIFF that it was made from, or place it on the map in QGIS"
        " (Georeferencer) and save it as GeoTIFF",
    ),
    **dict.fromkeys((".rar", ".7z"), "unpack it and give the folder"),
}


@dataclass(frozen=True)
class Image:
    """One scene: where it lies, when it was taken, what its files say. ``day_from``: name, XML, tag, month, you."""

    entry: str
    scene: Delivered
    headers: Headers
    days: Period
    day_from: str

    @property
    def pixel_m(self) -> float:
        """Side of the finest pixel, metres."""
        return min(header.pixel_m for header in self.headers.of.values())

    @property
    def outline(self) -> shapely.Geometry:
        """Where it lies, degrees."""
        return self.headers.main.footprint_lonlat

    @property
    def stated(self) -> bool:
        """Whether the entry must say the days, because the program would not find them by itself."""
        return self.day_from in ("month", "you")


def scenes_at(path: str, sensor: str | None) -> tuple[SensorProfile, list[Delivered]]:
    """The scenes that a file, folder, archive or glob holds, and the profile by which they are put together.

    ConfigError, CatalogError with the remedy for what is no image.
    """
    _refuse_others(path)
    if "://" in path:
        raise CatalogError(
            f"{path}: only files of this machine are looked into; write the address into run.yaml by hand"
        )
    plain = [one for place in expanded(path, path) for one in delivered(place, profile("rgb_vhr"))]
    chosen = profile(sensor or by_name(scene.main.stem for scene in plain) or "rgb_vhr")
    if chosen.files == ("",):
        return chosen, plain
    several = [one for place in expanded(path, path) for one in delivered(place, chosen)]
    return chosen, list({scene.main.href: scene for scene in several}.values())


def images_of(
    paths: Sequence[str], option: str, days: Period | None, sensor: str | None, said: Said
) -> tuple[SensorProfile, list[Image]]:
    """All images of one date, sorted by day; every fault of every file at once as Problems."""
    faults: list[str] = []
    found: list[Image] = []
    profiles: dict[str, SensorProfile] = {}
    for path in paths:
        try:
            chosen, scenes = scenes_at(path, sensor)
            profiles[chosen.name] = chosen
            found += [_image(path, scene, chosen, option, days, said) for scene in scenes]
        except LuyuError as error:
            told = error.problems if isinstance(error, Problems) else [str(error)]
            faults += [one.replace("imagery.source.scenes:", f"--{option}") for one in told]
    if len(profiles) > 1:
        faults.append(
            f"--{option}: images of several sensors ({', '.join(sorted(profiles))}); one run takes those of one; give them"
            " as fused products of the same form, or say --sensor NAME"
        )
    if faults:
        raise Problems(dict.fromkeys(faults))
    return next(iter(profiles.values())), sorted(found, key=lambda one: (one.days.start, one.scene.main.href))


def in_order(before: Sequence[Image], after: Sequence[Image]) -> None:
    """ConfigError where the dates are exchanged or the same, or the two do not lie on each other."""
    last, first = max(before, key=lambda one: one.days.end), min(after, key=lambda one: one.days.start)
    if max(one.days.end for one in after) < min(one.days.start for one in before):
        raise ConfigError(
            f"--before {last.entry} is of {last.days.end}, later than --after {first.entry} of {first.days.start}:"
            " exchange the two"
        )
    if both := {one.scene.main.href for one in before} & {one.scene.main.href for one in after}:
        raise ConfigError(
            f"{sorted(both)[0]}: is given as --before and as --after; name the earlier images for the one and the later ones for"
            " the other (of a folder that holds both dates, the files)"
        )
    if last.days.end >= first.days.start:
        raise ConfigError(
            f"--before {last.entry} is of {shown(last.days)} and --after {first.entry} of {shown(first.days)}: all of the"
            " earlier images must be older than all of the later ones; sort them, or say --before-date, --after-date"
        )
    if not outline(before).intersects(outline(after)):
        raise ConfigError(
            f"the images lie apart: --before {last.entry} ({extent(outline(before))}), --after {first.entry}"
            f" ({extent(outline(after))}); give two images of the same place"
        )


def outline(images: Iterable[Image]) -> shapely.Geometry:
    """What the images show together, degrees."""
    return shapely.union_all([one.outline for one in images])


def extent(shape: shapely.Geometry) -> str:
    """West to east and south to north, degrees."""
    west, south, east, north = shape.bounds
    return f"{west:.3f}–{east:.3f} E, {south:.3f}–{north:.3f} N"


def shown(days: Period) -> str:
    """One day, or first to last."""
    return str(days.start) if days.start == days.end else f"{days.start} to {days.end}"


def _refuse_others(path: str) -> None:
    suffix = Path(path).suffix.lower()
    if suffix in _OTHERS:
        remedy = _OTHERS[suffix].format(Path(path).name, Path(path).stem)
        raise CatalogError(f"{path}: {suffix} is not read: {remedy}")


def _image(entry: str, scene: Delivered, chosen: SensorProfile, option: str, days: Period | None, said: Said) -> Image:
    headers = headers_of(scene, Placing(chosen)) if chosen.files != ("",) else _header_alone(scene)
    told, where = _days(scene, option, days)
    if where == "tag":
        said.open.append(
            f"{Path(scene.main.href).name}: its day {shown(told)} is that of a tag in the file, which may be the day of"
            f" processing; say --{option}-date DAY if it is not the day of taking"
        )
    if where == "month":
        said.open.append(
            f"{Path(scene.main.href).name}: its name tells the month alone; any day of {shown(told)} is supposed"
        )
    return Image(entry, scene, headers, told, where)


def _header_alone(scene: Delivered) -> Headers:
    """The header of a single image, whatever its bands are."""
    from ..catalog.geotiff import read_header

    return Headers({"": read_header(scene.main.seen)}, profile("rgb_vhr"))


def _days(scene: Delivered, option: str, days: Period | None) -> tuple[Period, str]:
    if days is not None:
        return days, "you"
    try:
        part = Dated(scene, None).part
    except ConfigError as error:
        stem = scene.main.stem
        if month := _MONTH.search(stem):
            year, number = int(month[1]), int(month[2])
            return Period(
                dt.date(year, number, 1), dt.date(year, number, calendar.monthrange(year, number)[1])
            ), "month"
        raise ConfigError(
            f"{str(error).partition(';')[0]}; say when it was taken, --{option}-date 2024-04-12 (or"
            " 2024-04-01/2024-04-30), or put the day into the name, 20240412_…"
        ) from error
    if scene.product is not None and scene.product.day is not None:
        return Period(part.first, part.last), "XML"
    from ..catalog.file_dates import days_in

    named = {day for stem in (scene.main.stem, scene.stem) for day in days_in(stem)}
    return Period(part.first, part.last), "name" if part.first in named else "tag"
