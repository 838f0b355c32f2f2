"""From a row as it was written to what somebody says of a case, every fault of the row at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..ledger.answers import LONGEST_NAME, LONGEST_NOTE, Verdict
from .given import Given, GivenPhoto, Place
from .rows import EXPORTED_AT
from .verdict import CHINA, day_of, moment, plain, reason_of, text, verdict_of

_CLOCKS_APART = dt.timedelta(minutes=5)


class RowError(ValueError):
    """A row that cannot be taken, with all that is wrong with it."""


@dataclass(frozen=True)
class Said:
    """What an officer says of a case, believed as far as one row can be."""

    place: Place
    case_no: str
    verdict: Verdict
    reason: str | None
    note: str
    by: str
    at: dt.datetime
    version: int
    photos: tuple[GivenPhoto, ...]

    @property
    def words(self) -> tuple[object, ...]:
        """What two rows of one case must agree in to say the same."""
        return self.verdict, self.reason, self.note, self.by, self.at, self.version


def said(given: Given, cases: Mapping[str, Mapping[str, Any]], *, by: str | None, now: dt.datetime) -> Said | None:
    """What a row says; None where it was not filled in. RowError naming every fault.

    Parameters
    ----------
    cases
        The ledger's cases by number.
    by
        Who is taken to say so where a row bears no name.
    now
        Nothing can have been said after it.
    """
    cells, faults = given.cells, list[str]()
    try:
        verdict = verdict_of(cells["verdict"])
    except ValueError as error:
        verdict, faults = None, [str(error)]
    if verdict is None and not faults:
        return None
    case_no = plain(cells["case_no"])
    case = cases.get(case_no)
    if case is None:
        known = (
            "the ledger has no case of that number; correct it" if case_no else "the case number is empty; put it back"
        )
        faults.append(f"{known} from the exported file, or name the ledger that it was exported from")
    note = text(cells["note"])
    reason = _reason(verdict, cells["reason"], note, faults)
    name = _name(cells.get("checked_by", cells.get("by")) or by, faults)
    version = _version(cells["version"], case, faults)
    at = _at(cells, case, now, faults)
    if faults or verdict is None or version is None or at is None:
        raise RowError("; ".join(faults))
    return Said(given.place, case_no, verdict, reason, note, name, at, version, given.photos)


def _reason(verdict: Verdict | None, value: object, note: str, faults: list[str]) -> str | None:
    reason = None
    try:
        reason = reason_of(verdict, value) if verdict else None
    except ValueError as error:
        faults.append(str(error))
    if len(note) > LONGEST_NOTE:
        faults.append(f"the note has {len(note)} characters; at most {LONGEST_NOTE} are kept, shorten it")
    if reason == "other" and not note:
        faults.append("reason other (其他) needs a note that says which")
    return reason


def _name(value: object, faults: list[str]) -> str:
    name = text(value)
    if not name:
        faults.append("nobody's name stands with the verdict; fill in checked_by (核查人), or give --by NAME")
    elif len(name) > LONGEST_NAME:
        faults.append(f"the name has {len(name)} characters; at most {LONGEST_NAME} are kept, shorten it")
    return name


def _version(value: object, case: Mapping[str, Any] | None, faults: list[str]) -> int | None:
    written = plain(value)
    if not written.isdecimal():
        faults.append(f"version (版本) {written!r} is not the exported number; put it back, or export anew")
        return None
    if case is not None and int(written) > case["version"]:
        faults.append(
            f"version (版本) {written} is newer than the ledger's {case['version']}: the file comes from another ledger, or an"
            " older copy of this one was put back; name the right ledger"
        )
    return int(written)


def _at(
    cells: Mapping[str, Any], case: Mapping[str, Any] | None, now: dt.datetime, faults: list[str]
) -> dt.datetime | None:
    """The moment at which it was said: as a verdict file has it, or out of a day and the moment of the export."""
    try:
        at = cells["at"] if "at" in cells else moment(_day(cells["checked_on"]), _exported_at(cells["exported_at"]))
    except ValueError as error:
        faults.append(str(error))
        return None
    day = at.astimezone(CHINA).date().isoformat()
    if at > now + _CLOCKS_APART:
        faults.append(f"{at.astimezone(CHINA).isoformat(timespec='minutes')} lies in the future; correct the date")
    elif case is not None and day < case["opened_on"]:
        faults.append(f"{day} lies before the image of {case['opened_on']} that opened the case; correct the date")
    return at


def _day(value: object) -> dt.date:
    if not plain(value):
        raise ValueError("the day of the check is empty; fill in checked_on (核查日期)")
    return day_of(value)


def _exported_at(value: object) -> dt.datetime:
    try:
        return dt.datetime.strptime(plain(value), EXPORTED_AT).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise ValueError(
            f"the exporting moment (导出时间) {plain(value)!r} is not the exported one; put it back, or export anew"
        ) from error
