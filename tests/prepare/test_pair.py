"""Pairs: everything wired, every unobserved pixel with its reason, no scene read in vain."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import shapely
from pictures import RGB, band_file, grid, land, scene

from pipeline.errors import ImageryError
from pipeline.imagery import StackOptions
from pipeline.imagery.reader import MemoryReader
from pipeline.prepare import CloudOptions, CompositeOptions, PairOptions, Prior, contradicts, prepare_pair
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
    gain, offset = (np.float32(got.radiometry["bands"]["red"][name]) for name in ("gain", "offset"))
    again = got.before_as_taken["red"].to_numpy() * gain + offset
    assert np.nanmax(np.abs(again - got.before["red"].to_numpy())) < 1e-5
    assert float(got.before_as_taken["red"].std() / got.before["red"].std()) == pytest.approx(0.8, abs=0.02)
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


def test_takes_are_read_by_merit_and_say_why():
    memory = reader(b=before_picture((0, 0)), a=LAND)
    cloudy = scene("c", "2024-05-20", cloud_percent=90.0)  # not in memory: reading it would fail
    got = prepare_pair(
        [cloudy, scene("b", "2024-05-10", cloud_percent=5.0)], [scene("a")], FRAME, RGB, reader=memory, options=OPTIONS
    )
    chosen = got.reasons_chosen
    (take,) = chosen["before"]["takes"]
    assert take["scenes"] == ["S2024-05-10"]
    assert take["px"] == FRAME.rows * FRAME.cols
    assert take["terms"]["age"] == 10
    assert take["terms"]["cloud"] == 2.5
    assert chosen["before"]["unread"] == 1
    assert [choice.sheets[0].scene_id for choice in got.before_choices] == ["S2024-05-10", "S2024-05-20"]
    json.dumps(chosen)


def test_only_what_lies_within_must_be_filled():
    west = before_picture((0, 0))
    west[:, :, 240:] = np.nan  # the window's columns from 200 on are not imaged by the first take
    memory = reader(new=west, a=LAND)
    scenes = [scene("new", "2024-05-01"), scene("old", "2024-04-01")]  # the older one is not in memory
    corridor = shapely.box(*grid(300, 150).bounds_m)
    got = prepare_pair(scenes, [scene("a")], FRAME, RGB, reader=memory, options=OPTIONS, within=corridor)
    assert got.observed[:, :150].all()
    assert got.reasons["no_image"][:, 205:].all()
    with pytest.raises(ImageryError, match="no such array"):
        prepare_pair(scenes, [scene("a")], FRAME, RGB, reader=memory, options=OPTIONS)


def test_median_of_takes_says_what_it_rests_on_and_when_it_was_last_so():
    takes = {f"b{k}": before_picture((0.0, 0.0), 0.8 + 0.1 * k, 0.02 * k) for k in range(4)}
    takes["b3"][:, 100:160, 100:170] = 0.9  # the newest shows a hall that the others do not
    takes["b0"][:, :, 300:] = np.nan
    takes["b1"][:, :, 300:] = np.nan
    days = [f"2024-0{k + 1}-15" for k in range(4)]
    scenes = [scene(f"b{k}", day) for k, day in enumerate(days)]
    options = OPTIONS.model_copy(update={"composite": CompositeOptions(use="median")})
    got = prepare_pair(scenes, [scene("a")], FRAME, RGB, reader=reader(a=LAND, **takes), options=options)
    assert got.observed.all()
    assert (got.before_takes[:, :258] == 4).all()
    assert (got.before_takes[:, 262:] == 1).all()  # two takes are no median: the best one's pixel
    hall = (slice(65, 115), slice(65, 125))
    assert np.median(np.abs(got.before["red"].to_numpy()[hall] - got.after["red"].to_numpy()[hall])) < 0.02
    newest = {got.before_scenes[k].scene_id for k in np.unique(got.before_newest[hall])}
    assert newest == {"S2024-03-15"}
    clear = got.before_newest[150:, :250]
    assert got.before_scenes[int(np.bincount(clear.ravel()).argmax())].scene_id == "S2024-04-15"
    assert sum(layer.pixels for layer in got.before_layers) == FRAME.rows * FRAME.cols


def test_newest_is_what_a_plain_mosaic_rests_on():
    got = prepare_pair(
        [scene("b", "2024-04-01")], [scene("a")], FRAME, RGB,
        reader=reader(b=before_picture((0, 0)), a=LAND), options=OPTIONS,
    )  # fmt: skip
    assert np.array_equal(got.before_newest, got.before_source)
    assert (got.before_takes == 1).all()


def test_cloud_without_a_mask_gives_way_to_the_take_before():
    """A soft cloud over the newest later image: found by the earlier date, filled from an older clear take."""
    place = grid(700, 700, west_m=519_980.0, north_m=3_800_020.0)
    ground = land(700, 700, seed=4)
    rows, cols = np.mgrid[:700, :700]
    opacity = np.clip((230 - np.hypot(rows - 330, cols - 350)) / 80, 0, 1).astype(np.float32)
    cloudy = ground * (1 - opacity) + 0.95 * opacity
    earlier = ground * np.float32(0.8) + np.float32(0.05)
    arrays = {"b": earlier, "new": cloudy.astype(np.float32), "old": ground * np.float32(0.9)}
    memory = MemoryReader({name: (picture, place) for name, picture in arrays.items()})
    frame = grid(600, 600)
    later = [scene("new", "2024-10-20"), scene("old", "2024-10-01")]
    before = [scene("b", "2024-04-01")]
    got = prepare_pair(before, later, frame, RGB, reader=memory)
    assert got.observed.mean() > 0.99
    assert got.scene_at("after", opacity[40:640, 40:640] > 0.6).scene_id == "S2024-10-01"
    assert got.scene_at("after", opacity[40:640, 40:640] == 0).scene_id == "S2024-10-20"
    assert got.reasons_chosen["after"]["takes"][0]["sky"]["cloud"] > 0.1
    assert [href for href, _ in memory.log] == ["new", "b", "old"]  # the earlier take was read once
    alone = prepare_pair(before, later[:1], frame, RGB, reader=memory)
    assert alone.reasons["cloud"][opacity[40:640, 40:640] > 0.6].mean() > 0.95
    off = PairOptions(clouds=CloudOptions(use="mask"))
    assert prepare_pair(before, later[:1], frame, RGB, reader=memory, options=off).observed.all()


def test_masks_are_not_read_where_clouds_are_off():
    masked = scene("b", "2024-04-01", mask=band_file("lost"), mask_bad=frozenset({9}))
    off = OPTIONS.model_copy(update={"clouds": CloudOptions(use="off")})
    memory = reader(b=before_picture((0, 0)), a=LAND)
    assert prepare_pair([masked], [scene("a")], FRAME, RGB, reader=memory, options=off).observed.all()


def test_sentinel2_dates_of_which_one_kept_its_offset_are_refused_with_the_remedy():
    memory = reader(b=LAND + np.float32(0.1), a=LAND)
    sensor = {"sensor": "sentinel-2a"}
    with pytest.raises(ImageryError, match=r"S2024-04-01.*offset of 0\.1.*boa_offset_applied"):
        prepare_pair(
            [scene("b", "2024-04-01", **sensor)], [scene("a", **sensor)], FRAME, RGB, reader=memory, options=OPTIONS
        )
    assert prepare_pair(
        [scene("b", "2024-04-01")], [scene("a")], FRAME, RGB, reader=memory, options=OPTIONS
    ).observed.all()


def test_pairs_survive_another_process():
    got = prepare_pair(
        [scene("b", "2024-04-01")], [scene("a")], FRAME, RGB,
        reader=reader(b=before_picture((0, 0)), a=LAND), options=OPTIONS,
    )  # fmt: skip
    assert pickle.loads(pickle.dumps(got)).reasons_chosen == got.reasons_chosen  # noqa: S301


def flat() -> MemoryReader:
    """Two dates of a field without an edge."""
    return reader(b=np.full_like(LAND, 0.25), a=np.full_like(LAND, 0.25))


def test_a_window_that_says_nothing_takes_the_shift_that_others_gave_of_the_same_two_takes() -> None:
    scenes = [scene("b", "2024-04-01")], [scene("a")]
    alone = prepare_pair(*scenes, FRAME, RGB, reader=flat(), options=OPTIONS)
    assert alone.reasons["shift"].all()
    (layer,) = alone.laid
    assert (layer.take, layer.laid_on, layer.error_px) == ("S2024-04-01", "S2024-10-01", np.inf)
    prior = Prior((1.2, -0.7), 0.2)
    told = prepare_pair(
        *scenes, FRAME, RGB, reader=flat(), options=OPTIONS, priors={(layer.take, layer.laid_on): prior}
    )
    assert told.observed.all()
    assert told.registration.from_prior
    assert told.registration.shift_px == (1.2, -0.7)
    assert told.main.error_px == prior.error_px
    other = {("S2024-04-01", "S2024-10-02"): prior, ("S2024-10-01", "S2024-04-01"): prior}
    assert not prepare_pair(*scenes, FRAME, RGB, reader=flat(), options=OPTIONS, priors=other).observed.any()


def test_a_prior_does_not_touch_a_window_that_measures_by_itself() -> None:
    scenes, memory = ([scene("b", "2024-04-01")], [scene("a")]), reader(b=before_picture(), a=LAND)
    prior = {("S2024-04-01", "S2024-10-01"): Prior((0.0, 0.0), 0.1)}
    own = prepare_pair(*scenes, FRAME, RGB, reader=memory, options=OPTIONS)
    asked = prepare_pair(*scenes, FRAME, RGB, reader=memory, options=OPTIONS, priors=prior)
    assert asked.registration.shift_px == own.registration.shift_px
    assert np.array_equal(asked.before["red"], own.before["red"])


@pytest.mark.parametrize(
    ("shift_px", "error_px", "confidence", "sigma_px", "expected"),
    [
        ((-13.8, -6.9), 0.4, 0.92, 0.1, True),
        ((-13.8, -6.9), 0.02, 0.99, 0.1, False),  # the ground may well lie otherwise here
        ((0.8, -1.2), 0.4, 0.92, 0.1, False),  # within what both may err by
        ((-13.8, -6.9), 0.4, 0.92, 0.4, False),  # the others are at odds themselves
    ],
)
def test_a_weak_measure_is_contradicted_by_what_the_others_agree_on(
    shift_px: tuple[float, float], error_px: float, confidence: float, sigma_px: float, expected: bool
) -> None:
    assert contradicts(shift_px, error_px, confidence, Prior((0.2, -1.2), sigma_px), 1.0) is expected


def test_bands_are_measured_of_the_scenes_asked_for() -> None:
    apart = LAND.copy()
    apart[0] = moved(LAND[0], (0.8, -0.6))
    got = prepare_pair(
        [scene("b", "2024-04-01")], [scene("a")], FRAME, RGB,
        reader=reader(b=apart, a=LAND), options=OPTIONS, bands_of={"S2024-04-01"},
    )  # fmt: skip
    (before,), (after,) = got.before_layers, got.after_layers
    assert not after.bands
    assert (before.bands["red"]["rows_px"], before.bands["red"]["cols_px"]) == pytest.approx((0.8, -0.6), abs=0.15)
    assert np.hypot(before.bands["blue"]["rows_px"], before.bands["blue"]["cols_px"]) < 0.1
