"""Two dates prepared for comparing: what is reckoned of all channels at once is what each by itself gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from pipeline.detectors import cues
from pipeline.detectors.comparison import _edge, _likeness


@pytest.fixture(params=[False, True])
def seen(request: pytest.FixtureRequest) -> np.ndarray:
    out = np.ones((90, 110), bool)
    out[30:50, 40:80] = not request.param
    return out


def image(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.random((90, 110, 3)).astype(np.float32), (0, 0), 1.0)


def steepness(channel: np.ndarray, sigma_px: float) -> np.ndarray:
    """Length of the gradient of one channel with NaN, smoothed; 0 at and beside NaN."""
    known = np.isfinite(channel)
    base = cues.fill(cues.smooth(channel, sigma_px))
    slopes = [
        cv2.Scharr(base, cv2.CV_32F, *order, scale=1 / 32, borderType=cv2.BORDER_REFLECT) for order in ((1, 0), (0, 1))
    ]
    return np.hypot(*slopes) * ~ndimage.binary_dilation(~known, np.ones((3, 3)))


def test_edges_of_a_ramp_are_its_slope() -> None:
    ramp = np.repeat(np.tile(np.arange(110, dtype=np.float32) * 0.01, (90, 1))[..., None], 3, axis=2)
    whole = np.ones((90, 110), bool)
    assert _edge(ramp, whole)[:, 5:-5] == pytest.approx(0.01, abs=1e-5)
    whole[30:50, 40:80] = False
    assert _edge(ramp, whole)[29:51, 39:81].max() == 0


def test_edges_are_the_strongest_of_each_channels_gradient(seen: np.ndarray) -> None:
    lab = image(1)
    each = [steepness(np.where(seen, lab[..., k], np.float32(np.nan)), 0.7) for k in range(3)]
    assert _edge(lab, seen) == pytest.approx(np.maximum.reduce(each), abs=1e-6)


def test_likeness_is_the_correlation_in_each_window(seen: np.ndarray) -> None:
    one, two, floor = image(2)[..., 0], image(3)[..., 0], 0.01
    a, b = (np.where(seen, cv2.GaussianBlur(each, (0, 0), 1.0), np.float32(np.nan)) for each in (one, two))
    found = _likeness(one, two, seen, 7, floor)
    for row, col in ((10, 12), (28, 60), (60, 30), (29, 39)):
        window = slice(row - 3, row + 4), slice(col - 3, col + 4)
        x, y = a[window][seen[window]].astype(float), b[window][seen[window]].astype(float)
        cross, spread = np.mean(x * y) - x.mean() * y.mean(), x.std() * y.std()
        assert found[row, col] == pytest.approx((cross + floor**2) / (spread + floor**2), abs=1e-3)
    assert (found[~seen] == 1).all()


def test_means_and_deviations_are_those_of_what_is_seen(seen: np.ndarray) -> None:
    values = np.where(seen, image(4)[..., 1], np.float32(0))
    means = cues.Means(seen, 5)
    for row, col in ((5, 5), (28, 60), (70, 90)):
        window = slice(row - 2, row + 3), slice(col - 2, col + 3)
        part = values[window][seen[window]].astype(float)
        assert means.of(values)[row, col] == pytest.approx(part.mean(), abs=1e-6)
        assert means.deviation(values)[row, col] == pytest.approx(part.std(), abs=1e-4)
    assert not means.of(values)[~seen].any()
