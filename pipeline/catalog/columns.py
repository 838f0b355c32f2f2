"""The client's values into ours, column by column: numbers, dates, codes, routes and stakes as databases hold them.

Every function returns a new Series on the same index. What had to be given up is told to a ``Findings``: a *fault*
stops the program, a *note* is shown and the value becomes null.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ..errors import LuyuError, StakeError
from ..model.route import RouteCode
from ..model.stake import Stake

_SHOWN = 3
_UNITS = re.compile(r"\s*(m|米|km|公里)$", re.IGNORECASE)
_DATES = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[T\s].*)?")
_COMPACT = re.compile(r"\d{8}(?:\.0)?")
_DMS = re.compile(
    r"^(?P<head>[东西南北]?)[经纬]?\s*(?P<d>\d{1,3}(?:\.\d+)?)\s*[°º度]\s*(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*[′'’分]\s*)?"
    r"(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:[″\"”秒]|''|′′)\s*)?(?P<way>[NSEW东西南北]?)$"
)
# 技术等级 LDJSDJ as digits 1..6, as the older K0304 codes, and in words.
TECH_CLASSES: Mapping[str, float] = MappingProxyType(
    {str(code): float(code) for code in range(1, 7)}
    | {"10": 1.0, "11": 2.0, "22": 3.0, "23": 4.0, "24": 5.0, "30": 6.0}
    | {"高速": 1.0, "高速公路": 1.0, "等外": 6.0, "等外公路": 6.0}
    | {f"{word}级{tail}": float(code) for code, word in enumerate("一二三四", 2) for tail in ("", "公路")}
)


@dataclass
class Findings:
    """What was noticed while one layer was read; ``place`` names file and layer.

    ``left_out``, ``repaired``, ``repeated``: rows as a person counts them, from 1.
    """

    place: str
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    repaired: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Remember something that the user should know, but that stops nothing."""
        self.notes.append(f"{self.place}: {what}")

    def fault(self, what: str) -> None:
        """Remember something without which the layer cannot be used."""
        self.faults.append(f"{self.place}: {what}")

    def leave_out(self, index: pd.Index, why: str) -> None:
        """Note rows that are not used, by their index."""
        self.left_out += numbers(index)
        self.note(f"{named(index)} {why}")


def numbers(index: pd.Index) -> list[int]:
    """Rows as a person counts them."""
    return [int(row) + 1 for row in index]


def named(index: pd.Index) -> str:
    """``rows 4, 9, 11 and 12 more``."""
    rows = ", ".join(map(str, numbers(index[:_SHOWN])))
    more = len(index) - _SHOWN
    if len(index) == 1:
        return f"row {rows}"
    return f"rows {rows} and {more} more" if more > 0 else f"rows {rows}"


def examples(values: pd.Series) -> str:
    """``rows 4, 9 and 12 more ('a', 'b')``: where the values stand (rows count from 1) and what the first ones are."""
    shown = ", ".join(dict.fromkeys(repr(_bare(value)) for value in values[:_SHOWN]))
    return f"{named(values.index)} ({shown})"


def _bare(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def blank(values: pd.Series) -> pd.Series:
    """Whether each value is missing: null, or text without a visible character or a word for nothing."""
    if values.dtype == object:  # a column may hold bytes or lists, which are no text and not missing
        values = values.map(lambda value: value if isinstance(value, str) else str(value), na_action="ignore")
    text = values.astype("string").str.strip()
    return values.isna() | text.isin(["", "-", "--", "/", "无", "NULL", "null", "None", "nan", "<Null>"]).fillna(True)


def text(values: pd.Series) -> pd.Series:
    """Text without outer blanks; missing values None; whole numbers without a decimal point."""
    empty = blank(values)
    return pd.Series(
        [None if gone else _as_text(value) for value, gone in zip(values, empty, strict=True)],
        index=values.index,
        dtype=object,
    )


def _as_text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def number(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Floats out of numbers or numeric text (``12``, ``12.5 m``, ``１２``); missing and unreadable NaN, these noted."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        found = values.astype("float64")
        return found.where(np.isfinite(found))
    plain = text(values).map(lambda value: _UNITS.sub("", _half_width(value)), na_action="ignore")
    found = pd.to_numeric(plain, errors="coerce").astype("float64")
    wrong = values[found.isna() & ~blank(values)]
    if len(wrong):
        findings.note(f"column {column!r}: no number in {examples(wrong)}; taken as unknown")
    return found.where(np.isfinite(found))


def degrees(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Degrees out of numbers or ``117°12′30.5″E``; missing and unreadable NaN, these noted. South and west are negative."""
    plain = text(values)
    parts = plain.str.extract(_DMS)
    whole = parts[["d", "m", "s"]].astype("float64").fillna(0.0)
    sign = np.where(parts[["head", "way"]].isin(["S", "W", "南", "西"]).any(axis=1), -1.0, 1.0)
    angle = sign * (whole["d"] + whole["m"] / 60 + whole["s"] / 3600)
    is_angle = parts["d"].notna()
    return number(values.mask(is_angle), column, findings).mask(is_angle, angle)


def _half_width(value: str) -> str:
    return value.translate({0xFF10 + digit: 0x30 + digit for digit in range(10)} | {0xFF0E: 0x2E, 0xFF0B: 0x2B})


def date(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Days out of dates, times, ``20240605``, ``2024-06-05``, ``2024/6/5``, ``2024年6月5日``; other text is a fault."""
    found = pd.Series([_date(value) for value in values.astype(object)], index=values.index, dtype=object)
    wrong = values[found.isna() & ~blank(values)]
    if len(wrong):
        findings.fault(
            f"column {column!r}: no date in {examples(wrong)}; write 2024-06-05 or 20240605, or leave it empty"
        )
    return found


def _date(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):  # pandas.Timestamp too; NaT has no date
        return None if pd.isna(value) else value.date()
    if isinstance(value, dt.date):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    plain = _half_width(str(value).strip())
    if _COMPACT.fullmatch(plain):
        parts: tuple[str, str, str] = (plain[:4], plain[4:6], plain[6:8])
    elif (match := _DATES.fullmatch(plain)) is not None:
        parts = (match[1], match[2], match[3])
    else:
        return None
    try:
        return dt.date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def routes(values: pd.Series, column: str, tech_class: pd.Series | None, findings: Findings) -> pd.DataFrame:
    """``route_code, route_key, road_class`` on the same index; rows without a route hold None.

    ``G205;S202`` (one road, two routes) takes the first. Text that is no route code is a fault.
    """
    plain, classes = text(values), tech_class if tech_class is not None else pd.Series(np.nan, index=values.index)
    several = plain.notna() & plain.str.contains(r"[;,；，、/]", na=False)
    first = plain.str.split(r"[;,；，、/]", regex=True).str[0].str.strip()
    parsed: list[RouteCode | None] = []
    wrong = []
    for index, value, tech in zip(values.index, first, classes, strict=True):
        try:
            parsed.append(None if value is None or pd.isna(value) else RouteCode.parse(value, tech_class=_whole(tech)))
        except LuyuError:
            parsed.append(None)
            wrong.append(index)
    if wrong:
        findings.fault(
            f"column {column!r}: no route code in {examples(values.loc[wrong])};"
            " expected a letter of G S X Y C Z and its number, e.g. 'G311' or 'X201320322'"
        )
    if several.any():
        findings.note(f"column {column!r}: several routes in {examples(values[several])}; the first is used")
    rows = [(r.sign, r.key, r.road_class.value) if r else (None, None, None) for r in parsed]
    return pd.DataFrame(rows, columns=["route_code", "route_key", "road_class"], index=values.index, dtype=object)


def _whole(value: float) -> int | None:
    return None if pd.isna(value) else int(value)


def stake_ranges(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Pairs of metres (from, to) out of ``K1+200~K1+800`` or one stake (twice the same); missing None, others a fault."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        single = stakes(values, column, findings)
        return pd.Series([None if pd.isna(m) else (m, m) for m in single], index=values.index, dtype=object)
    found: list[tuple[float, float] | None] = []
    wrong: list[Any] = []
    for index, value in text(values).items():
        try:
            ends = None if value is None else Stake.parse_range(_half_width(value))
            found.append(None if ends is None else (ends[0].measure_m, ends[1].measure_m))
        except StakeError:
            found.append(None)
            wrong.append(index)
    if wrong:
        findings.fault(
            f"column {column!r}: no stake or range in {examples(values.loc[wrong])};"
            " expected 'K1+200' or 'K1+200~K1+800', metres below 1000"
        )
    return pd.Series(found, index=values.index, dtype=object)


def stakes(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Metres along the route out of ``K12+345`` or kilometres; missing NaN; text that is no stake is a fault."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        found = values.astype("float64") * 1000.0
        if (found < 0).any():
            findings.fault(f"column {column!r}: negative stake in {examples(values[found < 0])}")
        return found.round(3)
    metres: list[float] = []
    wrong: list[Any] = []
    for index, value in text(values).items():
        try:
            metres.append(np.nan if value is None else Stake.parse(_half_width(value)).measure_m)
        except StakeError:
            metres.append(np.nan)
            wrong.append(index)
    if wrong:
        findings.fault(
            f"column {column!r}: no stake in {examples(values.loc[wrong])}; expected 'K12+345' or kilometres"
        )
    return pd.Series(metres, index=values.index, dtype="float64")


_YES = frozenset({"1", "是", "有", "y", "yes", "true", "t"})
_NO = frozenset({"0", "2", "否", "无", "n", "no", "false", "f"})


def flags(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Yes or no out of 1/2 (1 yes, as the national database has it), 是/否, words; missing and unreadable ones are no."""
    if pd.api.types.is_bool_dtype(values):
        return values.astype(bool)
    said = text(values).map(lambda value: value.lower(), na_action="ignore")
    wrong = values[said.notna() & ~said.isin(_YES | _NO)]
    if len(wrong):
        findings.note(f"column {column!r}: neither yes (1, 是) nor no (2, 否) in {examples(wrong)}; taken as no")
    return said.isin(_YES)


def tech_classes(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """技术等级 1 高速 .. 6 等外 as floats, from digits, older K0304 codes or words; unknown ones NaN, noted."""
    plain = text(values)
    found = plain.map(TECH_CLASSES).astype("float64")
    wrong = values[found.isna() & plain.notna() & (plain != "0")]
    if len(wrong):
        findings.note(f"column {column!r}: no technical class (1 to 6) in {examples(wrong)}; taken as unknown")
    return found


def county_codes(values: pd.Series, column: str, findings: Findings) -> pd.Series:
    """Six-digit codes of GB/T 2260, also out of twelve-digit statistical ones (``320322000000``); else a fault."""
    plain = text(values)
    found = plain.str.replace(r"^(\d{6})0{6}$", r"\1", regex=True)
    good = found.str.fullmatch(r"[1-9]\d{5}").fillna(False).astype(bool)
    if (~good).any():
        findings.fault(
            f"column {column!r}: no county code in {examples(values[~good])};"
            " expected six digits of GB/T 2260 in every row, e.g. 320322"
        )
    return found
