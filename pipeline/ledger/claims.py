"""What a run's findings claim, checked and put in the one order that numbers are given in."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..errors import LedgerError, StakeError
from ..model.stake import Stake
from ..model.tables import FINDINGS

NEEDED = ("finding_id", "kind", "county_code", "route_code", "stake", "first_seen", "scene_before", "scene_after")
_KEPT = tuple(name for name in FINDINGS.columns if name not in ("finding_id", "case_no", "status", "evidence"))


def claims(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The findings without a permit, checked, with ``day`` (date) and text columns free of NaN; same index labels.

    ``day`` is that of the image: ``seen_on`` where there is such a column, for a thing may have been seen first long
    before, else ``first_seen``. In the order of route, stake and finding id. LedgerError naming the row for a missing
    id, day or geometry, an id that comes twice, or a CRS that no plane measure can be taken in.
    """
    missing = [name for name in NEEDED if name not in findings.columns]
    if missing:
        raise LedgerError(f"findings lack columns {missing}; it has {list(findings.columns)}")
    if not findings.index.is_unique:
        raise LedgerError("findings have an index with repeated labels; call reset_index(drop=True) first")
    wanted = findings[_without_permit(findings)]
    if wanted.empty:
        return wanted.assign(day=pd.Series([], dtype=object))
    _check_crs(wanted)
    _check_rows(wanted)
    wanted = wanted.set_geometry(wanted.geometry.make_valid())
    days = wanted["seen_on" if "seen_on" in wanted.columns else "first_seen"].map(_day)
    text = {name: _text(wanted[name]) for name in NEEDED if name != "first_seen"}
    tidy = wanted.assign(day=days, **text)
    order = pd.DataFrame(
        {"route": tidy["route_code"].map(str), "stake": tidy["stake"].map(_measure), "id": tidy["finding_id"]},
        index=tidy.index,
    )
    return tidy.loc[order.sort_values(["route", "stake", "id"], kind="stable").index]


def within_cap(new: gpd.GeoDataFrame, cap: int, opened: Mapping[str | None, int]) -> gpd.GeoDataFrame:
    """The new claims that fit under ``cap`` cases per county, of which some are ``opened`` already; order kept."""
    urgent = pd.DataFrame(
        {
            name: new[name].astype(float) if name in new.columns else pd.Series(0.0, index=new.index)
            for name in ("priority", "confidence")
        }
    ).assign(finding_id=new["finding_id"], county=new["county_code"])
    urgent = urgent.sort_values(["priority", "confidence", "finding_id"], ascending=[False, False, True])
    place = urgent.groupby("county", dropna=False).cumcount() + urgent["county"].map(lambda code: opened.get(code, 0))
    return new[(place < cap).reindex(new.index)]


def evidence(row: Mapping[Any, Any]) -> dict[str, object]:
    """What an event remembers of a finding, ready for JSON: all that papers show and a verdict can teach."""
    kept: dict[str, object] = {}
    for name in _KEPT:
        value = plain(row.get(name))
        if value is not None:
            kept[name] = value.isoformat()[:10] if isinstance(value, dt.date) else value
    if isinstance(row.get("evidence"), str):
        kept["evidence"] = json.loads(row["evidence"])
    return finite(kept)


def finite(value: Any) -> Any:
    """A value for JSON, null where a number is none that every database takes."""
    if isinstance(value, Mapping):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def scene_pair(row: Mapping[Any, Any]) -> str:
    """The key of a sighting: the two scenes that show it."""
    return f"{row['scene_before'] or ''}\n{row['scene_after'] or ''}"


def plain(value: object) -> object:
    """A cell as the database takes it: None for a null, Python's own numbers and text otherwise."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    return value.item() if isinstance(value, np.generic) else value


def _without_permit(findings: gpd.GeoDataFrame) -> pd.Series:
    if "permit_no" not in findings.columns:
        return pd.Series(True, index=findings.index)
    permits = findings["permit_no"]
    return permits.isna() | (permits.astype(str).str.strip() == "")


def _text(column: pd.Series) -> pd.Series:
    return pd.Series([None if pd.isna(value) else str(value) for value in column], index=column.index, dtype=object)


def day_or_none(value: object) -> dt.date | None:
    """A cell that may hold a day."""
    return None if value is None or pd.isna(value) else _day(value)  # type: ignore[call-overload]


def _day(value: object) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise LedgerError(f"findings: first_seen {value!r} is not a date; expected e.g. 2017-10-20") from error


def _measure(stake: str | None) -> float:
    """Metres of a stake for sorting; what is no stake comes last."""
    if stake is None:
        return np.inf
    try:
        return Stake.parse(stake).measure_m
    except StakeError:
        return np.inf


def _check_crs(findings: gpd.GeoDataFrame) -> None:
    crs = findings.crs
    if crs is None or not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        raise LedgerError(f"findings are in {crs and crs.name}; the ledger needs a metric CRS: reproject with to_crs()")
    if crs.to_epsg() is None:
        raise LedgerError(f"findings are in {crs.name}, which has no EPSG code; reproject to one that has")


def _check_rows(findings: gpd.GeoDataFrame) -> None:
    for name in ("finding_id", "kind", "first_seen"):
        empty = findings.index[findings[name].isna()]
        if len(empty):
            raise LedgerError(f"findings: row {empty[0]!r} has no {name}; every finding needs one to become a case")
    twice = findings["finding_id"][findings["finding_id"].duplicated()]
    if len(twice):
        raise LedgerError(f"findings: id {twice.iloc[0]!r} comes twice; one object must be one row")
    shapes = findings.geometry
    bad = findings.index[shapes.isna() | shapes.is_empty | ~np.isfinite(shapes.bounds).all(axis=1)]
    if len(bad):
        raise LedgerError(f"findings: row {bad[0]!r} has no geometry, or one with infinite coordinates")
