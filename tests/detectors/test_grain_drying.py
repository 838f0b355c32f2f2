"""Grain drying: laws that hold for any picture, truth on rendered scenes with one hazard at a time, real roads."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from time import perf_counter

import cv2
import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from real_roads import DEEPGLOBE, deepglobe, naip, painted, roadside, strip, view_of
from road_scenes import HAZARDS, Recipe, make_view, render
from scipy import ndimage
from shapely import LineString, MultiLineString, Point

from pipeline.detectors import cues
from pipeline.detectors.base import View
from pipeline.detectors.grain_drying import GrainDrying, GrainDryingOptions
from pipeline.detectors.pavement import colour_logs, find_pavement
from pipeline.detectors.registry import build, parse_options
from pipeline.detectors.roadframe import frames
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid

DETECT = GrainDrying()
SMALL = Recipe(seed=7, length_m=200, depth_m=50, radius_m=2000)


def matched(truth, found, least=0.3):
    """Per true strip whether it was found, and the findings that overlap none."""
    hit = [any(t.intersection(f).area > least * t.union(f).area for f in found) for t in truth]
    false = [f for f in found if not any(t.intersection(f).area > 0.3 * f.area for t in truth)]
    return hit, false


def image(dataset) -> np.ndarray:
    return np.stack([dataset[name].values for name in dataset])


def with_after(view: View, after: np.ndarray) -> View:
    names = list(view.after)
    data = {n: (("y", "x"), a.astype(np.float32)) for n, a in zip(names, after, strict=True)}
    return replace(view, after=xr.Dataset(data, coords=view.after.coords))


def window(view: View, top: int, left: int, rows: int, cols: int) -> View:
    g = view.grid
    grid = Grid(g.epsg, g.west_m + left * g.pixel_m, g.north_m - top * g.pixel_m, g.pixel_m, rows, cols)
    cut = {"y": slice(top, top + rows), "x": slice(left, left + cols)}
    return replace(view, grid=grid, before=view.before.isel(cut), after=view.after.isel(cut))


@pytest.fixture(scope="module")
def clean():
    return render(replace(SMALL, strips=2))


class TestFrame:
    LINE = LineString([(500_010, 3_799_990), (500_060, 3_799_970), (500_120, 3_799_965), (500_190, 3_799_990)])
    GRID = Grid(4548, 500_000.0, 3_800_000.0, 0.5, 120, 400)

    def frame(self, line=LINE, grid=GRID):
        roads = gpd.GeoDataFrame({"pavement_width_m": [9.0]}, geometry=[line], crs=4548)
        return list(frames(roads, grid, margin_m=6, default_width_m=7))

    def test_sampling_a_map_of_eastings_gives_the_eastings_of_the_samples(self):
        (frame,) = self.frame()
        east = np.broadcast_to(self.GRID.x_m, self.GRID.shape) - 500_000
        x_m, _ = frame.points_m
        sampled = frame.sample(east, self.GRID)
        seen = np.isfinite(sampled)
        assert seen.mean() > 0.8
        assert np.abs(sampled - (x_m - 500_000))[seen].max() < 0.02

    def test_the_way_back_keeps_distance_and_side(self):
        (frame,) = self.frame()
        along = np.linspace(frame.along_m[0] + 15, frame.along_m[-1] - 15, 30)
        for across in (-6.0, 2.5):
            points = [Point(p) for p in frame.to_map(along, np.full(30, across))]
            assert np.allclose([p.distance(self.LINE) for p in points], abs(across), atol=0.25)
            assert np.allclose([self.LINE.project(p) for p in points], along, atol=1.0)
        left = frame.to_map(along, np.full(30, 2.5))
        assert (left[:, 1] > frame.to_map(along, np.zeros(30))[:, 1]).all()  # heading east, left is north

    def test_samples_lie_on_the_roads_lattice_whatever_the_window(self):
        (one,), (other,) = self.frame(), self.frame(grid=Grid(4548, 500_013.5, 3_799_999.0, 0.5, 110, 300))
        shared = np.isin(one.along_m, other.along_m)
        assert shared.sum() > 200
        there = np.isin(other.along_m, one.along_m)
        np.testing.assert_allclose(
            np.array(one.points_m)[:, :, shared], np.array(other.points_m)[:, :, there], atol=1e-6
        )

    def test_parts_loops_and_roads_outside(self):
        two = MultiLineString([self.LINE, LineString([(500_000, 3_799_950), (500_200, 3_799_950)])])
        assert len(self.frame(two)) == 2
        ring = LineString([*Point(500_100, 3_799_970).buffer(25).exterior.coords])
        (loop,) = self.frame(ring)
        assert np.ptp(loop.along_m) == pytest.approx(ring.length, abs=1.5)
        assert self.frame(LineString([(0, 0), (100, 0)])) == []


class TestPavement:
    @pytest.mark.parametrize("offset_m", [-3.0, -1.3, 0.0, 3.0])
    def test_finds_the_pavement_beside_its_centreline(self, offset_m):
        scene = render(replace(SMALL, offset_m=offset_m, strips=2, seed=int(10 * offset_m) + 40))
        view = scene.view
        (frame,) = frames(view.roads, view.grid, margin_m=6, default_width_m=7)
        days = [
            colour_logs({n: frame.sample(b, view.grid) for n, b in cues.bands(d).items()})
            for d in (view.before, view.after)
        ]
        found = find_pavement(frame, days, offset_max_m=3.5)
        inner = slice(40, -40)
        assert np.abs(found.offset_m[inner] + offset_m).max() < 0.9
        assert np.abs(found.left_m - found.right_m - 9)[inner].max() < 1.6

    def test_without_any_edge_the_layer_is_believed(self):
        grid = Grid(4548, 500_000.0, 3_800_000.0, 0.5, 80, 300)
        roads = gpd.GeoDataFrame(
            {"pavement_width_m": [np.nan]}, geometry=[LineString([(5e5, 3_799_980), (500_150, 3_799_980)])], crs=4548
        )
        (frame,) = frames(roads, grid, margin_m=6, default_width_m=7)
        flat = {n: frame.sample(np.full(grid.shape, 0.2), grid) for n in ("blue", "green", "red")}
        found = find_pavement(frame, [colour_logs(flat)], offset_max_m=3.5)
        assert np.allclose(found.offset_m, 0)
        assert np.allclose(found.left_m - found.right_m, 7)
        assert found.clarity.max() < 0.05


class TestTruth:
    @pytest.mark.parametrize("hazard", HAZARDS)
    @pytest.mark.parametrize("crop", ["wheat", pytest.param("maize", marks=pytest.mark.slow)])
    def test_hazard_with_grain_and_without(self, hazard, crop):
        where = 9000 + HAZARDS.index(hazard)
        recipe = replace(
            SMALL, seed=where, hazard=hazard, crop=crop, strips=1, nir=crop == "wheat", stripe_m=(2.2, 4.2),
            offset_m=(-2.5, 0, 3)[where % 3], shift_px=0.5, surface=("asphalt", "concrete")[where % 2],
        )  # fmt: skip
        scene = render(recipe)
        hit, false = matched(scene.truth, list(DETECT(scene.view).geometry))
        assert all(hit)
        assert not false
        assert DETECT(render(replace(recipe, strips=0)).view).empty

    @pytest.mark.parametrize("pixel_m", [0.3, 1.0, 2.0])
    def test_pixel_sizes(self, pixel_m):
        scene = render(replace(SMALL, pixel_m=pixel_m, strips=1, stripe_m=(3.0, 4.5), seed=21))
        hit, false = matched(scene.truth, list(DETECT(scene.view).geometry))
        assert hit == [True]
        assert not false

    def test_footprint_is_close(self, clean):
        found = DETECT(clean.view)
        for true in clean.truth:
            best = max(true.intersection(f).area / true.union(f).area for f in found.geometry)
            assert best > 0.75

    def test_evidence_says_what_was_measured(self, clean):
        found = DETECT(clean.view)
        assert list(found.columns) == ["kind", "confidence", "evidence", "geometry"]
        assert found.crs.to_epsg() == 4548
        for text, shape in zip(found.evidence, found.geometry, strict=True):
            evidence = json.loads(text)
            true = clean.strips[int(np.argmax([t.intersection(shape).area for t in clean.truth]))]
            assert evidence["provisional"] is True
            assert evidence["in_harvest_window"] is True
            assert evidence["surface"] == "asphalt"
            assert evidence["side_of_line"] == ("left" if true["side"] > 0 else "right")
            assert evidence["length_m"] == pytest.approx(true["end"] - true["start"], abs=5)
            assert evidence["width_m"] == pytest.approx(true["width"], abs=0.6)
            assert 0.3 < evidence["hue_contrast"] < 1.0
            assert evidence["nir_contrast"] > 0.5
            assert 0.1 < evidence["ndvi"] < 0.35

    def test_pieces_of_one_strip_are_joined_over_a_driveway(self):
        recipe = next(r for r in (replace(SMALL, seed=s) for s in range(50, 99)) if render(r).strips[0]["gap"])
        scene = render(recipe)
        assert len(DETECT(scene.view)) == 1
        apart = GrainDrying(GrainDryingOptions(join_gap_m=0, min_length_m=8, min_confidence=0.1))(scene.view)
        assert len(apart) == 2

    def test_out_of_season_scores_lower_and_is_not_vetoed(self, clean):
        winter = DETECT(replace(clean.view, after_day=dt.date(2024, 1, 15)))
        summer = DETECT(clean.view)
        assert len(winter) == len(summer) == 2
        assert (winter.confidence.to_numpy() < summer.confidence.to_numpy()).all()
        assert not json.loads(winter.evidence.iloc[0])["in_harvest_window"]


class TestLaws:
    def test_the_same_image_twice_gives_nothing(self, clean):
        assert DETECT(replace(clean.view, before=clean.view.after)).empty

    def test_grain_on_both_dates_is_not_new(self):
        assert DETECT(render(replace(SMALL, strips=2, before_strips=True)).view).empty

    @pytest.mark.parametrize("hazard", ["none", "vehicles", "autumn_trees"])
    def test_light_and_compression_are_no_grain(self, hazard):
        view = render(replace(SMALL, strips=0, hazard=hazard, nir=False)).view
        after = image(view.after)
        pixels = (np.clip(after * 1.5, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        jpeg = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
        for changed in (
            after * np.array([0.8, 1.0, 1.25])[:, None, None],
            after + 0.04,
            after**0.6,
            after**1.4,
            jpeg.transpose(2, 0, 1) / 255 / 1.5,
            ndimage.shift(after, (0, 0.5, -0.5), order=1, mode="nearest"),
        ):
            assert DETECT(with_after(view, changed)).empty

    def test_nothing_seen_is_nothing_found(self, clean):
        view = clean.view
        assert DETECT(with_after(view, np.full_like(image(view.after), np.nan))).empty
        assert DETECT(replace(view, before=view.before * np.nan)).empty
        dark = image(view.after)
        dark[:] = 0
        assert DETECT(with_after(view, dark)).empty

    def test_a_cloud_over_the_grain_hides_it_and_makes_nothing_up(self, clean):
        after = image(clean.view.after)
        west, _, east, _ = (np.array(clean.truth[0].bounds) - clean.view.grid.west_m) / clean.view.grid.pixel_m
        after[:, :, int(west) - 4 : int(east) + 5] = np.nan
        found = DETECT(with_after(clean.view, after))
        assert matched(clean.truth, list(found.geometry)) == ([False, True], [])

    def test_what_is_seen_does_not_depend_on_the_window(self, clean):
        whole = DETECT(clean.view)
        rows, cols = clean.view.grid.shape
        for top, left in ((0, 0), (3, 7), (8, 11)):
            part = DETECT(window(clean.view, top, left, rows - 8, cols - 11))
            assert len(part) == len(whole)
            for one, other in zip(whole.geometry, part.geometry, strict=True):
                assert one.intersection(other).area > 0.93 * one.union(other).area
            np.testing.assert_allclose(part.confidence, whole.confidence, atol=0.03)

    def test_twice_the_same(self, clean):
        one, other = DETECT(clean.view), DETECT(clean.view)
        assert one.evidence.tolist() == other.evidence.tolist()
        assert one.geometry.to_wkb().tolist() == other.geometry.to_wkb().tolist()

    def test_two_rows_for_one_road_give_each_strip_once(self, clean):
        line = clean.view.roads.geometry.iloc[0]
        roads = make_view(clean.view.grid, image(clean.view.before), image(clean.view.after),
                          [line, line.reverse()], 9.0).roads  # fmt: skip
        assert len(DETECT(replace(clean.view, roads=roads))) == 2

    def test_outside_the_corridor_nothing_is_searched(self, clean):
        none = {"corridor": np.zeros(clean.view.grid.shape, bool)}
        assert DETECT(replace(clean.view, zones=none)).empty

    def test_no_roads_no_findings(self, clean):
        found = DETECT(replace(clean.view, roads=clean.view.roads.iloc[:0]))
        assert found.empty
        assert list(found.columns) == ["kind", "confidence", "evidence", "geometry"]


class TestOptions:
    def test_the_register_builds_it(self):
        options = parse_options({"use": "grain_drying", "min_length_m": 30})
        assert build(options) == GrainDrying(GrainDryingOptions(min_length_m=30))

    @pytest.mark.parametrize("window", ["06-20/05-18", "13-01/13-05", "june"])
    def test_windows_are_days(self, window):
        with pytest.raises(ValidationError):
            GrainDryingOptions(harvest_windows={"default": (window,)})

    def test_windows_by_province(self):
        options = GrainDryingOptions()
        assert options.in_harvest(dt.date(2024, 5, 20), "41")
        assert not options.in_harvest(dt.date(2024, 5, 20), "32")
        assert options.in_harvest(dt.date(2024, 5, 20), "99")

    def test_pixels_too_coarse_are_refused(self, clean):
        grid = replace(clean.view.grid, pixel_m=10.0)
        with pytest.raises(ConfigError, match="2 m or better"):
            DETECT(replace(clean.view, grid=grid))


@pytest.mark.real
class TestRealRoads:
    def test_the_roadside_pair_has_no_grain(self):
        assert DETECT(view_of(*roadside())).empty

    @pytest.mark.parametrize(
        ("road", "edge_m", "surface"), [(0, 6.2, "asphalt"), (0, -10.4, "asphalt"), (1, 3.2, "concrete")]
    )
    def test_grain_painted_on_it_is_found(self, road, edge_m, surface):
        grid, before, after, roads = roadside()
        inner = edge_m - np.sign(edge_m) * 3
        shape = strip(roads.geometry.iloc[road], 150, 215, min(edge_m, inner), max(edge_m, inner))
        view = view_of(grid, before, painted(after, grid, shape, surface=surface), roads)
        start = perf_counter()
        hit, false = matched([shape], list(DETECT(view).geometry), least=0.6)
        assert perf_counter() - start < 10
        assert hit == [True]
        assert not false

    @pytest.mark.parametrize("number", list(DEEPGLOBE))
    def test_village_roads_have_no_grain(self, number):
        grid, picture, roads = deepglobe(number)
        other = ndimage.shift(np.clip(picture * np.array([0.9, 1, 1.1])[:, None, None], 0, 1), (0, 0.5, -0.4), order=1)
        assert DETECT(view_of(grid, picture, other, roads)).empty
        assert DETECT(view_of(grid, other, picture, roads)).empty

    def test_lines_through_changing_fields_hardly_ever_look_like_grain(self):
        (grid, before), (_, after) = naip(2012), naip(2014)
        west, south, east, north = grid.bounds_m
        lines = [LineString([(west, y), (east, y + 30)]) for y in np.linspace(south + 60, north - 60, 6)]
        roads = gpd.GeoDataFrame({"pavement_width_m": [9.0] * 6}, geometry=lines, crs=4548)
        found = len(DETECT(view_of(grid, before[:3], after[:3], roads)))
        assert found / (roads.length.sum() / 1000) < 0.1
