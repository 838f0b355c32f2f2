"""Pictures that are kept to be compared with: what was cut comes back, and what was not seen stays unseen."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage

from pipeline.reports.chips import ChipOptions, Stretch, clean_picture, opened_picture, rgb8_pair


def cut() -> np.ndarray:
    rng = np.random.default_rng(1)
    return (0.1 + 0.3 * ndimage.gaussian_filter(rng.random((60, 80, 3)), (3, 3, 0))).astype(np.float32)


@given(arrays.arrays(np.float64, (4, 5, 3), elements=st.floats(0.01, 1)), st.floats(0.4, 2))
def test_a_stretch_can_be_undone(values: np.ndarray, gamma: float) -> None:
    stretch = Stretch.of((values,), ChipOptions(low_percent=0, high_percent=100, gamma=gamma))
    back = stretch.reflectance(stretch.rgb8(values))
    step = (stretch.high - stretch.low) / 255
    # Half a step of 255, larger where the exponent is steep.
    assert np.abs(back - values).max() <= step * 255 * (0.5 / 255) ** min(1.0, 1 / gamma) + step + 1e-6


def test_a_kept_picture_is_read_back_without_a_trace_of_drawing() -> None:
    image = cut()
    stretch = Stretch.of((image,))
    content = clean_picture(image, stretch)
    assert Image.open(io.BytesIO(content)).mode == "RGB"
    clipped = np.clip(image, stretch.low, stretch.high)
    assert np.abs(opened_picture(content, stretch) - clipped).mean() < 0.02 * (stretch.high - stretch.low)


def test_what_was_not_seen_stays_unseen() -> None:
    image = cut()
    image[:20, :, :] = np.nan
    image[30, 40, 1] = np.nan
    stretch = Stretch.of((image,))
    back = opened_picture(clean_picture(image, stretch), stretch)
    assert np.array_equal(np.isnan(back).any(axis=-1), np.isnan(image).any(axis=-1))


def test_both_cuts_of_a_pair_share_one_stretch() -> None:
    before, after = cut(), 2 * cut()
    stretch = Stretch.of((before, after))
    for shown, image in zip(rgb8_pair(before, after), (before, after), strict=True):
        assert np.array_equal(shown, stretch.rgb8(image))


def test_nothing_seen_is_grey() -> None:
    nothing = np.full((4, 4, 3), np.nan)
    assert (Stretch.of((nothing,)).rgb8(nothing) == 128).all()
