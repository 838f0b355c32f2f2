"""Known sites of a register: where they stand, what images have said of each, and how a clearing campaign comes on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from ..attribution.counties import counties
from ..linref.reference import LinearReference
from ..model.kinds import Sighted
from ..model.tables import REGISTRY, SITES
from ..transience.cells import newest_version
from ..transience.course import CourseOptions, Phase, course

STANDING, GONE, UNSEEN = "standing", "gone", "unseen"
_BY_STAKE_M = (
    35.0  # a stake says nothing of the side, nor how far from the axis: land and control zone of a national road
)
_BESIDE_M = 40.0  # of the corridor: where a site whose place is a little wrong may still be seen
_FOR_EVER = CourseOptions(event_days=60)


def known_sites(
    registry: gpd.GeoDataFrame | None, linref: LinearReference, areas: gpd.GeoDataFrame, searched: BaseGeometry
) -> gpd.GeoDataFrame:
    """REGISTRY with a ``key`` that stays the same from run to run, and points; those with a stake only are placed by it.

    The key is county and number where that is one site's alone (every county's register counts from one), else kind and
    place to the metre. Left out are sites that cannot be placed (a stake that the route does not have) and those that do
    not stand in or beside what is ``searched``: nobody looks there. ``areas``: COUNTIES.
    """
    table = REGISTRY.empty(crs=linref.crs) if registry is None else registry
    points = _points(table, linref)
    by_stake, placed = table.geometry.isna() | table.geometry.is_empty, ~points.isna()
    placed &= points.dwithin(searched, _BESIDE_M)
    table = table.assign(geometry=points)[placed]
    county = counties(table, areas, border_m=0.0)["county_code"].fillna("")
    number = county + "/" + table["number"].astype(object)
    alone = number.notna() & ~number.duplicated(keep=False)
    xy = np.round(shapely.get_coordinates(table.geometry.array)).astype(int)
    place = [f"{kind or ''}@{x},{y}" for kind, (x, y) in zip(table["kind"], xy, strict=True)]
    table = table.assign(
        key=np.where(alone, number, pd.Series(place, index=table.index, dtype=object)),
        position_error_m=np.where(by_stake[placed], _BY_STAKE_M, np.nan),
    )
    return table.drop_duplicates("key").reset_index(drop=True)


def _points(table: gpd.GeoDataFrame, linref: LinearReference) -> gpd.GeoSeries:
    """A point inside each site, or where its route has its stake; null where neither is known."""
    by_stake = (table.geometry.isna() | table.geometry.is_empty).to_numpy()
    shapes = shapely.point_on_surface(table.geometry.to_numpy())
    listed = table[by_stake]
    shapes[by_stake] = linref.place_many(linref.route_of(listed), listed["stake_m"]).geometry.to_numpy()
    return gpd.GeoSeries(shapes, index=table.index, crs=linref.crs)


def site_states(
    sites: gpd.GeoDataFrame,
    looks: pd.DataFrame,
    evidence: Mapping[str, str],
    linref: LinearReference,
    areas: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Table SITES: each site with what the last image says that shows its place, whatever later ones could not see.

    ``looks``: all looks at these sites (see ``transience.cells``), of this run and those before; ``evidence``: JSON text by
    key, of this run; ``areas``: COUNTIES.
    """
    if sites.empty:
        return SITES.empty(crs=sites.crs)
    by_key = dict(list(newest_version(looks[looks["side"] == ""]).groupby("place")))
    rows = [_state(by_key.get(key)) for key in sites["key"]]
    where = linref.locate(sites.geometry)
    table = sites.join(pd.DataFrame(rows, index=sites.index)).assign(
        route_code=sites["route_code"].where(sites["route_code"].notna(), where["route_code"]),
        stake=where["stake"],
        county_code=counties(sites, areas, border_m=0.0)["county_code"],
        evidence=[evidence.get(key, "{}") for key in sites["key"]],
    )
    return table[[*SITES.columns, "geometry"]]


def _state(looks: pd.DataFrame | None) -> dict[str, Any]:
    state: dict[str, Any] = {"state": UNSEEN, "day": None, "confidence": 0.0, "unseen_on": None, "gone_on": None}
    if looks is None or looks.empty:
        return state
    told = [(day, Sighted(seen)) for day, seen in zip(looks["day"], looks["state"], strict=True)]
    now = course(told, _FOR_EVER)
    blind = max((day for day, seen in told if seen is Sighted.UNSEEN), default=None)
    if now.last_look is None:
        return state | {"unseen_on": blind}
    there = now.phase in (Phase.APPEARED, Phase.ONGOING)
    word = Sighted.PRESENT if there else Sighted.ABSENT
    last = looks[(looks["day"] == now.last_look) & (looks["state"] == word.value)]
    return {
        "state": STANDING if there else GONE,
        "day": now.last_look,
        "confidence": round(float(last["confidence"].max()), 4),
        "unseen_on": blind if blind is not None and blind > now.last_look else None,
        "gone_on": now.events[-1].gone_on if now.events and not there else None,
    }


def campaign(sites: gpd.GeoDataFrame, deadline: dt.date | None, today: dt.date) -> dict[str, Any]:
    """How many sites stand, are gone and were not seen, in all and by county, against the deadline; {} without sites.

    ``today`` is the day of the newest image: a document says how things stood then.
    """
    if sites.empty:
        return {}
    expired = pd.Series(
        [day is not None and not pd.isna(day) and day < today for day in sites["valid_to"]], sites.index
    )
    told: dict[str, Any] = {
        "sites": len(sites),
        **{state: int((sites["state"] == state).sum()) for state in (STANDING, GONE, UNSEEN)},
        "standing_expired": int(((sites["state"] == STANDING) & expired).sum()),
        "as_of": today.isoformat(),
        "deadline": deadline.isoformat() if deadline else None,
        "days_left": (deadline - today).days if deadline else None,
    }
    told["counties"] = {
        str(code): {state: int((mine["state"] == state).sum()) for state in (STANDING, GONE, UNSEEN)}
        for code, mine in sites.groupby("county_code")
    }
    return told


def evidence_by_key(sightings: pd.DataFrame) -> dict[str, str]:
    """Evidence of the newest image of each site, as JSON text."""
    mine = sightings[sightings["section"] < 0].sort_values("day", kind="stable")
    return {
        key: json.dumps({**json.loads(text or "{}"), "day": day.isoformat(), "state": state}, ensure_ascii=False)
        for key, text, day, state in zip(mine["place"], mine["evidence"], mine["day"], mine["state"], strict=True)
    }
