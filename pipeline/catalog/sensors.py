"""Sensor profiles: one YAML file each, shipped ones in data_catalog/sensors, the user's own searched first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from ..errors import ConfigError, Problems
from ..model.options import Options
from ..model.scene import Band, Sensor
from ..model.shipped import shipped
from .yaml_doc import did_you_mean, line_of, read_mapping

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
    native_pixel_m: float | None = Field(None, gt=0, description="Pixel size at nadir, m.")
    notes: str = Field(min_length=1, description="Where the values come from and what a user must check.")

    @model_validator(mode="after")
    def _once(self) -> SensorProfile:
        for what, values in (("name", [b.name for b in self.bands]), ("index", [str(b.index) for b in self.bands])):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"band {what} {twice[0]} stands twice")
        return self

    @property
    def band_count(self) -> int:
        """Bands that a file must have at least."""
        return max(band.index for band in self.bands)

    def sensor(self) -> Sensor:
        """The profile in the words of ``model.scene``."""
        bands = tuple(
            Band(
                band.name,
                band.index,
                self.scale if band.scale is None else band.scale,
                self.offset if band.offset is None else band.offset,
            )
            for band in self.bands
        )
        return Sensor(self.name, bands, self.nodata, self.geo_rmse_m, self.native_pixel_m)


def known(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Profile files by name; a folder given first wins over later ones and over the shipped profiles."""
    found: dict[str, Path] = {}
    for folder in (*folders, shipped("sensors")):
        for path in sorted(Path(folder).glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def profile(name: str, folders: Sequence[Path] = ()) -> SensorProfile:
    """The checked profile of that name; ConfigError or Problems naming file, line and remedy otherwise."""
    paths = known(folders)
    if name not in paths:
        raise ConfigError(f"unknown sensor {name!r}; {did_you_mean(name, paths)}")
    path = paths[name]
    data = read_mapping(path)
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


def _said(path: Path, data: object, fault: object) -> str:
    """One line for one fault of pydantic's."""
    location, node, line = fault["loc"], data, None  # type: ignore[index]
    model: type[Options] | None = SensorProfile
    for key in location:
        if isinstance(node, dict | list) and (key in node if isinstance(node, dict) else key < len(node)):
            line, node = line_of(node, key), node[key]
        if key in ("bands", "title") and key != location[-1]:
            model = BandProfile if key == "bands" else Title
    message = str(fault["msg"]).removeprefix("Value error, ")  # type: ignore[index]
    if fault["type"] == "extra_forbidden" and model is not None:  # type: ignore[index]
        message = f"unknown key; {did_you_mean(location[-1], model.model_fields)}"
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(map(str, location)) or 'profile'}: {message}"
