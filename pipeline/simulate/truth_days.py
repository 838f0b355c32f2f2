"""What is true day by day: registered sites, stages of building, grain on the road."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.ops import unary_union

from ..model.kinds import BILLBOARD
from .boards import Site
from .camera import shot
from .harvest import OCCURRENCES, harvest_days
from .options import WorldOptions
from .roads import EPSG
from .things import Thing
from .truth import clear, events_of
from .works import STAGES

_ROUND_M, _SEEN = 10.0, 0.5  # how much ground round a site must be clear, and how much of it
SITE_COLUMNS = ["number", "kind", "scenario", "day", "state", "stands", "clear_share", "off_m", "by_stake"]
STAGE_COLUMNS = ["site", "kind", "route_code", "day", "stage", "clear_share"]
GRAIN_COLUMNS = ["spread", "place", "crop", "route_code", "day", "there", "clear_share"]


def site_states(options: WorldOptions, sites: Sequence[Site]) -> gpd.GeoDataFrame:
    """One row per row of the registry and sharp day (columns ``SITE_COLUMNS``; geometry: the true place), EPSG 4548.

    ``state``: ``standing``, ``gone`` (or never there), ``hidden`` when cloud or its shadow lies on half of the ground
    round it or more; ``stands`` says whether it stands, hidden or not. ``off_m`` is the error of the place listed, NaN
    where only a stake is.
    """
    skies = {day: shot(options, day) for day in options.days}
    rows, shapes = [], []
    for site in sites:
        off = np.nan if site.at is None else round(site.at.distance(site.true_at), 2)
        for day, taken in skies.items():
            seen = clear(site.true_at.buffer(_ROUND_M), options, {day: taken})
            share = round(float(seen[day].mean()), 3)
            stands = site.board is not None and site.board.there(day)
            state = "hidden" if share <= _SEEN else "standing" if stands else "gone"
            rows.append(
                (site.number, BILLBOARD, site.scenario, day.isoformat(), state, stands, share, off, site.at is None)
            )
            shapes.append(site.true_at)
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=SITE_COLUMNS), geometry=shapes, crs=EPSG)


def site_stages(options: WorldOptions, things: Sequence[Thing]) -> gpd.GeoDataFrame:
    """One row per building site and sharp day (columns ``STAGE_COLUMNS``; geometry: the site's ground), EPSG 4548.

    ``stage``: ``none`` before it begins, ``bare``, ``foundation``, ``building``, whether or not clouds hide it.
    """
    skies = {day: shot(options, day) for day in options.days}
    by_site: dict[int, list[Thing]] = {}
    for thing in things:
        if thing.stage and thing.number is not None:
            by_site.setdefault(thing.number, []).append(thing)
    rows, shapes = [], []
    for number, of in sorted(by_site.items()):
        ground = unary_union([thing.shape for thing in of])
        seen = clear(ground, options, skies)
        kind = next(thing.event for thing in of if thing.event)
        for day in options.days:
            there = {thing.stage for thing in of if thing.there(day)}
            stage = next((stage for stage in reversed(STAGES) if stage in there), "none")
            rows.append((number, kind, of[0].route_code, day.isoformat(), stage, round(float(seen[day].mean()), 3)))
            shapes.append(ground)
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=STAGE_COLUMNS), geometry=shapes, crs=EPSG)


def grain_days(options: WorldOptions, things: Sequence[Thing]) -> gpd.GeoDataFrame:
    """One row per spread of grain and sharp day of a harvest (columns ``GRAIN_COLUMNS``; geometry: the spread), EPSG 4548.

    ``place`` is the number of the stretch, the same for all spreads of a hot spot; ``there`` whether the spread lies
    there on the day, hidden by clouds or not.
    """
    skies = {day: shot(options, day) for day in harvest_days(options)}
    rows, shapes = [], []
    for thing, shape in events_of(things):
        if thing.sort != "grain" or thing.number is None:
            continue
        seen = clear(shape, options, skies)
        for day in skies:
            crop = thing.look.removesuffix("_grain")
            share = round(float(seen[day].mean()), 3)
            rows.append(
                (
                    thing.number,
                    thing.number // OCCURRENCES,
                    crop,
                    thing.route_code,
                    day.isoformat(),
                    thing.there(day),
                    share,
                )
            )
            shapes.append(shape)
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=GRAIN_COLUMNS), geometry=shapes, crs=EPSG)
