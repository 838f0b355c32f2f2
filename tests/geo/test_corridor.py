import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from pipeline.errors import GeometryError
from pipeline.geo.corridor import both_sides, last_direction, sides
from pipeline.geo.segments import Segments

coordinate = st.integers(-200, 200)
lines = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=7, unique=True).map(LineString)
_HALF_TURN = np.linspace(0, np.pi, 20)
HAIRPIN = LineString([(0, 0), *zip(100 + 15 * np.sin(_HALF_TURN), 15 - 15 * np.cos(_HALF_TURN), strict=True), (0, 30)])
S_BEND = LineString(
    [
        (0, 0),
        *zip(100 + 15 * np.sin(_HALF_TURN), 15 - 15 * np.cos(_HALF_TURN), strict=True),
        *zip(-15 * np.sin(_HALF_TURN), 45 - 15 * np.cos(_HALF_TURN), strict=True),
        (100, 60),
    ]
)


def test_straight_road():
    left, right = sides(LineString([(0, 0), (100, 0)]), 10, 20)
    assert left.equals(box(0, 0, 100, 10))
    assert right.equals(box(0, -20, 100, 0))


@settings(max_examples=25, deadline=None)
@given(lines, st.floats(1, 60))
def test_both_sides_equal_the_flat_buffer_up_to_its_caps(line, reach_m):
    ends = shapely.union_all([Point(p).buffer(reach_m * 1.5) for p in (line.coords[0], line.coords[-1])])
    ours = both_sides(line, reach_m).difference(ends)
    geos = line.buffer(reach_m, cap_style="flat", quad_segs=32).difference(ends)
    assert ours.symmetric_difference(geos).area < 0.01 * geos.area + 1.0


@settings(max_examples=25, deadline=None)
@given(lines, st.floats(1, 60))
def test_sides_share_nothing_and_leave_nothing_out(line, reach_m):
    left, right = sides(line, reach_m, reach_m)
    assert left.is_valid
    assert right.is_valid
    assert left.intersection(right).area < 0.2
    assert (left | right).symmetric_difference(both_sides(line, reach_m)).area < 0.002 * line.length + 0.2


@pytest.mark.parametrize("line", [HAIRPIN, S_BEND])
def test_self_near_roads_give_ground_to_the_nearer_limb(line):
    left, right = sides(line, 30, 30)
    rng = np.random.default_rng(3)
    west, south, east, north = (left | right).bounds
    xy = np.column_stack([rng.uniform(west, east, 3000), rng.uniform(south, north, 3000)])
    feet = Segments.of([np.asarray(line.coords)]).nearest(xy)
    clear = (feet.distance_m < 29) & (feet.distance_m > 0.5) & ~feet.clamped
    assert clear.sum() > 1000
    in_left, in_right = shapely.contains_xy(left, *xy[clear].T), shapely.contains_xy(right, *xy[clear].T)
    assert (in_left | in_right).all()
    disputed = feet.side[clear] > 0
    assert (in_left == disputed).mean() > 0.985  # cells are drawn to about a metre


def test_repeated_vertices_and_heights_do_not_matter():
    plain = LineString([(0, 0), (50, 0), (50, 60)])
    rough = LineString([(0, 0, 5), (0, 0, 6), (50, 0, 7), (50, 0, 7), (50, 60, 1)])
    for one, other in zip(sides(plain, 10, 10), sides(rough, 10, 10), strict=True):
        assert one.equals(other)


def test_lead_in_fills_the_wedge_between_two_sections():
    before, after = LineString([(0, 0), (100, 0)]), LineString([(100, 0), (150, 80)])
    whole = both_sides(LineString([(0, 0), (100, 0), (150, 80)]), 20)
    open_, filled = both_sides(after, 20), both_sides(after, 20, lead_in=last_direction(before))
    assert whole.difference(both_sides(before, 20) | open_).area > 50
    assert whole.difference(both_sides(before, 20) | filled).area < 0.1


@pytest.mark.parametrize(
    ("line", "message"),
    [(LineString([(0, 0), (np.inf, 0)]), "infinite"), (LineString([(1, 1), (1, 1)]), "no length")],
)
def test_refusals(line, message):
    with pytest.raises(GeometryError, match=message):
        sides(line, 10, 10)
