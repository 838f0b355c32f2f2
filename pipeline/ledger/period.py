"""The stretch of days that figures are about: a month, a quarter, a year, or from one day to another."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from ..errors import LedgerError
from .state import CHINA

_PERIOD = re.compile(r"(\d{4})(?:-(\d{1,2})|-?[Qq]([1-4]))?")
_SEPARATOR = re.compile(r"\s*(?:/|\.\.|~|～|至)\s*")
_QUARTERS = "一二三四"


@dataclass(frozen=True, order=True)
class Period:
    """From ``first`` to ``last``, both counted; days in China.

    >>> Period.parse("2024Q4").label_zh, str(Period.parse("2024-11").last)
    ('2024年第四季度', '2024-11-30')
    """

    first: dt.date
    last: dt.date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise LedgerError(f"period {self.first}/{self.last} ends before it begins; give the earlier day first")

    @classmethod
    def parse(cls, text: str) -> Period:
        """Period of ``2024-11``, ``2024Q4``, ``2024`` or two days ``2024-11-01/2024-11-15``; LedgerError otherwise."""
        ends = _SEPARATOR.split(text.strip())
        try:
            if len(ends) == 2:
                return cls(dt.date.fromisoformat(ends[0]), dt.date.fromisoformat(ends[1]))
            if match := _PERIOD.fullmatch(ends[0]):
                year, month, quarter = (int(part) if part else 0 for part in match.groups())
                begin, end = (month, month) if month else (3 * quarter - 2, 3 * quarter) if quarter else (1, 12)
                last = calendar.monthrange(year, end)[1]
                return cls(dt.date(year, begin, 1), dt.date(year, end, last))
        except ValueError:  # a day or month that no calendar has
            pass
        raise LedgerError(
            f"period {text!r}: write a month 2024-11, a quarter 2024Q4, a year 2024, or 2024-11-01/2024-11-15"
        )

    def until(self, day: dt.date) -> Period:
        """The part that is over on ``day``; of a period that still runs, what falls due later is not due yet.

        >>> str(Period.parse("2024-11").until(dt.date(2024, 11, 20)))
        '2024-11-01/2024-11-20'
        """
        return Period(self.first, min(self.last, day))

    @property
    def begin(self) -> dt.datetime:
        """The midnight before ``first`` in China, as UTC."""
        return dt.datetime.combine(self.first, dt.time(), tzinfo=CHINA).astimezone(dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The midnight after ``last`` in China, as UTC: what happened at it or later is not of the period."""
        midnight = dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), tzinfo=CHINA)
        return midnight.astimezone(dt.UTC)

    @property
    def label_zh(self) -> str:
        """What officers call it.

        >>> Period.parse("2024-11").label_zh, Period.parse("2024-11-01至2024-12-15").label_zh
        ('2024年11月', '2024年11月1日至12月15日')
        """
        first, year = self.first, f"{self.first.year}年"
        if self == Period.parse(f"{first:%Y}"):
            return year
        if self == Period.parse(f"{first:%Y-%m}"):
            return f"{year}{first.month}月"
        quarter = (first.month - 1) // 3
        if self == Period.parse(f"{first:%Y}Q{quarter + 1}"):
            return f"{year}第{_QUARTERS[quarter]}季度"
        later = "" if self.last.year == first.year else f"{self.last.year}年"
        return f"{year}{first.month}月{first.day}日至{later}{self.last.month}月{self.last.day}日"

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"
