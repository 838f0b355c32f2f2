"""Burning and tracing: exact, valid, there and back, equal to GDAL where GDAL is right."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pictures import grid
from rasterio.features import rasterize

from pipeline.errors import GeometryError
from pipeline.imagery.raster import burn, polygons

MASKS = npst.arrays(bool, st.tuples(st.integers(1, 24), st.integers(1, 24)))


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_traced_masks_burn_back_and_are_valid(mask):
    frame = grid(*mask.shape, west_m=500_000.3, north_m=3_799_999.7)
    found = polygons(mask, frame)
    assert np.array_equal(burn(found, frame), mask)
    assert found.is_valid.all()
    assert (found.geom_type == "Polygon").all()
    assert len(found) == cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    touching = mask[:-1, :-1] & mask[1:, 1:] & ~mask[1:, :-1] & ~mask[:-1, 1:]
    touching |= ~mask[:-1, :-1] & ~mask[1:, 1:] & mask[1:, :-1] & mask[:-1, 1:]
    assert found.area.sum() == pytest.approx(mask.sum() * 0.25 + touching.sum() * 0.01**2 * 0.25, abs=1e-6)
    assert found.crs.to_epsg() == 4548


def test_holes_islands_and_order():
    mask = np.zeros((20, 20), bool)
    mask[2:12, 2:12] = True
    mask[4:10, 4:10] = False
    mask[6:8, 6:8] = True
    mask[15, 15] = True
    ring, island, dot = polygons(mask, grid(20, 20, pixel_m=1.0))
    assert ring.area == 64
    assert len(ring.interiors) == 1
    assert island.bounds == (520_006, 3_799_992, 520_008, 3_799_994)
    assert dot.equals(shapely.box(520_015, 3_799_984, 520_016, 3_799_985))
    assert len(dot.exterior.coords) == 5


def test_corner_touching_pixels_are_one_object_with_a_neck():
    (shape,) = polygons(np.eye(3, dtype=bool), grid(3, 3, pixel_m=1.0))
    assert shape.is_valid
    assert shape.area == pytest.approx(3, abs=1e-3)


def test_small_objects_are_left_out():
    mask = np.zeros((10, 10), bool)
    mask[0, 0] = mask[5:7, 5:7] = True
    assert polygons(mask, grid(10, 10), min_area_m2=1.0).area.tolist() == [1.0]
    assert len(polygons(mask, grid(10, 10), min_area_m2=1.01)) == 0
    assert polygons(mask & False, grid(10, 10)).crs.to_epsg() == 4548
    with pytest.raises(ValueError, match="does not fit"):
        polygons(mask, grid(10, 11))


@pytest.mark.parametrize("seed", range(4))
def test_burning_equals_gdal(seed):
    rng = np.random.default_rng(seed)
    frame = grid(120, 150, west_m=520_000.3, north_m=3_800_000.1)
    discs = shapely.buffer(
        shapely.points(520_000 + rng.uniform(-20, 95, 60), 3_800_000 - rng.uniform(-20, 80, 60)),
        rng.uniform(0.1, 12, 60),
    )
    far = shapely.box(400_000, 3_799_970, 600_000, 3_799_975.2)
    shapes = [*discs[:30], shapely.MultiPolygon([discs[30], shapely.box(520_070, 3_799_950, 520_072, 3_799_990)]), far]
    shapes.append(discs[40].difference(shapely.buffer(discs[40].centroid, 2)))
    expected = rasterize(shapes, out_shape=frame.shape, transform=frame.transform).astype(bool)
    assert np.array_equal(burn(shapes, frame), expected)
    assert expected.any()


def test_tiles_burn_as_the_whole():
    rng = np.random.default_rng(1)
    shapes = shapely.buffer(shapely.points(520_000 + rng.uniform(0, 60, 30), 3_800_000 - rng.uniform(0, 60, 30)), 5.3)
    whole = burn(shapes, grid(120, 120))
    part = burn(shapes, grid(50, 40, west_m=520_030.0, north_m=3_799_990.0))
    assert np.array_equal(whole[20:70, 60:100], part)


def test_pixel_belongs_by_its_centre():
    frame = grid(4, 4, pixel_m=1.0)
    west, north = 520_000, 3_800_000
    assert burn([shapely.box(west + 0.6, north - 0.9, west + 1.4, north - 0.1)], frame).sum() == 0
    assert burn([shapely.box(west + 0.4, north - 0.6, west + 0.6, north - 0.4)], frame)[0, 0]


def test_nothing_and_nonsense():
    frame = grid(4, 4)
    assert not burn([], frame).any()
    assert not burn([None, shapely.Polygon()], frame).any()
    with pytest.raises(GeometryError, match="LineString"):
        burn([shapely.LineString([(0, 0), (1, 1)])], frame)
    with pytest.raises(GeometryError, match="not finite"):
        burn([shapely.Polygon([(0, 0), (np.inf, 0), (1, 1)])], frame)
