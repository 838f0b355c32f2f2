"""What the public is told, and that it is told nothing else."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LuyuError
from pipeline.model.audience import SMALLEST_COUNT, Audience, admitted
from pipeline.share.public import township_counts
from pipeline.share.share import share

from .conftest import everything

NUMBER = "苏S(2026)012号"


@pytest.mark.parametrize("number", [None, "", "   ", "号", "苏S(2026)\n012号"])
def test_public_needs_an_approval_number(run_folder, tmp_path, number):
    with pytest.raises(LuyuError, match="审图号"):
        share(run_folder, tmp_path / "out", audience=Audience.PUBLIC, map_approval=number)
    assert not list(tmp_path.iterdir())


def test_internal_needs_none():
    admitted(Audience.INTERNAL, None)
    admitted(Audience.PUBLIC, NUMBER)


def test_public_gets_counts_and_nothing_of_any_case(run_folder, tmp_path):
    out = tmp_path / "out"
    share(run_folder, out)  # an internal one that was there before leaves nothing behind
    done = share(run_folder, out, audience=Audience.PUBLIC, map_approval=NUMBER)
    assert {path.name for path in out.iterdir()} == {
        "townships.parquet", "luyu.gpkg", "fields.json", "fields.csv", "fields.xlsx", "share.json",
    }  # fmt: skip
    assert done.rows == {"townships": 3}
    assert done.pictures == 0
    content = everything(out)
    for word in (b"320321-2024", b"K512+", b"G311", b"demo-2024", b"117.2", b"POLYGON"):
        assert word not in content
    assert b"geo" not in pq.read_schema(out / "townships.parquet").metadata
    with closing(sqlite3.connect(out / "luyu.gpkg")) as db:
        assert [row[0] for row in db.execute("SELECT table_name FROM gpkg_contents")] == ["townships"]
        assert db.execute("SELECT count(*) FROM gpkg_geometry_columns").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM townships").fetchone() == (3,)
    told = json.loads((out / "share.json").read_text(encoding="utf-8"))
    assert told["map_approval"] == NUMBER
    assert told["audience"] == "public"
    assert told["fingerprint"] is None


def test_small_counts_are_withheld(run_folder, tmp_path):
    share(run_folder, tmp_path / "out", audience=Audience.PUBLIC, map_approval=NUMBER)
    rows = pd.read_parquet(tmp_path / "out" / "townships.parquet")
    assert rows["few"].all()
    assert rows["cases"].isna().all()


def test_three_are_told():
    cases = pd.DataFrame(
        {"county_code": "320321", "county_name": "示例乙县", "township_name": ["示例甲镇"] * 3 + [None], "kind": "building",
         "status": "suspected", "merged_into": None}
    )  # fmt: skip
    rows = township_counts(cases)
    assert rows[["township_name", "few"]].to_numpy().tolist() == [["", True], ["示例甲镇", False]]
    assert rows["cases"].tolist() == [pd.NA, 3]
    merged = township_counts(cases.assign(merged_into=["other", None, None, None]))
    assert merged["few"].all()  # two are left in the township


_ROW = st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.sampled_from("kl"), st.sampled_from("st"))


@given(st.lists(_ROW, max_size=60))
def test_no_count_below_the_smallest_and_every_other_is_right(rows):
    frame = pd.DataFrame(rows, columns=["county_code", "township_name", "kind", "status"]).assign(
        county_name="c", merged_into=None
    )
    counts = township_counts(frame)
    for row in counts.itertuples():
        truth = sum(one == (row.county_code, row.township_name or None, row.kind, row.status) for one in rows)
        assert truth > 0
        assert row.few == (truth < SMALLEST_COUNT)
        assert pd.isna(row.cases) if row.few else row.cases == truth
