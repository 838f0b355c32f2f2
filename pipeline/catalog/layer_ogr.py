"""One layer of a vector file through GDAL: driver confined, text decoded, stakes in M kept where they are asked for."""

from __future__ import annotations

import codecs
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj.exceptions import CRSError

from ..errors import LayerError
from .layer_entries import Entry
from .layer_guard import beside, format_of
from .layer_source import MEASURES, Source
from .text_encoding import encoding_of
from .yaml_doc import did_you_mean

# Drivers that read one file (or folder) and nothing else.
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
# dBase language ids that say nothing reliable about the text: none, and the Western ones that writers leave by default.
_UNTOLD_LDID = frozenset({0x00, 0x03, 0x57})
_LDIDS = {
    0x4D: "GBK",
    0x4E: "cp949",
    0x4F: "big5",
    0x7A: "GBK",
    0x79: "cp949",
    0x78: "big5",
    0x7B: "cp932",
    0x13: "cp932",
}
# What writers put into a .cpg without having asked; text that reads as UTF-8 or Chinese is that.
_WESTERN = re.compile(
    r"(?i)(iso[-_ ]?|ansi[-_ ]?|cp|oem[-_ ]?|windows[-_ ]?|ldid/)?(8859[-_]?1|88591|1252|latin-?1|87|3)"
)
_UNKNOWN_TEXT = "its text is neither UTF-8 nor GBK; add encoding: to the entry, e.g. big5"
_GARBLED = re.compile("[\ufffd\x80-\x9f]")


class _UndecodableError(LayerError):
    """Text that is not in the encoding that it was read in."""


def read_ogr(entry: Entry, source: Source) -> pd.DataFrame:
    """All features of the entry's layer; with ``measures:`` also column ``MEASURES``, the M of each row's vertices."""
    layer = _layer_name(entry)
    info = _call(entry, "read_info", layer=layer, encoding="ISO-8859-1")  # names in any encoding pass
    if info["driver"] not in DRIVERS:
        raise LayerError(
            entry.label,
            f"opened as {info['driver']}, which is not allowed here; refused. Convert it to .gpkg",
            path=entry.path,
        )
    source.driver, source.layer = info["driver"], layer
    frame = _shapefile(entry, layer, source) if info["driver"] == "ESRI Shapefile" else _features(entry, layer, source)
    return frame if entry.measures is None else frame.assign(**{MEASURES: _measures(entry, layer, len(frame))})


def _layer_name(entry: Entry) -> str | None:
    """The layer to read; LayerError when the file has several and none is named, or not that one."""
    names = [str(name) for name in _call(entry, "list_layers")[:, 0]]
    if entry.layer is None:
        if len(names) > 1:
            raise LayerError(
                entry.label, f"the file has several layers; add layer: one of {', '.join(names)}", path=entry.path
            )
        if not names:
            raise LayerError(entry.label, "the file holds no layer; ask for it again", path=entry.path)
        return names[0]
    if entry.layer not in names and format_of(entry.path) in (".gpkg", ".gdb", ".gdb.zip", ".kml"):
        raise LayerError(
            entry.label, f"no layer {entry.layer!r} in it; {did_you_mean(entry.layer, names)}", path=entry.path
        )
    return entry.layer if entry.layer in names else None


def _features(entry: Entry, layer: str | None, source: Source) -> pd.DataFrame:
    """Text by ``encoding:``, else as the format has it; where that fails, as in a MapInfo table, by looking at the bytes."""
    source.encoding, source.encoding_from = entry.encoding or "UTF-8", "entry" if entry.encoding else "format"
    try:
        return _call(entry, "read_dataframe", layer=layer, encoding=entry.encoding, on_invalid="warn")
    except _UndecodableError:
        if entry.encoding is not None:
            raise
    source.encoding, source.encoding_from = _looked_at(entry, layer), "looked at"
    if source.encoding is None:
        raise LayerError(entry.label, _UNKNOWN_TEXT, path=entry.path)
    return _call(entry, "read_dataframe", layer=layer, encoding=source.encoding, on_invalid="warn")


def _shapefile(entry: Entry, layer: str | None, source: Source) -> pd.DataFrame:
    """Text by ``encoding:``, else by the .cpg or the language id of the dbf, else by looking at the bytes."""
    dbf = beside(entry.path, ".dbf")
    if entry.encoding is not None or dbf is None:
        source.encoding, source.encoding_from = (
            entry.encoding,
            "entry" if entry.encoding else "no text: the .dbf is missing",
        )
        if dbf is None:
            source.notes.append(
                f"{entry.path}: its .dbf is missing, so that it has no columns; ask for the whole shapefile"
            )
        return _call(entry, "read_dataframe", layer=layer, encoding=entry.encoding, on_invalid="warn")
    claimed, where = _claimed(entry.path, dbf)
    western = claimed is not None and _WESTERN.fullmatch(claimed) is not None
    if claimed is not None and not western and (frame := _as_claimed(entry, layer, claimed)) is not None:
        source.encoding, source.encoding_from = claimed, where
        return frame
    source.encoding, source.encoding_from = _looked_at(entry, layer), "looked at"
    if source.encoding is None and western:
        source.encoding, source.encoding_from = "cp1252", where
    if source.encoding is None:
        raise LayerError(entry.label, _UNKNOWN_TEXT, path=entry.path)
    if claimed is not None and not (western and source.encoding in ("utf-8", "cp1252")):
        source.notes.append(
            f"{entry.path}: text is not in the encoding that the file claims; read as {source.encoding}"
        )
    return _call(entry, "read_dataframe", layer=layer, encoding=source.encoding, on_invalid="warn")


def _claimed(path: Path, dbf: Path) -> tuple[str | None, str]:
    """The encoding that the .cpg or else the dbf names, and which of them."""
    cpg = beside(path, ".cpg")
    if cpg is not None:
        return cpg.read_bytes()[:64].decode("ascii", "replace").strip() or None, ".cpg"
    with dbf.open("rb") as file:
        header = file.read(32)
    language = header[29] if len(header) == 32 else 0
    return None if language in _UNTOLD_LDID else _LDIDS.get(language, f"0x{language:02X}"), "language id of the .dbf"


def _as_claimed(entry: Entry, layer: str | None, claimed: str) -> pd.DataFrame | None:
    """The features with text as the file claims it; None where it is not, or nobody knows such an encoding.

    GDAL knows more names than Python; what it does not know it passes on as if it were Latin 1.
    """
    for encoding in (None, claimed, f"cp{''.join(filter(str.isdigit, claimed))}"):
        try:
            if encoding is not None:
                codecs.lookup(encoding)
            elif _call(entry, "read_info", layer=layer)["encoding"] != "UTF-8":
                continue
            frame = _call(entry, "read_dataframe", layer=layer, encoding=encoding, on_invalid="warn")
        except (_UndecodableError, LookupError):
            continue
        if not any(_GARBLED.search(text) for text in (*map(str, frame.columns), *_texts(frame))):
            return frame
    return None


def _texts(frame: pd.DataFrame) -> list[str]:
    columns = frame.drop(columns="geometry", errors="ignore").select_dtypes(include=["object", "str"])
    return [value for name in columns for value in columns[name].dropna() if isinstance(value, str)]


def _looked_at(entry: Entry, layer: str | None) -> str | None:
    """utf-8 or gb18030, whichever the bytes are; None when they are neither."""
    raw = _call(entry, "read_dataframe", layer=layer, encoding="ISO-8859-1", read_geometry=False)
    return encoding_of(text.encode("latin-1", "replace") for text in (*map(str, raw.columns), *_texts(raw)))


def _measures(entry: Entry, layer: str | None, rows: int) -> pd.Series:
    """M of the vertices of each row's lines; pyogrio's tables drop M, its Arrow stream keeps it."""
    info, table = _call(entry, "read_arrow", layer=layer, columns=[])
    shapes = shapely.from_wkb(table[info["geometry_name"] or "wkb_geometry"].to_pylist(), on_invalid="ignore")
    if not shapely.has_m(shapes).any():
        why = f"its vertices carry no M; ask for lines with M, or take measures: out of {entry.place}"
        raise LayerError(entry.label, why, path=entry.path)
    if len(shapes) != rows:
        raise LayerError(entry.label, f"{len(shapes)} lines for {rows} rows; export it again", path=entry.path)
    shapes = np.where(shapely.has_m(shapes), shapes, None)
    coordinates, row = shapely.get_coordinates(shapes, include_m=True, return_index=True)
    return pd.Series(
        [m if len(m) else None for m in np.split(coordinates[:, -1], np.searchsorted(row, np.arange(1, rows)))],
        dtype=object,
    )


def _call(entry: Entry, function: str, **options: Any) -> Any:
    """A pyogrio function on the entry's file, its failures as LayerError with the remedy."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

    try:
        with warnings.catch_warnings():
            # Curves are linearised and measures dropped, on purpose; a geometry that cannot be built comes as null.
            warnings.simplefilter("ignore")
            return getattr(pyogrio, function)(entry.path, **options)
    except (
        DataSourceError,
        DataLayerError,
        FeatureError,
        FieldError,
        GeometryError,
        shapely.errors.GEOSException,
    ) as error:
        raise LayerError(entry.label, _remedied(entry, str(error)), path=entry.path) from error
    except (CRSError, UnboundLocalError):  # the latter pyogrio's, where the name of the system is not UTF-8
        why = "its coordinate system (.prj) cannot be read; take the .prj out and add crs: to the entry"
        raise LayerError(entry.label, why, path=entry.path) from None
    except UnicodeDecodeError:
        said = (
            f"its text is not {entry.encoding}; correct encoding: in {entry.place}" if entry.encoding else _UNKNOWN_TEXT
        )
        raise _UndecodableError(entry.label, said, path=entry.path) from None


def _remedied(entry: Entry, error: str) -> str:
    if format_of(entry.path) == ".shp" and beside(entry.path, ".shx") is None:
        return "its .shx is missing; ask for the complete shapefile (.shp .shx .dbf .prj)"
    return f"cannot be read ({error}); ask for it again, or export it to .gpkg"
