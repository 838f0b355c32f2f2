"""Quality files: numbers looked up in a table are those that comparing one by one finds."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import RGB, band_file, grid, scene

from pipeline.imagery.masks import called_bad, clouded
from pipeline.imagery.reader import MemoryReader
from pipeline.imagery.stack import StackOptions, scene_pixels

KINDS = {
    "classes": lambda rng: rng.integers(0, 12, (40, 50)),
    "two bytes": lambda rng: rng.integers(0, 65_536, (40, 50)),
    "more than two bytes": lambda rng: rng.integers(0, 200_000, (40, 50)),
    "below zero": lambda rng: rng.integers(-6, 6, (40, 50)),
    "parts of one": lambda rng: rng.integers(0, 12, (40, 50)) / 2,
    "all clear": lambda _: np.zeros((40, 50)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("numbers", "bits"), [(range(1, 256), 0), ((1, 3), 0b110), ((), 0b1000), ((0, 9), 0), ((), 0)])
def test_a_table_says_what_comparing_says(kind: str, numbers: range, bits: int) -> None:
    quality = KINDS[kind](np.random.default_rng(1)).astype(np.float32)
    plain = np.isin(quality, list(numbers)) | ((quality.astype(np.int64) & bits) != 0)
    assert np.array_equal(called_bad(quality, frozenset(numbers), bits), plain)


def test_a_scene_that_ends_in_the_window_is_masked_as_in_the_whole_window() -> None:
    """Only its own part is looked at; cloud beyond the part's edge reaches in all the same."""
    frame, margin_m = grid(80, 100), 6.0
    rng = np.random.default_rng(2)
    numbers = rng.integers(1, 9000, (3, 80, 100)).astype(np.uint16)
    numbers[:, :, 55:] = 0  # the sheet ends here
    quality = (rng.random((1, 80, 100)) > 0.995).astype(np.uint8)
    quality[0, 30, 57] = 1
    reader = MemoryReader({"sheet": (numbers, frame), "quality": (quality, frame)})
    files = {name: band_file("sheet", name, k) for k, name in enumerate(RGB, 1)}
    one = scene("sheet", files=files, mask=band_file("quality", "mask", 1), mask_bad=frozenset({1}), nodata=0)
    values, bad = scene_pixels(one, frame, RGB, reader=reader, options=StackOptions(mask_margin_m=margin_m))
    there = (numbers != 0).all(axis=0)
    expected = clouded(one, frame, reader, margin_m) & there
    assert bad[:, :55].any()
    assert bad[30, 54]  # of a cloud three columns beyond
    assert np.array_equal(bad, expected)
    assert np.array_equal(np.isfinite(values).all(axis=0), there & ~expected)
