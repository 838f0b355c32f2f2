"""What run.json says of scenes: bands that lie apart, roofs that lean, whom to credit."""

from __future__ import annotations

import datetime as dt

import pyproj
import pytest
import shapely

from pipeline.model.grid import Grid, Tile
from pipeline.model.scene import Scene
from pipeline.reports import values
from pipeline.run.provenance import meta
from pipeline.run.scene_facts import band_tiles, scene_facts, scene_notes
from pipeline.run.touched import Touched


def scene(name: str, **changes: object) -> Scene:
    return Scene(name, dt.date(2024, 10, 1), {}, **changes)


def band(rows_px: float | None, error_px: float | None = 0.05, confidence: float = 0.99) -> dict:
    cols_px = None if rows_px is None else 0.0
    told = {"against": "green", "rows_px": rows_px, "cols_px": cols_px}
    return told | {"error_px": error_px, "confidence": confidence}


def test_each_scene_is_measured_in_up_to_three_tiles_spread_over_those_it_touches() -> None:
    tiles = [at(n) for n in range(60)]
    degrees = pyproj.Transformer.from_crs(4548, 4490, always_xy=True)
    shapes = {"all": None, "part": (10, 40), "off": (99, 100), "small": (7, 8)}
    scenes = [
        scene(name, footprint_lonlat=None if span is None else over(span, degrees)) for name, span in shapes.items()
    ]
    touched = dict(zip(shapes, Touched(scenes, tiles, degrees).tiles_of(), strict=True))
    chosen = band_tiles(touched)
    where = {name: sorted(n for n, ids in chosen.items() if name in ids) for name in shapes}
    assert where == {"all": [10, 30, 50], "part": [15, 25, 35], "off": [], "small": [7]}


def test_scenes_of_a_tile_come_in_their_order_and_one_without_a_footprint_is_everywhere() -> None:
    degrees = pyproj.Transformer.from_crs(4548, 4490, always_xy=True)
    spans = {"a": (0, 2), "b": None, "c": (1, 3)}
    scenes = [
        scene(name, footprint_lonlat=None if span is None else over(span, degrees)) for name, span in spans.items()
    ]
    touched = Touched(scenes, [at(n) for n in range(4)], degrees)
    assert [[one.scene_id for one in touched.of(n)] for n in range(4)] == [
        ["a", "b"],
        ["a", "b", "c"],
        ["b", "c"],
        ["b"],
    ]


def at(number: int) -> Tile:
    grid = Grid(4548, 500_000.0 + 100 * number, 3_800_100.0, 1.0, 100, 100)
    return Tile(f"t{number}", 0, number, grid, 0, grid.footprint)


def over(span: tuple[int, int], degrees: pyproj.Transformer) -> shapely.Polygon:
    """Just the tiles of this span, ends excluded."""
    area = shapely.box(500_000 + 100 * span[0] + 10, 3_800_010, 500_000 + 100 * span[1] - 10, 3_800_090)
    return shapely.transform(area, degrees.transform, interleaved=False)


def test_bands_are_the_median_of_what_is_certain_and_noted_where_they_lie_apart() -> None:
    tiles = [{"bands": {"a": {"red": band(rows)}}} for rows in (0.7, 0.8, 0.9)]
    tiles += [{"bands": {"a": {"red": band(5.0, 0.9, 0.8)}}}, {"bands": {"b": {"red": band(None, None, 0.3)}}}, {}]
    told = scene_facts([scene("a"), scene("b"), scene("c")], [], tiles)
    assert told["a"]["bands"]["red"] == {
        "against": "green", "px": 0.8, "rows_px": 0.8, "cols_px": 0.0, "confidence": 0.99, "tiles": 3,
    }  # fmt: skip
    assert told["b"]["bands"]["red"]["px"] is None
    assert told["c"] == {}
    (note,) = scene_notes(told, {"a": 1.0, "b": 1.0, "c": 1.0})
    assert "bands of a lie up to 0.8 px apart" in note


def test_lean_is_told_where_the_angle_is_known_and_noted_where_it_exceeds_the_position_error() -> None:
    told = scene_facts([scene("a", off_nadir_deg=25.0), scene("b")], [scene("c", off_nadir_deg=10.0)], [])
    assert told["b"] == {}
    lean = told["a"]["lean"]
    assert lean["m_per_m"] == pytest.approx(0.512, abs=0.001)  # tan 27.1 degrees
    assert lean["roof_6m_m"] == pytest.approx(3.07, abs=0.01)
    least, most = lean["between_m"]
    assert least + most == pytest.approx(2 * lean["roof_6m_m"], abs=0.02)
    (note,) = scene_notes(told, {"a": 1.0, "b": 1.0})
    assert "1 scenes" in note
    assert "a 3.1 m (position 1.0 m)" in note
    assert scene_notes(told, {"a": 4.0, "b": 1.0}) == []


def test_the_credit_of_a_service_is_handed_on() -> None:
    assert scene_facts([scene("a", credit="天地图 GS(2024)0568号")], [], [])["a"] == {"credit": "天地图 GS(2024)0568号"}


def test_pages_print_the_credit_once_at_their_foot() -> None:
    days = [{"day": "2024-04-01", "sensor": "rgb_vhr", "credit": credit} for credit in ("天地图", "天地图", "")]
    record = {
        "scenes": {"before": days, "after": days[:1]}, "luyu": "0.1.0", "totals": {"name": "县"},
        "confidence_calibrated": {"building": False},
    }  # fmt: skip
    facts = meta(record)
    assert facts["credit"] == "天地图"
    assert "天地图" not in values.facts_line(facts)
    assert facts["credit"] == "天地图"
