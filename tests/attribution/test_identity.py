from __future__ import annotations

import uuid

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box
from shapely.affinity import rotate, translate

from pipeline.attribution.identity import finding_id

SHAPE = rotate(box(520_000.25, 3_800_000.25, 520_020.75, 3_800_012.25), 17.3)


def identity(shape=SHAPE, detector="building", version="1", before="2012", after="2017") -> str:
    return finding_id(detector, version, before, after, shape)


def test_the_id_is_the_same_for_ever():
    """A number that must not change: cases in clients' ledgers are known by it."""
    assert identity(box(520_000, 3_800_000, 520_020, 3_800_012)) == "dd2a67f2-1431-5f40-85dd-06e32a6ae15d"
    assert uuid.UUID(identity()).version == 5


@pytest.mark.parametrize(
    "other",
    [
        {"detector": "grain_drying"},
        {"version": "2"},
        {"before": "2013"},
        {"after": "2018"},
        {"before": "2017", "after": "2012"},
        {"before": None},
        {"shape": translate(SHAPE, 2, 0)},
        {"shape": translate(SHAPE, 0, 2)},
        {"shape": SHAPE.buffer(0.5)},
    ],
)
def test_whatever_makes_a_finding_makes_its_id(other):
    assert identity(**other) != identity()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.25, 0.5, 1.0, 0.3]))
def test_noise_and_the_order_of_vertices_do_not_matter(seed, pixel_m):
    """Footprints on the pixel grid, whose means and areas fall on halves: the worst case for rounding."""
    rng = np.random.default_rng(seed)
    x, y = 520_000 + pixel_m * rng.integers(0, 4000, 2)
    wide, high = pixel_m * rng.integers(2, 90, 2)
    ring = np.array([(x, y), (x + wide, y), (x + wide, y + high), (x + wide / 2, y + high + pixel_m), (x, y + high)])
    noisy = np.roll(ring, rng.integers(0, 5), axis=0)[:: rng.choice([-1, 1])] + rng.normal(0, 1e-9, ring.shape)
    assert identity(Polygon(noisy)) == identity(Polygon(ring))


def test_crossed_and_hair_thin_outlines_have_ids_too():
    bowtie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert identity(bowtie) == identity(shapely.make_valid(bowtie))
    assert uuid.UUID(identity(box(0, 0, 0.001, 0.001)))
    assert uuid.UUID(identity(LineString([(0, 0), (9, 9)])))
