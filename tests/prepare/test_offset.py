"""Sentinel-2's offset: taken once from both dates nothing is said; once, twice or never apart, it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import dataset, scene

from pipeline.prepare.offset import is_sentinel2, offset_doubt

NAMES = ("blue", "green", "red", "nir")


def land(seed: int, haze: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    floor = np.array([0.02, 0.03, 0.02, 0.05])[:, None, None]
    bands = floor + rng.gamma(2.0, 0.06, (4, 200, 200))
    return (bands + haze * np.array([1.0, 0.7, 0.45, 0.15])[:, None, None]).astype(np.float32)


def doubt(one: np.ndarray, other: np.ndarray) -> str:
    return offset_doubt(dataset(one, NAMES), dataset(other, NAMES))


def test_dates_treated_alike_raise_no_doubt_even_through_haze():
    assert doubt(land(1), land(2)) == ""
    assert doubt(land(1, haze=0.1), land(2)) == ""
    assert doubt(land(1) * np.float32(1.6), land(2)) == ""


def test_offset_left_in_one_date_is_told_with_the_remedy():
    got = doubt(land(1) + np.float32(0.1), land(2))
    assert "first image" in got
    assert "one of the two only" in got
    assert "boa_offset_applied" in got
    assert "second image" in doubt(land(1), land(2) + np.float32(0.1))


def test_offset_taken_twice_is_told_from_one_date_alone():
    assert "taken twice" in doubt(land(1), land(2) - np.float32(0.1))


def test_too_little_to_say_anything():
    few = land(1)
    few[:, 5:] = np.nan
    assert doubt(few + np.float32(0.1), land(2)) == ""
    assert offset_doubt(dataset(land(1)[:2] + np.float32(0.1), NAMES[:2]), dataset(land(2)[:2], NAMES[:2])) == ""


@pytest.mark.parametrize(
    ("sensor", "expected"),
    [("sentinel2_l2a", True), ("sentinel-2a", True), ("Sentinel-2C", True), ("landsat-9", False), ("", False)],
)
def test_sensor_names(sensor, expected):
    assert is_sentinel2(scene("x", sensor=sensor)) is expected


@pytest.mark.real
def test_real_pairs_of_sentinel2(real_data: Path):
    """Six cities, L1C, each pair a year or more apart: none is doubted as it is, each with the offset left in is."""
    files = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
    for city in sorted((real_data / "oscd").iterdir()):
        pair = []
        for folder in ("imgs_1", "imgs_2"):
            bands = []
            for ending in files:
                with rasterio.open(next((city / folder).glob(f"*{ending}.tif"))) as source:
                    bands.append(source.read(1)[:460, :460] / np.float32(10_000))
            pair.append(np.stack(bands))
        rows, cols = (min(image.shape[axis] for image in pair) for axis in (1, 2))
        one, other = (image[:, :rows, :cols] for image in pair)
        assert doubt(one, other) == "", city.name
        assert doubt(one + np.float32(0.1), other) or doubt(one, other + np.float32(0.1)), city.name
