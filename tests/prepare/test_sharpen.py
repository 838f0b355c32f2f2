import cv2
import numpy as np
import pytest
import xarray as xr

from pipeline.prepare.sharpen import SharpenOptions, sharpen
from tests.pictures import dataset, land

RATIO = 4


@pytest.fixture(scope="module")
def truth():
    return np.clip(land(256, 320, seed=3), 0.02, None)


def means(image):
    rows, cols = image.shape
    return image.reshape(rows // RATIO, RATIO, cols // RATIO, RATIO).mean(axis=(1, 3))


def coarse(image):
    """A band as a coarser camera sees it, laid on the grid."""
    return cv2.resize(means(image), image.shape[::-1], interpolation=cv2.INTER_LINEAR)


@pytest.fixture(scope="module")
def taken(truth):
    bands = dataset(np.stack([coarse(band) for band in truth]))
    return bands, (0.3 * truth[0] + 0.4 * truth[1] + 0.3 * truth[2]).astype(np.float32)


def error(bands, truth):
    return np.mean(
        [np.sqrt(np.mean((bands[name].to_numpy() - band) ** 2)) for name, band in zip(bands, truth, strict=True)]
    )


def test_nearer_to_the_truth(truth, taken):
    # Bands whose texture is independent of each other, the hardest case: a fifth of the error goes.
    bands, pan = taken
    assert error(sharpen(bands, pan, ratio=RATIO), truth) < 0.85 * error(bands, truth)
    # One brightness in slowly changing colours: most of it goes.
    hue = np.cos(np.linspace(0, 3, 320, dtype=np.float32))[None, :] * np.ones((256, 1), np.float32)
    coloured = np.stack([truth[0] * (1 + share * hue) for share in (0.4, 0.0, -0.4)])
    bands, pan = dataset(np.stack([coarse(band) for band in coloured])), coloured.mean(axis=0)
    assert error(sharpen(bands, pan, ratio=RATIO), coloured) < 0.45 * error(bands, coloured)


def test_colours_stay(taken):
    bands, pan = taken
    sharp = sharpen(bands, pan, ratio=RATIO)
    for name in bands:
        away = means(sharp[name].to_numpy()) - means(bands[name].to_numpy())
        assert abs(away.mean()) < 0.002
        assert np.sqrt(np.mean(away**2)) < 0.1 * bands[name].to_numpy().std() + 0.01
        quantiles = [np.quantile(one[name].to_numpy(), [0.05, 0.5, 0.95]) for one in (bands, sharp)]
        assert quantiles[0] == pytest.approx(quantiles[1], abs=0.03)


def test_the_unit_of_the_panchromatic_band_does_not_matter(taken):
    bands, pan = taken
    one, other = (sharpen(bands, unit * pan, ratio=RATIO) for unit in (1.0, 1023.0))
    for name in bands:
        assert one[name].to_numpy() == pytest.approx(other[name].to_numpy(), rel=1e-4)


def test_gaps(taken):
    bands, pan = taken
    bands, pan = bands.copy(deep=True), pan.copy()
    bands["red"][20:40, 30:60] = np.nan
    pan[100:140, 100:150] = np.nan
    pan[0, 0] = 0.0
    sharp = sharpen(bands, pan, ratio=RATIO)
    for name in bands:
        assert np.array_equal(np.isnan(sharp[name]), np.isnan(bands[name]))
        assert np.array_equal(sharp[name][100:140, 100:150], bands[name][100:140, 100:150])
        assert sharp[name][0, 0] == bands[name][0, 0]
    # Beside a gap the smoothing looks at what is known, not at zeros.
    untouched = sharpen(taken[0], taken[1], ratio=RATIO)
    assert np.abs(sharp["green"] - untouched["green"])[90:100, 100:150].max() < 0.15


def test_flat_panchromatic_changes_nothing_and_gain_is_bounded(taken):
    bands, _ = taken
    same = sharpen(bands, np.full((256, 320), 7.0), ratio=RATIO)
    spike = np.ones((256, 320), np.float32)
    spike[128, 160] = 1e6
    sharp = sharpen(bands, spike, ratio=RATIO, options=SharpenOptions(max_gain=3.0))
    for name in bands:
        assert np.allclose(same[name], bands[name], rtol=1e-5)
        gain = sharp[name].to_numpy() / bands[name].to_numpy()
        assert gain.max() == pytest.approx(3.0, rel=1e-4)
        assert gain.min() == pytest.approx(1 / 3.0, rel=1e-4)


def test_dims_coordinates_and_what_becomes_of_pan(taken):
    bands, pan = taken
    stack = bands.expand_dims(time=2).copy(deep=True).assign_coords(scene_id=("time", ["a", "b"]))
    stack["pan"] = stack["red"]
    stack.attrs["pixel_m"] = 0.8
    sharp = sharpen(stack, np.stack([pan, pan]), ratio=RATIO)
    assert list(sharp.data_vars) == ["red", "green", "blue"]
    assert sharp["red"].dims == ("time", "y", "x")
    assert sharp["red"].dtype == np.float32
    assert list(sharp["scene_id"].values) == ["a", "b"]
    assert sharp.attrs == {"pixel_m": 0.8}
    assert np.array_equal(sharp["red"][0], sharpen(bands, pan, ratio=RATIO)["red"])
    assert isinstance(stack, xr.Dataset)
    assert "pan" in stack


def test_nothing_is_done_where_there_is_nothing_to_gain(taken):
    bands, pan = taken
    assert sharpen(bands, pan, ratio=1.2).identical(bands)
