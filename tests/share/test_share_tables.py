"""Tables that leave the house: formats, dictionary, what they hold and what they do not."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sqlite3
from contextlib import closing

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from openpyxl import load_workbook

from pipeline.errors import LuyuError, WorkspaceError
from pipeline.ledger import Ledger
from pipeline.model.audience import Audience
from pipeline.model.kinds import Status
from pipeline.share import tables
from pipeline.share.share import share

from .conftest import EPSG, HOSTILE, OFFICER, everything, findings, make_run, same_ground

NAMES = ("findings", "cases", "coverage", "unobserved")


@pytest.mark.parametrize("name", NAMES)
def test_geoparquet_says_version_crs_axes_and_bbox(shared, name):
    schema = pq.read_schema(shared / f"{name}.parquet")
    geo = json.loads(schema.metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert geo["version"] == "1.1.0"
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    told = json.loads(schema.metadata[b"luyu"])
    assert told["axes"].startswith("longitude, latitude")
    west, south, east, north = column["bbox"]
    assert 117 < west <= east < 118
    assert 34 < south <= north < 35


def test_parquet_and_geopackage_hold_the_same(shared):
    for name in NAMES:
        left, right = gpd.read_parquet(shared / f"{name}.parquet"), gpd.read_file(shared / "luyu.gpkg", layer=name)
        key = tables.KEYS[name]
        assert list(left[key]) == list(right[key])
        assert right.crs.to_epsg() == 4490
        assert all(same_ground(a, b) for a, b in zip(left.geometry, right.geometry, strict=True))
        assert set(left.columns) - {"bbox"} == set(right.columns)


def test_positions_are_those_of_the_run(shared):
    truth = findings().set_index("finding_id").geometry
    back = gpd.read_parquet(shared / "findings.parquet").set_index("finding_id").geometry.to_crs(EPSG)
    assert max(back.loc[key].hausdorff_distance(truth.loc[key]) for key in truth.index) < 1e-3


def test_dates_are_dates_and_flags_flags(shared):
    schema = pq.read_schema(shared / "findings.parquet")
    assert str(schema.field("first_seen").type) == "date32[day]"
    assert str(schema.field("gone_on").type) == "date32[day]"  # all null here
    assert str(schema.field("near_border").type) == "bool"
    assert str(schema.field("sight").type) == "string"
    fields = pyogrio.read_info(shared / "luyu.gpkg", layer="findings")
    assert dict(zip(fields["fields"], fields["dtypes"], strict=True))["first_seen"].startswith("datetime64[D]")


def test_a_small_area_reads_by_bbox(shared):
    whole = gpd.read_parquet(shared / "findings.parquet")
    one = whole[whole["finding_id"] == "f1"].geometry.iloc[0]
    assert list(gpd.read_parquet(shared / "findings.parquet", bbox=one.bounds)["finding_id"]) == ["f1"]


def test_neighbours_lie_beside_each_other(shared):
    whole = gpd.read_parquet(shared / "findings.parquet")
    assert whole.geometry.hilbert_distance().is_monotonic_increasing


def test_every_column_and_code_is_described_in_both_languages(shared):
    told = json.loads((shared / "fields.json").read_text(encoding="utf-8"))["tables"]
    assert set(told) == set(NAMES)
    for name in NAMES:
        frame = gpd.read_parquet(shared / f"{name}.parquet").drop(columns=["geometry", "bbox"], errors="ignore")
        fields = {field["name"]: field for field in told[name]["fields"]}
        assert list(frame.columns) == list(fields)
        for column, field in fields.items():
            assert field["zh"]
            assert field["en"]
            assert any("\u4e00" <= sign <= "\u9fff" for sign in field["zh"])
            assert all(word["zh"] and word["en"] for word in field.get("codes", {}).values())
            if tables.codes(name, column):
                cells = frame[column].dropna().astype(str)
                found = set(cells.str.split(";").explode()) if field.get("separator") else set(cells)
                assert found <= set(field["codes"]), (name, column)


def test_contracts_with_no_words_would_be_seen():
    with pytest.raises(KeyError):
        tables.label("findings", "colour_of_the_roof")
    for table in (*tables.TABLES.values(), tables.TOWNSHIP_COUNTS):
        assert all(tables.label(table.name, column) for column in table.columns)
    assert set(tables.codes("cases", "status")) >= {status.value for status in Status}


def test_a_plugins_kind_stands_for_itself(tmp_path):
    from pipeline.share.fields import fields_of

    frame = findings().assign(kind="solar_farm")
    kinds = next(field for field in fields_of(tables.FINDINGS, frame) if field.name == "kind").codes
    assert kinds["solar_farm"].zh == "solar_farm"
    assert kinds["building"].zh == "疑似建筑"


def test_geopackage_describes_itself(shared):
    with closing(sqlite3.connect(shared / "luyu.gpkg")) as db:
        words = db.execute(
            "SELECT name, title, constraint_name FROM gpkg_data_columns WHERE table_name='cases'"
        ).fetchall()
        assert ("办理状态", "办理状态 status", "cases_status") in words
        codes = dict(
            db.execute(
                "SELECT value, description FROM gpkg_data_column_constraints WHERE constraint_name='cases_status'"
            )
        )
        assert codes["assigned"] == "交办 assigned"
        assert db.execute("SELECT count(*) FROM gpkg_extensions WHERE extension_name='gpkg_schema'").fetchone() == (2,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {row[0] for row in db.execute("SELECT last_change FROM gpkg_contents")} == {"2024-10-12T00:00:00.000Z"}
        for name in NAMES:
            known = {row[1] for row in db.execute(f"PRAGMA table_info({name})")} - {"fid", "geom"}
            said = {
                row[0] for row in db.execute("SELECT column_name FROM gpkg_data_columns WHERE table_name=?", (name,))
            }
            assert known == said


def test_dictionary_for_people(shared):
    book = load_workbook(shared / "fields.xlsx", read_only=True)
    rows = [[cell or "" for cell in row] for row in book["字段"].iter_rows(values_only=True)]
    sheet = list(csv.reader(io.StringIO((shared / "fields.csv").read_text(encoding="utf-8-sig"))))
    assert rows == sheet
    assert ["cases 案件", "due_on", "date", "", "办理期限", "due on", ""] in rows
    assert any(row[:3] == ("cases", "status", "assigned") for row in book["代码"].iter_rows(values_only=True))


def test_status_is_what_the_ledger_says_now(shared):
    status = gpd.read_parquet(shared / "findings.parquet").set_index("finding_id")["status"]
    assert dict(status) == {
        "f1": "assigned", "f2": "suspected", "f3": "suspected", "f4": "dismissed", "f5": "permitted",
    }  # fmt: skip


def test_coverage_has_the_route_within_each_county(shared):
    lines = gpd.read_parquet(shared / "coverage.parquet").set_index("coverage_id").to_crs(EPSG)
    assert {key: round(shape.length) for key, shape in lines.geometry.items()} == {
        "G311-320321": 400,
        "G311-320322": 400,
    }
    assert lines.loc["G311-320322", "km_cloud"] == pytest.approx(0.1)


def test_no_person_and_no_note_leaves(shared):
    assert OFFICER.encode() not in everything(shared)
    cases = gpd.read_parquet(shared / "cases.parquet")
    assert not {"assigned_to", "actor", "note", "history", "overdue"} & set(cases.columns)
    assert set(cases["reason"].dropna()) == {"other"}


def test_hostile_text_passes_unharmed(shared):
    frame = gpd.read_parquet(shared / "findings.parquet").set_index("finding_id")
    again = gpd.read_file(shared / "luyu.gpkg", layer="findings").set_index("finding_id")
    assert frame.loc["f4", "township_name"] == HOSTILE == again.loc["f4", "township_name"]
    assert json.loads(frame.loc["f4", "evidence"])["说明"] == HOSTILE
    assert "HOME" not in (shared / "pygeoapi.yml").read_text(encoding="utf-8")  # pygeoapi would put the variable there


def test_the_same_run_gives_the_same_bytes(run_folder, shared, tmp_path):
    share(run_folder, tmp_path / "again")
    left, right = ({p.relative_to(f).as_posix(): p.read_bytes() for p in f.rglob("*") if p.is_file()}
                   for f in (shared, tmp_path / "again"))  # fmt: skip
    assert left == right


def test_manifest_names_every_file_with_its_hash(shared):
    told = json.loads((shared / "share.json").read_text(encoding="utf-8"))
    there = {p.relative_to(shared).as_posix() for p in shared.rglob("*") if p.is_file()} - {"share.json"}
    assert set(told["files"]) == there
    for name, one in told["files"].items():
        assert hashlib.sha256((shared / name).read_bytes()).hexdigest() == one["sha256"]
    assert told["marking"].startswith("内部资料")


def test_without_a_ledger_the_rest_is_shared(tmp_path):
    run = make_run(tmp_path)
    (tmp_path / "ledger.sqlite").unlink()
    done = share(run, tmp_path / "out")
    assert "cases" not in done.rows
    assert done.pictures == 0
    assert "--ledger" in done.notes[0]
    with pytest.raises(LuyuError, match="give --ledger"):
        share(run, tmp_path / "public", audience=Audience.PUBLIC, map_approval="苏S(2026)012号")
    assert not (tmp_path / "public").exists()


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_with_hardly_anything_is_shared(tmp_path, count):
    run = make_run(tmp_path)
    layers = {
        name: gpd.read_file(run / "findings.gpkg", layer=name) for name, _ in pyogrio.list_layers(run / "findings.gpkg")
    }
    (run / "findings.gpkg").unlink()
    from pipeline.run.publish import write_layers

    write_layers(
        run / "findings.gpkg", {n: f.iloc[:count] if n in ("findings", "unobserved") else f for n, f in layers.items()}
    )
    done = share(run, tmp_path / "out")
    assert done.rows["findings"] == count
    assert len(gpd.read_parquet(tmp_path / "out" / "findings.parquet")) == count
    assert len(gpd.read_file(tmp_path / "out" / "luyu.gpkg", layer="findings")) == count
    assert len(gpd.read_file(tmp_path / "out" / "luyu.gpkg", layer="unobserved")) == count


def test_a_ledger_without_cases_is_shared(run_folder, tmp_path):
    Ledger.open(tmp_path / "empty.sqlite").close()
    done = share(run_folder, tmp_path / "out", ledger=str(tmp_path / "empty.sqlite"))
    assert done.rows["cases"] == 0
    assert "pictures" in done.notes[0]
    assert len(gpd.read_parquet(tmp_path / "out" / "cases.parquet")) == 0


def test_cases_of_other_counties_stay_out(run_folder, tmp_path):
    record = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    record["totals"]["counties"] = [{"code": "320322"}]
    other = tmp_path / "run"
    shutil.copytree(run_folder, other)
    (other / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert share(other, tmp_path / "out").rows["cases"] == 1


def test_every_layer_says_that_it_holds_clues(shared):
    with closing(sqlite3.connect(shared / "luyu.gpkg")) as db:
        told = [row[0] for row in db.execute("SELECT description FROM gpkg_contents")]
    assert len(told) == 4
    assert all("不作为处罚依据" in one for one in told)


def test_a_failure_leaves_the_earlier_share_whole(run_folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    share(run_folder, out)
    before = everything(out)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.share.share.write_service", broken)
    with pytest.raises(WorkspaceError, match="No space left"):
        share(run_folder, out)
    assert everything(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_places_that_hold_something_else_are_refused(run_folder, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="something else"):
        share(run_folder, tmp_path)
    with pytest.raises(WorkspaceError, match="something else"):
        share(run_folder, tmp_path / "notes.txt")
    with pytest.raises(WorkspaceError, match="something else"):
        share(run_folder, run_folder)
    with pytest.raises(LuyuError, match="no finished run"):
        share(tmp_path, tmp_path / "out")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_shapes_are_valid_and_turn_left(shared):
    for name in ("findings", "cases"):
        shapes = gpd.read_parquet(shared / f"{name}.parquet").geometry
        assert shapes.is_valid.all()
        assert all(shapely.is_ccw(part.exterior) for shape in shapes for part in shapely.get_parts(shape))


def test_what_a_run_leaves_can_be_shared(finished, tmp_path):
    """The columns, the ledger and the pictures are those of the program itself, not of a run made by hand."""
    done = share(finished.folder.root, tmp_path / "out")
    assert done.rows["findings"] == len(gpd.read_file(finished.folder.findings_gpkg, layer="findings")) > 0
    assert done.rows["cases"] > 0
    assert done.pictures >= done.rows["cases"]  # each shows at least what it was opened for
    again = gpd.read_parquet(tmp_path / "out" / "cases.parquet")
    assert again.geometry.notna().all()
