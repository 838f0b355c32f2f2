"""Intervals by drawing again, reliability, and the point of the free-response curve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.evaluate.bootstrap import interval, ratio, weights
from pipeline.evaluate.confidence import brier, calibration_error, recall_at, reliability


def test_draws_keep_the_number_of_pictures_and_begin_with_the_sample() -> None:
    drawn = weights(7, draws=50, seed=3)
    assert drawn.shape == (51, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert (drawn[0] == 1).all()
    assert (weights(7, 50, 3) == drawn).all()


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).normal(5, 2, 60)
    value, low, high = interval(weights(60, 4000) @ values / 60)
    peer = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert value == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((peer.low, peer.high), abs=0.05)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        of = random.integers(5, 15, 40)
        right = random.binomial(of, 0.7)
        drawn = weights(40, 400, trial)
        _, low, high = interval((drawn @ right) / (drawn @ of))
        hits += low <= 0.7 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_nothing_to_count_has_no_figure_and_draws_without_any_are_left_out() -> None:
    assert np.isnan(interval(np.array([np.nan, 1.0]))).all()
    assert interval(np.array([0.5, np.nan, 0.5])) == (0.5, 0.5, 0.5)
    assert ratio(np.array([1, 0]), np.array([2, 0])) == pytest.approx([0.5, np.nan], nan_ok=True)


def test_a_confidence_that_keeps_its_promise_is_reliable_and_one_that_boasts_is_not() -> None:
    random = np.random.default_rng(5)
    sure = random.random(20_000)
    right = random.random(20_000) < sure
    honest, boasting = reliability(sure, right), reliability(np.sqrt(sure), right)
    assert calibration_error(honest) < 0.02
    assert calibration_error(boasting) > 0.1
    assert ((honest["low"] <= honest["right"]) & (honest["right"] <= honest["high"])).all()
    assert honest["count"].sum() == 20_000
    assert brier(sure, right) == pytest.approx(1 / 6, abs=0.01)


def test_bins_without_a_finding_are_left_out_and_certainty_is_in_the_last() -> None:
    table = reliability(np.array([0.05, 1.0, 0.97]), np.array([False, True, True]))
    assert table["from"].tolist() == pytest.approx([0.0, 0.9])
    assert table["count"].tolist() == [1, 2]
    assert table["right"].tolist() == [0.0, 1.0]
    assert np.isnan(calibration_error(table.iloc[:0]))


def test_recall_at_a_bearable_number_of_false_alarms() -> None:
    sure = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.3])
    right = np.array([True, False, True, True, False, True])

    def at(allowed: float) -> float:
        one = {"due": np.array([5.0]), "allowed": np.array([allowed]), "weights": np.ones((1, 1))}
        return float(recall_at(sure, right, ~right, np.zeros(6, int), **one)[0])

    assert at(0) == pytest.approx(0.2)
    assert at(1) == pytest.approx(0.4)  # those of 0.6 come together, with a second false one
    assert at(2) == pytest.approx(0.8)


def test_recall_without_a_finding_is_nothing_and_without_a_building_unknown() -> None:
    none = np.zeros(0)
    for due, expected in ((3.0, 0.0), (0.0, np.nan)):
        one = {"due": np.array([due]), "allowed": np.array([9.0]), "weights": np.ones((2, 1))}
        assert recall_at(none, none, none, none.astype(int), **one) == pytest.approx([expected] * 2, nan_ok=True)
