"""Which take is read first: the newest, unless the catalogue says that it is worse by more than it is fresher."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from pictures import grid, scene
from pyproj import Transformer

from pipeline.prepare import ChooseOptions, ranked

FRAME = grid(400, 400)


def lonlat(shape: shapely.Geometry) -> shapely.Geometry:
    to_lonlat = Transformer.from_crs(FRAME.epsg, 4326, always_xy=True).transform
    return shapely.transform(shape, lambda xy: np.column_stack(to_lonlat(*xy.T)))


def order(scenes, options=None, **how) -> list[str]:
    return [choice.sheets[0].scene_id for choice in ranked(scenes, FRAME, options, **how)]


def test_newest_first_where_nothing_else_is_known():
    scenes = [scene(name, day) for name, day in (("a", "2024-09-01"), ("b", "2024-10-20"), ("c", "2024-10-01"))]
    assert order(scenes) == ["S2024-10-20", "S2024-10-01", "S2024-09-01"]
    assert order(scenes[::-1]) == order(scenes)


def test_sheets_of_one_day_and_sensor_are_one_take():
    sheets = [scene("w", sensor="gf2"), scene("e", sensor="gf2"), scene("x", sensor="gf1")]
    assert sorted(len(choice.sheets) for choice in ranked(sheets, FRAME)) == [1, 2]


@pytest.mark.parametrize(
    ("worse", "days"),
    [
        ({"cloud_percent": 60.0}, 30.0),
        ({"native_pixel_m": 1.0}, 60.0),
        ({"off_nadir_deg": 30.0}, 15.0),
        ({"footprint_lonlat": lonlat(shapely.box(*grid(400, 100).bounds_m))}, 22.5),
    ],
)
def test_a_shortcoming_is_worth_so_many_days_and_no_more(worse, days):
    for age, first in ((int(days) - 2, "S2024-10-01"), (int(days) + 2, "S2024-10-31")):
        newest = scene("new", "2024-10-31", **worse)
        older_day = (np.datetime64("2024-10-31") - age).astype(str)
        older = scene("old", older_day)
        got = order([newest, older])[0]
        assert got == (older.scene_id if first != "S2024-10-31" else newest.scene_id)
    (choice,) = ranked([newest], FRAME)
    assert choice.days == pytest.approx(days, abs=0.1)
    assert choice.facts()["terms"] == {next(k for k, v in choice.terms_days.items() if v): pytest.approx(days, abs=0.1)}
    json.dumps(choice.facts())


def test_same_season_of_the_year_before_wins_over_the_half_year_old():
    partner = scene("after", "2024-10-15")
    scenes = [scene("spring", "2024-05-01"), scene("autumn", "2023-10-10")]
    assert order(scenes, partner=partner) == ["S2023-10-10", "S2024-05-01"]
    assert order(scenes) == ["S2024-05-01", "S2023-10-10"]
    assert order(scenes, partner=partner, options=ChooseOptions(season_days=0))[0] == "S2024-05-01"


def test_season_runs_over_the_turn_of_the_year_and_the_sun_over_north():
    partner = scene("after", "2024-01-05", sun_azimuth_deg=2.0, sun_elevation_deg=40.0)
    (near,) = ranked([scene("b", "2022-12-28", sun_azimuth_deg=357.0, sun_elevation_deg=38.0)], FRAME, partner=partner)
    assert near.terms_days["season"] == pytest.approx(1.5 * 8.25)
    assert near.terms_days["sun"] == pytest.approx(0.5 * (2 + 1))


def test_only_the_part_that_matters_must_be_covered():
    west = grid(400, 100)
    half = scene("half", footprint_lonlat=lonlat(shapely.box(*west.bounds_m)))
    (all_of_it,) = ranked([half], FRAME)
    (corridor,) = ranked([half], FRAME, within=shapely.box(*west.bounds_m).buffer(-1))
    assert all_of_it.terms_days["missing"] == pytest.approx(22.5, abs=0.1)
    assert corridor.terms_days["missing"] == pytest.approx(0, abs=1e-6)


def test_nothing_touches_nothing_to_rank():
    assert ranked([], FRAME) == ()
