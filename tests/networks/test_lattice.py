"""Pieces make up the whole, and pixels lie where the ground says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.grid import Grid
from pipeline.networks.lattice import cuts, margins, resampled, snapped

GRID = Grid(4548, 500_003.0, 3_800_001.0, 0.5, 90, 70)


@given(st.integers(1, 400), st.integers(3, 60), st.integers(0, 20))
def test_cuts_partition_the_length_and_keep_their_margins(length: int, size: int, half: int) -> None:
    size += 2 * half
    pieces = cuts(length, size, 2 * half)
    assert [first for _, first, _ in pieces] == [0, *(stop for *_, stop in pieces[:-1])]
    assert pieces[-1][2] == length
    for start, first, stop in pieces:
        assert first < stop
        assert first == 0 or first - start >= half
        assert stop == length or start + size - stop >= half
        assert start + size <= max(length, size)


@pytest.mark.parametrize("multiple", [1, 8, 32])
def test_a_padded_window_starts_and_ends_at_multiples_from_the_origin(multiple: int) -> None:
    (north, south), (west, east) = margins(GRID, multiple, (0, 0))
    assert ((GRID.west_m / 0.5) - west) % multiple == 0
    assert ((-GRID.north_m / 0.5) - north) % multiple == 0
    assert (north + 90 + south) % multiple == (west + 70 + east) % multiple == 0
    assert max(north, south, west, east) < multiple


def test_a_network_of_one_size_gets_windows_that_are_large_enough() -> None:
    (north, south), (west, east) = margins(GRID, 32, (256, 64))
    assert north + 90 + south == 256
    assert west + 70 + east >= 64


def test_the_working_grid_covers_the_window_and_starts_at_multiples() -> None:
    work = snapped(Grid(4548, 500_000.25, 3_800_000.75, 0.25, 41, 30), 0.6)
    assert work.footprint.buffer(1e-6).contains(Grid(4548, 500_000.25, 3_800_000.75, 0.25, 41, 30).footprint)
    assert round(work.west_m / 0.6, 6) % 1 == round(work.north_m / 0.6, 6) % 1 == 0


def test_averaging_to_whole_multiples_is_the_mean_of_blocks() -> None:
    image = np.random.default_rng(0).random((2, 8, 12), np.float32)
    fine = Grid(4548, 500_000, 3_800_000, 0.25, 8, 12)
    coarse = resampled(image, fine, Grid(4548, 500_000, 3_800_000, 0.5, 4, 6))
    np.testing.assert_allclose(coarse, image.reshape(2, 4, 2, 6, 2).mean(axis=(2, 4)), rtol=1e-6)


@pytest.mark.parametrize(("pixel_m", "work_m"), [(0.3, 0.5), (0.5, 1.3), (0.8, 0.5), (0.5, 0.5)])
def test_a_ramp_keeps_its_place_both_ways(pixel_m: float, work_m: float) -> None:
    """A plane has the same values on every grid; a shift by half a pixel would show."""
    grid = Grid(4548, 500_000.1, 3_800_000.2, pixel_m, 60, 50)

    def ramp(of: Grid) -> np.ndarray:
        return ((of.x_m[None, :] - 500_000) + 2 * (3_800_000 - of.y_m[:, None]))[None].astype(np.float32)

    work = snapped(grid, work_m)
    there = resampled(ramp(grid), grid, work)
    apart = [(there - ramp(work))[0, 3:-3, 3:-3], (resampled(there, work, grid) - ramp(grid))[0, 8:-8, 8:-8]]
    for error in apart:  # pixels that are cut by a larger one count with their whole value: a wobble, no shift
        assert abs(error.mean()) < 0.02 * min(pixel_m, work_m)
        assert abs(error).max() < 0.5 * min(pixel_m, work_m)
