import numpy as np
import pyproj
import pytest
import shapely

from pipeline.geo.gcj02 import from_gcj02, to_gcj02, unshifted


def test_inverse_undoes_the_shift_all_over_china_to_micrometres():
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.linspace(74, 134, 61), np.linspace(18, 53, 36)))
    back = from_gcj02(*to_gcj02(lon, lat))
    metres = np.hypot(back[0] - lon, back[1] - lat) * 111_320
    assert metres.max() < 5e-6


def test_shift_at_xuzhou_is_the_published_547_metres_to_the_east_south_east():
    lon, lat = to_gcj02(np.array([117.18]), np.array([34.26]))
    azimuth, _, distance = pyproj.Geod(ellps="GRS80").inv(117.18, 34.26, lon[0], lat[0])
    assert distance == pytest.approx(547, abs=12)
    assert 90 < azimuth < 120


def test_unshifted_keeps_shape_holes_and_nulls():
    ring = shapely.Polygon(
        [(117, 34), (117.1, 34), (117.1, 34.1)], [[(117.05, 34.01), (117.06, 34.01), (117.06, 34.02)]]
    )
    moved = unshifted(np.array([ring, None], dtype=object))
    assert moved[1] is None
    assert shapely.get_num_interior_rings(moved[0]) == 1
    assert moved[0].centroid.distance(ring.centroid) == pytest.approx(0.005, abs=0.002)
