"""What a delivered file must be before any reader opens it: opening is already processing.

GDAL chooses its driver by content: an OGR VRT or a GDALG pipeline named roads.geojson would read any other file of the
machine. A workbook is a zip, whose contents may be a thousand times its size.
"""

from __future__ import annotations

import mmap
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import LayerError
from ..model.geopackage import why_not
from .layer_entries import SHEETS, Entry

# First bytes by suffix; nothing to tell a .csv by.
MAGIC = {
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".dbf": (b"\x03", b"\x83", b"\x8b", b"\x30", b"\x31", b"\x32", b"\xf5"),
    ".fgb": (b"fgb",),
    ".parquet": (b"PAR1",),
    ".geojson": (b"{",),
    ".json": (b"{",),
    ".geojsonl": (b"{",),
    ".kml": (b"<",),
    ".tab": (b"!table", b"!Table", b"!TABLE"),
    ".mif": (b"Version", b"VERSION", b"version"),
    ".xlsx": (b"PK\x03\x04",),
    ".xls": (b"\xd0\xcf\x11\xe0",),
    ".gdb.zip": (b"PK\x03\x04",),
    ".csv": (b"",),
}
# Binary formats, whose first byte may be one that text would lose.
_BINARY = frozenset({".shp", ".dbf"})
_HEAD_BYTES = 1 << 20
_DISGUISES = {
    **dict.fromkeys((".geojson", ".json", ".geojsonl"), (b"gdal_streamed_alg",)),
    ".kml": (b"<OGRVRT", b"<NetworkLink", b"<!ENTITY", b"<!DOCTYPE"),
}
# A MapInfo table that is a view of others, is pasted together of others, or is kept elsewhere; its reader minds no case.
_TAB_LEADS = re.compile(rb"""open\s+table|create\s+view|isseamless|type[\s"(),;]+linked""", re.IGNORECASE)
_GEOJSON = (".geojson", ".json", ".geojsonl")
_READ_WHOLE = (".kml", ".tab")
# The key however it is escaped, where it does not stand for a value; then null, a text, a number or an object of a name.
_CRS_KEY = re.compile(rb"""["'](?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)["'](?=\s*[^\s,\]}])""", re.IGNORECASE)
_CRS_KIND = rb"""\s*"type"\s*:\s*"(?:name|EPSG)"\s*"""
_CRS_TOLD = rb"""\s*"properties"\s*:\s*\{\s*"(?:name|code)"\s*:\s*(?:"[^"\\]*"|\d+)\s*\}\s*"""
_CRS_NAMED = re.compile(
    rb"""\s*:\s*(?:null|["\d-]|\{(?:%b,%b|%b,%b)\})""" % (_CRS_KIND, _CRS_TOLD, _CRS_TOLD, _CRS_KIND), re.IGNORECASE
)
_COMPANIONS = {
    **dict.fromkeys((".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix"), ".shp"),
    **dict.fromkeys((".dat", ".map", ".id"), ".tab"),
    ".mid": ".mif",
    ".gfs": ".gml",
}
_REMEDIES = {
    ".zip": "unpack it and name the .shp, .gpkg or .gdb inside",
    ".rar": "unpack it and name the .shp, .gpkg or .gdb inside",
    ".7z": "unpack it and name the .shp, .gpkg or .gdb inside",
    ".kmz": "unpack it (it is a zip) and name the .kml inside",
    ".mdb": "export its layers to .gpkg or .gdb",
    ".dwg": "export its layer to .gpkg or .shp with a coordinate system",
    ".dxf": "export its layer to .gpkg or .shp with a coordinate system",
    ".gml": "export it to .gpkg",
    ".et": "save it as .xlsx",
}
MOST_SHEET_BYTES = 64 << 20
_MOST_UNPACKED_BYTES = {".xlsx": 256 << 20, ".gdb.zip": 8 << 30}
_MOST_CELLS = 20_000_000
_CELL = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')


def format_of(path: Path) -> str:
    """The suffix that says what a file is, in lower case; ``.gdb.zip`` is one."""
    return ".gdb.zip" if path.name.lower().endswith(".gdb.zip") else path.suffix.lower()


def confine(entry: Entry) -> None:
    """LayerError for what is no plain file of a known format, or would lead to other files, or is out of all bounds."""
    path, suffix = entry.path, format_of(entry.path)
    if _is_folder(entry):
        return
    if "!" in str(path):
        raise LayerError(entry.label, "a '!' in the path means an archive to the reader; rename the file", path=path)
    if suffix not in MAGIC:
        raise LayerError(entry.label, _unread(path, suffix), path=path)
    if suffix == ".dbf" and (shape := beside(path, ".shp")) is not None:
        raise LayerError(entry.label, f"belongs to a shapefile; name {shape.name} instead", path=path)
    with path.open("rb") as file:
        head = file.read(None if suffix in _READ_WHOLE else _HEAD_BYTES)
    if not head:
        raise LayerError(entry.label, "the file is empty; ask for it again", path=path)
    start = head if suffix in _BINARY else head.removeprefix(b"\xef\xbb\xbf").lstrip()
    disguised = any(mark in head for mark in _DISGUISES.get(suffix, ()))
    if not start.startswith(MAGIC[suffix]) or disguised or (suffix == ".tab" and _TAB_LEADS.search(head)):
        why = (
            f"the content is not {suffix[1:]}, whatever the name says; refused. Ask for it again, or export it to .gpkg"
        )
        raise LayerError(entry.label, why, path=path)
    if reason := _leads_elsewhere(entry, suffix):
        raise LayerError(entry.label, reason, path=path)
    if suffix in SHEETS and path.stat().st_size > MOST_SHEET_BYTES:
        raise LayerError(entry.label, f"a sheet of more than {MOST_SHEET_BYTES >> 20} MB; split it", path=path)
    if suffix in _MOST_UNPACKED_BYTES:
        _check_zip(entry, suffix)


def _is_folder(entry: Entry) -> bool:
    """Whether the entry is a geodatabase's folder; LayerError for what is neither that nor a file."""
    path = entry.path
    try:
        if path.is_file():
            return False
        if path.is_dir() and format_of(path) == ".gdb":
            return True
        what = "is a folder" if path.is_dir() else "is a device or a pipe" if path.exists() else "no such file"
    except OSError as error:  # a name too long
        what = str(error.strerror)
    raise LayerError(entry.label, f"{what}; {entry.place} names it", path=path)


def _leads_elsewhere(entry: Entry, suffix: str) -> str | None:
    """Why not, if the file would lead its reader to a server or make it run what is in it."""
    if suffix == ".gpkg":
        return why_not(entry.path, () if entry.layer is None else (entry.layer,))
    return _foreign_system(entry.path) if suffix in _GEOJSON else None


def _foreign_system(path: Path) -> str | None:
    """Why not, if a GeoJSON file says by a link in which coordinates it is: the reader would ask that server.

    It need not be parsed for that: wherever a key ``crs`` opens an object, the object must be one of a name or a code.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for key in _CRS_KEY.finditer(content):
            if not _CRS_NAMED.match(content, key.end()):
                return "its coordinate system is not told by a name (a link, perhaps); write it anew, or as .gpkg"
    return None


def beside(path: Path, suffix: str) -> Path | None:
    """The companion of a shapefile, whatever the case of its suffix."""
    return next((p for p in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if p.is_file()), None)


def _unread(path: Path, suffix: str) -> str:
    if suffix in _COMPANIONS:
        return f"is only a part of a {_COMPANIONS[suffix]} layer; name {path.with_suffix(_COMPANIONS[suffix]).name}"
    remedy = _REMEDIES.get(suffix, "convert it to .gpkg")
    return f"format {suffix or '(none)'} is not read; {remedy} (read are {', '.join((*MAGIC, '.gdb'))})"


def _check_zip(entry: Entry, suffix: str) -> None:
    """Refuse archives that unpack to too much, lead out of their folder, or claim a sheet larger than memory."""
    try:
        with zipfile.ZipFile(entry.path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if size > _MOST_UNPACKED_BYTES[suffix]:
                most = _MOST_UNPACKED_BYTES[suffix] >> 20
                raise LayerError(
                    entry.label, f"unpacks to {size >> 20} MB, more than {most} MB; split it", path=entry.path
                )
            if suffix == ".gdb.zip":
                _check_geodatabase(entry, [member.filename for member in members])
            else:
                _check_workbook(entry, archive)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, NotImplementedError, ValueError) as error:
        raise LayerError(entry.label, f"a damaged archive ({error}); ask for it again", path=entry.path) from error


def _check_geodatabase(entry: Entry, names: list[str]) -> None:
    parts = [PurePosixPath(name.replace("\\", "/")) for name in names]
    roots = {part.parts[0] for part in parts if part.parts}
    if any(part.is_absolute() or ".." in part.parts for part in parts) or not all(
        root.lower().endswith(".gdb") for root in roots
    ):
        why = "holds other things than one .gdb folder; unpack it and name the .gdb"
        raise LayerError(entry.label, why, path=entry.path)


def _check_workbook(entry: Entry, archive: zipfile.ZipFile) -> None:
    """Entities and cells at the far corner are how a small workbook fills the memory of whoever opens it."""
    for member in archive.infolist():
        if not member.filename.lower().endswith((".xml", ".rels")):
            continue
        text = archive.read(member)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise LayerError(entry.label, "its XML declares entities; refused. Save it anew as .xlsx", path=entry.path)
        if "worksheets/" in member.filename:
            ends = {(len(column), column, int(row)) for column, row in _CELL.findall(text)}
            columns = max((_column(column) for _, column, _ in ends), default=0)
            rows = max((row for _, _, row in ends), default=0)
            if columns * rows > _MOST_CELLS:
                why = (
                    f"cells as far as row {rows}, column {columns}; delete what lies beyond the table and save it anew"
                )
                raise LayerError(entry.label, why, path=entry.path)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number
