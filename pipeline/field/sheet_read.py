"""The workbook on its way back, as spreadsheets leave it: sorted anew, with blanks, dates as texts, columns added or gone."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ..errors import LuyuError
from .bounds import MOST_ROWS, sound
from .given import Given, GivenPhoto, Place, Sheaf
from .rows import FILLED_IN, KEPT, NEEDED, TITLES
from .sheet import ROWS_SHEET
from .verdict import plain

_HEADING_WITHIN = 10  # rows that may stand above the heading
_READ = (*dict.fromkeys((*NEEDED, *(column.name for column in (*FILLED_IN, *KEPT)))),)
_BETWEEN_PHOTOS = re.compile(r"[;；,，、\n]+")


def read_workbook(path: Path) -> Sheaf:
    """Rows of the sheet that holds the cases; LuyuError for what is no such workbook or lacks a column."""
    sound(path)
    name, table = _table(path)
    top, columns = _heading(path, name, table)
    sheaf = Sheaf()
    if added := [cell for cell in map(plain, table[top]) if cell and cell not in _known()]:
        sheaf.notes.append(f"{path.name}: sheet {name!r}: columns {', '.join(added)} are not of the package; ignored")
    for at, row in enumerate(table[top + 1 :], start=top + 2):
        cells = {ours: row[col] if col < len(row) else None for ours, col in columns.items()}
        if all(cell in (None, "") for cell in cells.values()):
            continue
        place = Place(path.name, f"sheet {name!r}", at)
        cells = {ours: None if cell == "" else cell for ours, cell in cells.items()}
        sheaf.rows.append(Given(place, cells, _photos(place, cells)))
    if len(sheaf.rows) > MOST_ROWS:
        raise LuyuError(f"{path}: {len(sheaf.rows)} rows, more than {MOST_ROWS}; import it in parts")
    return sheaf


def _table(path: Path) -> tuple[str, list[list[Any]]]:
    """Name and cells of the sheet of cases, the only one if none has its name."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
        names = book.sheet_names
        name = ROWS_SHEET if ROWS_SHEET in names else names[0]
        return name, book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=MOST_ROWS + 100)
    except (CalamineError, IndexError) as error:
        raise LuyuError(f"{path}: cannot be read ({error}); remove its password, save it anew as .xlsx") from error
    except BaseException as error:  # a panic of the reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise LuyuError(f"{path}: a damaged workbook; save it anew as .xlsx") from None


def _heading(path: Path, name: str, table: Sequence[Sequence[Any]]) -> tuple[int, Mapping[str, int]]:
    """Which row is the heading, and which of its columns is which of ours."""
    known = _known()
    best, columns = 0, dict[str, int]()
    for at, row in enumerate(table[:_HEADING_WITHIN]):
        found: dict[str, int] = {}
        for col, cell in enumerate(row):
            ours = known.get(plain(cell))
            if ours in found and ours in _READ:
                raise LuyuError(f"{path}: sheet {name!r}: two columns are called {plain(cell)!r}; delete the one added")
            if ours:
                found[ours] = col
        if len(found) > len(columns):
            best, columns = at, found
    if "case_no" not in columns:
        raise LuyuError(
            f"{path}: sheet {name!r} has no column {TITLES['case_no']!r} in its first {_HEADING_WITHIN} rows; it is no"
            " case list of 'luyu cases export', or its heading was deleted: export anew and copy the verdicts over"
        )
    if gone := [TITLES[ours] for ours in NEEDED if ours not in columns]:
        raise LuyuError(
            f"{path}: sheet {name!r} lacks the column{'s' * (len(gone) > 1)} {', '.join(gone)}; put"
            f" {'them' if len(gone) > 1 else 'it'} back from the exported file, or export anew and copy the verdicts over"
        )
    return best, {ours: col for ours, col in columns.items() if ours in _READ}


def _known() -> Mapping[str, str]:
    """Our names by what may stand in the heading: the title, or the name itself."""
    return {plain(title): ours for ours, title in TITLES.items()} | {ours: ours for ours in TITLES}


def _photos(place: Place, cells: Mapping[str, Any]) -> tuple[GivenPhoto, ...]:
    paths = [part.strip() for part in _BETWEEN_PHOTOS.split(str(cells.get("photo") or "")) if part.strip()]
    return tuple(GivenPhoto(place, one, azimuth_deg=cells.get("azimuth_deg")) for one in paths)
