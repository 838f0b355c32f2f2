"""Roads and what gives them their stakes: tables ROADS, STAKES and BREAKS out of the rows of an entry. All pure."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from . import columns as read
from . import frame_columns as get
from . import words
from .columns import examples, named, numbers
from .geometries import Frame
from .layer_source import MEASURES
from .route_names import route_signs

# No highway has a wider pavement or roadbed: ten lanes with shoulders and median are some 60 m.
WIDEST_PAVEMENT_M, WIDEST_ROADBED_M, WIDEST_DITCH_M = 120.0, 200.0, 50.0
FASTEST_KMH = 140.0
# A section whose stakes span this many times its length was written in metres.
_METRES_NOT_KM = (300.0, 3000.0)
_STRETCHED = (0.2, 5.0)  # M per metre of line that cannot be one, whatever the broken chainage
_POST_EVERY_M = 50.0  # M of vertices that are taken as posts


def roads(frame: Frame) -> pd.DataFrame:
    """Columns of ROADS; rows without a route are left out and noted, implausible widths become NaN and are noted."""
    tech = get.optional(frame, "tech_class", read.tech_classes, "float64")
    data = get.routes(frame, tech)
    data["name"] = get.text(frame, "name")
    data["tech_class"] = tech
    pavement = get.quantity(frame, "pavement_width_m", "m", WIDEST_PAVEMENT_M)
    roadbed = get.quantity(frame, "roadbed_width_m", "m", WIDEST_ROADBED_M)
    narrow = roadbed < pavement
    if narrow.any():
        frame.findings.note(
            f"roadbed narrower than pavement in {examples(roadbed[narrow])}; the roadbed width is ignored"
        )
    data["pavement_width_m"], data["roadbed_width_m"] = pavement, roadbed.where(~narrow)
    for ours, theirs in (("stake_from_m", "stake_from_km"), ("stake_to_m", "stake_to_km")):
        data[ours] = get.optional(frame, theirs, read.stakes, "float64")
    _check_span(frame, data)
    data["concurrent_with"] = _concurrent(frame, data["route_code"])
    data["structure"] = get.word(frame, "structure", words.STRUCTURES)
    for ours in ("managed_by_city", "unbuilt"):
        data[ours] = get.flag(frame, ours)
    data["ditch_m"] = get.quantity(frame, "ditch_m", "m", WIDEST_DITCH_M, zero=True)
    data["design_speed_kmh"] = get.quantity(frame, "design_speed_kmh", "km/h", FASTEST_KMH)
    return get.with_route(frame, data)


def _concurrent(frame: Frame, own: pd.Series) -> pd.Series:
    """Signs of the other routes of each row, ``G311;S253``: of the mapped column, and those that stand beside the first."""
    already_told = read.Findings("")  # of the road's own route, what cannot be read is a fault elsewhere
    listed = [
        route_signs(frame.rows[theirs], theirs, findings)
        for ours, findings in (("route", already_told), ("concurrent_with", frame.findings))
        if (theirs := frame.entry.columns.get(ours)) is not None
    ]
    every = [dict.fromkeys(sign for part in row for sign in part) for row in zip(*listed, strict=True)]
    others = [";".join(sign for sign in signs if sign != mine) for signs, mine in zip(every, own, strict=True)]
    return pd.Series([text or None for text in others], index=frame.rows.index, dtype=object)


def breaks(frame: Frame) -> pd.DataFrame:
    """Columns of BREAKS; a row whose two stakes are equal is no break and is left out."""
    data = get.routes(frame)[["route_code", "route_key"]]
    for ours, theirs in (("back_m", "back"), ("ahead_m", "ahead")):
        data[ours] = get.optional(frame, theirs, read.stakes, "float64")
    data = get.with_route(frame, data)
    idle = data["back_m"].isna() | data["ahead_m"].isna() | (data["back_m"] == data["ahead_m"])
    if idle.any():
        frame.findings.leave_out(data.index[idle], f"of {len(data)} have no two different stakes and are left out")
    return data[~idle]


def stakes(frame: Frame) -> pd.DataFrame:
    """Columns of STAKES, one row per route and stake; a repeated one keeps its first place and is noted."""
    data = get.routes(frame)[["route_code", "route_key"]]
    data["stake_m"] = get.stake_range(frame)[0]
    data = get.with_route(frame, data)
    empty = data["stake_m"].isna()
    if empty.any():
        frame.findings.leave_out(data.index[empty], f"of {len(data)} have no stake and are left out")
        data = data[~empty]
    twice = data.duplicated(["route_key", "stake_m"])
    if twice.any():
        frame.findings.note(_repeated(frame, data, twice))
        frame.findings.repeated += numbers(data.index[twice])
    return data[~twice]


def _repeated(frame: Frame, data: pd.DataFrame, twice: pd.Series) -> str:
    """How many stakes stand more than once, in which rows, and how far apart the two of the worst pair lie."""
    places = frame.rows.geometry.loc[data.index]
    first = data[~twice].reset_index(names="row").set_index(["route_key", "stake_m"])["row"]
    kept = first.loc[list(data[twice][["route_key", "stake_m"]].itertuples(index=False, name=None))].to_numpy()
    apart_m = places.loc[data.index[twice]].distance(
        gpd.GeoSeries(places.loc[kept].to_numpy(), index=data.index[twice], crs=places.crs)
    )
    worst = apart_m.idxmax()
    row = data.loc[worst]
    return (
        f"stakes that stand more than once: {int(twice.sum())} ({named(data.index[twice])}); the first of each is used"
        f" (farthest apart: {row['route_code']} at {row['stake_m'] / 1000:.3f} km, {apart_m.loc[worst]:.0f} m)"
    )


def stakes_of_measures(frame: Frame, data: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Table STAKES out of the M of the roads' vertices, one about every 50 m of stake; None where the entry has none.

    ``data``: the kept rows as ``roads`` gives them. Faults: M that neither rises nor falls along a line, or that is not
    in the unit that the entry names.
    """
    unit = frame.entry.measures
    if unit is None:
        return None
    found: list[tuple[object, object, np.ndarray, np.ndarray]] = []
    crooked, other = [], []
    factor = 1000.0 if unit == "km" else 1.0
    rows = frame.rows.loc[data.index]
    table = zip(rows.index, data["route_code"], data["route_key"], rows.geometry, rows[MEASURES], strict=True)
    for row, code, key, shape, m in table:
        for part_xy, part_m in _parts(shape, m):
            good = np.isfinite(part_m)
            xy, stake_m = part_xy[good], part_m[good] * factor
            step = np.diff(stake_m)
            if len(stake_m) < 2 or not ((step >= 0).all() or (step <= 0).all()):
                crooked.append(row)
                continue
            length_m = float(np.hypot(*np.diff(xy, axis=0).T).sum())
            if length_m and not _STRETCHED[0] <= abs(stake_m[-1] - stake_m[0]) / length_m <= _STRETCHED[1]:
                other.append(row)
                continue
            keep = np.unique([*np.unique(stake_m // _POST_EVERY_M, return_index=True)[1], 0, len(stake_m) - 1])
            found.append((code, key, xy[keep], stake_m[keep]))
    _refuse_measures(frame, crooked, other)
    return _posts(found, frame)


def _parts(shape: shapely.Geometry, m: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices and M of each line of a row; empty where the row has no M or its curves were drawn anew."""
    parts = shapely.get_parts(shape)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    if m is None or len(m) != len(xy):
        return [(np.empty((0, 2)), np.empty(0))]
    cuts = np.searchsorted(part, np.arange(1, len(parts)))
    return list(zip(np.split(xy, cuts), np.split(np.asarray(m), cuts), strict=True))


def _refuse_measures(frame: Frame, crooked: list[object], other: list[object]) -> None:
    if crooked:
        frame.findings.fault(
            f"M of {named(pd.Index(crooked).unique())} is missing, or neither rises nor falls along the line; mend it, or"
            " take measures: out and give the stakes as a layer"
        )
    if other:
        frame.findings.fault(
            f"M of {named(pd.Index(other).unique())} does not go with the length of the line in {frame.entry.measures};"
            f" write measures: {'m' if frame.entry.measures == 'km' else 'km'} if that is its unit"
        )


def _posts(found: list[tuple[object, object, np.ndarray, np.ndarray]], frame: Frame) -> gpd.GeoDataFrame:
    counts = [len(stake_m) for *_, stake_m in found]
    data = pd.DataFrame(
        {
            "route_code": np.repeat(np.array([code for code, *_ in found], dtype=object), counts),
            "route_key": np.repeat(np.array([key for _, key, *_ in found], dtype=object), counts),
            "stake_m": np.concatenate([stake_m for *_, stake_m in found] or [np.empty(0)]),
        }
    )
    xy = np.concatenate([xy for *_, xy, _ in found] or [np.empty((0, 2))])
    posts = gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapely.points(xy), crs=frame.rows.crs), crs=frame.rows.crs)
    return posts.drop_duplicates(["route_key", "stake_m"]).reset_index(drop=True)


def _check_span(frame: Frame, data: pd.DataFrame) -> None:
    """A fault when the stakes of most sections were written in metres, seen from the sections' lengths."""
    length_m = frame.rows.length
    ratio = ((data["stake_to_m"] - data["stake_from_m"]).abs() / length_m.where(length_m > 0)).dropna()
    metres = ratio.between(*_METRES_NOT_KM)
    if len(ratio) and metres.mean() > 0.5:
        theirs = frame.entry.columns.get("stake_to_km", "stake_to_km")
        frame.findings.fault(
            f"column {theirs!r}: stakes span {ratio.median():.0f} times the length of the sections;"
            " kilometres are expected, these look like metres"
        )
