"""The GeoPackage comes back, as QField leaves it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import geopandas as gpd
import pytest

from pipeline.errors import LuyuError

from .conftest import photo

DRAWN = {"verdict": "dismiss", "reason": "greenhouse", "checked_by": "王某", "checked_on": "2024-12-03"}


def run(path, *statements):
    with closing(sqlite3.connect(path)) as base, base:
        for statement in statements:
            base.execute(statement)


def test_features_go_in_with_their_photos_and_twice_changes_nothing(office):
    office.take_photo("a.jpg", photo())
    office.take_photo("b.jpg", photo(azimuth=90))
    office.draw(0, **DRAWN, note="大棚", photo="photos/a.jpg")
    office.attach(0, "photos/b.jpg")
    office.draw(2, verdict="confirm", checked_by="李某", checked_on="2024-12-03T00:00:00Z")
    report = office.back()
    assert report.exit_code == 0, report.text()
    assert (len(report.accepted), report.photos_new, report.not_filled_in, report.flags) == (2, 2, 3, [])
    assert office.statuses() == ["dismissed", "suspected", "confirmed", "suspected", "suspected"]
    again = office.back()
    assert (len(again.accepted), len(again.unchanged), again.photos_new, again.photos_known) == (0, 2, 0, 2)
    assert len(office.ledger.photos(office.numbers[0])) == 2


def test_a_layer_that_a_gis_wrote_anew_is_read_too(office, tmp_path):
    office.draw(0, **DRAWN)
    frame = gpd.read_file(office.gpkg, layer="cases")
    copy = tmp_path / "copy" / "cases.gpkg"
    copy.parent.mkdir()
    frame.iloc[::-1].assign(mine="x").to_file(copy, layer="cases", driver="GPKG")
    report = office.back(copy)
    assert (len(report.accepted), report.exit_code) == (1, 0)
    assert "columns mine are not of the package; ignored" in report.text()


def test_a_wrong_feature_is_refused_with_its_place(office):
    office.draw(0, **DRAWN)
    office.draw(1, **DRAWN | {"reason": None})
    office.draw(2, **DRAWN | {"checked_on": "soon"})
    report = office.back()
    assert [(line.part, line.row) for line in report.refused] == [("layer 'cases'", 2), ("layer 'cases'", 3)]
    assert len(report.accepted) == 1


def test_both_lists_of_a_folder_are_read_and_must_agree(office):
    office.draw(0, **DRAWN)
    office.fill(0, verdict="不属实", reason="大棚", checked_by="王某", checked_on="2024-12-03")
    office.fill(1, verdict="属实", checked_by="王某", checked_on="2024-12-03")
    report = office.back()
    assert (len(report.accepted), len(report.unchanged), len(report.refused)) == (2, 1, 0)
    office.draw(2, **DRAWN)
    office.fill(2, verdict="属实", checked_by="王某", checked_on="2024-12-03")
    report = office.back()
    assert {line.file for line in report.refused} == {"cases.gpkg", "cases.xlsx"}
    assert office.statuses()[2] == "suspected"


def test_what_is_no_package_is_refused_whole(office, tmp_path):
    path = tmp_path / "cases.gpkg"
    shutil.copy(office.gpkg, path)
    run(path, "ALTER TABLE cases RENAME TO mine")
    with pytest.raises(LuyuError, match="its contents name 'cases', which is not in it"):
        office.back(path)
    shutil.copy(office.gpkg, path)
    run(path, "ALTER TABLE cases DROP COLUMN checked_by")
    with pytest.raises(LuyuError, match=r"lacks checked_by \(核查人\); export anew"):
        office.back(path)
    whole = office.gpkg.read_bytes()
    path.write_bytes(whole[:5000] + b"\xff" * (len(whole) - 5000))
    with pytest.raises(LuyuError, match="cannot be read"):
        office.back(path)
    path.write_bytes(b"not at all")
    with pytest.raises(LuyuError, match="not gpkg"):
        office.back(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LuyuError, match=r"neither cases.gpkg nor cases.xlsx"):
        office.back(tmp_path / "empty")


def test_a_view_in_place_of_the_layer_is_not_run(office, tmp_path):
    path = tmp_path / "cases.gpkg"
    shutil.copy(office.gpkg, path)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid FROM n"
    run(path, "ALTER TABLE cases RENAME TO mine", f"CREATE VIEW cases AS {endless}")
    with pytest.raises(LuyuError, match="'cases' in it is a view"):
        office.back(path)


def test_a_photo_of_no_case_is_refused_and_reading_writes_nothing(office):
    office.draw(0, **DRAWN)
    office.attach(0, "photos/a.jpg")
    run(office.gpkg, "UPDATE photos SET case_no = NULL")
    before = office.gpkg.read_bytes()
    report = office.back()
    assert [(line.part, line.why) for line in report.refused] == [
        ("layer 'photos'", "the photo belongs to no case of the file; choose its case")
    ]
    assert office.gpkg.read_bytes() == before


def test_what_qfield_has_not_yet_moved_into_the_file_is_read_from_beside_it(office, tmp_path):
    copy = tmp_path / "copy"
    with closing(sqlite3.connect(office.gpkg)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute(
            "UPDATE cases SET verdict = 'confirm', checked_by = '王某', checked_on = '2024-12-03' WHERE case_no = ?",
            (office.numbers[0],),
        )
        base.commit()
        shutil.copytree(office.package, copy)
    assert (copy / "cases.gpkg-wal").stat().st_size > 0
    assert len(office.back(copy / "cases.gpkg").accepted) == 1


def test_a_file_in_that_state_is_read_where_nothing_can_be_written(office):
    office.draw(0, **DRAWN)
    with closing(sqlite3.connect(office.gpkg)) as base:
        base.execute("PRAGMA journal_mode = WAL")
    before = sorted(office.package.iterdir())
    assert len(office.back(office.gpkg).accepted) == 1
    assert sorted(office.package.iterdir()) == before
