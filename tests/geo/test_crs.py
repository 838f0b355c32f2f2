import geopandas as gpd
import numpy as np
import pytest
from shapely import LineString, Point

from pipeline.errors import GeometryError
from pipeline.geo.crs import metric_crs, to_crs_checked


def points(lonlat, crs="EPSG:4490"):
    return gpd.GeoSeries([Point(*xy) for xy in lonlat], crs=crs)


@pytest.mark.parametrize(
    ("lonlat", "epsg"),
    [
        ([(117.2, 34.3)], 4548),
        ([(114.0, 34.7), (115.0, 34.7)], 4547),
        ([(73.6, 39.0)], 4534),
        ([(134.7, 48.0)], 4554),
        ([(37.6, 55.7)], 32637),
        ([(151.2, -33.9)], 32756),
    ],
)
def test_zone_nearest_to_the_data(lonlat, epsg):
    assert metric_crs(points(lonlat)).to_epsg() == epsg


@pytest.mark.parametrize("epsg", [4548, 4527, 32650])
def test_data_in_their_zone_stay(epsg):
    assert metric_crs(points([(117.0, 34.0), (118.67, 34.5)]).to_crs(epsg)).to_epsg() == epsg


@pytest.mark.parametrize("epsg", [4547, 4546, 32648, 3857])
def test_data_far_from_their_zone_or_in_no_metric_zone_move(epsg):
    assert metric_crs(points([(118.0, 34.0)]).to_crs(epsg)).to_epsg() == 4548


def test_axis_order_is_x_y():
    moved = to_crs_checked(points([(117.0, 34.0)]), 4548)
    assert moved.iloc[0].x == pytest.approx(500_000, abs=0.01)
    assert 3_700_000 < moved.iloc[0].y < 3_800_000


def test_round_trip():
    there = points([(116.5, 33.9), (118.4, 34.9)])
    back = to_crs_checked(to_crs_checked(there, 4548), 4490)
    np.testing.assert_allclose([p.coords[0] for p in back], [p.coords[0] for p in there], atol=1e-9)


def test_exchanged_axes_are_named_with_layer_row_and_remedy():
    roads = gpd.GeoDataFrame(
        geometry=[LineString([(117, 34), (117.1, 34)]), LineString([(34, 117), (34, 117.1)])], crs=4490
    )
    with pytest.raises(GeometryError, match=r"layer 'roads', row 1.*longitude and latitude look exchanged"):
        to_crs_checked(roads, 4548, layer="roads")


def test_infinite_coordinates_never_reach_geos():
    bad = gpd.GeoSeries([LineString([(0, 0), (np.inf, 1)])], crs=4548)
    with pytest.raises(GeometryError, match=r"row 0.*not finite"):
        to_crs_checked(bad, 4549, layer="roads")


@pytest.mark.parametrize("call", [metric_crs, lambda s: to_crs_checked(s, 4548)])
def test_no_crs_is_refused(call):
    with pytest.raises(GeometryError, match="no CRS"):
        call(points([(117, 34)], crs=None))


def test_nothing_is_refused():
    with pytest.raises(GeometryError, match="empty"):
        metric_crs(points([]))
