"""Findings settled into cases: numbered, seen again, grown, merged, split, come back; on an open connection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from . import views
from .appending import append, event
from .claims import day_or_none, evidence, plain, scene_pair, within_cap
from .lifecycle import What
from .matching import Matched, match
from .numbering import number, series
from .options import LedgerOptions
from .renewal import grown, why_reopened
from .schema import cases as cases_table
from .standing import fetch
from .state import CHINA, State

_COPIED = ("kind", "county_code", "route_code", "stake", "side", "zone")


@dataclass(frozen=True)
class Sighting:
    """What one pair of images shows of one case: the finding, with all its parts in one footprint."""

    case_no: str
    row: Mapping[str, Any]
    footprint: shapely.Geometry
    parts: tuple[str, ...]

    @property
    def area_m2(self) -> float:
        """Area of all parts."""
        return float(shapely.area(self.footprint))


def recognised(
    connection: Connection, wanted: gpd.GeoDataFrame, options: LedgerOptions, *, shared: bool = False
) -> Matched:
    """Which known case each claim is, without writing anything; ``shared``: several claims may be one."""
    near = views.places(connection, sorted(set(wanted["kind"])), wanted)
    pairs = {scene_pair(row) for row in wanted.to_dict("records")}
    parts = views.known_parts(connection, list(near["case_no"]), pairs)
    known = parts | views.known_ids(connection, list(wanted["finding_id"])).to_dict()
    return match(wanted, near, options.match, known=pd.Series(known, dtype=object), shared=shared)


def settle(
    connection: Connection,
    wanted: gpd.GeoDataFrame,
    options: LedgerOptions,
    *,
    run_id: str,
    cap: int | None,
    now: dt.datetime,
) -> pd.Series:
    """Case number of every claim, null beyond the cap; all that is new in them written."""
    matched = recognised(connection, wanted, options)
    new = wanted[matched.case_no.isna()]
    if cap is not None:
        pairs = {scene_pair(row) for row in wanted.to_dict("records")}
        taken = views.opened_by(connection, list(set(new["county_code"])), pairs, _week(now))
        new = within_cap(new, cap, taken)
    numbers = matched.case_no.copy()
    numbers.loc[new.index] = _opened(connection, new, options)
    claimed = wanted[numbers.notna()]
    sightings = _sightings(claimed.assign(case_no=numbers[claimed.index]))
    rows = _events(connection, sightings, options, int(wanted.crs.to_epsg()), matched)
    rows += _split(matched, numbers.loc[new.index])
    append(connection, rows, at=now, run_id=run_id)
    return numbers


def _week(now: dt.datetime) -> str:
    """UTC text of the Monday, in China, of the week of ``now``."""
    local = now.astimezone(CHINA)
    monday = local.replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=local.weekday())
    return views.utc_text(monday)


def _opened(connection: Connection, new: gpd.GeoDataFrame, options: LedgerOptions) -> list[str]:
    """Numbers of new cases, now written, in the order of the rows."""
    county = new["county_code"].map(lambda code: code or options.number.no_county)
    group = [series(c, d, k) for c, d, k in zip(county, new["day"], new["kind"], strict=True)]
    seq = views.last_seq(connection, sorted(set(group)))
    rows = []
    for code, name, row in zip(county, group, new.to_dict("records"), strict=True):
        seq[name] = seq.get(name, 0) + 1
        shape = row[new.geometry.name]
        rows.append(
            {"case_no": number(options.number, code, row["day"], row["kind"], seq[name])}
            | {"series": name, "seq": seq[name], "epsg": int(new.crs.to_epsg()), "geometry": shapely.to_wkb(shape)}
            | {column: plain(row.get(column)) for column in _COPIED}
            | {"opened_on": row["day"].isoformat(), "area_m2": float(shape.area)}
        )
    if rows:
        connection.execute(sa.insert(cases_table), rows)
    return [str(row["case_no"]) for row in rows]


def _sightings(claimed: gpd.GeoDataFrame) -> list[Sighting]:
    """One sighting a case and pair of scenes: the largest finding speaks for its parts."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in claimed.to_dict("records"):
        found.setdefault((row["case_no"], scene_pair(row)), []).append(row)
    shape = claimed.geometry.name
    return [
        Sighting(
            case_no,
            max(rows, key=lambda row: row[shape].area),
            rows[0][shape] if len(rows) == 1 else shapely.union_all([shapely.make_valid(row[shape]) for row in rows]),
            tuple(str(row["finding_id"]) for row in rows),
        )
        for (case_no, _), rows in found.items()
    ]


def _events(
    connection: Connection,
    sightings: Sequence[Sighting],
    options: LedgerOptions,
    epsg: int,
    matched: Matched,
) -> list[dict[str, Any]]:
    """What these sightings say that was not said before."""
    numbers = sorted({one.case_no for one in sightings} | {case for case, _ in matched.covered})
    before = {number: standing.state for number, standing in fetch(connection, numbers).items()}
    read = views.readings(connection, numbers)
    rows: list[dict[str, Any]] = []
    turned: set[str] = set()  # a case grows and comes back once, however many pairs of scenes show it
    for one in sorted(sightings, key=lambda one: (one.case_no, one.row["day"], scene_pair(one.row))):
        pair, state = scene_pair(one.row), before.get(one.case_no)
        common = {"on_date": one.row["day"].isoformat(), "finding_id": one.row["finding_id"]}
        seen = common | {"epsg": epsg, "geometry": shapely.to_wkb(one.footprint)}
        if (known := read.get((one.case_no, pair))) is not None:
            rows += [row | seen for row in _reread(one, state, pair, known, options)]
            continue
        rows.append(event(one.case_no, What.OBSERVED, pair, detail=_detail(one)) | seen)
        if state is None:
            continue
        swallowed = [
            case
            for case, into in matched.merged
            if into == one.case_no and _is_newer(one.row["day"], before[case], state)
        ]
        if one.case_no not in turned:
            beside_m2 = sum(before[case].known_m2 or 0.0 for case, into in matched.covered if into == one.case_no)
            turns = _turns(state, one, pair, options, beside_m2)
            turned |= {one.case_no} if turns else set()
            rows += [row | common for row in turns]
        rows += [event(case, What.MERGED, one.case_no, detail={"into": one.case_no}) for case in swallowed]
    return rows


def _is_newer(day: dt.date, *states: State) -> bool:
    """Whether an image is no older than the last sighting of each: one that comes late undoes nothing."""
    return all(day.isoformat() >= (state.last_seen_on or state.opened_on) for state in states)


def _detail(one: Sighting) -> dict[str, object]:
    return evidence(one.row) | ({"parts": list(one.parts)} if len(one.parts) > 1 else {})


def _reread(
    one: Sighting, state: State | None, pair: str, known: views.Readings, options: LedgerOptions
) -> list[dict[str, Any]]:
    """Another reading of a pair that was settled: by a newer version, or of more of the thing than the last run saw."""
    version = f"{one.row.get('detector') or ''} {one.row.get('detector_version') or ''}".strip()
    if known.finding_ids.issuperset(one.parts):
        return []
    if version and version not in known.versions:
        return [event(one.case_no, What.REREAD, f"{pair}\n{version}", detail=_detail(one))]
    if state is not None and grown(state, one.area_m2, one.row["day"], options.renewal):
        return [event(one.case_no, What.REREAD, f"{pair}\n{version}\n{one.row['finding_id']}", detail=_detail(one))]
    return []


def _turns(state: State, one: Sighting, pair: str, options: LedgerOptions, beside_m2: float) -> list[dict[str, Any]]:
    """Growth, and a case that is opened again."""
    rows = []
    day, area = one.row["day"], one.area_m2
    if grown(state, area, day, options.renewal, beside_m2):
        sizes: dict[str, object] = {"from_m2": round(float(state.known_m2 or 0), 1), "to_m2": round(area, 1)}
        rows.append(event(one.case_no, What.GROWN, pair, detail=sizes))
    confidence = plain(one.row.get("confidence"))
    why = why_reopened(
        state, area, day, day_or_none(one.row.get("last_absent")),
        confidence if isinstance(confidence, float) else None, options.renewal, beside_m2,
    )  # fmt: skip
    if why is not None:
        rows.append(event(one.case_no, What.REOPENED, pair, detail={"why": why}))
    return rows


def _split(matched: Matched, opened: pd.Series) -> list[dict[str, Any]]:
    """Lineage of new cases that a known one has lost."""
    return [
        event(case_no, What.SPLIT, source, detail={"from": source})
        for case_no, source in zip(opened, matched.split_from[opened.index], strict=True)
        if isinstance(source, str) and isinstance(case_no, str)
    ]
