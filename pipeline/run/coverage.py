"""How much of the road was really looked at, and why not the rest: "nothing found" must never mean "nothing seen"."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString

from ..model.grid import Grid

NO_IMAGE = "no_image"

_STATION_M = 10.0
_NEAR_M = 30.0
_SEEN_SHARE = 0.8
COLUMNS = ("route_code", "county_code", "county_name", "km_per_m", "reason")


def observed_stretches(due: gpd.GeoDataFrame, unseen: Mapping[str, np.ndarray], grid: Grid) -> gpd.GeoDataFrame:
    """Stretches of the due lines with ``reason`` why they were not observed, empty where they were.

    The road is walked in steps of about 10 m. A step counts as observed when at least 80 % of the ground within 30 m of
    its middle was seen on both dates; else the reason that takes most of that ground. ``unseen`` maps reasons to bool
    arrays of the grid's shape.
    """
    reasons = sorted(unseen)
    near = [_share_near(unseen[reason], grid) for reason in reasons]
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


def coverage_table(stretches: gpd.GeoDataFrame) -> pd.DataFrame:
    """Per route and county: ``km_due, km_observed, km_unobserved, why``; rows sorted, kilometres to the metre."""
    columns = ["route_code", "county_code", "county_name", "km_due", "km_observed", "km_unobserved", "why"]
    km = stretches.assign(km=stretches.length * stretches["km_per_m"])
    rows = []
    for (route, county, name), mine in km.groupby(["route_code", "county_code", "county_name"], sort=True):
        unseen = mine[mine["reason"] != ""].groupby("reason")["km"].sum()
        due, lost = round(float(mine["km"].sum()), 3), round(float(unseen.sum()), 3)
        why = "; ".join(f"{reason} {value:.3f}" for reason, value in unseen.items() if value >= 0.0005)
        rows.append((route, county, name, due, round(due - lost, 3), lost, why))
    return pd.DataFrame(rows, columns=columns)


def _share_near(mask: np.ndarray, grid: Grid) -> np.ndarray:
    size = 2 * max(1, round(_NEAR_M / grid.pixel_m)) + 1
    return cv2.boxFilter(mask.astype(np.float32), -1, (size, size), borderType=cv2.BORDER_REPLICATE)


def _walk(line: LineString, near: list[np.ndarray], reasons: list[str], grid: Grid) -> tuple[np.ndarray, list[str]]:
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
    return cuts_m, [reasons[w] if x > 1.0 - _SEEN_SHARE else "" for x, w in zip(lost, worst, strict=True)]


def _runs(cuts_m: np.ndarray, why: list[str]) -> list[tuple[float, float, str]]:
    """Neighbouring steps with the same reason, joined."""
    runs: list[tuple[float, float, str]] = []
    for start, stop, reason in zip(cuts_m[:-1], cuts_m[1:], why, strict=True):
        if runs and runs[-1][2] == reason:
            runs[-1] = (runs[-1][0], float(stop), reason)
        else:
            runs.append((float(start), float(stop), reason))
    return runs
