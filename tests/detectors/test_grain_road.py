"""The road straightened and its pavement found beside a centreline that lies metres off."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from road_scenes import Recipe, render
from shapely import LineString, MultiLineString, Point

from pipeline.detectors import cues
from pipeline.detectors.pavement import colour_logs, find_pavement
from pipeline.detectors.roadframe import frames
from pipeline.model.grid import Grid

SMALL = Recipe(seed=7, length_m=200, depth_m=50, radius_m=2000)


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
