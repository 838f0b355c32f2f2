"""The bench of grain on real roads, without its pictures: coordinates, painting, counting, figures."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, box

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))

from grain import exposure, page, paint, pictures, places, score, strips  # noqa: E402
from grain.controls import CONTROLS  # noqa: E402
from grain.frame import Frame  # noqa: E402

from pipeline.detectors.base import View  # noqa: E402
from pipeline.errors import ConfigError  # noqa: E402
from pipeline.model.grid import Grid  # noqa: E402

WORK_M = 0.5


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def road() -> Frame:
    """A straight road of 8 m along row 60 of a picture of 240 x 400 pixels at 0.5 m."""
    return Frame.of(LineString([(0, 60), (200, 60)]), 8.0, "asphalt")


def canvas_on(frame: Frame, rng: np.random.Generator, tone: float = 0.35) -> paint.Canvas:
    image = np.full((240, 400, 3), tone, np.float32)
    return paint.Canvas.of(image, frame, frame.near(image.shape[:2], WORK_M), rng)


def test_road_coordinates_are_metres_along_and_across(road):
    near = road.near((240, 400), WORK_M)
    rows, cols = np.unravel_index(near.flat, (240, 400))
    np.testing.assert_allclose(near.along, (cols + 0.5) * WORK_M, atol=0.02)
    np.testing.assert_allclose(
        near.across, (rows + 0.5) * WORK_M - 60, atol=0.02
    )  # y runs down: right of eastward is south
    xy = road.at(np.array([30.0]), np.array([2.0]))
    np.testing.assert_allclose(xy, [[30, 62]], atol=0.02)


def test_a_bend_keeps_its_length_and_its_sides():
    angle = np.linspace(0, np.pi / 2, 60)
    frame = Frame.of(LineString(np.column_stack([100 * np.sin(angle), 120 - 100 * np.cos(angle)])), 8.0, "asphalt")
    assert frame.length_m == pytest.approx(50 * np.pi, rel=0.01)
    inside = frame.at(np.array([78.0]), np.array([5.0]))[
        0
    ]  # it turns to the right, y down: the centre lies to the right
    assert np.hypot(inside[0], inside[1] - 120) == pytest.approx(95, abs=0.3)


def test_tones_follow_the_ratio_of_reflectances(road, rng):
    canvas = canvas_on(road, rng)
    twice = canvas.road * np.array([2.0, 1.5, 1.0])
    on = np.abs(canvas.near.across) < 3
    np.testing.assert_allclose(
        canvas.tone(twice)[on].mean(axis=0) / 0.35, np.array([2.0, 1.5, 1.0]) ** canvas.gamma, rtol=0.02
    )


def test_shade_of_the_road_stays_on_the_grain(road, rng):
    image = np.full((240, 400, 3), 0.35, np.float32)
    image[:, 200:] *= 0.5
    canvas = paint.Canvas.of(image, road, road.near(image.shape[:2], WORK_M), rng)
    tone, on = canvas.tone(np.array([0.37, 0.26, 0.17])), np.abs(canvas.near.across) < 3
    light, dark = (tone[on & part].mean() for part in (canvas.near.along < 90, canvas.near.along > 110))
    assert dark < 0.75 * light


@pytest.mark.parametrize("crop", strips.CROPS)
def test_grain_is_yellower_than_the_road_and_lies_where_the_truth_says(road, rng, crop):
    canvas = canvas_on(road, rng)
    plain = canvas.image.copy()
    spreads = strips.plan(rng, road, crop)
    for strip in spreads:
        strips.lay(rng, canvas, strip)
    changed = np.abs(canvas.image - plain).sum(axis=2) > 0.05
    inside = np.zeros_like(changed)
    for strip in spreads:
        near = canvas.near
        beside = near.across * strip.side
        at = (
            (near.along > strip.start_m)
            & (near.along < strip.end_m)
            & (beside > strip.inner.min())
            & (beside < strip.outer.max())
        )
        inside.ravel()[near.flat[at]] = True
    assert changed[inside].mean() > 0.5
    assert changed[~inside].mean() < 0.01
    warm = np.log(canvas.image[..., 0] / canvas.image[..., 2])
    assert np.median(warm[changed & inside]) > 0.1


def test_spreads_are_of_the_sizes_that_are_told():
    frame = Frame.of(LineString([(0, 60), (900, 60)]), 9.0, "asphalt")
    made = [one for seed in range(40) for one in strips.plan(np.random.default_rng(seed), frame, "wheat")]
    lengths, widths = ([getattr(one, name) for one in made] for name in ("length_m", "width_m"))
    assert strips.LENGTH_M[0] <= min(lengths) < 40 < 120 < max(lengths) <= strips.LENGTH_M[1]
    assert strips.WIDTH_M[0] <= min(widths) < 2 < 4 < max(widths) <= strips.WIDTH_M[1]
    for one in made:
        assert one.outer.max() < frame.half_m + 0.6  # on the pavement, but for a wavering edge
        assert one.outline(frame).area == pytest.approx(one.length_m * one.width_m, rel=0.25)


@pytest.mark.parametrize("name", CONTROLS)
def test_each_control_changes_the_road_or_its_side_and_nothing_else(road, rng, name):
    canvas = canvas_on(road, rng)
    plain = canvas.image.copy()
    CONTROLS[name](rng, canvas)
    changed = np.abs(canvas.image - plain).sum(axis=2) > 0.02
    assert changed.any()
    rows = np.flatnonzero(changed.any(axis=1))
    assert abs((rows + 0.5) * WORK_M - 60).max() <= road.half_m + 14.5
    assert canvas.image.min() >= 0
    assert canvas.image.max() <= 1


def test_coarser_pixels_are_means_with_noise(rng):
    image = rng.uniform(0.2, 0.8, (90, 120, 3)).astype(np.float32)
    coarse = exposure.sensed(rng, image, 3)
    assert coarse.shape == (30, 40, 3)
    gap = coarse - image.reshape(30, 3, 40, 3, 3).mean(axis=(1, 3))
    assert abs(gap.mean()) < 1e-3
    assert 0.001 < gap.std() < 0.02


def test_a_second_shot_differs_in_light_and_not_in_place(rng):
    image = np.tile(np.linspace(0.1, 0.8, 200, dtype=np.float32)[None, :, None], (120, 1, 3))
    again = exposure.reshot(rng, image)
    assert np.abs(again - image).mean() > 0.005
    assert np.corrcoef(again[..., 1].ravel(), image[..., 1].ravel())[0, 1] > 0.98


def test_whole_origins_are_left_out_together():
    known = pictures.all_scenes()
    assert {pictures.fold_of(name) for name in known} == {0, 1, 2}
    assert pictures.fold_of("levir/val_27_0000_0256") == pictures.fold_of("roadside_vhr/roadside_vhr~exchanged")
    with pytest.raises(ConfigError, match="no scene 'levir/nowhere'"):
        pictures.scene_of("levir/nowhere")


def test_roads_are_drawn_with_a_surface_a_width_and_what_was_there_before():
    for scene in pictures.all_scenes().values():
        for one in scene.stretches:
            assert one.surface in page.SURFACES
            assert one.before in ("none", "same", "concrete", "absent", "narrower", "base course")
            assert (one.before == "none") == (scene.dates == 1)
            assert 2.5 <= one.width_m <= 20
            assert one.line_px.length * scene.pixel_m > 20
            assert one.line_px.is_simple


def test_exchanged_pairs_take_the_surface_of_the_earlier_date():
    scene = pictures.scene_of("roadside_vhr/roadside_vhr~exchanged")
    assert {one.surface_of(scene.exchanged) for one in scene.stretches} == {"concrete"}
    assert all(one.lasting for one in scene.stretches)


def test_coarse_pictures_are_not_shown_fine():
    assert not pictures.can_show(pictures.scene_of("sztaki/Tiszadob_1"), 1.0)
    assert pictures.can_show(pictures.scene_of("sztaki/Tiszadob_1"), 2.0)
    assert list(places.views("dsifn/1_1", 0.5, 1)) == []


def scored(found: list, confidence: list[float]) -> score.Tally:
    """A road along y = -50 with one spread from 20 to 80 m, 2 m wide, and findings."""
    grid = Grid(places.EPSG, 0.0, 0.0, 0.5, 200, 400)
    roads = gpd.GeoDataFrame({"route_key": ["X"]}, geometry=[LineString([(-10, -50), (210, -50)])], crs=places.EPSG)
    day = dt.date(2024, 6, 8)
    extra = {"surface": ["asphalt"], "lasting": [True], "controls": [("sand",)], "earlier": "as it lies: no texture"}
    view = View(grid, None, None, {}, roads, day, day, extra=extra)
    truth = gpd.GeoDataFrame(
        {"crop": ["rice"], "surface": ["asphalt"], "length_m": [60.0], "width_m": [2.0], "road": [0],
         "axis": [LineString([(20, -52), (80, -52)])]},
        geometry=[box(20, -53, 80, -51)], crs=places.EPSG,
    )  # fmt: skip
    table = gpd.GeoDataFrame({"kind": "grain_drying", "confidence": confidence}, geometry=found, crs=places.EPSG)
    return score.counted(view, truth, table)


def test_a_spread_is_found_by_a_third_of_its_length_and_measured_past_its_ends():
    one = scored([box(30, -53, 90, -51), box(150, -53, 180, -51)], [0.9, 0.8])
    assert one.truth["covered"].iloc[0] == pytest.approx(52 / 60, abs=0.02)
    assert one.truth["seen_m"].iloc[0] == pytest.approx(60, abs=0.5)
    assert one.truth["found"].tolist() == [True]
    assert one.truth["sure"].tolist() == [0.9]
    assert one.found["right"].tolist() == [True, False]
    assert one.roads["km"].tolist() == pytest.approx([0.2])
    assert one.roads["earlier"].tolist() == ["as it lies"]


def test_what_is_not_sure_or_too_short_finds_nothing():
    unsure = scored([box(30, -53, 90, -51)], [0.4])
    assert unsure.truth["found"].tolist() == [False]
    assert unsure.truth["sure"].tolist() == [0.4]
    assert scored([box(30, -53, 40, -51)], [0.9]).truth["found"].tolist() == [False]
    assert scored([], []).truth["seen_m"].tolist() == [0.0]


def test_upper_bound_of_a_rate_and_intervals_over_places():
    assert score.poisson_upper(0, 1.0) == pytest.approx(2.996, abs=1e-3)
    assert score.poisson_upper(3, 10.0) == pytest.approx(0.7754, abs=1e-3)
    hits, place = pd.Series([True, True, False, True]), pd.Series(["a", "a", "b", "c"])
    drawn = score.share(hits, place)
    assert drawn[0] == 0.75
    assert drawn[1:].min() < 0.5 < 1.0 == drawn[1:].max()
    assert score.median(pd.Series([0.1, 0.5, 0.2]), pd.Series(["a", "b", "c"]))[0] == 0.2
    assert score.per(pd.Series([1.0, 0.0]), pd.Series([2.0, 3.0]), pd.Series(["a", "b"]))[0] == pytest.approx(0.2)


def test_weights_are_those_that_never_saw_the_fold(tmp_path):
    name = "whu/train_2"
    assert score.weights_file(None, name) is None
    assert score.weights_file(tmp_path, name) is None
    file = tmp_path / f"without_fold_{pictures.fold_of(name)}.json"
    file.write_text("{}", encoding="utf-8")
    assert score.weights_file(tmp_path, name) == file
    assert score.weights_file(tmp_path, "levir/val_27_0000_0256") is None


def test_what_stands_beside_a_road_stands_on_no_other():
    frames = [Frame.of(LineString([(0, y), (200, y)]), 8.0, "asphalt") for y in (50, 62)]  # edges 4 m apart
    near = [frame.near((240, 400), WORK_M) for frame in frames]
    own = places._own_ground(frames, near, (240, 400))
    on_other = np.abs(own[0].across - 12) < 3.7
    assert (np.abs(near[0].across - 12) < 3.7).any()
    assert not on_other.any()
    assert np.isclose(np.abs(own[0].across), 6, atol=0.3).any()  # the ground between them is painted on


def test_the_page_tells_what_was_counted(monkeypatch):
    key = {"scene": "s/a", "place": "s/a", "pixel_m": 0.5, "attempted": True}
    grain, clean = scored([box(30, -53, 90, -51)], [0.9]), scored([box(150, -53, 180, -51)], [0.8])
    parts = []
    for one, kind, seed in ((grain, "grain", 1), (clean, "controls", 1), (clean, "untouched", 1)):
        truth = one.truth if kind == "grain" else one.truth[:0]
        told = (t.assign(**key, view=kind, seed=seed) for t in (truth, one.found, one.roads))
        parts.append(score.Tally(*told))
    parts[1].roads["earlier"] = "measured"
    monkeypatch.setattr(page, "_data", lambda *_: "")
    text = page.render(score.Tally.of(parts), 2.5, False, {"grain": (1,)})
    assert "| 0.5 | asphalt | – | 1.00 (1.00–1.00) of 1 | – | 1.00 (1.00–1.00) of 1 |" in text
    assert "5.00 (5.00–5.00); 1 in 0.2 km" in text  # with controls; and of the refused pair
    assert f"| refused pairs | finest | 1 | 0.2 | 1 | 5.00 | {score.poisson_upper(1, 0.2):.2f} |" in text
    assert "3 findings; expected calibration error" in text
