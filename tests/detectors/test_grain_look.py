"""One look for grain: where strips lie along their road, what was seen, and laws of dates, mirrors and windows."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr
from pydantic import ValidationError
from road_scenes import Recipe, make_view, render
from shapely import LineString, MultiLineString

from pipeline.detectors.confidence import Confidence
from pipeline.detectors.grain_drying import GrainDrying, GrainDryingOptions
from pipeline.detectors.grain_options import RainTable
from pipeline.detectors.grain_score import SIGNS
from pipeline.detectors.registry import described, parse_options, resolved
from pipeline.detectors.roadframe import stretch
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid

DETECT = GrainDrying(GrainDryingOptions(min_confidence=0.5))
RECIPE = Recipe(seed=11, length_m=240, depth_m=50, radius_m=2000, strips=2, stripe_m=(2.5, 4.0))


@pytest.fixture(scope="module")
def scene():
    return render(RECIPE)


def looked(view, detect=DETECT):
    return detect.look(view, view.before, view.after, view.after_day)


def bands(dataset) -> np.ndarray:
    return np.stack([dataset[name].values for name in dataset])


class TestLook:
    def test_strips_are_told_by_section_half_and_measure(self, scene):
        look, line = looked(scene.view), scene.view.roads.geometry.iloc[0]
        assert len(look.strips) == 2
        for strip, true, shape in zip(
            sorted(look.strips, key=lambda s: s.from_m), sorted(scene.strips, key=lambda s: s["start"]),
            sorted(scene.truth, key=lambda t: t.bounds[0]), strict=True,
        ):  # fmt: skip
            ends = [line.project(shapely.Point(p)) for p in shapely.get_coordinates(shape)]
            assert strip.kind == "grain_drying"
            assert strip.section == 0
            assert strip.side == ("left" if true["side"] > 0 else "right")
            assert strip.from_m == pytest.approx(min(ends), abs=4)
            assert strip.to_m == pytest.approx(max(ends), abs=4)
            assert strip.evidence["side_of_line"] == strip.side
            assert strip.geometry.intersection(shape).area > 0.6 * shape.area

    def test_the_table_and_the_look_say_the_same(self, scene):
        found, look = DETECT(scene.view).candidates, looked(scene.view)
        assert sorted(found.confidence) == sorted(s.confidence for s in look.strips)
        told = [json.loads(text) for text in found.evidence]
        assert all(any(dict(strip.evidence).items() <= one.items() for one in told) for strip in look.strips)

    def test_the_day_is_that_of_the_look(self, scene):
        view = scene.view
        summer = looked(view)
        winter = DETECT.look(view, view.before, view.after, dt.date(2024, 1, 15))
        assert max(s.confidence for s in winter.strips) < max(s.confidence for s in summer.strips)

    def test_what_a_cloud_hides_is_not_seen(self, scene):
        view = scene.view
        (section, from_m, to_m), = looked(view).seen  # fmt: skip
        assert section == 0
        assert to_m - from_m > 200
        for day in ("before", "after"):
            hidden = getattr(view, day).copy(deep=True)
            for name in hidden:
                hidden[name].values[:, 200:300] = np.nan
            left, right = looked(replace(view, **{day: hidden})).seen
            gap = stretch(view.roads.geometry.iloc[0], left[2], right[1])
            assert gap.length == pytest.approx(50, abs=8)
            assert view.grid.west_m + 95 < gap.bounds[0] < gap.bounds[2] < view.grid.west_m + 155

    def test_what_lies_on_both_dates_is_neither_new_nor_absent(self, scene):
        view = scene.view
        both = looked(replace(view, before=view.after))
        assert not both.strips
        for _, from_m, to_m in both.seen:
            for strip in looked(view).strips:
                middle = (strip.from_m + strip.to_m) / 2
                assert not from_m < middle < to_m

    def test_a_lorry_does_not_make_a_stretch_unseen_but_a_long_shadow_does(self, scene):
        for length_px, stretches in ((12, 1), (80, 2)):
            dark = scene.view.after.copy(deep=True)
            for name in dark:
                dark[name].values[:, 200 : 200 + length_px] *= 0.3
            assert len(looked(replace(scene.view, after=dark)).seen) == stretches

    def test_measures_run_on_from_part_to_part(self):
        line = MultiLineString([[(0, 0), (100, 0)], [(0, 20), (80, 20)]])
        assert stretch(line, 30, 60).equals(LineString([(30, 0), (60, 0)]))
        assert stretch(line, 110, 130).equals(LineString([(10, 20), (30, 20)]))
        assert stretch(line, 90, 120).length == pytest.approx(30)

    def test_strips_on_the_second_carriageway_lie_past_the_length_of_the_first(self, scene):
        view, line = scene.view, scene.view.roads.geometry.iloc[0]
        far = LineString([(view.grid.west_m, view.grid.north_m - 2), (view.grid.west_m + 40, view.grid.north_m - 2)])
        roads = view.roads.set_geometry([MultiLineString([far, line])])
        one = sorted(s.from_m for s in looked(view).strips)
        other = sorted(s.from_m for s in looked(replace(view, roads=roads)).strips)
        np.testing.assert_allclose(other, np.array(one) + far.length, atol=0.6)


class TestLaws:
    def test_dates_exchanged_give_nothing(self, scene):
        view = scene.view
        assert not DETECT.look(view, view.after, view.before, view.after_day).strips

    @pytest.mark.parametrize("pixel_m", [0.5, 1.0])
    def test_a_road_digitised_the_other_way_changes_the_side_alone(self, pixel_m):
        view = render(replace(RECIPE, pixel_m=pixel_m)).view
        back = replace(view, roads=view.roads.set_geometry([view.roads.geometry.iloc[0].reverse()]))
        length = view.roads.geometry.iloc[0].length
        one = sorted(looked(view).strips, key=lambda s: s.from_m)
        other = sorted(looked(back).strips, key=lambda s: -s.from_m)
        assert len(one) == len(other) == 2
        for a, b in zip(one, other, strict=True):
            assert {a.side, b.side} == {"left", "right"}
            assert b.from_m == pytest.approx(length - a.to_m, abs=2.5)
            assert a.confidence == pytest.approx(b.confidence, abs=0.06)
            assert a.geometry.intersection(b.geometry).area > 0.9 * a.geometry.union(b.geometry).area

    def test_a_mirrored_picture_gives_mirrored_strips(self, scene):
        view = scene.view
        middle = (view.grid.bounds_m[0] + view.grid.bounds_m[2]) / 2
        images = [bands(day)[:, :, ::-1] for day in (view.before, view.after)]
        line = shapely.transform(
            view.roads.geometry.iloc[0], lambda xy: np.column_stack([2 * middle - xy[:, 0], xy[:, 1]])
        )
        mirror = make_view(view.grid, *images, line, 9.0)
        one, other = looked(view).strips, looked(mirror).strips
        assert len(one) == len(other) == 2
        for a in one:
            turned = shapely.transform(a.geometry, lambda xy: np.column_stack([2 * middle - xy[:, 0], xy[:, 1]]))
            b = max(other, key=lambda s: s.geometry.intersection(turned).area)
            assert b.geometry.intersection(turned).area > 0.95 * b.geometry.union(turned).area
            assert b.side != a.side
            assert b.confidence == pytest.approx(a.confidence, abs=0.03)

    def test_two_windows_that_overlap_give_the_same_strip(self, scene):
        view, g = scene.view, scene.view.grid
        parts = []
        for left in (0, 14):
            grid = Grid(g.epsg, g.west_m + left * g.pixel_m, g.north_m, g.pixel_m, g.rows, g.cols - 14)
            cut = {"x": slice(left, left + g.cols - 14)}
            parts.append(looked(replace(view, grid=grid, before=view.before.isel(cut), after=view.after.isel(cut))))
        assert len(parts[0].strips) == len(parts[1].strips) == 2
        for a in parts[0].strips:
            b = max(parts[1].strips, key=lambda s: s.geometry.intersection(a.geometry).area)
            assert b.geometry.intersection(a.geometry).area > 0.93 * b.geometry.union(a.geometry).area
            assert b.from_m == pytest.approx(a.from_m, abs=1.5)
            assert b.to_m == pytest.approx(a.to_m, abs=1.5)


class TestCalendar:
    DAYS = tuple(dt.date(2024, 6, day) for day in (1, 5, 20))

    def test_what_the_days_of_rain_say(self):
        options = GrainDryingOptions(rain=self.DAYS)
        said = {day: options.weather(dt.date(2024, 6, day)) for day in (5, 6, 8, 12, 25)} | {
            0: options.weather(dt.date(2024, 5, 30))
        }
        assert said == {5: "wet", 6: "dry after rain", 8: "dry after rain", 12: "dry", 25: "unknown", 0: "unknown"}
        assert GrainDryingOptions().weather(dt.date(2024, 6, 5)) == "unknown"

    @pytest.mark.parametrize(
        ("text", "wet", "dry"),
        [
            ("date\n2024-06-01\n2024-06-05\n2024-06-20\n", 5, 12),
            ("date,mm\n2024-06-04,0\n2024-06-05,7.5\n2024-06-06,0.2\n2024-06-12,0\n2024-06-20,\n", 5, 12),
        ],
    )
    def test_a_table_of_rain(self, tmp_path: Path, text, wet, dry):
        (tmp_path / "rain.csv").write_text(text, encoding="utf-8")
        parsed = parse_options({"use": "grain_drying", "rain": {"path": "rain.csv"}})
        options = resolved(parsed, tmp_path)
        assert options.weather(dt.date(2024, 6, wet)) == "wet"
        assert options.weather(dt.date(2024, 6, dry)) == "dry"

    @pytest.mark.parametrize("text", ["day\n2024-06-01\n", "date\n1.6.2024\n", "date,mm\n2024-06-01,much\n", "date\n"])
    def test_a_table_that_is_none_is_refused_by_name(self, tmp_path: Path, text):
        path = tmp_path / "rain.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"rain\.csv"):
            GrainDrying(GrainDryingOptions(rain=RainTable(path=path)))
        with pytest.raises(ConfigError, match=r"none\.csv"):
            GrainDrying(GrainDryingOptions(rain=RainTable(path=tmp_path / "none.csv")))

    def test_rain_speaks_against_and_a_dry_day_after_it_for(self, scene):
        view, day = scene.view, scene.view.after_day

        def sure(rain):
            strips = looked(view, GrainDrying(GrainDryingOptions(min_confidence=0, rain=rain))).strips
            return max(s.confidence for s in strips)

        silent, wet = sure(None), sure((day,))
        after = sure((day - dt.timedelta(2), day + dt.timedelta(9)))
        unknown = sure((day - dt.timedelta(30),))
        assert wet < silent == unknown < after

    def test_log_odds_have_their_sign(self):
        for key, value in (("wet_day", 1.0), ("out_of_season", 0.5), ("dry_after_rain", -1.0)):
            with pytest.raises(ValidationError):
                GrainDryingOptions(**{key: value})


class TestConfidence:
    def test_the_record_says_how_it_came_about(self):
        told = described(parse_options({"use": "grain_drying"}))
        assert told["file"] == "grain_confidence.json"
        assert len(told["sha256"]) == 64
        assert told["calibration"]["fitted_on"]["strips"]

    def test_the_weights_have_the_signs_that_they_must_have(self):
        weights = DETECT.weights
        assert set(weights.names) == set(SIGNS)
        for name, weight in zip(weights.names, weights.weights, strict=True):
            assert weight * SIGNS[name] >= 0
        assert (np.abs(weights.weights) > 0.05).sum() >= 8

    def test_terms_add_up_to_the_confidence(self, scene):
        for strip in looked(scene.view).strips:
            odds = sum(strip.evidence["cues"].values()) + DETECT.weights.bias
            assert strip.confidence == pytest.approx(1 / (1 + np.exp(-odds)), abs=2e-3)

    def test_weights_of_ones_own(self, scene, tmp_path: Path):
        one = DETECT.weights
        lower = Confidence(one.names, one.mean, one.scale, one.weights, one.bias - 2, {"mine": 1})
        (tmp_path / "mine.json").write_text(json.dumps(lower.to_dict()), encoding="utf-8")
        options = resolved(parse_options({"use": "grain_drying", "confidence": "mine.json"}), tmp_path)
        detector = GrainDrying(options)
        assert max(s.confidence for s in looked(scene.view, detector).strips) < max(
            s.confidence for s in looked(scene.view).strips
        )
        assert detector.described()["calibration"]["fitted_on"] == {"mine": 1}

    def test_weights_of_another_detector_are_refused(self, tmp_path: Path):
        zero = np.zeros(1)
        path = tmp_path / "roof.json"
        path.write_text(
            json.dumps(Confidence(("rectangle",), zero, zero + 1, zero, 0.0, {}).to_dict()), encoding="utf-8"
        )
        with pytest.raises(ConfigError, match=r"roof\.json.*rectangle"):
            GrainDrying(GrainDryingOptions(confidence=path))
        (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"broken\.json"):
            GrainDrying(GrainDryingOptions(confidence=tmp_path / "broken.json"))

    def test_faint_candidates_are_kept_down_to_the_least(self, scene):
        faint = {n: scene.view.before[n] * 0.75 + scene.view.after[n] * 0.25 for n in scene.view.after}
        view = replace(scene.view, after=xr.Dataset(faint))
        kept, all_ = (GrainDrying(GrainDryingOptions(min_confidence=least))(view).candidates for least in (0.1, 0))
        assert (kept.confidence >= 0.1).all()
        assert len(all_) >= len(kept) > 0
        assert kept.confidence.max() < max(s.confidence for s in looked(scene.view).strips)
