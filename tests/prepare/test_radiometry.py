"""Radiometry: known gains come back through noise, gaps and change; twice is once; equal stays equal."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from pictures import RGB, dataset, land

from pipeline.prepare.radiometry import RadiometryOptions, _similarity, match

SIZE = 320
AFTER = land(SIZE, SIZE, seed=2)
GAIN, OFFSET = np.array([0.7, 1.3, 0.9]), np.array([0.05, -0.02, 0.1])


def faded(picture: np.ndarray, changed: float = 0.0, noise: float = 0.005) -> np.ndarray:
    """The picture before: a share of it another place, the rest noisy, all in another radiometry."""
    out = picture.copy()
    rows = int(SIZE * changed)
    out[:, :rows] = land(SIZE, SIZE, seed=30)[:, :rows]
    out += np.random.default_rng(0).normal(0, noise, out.shape).astype(np.float32)
    return (out * GAIN[:, None, None] + OFFSET[:, None, None]).astype(np.float32)


@pytest.mark.parametrize("changed", [0.0, 0.3, 0.5])
def test_known_gain_and_offset_come_back(changed):
    matched, evidence = match(dataset(faded(AFTER, changed)), dataset(AFTER))
    assert evidence["fitted"], evidence["note"]
    for k, name in enumerate(RGB):
        assert evidence["bands"][name]["gain"] == pytest.approx(1 / GAIN[k], rel=0.03)
        assert evidence["bands"][name]["offset"] == pytest.approx(-OFFSET[k] / GAIN[k], abs=0.01)
    rest = slice(int(SIZE * changed) + 10, None)
    assert np.abs(matched["green"].to_numpy()[rest] - AFTER[1, rest]).mean() < 0.01
    assert evidence["share_unchanged"] > 0.8 * (1 - changed)


def test_twice_is_once():
    once, first = match(dataset(faded(AFTER, 0.3, 0.02)), dataset(AFTER))
    twice, second = match(once, dataset(AFTER))
    assert second["share_used"] == pytest.approx(first["share_used"], abs=0.01)
    for name in RGB:
        assert np.allclose(once[name], twice[name], atol=1e-3)


def test_images_of_any_float_are_matched():
    exact, wide = (dataset(faded(AFTER)).astype(kind) for kind in (np.float32, np.float64))
    fitted = [match(one, dataset(AFTER).astype(one["red"].dtype))[1] for one in (exact, wide)]
    assert fitted[1]["bands"]["red"]["gain"] == pytest.approx(fitted[0]["bands"]["red"]["gain"], rel=1e-3)


def test_equal_images_stay_as_they_are():
    matched, evidence = match(dataset(AFTER), dataset(AFTER))
    assert evidence["fitted"]
    for name in RGB:
        assert evidence["bands"][name] == {"gain": 1.0, "offset": 0.0, "correlation": 1.0}
        assert np.array_equal(matched[name], dataset(AFTER)[name])


def test_gaps_stay_gaps_and_do_not_count():
    before, after = faded(AFTER), AFTER.copy()
    before[:, 40:140, 60:200] = np.nan
    after[:, 100:200, :90] = np.nan
    after[:, 99, :90] = 50.0  # glint beside the gap
    matched, evidence = match(dataset(before), dataset(after))
    assert evidence["bands"]["green"]["gain"] == pytest.approx(1 / 1.3, rel=0.03)
    assert np.array_equal(np.isnan(matched["red"]), np.isnan(before[0]))


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (np.full_like(AFTER, np.nan), "only 0 squares"),
        (np.full_like(AFTER, 0.3), "unchanged"),
        (np.random.default_rng(5).normal(0.3, 0.1, AFTER.shape).astype(np.float32), "unchanged"),
        (AFTER * 9, "gain 0.11 is beyond 4"),
    ],
)
def test_without_enough_to_go_by_nothing_is_done_and_said(before, words):
    image = dataset(before)
    matched, evidence = match(image, dataset(AFTER))
    assert matched is image
    assert not evidence["fitted"]
    assert words in evidence["note"]
    json.dumps(evidence, allow_nan=False)


def test_bands_that_only_one_has_are_left_alone():
    before = dataset(np.concatenate([faded(AFTER), AFTER[:1]]), (*RGB, "nir"))
    matched, evidence = match(before, dataset(AFTER))
    assert set(evidence["bands"]) == set(RGB)
    assert np.array_equal(matched["nir"], before["nir"])


def test_limits_are_options():
    strict = RadiometryOptions(max_gain=1.2)
    assert "beyond 1.2" in match(dataset(faded(AFTER)), dataset(AFTER), strict)[1]["note"]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("pairs", ["levir", "fotbcd", "whu", "dsifn", "sztaki"])
def test_real_pairs_come_nearer_on_unchanged_ground(real_data, pairs):
    """Mean over a data set of the median difference where the label says no change: not above the raw images'."""
    folder = real_data / "building_pairs" / pairs
    raw, corrected = [], []
    for label in sorted((folder / "label").iterdir()):
        paths = [next((folder / side).glob(f"{label.stem}.*")) for side in "AB"]
        before, after = (_read(path)[:3] / 255 for path in paths)
        with rasterio.open(label) as source:
            same = source.read(1) == 0
        matched, _ = match(dataset(before), dataset(after))
        for k, name in enumerate(RGB):
            raw.append(np.median(np.abs(before[k] - after[k])[same]))
            corrected.append(np.median(np.abs(matched[name].to_numpy() - after[k])[same]))
    assert np.mean(corrected) < 0.97 * np.mean(raw)


def _read(path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read().astype(np.float32)


def test_similarity_is_the_correlation_in_each_window():
    """All bands together, each in units of its own spread; gaps count for nothing."""
    x, y = land(60, 70, seed=4), land(60, 70, seed=5) + 0.5 * land(60, 70, seed=4)
    known = np.ones((60, 70), bool)
    known[20:30, 30:45] = False
    x[:, ~known] = np.nan
    found = _similarity(x, y, known, 9)
    u, v = (
        np.stack([(band - band[known].mean()) / band[known].std() for band in image.astype(float)]) for image in (x, y)
    )
    for row, col in ((10, 10), (18, 28), (40, 50)):
        window = slice(row - 4, row + 5), slice(col - 4, col + 5)
        a, b = (image[:, window[0], window[1]][:, known[window]] for image in (u, v))
        a, b = (part - part.mean(axis=1, keepdims=True) for part in (a, b))
        expected = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
        assert found[row, col] == pytest.approx(expected, abs=1e-4)
