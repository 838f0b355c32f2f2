"""A thing in two pictures: there, gone, not to be told; whatever light, sensor and shift do to the picture."""

from __future__ import annotations

import numpy as np
import pytest
from houses import ground, house, retaken, with_house
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prepare.presence import Answer, Likeness, PresenceOptions, answer, correlations, likeness, placed_on

PIXEL_M = 0.5
SEES = {"lost": 0.9, "before": 0.9, "after": 0.02, "left": 0.05}
STANDS = {"lost": 0.02, "before": 0.9, "after": 0.9, "left": 0.95}


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.floats(0.4, 1.5), st.integers(-8, 8), st.integers(-8, 8))
def test_what_stands_is_found_in_any_light_and_place(seed: int, gain: float, rows: int, cols: int) -> None:
    stood = with_house(ground(seed))
    found = likeness(stood, retaken(stood, seed + 1, gain, (rows, cols)), house(), PIXEL_M)
    assert found is not None
    assert found.shift_px == (rows, cols)
    assert answer(found, None) is Answer.PRESENT


@pytest.mark.parametrize(("seed", "gain"), [(0, 0.5), (1, 1.0), (2, 1.4), (7, 0.8)])  # others may be too alike to tell
def test_gone_needs_the_network_where_it_knows_such_things(seed: int, gain: float) -> None:
    bare = ground(seed)
    found = likeness(with_house(bare), retaken(bare, seed + 1, gain), house(), PIXEL_M)
    assert found is not None
    assert answer(found, SEES, learned=True) is Answer.GONE
    assert answer(found, STANDS, learned=True) is Answer.PRESENT
    assert answer(found, SEES | {"left": 0.5}, learned=True) is Answer.CANNOT_TELL
    assert answer(found, SEES | {"before": 0.3}, learned=True) is Answer.CANNOT_TELL
    assert answer(found, None, learned=True) is Answer.CANNOT_TELL


def test_other_ground_all_around_is_not_gone() -> None:
    """A picture of another place, or a quarter rebuilt: nothing says that the two lie on each other."""
    found = likeness(with_house(ground(1)), ground(2), house(), PIXEL_M)
    assert found is not None
    assert answer(found, SEES, learned=True) is Answer.UNREGISTERED


def test_a_network_alone_does_not_make_a_thing_gone() -> None:
    stood = with_house(ground(3))
    found = likeness(stood, retaken(stood, 4), house(), PIXEL_M)
    assert found is not None
    assert answer(found, SEES, learned=True) is Answer.PRESENT


@pytest.mark.parametrize(
    ("excess", "grey", "expected"),
    [
        (0.19, 0.6, Answer.CANNOT_TELL),
        (0.2, 0.5, Answer.PRESENT),
        (0.3, 0.4, Answer.CANNOT_TELL),
        (0.1, 0.4, Answer.GONE),
    ],
)
def test_between_present_and_gone_there_is_a_margin(excess: float, grey: float, expected: Answer) -> None:
    found = Likeness(0.1 + excess, 0.1, grey, 3.0, 3.0, 9.0, (0, 0))
    assert answer(found, SEES, learned=True) is expected


def test_what_no_network_knows_must_have_stood_out_and_changed_colour() -> None:
    assert answer(Likeness(0.05, 0.1, 0.1, 3.0, 3.0, 9.0, (0, 0)), None) is Answer.GONE
    assert answer(Likeness(0.05, 0.1, 0.1, 0.5, 3.0, 9.0, (0, 0)), None) is Answer.CANNOT_TELL
    assert answer(Likeness(0.05, 0.1, 0.1, 3.0, 0.5, 9.0, (0, 0)), None) is Answer.CANNOT_TELL


def test_unseen_pixels_are_no_part_of_it() -> None:
    stood = with_house(ground(5))
    now = retaken(stood, 6)
    now[:, :, :40] = np.nan
    found = likeness(stood, now, house(), PIXEL_M)
    assert found is not None
    assert answer(found, None) is Answer.PRESENT
    now[:, 60:100, 55:110] = np.nan
    assert likeness(stood, now, house(), PIXEL_M) is None


def test_too_small_a_thing_is_not_compared() -> None:
    inside = np.zeros((160, 160), bool)
    inside[80:84, 80:84] = True
    assert likeness(ground(7), ground(7), inside, PIXEL_M, PresenceOptions(min_px=17)) is None


def test_correlations_are_those_of_every_shift() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.normal(0, 1, (2, 2, 40, 50))
    where = np.zeros((40, 50), bool)
    where[12:25, 14:33] = True
    surface = correlations(first, second, where, 4)
    for rows, cols in ((0, 0), (3, -2), (-4, 4)):
        a, b = first[:, where], np.roll(second, (-rows, -cols), axis=(1, 2))[:, where]
        a, b = (part - part.mean(axis=1, keepdims=True) for part in (a, b))
        expected = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
        assert surface[4 + rows, 4 + cols] == pytest.approx(expected, abs=1e-6)


def test_placed_on_undoes_a_shift() -> None:
    image = ground(9)
    back = placed_on(np.roll(image, (3, -5), axis=(1, 2)), (3, -5))
    seen = np.isfinite(back)
    assert np.array_equal(back[seen], image[seen])
    assert seen.mean() > 0.9
