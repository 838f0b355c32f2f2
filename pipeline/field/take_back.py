"""What comes back from the field, taken into the ledger row by row.

Every row is a transaction of its own and says the same when it is read again. So an import that was cut off is begun
again from the start, and importing twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from ..errors import LedgerError, LuyuError
from ..ledger import Ledger, Photo
from ..model.options import Options
from .bounds import MOST_BYTES, within
from .checked import RowError, Said, said
from .given import Given, GivenPhoto, Sheaf
from .gpkg import read_gpkg
from .meanwhile import already_said, contradicts, has_said
from .outcome import ImportReport, Line
from .photos import azimuth_of, far_note, read_photo
from .rows import FILLED_IN
from .sheet_read import read_workbook
from .verdict import ACT, plain
from .verdict_file import read_verdict_file

READERS: Mapping[str, Callable[[Path], Sheaf]] = MappingProxyType(
    {".gpkg": read_gpkg, ".xlsx": read_workbook, ".json": read_verdict_file}
)
_PACKAGE = ("cases.gpkg", "cases.xlsx")
_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"}


class TakeBackOptions(Options):
    """What is looked at twice when a package comes back."""

    far_m: float = Field(
        default=500.0, gt=0, description="A photo taken farther than this from its case is flagged, m."
    )


def take_back(
    place: Path,
    ledger: Ledger,
    *,
    by: str | None = None,
    options: TakeBackOptions | None = None,
    now: dt.datetime | None = None,
) -> ImportReport:
    """What became of every row of a package's folder, or of one of its files, or of a verdict file.

    LuyuError when a file as a whole cannot be taken; then nothing of it is. Of a folder both lists are read.

    Parameters
    ----------
    by
        Who is taken to say so where a row bears no name.
    now
        Nothing can have been said after it. Default: the clock.
    """
    now, options = now or dt.datetime.now(dt.UTC), options or TakeBackOptions()
    sheaves = [READERS[path.suffix.lower()](path) for path in _files(place)]
    cases = {case["case_no"]: case for case in ledger.cases()}
    report = ImportReport(str(place))
    for sheaf in sheaves:
        report.notes += sheaf.notes
        report.refused += [Line.of(where, case_no, why) for where, case_no, why in sheaf.refused]
    rows = [given for sheaf in sheaves for given in sheaf.rows]
    believed = [one for given in rows if (one := _believed(given, cases, by, now, report))]
    answered = {one.case_no for one in believed} | {line.case_no for line in report.refused}
    report.not_filled_in = len({plain(given.cells["case_no"]) for given in rows} - answered)
    root = place if place.is_dir() else place.parent
    for one in _agreed(believed, report):
        if _settle(one, ledger, report):
            for photo in one.photos:
                _keep(photo, one, ledger, root, cases[one.case_no], options, report)
    _unclaimed(root, sheaves, report)
    report.refused.sort(key=lambda line: (line.file, line.part, line.row or 0))
    return report


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        if place.suffix.lower() not in READERS:
            what = "no such file or folder" if not place.exists() else f"{place.suffix or 'no suffix'} is not read"
            raise LuyuError(
                f"{place}: {what}; name a folder of 'luyu cases export'"
                f" or a file {', '.join(MOST_BYTES)}; save another sheet as .xlsx"
            )
        return [place]
    if found := [place / name for name in _PACKAGE if (place / name).is_file()]:
        return found
    raise LuyuError(
        f"{place}: neither {' nor '.join(_PACKAGE)} lies in it; name a folder of 'luyu cases export', or the file"
    )


def _believed(
    given: Given, cases: Mapping[str, Mapping[str, Any]], by: str | None, now: dt.datetime, report: ImportReport
) -> Said | None:
    try:
        one = said(given, cases, by=by, now=now)
    except RowError as error:
        report.refused.append(Line.of(given.place, plain(given.cells.get("case_no")), str(error)))
        return None
    if one is None:
        begun = [column.zh for column in FILLED_IN if column.name != "verdict" and given.cells.get(column.name)]
        if begun or given.photos:
            why = f"{'、'.join(begun) or 'photos 照片'} filled in but no verdict (核查结论); not taken, give one"
            report.flags.append(Line.of(given.place, plain(given.cells["case_no"]), why))
    return one


def _agreed(believed: list[Said], report: ImportReport) -> list[Said]:
    """The rows without those of one case that differ; of those that say the same the first, with the photos of all."""
    by_case: dict[str, list[Said]] = {}
    for one in believed:
        by_case.setdefault(one.case_no, []).append(one)
    agreed = []
    for case_no, rows in by_case.items():
        if len({one.words for one in rows}) > 1:
            places = ", ".join(str(one.place) for one in rows)
            why = f"the case is answered differently in {places}; leave one answer"
            report.refused += [Line.of(one.place, case_no, why, one.verdict.value) for one in rows]
            continue
        report.unchanged += [Line.of(one.place, case_no, "the same row again", one.verdict.value) for one in rows[1:]]
        photos = tuple({photo.path: photo for one in rows for photo in one.photos}.values())
        agreed.append(replace(rows[0], photos=photos))
    return agreed


def _settle(one: Said, ledger: Ledger, report: ImportReport) -> bool:
    """Whether a verdict came to rest in the ledger: written, said before, or kept as a contradiction."""
    history = ledger.case(one.case_no)["history"]
    if has_said(history, one):
        report.unchanged.append(Line.of(one.place, one.case_no, "imported before", one.verdict.value))
        return True
    if why := already_said(history, one):
        report.unchanged.append(Line.of(one.place, one.case_no, why, one.verdict.value))
        return True
    other = contradicts(history, one)
    details = {"reason": one.reason} if one.reason else {}
    act = ACT[one.verdict].value
    if other:
        act = "contradicted"
        details |= {"verdict": one.verdict.value, "verdict_by": one.by, "verdict_at": one.at.isoformat()}
    try:
        ledger.advance(one.case_no, act, one.by, one.note, one.at, details=details)
    except LedgerError as error:
        why = str(error).removeprefix(f"case {one.case_no}").lstrip(": ")
        report.refused.append(Line.of(one.place, one.case_no, why, one.verdict.value))
        return False
    into = report.conflicts if other else report.accepted
    into.append(Line.of(one.place, one.case_no, other or one.verdict.value, one.verdict.value))
    return True


def _keep(
    photo: GivenPhoto,
    one: Said,
    ledger: Ledger,
    root: Path,
    case: Mapping[str, Any],
    options: TakeBackOptions,
    report: ImportReport,
) -> None:
    """Keep one photo with what its EXIF, and failing that its row, says of it; tell what is missing or far."""
    try:
        path = within(root, photo.path)
        shot = read_photo(path)
        lon, lat = (shot.lon, shot.lat) if shot.lon is not None else _place_of(photo)
        azimuth = shot.azimuth_deg if shot.azimuth_deg is not None else azimuth_of(photo.azimuth_deg)
        new = ledger.keep_photo(
            Photo(one.case_no, shot.sha256, path.name, shot.content, one.by, shot.taken_at, lon, lat, azimuth)
        )
    except (ValueError, OSError, LedgerError) as error:
        report.refused.append(Line.of(photo.place, one.case_no, f"photo {photo.path!r} {error}"))
        return
    report.photos_new += new
    report.photos_known += not new
    missing = [name for name, value in (("position 定位", lon), ("azimuth 方位角", azimuth)) if value is None]
    told = [f"has no {name}" for name in missing]
    if lon is not None and lat is not None and (far := far_note(lon, lat, case, options.far_m)):
        told.append(far)
    report.flags += [Line.of(photo.place, one.case_no, f"photo {photo.path!r} {why}") for why in told]


def _place_of(photo: GivenPhoto) -> tuple[float, float] | tuple[None, None]:
    """Where a row says that its photo was taken, degrees."""
    try:
        lon, lat = float(photo.lon), float(photo.lat)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None, None
    return (lon, lat) if -180 <= lon <= 180 and -90 <= lat <= 90 else (None, None)


def _unclaimed(root: Path, sheaves: list[Sheaf], report: ImportReport) -> None:
    """Tell of photos in the package that no row names: they are evidence that would be lost."""
    named = {
        Path(photo.path.replace("\\", "/")).name for sheaf in sheaves for row in sheaf.rows for photo in row.photos
    }
    folder = root / "photos"
    lying = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    lost = [path.name for path in lying if path.suffix.lower() in _PHOTO_SUFFIXES and path.name not in named]
    if lost:
        names = f"{', '.join(lost[:10])}{' and more' if len(lost) > 10 else ''}"
        report.notes.append(
            f"{len(lost)} photos are named by no row: {names}; write their names in the column 照片 of their row"
        )
