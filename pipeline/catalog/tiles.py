"""Tile services (XYZ, WMTS): one layer a date, one level, the pictures of one sensor."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator
from shapely import box
from shapely.geometry.base import BaseGeometry

from ..errors import CatalogError, ConfigError, NoImageError
from ..geo.tile_matrix import ground_px_m
from ..model.options import Options
from ..model.scene import BandFile, Period, Scene, TileService
from ..net.options import NetOptions
from .sensors import SensorProfile, profile
from .tile_template import TIME, faults, looks_like_key, written_key

_log = logging.getLogger(__name__)
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")


class TileLayer(Options):
    """One layer of a service: pictures of one day."""

    date: dt.date = Field(description="Day of acquisition; a basemap made of several years has none and will not do.")
    url: str = Field(
        min_length=8,
        description="Template: {z} {x} {y} {-y} {q} or {TileMatrix} {TileRow} {TileCol}, {s}, {key}, {Time}.",
    )
    time: str | None = Field(None, description="What stands for {Time}; default: the date, 2024-11-05.")


class TilesSource(Options):
    """An XYZ or WMTS tile service, one layer per date."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

    kind: Literal["tiles"] = Field("tiles", description="A tile service (XYZ or WMTS).")
    layers: tuple[TileLayer, ...] = Field(min_length=1, description="Layers as {date, url} entries, one per date.")
    zoom: int = Field(ge=1, le=22, description="Level that is read; 17 is about 1 m, 18 about 0.5 m at 34 degrees.")
    projection: Literal["mercator", "cgcs2000"] = Field(
        "mercator", description="mercator (EPSG:3857; w of tianditu) or cgcs2000 (EPSG:4490, degrees; c of tianditu)."
    )
    two_wide_zoom: int = Field(
        1, ge=0, le=1, description="With cgcs2000: the level that is two tiles wide, 1 in tianditu, 0 in OGC's sets."
    )
    scheme: Literal["xyz", "tms"] = Field("xyz", description="Rows count from the north (xyz) or the south (tms).")
    tile_px: Literal[256, 512] = Field(256, description="Side of a tile, pixels.")
    subdomains: tuple[str, ...] = Field((), max_length=64, description="What stands for {s}, e.g. ['0', '1', '2'].")
    key_env: str | None = Field(
        None, description="Environment variable (or name in the keyring) of the key, e.g. TIANDITU_KEY."
    )
    datum: Literal["cgcs2000", "gcj02"] = Field(
        "cgcs2000", description="gcj02: the pictures are shifted and are put back by the public formula."
    )
    sensor: str = Field("rgb_vhr", description="Sensor profile: bands of the decoded picture, 8 bit.")
    geo_rmse_m: float = Field(
        10.0, ge=0, le=1000, description="Positional error (RMSE), m; services seldom state it: measure it on the road."
    )
    bounds: tuple[float, float, float, float] | None = Field(
        None, description="West, south, east, north of the layers, degrees; default: they cover the area."
    )
    blank_sha256: tuple[str, ...] = Field(
        (), description="SHA-256 of the pictures that the service sends where it has none (sha256sum of one)."
    )
    border: tuple[float, ...] = Field(
        (), description="Fill of tiles that the imagery covers in part, e.g. [0] or [0, 255]; default: none."
    )
    asset_hosts: tuple[str, ...] = Field(
        (), description="Hosts that tiles may come from; default: any public https host. Plain http must be listed."
    )
    at_once: int = Field(8, ge=1, le=64, description="Requests under way at the same time, per process.")
    max_per_second: float = Field(50.0, gt=0, le=1000, description="Requests in a second, per process.")
    tile_kb: float = Field(20.0, gt=0, le=5000, description="Size of a tile that plans reckon with, kB.")
    attribution: str = Field("", max_length=500, description="Credit and 审图号 that the service wants to see printed.")

    @model_validator(mode="before")
    @classmethod
    def _no_key(cls, data: Any) -> Any:
        """Before anything else, so that no other message can quote the key."""
        for text in _texts(data):
            if name := written_key(text):
                raise ValueError(
                    f"a key is written into an address ({name}=…); write {{key}} in its place, put the key into an"
                    " environment variable, e.g. TIANDITU_KEY, and name that in key_env"
                )
        return data

    @field_validator("key_env")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if looks_like_key(value):
            raise ValueError("is the key itself; put it into an environment variable and give that variable's name")
        if not _VARIABLE.match(value):
            raise ValueError("is no name of an environment variable; e.g. TIANDITU_KEY")
        return value

    @field_validator("blank_sha256")
    @classmethod
    def _digests(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(one.lower() for one in value)
        if wrong := [one for one in lowered if not _SHA256.match(one)]:
            raise ValueError(f"{wrong[0]!r} is no SHA-256 (64 hexadecimal digits); take it from sha256sum")
        return lowered

    @model_validator(mode="after")
    def _usable(self) -> TilesSource:
        for number, layer in enumerate(self.layers):
            for fault in faults(
                layer.url,
                keyed=self.key_env is not None,
                subdomains=self.subdomains,
                flipped=self.scheme == "tms",
                gcj02=self.datum == "gcj02",
                hosts=self.asset_hosts,
            ):
                raise ValueError(f"layers.{number}.url: {fault}")
        if self.datum == "gcj02" and self.projection != "mercator":
            raise ValueError(
                "datum: gcj02 goes with projection: mercator, the lattice of the services that are shifted"
            )
        if self.bounds is not None:
            west, south, east, north = self.bounds
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError("bounds must be west, south, east, north in degrees, e.g. [116.3, 33.7, 118.7, 34.9]")
        return self

    def resolved(self, base: Path) -> TilesSource:  # noqa: ARG002  no paths in it
        """The same source: it holds no paths."""
        return self

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before relying on it."""
        shifted = (
            "the pictures of the tile service are in GCJ-02; they are put back by the public formula, which is not the"
            " official one: check their position on the road, and set geo_rmse_m by it"
        )
        return (shifted,) if self.datum == "gcj02" else ()

    def scenes(
        self,
        area_lonlat: BaseGeometry,
        period: Period,
        *,
        base: Path,  # noqa: ARG002  the same call for every source
        sensor_folders: Sequence[Path] = (),
        network: NetOptions | None = None,  # noqa: ARG002  nothing is asked
    ) -> tuple[Scene, ...]:
        """One scene for each layer whose date lies in the period, sorted by day; nothing is asked of the service.

        CatalogError when no layer lies in the period or none of them covers the area; ConfigError for a sensor profile
        that no picture can have.
        """
        sensor = profile(self.sensor, sensor_folders)
        if sensor.dtype not in (None, "uint8"):
            raise ConfigError(
                f"imagery.source.sensor: {self.sensor!r} describes {sensor.dtype}, tiles are pictures of 8 bit;"
                " use rgb_vhr or a profile of your own"
            )
        for note in self.notes:
            _log.warning(note)
        footprint = None if self.bounds is None else box(*self.bounds)
        inside = [layer for layer in self.layers if layer.date in period]
        if not inside:
            days = ", ".join(sorted(str(layer.date) for layer in self.layers))
            raise NoImageError(f"imagery.source.layers: no layer of {period}; the layers are of {days}")
        if footprint is not None and not footprint.intersects(area_lonlat):
            raise CatalogError(
                f"imagery.source.bounds: {list(self.bounds or ())} does not touch the area; check the roads and the bounds"
            )
        ordered = sorted(inside, key=lambda layer: (layer.date, layer.url))
        return tuple(self._scene(layer, ordered, sensor, area_lonlat, footprint) for layer in ordered)

    def _scene(
        self,
        layer: TileLayer,
        ordered: Sequence[TileLayer],
        profiled: SensorProfile,
        area_lonlat: BaseGeometry,
        footprint: BaseGeometry | None,
    ) -> Scene:
        sensor, service = profiled.sensor(), self._service()
        href = layer.url.replace(f"{{{TIME}}}", layer.time or layer.date.isoformat())
        access = "" if self.key_env is None else f"key:{self.key_env}"
        same_day = [other for other in ordered if other.date == layer.date]
        nth = f"_{same_day.index(layer) + 1}" if len(same_day) > 1 else ""
        return Scene(
            scene_id=f"{_host(layer.url)}_{layer.date:%Y%m%d}_z{self.zoom}{nth}",
            day=layer.date,
            files={band.name: BandFile(href, band, access, service=service) for band in sensor.bands},
            footprint_lonlat=footprint,
            nodata=sensor.nodata,
            geo_rmse_m=self.geo_rmse_m,
            native_pixel_m=ground_px_m(service, area_lonlat.centroid.y),
            border=self.border,
            sensor=sensor.name,
            credit=self.attribution,
            bytes_per_px=self.tile_kb * 1000 / self.tile_px**2 / len(sensor.bands),
        )

    def _service(self) -> TileService:
        return TileService(
            zoom=self.zoom,
            epsg=3857 if self.projection == "mercator" else 4490,
            tile_px=self.tile_px,
            flipped=self.scheme == "tms",
            placeholders=frozenset(self.blank_sha256),
            two_wide=self.two_wide_zoom,
            subdomains=self.subdomains,
            gcj02=self.datum == "gcj02",
            at_once=self.at_once,
            per_second=self.max_per_second,
            tile_bytes=round(self.tile_kb * 1000),
        )


def _host(url: str) -> str:
    """The host of a template for the scene's name, without the part that differs between its servers."""
    host = (urlsplit(url).hostname or "").casefold()
    return host.partition(".")[2] if "{s}" in host.partition(".")[0] else host


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, TileLayer):
        yield node.url
    elif isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value)
