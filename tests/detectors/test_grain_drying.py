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
from shapely import LineString

from pipeline.detectors.base import View
from pipeline.detectors.grain_drying import GrainDrying, GrainDryingOptions
from pipeline.detectors.registry import build, parse_options
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid

SURE, ALONE, NEAR_M = 0.6, 0.7, 200.0  # as findings are decided: alone, a strip must be surer

COLUMNS = [
    "kind", "confidence", "evidence", "first_seen", "last_absent", "confirmed_on", "gone_on", "geometry",
]  # fmt: skip


def detect(view, **options):
    """Candidates of the detector in a view."""
    return GrainDrying(GrainDryingOptions(**{"min_confidence": SURE, **options}))(view).candidates


SMALL = Recipe(seed=7, length_m=200, depth_m=50, radius_m=2000)


def matched(truth, found, least=0.3):
    """Per true strip whether it was found, and the findings that overlap none."""
    hit = [any(t.intersection(f).area > least * t.union(f).area for f in found) for t in truth]
    false = [f for f in found if not any(t.intersection(f).area > 0.3 * f.area for t in truth)]
    return hit, false


def findings(found):
    """Strips that are sure enough to be reported."""
    near = [
        any(other is not one and one.distance(other) <= NEAR_M for other in found.geometry) for one in found.geometry
    ]
    return found[(found.confidence >= ALONE) | np.array(near, bool)]


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


class TestTruth:
    @pytest.mark.parametrize("hazard", HAZARDS)
    @pytest.mark.parametrize("crop", ["wheat", pytest.param("maize", marks=pytest.mark.slow)])
    def test_hazard_with_grain_and_without(self, hazard, crop, request):
        if hazard == "hatching":
            request.applymarker(pytest.mark.xfail(reason="an area finely hatched in yellow looks like maize"))
        where = 9000 + HAZARDS.index(hazard)
        recipe = replace(
            SMALL, seed=where, hazard=hazard, crop=crop, strips=1, nir=crop == "wheat", stripe_m=(2.2, 4.2),
            offset_m=(-2.5, 0, 3)[where % 3], shift_px=0.5, surface=("asphalt", "concrete")[where % 2],
        )  # fmt: skip
        scene = render(recipe)
        hit, false = matched(scene.truth, list(detect(scene.view).geometry))
        assert all(hit)
        assert not false
        assert findings(detect(render(replace(recipe, strips=0)).view)).empty

    @pytest.mark.parametrize("pixel_m", [0.3, 1.0, 2.0])
    def test_pixel_sizes(self, pixel_m):
        scene = render(replace(SMALL, pixel_m=pixel_m, strips=1, stripe_m=(3.0, 4.5), seed=21))
        hit, false = matched(scene.truth, list(detect(scene.view).geometry))
        assert hit == [True]
        assert not false

    def test_footprint_is_close(self, clean):
        found = detect(clean.view)
        for true in clean.truth:
            best = max(true.intersection(f).area / true.union(f).area for f in found.geometry)
            assert best > 0.75

    def test_evidence_says_what_was_measured(self, clean):
        found = detect(clean.view)
        assert list(found.columns) == COLUMNS
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
        assert len(detect(scene.view)) == 1
        apart = detect(scene.view, join_gap_m=0, min_piece_m=5, min_length_m=8, min_confidence=0)
        assert len(apart) == 2

    def test_out_of_season_scores_lower_and_is_not_vetoed(self, clean):
        winter = detect(replace(clean.view, after_day=dt.date(2024, 1, 15)))
        summer = detect(clean.view)
        assert len(winter) == len(summer) == 2
        assert (winter.confidence.to_numpy() < summer.confidence.to_numpy()).all()
        assert not json.loads(winter.evidence.iloc[0])["in_harvest_window"]


class TestLaws:
    def test_the_same_image_twice_gives_nothing(self, clean):
        assert detect(replace(clean.view, before=clean.view.after)).empty

    def test_grain_on_both_dates_is_not_new(self):
        assert detect(render(replace(SMALL, strips=2, before_strips=True)).view).empty

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
            assert findings(detect(with_after(view, changed))).empty

    def test_nothing_seen_is_nothing_found(self, clean):
        view = clean.view
        assert detect(with_after(view, np.full_like(image(view.after), np.nan))).empty
        assert detect(replace(view, before=view.before * np.nan)).empty
        dark = image(view.after)
        dark[:] = 0
        assert detect(with_after(view, dark)).empty

    def test_a_cloud_over_the_grain_hides_it_and_makes_nothing_up(self, clean):
        after = image(clean.view.after)
        west, _, east, _ = (np.array(clean.truth[0].bounds) - clean.view.grid.west_m) / clean.view.grid.pixel_m
        after[:, :, int(west) - 4 : int(east) + 5] = np.nan
        found = detect(with_after(clean.view, after))
        assert matched(clean.truth, list(found.geometry)) == ([False, True], [])

    def test_what_is_seen_does_not_depend_on_the_window(self, clean):
        whole = detect(clean.view)
        rows, cols = clean.view.grid.shape
        for top, left in ((0, 0), (3, 7), (8, 11)):
            part = detect(window(clean.view, top, left, rows - 8, cols - 11))
            assert len(part) == len(whole)
            for one, other in zip(whole.geometry, part.geometry, strict=True):
                assert one.intersection(other).area > 0.93 * one.union(other).area
            np.testing.assert_allclose(part.confidence, whole.confidence, atol=0.03)

    def test_twice_the_same(self, clean):
        one, other = detect(clean.view), detect(clean.view)
        assert one.evidence.tolist() == other.evidence.tolist()
        assert one.geometry.to_wkb().tolist() == other.geometry.to_wkb().tolist()

    def test_two_rows_for_one_road_give_each_strip_once(self, clean):
        line = clean.view.roads.geometry.iloc[0]
        roads = make_view(clean.view.grid, image(clean.view.before), image(clean.view.after),
                          [line, line.reverse()], 9.0).roads  # fmt: skip
        assert len(detect(replace(clean.view, roads=roads))) == 2

    def test_outside_the_corridor_nothing_is_searched(self, clean):
        none = {"corridor": np.zeros(clean.view.grid.shape, bool)}
        assert detect(replace(clean.view, zones=none)).empty

    def test_no_roads_no_findings(self, clean):
        found = detect(replace(clean.view, roads=clean.view.roads.iloc[:0]))
        assert found.empty
        assert list(found.columns) == COLUMNS


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
            detect(replace(clean.view, grid=grid))


@pytest.mark.real
class TestRealRoads:
    def test_the_roadside_pair_has_no_grain(self):
        assert detect(view_of(*roadside())).empty

    @pytest.mark.parametrize(
        ("road", "edge_m", "surface"), [(0, 6.2, "asphalt"), (0, -10.4, "asphalt"), (1, 3.2, "concrete")]
    )
    def test_grain_painted_on_it_is_found(self, road, edge_m, surface):
        grid, before, after, roads = roadside()
        inner = edge_m - np.sign(edge_m) * 3
        shape = strip(roads.geometry.iloc[road], 150, 215, min(edge_m, inner), max(edge_m, inner))
        view = view_of(grid, before, painted(after, grid, shape, surface=surface), roads)
        start = perf_counter()
        hit, false = matched([shape], list(detect(view).geometry), least=0.6)
        assert perf_counter() - start < 10
        assert hit == [True]
        assert not false

    @pytest.mark.parametrize("number", list(DEEPGLOBE))
    def test_village_roads_have_no_grain(self, number):
        grid, picture, roads = deepglobe(number)
        other = ndimage.shift(np.clip(picture * np.array([0.9, 1, 1.1])[:, None, None], 0, 1), (0, 0.5, -0.4), order=1)
        assert detect(view_of(grid, picture, other, roads)).empty
        assert detect(view_of(grid, other, picture, roads)).empty

    def test_lines_through_changing_fields_hardly_ever_look_like_grain(self):
        (grid, before), (_, after) = naip(2012), naip(2014)
        west, south, east, north = grid.bounds_m
        lines = [LineString([(west, y), (east, y + 30)]) for y in np.linspace(south + 60, north - 60, 6)]
        roads = gpd.GeoDataFrame({"pavement_width_m": [9.0] * 6}, geometry=lines, crs=4548)
        found = len(detect(view_of(grid, before[:3], after[:3], roads)))
        assert found / (roads.length.sum() / 1000) < 0.1
