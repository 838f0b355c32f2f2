"""Cutting a corridor for search servers: nothing lost, little added, few vertices."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.catalog.stac_area import pieces


def road(points, half_width_deg=0.001):
    return shapely.LineString(points).buffer(half_width_deg)


def winding(lon, lat, step, turns, seed):
    """A road of many bends (degrees) that starts at a place and heads north-east."""
    rng = np.random.default_rng(seed)
    headings = 0.7 + np.cumsum(rng.normal(0, 0.2, turns))
    walk = np.cumsum(np.column_stack([np.cos(headings), np.sin(headings)]) * step, axis=0)
    return road(walk + np.array([lon, lat]))


@given(
    lon=st.floats(75, 130), lat=st.floats(18, 50), step=st.floats(0.001, 0.05), turns=st.integers(2, 300),
    seed=st.integers(0, 99), boxes=st.booleans(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_pieces_cover_the_area_and_are_small(lon, lat, step, turns, seed, boxes):
    area = winding(lon, lat, step, turns, seed)
    found = list(pieces(area, boxes=boxes))
    assert shapely.union_all(found).covers(area)
    for piece in found:
        assert shapely.get_num_coordinates(piece) <= 100
        assert piece.is_valid
        west, south, east, north = piece.bounds
        assert max(east - west, north - south) < (0.51 if boxes else 2.5)


@pytest.mark.parametrize("boxes", [False, True])
def test_a_diagonal_of_1000_km_asks_for_no_province(boxes):
    area = road([(110.0, 30.0), (117.5, 36.5)])  # about 1,000 km from south-west to north-east, 200 m wide
    found = list(pieces(area, boxes=boxes))
    box = shapely.box(*area.bounds)
    share = shapely.union_all(found).area / box.area
    assert share < (0.06 if boxes else 0.004)
    assert len(found) < (40 if boxes else 12)


def test_a_network_of_many_roads_is_asked_for_cell_by_cell():
    rng = np.random.default_rng(1)
    lines = shapely.linestrings(rng.uniform((116, 31), (121, 35), (150, 2, 2)))
    area = shapely.union_all(shapely.buffer(lines, 0.001))
    found = list(pieces(area))
    assert 6 <= len(found) <= 16
    assert all(shapely.get_num_coordinates(piece) <= 100 for piece in found)
    assert shapely.union_all(found).covers(area)


def test_parts_that_lie_apart_are_not_joined():
    area = shapely.union_all([road([(110.1, 30.1), (110.3, 30.1)]), road([(120.1, 35.1), (120.3, 35.1)])])
    assert len(list(pieces(area))) == 2
    near = shapely.union_all([road([(110.1, 30.1), (110.2, 30.1)]), road([(111.8, 31.8), (111.9, 31.8)])])
    (piece,) = pieces(near)
    assert piece.area < 0.01
