"""Sheets (.xlsx, .xls, .csv): rows with stakes, or with coordinates in two columns.

Cells are read as they were saved: no formula is evaluated and no link followed. The index of the table is the row of the
sheet less one, so that messages name the rows that a person sees.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..errors import LayerError
from .columns import Findings, degrees, number
from .layer_entries import PLACES, Entry
from .layer_guard import format_of
from .layer_source import Source
from .text_encoding import encoding_of
from .yaml_doc import did_you_mean

Row = Sequence[Any]
_HEADER_WITHIN = 30  # rows; above a header stand a title, a unit, who filled it in


def read_sheet(entry: Entry, source: Source) -> gpd.GeoDataFrame:
    """The rows below the header under its names, with points where the entry maps coordinates, else without geometry."""
    rows = _csv(entry, source) if format_of(entry.path) == ".csv" else _workbook(entry, source)
    first, last, names = _header(entry, rows)
    if last > 0:
        source.notes.append(
            f"{entry.path}: layer {entry.label!r}: the header is taken from row {first + 1}"
            + (f" and {last + 1}" if last > first else "")
        )
    names += [""] * (max(map(len, rows[last + 1 :]), default=0) - len(names))
    table = pd.DataFrame(
        [[*row, *[None] * (len(names) - len(row))] for row in rows[last + 1 :]],
        columns=names,
        index=pd.RangeIndex(last + 1, len(rows)),
        dtype=object,
    )
    table = table.loc[table.notna().any(axis=1), [name for name in names if name]]
    return _with_points(table, entry, source)


def _with_points(table: pd.DataFrame, entry: Entry, source: Source) -> gpd.GeoDataFrame:
    pair = next((pair for pair in PLACES if pair[0] in entry.columns), None)
    if pair is None or any(entry.columns[ours] not in table.columns for ours in pair):
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([None] * len(table), index=table.index))
    findings = Findings(f"{entry.path}: layer {entry.label!r}")
    parse = degrees if pair[0] == "lon" else number
    x, y = (parse(table[entry.columns[ours]], entry.columns[ours], findings).to_numpy(float) for ours in pair)
    source.notes += findings.notes
    there = np.isfinite(x) & np.isfinite(y)
    points = np.full(len(table), None, dtype=object)
    points[there] = shapely.points(x[there], y[there])
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(points, index=table.index))


def _header(entry: Entry, rows: Sequence[Row]) -> tuple[int, int, list[str]]:
    """First and last row of the header, and its names: the rows that hold most of the columns which the entry maps."""
    wanted = {_name(theirs) for theirs in entry.columns.values()}
    best, most = (0, 0, [_name(cell) for cell in rows[0]] if rows else []), -1.0
    for first in range(min(_HEADER_WITHIN, len(rows))):
        upper = [_name(cell) for cell in rows[first]]
        lower = [_name(cell) for cell in rows[first + 1]] if first + 1 < len(rows) else []
        both = [below or above for above, below in zip(upper, [*lower, *[""] * len(upper)], strict=False)]
        for last, names in ((first, upper), (first + 1, both)):
            hits = len(wanted & set(names)) - 0.5 * (last > first)  # one row, unless two say more
            if hits > most:
                best, most = (first, last, names), hits
    first, last, names = best
    if not names:
        raise LayerError(entry.label, "the sheet is empty; ask for it again", path=entry.path)
    mapped = {_name(theirs): theirs for theirs in entry.columns.values()}
    twice = sorted({name for name in names if name in mapped and names.count(name) > 1})
    if twice:
        why = f"several columns are called {', '.join(twice)}; rename all but one"
        raise LayerError(entry.label, why, path=entry.path, row=first + 1)
    seen: dict[str, int] = {}
    named = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        named.append(mapped.get(name, name) if seen[name] == 1 or not name else f"{name}.{seen[name]}")
    return first, last, named


def _name(cell: Any) -> str:
    """A heading without the blanks and line breaks that officers put into it."""
    return "" if cell is None else "".join(str(cell).split())


def _csv(entry: Entry, source: Source) -> list[Row]:
    """Rows of a text file; UTF-8, UTF-16 with its mark, or GBK, as the bytes are."""
    raw = entry.path.read_bytes()
    if entry.encoding is not None:
        source.encoding, source.encoding_from = entry.encoding, "entry"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        source.encoding, source.encoding_from = "utf-16", "byte order mark"
    else:
        source.encoding, source.encoding_from = encoding_of(raw.splitlines()), "looked at"
    if source.encoding is None:
        why = "its text is neither UTF-8 nor GBK; add encoding: to the entry, e.g. big5"
        raise LayerError(entry.label, why, path=entry.path)
    source.driver = "CSV"
    try:
        text = raw.decode(source.encoding).removeprefix("\ufeff")
        delimiter = max(",\t;", key=text[: 1 << 16].count)
        return [
            [cell.strip() or None for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except UnicodeDecodeError:
        why = f"its text is not {source.encoding}; correct encoding: in {entry.place}"
        raise LayerError(entry.label, why, path=entry.path) from None
    except csv.Error as error:
        raise LayerError(entry.label, f"no table of text ({error}); save it anew as .csv", path=entry.path) from error


def _workbook(entry: Entry, source: Source) -> list[Row]:
    """Rows of the sheet that ``layer:`` names, or of the only one; a merged cell's value stands in all its rows."""
    from python_calamine import CalamineError, CalamineWorkbook

    source.driver, source.encoding, source.encoding_from = "Excel", "UTF-16", "format"
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(entry.path.read_bytes()))
        source.layer = _sheet_name(entry, book.sheet_names)
        sheet = book.get_sheet_by_name(source.layer)
        rows = [[None if cell == "" else cell for cell in row] for row in sheet.to_python(skip_empty_area=False)]
        merged = sheet.merged_cell_ranges or ()
    except CalamineError as error:
        why = f"cannot be read ({error}); remove its password, save it anew as .xlsx"
        raise LayerError(entry.label, why, path=entry.path) from error
    except LayerError:
        raise
    except BaseException as error:  # a panic of the reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise LayerError(entry.label, "a damaged workbook; save it anew as .xlsx", path=entry.path) from None
    for (top, left), (bottom, right) in merged:
        if left != right or bottom >= len(rows):  # across columns: a title
            continue
        for row in rows[top + 1 : bottom + 1]:
            row[left] = rows[top][left]
    return list(rows)


def _sheet_name(entry: Entry, names: Sequence[str]) -> str:
    if entry.layer is None and len(names) == 1:
        return names[0]
    if entry.layer is None:
        why = f"the workbook has several sheets; add layer: one of {', '.join(names)}"
        raise LayerError(entry.label, why, path=entry.path)
    if entry.layer not in names:
        why = f"no sheet {entry.layer!r} in it; {did_you_mean(entry.layer, names)}"
        raise LayerError(entry.label, why, path=entry.path)
    return entry.layer
