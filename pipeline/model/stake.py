"""Stakes (桩号): kilometre chainage as road people write it.

Form: ``K123+456`` is 123 456 m along the route. Decimal kilometres (``K200.500``) and separated lines (``ZK``, ``YK``)
occur in delivered data and are read; the metres part is always below 1000. Source: practice of T_LD road databases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import StakeError

_PLUS = re.compile(r"([A-Z]{0,2}K)(\d{1,5})\+(\d{1,3}(?:\.\d+)?)")
_DECIMAL = re.compile(r"([A-Z]{0,2}K)?(\d{1,5}(?:\.\d+)?)")
_RANGE = re.compile(r"\s*(?:~|～|-|－|—|–|至|到)+\s*")


@dataclass(frozen=True, slots=True, order=True)
class Stake:
    """One stake: metres along its route, and the prefix it was written with (``K``, ``ZK``, ``YK``, ...).

    >>> Stake.parse("K12+345").measure_m
    12345.0
    >>> str(Stake(123456.4))
    'K123+456'
    >>> str(Stake.parse("zk3+020.5"))
    'ZK3+020'
    """

    measure_m: float
    prefix: str = "K"

    @classmethod
    def parse(cls, value: object) -> Stake:
        """Stake from ``K12+345``, ``K12.345``, ``12.345`` or a number of kilometres; StakeError otherwise."""
        text = str(value).strip().upper().replace("＋", "+").replace(" ", "")
        if match := _PLUS.fullmatch(text):
            return cls(1000.0 * int(match[2]) + float(match[3]), match[1])
        if match := _DECIMAL.fullmatch(text):
            return cls(round(1000.0 * float(match[2]), 3), match[1] or "K")
        raise StakeError(f"not a stake: {value!r}; expected 'K12+345' (metres below 1000) or km, 12.345")

    @classmethod
    def parse_range(cls, value: object) -> tuple[Stake, Stake]:
        """Both ends of ``K1+200~K1+800`` (also ``～ - — 至 到``), the smaller first; of a single stake, that twice.

        >>> [str(end) for end in Stake.parse_range("K1+800至K1+200")]
        ['K1+200', 'K1+800']
        """
        ends = [cls.parse(part) for part in _RANGE.split(str(value).strip(), maxsplit=1)]
        first, last = ends[0], ends[-1]
        return (first, last) if first.measure_m <= last.measure_m else (last, first)

    def __str__(self) -> str:
        whole_m = int(self.measure_m + 1e-6)
        return f"{self.prefix}{whole_m // 1000}+{whole_m % 1000:03d}"
