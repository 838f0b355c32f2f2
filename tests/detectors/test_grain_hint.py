"""Hints of grain in coarse images: rendered roads seen at 3 and 10 m, and real farmland over the years."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from real_roads import naip, view_of
from road_scenes import Recipe, make_view, render
from scipy import ndimage
from shapely import LineString

from pipeline.detectors.grain_hint import GrainHint, GrainHintOptions
from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.model.kinds import GRAIN_HINT

HINT = GrainHint()
LONG = Recipe(seed=4, pixel_m=1.0, strips=2, length_m=1500, depth_m=150, radius_m=4000, lengths_m=(150, 300),
              stripe_m=(3.5, 4.5), offset_m=1.0)  # fmt: skip
_SHIFT_PX = 0.3


def coarse(recipe: Recipe, pixel_m: float):
    """A rendered road as a satellite of coarse pixels sees it, the earlier date a third of a pixel off; and its truth."""
    scene = render(recipe)
    view, factor, rng = scene.view, round(pixel_m / recipe.pixel_m), np.random.default_rng(recipe.seed)
    rows, cols = view.grid.rows // factor, view.grid.cols // factor
    images = []
    for number, day in enumerate((view.before, view.after)):
        planes = np.stack([day[name].values for name in day])
        if number == 0:
            planes = ndimage.shift(planes, (0, _SHIFT_PX * factor, _SHIFT_PX * factor), order=1, mode="nearest")
        planes = ndimage.gaussian_filter(planes, (0, 0.4 * factor, 0.4 * factor))[:, : rows * factor, : cols * factor]
        image = planes.reshape(len(planes), rows, factor, cols, factor).mean(axis=(2, 4))
        images.append(image + rng.normal(0, 0.003, image.shape))
    grid = Grid(view.grid.epsg, view.grid.west_m, view.grid.north_m, pixel_m, rows, cols)
    return make_view(grid, *images, list(view.roads.geometry), recipe.width_m), scene.truth


class TestHints:
    @pytest.mark.parametrize(("pixel_m", "least"), [(3.0, 3), (10.0, 2)])
    def test_some_of_six_long_wide_strips_give_hints_and_nothing_else_does(self, pixel_m, least):
        hits = []
        for seed in (200, 201, 202):
            view, truth = coarse(replace(LONG, seed=seed, surface=("asphalt", "concrete")[seed % 2]), pixel_m)
            found = HINT(view)
            hits += [
                any(shape.buffer(5).intersection(t).area > 0.4 * t.area for shape in found.geometry) for t in truth
            ]
            assert all(any(shape.intersects(t) for t in truth) for shape in found.geometry)
        assert sum(hits) >= least

    def test_a_hint_says_that_it_is_one(self):
        view, truth = coarse(LONG, 3.0)
        found = HINT(view)
        assert 1 <= len(found) <= len(truth)
        assert (found.kind == GRAIN_HINT).all()
        assert (found.confidence <= 0.3).all()
        for text in found.evidence:
            evidence = json.loads(text)
            assert evidence["hint"] is True
            assert evidence["provisional"] is True
            assert evidence["deviations"] >= 4
            assert evidence["warm_excess"] > 0.04

    @pytest.mark.parametrize("pixel_m", [3.0, 10.0])
    @pytest.mark.parametrize(
        "hazard", ["none", "verge_dries", "works", "gravel", "dust", "vehicles", "low_sun", "half_repaved", "straw"]
    )
    def test_roads_without_grain_give_none(self, hazard, pixel_m):
        recipe = replace(LONG, seed=60, hazard=hazard, strips=0, depth_m=120, length_m=1000)
        assert HINT(coarse(recipe, pixel_m)[0]).empty

    def test_dates_exchanged_and_the_same_date_twice_give_none(self):
        view, _ = coarse(LONG, 3.0)
        assert HINT(replace(view, before=view.after, after=view.before)).empty
        assert HINT(replace(view, before=view.after)).empty

    def test_short_roads_say_nothing(self):
        view, _ = coarse(LONG, 3.0)
        middle = view.roads.geometry.iloc[0].interpolate(0.5, normalized=True)
        short = view.roads.intersection(middle.buffer(200))
        assert HINT(replace(view, roads=view.roads.set_geometry(short))).empty

    def test_nothing_seen_is_nothing_found(self):
        view, _ = coarse(LONG, 10.0)
        assert HINT(replace(view, after=view.after * np.nan)).empty


class TestRefusals:
    @pytest.mark.parametrize(("pixel_m", "says"), [(2.0, "grain_drying"), (15.0, "12 m or better")])
    def test_pixels_that_are_not_for_it(self, pixel_m, says):
        view, _ = coarse(replace(LONG, length_m=200, strips=0), 3.0)
        with pytest.raises(ConfigError, match=says):
            HINT(replace(view, grid=replace(view.grid, pixel_m=pixel_m)))

    def test_a_hint_cannot_be_made_a_finding(self):
        with pytest.raises(ValueError, match="max_confidence"):
            GrainHintOptions(max_confidence=0.5)


@pytest.mark.real
def test_lines_through_changing_farmland_hardly_ever_give_hints():
    kilometres = found = 0.0
    for early, late in ((2012, 2014), (2015, 2016), (2018, 2019)):
        (grid, before), (_, after) = naip(early), naip(late)
        grid = replace(grid, pixel_m=5.0)
        west, south, east, north = grid.bounds_m
        lines = [LineString([(west, y), (east, y + 60)]) for y in np.linspace(south + 150, north - 150, 6)]
        roads = gpd.GeoDataFrame({"pavement_width_m": [9.0] * 6}, geometry=lines, crs=4548)
        found += len(HINT(view_of(grid, before, after, roads)))
        kilometres += roads.length.sum() / 1000
    assert found / kilometres < 0.1
