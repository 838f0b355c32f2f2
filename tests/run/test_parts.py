"""Results of tiles on disk: whole, found again, made again where they are damaged, and of no other inputs than today's."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from pipeline.errors import WorkspaceError
from pipeline.model.tables import CANDIDATES
from pipeline.run import parts as room
from pipeline.run.inputs import Inputs
from pipeline.run.job import TileResult, no_sightings
from pipeline.run.parts import Parts

EPSG = 4548
INPUTS = Inputs("program", "settings", "rules", "scenes", "ground")


def candidates(tile: str, count: int) -> gpd.GeoDataFrame:
    if not count:
        return CANDIDATES.empty(crs=EPSG)
    row = dict.fromkeys(CANDIDATES.columns) | {
        "kind": "building", "confidence": 0.5, "tile_id": tile, "truncated": False, "shift_px": float("nan"),
        "first_seen": dt.date(2024, 10, 1), "evidence": '{"水": "<b>"}', "detector": "building",
    }  # fmt: skip
    shapes = [shapely.box(n, 0, n + 1, 1) for n in range(count)]
    return gpd.GeoDataFrame([row] * count, geometry=shapes, crs=EPSG)[[*CANDIDATES.columns, "geometry"]]


def result(number: int, *, count: int = 2, failure: dict | None = None) -> TileResult:
    stretch = ("G311", "320322", "甲县", 0.001, "cloud" if number % 2 else "")
    names = ["route_code", "county_code", "county_name", "km_per_m", "reason"]
    line = shapely.LineString([(number, 0), (number, 9)])
    stretches = gpd.GeoDataFrame([stretch], columns=names, geometry=[line], crs=EPSG)
    tile = f"t{number:04d}"
    facts = {"observed_share": 0.25, "spread": {"a": float("nan")}}
    return TileResult(tile, candidates(tile, count), stretches, facts, failure, no_sightings(EPSG))


def filled(folder: Path, count: int) -> Parts:
    made = Parts(folder, EPSG)
    for number in range(count):
        made.add(result(number, count=number % 3), INPUTS)
    return made


def rows(of: Parts, name: str = "candidates") -> pd.DataFrame:
    found = [pd.DataFrame(part).assign(geometry=part.geometry.to_wkt()) for part in of.table(name, list(of))]
    return pd.concat(found).sort_values(
        ["geometry", *[c for c in ("tile_id",) if name == "candidates"]], ignore_index=True
    )


@pytest.mark.parametrize("count", [3, room._PER_PART, room._PER_PART + 5])
def test_what_was_added_is_there_for_the_next_process_in_the_same_words(tmp_path: Path, count: int) -> None:
    made = filled(tmp_path, count)
    again = Parts(tmp_path, EPSG)
    assert list(again) == list(made)
    assert len(list(tmp_path.glob("part-*.jsonl"))) == count // room._PER_PART
    for name in ("candidates", "stretches"):
        pd.testing.assert_frame_equal(rows(again, name), rows(made, name), check_dtype=False)
    assert set(rows(again)["first_seen"]) == {dt.date(2024, 10, 1)}
    kept = again.get(("t0001", ""))
    assert kept is not None
    assert kept.inputs == INPUTS
    assert json.loads(kept.facts)["observed_share"] == 0.25
    again.gather()
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
    pd.testing.assert_frame_equal(rows(Parts(tmp_path, EPSG)), rows(made), check_dtype=False)


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_journal_that_broke_off_loses_its_last_line_and_takes_new_ones(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, 4)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    looked_at = journal.read_bytes()
    assert len(list(Parts(tmp_path, EPSG, mend=False))) == 3
    assert journal.read_bytes() == looked_at  # who only looks changes nothing
    again = Parts(tmp_path, EPSG)
    assert len(list(again)) == 3
    again.add(result(9), INPUTS)
    assert ("t0009", "") in list(Parts(tmp_path, EPSG))


def test_a_damaged_line_ends_the_journal(tmp_path: Path) -> None:
    filled(tmp_path, 4)
    journal = tmp_path / "journal.jsonl"
    data = bytearray(journal.read_bytes())
    second = data.index(b"\n") + 60
    data[second] ^= 1
    journal.write_bytes(data)
    assert [key[0] for key in list(Parts(tmp_path, EPSG))] == ["t0000"]


@pytest.mark.parametrize("name", ["candidates.parquet", "stretches.parquet", "jsonl"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_a_part_with_a_damaged_file_is_made_again_and_the_others_are_not(tmp_path: Path, name: str, how: str) -> None:
    made = filled(tmp_path, 4)
    made.gather()
    made.add(result(8), INPUTS)
    made.gather()
    victim = tmp_path / f"part-000001.{name}"
    data = bytearray(victim.read_bytes())
    if how == "gone":
        victim.unlink()
    elif how == "cut":
        victim.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 0x10
        victim.write_bytes(data)
    again = Parts(tmp_path, EPSG)
    kept = [key[0] for key in again]
    if name == "jsonl" and how != "gone":  # lines before the damage bear their checksums
        assert set(kept) < {"t0000", "t0001", "t0002", "t0003", "t0008"}
        assert "t0008" in kept
    else:
        assert kept == ["t0008"]
        assert len(rows(again)) == 2
    for number in range(4):
        again.add(result(number, count=number % 3), INPUTS)
    again.gather()
    made = filled(tmp_path / "undisturbed", 4)
    made.add(result(8), INPUTS)
    pd.testing.assert_frame_equal(rows(Parts(tmp_path, EPSG)), rows(made), check_dtype=False)


def test_the_newest_result_of_a_tile_counts_and_what_is_not_wanted_goes(tmp_path: Path) -> None:
    made = filled(tmp_path, 3)
    made.gather()
    newer = Inputs("program", "settings", "rules", "other scenes", "ground")
    assert newer.differing(INPUTS) == ("scenes",)
    made.add(result(2, count=5), newer)
    made.add(result(2, count=1), newer, "second")
    again = Parts(tmp_path, EPSG)
    kept = again.get(("t0002", ""))
    assert kept is not None
    assert kept.inputs == newer
    assert [len(part) for part in again.table("candidates", [("t0002", "")])] == [5]
    again.forget({("t0002", "")})
    assert [len(part) for part in Parts(tmp_path, EPSG).table("candidates", [("t0002", "")])] == [5]
    assert not (tmp_path / "part-000001.jsonl").exists()
    again.forget()
    assert not list(Parts(tmp_path, EPSG))


def test_a_part_whose_writing_was_cut_off_leaves_nothing_to_the_next_of_its_name(tmp_path: Path) -> None:
    made = Parts(tmp_path, EPSG)
    made.add(result(1, count=2), INPUTS)
    made.gather()
    (tmp_path / "part-000001.jsonl").unlink()  # killed between the tables and what makes them count
    again = Parts(tmp_path, EPSG)
    assert not list(again)
    again.add(result(1, count=0), INPUTS)
    again.gather()
    assert not list(again.table("candidates", list(again)))
    assert not list(Parts(tmp_path, EPSG).table("candidates", [("t0001", "")]))


def test_a_failure_is_kept_with_its_cause(tmp_path: Path) -> None:
    failure = {"tile": "t0001", "error": "ImageryError", "why": "a.tif: cut short", "trace": ""}
    Parts(tmp_path, EPSG).add(result(1, count=0, failure=failure), INPUTS)
    kept = Parts(tmp_path, EPSG).get(("t0001", ""))
    assert kept is not None
    assert kept.failure == failure


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"journal\.jsonl: cannot be written.*goes on where it stopped"):
        Parts(tmp_path / "work", EPSG).add(result(1), INPUTS)
