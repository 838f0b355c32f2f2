"""One object, one polygon, whatever tiles saw it, in whatever order they came."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
from shapely import box
from shapely.geometry.base import BaseGeometry

from pipeline.detectors.registry import parse_options
from pipeline.model.tables import CANDIDATES
from pipeline.run.join import join

DETECTORS = (parse_options({"use": "building"}), parse_options({"use": "grain_drying"}))


def view(shape: BaseGeometry, tile: str, *, cut: bool = False, confidence: float = 0.8, kind: str = "building") -> dict:
    return {
        "kind": kind, "confidence": confidence, "detector": kind, "detector_version": "1", "evidence": "{}",
        "tile_id": tile, "truncated": cut, "last_absent": dt.date(2024, 5, 1), "first_seen": dt.date(2024, 10, 1),
        "confirmed_on": None, "gone_on": None,
        "scene_before": "a", "scene_after": "b", "shift_px": 0.0, "geo_rmse_m": 1.0, "geometry": shape,
    }  # fmt: skip


def table(*views: dict) -> gpd.GeoDataFrame:
    return CANDIDATES.check(gpd.GeoDataFrame(list(views), geometry="geometry", crs=4548))


def test_a_whole_view_wins_over_a_cut_one() -> None:
    joined = join(
        table(view(box(0, 0, 12, 10), "t1", cut=True, confidence=0.99), view(box(0, 0, 20, 10), "t2")), DETECTORS
    )
    assert len(joined) == 1
    assert joined.tile_id[0] == "t2"
    assert joined.geometry[0].symmetric_difference(box(0, 0, 20, 10)).area < 2.0


def test_a_hall_longer_than_every_window_is_one_polygon() -> None:
    pieces = [view(box(x, 0, x + 60, 20), f"t{x}", cut=True) for x in (0, 40, 80, 120)]
    joined = join(table(*pieces), DETECTORS)
    assert len(joined) == 1
    assert abs(joined.geometry[0].area - 180 * 20) < 0.02 * 180 * 20
    assert joined.geometry[0].geom_type == "Polygon"


def test_neighbours_that_only_touch_and_other_kinds_stay_apart() -> None:
    joined = join(
        table(
            view(box(0, 0, 10, 10), "t1"),
            view(box(10, 0, 20, 10), "t1"),
            view(box(0, 0, 10, 10), "t1", kind="grain_drying"),
        ),
        DETECTORS,
    )
    assert sorted(joined.kind) == ["building", "building", "grain_drying"]


def test_the_order_of_arrival_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    views = []
    for number in range(40):
        x, y = rng.uniform(0, 200, 2)
        views.append(
            view(
                box(x, y, x + 12, y + 9), f"t{number % 7}", cut=bool(number % 3), confidence=float(rng.uniform(0.3, 1))
            )
        )
    frame = table(*views)
    first = join(frame, DETECTORS)
    for seed in range(5):
        shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
        again = join(shuffled, DETECTORS)
        assert again.to_json(default=str) == first.to_json(default=str)


def test_joining_twice_equals_once() -> None:
    once = join(table(view(box(0, 0, 12, 10), "t1", cut=True), view(box(6, 0, 20, 10), "t2", cut=True)), DETECTORS)
    assert join(once, DETECTORS).to_json(default=str) == once.to_json(default=str)


def test_nothing_gives_nothing() -> None:
    assert join(CANDIDATES.empty(crs=4548), DETECTORS).empty


def stay(tile: str, day: int, confirmed: int | None = None) -> dict:
    seen = {"first_seen": dt.date(2024, 6, day), "confirmed_on": confirmed and dt.date(2024, 6, confirmed)}
    return view(box(0, 0, 60, 3), tile, kind="grain_drying") | seen


def test_two_stays_at_one_place_are_two_objects() -> None:
    joined = join(table(stay("t1", 5), stay("t2", 5), stay("t1", 7), stay("t1", 20)), DETECTORS)
    assert sorted(day.day for day in joined.first_seen) == [5, 7, 20]


def test_one_stay_of_which_a_tile_missed_the_first_day_is_one_object() -> None:
    assert len(join(table(stay("t1", 5, 6), stay("t2", 6)), DETECTORS)) == 1


def test_a_building_seen_on_two_days_is_one_object() -> None:
    first, second = (view(box(0, 0, 12, 10), t) | {"first_seen": dt.date(2024, m, 1)} for t, m in (("a", 6), ("b", 9)))
    assert len(join(table(first, second), DETECTORS)) == 1
