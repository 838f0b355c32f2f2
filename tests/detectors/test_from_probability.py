"""Objects of a map: OpenCV's connected parts give what the plain forms of SciPy and scikit-image give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold

from pipeline.detectors.from_probability import _calmed, _filled, hysteresis


def blotches(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.random((120, 150)).astype(np.float32), (0, 0), rng.uniform(1, 4))
    return (image - image.min()) / np.ptp(image)


@pytest.mark.parametrize("seed", range(6))
def test_hysteresis_is_that_of_scikit_image(seed: int) -> None:
    image = blotches(seed)
    assert np.array_equal(hysteresis(image, low=0.5, high=0.65), apply_hysteresis_threshold(image, 0.5, 0.65))
    assert not hysteresis(image, low=0.5, high=1.5).any()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("largest", [0, 12, 10_000])
def test_holes_are_those_of_scipy(seed: int, largest: float) -> None:
    mask = blotches(seed) > 0.45
    holes, count = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    small = [number for number in range(1, count + 1) if (holes == number).sum() <= largest]
    assert np.array_equal(_filled(mask, largest), mask | np.isin(holes, small))


def test_a_calmed_map_is_a_gaussian_mean_and_empty_where_unseen() -> None:
    image = blotches(3)
    image[20:40, 30:60] = np.nan
    plain = np.where(np.isfinite(image), ndimage.gaussian_filter(np.nan_to_num(image), 1.0), 0)
    assert _calmed(image) == pytest.approx(plain, abs=1e-6)
