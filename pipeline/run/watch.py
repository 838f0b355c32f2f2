"""Places watched from image to image: sightings become looks by stake, looks become dates of findings and hot spots."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..attribution.counties import counties, townships
from ..detectors import registry
from ..errors import StakeError
from ..ledger import Ledger
from ..linref.reference import LinearReference
from ..model.kinds import Side
from ..model.stake import Stake, stake_texts
from ..model.tables import HOT_SPOTS
from ..transience.cells import CELL_M, COLUMNS, cells, stretches
from ..transience.course import CourseOptions, Event, Phase
from ..transience.hotspots import hot_spots
from ..transience.objects import event_of
from .plan import Plan

_REPEATED = ("X", "Y", "C", "Z")  # classes whose codes every county gives anew
_ROUND = 0.6  # of a stretch's length: how far its ends' stakes may lie from its middle's
_BESIDE_M = 3.0  # of the axis: where a point lies that stands for a half of the road


@dataclass(frozen=True)
class Watched:
    """What the memory of a place gives: tables HOT_SPOTS and SITES."""

    hot_spots: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame


def road_places(roads: gpd.GeoDataFrame) -> pd.Series:
    """What each section's looks are filed under: the route's code, or its database key where codes repeat by county.

    X201 is another road in the next county; national and provincial codes are not.
    """
    return roads["route_key"].where(
        roads["road_class"].isin(_REPEATED) & roads["route_key"].notna(), roads["route_code"]
    )


def looks_of(sightings: gpd.GeoDataFrame, linref: LinearReference, places: pd.Series) -> pd.DataFrame:
    """Table of looks (``transience.cells.COLUMNS``) by road, stake and side; sites by their key, in cell 0.

    ``places``: by section, see ``road_places``.
    """
    if sightings.empty:
        return _nothing()
    roads, sites = sightings[sightings["section"] >= 0], sightings[sightings["section"] < 0]
    tables = [_of_sites(sites), _of_roads(roads, linref, places)]
    return all_looks(tables)


def all_looks(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of looks as one, each look once: the surest of those that say the same."""
    full = [one for one in tables if len(one)]
    if not full:
        return _nothing()
    table = pd.concat(full, ignore_index=True)
    keys = ["kind", "place", "side", "day", "first_cell", "last_cell", "state"]
    return table.sort_values([*keys, "confidence"]).drop_duplicates(keys, keep="last").reset_index(drop=True)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=object) for name in COLUMNS})


def _of_sites(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(sites.drop(columns="geometry")).assign(side="", first_cell=0, last_cell=0)[list(COLUMNS)]


def _of_roads(roads: gpd.GeoDataFrame, linref: LinearReference, places: pd.Series) -> pd.DataFrame:
    if roads.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    lines, section = roads.geometry.array, roads["section"]
    ends = [
        linref.locate(gpd.GeoSeries(shapely.get_point(lines, at), index=roads.index, crs=roads.crs), section=section)
        for at in (0, -1)
    ]
    middle = linref.locate(_beside(roads), section=section)
    # The end of a closed line lies at its start, and would be given the other end's stake.
    centre, reach = middle["stake_m"].to_numpy(), _ROUND * shapely.length(lines) + CELL_M
    stakes = [np.clip(end["stake_m"].to_numpy(), centre - reach, centre + reach) for end in ends]
    span = [cells(first, last) for first, last in zip(*stakes, strict=True)]
    return pd.DataFrame(roads.drop(columns="geometry")).assign(
        place=section.map(places),
        side=middle["side"],
        first_cell=[first for first, _ in span],
        last_cell=[last for _, last in span],
    )[list(COLUMNS)]


def _beside(roads: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """A point beside the middle of each stretch, on the half that it is of (facing the digitised direction)."""
    lines = roads.geometry.array
    half = shapely.length(lines) / 2
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.minimum(half + 0.5, 2 * half)))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(half - 0.5, 0.0)))
    way = ahead - behind
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    left = np.column_stack([-way[:, 1], way[:, 0]])
    sign = np.where(roads["side"] == Side.LEFT.value, 1.0, -1.0)[:, None]
    return gpd.GeoSeries(
        shapely.points((ahead + behind) / 2 + sign * _BESIDE_M * left), index=roads.index, crs=roads.crs
    )


def remembered(ledger: Ledger, looks: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """All looks at the places of this run, those of earlier runs with it; what is new is written to the ledger."""
    ledger.remember(looks, run_id=plan.fingerprint)
    kinds = sorted({kind for options in plan.config.detectors for kind in registry.build(options).kinds})
    due = road_places(plan.layers.roads).loc[sorted(set(plan.due["section"]))]
    places = sorted({*looks["place"], *due, *plan.sites["key"]})
    tables = [table for kind in kinds if len(table := ledger.looks(kind, places))]
    return pd.concat(tables, ignore_index=True) if tables else looks


def with_courses(
    table: gpd.GeoDataFrame, looks: pd.DataFrame, options: CourseOptions, places: pd.Series
) -> gpd.GeoDataFrame:
    """The candidates with the dates that all looks at their stretch of road give them, and ``transience``.

    ``table``: as from ``findings.placed``, with its ``section``; ``places``: see ``road_places``. Kinds that nobody watched,
    and places without an event on the day of the image, keep their dates and a null.
    """
    by_place = dict(list(looks[looks["side"] != ""].groupby(["kind", "place"])))
    changed = {}
    for row in table.itertuples():
        mine = by_place.get((row.kind, places.get(row.section)))
        event = None if mine is None else _event(row, mine, options)
        if event is not None:
            changed[row.Index] = event
    table = table.assign(transience=None)
    for index, event in changed.items():
        table.loc[index, ["first_seen", "confirmed_on", "gone_on", "transience"]] = [
            event.first_seen, event.confirmed_on, event.gone_on, _phase(event).value,
        ]  # fmt: skip
        earlier = table.loc[index, "last_absent"]
        if event.last_absent is not None:
            table.loc[index, "last_absent"] = event.last_absent
        elif earlier is not None and earlier >= event.first_seen:
            table.loc[index, "last_absent"] = None
        told = json.loads(table.loc[index, "evidence"]) | {"provisional": event.provisional}
        table.loc[index, "evidence"] = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return table


def _event(row: Any, looks: pd.DataFrame, options: CourseOptions) -> Event | None:
    """Of the finding's own half of the road; of both where that half's looks show nothing (it lies across the middle)."""
    first, last = cells(Stake.parse(row.stake_from).measure_m, Stake.parse(row.stake_to).measure_m)
    own = event_of(looks[looks["side"] == row.side], first, last, row.first_seen, options)
    return own or event_of(looks.assign(side="both"), first, last, row.first_seen, options)


def _phase(event: Event) -> Phase:
    if event.gone_on is not None:
        return Phase.FINISHED
    return Phase.APPEARED if event.provisional else Phase.ONGOING


def hot_spot_table(looks: pd.DataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """Table HOT_SPOTS of the run's routes, the worst first, with lines along the axis, county and township."""
    decisions, crs = plan.config.decisions, plan.layers.roads.crs
    here = road_places(plan.layers.roads).loc[sorted(set(plan.due["section"]))]
    roads = looks[(looks["side"] != "") & looks["place"].isin(set(here))]
    table = hot_spots(stretches(roads, decisions.courses), decisions.hot_spots)
    codes = dict(zip(here, plan.layers.roads["route_code"].loc[here.index], strict=True))
    spans = zip(table["route_code"], table["from_m"].tolist(), table["to_m"].tolist(), strict=True)
    lines = [_line(route, low, high, plan.linref) for route, low, high in spans]
    found = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(lines, index=table.index, crs=crs), crs=crs)
    found = found[~found.geometry.isna()].reset_index(drop=True).assign(route_code=lambda d: d["route_code"].map(codes))
    if found.empty:
        return HOT_SPOTS.empty(crs=crs)
    area = found.assign(geometry=found.buffer(_BESIDE_M))
    whose = counties(area, plan.layers.counties, border_m=decisions.border_m)
    township = townships(area.assign(county_code=whose["county_code"]), plan.ground.townships)
    return found.assign(
        rank=range(1, len(found) + 1),
        stake_from=stake_texts(found["from_m"].to_numpy(float)),
        stake_to=stake_texts(found["to_m"].to_numpy(float)),
        county_code=whose["county_code"],
        county_name=whose["county_name"],
        township=township["township_name"],
    )[[*HOT_SPOTS.columns, "geometry"]]


def _line(route: str, from_m: float, to_m: float, linref: LinearReference) -> shapely.LineString | None:
    points = []
    for at_m in np.append(np.arange(from_m, to_m, CELL_M), to_m):
        try:
            points.append(linref.place(route, float(at_m)))
        except StakeError:  # the last cell reaches past the road's end, or stakes are missing there
            continue
    return shapely.LineString(points) if len(points) > 1 else None
