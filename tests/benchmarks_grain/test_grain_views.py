"""The bench of grain on real roads: what its views of real pictures show and say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shapely import LineString

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from grain import pictures, places

HERE = [name for name in ("levir/val_27_0000_0256", "fotbcd/train_17870", "deepglobe/343") if name in pictures.scenes()]
needs_pictures = pytest.mark.skipif(
    not HERE, reason=f"real pictures not here: {pictures.sets.REAL} (set LUYU_REAL_DATA)"
)


@pytest.mark.real
@needs_pictures
@pytest.mark.parametrize("name", HERE)
def test_views_are_the_same_for_the_same_seed(name):
    (one, truth), (other, again) = (next(places.views(name, 1.0, 4)) for _ in range(2))
    pd.testing.assert_frame_equal(pd.DataFrame(truth), pd.DataFrame(again))
    for band in ("red", "green", "blue"):
        np.testing.assert_array_equal(one.before[band], other.before[band])
        np.testing.assert_array_equal(one.after[band], other.after[band])
    assert one.roads.geometry.equals(other.roads.geometry)
    different = next(places.views(name, 1.0, 5))[0]
    assert not np.array_equal(one.after["red"], different.after["red"])


@pytest.mark.real
@needs_pictures
@pytest.mark.parametrize("name", HERE)
def test_truth_lies_on_the_road_and_in_the_picture(name):
    for view, truth in places.views(name, 0.5, 2):
        assert set(view.after.data_vars) == {"blue", "green", "red"}
        assert len(truth)
        true_roads = view.roads.geometry.buffer(view.roads["pavement_width_m"].max() / 2 + 3.5).union_all()
        for shape in truth.geometry:
            assert shape.within(true_roads)
        away = [np.abs(line.distance(truth.axis.iloc[0])) for line in view.roads.geometry]
        assert min(away) < 10
        assert view.zones["pavement"].any()
        assert not (view.zones["pavement"] & view.zones["highway_land"]).any()


@pytest.mark.real
@needs_pictures
def test_untouched_pairs_are_the_pictures_and_clean_views_have_no_truth():
    name = HERE[0]
    view, truth = next(places.views(name, 0.5, 1, grain=False, controls=()))
    assert truth.empty
    assert view.extra["earlier"] == "measured"
    told = pictures.pixels(name, 0.5)
    rows, cols = view.grid.shape
    red = view.after["red"].to_numpy()
    assert any(np.array_equal(red, told.after[r : r + rows, c : c + cols, 0])
               for r in range(told.after.shape[0] - rows + 1) for c in range(told.after.shape[1] - cols + 1))  # fmt: skip
    view, truth = next(places.views(name, 0.5, 1, grain=False, controls=("sand",)))
    assert truth.empty
    assert not np.array_equal(view.after["red"].to_numpy(), red)


@pytest.mark.real
@needs_pictures
def test_the_road_layer_is_off_by_at_most_three_metres():
    offs = []
    for seed in range(6):
        view, _ = next(places.views(HERE[0], 1.0, seed, grain=False, controls=()))
        frames = places._ground(HERE[0], 1.0).frames
        axes = [places._on_map(LineString(frame.xy_m)) for frame in frames]
        offs += [line.hausdorff_distance(axis) for line, axis in zip(view.roads.geometry, axes, strict=True)]
    assert 0.5 < max(offs) <= 3.3
