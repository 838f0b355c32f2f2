"""Sensor profiles: one YAML file each, shipped ones in data_catalog/sensors, the user's own searched first."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ..errors import ConfigError, Problems
from ..model.options import Options
from ..model.scene import Band, Sensor
from ..model.shipped import shipped
from ..model.yaml_text import read_mapping
from .yaml_doc import did_you_mean, line_of

DType = Literal["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]


class Title(Options):
    """Name of the sensor for people, in two languages."""

    zh: str = Field(description="Chinese name.")
    en: str = Field(description="English name.")


class BandProfile(Options):
    """One band of a file; ``scale`` and ``offset`` override the profile's."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="STAC common name: blue, green, red, nir, pan, ...")
    index: int = Field(ge=1, description="Position in the file, counted from 1.")
    wavelength_um: tuple[float, float] | None = Field(None, description="First and last wavelength, micrometres.")
    scale: float | None = Field(None, gt=0, description="reflectance = DN * scale + offset; default: the profile's.")
    offset: float | None = Field(None, description="See scale.")
    file: str | None = Field(
        None,
        min_length=2,
        description="Of a scene in several files: pattern of the end of this band's file name, without suffix.",
    )
    optional: bool = Field(False, description="Deliveries without this band's file are complete all the same.")

    @field_validator("file")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        return _checked_pattern(value)


class MaskProfile(Options):
    """The quality file beside an image, and which of its pixels are not looked at."""

    file: str = Field(min_length=2, description="Pattern of the end of its name, without suffix.")
    index: int = Field(1, ge=1, description="Its band that is read, counted from 1.")
    bad: tuple[int, ...] = Field((), description="Values that mean cloud, shadow, snow or fill.")
    bits: tuple[int, ...] = Field((), description="Bits, counted from 0, any of which means the same.")

    @field_validator("file")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        return _checked_pattern(value)

    @model_validator(mode="after")
    def _says_something(self) -> MaskProfile:
        if not self.bad and not self.bits:
            raise ValueError("neither bad values nor bits: nothing would be masked")
        return self


class OffsetSince(Options):
    """From which processing baseline on the offset stands in the numbers (Sentinel-2: 04.00, 25 January 2022)."""

    baseline: float = Field(gt=0, description="First processing baseline with the offset; earlier ones have none.")
    day: dt.date = Field(description="Of files that do not tell their baseline: taken on this day or later.")


class SensorProfile(Options):
    """What a sensor's files look like: band order, radiometry, fill value and positional error."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$", description="Name used in run configurations; also the file's.")
    title: Title = Field(description="Name for people.")
    bands: tuple[BandProfile, ...] = Field(min_length=1, description="Bands that are used, in any order.")
    dtype: DType | None = Field(None, description="Type of the digital numbers; files of another type are refused.")
    scale: float = Field(1.0, gt=0, description="reflectance = DN * scale + offset, for all bands.")
    offset: float = Field(0.0, description="See scale.")
    nodata: float | None = Field(None, description="Digital number of pixels without data, where a file names none.")
    geo_rmse_m: float = Field(ge=0, le=1000, description="Positional error (RMSE) of the delivered product, m.")
    raw_rmse_m: float | None = Field(
        None,
        ge=0,
        le=1000,
        description="Positional error (RMSE) of levels 1 and 2, placed by orbit and polynomials alone, m; none: refused.",
    )
    native_pixel_m: float | None = Field(None, gt=0, description="Pixel size at nadir, m.")
    calibration: Literal["reflectance", "numbers", "display"] = Field(
        "numbers",
        description="What the numbers are: reflectance; raw numbers scaled to about 0..1; stretched for viewing.",
    )
    border: tuple[float, ...] = Field((), description="Fill values of a mosaic's border, where a file names no nodata.")
    mask: MaskProfile | None = Field(None, description="Quality file that comes with each scene.")
    offset_since: OffsetSince | None = Field(None, description="Products of an earlier baseline have no offset.")
    ignored: str | None = Field(
        None, min_length=2, description="Pattern of the end of the names of images in a delivery that are passed over."
    )
    by_band_count: Mapping[int, str] = Field(
        default_factory=dict, description="Number of bands to the profile that files with so many have instead."
    )
    sources: tuple[str, ...] = Field((), description="Where the values come from.")
    notes: str = Field(min_length=1, description="Where the values come from and what a user must check.")

    @field_validator("ignored")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        return _checked_pattern(value)

    @model_validator(mode="after")
    def _once(self) -> SensorProfile:
        places = [f"{b.index}" if b.file is None else f"{b.index} of {b.file}" for b in self.bands]
        for what, values in (("name", [b.name for b in self.bands]), ("index", places)):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"band {what} {twice[0]} stands twice")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Patterns of the files that one scene consists of, in the order of the bands; one empty pattern for any name."""
        return tuple(dict.fromkeys(band.file or "" for band in self.bands))

    def in_file(self, pattern: str) -> tuple[BandProfile, ...]:
        """The bands that lie in the files of that pattern."""
        return tuple(band for band in self.bands if (band.file or "") == pattern)

    def sensor(self, *, with_offset: bool = True) -> Sensor:
        """The profile in the words of ``model.scene``; ``with_offset``: False where the numbers hold no offset."""
        bands = tuple(
            Band(
                band.name,
                band.index,
                self.scale if band.scale is None else band.scale,
                (self.offset if band.offset is None else band.offset) if with_offset else 0.0,
            )
            for band in self.bands
        )
        return Sensor(self.name, bands, self.nodata, self.geo_rmse_m, self.native_pixel_m)


def _checked_pattern(value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"{value!r} is no pattern: {error}") from error
    return value


def known(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Profile files by name; a folder given first wins over later ones and over the shipped profiles."""
    found: dict[str, Path] = {}
    for folder in (*folders, shipped("sensors")):
        for path in sorted(Path(folder).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def profile(name: str, folders: Sequence[Path] = ()) -> SensorProfile:
    """The checked profile of that name, or in that file (``own.yaml``); ConfigError or Problems with the remedy else."""
    if name.endswith(".yaml"):
        path, name = Path(name), Path(name).stem
    elif name in (paths := known(folders)):
        path = paths[name]
    else:
        raise ConfigError(f"unknown sensor {name!r}; {did_you_mean(name, paths)}; a profile of your own ends in .yaml")
    data = read_mapping(path, what="a sensor profile")
    try:
        found = SensorProfile.model_validate(_plain(data))
    except ValidationError as error:
        raise Problems([_said(path, data, fault) for fault in error.errors()]) from error
    if found.name != name:
        raise ConfigError(
            f"{path}:{line_of(data, 'name')}: name is {found.name!r}, the file's {name!r}; make them equal"
        )
    return found


def sensor(name: str, folders: Sequence[Path] = ()) -> Sensor:
    """The sensor of that name, from the given folders first, then from the shipped profiles."""
    return profile(name, folders).sensor()


def _plain(node: object) -> object:
    """Plain dicts and lists out of a round-trip document."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node


_PARTS: Mapping[object, type[Options]] = {
    "bands": BandProfile,
    "title": Title,
    "mask": MaskProfile,
    "offset_since": OffsetSince,
}


def _said(path: Path, data: object, fault: object) -> str:
    """One line for one fault of pydantic's."""
    location, node, line = fault["loc"], data, None  # type: ignore[index]
    model: type[Options] | None = SensorProfile
    for key in location:
        if isinstance(node, dict | list) and (key in node if isinstance(node, dict) else key < len(node)):
            line, node = line_of(node, key), node[key]
        if key in _PARTS and key != location[-1]:
            model = _PARTS[key]
    message = str(fault["msg"]).removeprefix("Value error, ")  # type: ignore[index]
    if fault["type"] == "extra_forbidden" and model is not None:  # type: ignore[index]
        message = f"unknown key; {did_you_mean(location[-1], model.model_fields)}"
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(map(str, location)) or 'profile'}: {message}"
