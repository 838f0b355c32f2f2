import numpy as np
import pytest
from pyproj import CRS, Transformer

from pipeline.catalog.coordinates import check_coordinates, suggested_crs


@pytest.mark.parametrize("epsg", [*range(4513, 4534), *range(4491, 4502)])
def test_suggestion_reads_the_zone_prefix(epsg):
    crs = CRS.from_epsg(epsg)
    meridian = next(p.value for p in crs.coordinate_operation.params if "Longitude of natural origin" in p.name)
    x, y = Transformer.from_crs(4490, crs, always_xy=True).transform(meridian + 0.3, 34.0)
    bounds = np.array([x, y, x + 1000, y + 1000])
    assert suggested_crs(bounds) == f"EPSG:{epsg}"
    assert check_coordinates(bounds, crs) is None


def test_prefix_in_the_numbers_but_not_in_the_crs_names_the_right_zone():
    why = check_coordinates(np.array([39518412.0, 3.8e6, 39519000.0, 3.81e6]), CRS.from_epsg(4548))
    assert "zone prefix" in why
    assert "EPSG:4527" in why


def test_prefix_in_the_crs_but_not_in_the_numbers_names_the_right_zone():
    why = check_coordinates(np.array([518412.0, 3.8e6, 519000.0, 3.81e6]), CRS.from_epsg(4527))
    assert "zone 39" in why
    assert "EPSG:4548" in why


@pytest.mark.parametrize("bounds", [(34.1, 117.0, 34.5, 118.0), (31.0, 85.0, 32.0, 86.0)])
def test_exchanged_latitude_and_longitude_are_seen_even_where_both_are_below_90(bounds):
    assert "exchanged" in check_coordinates(np.array(bounds), CRS.from_epsg(4490))


def test_degrees_under_a_metric_label_and_metres_under_a_geographic_one():
    assert "degrees" in check_coordinates(np.array([117.0, 34, 118, 35]), CRS.from_epsg(4548))
    why = check_coordinates(np.array([39518412.0, 3.8e6, 39519000.0, 3.81e6]), CRS.from_epsg(4490))
    assert "EPSG:4527" in why


def test_infinite_coordinates_are_refused():
    assert "infinite" in check_coordinates(np.array([np.inf, 34, np.inf, 35]), CRS.from_epsg(4490))


@pytest.mark.parametrize(
    ("bounds", "epsg"),
    [
        ((117.0, 34, 118, 35), 4490),
        ((117.0, 34, 118, 35), 4326),
        ((4e5, 3.7e6, 6e5, 3.9e6), 32650),
        ((4e5, 3.7e6, 6e5, 3.9e6), 4548),
    ],
)
def test_what_is_right_is_left_alone(bounds, epsg):
    assert check_coordinates(np.array(bounds, dtype=float), CRS.from_epsg(epsg)) is None
