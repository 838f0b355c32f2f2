"""Working days of China (工作日): weekends, public holidays and the weekend days that are worked to make up for them.

Holidays and make-up days are those that the State Council announces each autumn for the next year, as package
`chinesecalendar` has them. Of a year that was not announced to it only weekends are known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
from chinese_calendar.constants import holidays as announced_holidays
from chinese_calendar.constants import workdays as announced_workdays
from pydantic import Field, model_validator

from ..errors import LedgerError
from ..model.options import Options

_FIRST, _LAST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)
_EPOCH = dt.date(1970, 1, 1).toordinal()
_SATURDAY = 5
_NATIONAL_DAY = (10, 1)
_LIBRARY_YEARS = frozenset(range(min(announced_holidays).year, max(announced_holidays).year + 1))


class Calendar(Options):
    """Which days offices work. Dates are local days; a datetime is taken by its own date."""

    holidays: tuple[dt.date, ...] = Field(
        default=(),
        description="Further days off: a year's notice that the program does not know yet, days lost to floods.",
    )
    workdays: tuple[dt.date, ...] = Field(
        default=(), description="Further working days, e.g. the make-up Saturdays of such a notice."
    )

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if both := sorted(set(self.holidays) & set(self.workdays)):
            raise ValueError(f"{both[0]} is named as holiday and as workday; keep one of them")
        if wrong := sorted(day for day in (*self.holidays, *self.workdays) if not _FIRST <= day <= _LAST):
            raise ValueError(f"{wrong[0]} is no day of {_FIRST.year} to {_LAST.year}; check the year")
        return self

    def is_workday(self, day: dt.date) -> bool:
        """Whether offices work on ``day``.

        >>> Calendar().is_workday(dt.date(2024, 10, 12)), Calendar().is_workday(dt.date(2024, 10, 7))
        (True, False)
        """
        return bool(self._worked[self._at(day)])

    def after(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after ``day``, which itself does not count; 0 is ``day`` or the next worked one.

        >>> Calendar().after(dt.date(2024, 9, 30), 5)
        datetime.date(2024, 10, 12)
        """
        if count < 0:
            raise LedgerError(f"{count} working days after {day:%Y-%m-%d}: a term cannot be negative; give 0 or more")
        at = self._at(day)
        place = int(self._until[at]) + count - 1 + (count == 0 and not self._worked[at])
        if place >= len(self._days):
            raise LedgerError(f"{count} working days after {day:%Y-%m-%d} end past {_LAST}; give a shorter term")
        return _FIRST + dt.timedelta(days=int(self._days[place]))

    def between(self, first: dt.date, last: dt.date) -> int:
        """Working days after ``first`` until ``last``, which counts; negative where ``last`` is the earlier.

        >>> Calendar().between(dt.date(2024, 9, 30), dt.date(2024, 10, 12))
        5
        """
        return int(self._until[self._at(last)] - self._until[self._at(first)])

    def between_many(self, first: Sequence[dt.date] | np.ndarray, last: Sequence[dt.date] | np.ndarray) -> np.ndarray:
        """`between` of two arrays of days (``datetime64[D]``), as float; NaN where a day is missing (NaT)."""
        counts = [self._counted(np.asarray(days, dtype="datetime64[D]")) for days in (first, last)]
        return np.asarray(counts[1] - counts[0])

    def is_known(self, day: dt.date) -> bool:
        """Whether the holidays of ``day``'s year are known: to the program, or from ``holidays`` naming its 1 October."""
        return day.year in _LIBRARY_YEARS or dt.date(day.year, *_NATIONAL_DAY) in self.holidays

    def known_until(self) -> dt.date:
        """Last day of the last year up to which holidays are known; beyond it only weekends are days off."""
        year = max(_LIBRARY_YEARS)
        while self.is_known(dt.date(year + 1, 1, 1)):
            year += 1
        return dt.date(year, 12, 31)

    @cached_property
    def _worked(self) -> np.ndarray:
        """Whether each day from ``_FIRST`` to ``_LAST`` is worked, bool (D,)."""
        count = (_LAST - _FIRST).days + 1
        worked = (np.arange(count) + _FIRST.weekday()) % 7 < _SATURDAY
        for days, value in (
            (announced_holidays, False),
            (announced_workdays, True),
            (self.holidays, False),
            (self.workdays, True),
        ):
            worked[[self._at(day) for day in days]] = value
        return worked

    @cached_property
    def _until(self) -> np.ndarray:
        """Working days from ``_FIRST`` until each day, itself counted, int (D,)."""
        return np.cumsum(self._worked)

    @cached_property
    def _days(self) -> np.ndarray:
        """Days after ``_FIRST`` of every working day, int (W,)."""
        return np.flatnonzero(self._worked)

    @staticmethod
    def _at(day: dt.date) -> int:
        place = day.toordinal() - _FIRST.toordinal()
        if not 0 <= place <= (_LAST - _FIRST).days:
            raise LedgerError(f"{day:%Y-%m-%d} is no day of {_FIRST.year} to {_LAST.year}; check the year")
        return place

    def _counted(self, days: np.ndarray) -> np.ndarray:
        missing = np.isnat(days)
        places = np.where(missing, 0, days.astype("int64") + _EPOCH - _FIRST.toordinal())
        wrong = (places < 0) | (places >= len(self._worked))
        if wrong.any():
            raise LedgerError(f"{days[wrong][0]} is no day of {_FIRST.year} to {_LAST.year}; check the year")
        return np.where(missing, np.nan, self._until[places])
