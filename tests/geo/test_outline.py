import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import rotate, translate

from pipeline.errors import GeometryError
from pipeline.geo.outline import size, smooth, squared

L_SHAPE = box(0, 0, 30, 12) | box(0, 0, 12, 30)
U_SHAPE = box(0, 0, 40, 30) - box(12, 10, 28, 30)
COURT = box(0, 0, 40, 40) - box(12, 12, 28, 28)
SHAPES = {"house": box(0, 0, 20, 12), "shed": box(0, 0, 6, 5), "L": L_SHAPE, "U": U_SHAPE, "court": COURT}
CORNERS = {"house": 4, "shed": 4, "L": 6, "U": 8, "court": 4}


def staircase(shape, pixel_m=0.5):
    """The union of pixels whose centres lie in the shape: what a mask gives."""
    west, south, east, north = np.round(np.array(shape.bounds) / pixel_m + [-1, -1, 1, 1]) * pixel_m
    x, y = np.meshgrid(np.arange(west, east, pixel_m), np.arange(south, north, pixel_m))
    x, y = x.ravel(), y.ravel()
    inside = shapely.contains_xy(shape, x + pixel_m / 2, y + pixel_m / 2)
    return shapely.union_all(shapely.box(x[inside], y[inside], x[inside] + pixel_m, y[inside] + pixel_m))


def iou(one, other):
    return one.intersection(other).area / one.union(other).area


def edge_angles(polygon):
    edge = np.concatenate([np.diff(np.asarray(ring.coords), axis=0) for ring in (polygon.exterior, *polygon.interiors)])
    return np.degrees(np.arctan2(edge[:, 1], edge[:, 0])) % 90


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("angle", [0, 7, 31, 45, 68, 83])
def test_raster_footprint_becomes_the_building_again(name, angle):
    truth = translate(rotate(SHAPES[name], angle), 0.21, 0.37)
    found = squared(staircase(truth))
    assert found.is_valid
    assert iou(found, truth) > (0.85 if name == "shed" else 0.93)
    assert len(found.exterior.coords) - 1 == CORNERS[name]
    assert len(found.interiors) == (1 if name == "court" else 0)
    angles = edge_angles(found)
    spread = np.abs((angles - angles[0] + 45) % 90 - 45)
    assert spread.max() < 0.01


def test_squaring_beats_the_staircase_on_the_whole():
    rng = np.random.default_rng(1)
    gain = []
    for angle in rng.uniform(0, 90, 10):
        truth = rotate(SHAPES["L"], angle)
        raw = staircase(truth)
        gain.append(iou(squared(raw), truth) - iou(raw, truth))
    assert np.mean(gain) > 0


def test_round_tank_stays_round():
    tank = Point(0, 0).buffer(10)
    found = squared(staircase(tank))
    assert iou(found, tank) > 0.95
    assert len(found.exterior.coords) > 8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 14), st.integers(0, 14), st.integers(2, 12), st.integers(2, 12)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_always_valid_and_area_within_a_tenth(blocks, tolerance_m):
    shape = shapely.union_all([box(x, y, x + w, y + h) for x, y, w, h in blocks])
    largest = max(shapely.get_parts(shape), key=lambda part: part.area)
    for found in (squared(shape, tolerance_m=tolerance_m), smooth(shape, tolerance_m=tolerance_m)):
        assert found.geom_type == "Polygon"
        assert found.is_valid
        small_holes = sum(Polygon(ring).area for ring in largest.interiors)
        assert found.area <= 1.1001 * (largest.area + small_holes)
        assert found.area >= 0.8999 * largest.area


def test_bow_tie_keeps_its_larger_wing():
    assert squared(Polygon([(0, 0), (10, 10), (10, 0), (0, 14)])).area > 20


def test_smooth_keeps_a_thin_strip():
    strip = staircase(rotate(box(0, 0, 60, 1.5), 20))
    assert smooth(strip).area == pytest.approx(strip.area, rel=0.1)


def test_size_on_the_same_index():
    polygons = gpd.GeoSeries(
        [rotate(box(0, 0, 20, 5), 33), Polygon(), None, MultiPolygon([box(0, 0, 1, 1)])], index=[9, 4, 7, 2]
    )
    found = size(polygons)
    assert list(found.index) == [9, 4, 7, 2]
    np.testing.assert_allclose(found.loc[9], [100, 20, 5], atol=1e-9)
    np.testing.assert_allclose(found.loc[[4, 7]], 0)
    np.testing.assert_allclose(found.loc[2], [1, 1, 1])


@pytest.mark.parametrize("bad", [Point(0, 0), Polygon(), shapely.LineString([(0, 0), (1, 1)])])
def test_what_has_no_area_is_refused(bad):
    with pytest.raises(GeometryError, match="no area"):
        squared(bad)
