"""How much of the road was really looked at, and why not the rest: "nothing found" must never mean "nothing seen"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString

from ..errors import ImageryError, NetError
from ..model.cause import Cause
from ..model.grid import Grid

_STATION_M = 10.0
_NEAR_M = 30.0
_SEEN_SHARE = 0.8
_SLACK_M = 0.5  # what cutting lines at tile edges may lose of a route in a county
COLUMNS = ("route_code", "county_code", "county_name", "km_per_m", "reason")
_PLACE = ["route_code", "county_code", "county_name"]
TABLE = (*_PLACE, "km_due", "km_observed", "km_unobserved", "why", *(cause.column for cause in Cause))
_CAUSES: Mapping[str, Cause] = {cause.value: cause for cause in Cause} | {
    "no_image": Cause.NO_SCENE,
    "shift": Cause.SHIFT_REFUSED,
}  # the last two as a pair names them


def observed_stretches(due: gpd.GeoDataFrame, unseen: Mapping[str, np.ndarray], grid: Grid) -> gpd.GeoDataFrame:
    """Stretches of the due lines with ``reason`` (a :class:`Cause`) why they were not observed, empty where they were.

    The road is walked in steps of about 10 m. A step counts as observed when at least 80 % of the ground within 30 m of
    its middle was seen on both dates; else the reason that takes most of that ground. ``unseen`` maps causes, or the
    reasons of a pair (``no_image``, ``shift``), to bool arrays of the grid's shape; other names are a KeyError.
    """
    causes = {_CAUSES[name]: mask for name, mask in unseen.items()}
    reasons = sorted(causes)
    near = [_share_near(causes[reason], grid) for reason in reasons]
    rows = []
    for piece in due.itertuples():
        for line in shapely.get_parts(piece.geometry):
            if line.geom_type != "LineString" or line.length <= 0:
                continue
            cuts_m, why = _walk(line, near, reasons, grid)
            for start, stop, reason in _runs(cuts_m, why):
                shape = shapely.ops.substring(line, start, stop)
                if shape.geom_type == "LineString":
                    rows.append((piece.route_code, piece.county_code, piece.county_name, piece.km_per_m, reason, shape))
    return gpd.GeoDataFrame(rows, columns=[*COLUMNS, "geometry"], geometry="geometry", crs=grid.epsg)


def lost_stretches(due: gpd.GeoDataFrame, error: BaseException) -> gpd.GeoDataFrame:
    """All of the due lines as not observed because of an error: images that cannot be read, or a fault of another sort."""
    cause = Cause.READ_FAILURE if isinstance(error, ImageryError | NetError) else Cause.FAILED
    return due.assign(reason=str(cause))[[*COLUMNS, "geometry"]]


def coverage_table(stretches: gpd.GeoDataFrame, due: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    """Per route and county the columns ``TABLE``; rows sorted, kilometres in whole metres.

    In each row ``km_observed + km_unobserved == km_due`` and the columns of the causes sum to ``km_unobserved``, to the
    metre. ``due``: what should have been looked at (with the columns of the stretches but ``reason``); what of it no
    stretch accounts for is listed as failed, never left out.
    """
    km = _metres(stretches).groupby([*_PLACE, "reason"])["m"].sum().reset_index()
    whole = _metres(stretches if due is None else due).groupby(_PLACE, sort=True)["m"].sum()
    rows = []
    seen = {place: dict(zip(part["reason"], part["m"], strict=True)) for place, part in km.groupby(_PLACE)}
    for place in sorted({*seen, *whole.index}):
        parts_m: dict[str, float] = {"": 0.0, **dict.fromkeys(Cause, 0.0), **seen.get(place, {})}
        missing_m = float(whole.get(place, 0.0)) - sum(parts_m.values())
        if missing_m > _SLACK_M:
            parts_m[Cause.FAILED] += missing_m
        rows.append((*place, *_row(_whole_metres(parts_m))))
    return pd.DataFrame(rows, columns=list(TABLE))


def by_cause(coverage: pd.DataFrame) -> dict[str, float]:
    """Kilometres not observed by cause over all rows of a coverage table; every cause is there."""
    return {str(cause): round(float(coverage[cause.column].sum()), 3) for cause in Cause}


def _metres(lines: gpd.GeoDataFrame) -> pd.DataFrame:
    """The lines without geometry, with ``m``: their length by the stakes; roads in no county under empty text."""
    plain = pd.DataFrame(lines.drop(columns="geometry"))
    return plain.assign(m=1000.0 * lines.length * lines["km_per_m"]).fillna({"county_code": "", "county_name": ""})


def _whole_metres(parts_m: Mapping[str, float]) -> dict[str, int]:
    """Parts rounded to metres such that they sum to the rounded sum (largest remainders; ties by name)."""
    floor = {name: int(value) for name, value in parts_m.items()}
    left = round(sum(parts_m.values())) - sum(floor.values())
    order = sorted(parts_m, key=lambda name: (floor[name] - parts_m[name], name))
    return {name: floor[name] + (name in order[:left]) for name in parts_m}


def _row(parts: Mapping[str, int]) -> list[Any]:
    lost = {cause: parts[cause] for cause in Cause}
    why = "; ".join(f"{cause} {metres / 1000:.3f}" for cause, metres in sorted(lost.items()) if metres)
    lost_m = sum(lost.values())
    km = [metres / 1000 for metres in (parts[""] + lost_m, parts[""], lost_m)]
    return [*km, why, *(metres / 1000 for metres in lost.values())]


def _share_near(mask: np.ndarray, grid: Grid) -> np.ndarray:
    size = 2 * max(1, round(_NEAR_M / grid.pixel_m)) + 1
    return cv2.boxFilter(mask.astype(np.float32), -1, (size, size), borderType=cv2.BORDER_REPLICATE)


def _walk(line: LineString, near: list[np.ndarray], reasons: list[Cause], grid: Grid) -> tuple[np.ndarray, list[str]]:
    """Cut measures (n + 1) of a line and the reason of each of its n steps."""
    steps = max(1, round(line.length / _STATION_M))
    cuts_m = np.linspace(0.0, line.length, steps + 1)
    middle = shapely.get_coordinates(shapely.line_interpolate_point(line, (cuts_m[:-1] + cuts_m[1:]) / 2))
    cols = np.clip(((middle[:, 0] - grid.west_m) / grid.pixel_m).astype(int), 0, grid.cols - 1)
    rows = np.clip(((grid.north_m - middle[:, 1]) / grid.pixel_m).astype(int), 0, grid.rows - 1)
    if not reasons:
        return cuts_m, [""] * steps
    share = np.stack([array[rows, cols] for array in near])
    lost, worst = share.sum(axis=0), share.argmax(axis=0)
    return cuts_m, [str(reasons[w]) if x > 1.0 - _SEEN_SHARE else "" for x, w in zip(lost, worst, strict=True)]


def _runs(cuts_m: np.ndarray, why: list[str]) -> list[tuple[float, float, str]]:
    """Neighbouring steps with the same reason, joined."""
    runs: list[tuple[float, float, str]] = []
    for start, stop, reason in zip(cuts_m[:-1], cuts_m[1:], why, strict=True):
        if runs and runs[-1][2] == reason:
            runs[-1] = (runs[-1][0], float(stop), reason)
        else:
            runs.append((float(start), float(stop), reason))
    return runs
