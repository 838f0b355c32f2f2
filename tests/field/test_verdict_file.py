"""The verdict file of a county's map: its published form, and what is made of files that are not of it."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import LuyuError
from pipeline.field.verdict_file import schema


def entry(office, number=0, **more):
    base = {
        "case_no": office.numbers[number],
        "verdict": "dismiss",
        "reason": "greenhouse",
        "note": "大棚",
        "by": "王某、李某",
        "at": "2024-12-03T10:20:00+08:00",
        "version": 0,
    }
    return {name: value for name, value in (base | more).items() if value != "left out"}


def whole(*entries, **more):
    base = {"luyu_verdicts": 1, "exported_at": "2024-12-02T01:00:00Z", "run": "xuzhou", "verdicts": list(entries)}
    return {name: value for name, value in (base | more).items() if value != "left out"}


def back(office, tmp_path, content):
    path = tmp_path / "verdicts.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
    return office.back(path)


def test_verdicts_go_in_and_twice_changes_nothing(office, tmp_path):
    content = whole(entry(office), entry(office, 1, verdict="confirm", reason=None, at="2024-12-03T02:30:00.123456Z"))
    report = back(office, tmp_path, content)
    assert (len(report.accepted), report.exit_code, report.not_filled_in) == (2, 0, 0)
    history = office.ledger.case(office.numbers[0])["history"]
    assert (history[-1]["at"], history[-1]["detail"]["reason"]) == ("2024-12-03T02:20:00.000Z", "greenhouse")
    again = back(office, tmp_path, content)
    assert [line.why for line in again.unchanged] == ["imported before"] * 2
    assert office.ledger.case(office.numbers[0])["history"] == history


def test_a_file_with_a_byte_order_mark_is_read(office, tmp_path):
    assert back(office, tmp_path, b"\xef\xbb\xbf" + json.dumps(whole(entry(office))).encode()).exit_code == 0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"verdict": "属实"}, "verdict: Input should be 'confirm'"),
        ({"reason": None}, "needs a reason"),
        ({"reason": "nonsense"}, "is not known"),
        ({"by": ""}, "by: String should have at least 1 character"),
        ({"by": "  "}, "nobody's name"),
        ({"by": "left out"}, "by: Field required"),
        ({"at": "2024-12-03T10:20:00"}, "at: Input should have timezone info"),
        ({"at": "2025-12-03T10:20:00Z"}, "lies in the future"),
        ({"version": "0"}, "version: Input should be a valid integer"),
        ({"version": -1}, "version:"),
        ({"phone": "13812345678"}, "phone: Extra inputs are not permitted"),
        ({"note": "x" * 2001}, "note: String should have at most 2000"),
        ({"case_no": "x"}, "no case of that number"),
        ({"note": "身份证320322199001011234"}, "an identity card number"),
    ],
)
def test_a_wrong_entry_is_refused_and_the_others_go_in(office, tmp_path, more, why):
    report = back(office, tmp_path, whole(entry(office, **more), entry(office, 1)))
    (line,) = report.refused
    assert why in line.why
    assert (line.file, line.part, line.row) == ("verdicts.json", "verdicts", 1)
    assert "13812345678" not in report.text()
    assert [accepted.case_no for accepted in report.accepted] == [office.numbers[1]]
    assert report.exit_code == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"{not json", "no JSON in UTF-8"),
        (b'{"luyu_verdicts": 1, "x": "\xff"}', "no JSON in UTF-8"),
        (b'{"a":' * 100_000, "no JSON in UTF-8"),
        (b"[]", "not json"),
        (whole(luyu_verdicts=2), "luyu_verdicts: Input should be 1"),
        (whole(luyu_verdicts="left out"), "luyu_verdicts: Field required"),
        (whole(more=1), "more: Extra inputs are not permitted"),
        (whole(exported_at="yesterday"), "exported_at"),
        (whole(verdicts={}), "a list 'verdicts'"),
        (whole(verdicts=[{}] * 20_001), "at most 20000"),
    ],
)
def test_what_is_no_verdict_file_is_refused_whole(office, tmp_path, content, why):
    with pytest.raises(LuyuError, match=why):
        back(office, tmp_path, content)
    assert set(office.statuses()) == {"suspected"}


def test_entries_that_are_no_objects_are_refused_one_by_one(office, tmp_path):
    report = back(office, tmp_path, whole(None, 3, "x", [], entry(office)))
    assert ([line.row for line in report.refused], len(report.accepted)) == ([1, 2, 3, 4], 1)


def test_two_entries_of_a_case_that_differ_are_both_refused(office, tmp_path):
    report = back(office, tmp_path, whole(entry(office), entry(office, verdict="confirm", reason=None)))
    assert (len(report.refused), report.accepted) == (2, [])


def test_the_form_is_published():
    form = schema()
    assert form["required"] == ["luyu_verdicts", "exported_at", "verdicts"]
    assert form["additionalProperties"] is False
    assert form["$defs"]["VerdictEntry"]["properties"]["verdict"]["enum"] == [
        "confirm",
        "dismiss",
        "rectified",
        "cannot_tell",
    ]
