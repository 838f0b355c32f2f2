"""Sensors and scenes: what an image is, before any pixel of it is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError


@dataclass(frozen=True, slots=True)
class Period:
    """Closed interval of dates, written ``2024-04-01/2024-05-31``; a single date is a period of one day."""

    start: dt.date
    end: dt.date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Period from ISO dates; ConfigError when malformed or reversed."""
        first, _, last = str(text).partition("/")
        try:
            start, end = dt.date.fromisoformat(first.strip()), dt.date.fromisoformat((last or first).strip())
        except ValueError as error:
            raise ConfigError(f"not a period: {text!r}; expected two dates, '2024-04-01/2024-05-31'") from error
        if end < start:
            raise ConfigError(f"period {text!r} ends before it starts; exchange the two dates")
        return cls(start, end)

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day <= self.end

    def __str__(self) -> str:
        return f"{self.start}/{self.end}"


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a sensor: where it stands in a file (1-based) and how digital numbers become reflectance.

    reflectance = DN * scale + offset. ``name`` is a STAC common name: blue, green, red, nir, ...
    """

    name: str
    index: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor profile (``data_catalog/sensors/NAME.yaml``)."""

    name: str
    bands: tuple[Band, ...]
    nodata: float | None = None
    geo_rmse_m: float = 1.0
    native_pixel_m: float | None = None

    def band(self, name: str) -> Band:
        """The band of that name; KeyError otherwise."""
        return {band.name: band for band in self.bands}[name]


@dataclass(frozen=True, slots=True)
class Ortho:
    """How a raw (L1A) image is placed: by the rational polynomials that come with it, over a terrain.

    ``dem``: path of an elevation model (GeoTIFF, metres), whose heights plus ``geoid_m`` are above the ellipsoid; None: a
    plane at ``height_m`` above the ellipsoid.
    """

    dem: str | None = None
    height_m: float = 0.0
    geoid_m: float = 0.0


@dataclass(frozen=True, slots=True)
class TileService:
    """An image service that is cut into square tiles (XYZ or WMTS); the file's address is a template.

    ``epsg``: 3857, or 4490/4326 for services in degrees; ``zoom``: the level that is read; ``tile_px``: side of a tile;
    ``flipped``: rows count from the south (TMS). ``placeholders``: SHA-256 of the bodies that the service sends where it
    has no image. ``two_wide``: the level at which the world in degrees is two tiles wide (1 as tianditu counts, 0 as OGC's
    WorldCRS84Quad); ``subdomains``: what stands for ``{s}``; ``gcj02``: its pictures are shifted to GCJ-02. ``at_once`` and
    ``per_second`` bound the requests of a process; ``tile_bytes``: what a plan reckons for a tile.
    """

    zoom: int
    epsg: int = 3857
    tile_px: int = 256
    flipped: bool = False
    placeholders: frozenset[str] = frozenset()
    two_wide: int = 1
    subdomains: tuple[str, ...] = ()
    gcj02: bool = False
    at_once: int = 8
    per_second: float = 50.0
    tile_bytes: int = 20_000


@dataclass(frozen=True, slots=True)
class BandFile:
    """Where one band of one scene lies: address of the file, the band in it, and what reading it takes.

    ``access`` names the way in (empty: public, or by what the environment holds for the host), and whoever reads signs:
    ``href`` holds no secret, but for links that a catalogue hands out signed and nobody can sign anew. So ``repr`` leaves
    out what follows a ``?``. ``ortho`` is there for raw images, ``service`` for tile services.
    """

    href: str
    band: Band
    access: str = ""
    ortho: Ortho | None = None
    service: TileService | None = None

    def __repr__(self) -> str:
        plain, query, _ = self.href.partition("?")
        return f"BandFile({plain + ('?…' if query else '')!r}, {self.band!r}, access={self.access!r})"


@dataclass(frozen=True)
class Scene:
    """One acquisition: its id, day, files by band name, footprint in lon/lat, and positional error.

    ``mask`` is an optional quality file: pixels whose value is in ``mask_bad``, or that have a bit of ``mask_bits`` set,
    are cloud, shadow, snow or fill. ``clip_lonlat``: of the file only the part inside this polygon is of this scene (a
    mosaic of several days). ``border``: fill values of a mosaic's border where it names no nodata; a pixel that holds
    one of them in all bands, in an area joined to the border, is no ground. ``off_nadir_deg``, ``cloud_percent``: as the
    catalogue states them. ``credit``: what whoever shows its pixels has to print.
    """

    scene_id: str
    day: dt.date
    files: Mapping[str, BandFile]
    footprint_lonlat: object = None
    nodata: float | None = None
    geo_rmse_m: float = 1.0
    native_pixel_m: float | None = None
    mask: BandFile | None = None
    mask_bad: frozenset[int] = frozenset()
    mask_bits: int = 0
    clip_lonlat: object = None
    border: tuple[float, ...] = ()
    sun_azimuth_deg: float | None = None
    sun_elevation_deg: float | None = None
    off_nadir_deg: float | None = None
    cloud_percent: float | None = None
    sensor: str = ""
    credit: str = ""
    bytes_per_px: float = field(default=1.0, compare=False)
