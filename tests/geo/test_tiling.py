import time

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, box

from pipeline.errors import GeometryError
from pipeline.geo.tiling import tiles_over

coordinate = st.floats(-3000, 3000).map(lambda v: round(v, 2))
lines = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=8, unique=True).map(LineString)


def tiles(corridor, **changes):
    return tiles_over(corridor, **{"epsg": 4548, "pixel_m": 0.5, "tile_px": 512, "halo_px": 64, **changes})


@settings(max_examples=40, deadline=None)
@given(lines, st.floats(2, 200), st.sampled_from([(0.5, 512), (2.0, 128), (0.3, 500)]))
def test_cores_partition_the_corridor(line, width_m, lattice):
    corridor = line.buffer(width_m)
    cut = tiles(corridor, pixel_m=lattice[0], tile_px=lattice[1])
    cores = np.array([tile.core for tile in cut])
    assert shapely.area(cores).sum() == pytest.approx(corridor.area, rel=1e-9)
    assert shapely.union_all(cores).symmetric_difference(corridor).area < 1e-6 * corridor.area
    for tile in cut:
        assert tile.square.buffer(1e-6).contains(tile.core)
        seen = box(*tile.core.bounds).buffer(tile.halo_px * tile.grid.pixel_m, join_style="mitre")
        assert tile.grid.footprint.buffer(1e-6).contains(seen)
    assert len({tile.tile_id for tile in cut}) == len(cut)


@settings(max_examples=30, deadline=None)
@given(lines, st.floats(2, 60))
def test_no_square_without_corridor(line, width_m):
    corridor = line.buffer(width_m)
    step = 256.0
    west, south, east, north = np.floor(np.array(corridor.bounds) / step).astype(int)
    touched = {
        (row, col)
        for row in range(south, north + 1)
        for col in range(west, east + 1)
        if corridor.intersection(box(col * step, row * step, (col + 1) * step, (row + 1) * step)).area > 0
    }
    assert {(tile.row, tile.col) for tile in tiles(corridor)} == touched


def test_two_runs_share_the_lattice():
    one = {t.tile_id: t for t in tiles(LineString([(100, 100), (900, 300)]).buffer(40))}
    other = {t.tile_id: t for t in tiles(LineString([(310, 90), (2000, 500)]).buffer(25))}
    shared = one.keys() & other.keys()
    assert shared
    assert all(one[name].square == other[name].square for name in shared)
    for tile in (*one.values(), *other.values()):  # and windows begin and end at pixels of it
        assert not np.any(np.mod(np.array(tile.grid.bounds_m) + tile.halo_px * 0.5 * np.array([1, 1, -1, -1]), 16))


def test_a_core_that_fills_its_square_is_read_with_the_whole_of_it():
    (tile,) = tiles(box(0.5, 0.5, 255.5, 255.5))
    assert tile.square.bounds == (0, 0, 256, 256)
    assert tile.grid.bounds_m == (-32, -32, 288, 288)
    assert tile.grid.shape == (640, 640)
    assert tile.tile_id == "r000000_c000000"


def test_what_is_far_from_the_core_is_not_read():
    (tile,) = tiles(box(10, 200, 250, 220))
    assert tile.square.bounds == (0, 0, 256, 256)
    assert tile.grid.bounds_m == (-32, 96, 288, 288)  # 128 m, the least, of the square's height
    (tile,) = tiles(Point(128, 128).buffer(10))
    assert tile.square.bounds == (0, 0, 256, 256)
    assert tile.grid.bounds_m == (32, 32, 224, 224)
    assert tile.cut_px == (128, 128, 128, 128)


def test_order_follows_the_roads_and_is_the_same_again():
    first = LineString([(2000, 100), (100, 100)])
    second = LineString([(100, 3000), (2000, 3000)])
    along = gpd.GeoSeries([first, second])
    corridor = MultiLineString([second, first]).buffer(20)
    cut = tiles(corridor, along=along)
    assert [(t.row, t.col) for t in cut][:8] == [(0, col) for col in range(7, -1, -1)]
    assert [t.col for t in cut if t.row >= 11] == list(range(8))
    assert [t.tile_id for t in tiles(corridor, along=along)] == [t.tile_id for t in cut]
    plain = tiles(corridor)
    assert [(t.row, t.col) for t in plain] == sorted((t.row, t.col) for t in plain)


def test_cost_follows_the_length_not_the_box():
    x = np.linspace(0, 212_000, 2000)
    road = LineString(np.column_stack([x, x + 300 * np.sin(x / 900)]))
    corridor = road.buffer(80)
    before = time.process_time()
    cut = tiles(corridor, along=gpd.GeoSeries([road]))
    assert time.process_time() - before < 20  # half a million squares lie in its box
    assert 2000 < len(cut) < 4000
    assert sum(t.core.area for t in cut) == pytest.approx(corridor.area, rel=1e-9)


@pytest.mark.parametrize(
    ("corridor", "changes", "message"),
    [
        (LineString([(0, 0), (1, 1)]), {}, "no area"),
        (box(0, 0, 1, 1), {"pixel_m": 0}, "pixel_m > 0"),
        (box(0, 0, 1, 1), {"halo_px": -1}, "halo_px >= 0"),
        (shapely.polygons([(0, 0), (np.inf, 0), (1, 1)]), {}, "infinite"),
    ],
)
def test_refusals_say_why(corridor, changes, message):
    with pytest.raises(GeometryError, match=message):
        tiles(corridor, **changes)
