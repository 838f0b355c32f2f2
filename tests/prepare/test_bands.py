"""Bands that lie apart are measured, on drawn and on real pixels; lean is what the angle says."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pictures import RGB, dataset, land
from scipy import fft

from pipeline.prepare.bands import band_shifts, lean_between_m, lean_m_per_m

LAND = land(256, 256, seed=3)
PICTURE = 0.3 * LAND + 0.7 * LAND.mean(axis=0)  # bands that have most edges in common, as real ones
RGBN = (*RGB, "nir")


def ramped(band: np.ndarray, shift_px: tuple[float, float]) -> np.ndarray:
    """Displaced by a Fourier phase ramp over the mirrored band: nothing in common with the code under test."""
    wide = np.pad(band, 24, mode="symmetric")
    rows, cols = wide.shape
    turn = np.exp(-2j * np.pi * (fft.fftfreq(rows)[:, None] * shift_px[0] + fft.rfftfreq(cols)[None] * shift_px[1]))
    return fft.irfft2(fft.rfft2(wide) * turn, s=wide.shape)[24:-24, 24:-24].astype(np.float32)


def inner(bands: np.ndarray) -> np.ndarray:
    return bands[:, 8:-8, 8:-8]


def read(path: Path) -> np.ndarray:
    with warnings.catch_warnings(), rasterio.open(path) as source:
        warnings.simplefilter("ignore")
        return source.read().astype(np.float32) / 255


def test_bands_of_one_picture_lie_on_each_other():
    found = band_shifts(dataset(PICTURE))
    assert set(found) == {"red", "blue"}
    for shift in found.values():
        assert shift["against"] == "green"
        assert np.hypot(shift["rows_px"], shift["cols_px"]) < 0.1
        assert shift["confidence"] > 0.9


def test_known_shift_of_a_band_is_found_with_its_sign():
    apart = inner(np.stack([ramped(PICTURE[0], (0.6, -1.3)), PICTURE[1], PICTURE[2]]))
    found = band_shifts(dataset(apart))
    assert (found["red"]["rows_px"], found["red"]["cols_px"]) == pytest.approx((0.6, -1.3), abs=0.05)
    assert (found["blue"]["rows_px"], found["blue"]["cols_px"]) == pytest.approx((0, 0), abs=0.05)
    other = band_shifts(dataset(apart), against="red")
    assert (other["green"]["rows_px"], other["green"]["cols_px"]) == pytest.approx((-0.6, 1.3), abs=0.05)


def test_without_green_the_mean_is_the_reference():
    found = band_shifts(dataset(PICTURE[[0, 2]], ("red", "nir")))
    assert {shift["against"] for shift in found.values()} == {"mean"}
    assert set(found) == {"red", "nir"}


def test_what_cannot_be_measured_is_none_and_one_band_is_nothing():
    image = dataset(np.stack([PICTURE[0], PICTURE[1], np.full_like(PICTURE[2], np.nan)]))
    blue = band_shifts(image)["blue"]
    assert blue["rows_px"] is None
    assert blue["error_px"] is None
    assert blue["confidence"] < 0.7
    assert band_shifts(image[["green"]]) == {}
    with pytest.raises(KeyError, match="no band 'swir'"):
        band_shifts(image, against="swir")


@pytest.mark.real
@pytest.mark.parametrize("day", ["20100629", "20150926", "20200831"])
def test_real_bands_moved_by_known_amounts_are_found(real_data, day):
    """Farmland in four bands: what each band is moved by is what its shift changes by."""
    image = read(real_data / f"naip/m_4709963_se_14_1_{day}.tif")[:, 100:500, 200:600]
    known = {"red": (0.7, -0.4), "blue": (-1.6, 0.25), "nir": (0.5, 1.5)}
    apart = np.stack([ramped(band, known.get(name, (0.0, 0.0))) for name, band in zip(RGBN, image, strict=True)])
    before, after = (band_shifts(dataset(inner(bands), RGBN)) for bands in (image, apart))
    for name, (rows, cols) in known.items():
        assert before[name]["confidence"] > 0.7
        assert after[name]["rows_px"] - before[name]["rows_px"] == pytest.approx(rows, abs=0.1)
        assert after[name]["cols_px"] - before[name]["cols_px"] == pytest.approx(cols, abs=0.1)


@pytest.mark.real
def test_real_houses_moved_by_known_amounts_are_found(real_data):
    for path in sorted((real_data / "building_pairs/levir/B").iterdir())[:4]:
        image = read(path)
        apart = np.stack([ramped(image[0], (1.2, 0.45)), image[1], ramped(image[2], (-0.35, -0.8))])
        before, after = (band_shifts(dataset(inner(bands))) for bands in (image, apart))
        for name, (rows, cols) in {"red": (1.2, 0.45), "blue": (-0.35, -0.8)}.items():
            assert after[name]["rows_px"] - before[name]["rows_px"] == pytest.approx(rows, abs=0.1)
            assert after[name]["cols_px"] - before[name]["cols_px"] == pytest.approx(cols, abs=0.1)


def test_lean_is_the_tangent_and_more_with_the_curvature():
    assert lean_m_per_m(0) == 0
    assert lean_m_per_m(45) == pytest.approx(1)
    assert lean_m_per_m(25) == pytest.approx(0.4663, abs=1e-4)
    assert np.degrees(np.arctan(lean_m_per_m(25, altitude_m=500_000))) == pytest.approx(27.11, abs=0.01)
    with pytest.raises(ValueError, match="off-nadir angle 90"):
        lean_m_per_m(90)
    with pytest.raises(ValueError, match="misses the Earth"):
        lean_m_per_m(75, altitude_m=500_000)


def test_lean_between_dates_is_bounded_without_azimuths():
    least, most = lean_between_m(10, 20, 30)
    assert least == pytest.approx(10 * (np.tan(np.radians(30)) - np.tan(np.radians(20))))
    assert most == pytest.approx(10 * (np.tan(np.radians(30)) + np.tan(np.radians(20))))
    rng = np.random.default_rng(0)
    for one, two in rng.uniform(0, 2 * np.pi, (50, 2)):
        first = 10 * np.tan(np.radians(20)) * np.array([np.cos(one), np.sin(one)])
        second = 10 * np.tan(np.radians(30)) * np.array([np.cos(two), np.sin(two)])
        assert least - 1e-9 <= np.hypot(*(first - second)) <= most + 1e-9
    with pytest.raises(ValueError, match="height"):
        lean_between_m(-1, 10, 10)
