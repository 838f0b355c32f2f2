"""What was said of places over time: states of registered sites, days of grain."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.simulate.camera import shot
from pipeline.simulate.truth import clear

from .score import MIN_CLEAR, due, one_to_one
from .worlds import Outcome

SAID = ("standing", "gone", "unseen", "nothing")


def site_table(result: Outcome) -> pd.DataFrame:
    """One row per registered site: ``true`` on the later day (standing, gone, hidden) and ``said`` of that day.

    What an earlier image says while the later one does not show the place is ``unseen``, as of the later day; ``nothing``: the
    site is not in the output.
    """
    day = result.day.isoformat()
    truth = result.world.site_states
    truth = truth[truth["day"] == day].set_index("number")
    told = {} if result.sites is None else result.sites.set_index("number").to_dict("index")
    rows = []
    for number, row in truth.iterrows():
        said = told.get(number)
        word = "nothing" if said is None else str(said["state"])
        if said is not None and word != "unseen" and str(said["day"])[:10] < day:
            word = "unseen"
        where = "by its stake" if row["by_stake"] else "3 m off or more" if row["off_m"] >= 3.0 else "within 3 m"
        rows.append((result.seed, number, row["scenario"], where, row["state"], word))
    return pd.DataFrame(rows, columns=["seed", "number", "scenario", "place", "true", "said"])


def grain_table(result: Outcome) -> pd.DataFrame:
    """One row per spread of grain that is due: whether it was found, and whether its days are the true ones.

    ``first_seen``, ``last_absent``, ``gone_on``: 1 right, 0 wrong, NaN not found. A spread that no image shows gone is right
    when no such day is said.
    """
    truth = result.world.truth[result.world.truth["kind"] == "grain_drying"]
    truth = truth[due(truth)].reset_index(drop=True)
    found = result.findings[result.findings["kind"] == "grain_drying"].to_crs(truth.crs).reset_index(drop=True)
    table = pd.DataFrame({"seed": result.seed, "found": np.zeros(len(truth), bool)})
    ours, theirs = one_to_one(found, truth)
    table.loc[theirs, "found"] = True
    expected = clear_days(result, truth)
    for name in expected:
        table[name] = np.nan
        if name in found.columns:
            right = [_day(found[name].iloc[f]) == expected[name].iloc[t] for f, t in zip(ours, theirs, strict=True)]
            table.loc[theirs, name] = np.array(right, float)
    return table


def clear_days(result: Outcome, spreads: gpd.GeoDataFrame) -> pd.DataFrame:
    """The days that images can tell, "" where there is none: what clouds hide on a day is not seen on it."""
    options = result.world.options
    skies = {day: shot(options, day) for day in options.days if day.year == options.first_seen.year}
    rows = []
    for spread in spreads.itertuples():
        seen = clear(spread.geometry, options, skies)
        days = [day.isoformat() for day in skies if seen[day].mean() >= MIN_CLEAR]
        end = _day(spread.gone_on) or "9999"
        there = [day for day in days if spread.first_seen <= day < end]
        before = [day for day in days if there and day < there[0]]
        after = [day for day in days if day >= end]
        rows.append((there[0] if there else "", before[-1] if before else "", after[0] if after else ""))
    return pd.DataFrame(rows, columns=["first_seen", "last_absent", "gone_on"])


def hot_spot_table(result: Outcome) -> pd.DataFrame | None:
    """One row per place where grain came twice or more while the run looked: whether a hot spot of the output covers it."""
    if result.hot_spots is None:
        return None
    days = result.world.grain_days
    days = days[
        days["there"] & (days["day"] >= result.world.options.first_seen.isoformat()) & (days["clear_share"] >= 0.5)
    ]
    again = days.groupby("place").filter(lambda of: of["spread"].nunique() >= 2)
    spots: gpd.GeoDataFrame = result.hot_spots.to_crs(days.crs)
    near = spots.geometry.buffer(15.0).union_all() if len(spots) else None
    rows = [
        (result.seed, place, near is not None and of.geometry.union_all().intersection(near).area > 0.3 * of.area.max())
        for place, of in again.groupby("place")
    ]
    return pd.DataFrame(rows, columns=["seed", "place", "named"])


def _day(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)[:10]
