"""Pixel cues: values at known colours, agreement with a reference library, and no leak from what was not observed."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.detectors import cues


def grey(value, shape=(40, 50)):
    return {name: np.full(shape, value, np.float32) for name in ("red", "green", "blue")}


def noisy(seed=0, shape=(40, 50)):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.05, 0.9, shape).astype(np.float32) for name in ("red", "green", "blue")}


def test_grey_has_no_colour():
    for cue in (cues.vegetation, cues.warmth, cues.invariant_blue):
        assert np.allclose(cue(grey(0.3)), 0, atol=1e-6), cue.__name__


def test_black_divides_by_nothing():
    for cue in (cues.vegetation, cues.warmth, cues.invariant_blue, cues.brightness):
        assert np.isfinite(cue(grey(0.0))).all(), cue.__name__


def test_leaves_are_green_with_and_without_nir():
    leaves = grey(0.05) | {"green": np.full((40, 50), 0.09, np.float32)}
    assert cues.vegetation(leaves).min() > 0.8
    assert cues.vegetation(leaves | {"nir": np.full((40, 50), 0.4, np.float32)}).min() > 0.8
    assert cues.vegetation(grey(0.3) | {"nir": np.full((40, 50), 0.3, np.float32)}).max() == pytest.approx(0)


def test_local_std_agrees_with_scipy():
    image = noisy()["red"]
    expected = ndimage.generic_filter(image.astype(float), np.std, size=7, mode="mirror")
    assert np.allclose(cues.local_std(image, 7)[4:-4, 4:-4], expected[4:-4, 4:-4], atol=1e-5)


def test_local_std_of_a_ramp_does_not_depend_on_its_level():
    ramp = np.tile(np.linspace(0, 0.01, 50, dtype=np.float32), (40, 1))
    assert np.allclose(cues.local_std(ramp, 9), cues.local_std(ramp + np.float32(0.9), 9), atol=1e-5)


@pytest.mark.parametrize("cue", [lambda i: cues.smooth(i, 2.0), lambda i: cues.local_std(i, 9)])
def test_unobserved_pixels_stay_so_and_do_not_leak(cue):
    image = np.full((40, 50), 0.4, np.float32)
    image[10:20, 10:30] = np.nan
    result = cue(image)
    assert np.array_equal(np.isnan(result), np.isnan(image))
    assert np.nanmax(result) - np.nanmin(result) < 1e-5  # a flat image stays flat beside the hole


def test_shadow_is_the_dark_patch_and_not_the_dark_green_one():
    image = grey(0.4, (120, 120))
    image["red"][20:40, 20:40], image["green"][20:40, 20:40], image["blue"][20:40, 20:40] = 0.08, 0.09, 0.11
    image["red"][80:100, 80:100], image["green"][80:100, 80:100], image["blue"][80:100, 80:100] = 0.06, 0.10, 0.05
    mask = cues.shadow_mask(image)
    assert mask[25:35, 25:35].all()
    assert not mask[80:100, 80:100].any()
    assert not mask[50:70].any()
    assert not cues.shadow_mask(grey(np.nan)).any()
