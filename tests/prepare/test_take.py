"""Takes: colours in the detail of their panchromatic band, and what is fetched ahead for whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from pictures import RGB, band_file, grid, land, tiff

from pipeline.imagery.reader import RasterioReader
from pipeline.model.scene import Scene
from pipeline.prepare.take import PairOptions, Window, read_take

FINE = grid(240, 240)
COARSE = grid(60, 60, pixel_m=2.0)


def fused(folder, *, pan: bool) -> Scene:
    """A scene of 2 m colours, with or without its 0.5 m panchromatic band, of one and the same land."""
    import datetime as dt

    truth = land(240, 240, seed=8) * 1000
    colours = truth.reshape(3, 60, 4, 60, 4).mean(axis=(2, 4))
    files = {
        name: band_file(tiff(folder / "ms.tif", colours.astype(np.float32), COARSE), name, index)
        for index, name in enumerate(RGB, start=1)
    }
    if pan:
        files["pan"] = band_file(tiff(folder / "pan.tif", truth.mean(axis=0)[None].astype(np.float32), FINE), "pan")
    return Scene("s", dt.date(2024, 5, 1), files, native_pixel_m=2.0)


def test_the_panchromatic_band_gives_its_detail(tmp_path):
    truth = land(240, 240, seed=8)[0] * 1000
    window = Window(FINE, RGB, RasterioReader(), PairOptions())
    errors = {}
    for pan in (False, True):
        take = read_take([fused(tmp_path, pan=pan)], window)
        assert list(take.image.data_vars) == list(RGB)
        red = take.image["red"].to_numpy()[8:-8, 8:-8]
        errors[pan] = float(np.nanstd(red - truth[8:-8, 8:-8]))
    assert errors[True] < 0.8 * errors[False]


def test_a_grid_as_coarse_as_the_colours_needs_no_panchromatic_band(tmp_path):
    window = Window(COARSE, RGB, RasterioReader(), PairOptions())
    scene = fused(tmp_path, pan=True)
    with_pan = read_take([scene], window)
    without = read_take([replace(scene, files={name: scene.files[name] for name in RGB})], window)
    assert all(np.array_equal(with_pan.image[name], without.image[name], equal_nan=True) for name in RGB)


def test_only_what_most_windows_want_is_fetched_ahead(tmp_path, monkeypatch):
    seen = []

    def read_many(self, files, grid, **_):
        seen.append(self.ahead)
        return [np.ones(grid.shape, np.float32)] * len(files)

    monkeypatch.setattr(RasterioReader, "read_many", read_many)
    road = shapely.box(0, 0, 1, 1)
    window = Window(COARSE, RGB, RasterioReader(ahead=road), PairOptions())
    scene = fused(tmp_path, pan=False)
    read_take([scene], window)
    read_take([scene], window, ahead=False)
    assert seen == [road, None]
