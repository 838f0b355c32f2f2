"""Columns that an entry maps, out of its rows: read where they are mapped, nulls where they are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from . import columns as read
from .columns import Findings, examples
from .geometries import Frame

# A column's values, its name and where to say what is wrong with them.
Parse = Callable[[pd.Series, str, Findings], pd.Series]


def optional(frame: Frame, ours: str, parse: Parse, dtype: str) -> pd.Series:
    """The mapped column as ``parse`` reads it, else nulls of ``dtype``."""
    theirs = frame.entry.columns.get(ours)
    if theirs is None:
        return pd.Series(np.nan if dtype == "float64" else None, index=frame.rows.index, dtype=dtype)
    return parse(frame.rows[theirs], theirs, frame.findings)


def text(frame: Frame, ours: str) -> pd.Series:
    """Text, None where there is none."""
    return optional(frame, ours, lambda values, _theirs, _findings: read.text(values), "object")


def date(frame: Frame, ours: str) -> pd.Series:
    """Days, None where there is none."""
    return optional(frame, ours, read.date, "object")


def flag(frame: Frame, ours: str) -> pd.Series:
    """Yes or no; no where nobody says."""
    found = optional(frame, ours, read.flags, "object")
    return found.eq(other=True)


def word(frame: Frame, ours: str, words: Mapping[str, str | None]) -> pd.Series:
    """The mapped column in our vocabulary, whatever the case; a word that is not in it is a fault."""
    said = text(frame, ours).map(lambda value: value.lower(), na_action="ignore")
    found = said.map(words).astype(object)
    wrong = said[~said.isin(words) & said.notna()]
    if len(wrong):
        frame.findings.fault(f"column {frame.entry.columns[ours]!r}: {examples(wrong)}; known: {', '.join(words)}")
    return found.where(found.notna(), None)


def quantity(frame: Frame, ours: str, unit: str, most: float, *, zero: bool = False) -> pd.Series:
    """A measure; values that cannot be become NaN and are noted. Zero means unknown unless ``zero`` says that it counts."""
    found = optional(frame, ours, read.number, "float64")
    wrong = found[(found < 0) | (found > most)]
    if len(wrong):
        theirs, what = frame.entry.columns[ours], "width" if "width" in ours else "value"
        frame.findings.note(
            f"column {theirs!r}: no {what} between 0 and {most:g} {unit} in {examples(wrong)}; taken as unknown"
        )
    return found.where((found >= 0 if zero else found > 0) & (found <= most))


def routes(frame: Frame, tech: pd.Series | None = None) -> pd.DataFrame:
    """``route_code, route_key, road_class`` of each row."""
    theirs = frame.entry.columns.get("route")
    if theirs is None:
        names = ["route_code", "route_key", "road_class"]
        return pd.DataFrame(None, columns=names, index=frame.rows.index, dtype=object)
    return read.routes(frame.rows[theirs], theirs, tech, frame.findings)


def with_route(frame: Frame, data: pd.DataFrame) -> pd.DataFrame:
    """Rows that name a route; the rest noted, and a fault when none does."""
    without = data["route_code"].isna()
    if without.any() and not frame.findings.faults:
        say = frame.findings.fault if without.all() else frame.findings.note
        say(f"{int(without.sum())} of {len(data)} rows name no route in {frame.entry.columns['route']!r}; left out")
        frame.findings.left_out += read.numbers(data.index[without])
    return data[~without]


def stake_range(frame: Frame) -> tuple[pd.Series, pd.Series]:
    """First and last stake, metres, of ``stake`` (one or a range), ``stake_km`` or ``stake_m``, the first that says something."""
    low, high = _ends(optional(frame, "stake", read.stake_ranges, "object"))
    for ours, parse in (("stake_km", read.stakes), ("stake_m", read.number)):
        single = optional(frame, ours, parse, "float64")
        low, high = low.fillna(single), high.fillna(single)
    return low, high


def along(frame: Frame) -> pd.DataFrame:
    """``route_code, route_key, stake_from_m, stake_to_m`` of rows that are known by their stretch of road, smaller stake first."""
    data = routes(frame)[["route_code", "route_key"]]
    low, high = _ends(optional(frame, "stake", read.stake_ranges, "object"))
    first = _ends(optional(frame, "stake_from", read.stake_ranges, "object"))
    low = low.fillna(first[0])
    high = _ends(optional(frame, "stake_to", read.stake_ranges, "object"))[1].fillna(high).fillna(first[1])
    ends = pd.concat([low.fillna(high), high.fillna(low)], axis=1)
    data["stake_from_m"], data["stake_to_m"] = ends.min(axis=1), ends.max(axis=1)
    return data


def _ends(ranges: pd.Series) -> tuple[pd.Series, pd.Series]:
    given = ranges.dropna()
    first, last = (given.map(lambda pair, end=end: pair[end]).astype("float64") for end in (0, 1))
    return first.reindex(ranges.index), last.reindex(ranges.index)


def without_adrift(frame: Frame, data: pd.DataFrame, stake: pd.Series) -> pd.DataFrame:
    """Rows that have a geometry or a stake (of a route); the rest noted."""
    nowhere = stake.isna() | data["route_code"].isna()
    adrift = frame.rows.geometry.isna() & nowhere
    if adrift.any():
        frame.findings.note(f"{int(adrift.sum())} rows have neither a geometry nor a route with a stake; left out")
        frame.findings.left_out += read.numbers(data.index[adrift])
    return data[~adrift]
