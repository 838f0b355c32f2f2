"""Basemaps that a page may be given: none by default, and none is shown before its reader switches it on.

Online ones are asked by the reader's browser, never by this program. Local ones (a folder, MBTiles, PMTiles) travel with
the page. The map is in CGCS2000 on Web Mercator, so the lattice of every basemap is that of EPSG:3857.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from ..catalog.tile_template import looks_like_key, written_key
from ..errors import ConfigError
from ..model.options import Options
from ..reports.labels import Word
from .basemap_address import SUBDOMAIN, address_faults, asks_for_key
from .tile_archives import MbtilesStore, PmtilesStore
from .tile_store import FolderStore, TileStore

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
_DEEPEST = 24
_TIANDITU = (
    "https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
    "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{TileMatrix}}&TILEROW={{TileRow}}&TILECOL={{TileCol}}&tk={{key}}"
)
_TIANDITU_LAYERS = {
    "vec": ("cva", Word("天地图 矢量", "Tianditu map")),
    "img": ("cia", Word("天地图 影像", "Tianditu imagery")),
    "ter": ("cta", Word("天地图 地形", "Tianditu terrain")),
}
_CREDIT = Field("", max_length=300, description="Credit that the map shows while the basemap is on.")
_APPROVAL = Field("", max_length=60, description="审图号 of the basemap, shown with its credit; never made up.")
_KEY_ENV = Field(
    None,
    description="Environment variable that holds the key; read only with key_in_page: true, otherwise the name under"
    " which a reader's browser keeps what it was given.",
)
_KEY_IN_PAGE = Field(
    False,
    description="Write the key into every page: whoever holds the file holds the key, so use one that is limited to"
    " browsers. false: the page asks its reader for a key and keeps it in that browser.",
)
Datum = Literal["cgcs2000", "wgs84", "gcj02"]


class _Basemap(Options):
    """What all kinds have. Faults never quote what was given: it may hold a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

    attribution: str = _CREDIT
    approval_no: str = _APPROVAL

    @property
    def title(self) -> Word:
        """The name in both languages."""
        raise NotImplementedError


class _Online(_Basemap):
    """A service that the reader's browser asks for pictures."""

    key_env: str | None = _KEY_ENV
    key_in_page: bool = _KEY_IN_PAGE

    @model_validator(mode="before")
    @classmethod
    def _no_key(cls, data: Any) -> Any:
        """Before anything else, so that no other message can quote the key."""
        values = data.values() if isinstance(data, dict) else ()
        for text in values:
            try:
                name = written_key(text) if isinstance(text, str) and "://" in text else None
            except ValueError:
                continue
            if name:
                raise ValueError(
                    f"a key is written into the address ({name}=…); write {{key}} in its place: the page asks its reader"
                    " for the key, or takes it from the environment variable of key_env with key_in_page: true"
                )
        return data

    @field_validator("key_env")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is not None and looks_like_key(value):
            raise ValueError("is the key itself; put it into an environment variable and give that variable's name")
        if value is not None and not _VARIABLE.match(value):
            raise ValueError("is no name of an environment variable; e.g. TIANDITU_KEY")
        return value

    @property
    def templates(self) -> tuple[str, ...]:
        """Address templates of the layers that lie over one another, the lowest first."""
        raise NotImplementedError

    @property
    def needs_key(self) -> bool:
        """Whether its addresses have a place for a key."""
        return any(asks_for_key(template) for template in self.templates)


class Tianditu(_Online):
    """天地图, the national service in CGCS2000; its pictures are asked in the Web Mercator matrix (w)."""

    kind: Literal["tianditu"] = Field("tianditu", description="天地图 (tianditu.gov.cn).")
    layer: Literal["vec", "img", "ter"] = Field("img", description="vec: map, img: imagery, ter: terrain.")
    labels: bool = Field(True, description="The layer's own place names on top (cva, cia, cta).")
    attribution: str = Field("天地图 国家地理信息公共服务平台", max_length=300, description="Credit shown on the map.")
    min_zoom: int = Field(1, ge=1, le=18, description="Coarsest level that is asked.")
    max_zoom: int = Field(18, ge=1, le=18, description="Deepest level that is asked; nearer views enlarge it.")

    @model_validator(mode="after")
    def _keyed(self) -> Tianditu:
        if self.key_in_page and self.key_env is None:
            raise ValueError("key_in_page needs key_env: name the environment variable that holds the key")
        return self

    @property
    def title(self) -> Word:
        """The name in both languages."""
        return _TIANDITU_LAYERS[self.layer][1]

    @property
    def templates(self) -> tuple[str, ...]:
        """Address templates: the layer, and its place names."""
        names = (self.layer, _TIANDITU_LAYERS[self.layer][0]) if self.labels else (self.layer,)
        return tuple(_TIANDITU.format(layer=name) for name in names)

    @property
    def subdomains(self) -> tuple[str, ...]:
        """What stands for ``{s}``."""
        return tuple("01234567")


class _Placed(_Basemap):
    """A basemap whose name, levels and datum the configuration states."""

    name: str = Field(min_length=1, max_length=60, description="Name on the map.")
    min_zoom: int = Field(0, ge=0, le=_DEEPEST, description="Coarsest level that is shown.")
    max_zoom: int = Field(19, ge=0, le=_DEEPEST, description="Deepest level; nearer views enlarge it.")
    datum: Datum = Field(
        "cgcs2000", description="cgcs2000 or wgs84 (the same within a metre), or gcj02 with shift: true."
    )
    shift: bool = Field(
        False,
        description="With datum: gcj02 only: move the layer on the map by the public formula; it may still lie off by"
        " metres, and the map says so as long as it is on.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> _Placed:
        if self.min_zoom > self.max_zoom:
            raise ValueError(f"min_zoom {self.min_zoom} is deeper than max_zoom {self.max_zoom}; exchange them")
        if self.datum == "gcj02" and not self.shift:
            raise ValueError(
                "datum: gcj02 needs shift: true: pictures in GCJ-02 lie off by some 500 m; with it the layer is moved on"
                " the map, with a standing warning"
            )
        if self.shift and self.datum != "gcj02":
            raise ValueError("shift: true goes with datum: gcj02 only; leave it out")
        return self

    @property
    def title(self) -> Word:
        """The name, the same in both languages."""
        return Word(self.name, self.name)


class XyzBasemap(_Placed, _Online):
    """Any XYZ, TMS or WMTS service in Web Mercator tiles."""

    kind: Literal["xyz"] = Field("xyz", description="A tile service (XYZ, TMS, WMTS) in EPSG:3857.")
    url: str = Field(
        min_length=8,
        max_length=2000,
        description="https template: {z} {x} {y} {-y} {q} or {TileMatrix} {TileRow} {TileCol}, {s}, {key}.",
    )
    scheme: Literal["xyz", "tms"] = Field("xyz", description="Rows count from the north (xyz) or the south (tms).")
    subdomains: tuple[Annotated[str, StringConstraints(pattern=SUBDOMAIN)], ...] = Field(
        (), max_length=64, description="What stands for {s}, e.g. ['0', '1', '2']."
    )

    @model_validator(mode="after")
    def _usable(self) -> XyzBasemap:
        for fault in address_faults(
            self.url,
            subdomains=self.subdomains,
            flipped=self.scheme == "tms",
            keyed=self.key_env is not None,
            gcj02=self.datum == "gcj02",
        ):
            raise ValueError(f"url: {fault}")
        if self.key_in_page and self.key_env is None:
            raise ValueError("key_in_page needs key_env: name the environment variable that holds the key")
        return self

    @property
    def templates(self) -> tuple[str, ...]:
        """The address template."""
        return (self.url,)


class _Local(_Placed):
    """Tiles of one's own, which travel with the page; those that touch the county's corridor."""

    path: Path = Field(description="Where they lie, relative to this file.")
    max_zoom: int = Field(_DEEPEST, ge=0, le=_DEEPEST, description="Deepest level that may travel with a page.")


class FolderBasemap(_Local):
    """A folder ``z/x/y.png`` (or jpg, jpeg, webp)."""

    kind: Literal["folder"] = Field(
        "folder", description="A folder of tiles, <level>/<column>/<row>.png, .jpg or .webp."
    )
    scheme: Literal["xyz", "tms"] = Field("xyz", description="Rows count from the north (xyz) or the south (tms).")


class MbtilesBasemap(_Local):
    """An MBTiles file of pictures."""

    kind: Literal["mbtiles"] = Field("mbtiles", description="An MBTiles file of png, jpg or webp.")


class PmtilesBasemap(_Local):
    """A PMTiles archive (version 3) of pictures."""

    kind: Literal["pmtiles"] = Field("pmtiles", description="A PMTiles archive of png, jpeg or webp.")


Online = Tianditu | XyzBasemap
Local = FolderBasemap | MbtilesBasemap | PmtilesBasemap
Basemap = Annotated[
    Tianditu | XyzBasemap | FolderBasemap | MbtilesBasemap | PmtilesBasemap, Field(discriminator="kind")
]


def resolved(options: Basemap, base: Path) -> Basemap:
    """The same basemap with an absolute path; local tiles are opened once, so that what cannot be used fails early.

    Raises ConfigError when they are missing or no pictures, with what to do.
    """
    if isinstance(options, Tianditu | XyzBasemap):
        return options
    path = base.absolute() / options.path.expanduser()
    try:
        with opened(options.model_copy(update={"path": path})):
            pass
    except ConfigError as error:
        raise ConfigError(f"basemap {options.name!r}: {error}") from error
    return options.model_copy(update={"path": path})


def opened(options: Local) -> TileStore:
    """The tiles of a local basemap, to be closed after use (``with``); ConfigError when they are missing or no pictures."""
    path = options.path
    if isinstance(options, FolderBasemap):
        if not path.is_dir():
            raise ConfigError(f"{path} is no folder; give the one that holds <level>/<column>/<row>.png")
        return FolderStore(path, flipped=options.scheme == "tms")
    if not path.is_file():
        raise ConfigError(f"{path} is no file; give the .{options.kind} file, relative to the configuration file")
    return MbtilesStore(path) if isinstance(options, MbtilesBasemap) else PmtilesStore(path)
