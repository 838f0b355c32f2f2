import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog import columns
from pipeline.catalog.columns import Findings
from pipeline.catalog.route_names import route_signs
from pipeline.model.stake import Stake


@pytest.fixture
def findings():
    return Findings("f.gpkg: layer 'roads'")


def series(*values):
    return pd.Series(list(values), dtype=object)


@given(st.dates(dt.date(1949, 10, 1), dt.date(2100, 1, 1)))
def test_a_day_reads_the_same_in_every_form(day):
    forms = series(
        day,
        dt.datetime(day.year, day.month, day.day, 23, 59),  # noqa: DTZ001 (a column without time zones)
        pd.Timestamp(day),
        f"{day:%Y%m%d}",
        int(f"{day:%Y%m%d}"),
        float(f"{day:%Y%m%d}"),
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.isoformat()}T08:00:00",
    )
    findings = Findings("")
    assert set(columns.date(forms, "YXQQ", findings)) == {day}
    assert not findings.faults


def test_missing_dates_are_none_and_nonsense_is_a_fault_that_names_the_row(findings):
    found = columns.date(series(None, "", np.nan, pd.NaT, "2024-13-01"), "YXQQ", findings)
    assert found.isna().all()
    assert "'YXQQ'" in findings.faults[0]
    assert "row 5 ('2024-13-01')" in findings.faults[0]


def test_timestamps_of_a_datetime_column(findings):
    found = columns.date(pd.Series(pd.to_datetime(["2024-06-05", None])), "d", findings)
    assert list(found) == [dt.date(2024, 6, 5), None]


def test_numbers_out_of_text(findings):
    found = columns.number(series("12", " 12.5 m", "１２．５", "", None, "-", "7米", 3), "LMKD", findings)
    assert list(found.fillna(-1)) == [12, 12.5, 12.5, -1, -1, -1, 7, 3]
    assert not findings.notes


def test_unreadable_numbers_are_noted(findings):
    assert columns.number(series("wide", 3), "LMKD", findings).isna()[0]
    assert "row 1 ('wide')" in findings.notes[0]


@given(st.integers(0, 99_999_999))
def test_stakes_read_the_same_as_text_and_as_kilometres(metres):
    findings = Findings("")
    said = columns.stakes(series(str(Stake(float(metres)))), "ZH", findings)
    number = columns.stakes(pd.Series([metres / 1000]), "ZH", findings)
    assert said[0] == number[0] == metres
    assert not findings.faults


def test_a_metres_part_of_four_digits_is_no_stake(findings):
    assert columns.stakes(series("K1+1200", "K1+200"), "ZH", findings)[1] == 1200
    assert "row 1 ('K1+1200')" in findings.faults[0]


def test_routes_show_the_sign_and_keep_the_key(findings):
    table = columns.routes(series("g311320322", "G2513", "G205;S202", None), "LXBM", None, findings)
    assert list(table["route_code"]) == ["G311", "G2513", "G205", None]
    assert list(table["route_key"])[:2] == ["G311320322", "G2513"]
    assert list(table["road_class"])[:2] == ["G", "expressway"]
    assert "several routes in row 3" in findings.notes[0]


def test_technical_class_one_makes_an_expressway(findings):
    table = columns.routes(series("S250320322"), "LXBM", pd.Series([1.0]), findings)
    assert table["road_class"][0] == "expressway"


def test_all_bad_routes_are_counted_in_one_message(findings):
    columns.routes(series(*["K1", "foo", "bar", "baz", "G1"]), "LXBM", None, findings)
    assert "rows 1, 2, 3 and 1 more ('K1', 'foo', 'bar')" in findings.faults[0]


def test_technical_classes_in_digits_old_codes_and_words(findings):
    found = columns.tech_classes(series(1, "2", "22", "三级", "四级公路", "高速", "等外", 0, None), "LDJSDJ", findings)
    assert list(found.fillna(0)) == [1, 2, 3, 4, 5, 1, 6, 0, 0]
    assert not findings.notes


@pytest.mark.parametrize("value", ["320322", 320322, 320322.0, "320322000000"])
def test_county_codes_of_any_type(value, findings):
    assert columns.county_codes(pd.Series([value]), "XZQDM", findings)[0] == "320322"
    assert not findings.faults


@pytest.mark.parametrize("value", ["32032", None, "沛县", "020322", "320322001"])
def test_what_is_no_county_code_is_a_fault(value, findings):
    columns.county_codes(series(value), "XZQDM", findings)
    assert "six digits" in findings.faults[0]


@pytest.mark.parametrize("value", [b"\x00\xff", [1, 2], np.array([1, 2]), {"a": 1}, dt.time(8, 30)])
def test_values_that_are_no_text_are_told_and_break_nothing(value):
    for parse in (
        columns.number,
        columns.date,
        columns.stakes,
        columns.stake_ranges,
        columns.flags,
        columns.tech_classes,
    ):
        findings = Findings("")
        parse(series(value, None), "k", findings)
        assert len(findings.notes + findings.faults) == 1, parse
    assert columns.text(series(value, None))[1] is None


def test_degrees_in_every_form(findings):
    said = series(
        117.5,
        "117.5",
        "117°30′",
        "117° 30' 00\"",
        "117度30分0秒",
        "东经117.5°",
        "117°30'E",
        "西经117°30′",
        "S33.25°",
        None,
    )
    found = columns.degrees(said, "lon", findings)
    assert list(found.fillna(0)) == [117.5] * 7 + [-117.5, 0, 0]
    assert "row 9 ('S33.25°')" in findings.notes[0]


def test_ranges_of_stakes(findings):
    found = columns.stake_ranges(series("K1+200~K1+800", "K2+000", "３.５", None), "ZH", findings)
    assert list(found) == [(1200.0, 1800.0), (2000.0, 2000.0), (3500.0, 3500.0), None]
    assert columns.stake_ranges(pd.Series([1.25]), "ZH", findings)[0] == (1250.0, 1250.0)
    assert not findings.faults
    columns.stake_ranges(series("全线"), "ZH", findings)
    assert "row 1 ('全线')" in findings.faults[0]


def test_signs_of_all_routes(findings):
    texts = series(
        "G205;S202", "X201320322，Y001320322", "无", "合计", "G3103203220010", "G310320322001", "G25133200000001"
    )
    assert list(route_signs(texts, "SGYLDBM", findings)) == [
        ["G205", "S202"],
        ["X201", "Y001"],
        [],
        [],
        ["G310"],
        ["G310"],
        ["G2513"],
    ]
    assert findings.notes == [f"{findings.place}: column 'SGYLDBM': no route in row 4 ('合计'); taken as none"]


def test_flags_in_every_form(findings):
    found = columns.flags(series(1, "是", "Y", "TRUE", 2, "否", "0", None, "maybe"), "k", findings)
    assert list(found) == [True] * 4 + [False] * 5
    assert "row 9 ('maybe')" in findings.notes[0]
    assert list(columns.flags(pd.Series([True, False]), "k", findings)) == [True, False]
