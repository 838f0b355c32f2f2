"""Pairs: everything wired, every unobserved pixel with its reason, no scene read in vain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pictures import RGB, band_file, grid, land, scene

from pipeline.imagery import StackOptions
from pipeline.imagery.reader import MemoryReader
from pipeline.prepare import PairOptions, prepare_pair
from pipeline.prepare.resample import moved

WIDE = grid(400, 400, west_m=519_980.0, north_m=3_800_020.0)
FRAME = grid(300, 300)
LAND = land(400, 400, seed=4)
OPTIONS = PairOptions(stack=StackOptions(mask_margin_m=0))


def before_picture(shift_px=(-1.4, 2.2), gain=0.8, offset=0.05) -> np.ndarray:
    return np.stack([moved(band, shift_px) for band in LAND]) * np.float32(gain) + np.float32(offset)


def reader(**pictures: np.ndarray) -> MemoryReader:
    return MemoryReader({name: (picture, WIDE) for name, picture in pictures.items()})


def test_before_is_laid_on_after_in_its_radiometry():
    got = prepare_pair(
        [scene("b", "2024-04-01")], [scene("a", "2024-10-01")], FRAME, RGB,
        reader=reader(b=before_picture(), a=LAND), options=OPTIONS,
    )  # fmt: skip
    assert got.observed.all()  # the margin filled what moved out
    assert got.registration.shift_px == pytest.approx((1.4, -2.2), abs=0.1)
    assert got.radiometry["fitted"]
    assert got.before["red"].shape == FRAME.shape
    assert np.array_equal(got.before["x"], FRAME.x_m)
    for name in RGB:
        assert np.median(np.abs(got.before[name] - got.after[name])) < 0.01
    assert [s.scene_id for s in got.before_scenes] == ["S2024-04-01"]
    assert got.scene_at("before", np.ones(FRAME.shape, bool)).scene_id == "S2024-04-01"
    assert got.scene_at("after", np.zeros(FRAME.shape, bool)) is None


def test_reasons_and_observed_partition_the_window():
    clouds = np.zeros((1, 400, 400), np.uint8)
    clouds[0, 60:120, 60:160] = 9
    after = LAND.copy()
    after[:, :, 250:] = np.nan
    got = prepare_pair(
        [scene("b", "2024-04-01", mask=band_file("m"), mask_bad=frozenset({9}))], [scene("a")], FRAME, RGB,
        reader=reader(b=before_picture((0, 0)), a=after, m=clouds), options=OPTIONS,
    )  # fmt: skip
    assert np.array_equal(sum(part.astype(int) for part in (got.observed, *got.reasons.values())), np.ones(FRAME.shape))
    assert got.reasons["cloud"][20:80, 20:120].all()
    assert got.reasons["cloud"].sum() == 60 * 100
    assert got.reasons["no_image"][:, 210:].all()
    assert got.reasons["no_image"].sum() == 300 * 90
    assert not got.reasons["shift"].any()
    assert np.array_equal(got.observed, np.isfinite(got.before["red"]) & np.isfinite(got.after["red"]))


def test_image_too_far_off_is_refused_with_the_reason():
    far = np.roll(LAND, (30, 18), axis=(1, 2))
    got = prepare_pair(
        [scene("b", "2024-04-01")], [scene("a")], FRAME, RGB, reader=reader(b=far, a=LAND), options=OPTIONS
    )
    assert got.reasons["shift"].all()
    assert got.registration.refused
    assert np.isnan(got.before["red"]).all()
    assert np.isfinite(got.after["red"]).all()


def test_refused_newest_gives_way_to_an_older_one():
    far = np.roll(LAND, (30, 18), axis=(1, 2))
    scenes = [scene("far", "2024-05-01"), scene("b", "2024-04-01")]
    got = prepare_pair(
        scenes, [scene("a")], FRAME, RGB, reader=reader(far=far, b=before_picture(), a=LAND), options=OPTIONS
    )
    assert got.observed.all()
    assert not got.registration.refused
    assert got.scene_at("before", got.observed).scene_id == "S2024-04-01"


def test_hole_is_filled_from_the_older_scene_without_a_seam():
    newer, older = before_picture((0.0, 0.0), 1.0, 0.0), before_picture((1.5, -1.0), 0.7, 0.1)
    newer[:, :, :200] = np.nan
    scenes = [scene("new", "2024-05-01"), scene("old", "2024-04-01")]
    got = prepare_pair(scenes, [scene("a")], FRAME, RGB, reader=reader(new=newer, old=older, a=LAND), options=OPTIONS)
    assert got.observed.all()
    assert (got.before_source[:, :159] == 1).all()
    assert (got.before_source[:, 161:] == 0).all()
    for part in (slice(None, 150), slice(170, None)):
        assert np.median(np.abs(got.before["red"][:, part] - got.after["red"][:, part])) < 0.01


def test_reading_stops_when_no_hole_is_left():
    memory = reader(a=LAND, b=before_picture())
    prepare_pair(
        [scene("b", f"2024-04-0{day}") for day in (1, 2, 3)], [scene("a")], FRAME, RGB, reader=memory, options=OPTIONS
    )
    assert [href for href, _ in memory.log] == ["a", "b"]


def test_no_scenes_is_no_error():
    got = prepare_pair([], [scene("a")], FRAME, RGB, reader=reader(a=LAND), options=OPTIONS)
    assert got.reasons["no_image"].all()
    assert got.registration is None
    assert got.radiometry == {}
    assert not got.observed.any()


def test_sheets_of_one_take_are_registered_as_one_picture():
    """A sheet's sliver in a window is too small to be registered alone; its take is not."""
    west, east = before_picture(), before_picture()
    west[:, :, 130:] = np.nan
    east[:, :, :130] = np.nan
    sheets = [scene("w", "2024-04-01"), scene("e", "2024-04-01")]
    sheets = [replace(s, scene_id=f"{s.scene_id}-{name}") for s, name in zip(sheets, "we", strict=True)]
    got = prepare_pair(
        sheets, [scene("a", "2024-10-01")], FRAME, RGB,
        reader=reader(w=west, e=east, a=LAND), options=OPTIONS,
    )  # fmt: skip
    assert len({layer.registration.measured_px for layer in got.before_layers}) == 1
    assert got.registration.shift_px == pytest.approx((1.4, -2.2), abs=0.1)
    left, right = (np.zeros(FRAME.shape, bool) for _ in range(2))
    left[:, :100], right[:, 130:] = True, True
    assert got.scene_at("before", left).scene_id.endswith("-w")
    assert got.scene_at("before", right).scene_id.endswith("-e")
    assert got.observed.mean() > 0.97
