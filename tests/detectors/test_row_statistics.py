"""What is taken of many rows, or of many points of a line, at once: the same as one by one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.detectors.pavement import median_of_rows, quantile_of_rows
from pipeline.detectors.roadframe import points_along


@pytest.fixture(params=[1, 5, 320, 700])
def rows(request: pytest.FixtureRequest) -> np.ndarray:
    """Rows with more and fewer gaps; the first has nothing, the last no gap."""
    rng = np.random.default_rng(request.param)
    values = rng.normal(0, 1, (60, request.param)).astype(np.float32).round(2)
    values[rng.random(values.shape) < np.linspace(1, 0, 60)[:, None]] = np.nan
    return values


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_medians_are_those_of_numpy(rows: np.ndarray) -> None:
    assert np.array_equal(median_of_rows(rows), np.nanmedian(rows, axis=1), equal_nan=True)


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("share", [0.0, 0.25, 0.35, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_numpy(rows: np.ndarray, share: float) -> None:
    expected = np.nanquantile(rows, share, axis=1)
    assert quantile_of_rows(rows, share) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_points_along_a_line_are_those_of_shapely() -> None:
    rng = np.random.default_rng(4)
    vertices = np.cumsum(rng.normal(0, 30, (200, 2)), axis=0) + np.array([500_000, 3_800_000])
    line = shapely.LineString(np.repeat(vertices, rng.integers(1, 3, 200), axis=0))  # some vertices twice
    along_m = np.linspace(0, line.length, 999)
    plain = shapely.get_coordinates(shapely.line_interpolate_point(line, along_m))
    assert np.abs(points_along(line, along_m) - plain).max() < 1e-6
