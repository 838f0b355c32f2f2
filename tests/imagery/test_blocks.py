"""Blocks: all that the area touches, none beside; spans merged with little waste; pixels inside as if all were read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pictures import band_file, grid, land, tiff

from pipeline.imagery.blocks import everything, touched
from pipeline.imagery.raster import burn
from pipeline.imagery.reader import RasterioReader
from pipeline.tiff.origin import LocalFile
from pipeline.tiff.spans import merged

ROAD = shapely.LineString([(520_010, 3_799_990), (520_060, 3_799_950), (520_115, 3_799_915)]).buffer(8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    numbers = np.clip(land(200, 260) * 1000, 1, None).astype(np.uint16)
    return tiff(tmp_path_factory.mktemp("blocks") / "scene.tif", numbers, grid(200, 260), blockxsize=32, blockysize=16)


def test_just_the_touched_blocks(path):
    facts = LocalFile(path).facts(None)
    window = (0, 0, 200, 260)
    got = touched(facts, 4548, ROAD, window, 0.0)
    for row, col in itertools.product(range(got.mask.shape[0]), range(got.mask.shape[1])):
        west, north = 520_000 + col * 32 * 0.5, 3_800_000 - row * 16 * 0.5
        square = shapely.box(west, max(north - 8, 3_800_000 - 100), min(west + 16, 520_130), north)
        assert got.mask[row, col] == (ROAD.intersection(square).area > 1e-9)
    assert 0 < got.mask.mean() < 0.6
    assert everything(facts).mask.all()


def test_runs_cover_the_touched_blocks_once(path):
    facts = LocalFile(path).facts(None)
    window = (5, 7, 180, 240)
    got = touched(facts, 4548, ROAD, window, 2.0)
    count = np.zeros((200, 260), int)
    for row, col, rows, cols in got.runs(*window):
        count[row : row + rows, col : col + cols] += 1
    expected = np.kron(got.mask.astype(int), np.ones((16, 32), int))[:200, :260]
    expected[:5], expected[185:], expected[:, :7], expected[:, 247:] = 0, 0, 0, 0
    assert np.array_equal(count, expected)


@pytest.mark.parametrize(
    "window",
    [
        grid(200, 260),
        grid(120, 150, west_m=520_010.0, north_m=3_799_990.0),
        grid(190, 250, west_m=520_000.17, north_m=3_799_999.8),
        grid(40, 60, west_m=520_000.17, north_m=3_799_999.8, pixel_m=1.7),
        grid(260, 300, epsg=4547, west_m=800_000.0, north_m=3_800_000.0),
    ],
    ids=["aligned", "part", "half a pixel off", "coarser", "another zone"],
)
def test_pixels_within_are_those_of_a_whole_read(path, window):
    from pyproj import Transformer

    area = ROAD
    if window.epsg != 4548:
        move = Transformer.from_crs(4548, window.epsg, always_xy=True)
        area = shapely.transform(ROAD, move.transform, interleaved=False)
        west, _, _, north = area.bounds
        window = grid(260, 300, epsg=window.epsg, west_m=round(west) - 10.0, north_m=round(north) + 10.0)
    area = shapely.intersection(area, window.footprint)
    files = [band_file(path, index=1), band_file(path, index=3)]
    whole = RasterioReader().read_many(files, window)
    part = RasterioReader().read_many(files, window, within=area)
    inside = burn([area], window)
    assert inside.any()
    for one, other in zip(whole, part, strict=True):
        assert np.array_equal(one[inside], other[inside], equal_nan=True)
        assert np.isnan(other).sum() > np.isnan(one).sum()  # something was left unread


def test_an_area_elsewhere_reads_nothing(path):
    beside = shapely.box(0, 0, 10, 10)
    assert np.isnan(RasterioReader().read(band_file(path), grid(20, 20), within=beside)).all()
    assert np.isnan(RasterioReader().read(band_file(path), grid(20, 20), within=shapely.Polygon())).all()


def test_planned_spans_are_the_blocks_of_the_file(path):
    spans, factor = RasterioReader().planned([band_file(path)], grid(200, 260), within=ROAD)
    assert factor == 1
    facts = LocalFile(path).facts(None)
    picture = LocalFile(path).layout().of_shape(200, 260)[0]
    blocks = touched(facts, 4548, ROAD, (0, 0, 200, 260), 0.0)
    planes = picture.offsets[:1] if not facts.together else picture.offsets
    assert {start for start, _ in spans} == set(planes[0][blocks.mask].tolist())


@given(st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(1, 300_000)), min_size=1, max_size=30))
def test_merged_spans_hold_all_and_waste_little(pairs):
    spans = [(start, start + length) for start, length in pairs]
    whole = merged(spans)
    assert len(whole) <= len(set(spans))
    for start, stop in spans:
        assert any(first <= start and stop <= last for first, last in whole)
    needed = np.zeros(10_400_000, bool)
    for start, stop in spans:
        needed[start:stop] = True
    fetched = sum(stop - start for start, stop in whole)
    total = sum(stop - start for start, stop in set(spans))
    assert fetched <= total * 1.01 + 64 * len(spans)


def test_neighbours_are_one_request():
    assert merged([(100, 200), (208, 300), (308, 400)]) == [(100, 400)]
    assert merged([(0, 1000), (900_000, 901_000)]) == [(0, 1000), (900_000, 901_000)]
