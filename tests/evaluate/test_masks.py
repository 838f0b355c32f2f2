"""Masks and objects against the truth: known answers, laws, and parity with scikit-learn's counts where they are plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.evaluate.masks import f1, match, parts

masks = arrays(bool, (12, 14), elements=st.booleans(), fill=st.nothing())


def drawn(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (40, 40)) -> np.ndarray:
    """Labels from 1, a rectangle (row, col, rows, cols) each."""
    out = np.zeros(shape, np.int32)
    for number, (row, col, rows, cols) in enumerate(boxes, start=1):
        out[row : row + rows, col : col + cols] = number
    return out


def test_f1_of_known_counts_and_of_none() -> None:
    assert f1(np.array([8, 0, 0]), np.array([2, 0, 3]), np.array([2, 0, 0])) == pytest.approx(
        [0.8, np.nan, 0], nan_ok=True
    )


def test_parts_meet_by_edges_and_have_a_least_size() -> None:
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 0]], bool)
    assert parts(mask).max() == 3
    large = parts(mask, min_px=3)
    assert large.max() == 1
    assert (large > 0).sum() == 3


@settings(max_examples=50, deadline=None)
@given(masks)
def test_numbers_of_parts_have_no_gap_and_cover_the_mask(mask: np.ndarray) -> None:
    labels = parts(mask)
    assert ((labels > 0) == mask).all()
    assert set(np.unique(labels)) - {0} == set(range(1, labels.max() + 1))


@settings(max_examples=50, deadline=None)
@given(masks)
def test_a_mask_shows_all_of_itself(mask: np.ndarray) -> None:
    labels = parts(mask)
    result = match(labels, labels, np.ones(labels.max()))
    assert result.right.all()
    assert not result.false.any()
    assert (result.truth_of == np.arange(labels.max())).all()


@settings(max_examples=50, deadline=None)
@given(masks, masks, st.floats(0.05, 0.95), st.integers(0, 2**31))
def test_the_answer_above_a_confidence_is_the_whole_answer_cut_there(
    found: np.ndarray, truth: np.ndarray, cut: float, seed: int
) -> None:
    ours, theirs = parts(found), parts(truth)
    sure = np.random.default_rng(seed).random(ours.max())
    whole = match(ours, theirs, sure, min_truth_px=3)
    kept = match(np.where(np.append(False, sure >= cut)[ours], ours, 0), theirs, sure, min_truth_px=3)
    assert (kept.truth_of[sure >= cut] == whole.truth_of[sure >= cut]).all()
    assert kept.right.sum() <= whole.due.sum()


def test_two_halves_of_one_building_are_one_hit_and_one_false() -> None:
    truth = drawn((5, 5, 10, 20))
    found = drawn((5, 5, 10, 10), (5, 15, 10, 10))
    result = match(found, truth, np.array([0.6, 0.9]))
    assert result.right.tolist() == [False, True]
    assert result.false.tolist() == [True, False]
    assert result.common_px.tolist() == [100, 100]


def test_what_shows_a_building_too_small_to_be_asked_for_is_neither_right_nor_false() -> None:
    truth = drawn((5, 5, 2, 4), (20, 20, 10, 10))
    result = match(truth, truth, np.ones(2), min_truth_px=20)
    assert result.due.tolist() == [False, True]
    assert result.right.tolist() == [False, True]
    assert not result.false.any()


def test_too_little_overlap_is_false_and_a_hidden_label_is_nothing() -> None:
    truth, found = drawn((0, 0, 10, 10)), drawn((0, 8, 10, 10))
    result = match(found, truth, np.ones(2))
    assert result.false.tolist() == [True, False]
    assert result.common_px.tolist() == [20, 0]


def test_nothing_found_and_nothing_true() -> None:
    empty = np.zeros((4, 4), np.int32)
    result = match(empty, empty, np.zeros(0))
    assert len(result.right) == len(result.due) == 0
