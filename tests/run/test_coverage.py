"""Kilometres seen and not seen, and why."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely import LineString

from pipeline.model.grid import Grid
from pipeline.run.coverage import coverage_table, observed_stretches

GRID = Grid(4548, 0.0, 400.0, 1.0, 400, 400)
DUE = gpd.GeoDataFrame(
    {"route_code": ["G311"], "county_code": ["320322"], "county_name": ["甲"], "km_per_m": [0.001]},
    geometry=[LineString([(50, 200), (350, 200)])],
    crs=4548,
)


def cloud(from_col: int) -> np.ndarray:
    mask = np.zeros(GRID.shape, bool)
    mask[:, from_col:] = True
    return mask


def test_all_seen() -> None:
    table = coverage_table(observed_stretches(DUE, {}, GRID))
    assert table.loc[0, ["km_due", "km_observed", "km_unobserved", "why"]].tolist() == [0.3, 0.3, 0.0, ""]


def test_a_clouded_third_is_said_to_be_clouded() -> None:
    stretches = observed_stretches(DUE, {"cloud": cloud(250), "shift": np.zeros(GRID.shape, bool)}, GRID)
    table = coverage_table(stretches)
    assert table.at[0, "km_unobserved"] == pytest.approx(0.1, abs=0.03)
    assert table.at[0, "why"].startswith("cloud 0.1")
    assert set(stretches["reason"]) == {"", "cloud"}
    assert stretches.length.sum() == pytest.approx(300.0)


def test_the_reason_named_is_the_larger_one() -> None:
    stretches = observed_stretches(DUE, {"cloud": cloud(120), "no_image": cloud(60) & ~cloud(120)}, GRID)
    seen = stretches.assign(m=stretches.length).groupby("reason")["m"].sum()
    assert seen["cloud"] > seen["no_image"] > 30
    assert seen.sum() == pytest.approx(300.0)


def test_parts_sum_to_what_is_due() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        table = coverage_table(observed_stretches(DUE, {"cloud": rng.random(GRID.shape) < 0.3}, GRID))
        assert table.at[0, "km_observed"] + table.at[0, "km_unobserved"] == pytest.approx(table.at[0, "km_due"])
