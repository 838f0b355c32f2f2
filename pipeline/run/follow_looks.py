"""What looks at a place say of its case: grain by its stretch of road, billboards of the register by their site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..model.kinds import BILLBOARD, GRAIN_DRYING, Sighted
from ..transience.cells import cells, newest_version
from .plan import Plan
from .revisit import CANNOT_TELL, GONE, PRESENT, UNOBSERVABLE, Revisit
from .watch import road_places

BY_LOOKS = "looks"
_SEEN = 0.8  # of the cells of a stretch that must be looked at to call it empty
_SITE_M = 15.0  # a board and its point in the register


def by_looks(cases: gpd.GeoDataFrame, looks: pd.DataFrame, plan: Plan) -> Mapping[str, Revisit]:
    """Words on cases of what comes and goes, and of known sites, by case number: of the run's newest image after the last one.

    ``cases``: as from ``Ledger.footprints``; ``looks``: all at the run's roads and sites.
    """
    told = [*_grain(cases[cases["kind"] == GRAIN_DRYING], looks, plan)]
    told += _sites(cases[cases["kind"] == BILLBOARD], looks, plan)
    return {one.case_no: one for one in told}


def _grain(cases: gpd.GeoDataFrame, looks: pd.DataFrame, plan: Plan) -> Iterator[Revisit]:
    if cases.empty:
        return
    places = road_places(plan.layers.roads)
    middles = gpd.GeoSeries(cases.geometry.centroid, index=cases.index, crs=cases.crs)
    at = plan.linref.locate(middles)
    spans = plan.linref.span(cases.geometry, section=at["section"])
    mine = newest_version(looks[(looks["kind"] == GRAIN_DRYING) & (looks["side"] != "")])
    by_place = {str(place): group for place, group in mine.groupby("place")}
    for row in cases.itertuples():
        where, span = at.loc[row.Index], spans.loc[row.Index]
        seen = by_place.get(str(places.get(where["section"])))
        if seen is None or not np.isfinite([span["stake_from_m"], span["stake_to_m"]]).all():
            yield _word(row, [], plan)
            continue
        first, last = cells(span["stake_from_m"], span["stake_to_m"])
        over = seen[(seen["first_cell"] <= last) & (seen["last_cell"] >= first)]
        own = over[over["side"] == where["side"]]
        yield _word(row, [(day, _empty(group, first, last)) for day, group in _days(own if len(own) else over)], plan)


def _days(looks: pd.DataFrame) -> list[tuple[dt.date, pd.DataFrame]]:
    return [(day, looks[looks["day"] == day]) for day in sorted(set(looks["day"]))]


def _empty(looks: pd.DataFrame, first: int, last: int) -> Sighted:
    """What one day's looks say of a stretch: something lies there, nothing does, or too little of it was seen."""
    if (looks["state"] == Sighted.PRESENT.value).any():
        return Sighted.PRESENT
    empty = np.zeros(last - first + 1, bool)
    absent = looks[looks["state"] == Sighted.ABSENT.value]
    for low, high in zip(absent["first_cell"], absent["last_cell"], strict=True):
        empty[max(low - first, 0) : max(high - first + 1, 0)] = True
    return Sighted.ABSENT if empty.mean() >= _SEEN else Sighted.UNSEEN


def _sites(cases: gpd.GeoDataFrame, looks: pd.DataFrame, plan: Plan) -> list[Revisit]:
    """Only of cases at a site of the register; boards that none lists are compared by their pictures."""
    sites = plan.sites[plan.sites["kind"] == BILLBOARD]
    if cases.empty or sites.empty:
        return []
    mine = newest_version(looks[(looks["kind"] == BILLBOARD) & (looks["side"] == "")])
    index, told = sites.sindex, []
    for row in cases.itertuples():
        near = index.query(row.geometry, predicate="dwithin", distance=_SITE_M)
        seen = mine[mine["place"].isin(sites["key"].iloc[near])]
        days = [(day, _state(group)) for day, group in _days(seen)]
        if days:
            told.append(_word(row, days, plan))
    return told


def _state(looks: pd.DataFrame) -> Sighted:
    states = set(looks["state"])
    return next(state for state in (Sighted.PRESENT, Sighted.ABSENT, Sighted.UNSEEN) if state.value in states)


def _word(row: Any, days: list[tuple[dt.date, Sighted]], plan: Plan) -> Revisit:
    """The word of the newest of this run's images that shows the place; unseen where none does."""
    since = max(day for day in (row.opened_on, row.last_seen_on, row.gone_on) if isinstance(day, str))
    after = {scene.day: scene.scene_id for scene in plan.touching(plan.after, row.geometry) or plan.after}
    before = max(plan.touching(plan.before, row.geometry) or plan.before, key=lambda scene: (scene.day, scene.scene_id))
    ours = sorted((day, state) for day, state in days if day in after and day.isoformat() > since)
    for day, state in reversed(ours):
        if state is not Sighted.UNSEEN:
            answer = PRESENT if state is Sighted.PRESENT else GONE
            return Revisit(row.case_no, answer, before.scene_id, after[day], day, {"by": BY_LOOKS})
    newest = max(after)
    reason = {"reason": CANNOT_TELL, "by": BY_LOOKS}
    return Revisit(row.case_no, UNOBSERVABLE, before.scene_id, after[newest], newest, reason)
