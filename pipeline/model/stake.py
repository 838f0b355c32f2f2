"""Stakes (桩号): kilometre chainage as road people write it.

Form: ``K123+456`` is 123 456 m along the route. Decimal kilometres (``K200.500``, ``200.5``), full-width characters, and the
prefixes of separated lines (``ZK``, ``YK``) and ramps (``AK``, ``BK``, ``CK``) occur in delivered data and are read; the
metres part is always below 1000. Source: practice of T_LD road databases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import StakeError

_PLUS = re.compile(r"([A-Z]{0,2}K)?(\d{1,5})\+(\d{1,3}(?:\.\d+)?)")
_DECIMAL = re.compile(r"([A-Z]{0,2}K)?(\d{1,5}(?:\.\d+)?)")
_METRES = re.compile(r"\+?(\d{3}(?:\.\d+)?)")
_BARE = re.compile(r"\d+")
_RANGE = re.compile(r"\s*[~\-−–—至到]+\s*")


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
        text = unicodedata.normalize("NFKC", str(value)).replace(" ", "").upper()
        if match := _PLUS.fullmatch(text):
            return cls(1000.0 * int(match[2]) + float(match[3]), match[1] or "K")
        if match := _DECIMAL.fullmatch(text):
            return cls(round(1000.0 * float(match[2]), 3), match[1] or "K")
        raise StakeError(f"not a stake: {value!r}; expected 'K12+345' (metres below 1000) or km, 12.345")

    @classmethod
    def parse_range(cls, value: object) -> tuple[Stake, Stake]:
        """Both ends of ``K1+200~K1+800`` (also ``～ - − — 至 到``), the smaller first; of a single stake, that twice.

        ``K1+200~800`` and ``K1+200~+800`` end in the kilometre that they begin in. StakeError for what is no range, and for
        ``K1+200~50``, which may mean metres or kilometres.

        >>> [str(end) for end in Stake.parse_range("K1+800至K1+200")]
        ['K1+200', 'K1+800']
        """
        begin, *rest = _RANGE.split(unicodedata.normalize("NFKC", str(value)).strip(), maxsplit=1)
        first = last = cls.parse(begin)
        end = rest[0].replace(" ", "") if rest else begin
        if rest and "+" in begin and (metres := _METRES.fullmatch(end)):
            last = cls(first.measure_m // 1000 * 1000 + float(metres[1]), first.prefix)
        elif rest and "+" in begin and _BARE.fullmatch(end):
            raise StakeError(f"not a range: {value!r}; write its end in full, 'K12+345', or as three digits of metres")
        elif rest:
            last = cls.parse(end)
        return (first, last) if first.measure_m <= last.measure_m else (last, first)

    def __str__(self) -> str:
        whole_m = int(self.measure_m + 1e-6)
        return f"{self.prefix}{whole_m // 1000}+{whole_m % 1000:03d}"


def stake_texts(stake_m: np.ndarray) -> list[str | None]:
    """``K12+345`` for each stake in metres; a place before K0+000 is written K0+000, NaN as None."""
    known = np.isfinite(stake_m)
    whole = np.floor(np.where(known, np.maximum(stake_m, 0.0), -1.0) + 1e-6).astype(np.int64)
    metres, which = np.unique(whole, return_inverse=True)
    texts = [f"K{m // 1000}+{m % 1000:03d}" if m >= 0 else None for m in metres.tolist()]
    return [texts[k] for k in which.tolist()]


def named(stakes_m: Iterable[float]) -> str:
    """A few stakes in metres as people list them, and how many there are in all if more than six."""
    names = [str(Stake(max(float(value), 0.0))) for value in stakes_m]
    return ", ".join(names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
