"""Lines of one row in order: what is nearest is linked first, however many there are."""

import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.linref.joined import Course


def linked_pair_by_pair(lines):
    """Numbers of lines in order and whether each is turned round: of all pairs of free ends the nearest first."""
    ends = np.array([xy[[0, -1]] for xy in lines]).reshape(-1, 2)
    pairs = [(a, b) for b in range(len(ends)) for a in range(b) if a // 2 != b // 2]
    pairs.sort(key=lambda p: (round(float(np.hypot(*(ends[p[0]] - ends[p[1]]))), 3), p[1] // 2 - p[0] // 2, p))
    walks, link = {k: k for k in range(len(lines))}, {}
    for a, b in pairs:
        one, other = walks[a // 2], walks[b // 2]
        if a not in link and b not in link and one != other:
            link |= {a: b, b: a}
            walks = {k: one if walk == other else walk for k, walk in walks.items()}
    (enter, _) = sorted(set(range(len(ends))) - set(link))
    walk = []
    while enter is not None:
        walk.append((enter // 2, bool(enter % 2)))
        enter = link.get(enter ^ 1)
    return walk if not dict(walk)[0] else [(k, not turned) for k, turned in reversed(walk)]


def some(steps, spread):
    return st.lists(
        st.tuples(*[st.integers(0, spread)] * 2, *[st.integers(-steps, steps)] * 2).filter(lambda x: x[2:] != (0, 0)),
        min_size=2,
        max_size=9,
    )


@settings(deadline=None, max_examples=300)
@given(some(2, 6) | some(900, 3000), st.sampled_from([0.25, 1.0, 7.3]))
def test_the_nearest_ends_are_linked_first(drawn, scale):
    lines = [scale * np.array([(x, y), (x + dx, y + dy)], dtype=float) for x, y, dx, dy in drawn]
    course = Course.of(list(range(len(lines))), lines)
    assert list(zip(course.line.tolist(), course.turned.tolist(), strict=True)) == linked_pair_by_pair(lines)


@pytest.mark.parametrize("seed", [0, 1])
def test_thousands_of_lines_are_put_in_order_at_once(seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(4000)
    lines = [np.array([(x, 0.0), (x + 20.0, 0.0)])[:: rng.choice([-1, 1])] for x in 30.0 * order]
    started = time.process_time()
    course = Course.of(list(range(len(lines))), lines)
    assert time.process_time() - started < 5
    along = order[course.line]
    assert (np.diff(along) == np.diff(along)[0]).all()
    assert shapely.length(shapely.linestrings(lines)).sum() == pytest.approx(course.length_m.sum())
    assert course.gap_m == pytest.approx(10.0)
