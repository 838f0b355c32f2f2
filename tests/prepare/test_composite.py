"""Medians of takes: what is usual stays, what passed is gone, and each pixel says what it rests on."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.prepare.composite import CompositeOptions, median

SHAPE = (3, 300, 40)


def takes(number: int, noise: float = 0.005) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    ground = rng.uniform(0.1, 0.4, SHAPE).astype(np.float32)
    return [ground + rng.normal(0, noise, SHAPE).astype(np.float32) for _ in range(number)]


def test_equals_the_median_of_numpy_and_counts():
    stack = takes(6)
    holes = np.random.default_rng(2).random((6, *SHAPE[1:])) < 0.3
    for take, hole in zip(stack, holes, strict=True):
        take[:, hole] = np.nan
    got = median(stack, range(6), 3)
    many = (~holes).sum(axis=0) >= 3
    expected = np.nanmedian(np.stack(stack)[:, :, many], axis=0)
    assert np.allclose(got.values[:, many], expected, atol=1e-6)
    assert np.array_equal(got.takes[many], (~holes).sum(axis=0)[many])


def test_too_few_takes_give_the_best_one():
    stack = takes(3)
    stack[0][:, :100] = np.nan
    stack[2][:, :200] = np.nan
    stack[1][:, :50] = np.nan
    got = median(stack, [3, 2, 1], 3)
    assert (got.takes[:50] == 0).all()
    assert (got.nearest[:50] == -1).all()
    assert np.isnan(got.values[:, :50]).all()
    assert np.array_equal(got.values[:, 50:100], stack[1][:, 50:100])
    assert (got.nearest[50:100] == 1).all()
    assert np.array_equal(got.values[:, 100:200], stack[0][:, 100:200])  # two takes: no median, the best
    assert (got.takes[100:200] == 1).all()
    assert (got.takes[200:] == 3).all()


def test_what_stood_there_on_one_day_only_is_gone_and_that_day_is_no_proof_of_absence():
    stack = takes(4)
    stack[1][:, 10:30, 10:30] = 0.9  # the newest of four: a lorry, or already the building
    got = median(stack, [5, 9, 3, 1], 3)
    assert got.values[:, 10:30, 10:30].max() < 0.5
    assert (got.newest[10:30, 10:30] == 0).all()
    assert (got.nearest[10:30, 10:30] != 1).all()
    assert (got.newest[100:] == 1).mean() > 0.95


def test_all_bands_of_a_pixel_are_there_or_none():
    stack = takes(3)
    stack[1][:, 40:60] = np.nan
    got = median(stack, [1, 2, 3], 3)
    assert np.array_equal(np.isnan(got.values).any(axis=0), np.isnan(got.values).all(axis=0))


def test_a_median_of_two_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 3"):
        CompositeOptions(min_takes=2)
