"""A delivered vector file, opened before anybody has said what is in it: its layer, its columns, its coordinate system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from ..catalog.layer_entries import SHEETS, Entry
from ..catalog.layer_file import read_layer
from ..catalog.layer_guard import MAGIC, confine, format_of
from ..catalog.layer_ogr import read_ogr
from ..catalog.layer_source import Source
from ..errors import LayerError
from .column_names import theirs_of

_LONLAT = 4490
_VECTORS = (*(suffix for suffix in MAGIC if suffix not in (*SHEETS, ".dbf", ".json")), ".gdb")
_SEVERAL = (".gpkg", ".gdb", ".gdb.zip", ".kml")
# Without a zone prefix eastings say nothing of the zone: 3-degree zones 25 to 45 of CGCS2000, UTM zones 43 to 53 north.
_UNTOLD = (*range(4534, 4555), *range(32643, 32654))
_LEAST_SHARE = 0.1  # of the roads' length within the images
_CALLED = {
    "roads": ("road", "route", "路线", "路段", "公路", "t_ld"),
    "counties": ("count", "县", "xzq"),
    "stakes": ("stake", "桩", "zh"),
}
_WHAT = {"roads": "line", "counties": "polygon", "stakes": "point"}


@dataclass(frozen=True)
class Opened:
    """A layer as it lies in its file. ``crs``: None where the file tells it, else what it was taken as, and ``crs_from``."""

    role: str
    path: Path
    frame: gpd.GeoDataFrame
    source: Source
    layer: str | None = None
    crs: str | None = None
    crs_from: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the file's columns."""
        return [str(name) for name in self.frame.columns if name != "geometry"]

    def entry(self, columns: Mapping[str, str]) -> Entry:
        """The entry of layers.yaml that this file becomes."""
        return Entry(
            self.role, self.path, f"--{self.role}", MappingProxyType(dict(columns)), layer=self.layer, crs=self.crs
        )


def opened(
    role: str, path: Path, layer: str | None, crs: str | None, images: shapely.Geometry | None, route: tuple[str, ...]
) -> Opened:
    """The layer of a role in a file (or a folder that holds one). LayerError with the remedy where there is none.

    ``images``: their outline in degrees, which tells the zone of coordinates without one. ``route``: what the column that
    the layer must have may be called; of several layers the one that has it is taken.
    """
    path = _only_file(role, path)
    bare = Entry(role, path, f"--{role}", layer=layer, crs=crs)
    confine(bare)
    if format_of(path) in SHEETS or format_of(path) == ".parquet":
        read = read_layer(bare)
        return Opened(role, path, read.frame, read.source, layer, crs, "you")
    entry = replace(bare, layer=layer or _likely_layer(bare, route))
    lies = read_ogr(entry, Source())
    crs_from = "you" if crs else ""
    if crs is None and isinstance(lies, gpd.GeoDataFrame) and lies.crs is None:
        crs, crs_from = _guessed_crs(entry, lies, images)
    several = len(_layers(entry)) > 1
    read = read_layer(replace(entry, crs=crs))
    return Opened(role, path, read.frame, read.source, entry.layer if several else None, crs, crs_from)


def within(frame: gpd.GeoDataFrame, area: shapely.Geometry) -> float:
    """Which share of the lines lies in an area given in degrees, by length."""
    lines = frame.geometry.dropna().to_crs(_LONLAT)
    length = float(shapely.length(lines.values).sum())
    inside = float(shapely.length(shapely.intersection(lines.values, area)).sum())
    return inside / length if length else 0.0


def other_crs(frame: gpd.GeoDataFrame, area: shapely.Geometry) -> list[int]:
    """EPSG codes in which the coordinates of the lines, as they are written, would lie in an area given in degrees."""
    shapes = np.asarray(frame.geometry.dropna().values)
    shares = {code: _share(shapes, code, area) for code in (4490, *range(4513, 4534), *_UNTOLD)}
    best = max(shares.values())
    return [code for code, share in shares.items() if share >= max(_LEAST_SHARE, 0.8 * best)]


def _only_file(role: str, path: Path) -> Path:
    if not path.is_dir() or path.suffix.lower() == ".gdb":
        return path
    files = sorted(one for one in path.iterdir() if format_of(one) in _VECTORS)
    if len(files) == 1:
        return files[0]
    there = f"give one of {', '.join(one.name for one in files[:8])}" if files else "it holds no vector file"
    raise LayerError(role, f"is a folder; {there}", path=path)


def _layers(entry: Entry) -> list[tuple[str, str]]:
    """Name and geometry type of each layer."""
    if format_of(entry.path) not in _SEVERAL:
        return []
    try:
        return [(str(name), str(kind)) for name, kind in pyogrio.list_layers(entry.path)]
    except (DataSourceError, DataLayerError) as error:
        raise LayerError(
            entry.role, f"cannot be read ({error}); ask for it again, or export it to .gpkg", path=entry.path
        ) from error


def _likely_layer(entry: Entry, wanted: tuple[str, ...]) -> str | None:
    """Of a file with several layers the one of the role's geometry; of several of these, by its columns, then its name."""
    layers = _layers(entry)
    if len(layers) < 2:
        return None
    fit = [name for name, kind in layers if _WHAT[entry.role] in kind.lower()]
    if len(fit) > 1:
        there = {name: pyogrio.read_info(entry.path, layer=name)["fields"] for name in fit}
        named = [name for name, fields in there.items() if theirs_of(wanted, map(str, fields))]
        fit = named or fit
    if len(fit) > 1:
        called = [name for name in fit if any(word in name.lower() for word in _CALLED[entry.role])]
        fit = called or fit
    if len(fit) == 1:
        return fit[0]
    choice = ", ".join(fit or [name for name, _ in layers])
    why = f"which of its layers holds the {entry.role}? say --layer {entry.role}=NAME, one of {choice}"
    raise LayerError(entry.role, why, path=entry.path)


def _guessed_crs(entry: Entry, frame: gpd.GeoDataFrame, images: shapely.Geometry | None) -> tuple[str | None, str]:
    """The system of coordinates without one: degrees, the zone of their prefix, else that in which they meet the images."""
    shapes = np.asarray(frame.geometry.dropna().values)
    if not len(shapes):
        return None, ""
    west, south, east, north = shapely.total_bounds(shapes)
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return "EPSG:4490", "its numbers are degrees; CGCS2000 is supposed"
    zone = int(west // 1e6)
    if zone == int(east // 1e6) and 25 <= zone <= 45:
        return f"EPSG:{4513 + zone - 25}", f"its eastings begin with zone {zone}; CGCS2000 is supposed"
    codes = other_crs(frame, images) if images is not None else []
    if not codes:
        why = "names no coordinate system (no .prj), and in none that is usual in China does it lie in the images"
        raise LayerError(
            entry.role, f"{why}; ask for it and say --crs, e.g. --crs EPSG:4548; or the images are of elsewhere",
            path=entry.path,
        )  # fmt: skip
    others = f"; {', '.join(f'EPSG:{code}' for code in codes[1:])} would fit as well" if len(codes) > 1 else ""
    return f"EPSG:{codes[0]}", f"in it the layer lies in the images{others}"


def _share(shapes: np.ndarray, code: int, area: shapely.Geometry) -> float:
    try:
        to_lonlat = Transformer.from_crs(CRS.from_epsg(code), _LONLAT, always_xy=True)
        moved = shapely.transform(shapes, to_lonlat.transform, interleaved=False)
    except (ProjError, shapely.errors.GEOSException):
        return 0.0
    moved = moved[np.isfinite(shapely.bounds(moved)).all(axis=1)]
    length = float(shapely.length(moved).sum())
    return float(shapely.length(shapely.intersection(moved, area)).sum()) / length if length else 0.0
