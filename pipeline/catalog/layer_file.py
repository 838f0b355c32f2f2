"""One vector file into a GeoDataFrame: driver confined, text decoded, coordinate system known and believable."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from ..errors import LayerError
from ..geo.gcj02 import unshifted
from .coordinates import check_coordinates, exchanged_rows, suggested_crs
from .layer_entries import Entry
from .yaml_doc import did_you_mean

# Drivers that read one file (or folder) and nothing else. GDAL chooses by content: an OGR VRT or a GDALG pipeline named
# roads.geojson would read any other file of the machine.
DRIVERS = frozenset(
    {
        "ESRI Shapefile",
        "FlatGeobuf",
        "GPKG",
        "GeoJSON",
        "GeoJSONSeq",
        "KML",
        "LIBKML",
        "MapInfo File",
        "OpenFileGDB",
    }
)
# First bytes by suffix, looked at before GDAL sees the file, because opening is already processing.
_MAGIC = {
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".parquet": (b"PAR1",),
    ".geojson": (b"{",),
    ".json": (b"{",),
    ".geojsonl": (b"{",),
    ".kml": (b"<",),
    ".tab": (b"!table", b"!Table", b"!TABLE"),
    ".mif": (b"Version", b"VERSION", b"version"),
}
_HEAD_BYTES = 1 << 20
_DISGUISES = {
    **dict.fromkeys((".geojson", ".json", ".geojsonl"), (b"gdal_streamed_alg",)),
    ".kml": (b"<OGRVRT", b"<NetworkLink", b"<!ENTITY", b"<!DOCTYPE"),
}
# dBase language ids that say nothing reliable about the text: none, and the Western ones that writers leave by default.
_UNTOLD_LDID = frozenset({0x00, 0x03, 0x57})


@dataclass(frozen=True)
class Read:
    """A layer as it lies in the file, and what was noticed while reading it."""

    frame: gpd.GeoDataFrame
    notes: tuple[str, ...] = ()


def read_layer(entry: Entry) -> Read:
    """All features of the entry's layer with a checked CRS, X/Y only; LayerError naming file and remedy otherwise.

    Coordinates of ``datum: gcj02`` come back in CGCS2000 degrees (EPSG:4490).
    """
    _confine(entry)
    notes: list[str] = []
    frame = _parquet(entry) if entry.path.suffix.lower() == ".parquet" else _ogr(entry, notes)
    if not isinstance(frame, gpd.GeoDataFrame):  # an attribute table, such as a list of bridges with their stakes
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([None] * len(frame)))
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    frame = frame.set_geometry(gpd.GeoSeries(shapely.force_2d(frame.geometry.values), index=frame.index, crs=frame.crs))
    frame = _with_crs(frame, entry, notes)
    if entry.datum == "gcj02":
        frame = _from_gcj02(frame, entry, notes)
    return Read(frame.reset_index(drop=True), tuple(notes))


def _confine(entry: Entry) -> None:
    """Refuse what is no plain file of a known format, before any driver opens it."""
    path, suffix = entry.path, entry.path.suffix.lower()
    if path.is_dir() and suffix == ".gdb":
        return
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise LayerError(entry.label, f"{what}; {entry.place} names it", path=path)
    if "!" in str(path):
        raise LayerError(entry.label, "a '!' in the path means an archive to the reader; rename the file", path=path)
    if suffix not in _MAGIC:
        known = ", ".join((*_MAGIC, ".gdb"))
        raise LayerError(entry.label, f"format {suffix or '(none)'} is not read; convert to one of {known}", path=path)
    with path.open("rb") as file:
        head = file.read(None if suffix == ".kml" else _HEAD_BYTES)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip() if suffix != ".shp" else head
    if not start.startswith(_MAGIC[suffix]) or any(mark in head for mark in _DISGUISES.get(suffix, ())):
        raise LayerError(entry.label, f"the content is not {suffix[1:]}, whatever the name says; refused", path=path)


def _parquet(entry: Entry) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(entry.path)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise LayerError(entry.label, f"no GeoParquet that can be read: {error}", path=entry.path) from error


def _ogr(entry: Entry, notes: list[str]) -> gpd.GeoDataFrame:
    layer = _layer_name(entry)
    info = _call(entry, "read_info", layer=layer)
    if info["driver"] not in DRIVERS:
        raise LayerError(
            entry.label, f"opened as {info['driver']}, which is not allowed here; refused", path=entry.path
        )
    if info["driver"] == "ESRI Shapefile":
        return _shapefile(entry, layer, notes)
    return _call(entry, "read_dataframe", layer=layer, encoding=entry.encoding, on_invalid="warn")


def _layer_name(entry: Entry) -> str | None:
    """The layer to read; LayerError when the file has several and none is named, or not that one."""
    names = [str(name) for name in _call(entry, "list_layers")[:, 0]]
    if entry.layer is None:
        if len(names) > 1:
            raise LayerError(
                entry.label, f"the file has several layers; add layer: one of {', '.join(names)}", path=entry.path
            )
        return names[0] if names else None
    if entry.layer not in names and entry.path.suffix.lower() in (".gpkg", ".gdb", ".kml"):
        raise LayerError(
            entry.label, f"no layer {entry.layer!r} in it; {did_you_mean(entry.layer, names)}", path=entry.path
        )
    return entry.layer if entry.layer in names else None


def _shapefile(entry: Entry, layer: str | None, notes: list[str]) -> gpd.GeoDataFrame:
    """Text by ``encoding:``, else by the .cpg or the language id of the dbf, else by looking at the bytes."""
    dbf = _beside(entry.path, ".dbf")
    if entry.encoding is not None or dbf is None:
        return _call(entry, "read_dataframe", layer=layer, encoding=entry.encoding, on_invalid="warn")
    told = _beside(entry.path, ".cpg") is not None or _language_id(dbf) not in _UNTOLD_LDID
    if told:
        try:
            frame = _call(entry, "read_dataframe", layer=layer, on_invalid="warn")
        except UnicodeDecodeError:
            frame = None
        if frame is not None and not _has_replacement(frame):
            return frame
    encoding = _detected(entry, layer)
    if told:
        notes.append(f"{entry.path}: text is not in the encoding that the file claims; read as {encoding}")
    return _call(entry, "read_dataframe", layer=layer, encoding=encoding, on_invalid="warn")


def _beside(path: Path, suffix: str) -> Path | None:
    """The companion of a shapefile, whatever the case of its suffix."""
    return next((p for p in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if p.is_file()), None)


def _language_id(dbf: Path) -> int:
    with dbf.open("rb") as file:
        header = file.read(32)
    return header[29] if len(header) == 32 else 0


def _has_replacement(frame: gpd.GeoDataFrame) -> bool:
    texts = [*map(str, frame.columns), *_texts(frame)]
    return any("�" in text for text in texts)


def _texts(frame: pd.DataFrame) -> list[str]:
    columns = frame.drop(columns="geometry", errors="ignore").select_dtypes(include=["object", "str"])
    return [value for name in columns for value in columns[name].dropna() if isinstance(value, str)]


def _detected(entry: Entry, layer: str | None) -> str:
    """utf-8 when every text decodes so, else gb18030; LayerError when neither does."""
    raw = _call(entry, "read_dataframe", layer=layer, encoding="ISO-8859-1", read_geometry=False)
    texts = [text.encode("latin-1", "replace") for text in (*map(str, raw.columns), *_texts(raw))]
    for encoding in ("utf-8", "gb18030"):
        # dBase cuts a long text in the middle of a character: the last bytes may be half of one.
        if all(_decodes(text, encoding) for text in texts):
            return encoding
    raise LayerError(
        entry.label, "its text is neither UTF-8 nor GBK; add encoding: to the entry, e.g. big5", path=entry.path
    )


def _decodes(text: bytes, encoding: str) -> bool:
    for cut in range(4):
        try:
            text[: len(text) - cut].decode(encoding)
        except UnicodeDecodeError:
            if len(text) < 8:  # short texts are not cut ones
                return False
            continue
        return True
    return False


def _call(entry: Entry, function: str, **options: Any) -> Any:
    """A pyogrio function on the entry's file, its failures as LayerError with the remedy."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

    try:
        with warnings.catch_warnings():
            # Curves are linearised and measures dropped, on purpose; a geometry that cannot be built comes as null.
            warnings.simplefilter("ignore")
            return getattr(pyogrio, function)(entry.path, **options)
    except (DataSourceError, DataLayerError, FeatureError, GeometryError) as error:
        raise LayerError(entry.label, _remedied(entry, str(error)), path=entry.path) from error
    except UnicodeDecodeError:
        if entry.encoding is None:
            raise
        why = f"its text is not {entry.encoding}; correct encoding: in {entry.place}"
        raise LayerError(entry.label, why, path=entry.path) from None


def _remedied(entry: Entry, error: str) -> str:
    if entry.path.suffix.lower() == ".shp" and _beside(entry.path, ".shx") is None:
        return "its .shx is missing; ask for the complete shapefile (.shp .shx .dbf .prj)"
    return f"cannot be read: {error}"


def _with_crs(frame: gpd.GeoDataFrame, entry: Entry, notes: list[str]) -> gpd.GeoDataFrame:
    """The frame in the CRS that the entry or the file says, checked against the coordinates."""
    located = frame.geometry.notna() & ~frame.geometry.is_empty
    bounds = np.asarray(frame.geometry[located].total_bounds) if located.any() else None
    if entry.crs is not None:
        crs = CRS.from_user_input(entry.crs)
        if frame.crs is not None and not frame.crs.equals(crs, ignore_axis_order=True):
            notes.append(f"{entry.path}: taken as {entry.crs}, as {entry.place} says; the file claims {frame.crs.name}")
        frame = frame.set_crs(crs, allow_override=True)
    elif frame.crs is None and bounds is not None:
        hint = suggested_crs(bounds)
        missing = "its .prj is missing" if entry.path.suffix.lower() == ".shp" else "it names no coordinate system"
        raise LayerError(entry.label, f"{missing}; add crs: to the entry, e.g. crs: {hint}", path=entry.path)
    if frame.crs is not None and frame.crs.is_geographic:
        _refuse_exchanged(frame, entry)
    if bounds is not None and frame.crs is not None and (why := check_coordinates(bounds, frame.crs)):
        raise LayerError(entry.label, why, path=entry.path)
    return frame


def _refuse_exchanged(frame: gpd.GeoDataFrame, entry: Entry) -> None:
    """Name the rows with latitude before longitude where the rest of the layer is right."""
    rows = exchanged_rows(shapely.bounds(np.asarray(frame.geometry.values)))
    if 0 < len(rows) < int(frame.geometry.notna().sum()):
        why = f"latitude and longitude are exchanged in {len(rows)} of {len(frame)} rows; write longitude first"
        raise LayerError(entry.label, why, path=entry.path, row=int(rows[0]) + 1)


def _from_gcj02(frame: gpd.GeoDataFrame, entry: Entry, notes: list[str]) -> gpd.GeoDataFrame:
    if frame.crs is not None and not frame.crs.is_geographic:
        raise LayerError(
            entry.label, "datum: gcj02 needs longitudes and latitudes; the file is projected", path=entry.path
        )
    notes.append(f"{entry.path}: layer {entry.label!r} converted from GCJ-02; ask for the CGCS2000 original")
    moved = gpd.GeoSeries(unshifted(frame.geometry.values), index=frame.index, crs=4490)
    return frame.set_geometry(moved)
