"""layers.yaml: which file holds which layer, and the client's names for our columns; nothing is opened here."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import Problems
from ..model.yaml_text import read_mapping
from .yaml_doc import did_you_mean, line_of

# Shifted datums of Chinese web maps, taken out on import.
DATUMS = ("gcj02", "bd09")
# Units in which the vertices of road lines may carry their stakes as M.
MEASURES = ("km", "m")
WORST_ACCURACY_M = 500.0
# Where a sheet (.csv, .xlsx) holds coordinates: two columns of these names, longitude or easting first.
PLACES = (("lon", "lat"), ("x", "y"))
SHEETS = (".csv", ".xlsx", ".xls")


@dataclass(frozen=True)
class Form:
    """What an entry of one layer may say: our columns, those it must map, and alternatives of which one is enough."""

    columns: tuple[str, ...]
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


# A stretch of road in place of a geometry; ``stake`` may hold a range, K1+200~K1+800.
_STRETCH = ("route", "stake", "stake_from", "stake_to", "side")
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "roads": Form(
            (
                "route",
                "name",
                "tech_class",
                "pavement_width_m",
                "roadbed_width_m",
                "stake_from_km",
                "stake_to_km",
                "concurrent_with",
                "structure",
                "managed_by_city",
                "unbuilt",
                "ditch_m",
                "design_speed_kmh",
            ),
            needs=("route",),
        ),
        "stakes": Form(("route", "stake", "stake_km", "stake_m"), ("route",), ("stake", "stake_km", "stake_m")),
        "breaks": Form(("route", "back", "ahead"), needs=("route", "back", "ahead")),
        "counties": Form(("code", "name"), needs=("code",)),
        "permits": Form(("number", "kind", "valid_from", "valid_to", *_STRETCH), needs=("number",)),
        "assets": Form(
            (
                "name",
                "kind",
                "number",
                "route",
                "stake",
                "stake_km",
                "stake_m",
                "stake_to",
                "length_m",
                "width_m",
                "side",
            )
        ),
        "zones": Form(("zone", "basis", "route", "number", "announced_on")),
        "exempt": Form(("name", "reason", "number", "built_on", "designated_on", *_STRETCH)),
        "townships": Form(("code", "name"), one_of=("code", "name")),
        "registry": Form(("kind", "name", "number", "route", "stake", "stake_km", "stake_m", "valid_to")),
    }
)
REQUIRED = ("roads", "counties")
LISTED = ("assets",)
KEYS = ("path", "layer", "columns", "crs", "encoding", "datum", "accuracy_m")
_FURTHER: Mapping[str, tuple[str, ...]] = MappingProxyType({"assets": ("kind",), "roads": ("measures",)})
# Roles whose rows may be points or nothing but stakes, so that a sheet can hold them.
_IN_SHEETS = ("stakes", "breaks", "permits", "assets", "exempt", "registry")


@dataclass(frozen=True)
class Entry:
    """One layer of the file: where it lies, how to read it and which of its columns is which of ours."""

    role: str
    path: Path
    place: str  # file:line, for messages
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    datum: str | None = None
    kind: str | None = None
    measures: str | None = None
    accuracy_m: float | None = None

    @property
    def label(self) -> str:
        """Name of the layer in messages."""
        return f"{self.role}[{self.kind}]" if self.kind else self.role


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The entries of ``path`` in the order of the file; every fault at once as Problems."""
    data = read_mapping(path, what="a list of layers (layers.yaml)")
    faults: list[str] = []
    entries: list[Entry] = []
    for role, node in data.items():
        place = f"{path}:{line_of(data, role)}"
        if role not in FORMS:
            faults.append(f"{place}: {role}: unknown layer; {did_you_mean(role, FORMS)}")
        elif role in LISTED and isinstance(node, Sequence) and not isinstance(node, str):
            for position, one in enumerate(node):
                entries += _entry(role, one, f"{path}:{line_of(node, position)}", path, faults)
        else:
            entries += _entry(role, node, place, path, faults)
    faults += [f"{path}: {role}: is missing; add the {role} layer" for role in REQUIRED if role not in data]
    if faults:
        raise Problems(faults)
    return tuple(entries)


def _entry(role: str, node: Any, place: str, path: Path, faults: list[str]) -> list[Entry]:
    """The entry in ``node`` as a list of one, or none with its faults added."""
    if not isinstance(node, Mapping):
        faults.append(f"{place}: {role}: expected keys such as path and columns, found {_shown(node)}")
        return []
    before = len(faults)
    keys = (*KEYS, *_FURTHER.get(role, ()))
    for key in node:
        if key not in keys:
            where = f"{path}:{line_of(node, key)}"
            faults.append(f"{where}: {role}.{key}: unknown key; {did_you_mean(key, keys)}")
    columns = _columns(role, node, path, faults)
    texts = {key: _text(role, key, node, path, faults) for key in keys if key not in ("columns", "accuracy_m")}
    accuracy_m = _accuracy_m(role, node, path, faults)
    if texts["path"] is None and "path" not in node:
        faults.append(f"{place}: {role}.path: is missing; give the file that holds the layer")
    if role in LISTED and texts["kind"] is None and "kind" not in columns:
        faults.append(f"{place}: {role}.kind: is missing; say what they are, e.g. kind: bridge, or map columns.kind")
    _check_reading(role, texts, place, faults)
    _check_sheet(role, texts["path"], columns, place, faults)
    if len(faults) > before or texts["path"] is None:
        return []
    file = Path(os.path.normpath(path.resolve().parent / Path(texts["path"]).expanduser()))
    given = {key: texts.get(key) for key in ("layer", "crs", "encoding", "datum", "kind", "measures")}
    return [Entry(role, file, place, MappingProxyType(columns), accuracy_m=accuracy_m, **given)]


def _columns(role: str, node: Mapping[str, Any], path: Path, faults: list[str]) -> dict[str, str]:
    form, columns = FORMS[role], node.get("columns", {})
    if not isinstance(columns, Mapping):
        where = f"{path}:{line_of(node, 'columns')}"
        faults.append(f"{where}: {role}.columns: expected OURS: THEIRS pairs, found {_shown(columns)}")
        return {}
    for ours, theirs in columns.items():
        where = f"{path}:{line_of(columns, ours)}: {role}.columns.{ours}"
        known = (*form.columns, *(name for pair in PLACES for name in pair)) if role in _IN_SHEETS else form.columns
        if ours not in known:
            faults.append(f"{where}: unknown column; {did_you_mean(ours, known)}")
        elif not isinstance(theirs, str) or not theirs:
            faults.append(f"{where}: expected the name of a column in the file, found {_shown(theirs)}; quote it")
    where = f"{path}:{line_of(node, 'columns') or line_of(node)}: {role}.columns"
    faults.extend(
        f"{where}: {ours!r} is missing; name the column that holds it" for ours in form.needs if ours not in columns
    )
    if form.one_of and not any(ours in columns for ours in form.one_of):
        faults.append(f"{where}: one of {', '.join(form.one_of)} is needed")
    return {str(ours): str(theirs) for ours, theirs in columns.items()}


def _text(role: str, key: str, node: Mapping[str, Any], path: Path, faults: list[str]) -> str | None:
    """The value as text; a number is fine for ``crs`` (EPSG code)."""
    value = node.get(key)
    if value is None and key not in node:
        return None
    if key == "crs" and isinstance(value, int) and not isinstance(value, bool):
        return f"EPSG:{value}"
    if isinstance(value, str) and value:
        return str(value)
    faults.append(f"{path}:{line_of(node, key)}: {role}.{key}: expected text, found {_shown(value)}")
    return None


def _accuracy_m(role: str, node: Mapping[str, Any], path: Path, faults: list[str]) -> float | None:
    """Standard error of the layer's own positions, metres; None where nobody says."""
    if "accuracy_m" not in node:
        return None
    value = node["accuracy_m"]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= WORST_ACCURACY_M:
        return float(value)
    faults.append(
        f"{path}:{line_of(node, 'accuracy_m')}: {role}.accuracy_m: expected the standard error of its positions in"
        f" metres, 0 to {WORST_ACCURACY_M:g}, found {_shown(value)}"
    )
    return None


def _check_sheet(role: str, path: str | None, columns: Mapping[str, str], place: str, faults: list[str]) -> None:
    """Sheets hold points or stakes, whose coordinates stand in two columns; other files need no such columns."""
    if path is None:
        return
    mapped = [pair for pair in PLACES if any(name in columns for name in pair)]
    if Path(path).suffix.lower() not in SHEETS:
        faults += [f"{place}: {role}.columns: {pair[0]} and {pair[1]} are for sheets (.csv, .xlsx)" for pair in mapped]
    elif role not in _IN_SHEETS:
        faults.append(f"{place}: {role}.path: a sheet holds no lines or areas; give a vector file, e.g. .gpkg or .shp")
    elif len(mapped) > 1 or any(name not in columns for pair in mapped for name in pair):
        faults.append(f"{place}: {role}.columns: map lon and lat, or x (easting) and y (northing), not a mixture")


def _check_reading(role: str, texts: Mapping[str, str | None], place: str, faults: list[str]) -> None:
    datum, encoding, crs = texts["datum"], texts["encoding"], texts["crs"]
    measures = texts.get("measures")
    if measures is not None and measures not in MEASURES:
        faults.append(f"{place}: {role}.measures: unknown unit {measures!r}; known: {', '.join(MEASURES)}")
    if datum is not None and datum not in DATUMS:
        faults.append(f"{place}: {role}.datum: unknown datum {datum!r}; {did_you_mean(datum, DATUMS)}")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            faults.append(f"{place}: {role}.encoding: unknown encoding {encoding!r}; usual ones: utf-8, gbk, gb18030")
    if crs is not None:
        from pyproj import CRS
        from pyproj.exceptions import CRSError

        try:
            CRS.from_user_input(crs)
        except CRSError:
            faults.append(f"{place}: {role}.crs: {crs!r} is no coordinate system; e.g. EPSG:4490, EPSG:4548, EPSG:4527")


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{value!r}"
