"""Clouds without a mask: soft white veils are found, roofs, yards and fields are not, shadows keep their ground."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pictures import RGB, dataset, land

from pipeline.prepare.clouds import CloudOptions, find_clouds

SIDE, PIXEL_M = 640, 0.5
GROUND = land(SIDE, SIDE, seed=8)


def other_date(picture: np.ndarray, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, picture.shape)
    return (picture * 0.9 + 0.03 + noise).astype(np.float32)


def veil(shape: tuple[int, int], cover: float, edge_px: float, seed: int = 0) -> np.ndarray:
    """Opacity 0..1 of fractal clouds that cover a share of the picture, their edges some pixels wide."""
    rng = np.random.default_rng(seed)
    side = 2 * max(shape)
    away = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    waves = (away**2 + (1 / max(shape)) ** 2) ** -0.85 * np.exp(2j * np.pi * rng.random((side, side)))
    field = np.fft.ifft2(waves).real[: shape[0], : shape[1]].astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), edge_px / 6)
    edge = np.quantile(field, 1 - cover)
    slope = np.median(np.hypot(*np.gradient(field))[np.abs(field - edge) < 0.15 * field.std()])
    step = np.clip((field - edge) / (slope * edge_px) + 0.5, 0, 1)
    return (step * step * (3 - 2 * step)).astype(np.float32)


def veiled(picture: np.ndarray, opacity: np.ndarray, white: float = 0.9) -> np.ndarray:
    return np.clip(picture * (1 - opacity) + white * opacity, 0, 1).astype(np.float32)


def share(found, name: str, where: np.ndarray) -> float:
    return float(found[name].to_numpy()[where].mean())


@pytest.mark.parametrize(("cover", "least"), [(0.3, 0.65), (0.6, 0.9)])  # the fewer, the more wisps of under 0.25 ha
@pytest.mark.parametrize("peak", [0.7, 1.0])
def test_cloud_with_soft_edges_is_found_and_clear_ground_is_not(cover, least, peak):
    opacity = peak * veil((SIDE, SIDE), cover, 60)
    found = find_clouds(dataset(veiled(GROUND, opacity)), dataset(other_date(GROUND)), PIXEL_M)
    thick = opacity >= 0.9 * peak
    assert share(found, "cloud", thick) > least
    assert share(found, "cloud", thick) + share(found, "haze", thick) > 0.95
    assert share(found, "cloud", opacity <= 0.05) < 0.05
    assert not found["snow"].any()


def test_clear_dates_have_no_cloud_and_no_shadow():
    for one, other in ((GROUND, other_date(GROUND)), (other_date(GROUND), GROUND), (GROUND, GROUND)):
        found = find_clouds(dataset(one), dataset(other), PIXEL_M)
        assert not found["cloud"].any()
        assert not found["shadow"].any()


@pytest.mark.parametrize(
    ("width_m", "height_m", "colour"),
    [
        (40, 25, (0.95, 0.95, 0.95)),  # a white hall
        (120, 80, (0.95, 0.95, 0.95)),  # the largest logistics hall
        (90, 90, (0.45, 0.43, 0.4)),  # a concrete yard
        (150, 60, (0.7, 0.72, 0.7)),  # greenhouses under film
        (200, 4, (0.6, 0.45, 0.25)),  # grain on a lane
        (110, 110, (0.5, 0.38, 0.25)),  # a field laid bare
    ],
)
def test_what_people_build_or_spread_is_no_cloud(width_m, height_m, colour):
    rows, cols = round(height_m / PIXEL_M), round(width_m / PIXEL_M)
    after = GROUND.copy()
    texture = np.random.default_rng(0).normal(0, 0.01, (3, rows, cols))
    after[:, 100 : 100 + rows, 150 : 150 + cols] = np.array(colour)[:, None, None] + texture
    after = cv2.GaussianBlur(np.moveaxis(after, 0, 2), (0, 0), 0.7)
    found = find_clouds(dataset(np.moveaxis(after, 2, 0)), dataset(other_date(GROUND)), PIXEL_M)
    assert not found["cloud"].any()
    assert not found["shadow"].any()


def test_a_dark_new_yard_or_pond_is_no_shadow():
    after = GROUND.copy()
    after[:, 100:300, 100:320] = 0.05
    found = find_clouds(dataset(after), dataset(other_date(GROUND)), PIXEL_M)
    assert not found["shadow"].any()


def test_shadow_keeps_the_ground_and_is_found_by_it():
    opacity = veil((SIDE, SIDE), 0.3, 60, seed=3)
    shaded = GROUND * (1 - 0.6 * opacity)
    found = find_clouds(dataset(shaded.astype(np.float32)), dataset(other_date(GROUND)), PIXEL_M)
    assert share(found, "shadow", opacity > 0.9) > 0.6
    assert share(found, "shadow", opacity < 0.05) < 0.05
    assert not found["cloud"].any()


def test_haze_dims_and_is_reported_but_is_no_cloud():
    opacity = 0.3 * veil((SIDE, SIDE), 0.5, 80, seed=5)
    found = find_clouds(dataset(veiled(GROUND, opacity)), dataset(other_date(GROUND)), PIXEL_M)
    assert not found["cloud"].any()
    assert share(found, "haze", opacity > 0.25) > 0.5
    assert not (found["haze"] & found["cloud"]).any()


def test_image_all_under_cloud_is_cloud_with_another_date_or_without():
    white = veiled(GROUND, np.full((SIDE, SIDE), 0.97, np.float32))
    assert find_clouds(dataset(white), dataset(other_date(GROUND)), PIXEL_M)["cloud"].to_numpy().mean() > 0.95
    assert find_clouds(dataset(white), None, PIXEL_M)["cloud"].to_numpy().mean() > 0.95
    assert not find_clouds(dataset(GROUND), None, PIXEL_M)["cloud"].any()


def test_other_date_some_metres_off_does_no_harm():
    opacity = veil((SIDE, SIDE), 0.4, 60)
    off = np.roll(other_date(GROUND), (9, -7), axis=(1, 2))
    found = find_clouds(dataset(veiled(GROUND, opacity)), dataset(off), PIXEL_M)
    assert share(found, "cloud", opacity >= 0.9) > 0.8
    assert not find_clouds(dataset(GROUND), dataset(off), PIXEL_M)["cloud"].any()


def test_gaps_are_nothing_and_snow_needs_the_short_wave_infrared():
    image = GROUND.copy()
    image[:, :200] = np.nan
    found = find_clouds(dataset(image), dataset(other_date(GROUND)), PIXEL_M)
    assert not any(found[name].to_numpy()[:200].any() for name in found.data_vars)
    snowy = np.concatenate([np.full((3, 100, 100), 0.8), np.full((1, 100, 100), 0.1)]).astype(np.float32)
    found = find_clouds(dataset(snowy, (*RGB, "swir16")), None, 10.0)
    assert found["snow"].all()
    assert not found["cloud"].any()


def test_two_visible_bands_are_the_least():
    with pytest.raises(ValueError, match="two visible bands"):
        find_clouds(dataset(GROUND[:1], ("red",)), None, PIXEL_M)
    assert CloudOptions().use == "auto"


@pytest.mark.real
def test_real_clean_pairs_have_no_cloud_and_their_new_buildings_least(real_data: Path):
    for name, pixel_m in (("levir", 0.5), ("whu", 0.25), ("egybcd", 0.27)):
        folder = real_data / "building_pairs" / name
        for path in sorted((folder / "A").iterdir()):
            pair = []
            for when in "AB":
                with rasterio.open(folder / when / path.name) as source:
                    pair.append(dataset(source.read()[:3] / np.float32(255)))
            for one, other in (pair, pair[::-1]):
                found = find_clouds(one, other, pixel_m)
                assert not found["cloud"].any(), path
                assert not found["shadow"].any(), path


@pytest.mark.real
def test_real_road_under_composed_cloud(real_data: Path):
    pair = []
    for path in sorted((real_data / "roadside_vhr" / "imagery").glob("*.tif")):
        with rasterio.open(path) as source:
            pair.append(source.read()[:3] / np.float32(255))
    before, after = pair
    for seed, cover in enumerate((0.3, 0.6)):
        opacity = veil(after.shape[1:], cover, 60, seed)
        found = find_clouds(dataset(veiled(after, opacity)), dataset(before), 0.5)
        assert share(found, "cloud", opacity > 0.9) > 0.8
        assert share(found, "cloud", opacity < 0.05) < 0.08
