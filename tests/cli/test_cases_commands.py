"""A case's life typed in by hand: what each command answers, and what a person is told who errs."""

from __future__ import annotations

import json

import pytest

from pipeline.cli import main
from pipeline.ledger import Ledger
from tests.ledger.conftest import NOW, make_findings

FIRST = "320322-201710-building-0001"


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as opened:
        opened.settle(
            make_findings([(0, 0), (100, 0), (200, 0)], priority=[10.0, 30.0, 20.0], confidence=[0.9] * 3),
            run_id="r", now=NOW,
        )  # fmt: skip
    return str(path)


@pytest.fixture
def say(ledger, capsys):
    def run(*args, code=0):
        assert main(["cases", *args, "--ledger", ledger]) == code
        told = capsys.readouterr()
        return told.err if code else told.out

    return run


def listed(say, *args):
    return json.loads(say("list", "--json", *args))


def test_from_a_clue_to_its_revisit(say):
    say("assign", FIRST, "--to", "沛县大队", "--by", "Wang", "--on", "2024-12-02")
    assert [row["case_no"] for row in listed(say, "--overdue")] == [FIRST]
    assert FIRST in say("escalate", "--overdue")
    assert "0 cases" in say("escalate", "--overdue"), "once for each deadline"
    say("verdict", FIRST, "--confirm", "--by", "Wang", "--on", "2024-12-10")
    shown = say("notify", FIRST, "--by", "Wang", "--ref", "苏徐交改〔2024〕1号", "--on", "2024-12-11")
    assert "2025-01-02" in shown, "fifteen working days on, New Year's Day left out"
    say("verdict", FIRST, "--rectified", "--by", "Wang", "--on", "2024-12-20")
    say("close", FIRST, "--by", "Wang", "--on", "2024-12-23")
    say("revisit", FIRST, "--by", "Zhao", "--on", "2025-03-03")
    assert [row["status"] for row in listed(say)] == ["revisited", "suspected", "suspected"]
    assert len(listed(say, "--open")) == 2


def test_the_week_s_most_urgent_are_assigned(say):
    say("assign", "--county", "320322", "--most", "2", "--to", "沛县大队", "--by", "Wang", "--on", "2024-12-03")
    assert [row["status"] for row in listed(say)] == ["suspected", "assigned", "assigned"]
    say("assign", "--county", "320322", "--most", "2", "--to", "沛县大队", "--by", "Wang", "--on", "2024-12-05")
    assert len(listed(say, "--status", "assigned")) == 2, "the week is full"
    say("assign", "--county", "320322", "--most", "2", "--to", "沛县大队", "--by", "Wang", "--on", "2024-12-09")
    assert len(listed(say, "--status", "assigned")) == 3


def test_dismissals_are_checked_by_a_second_person_and_parties_are_answered(say):
    say("verdict", FIRST, "--dismiss", "greenhouse", "--by", "Wang", "--on", "2024-12-02")
    drawn = json.loads(say("audit", "--period", "2024-12", "--json"))
    assert [row["case_no"] for row in drawn] == [FIRST]
    assert "a second person" in say("audit", FIRST, "--by", "Wang", "--agree", code=2)
    say("audit", FIRST, "--by", "Zhao", "--disagree", "--on", "2024-12-05")
    assert listed(say)[0]["status"] == "suspected"
    say("object", FIRST, "--by", "县政务大厅", "--note", "地块边界有误", "--on", "2024-12-06")
    assert listed(say)[0]["objection"] == "open"
    say("answer", FIRST, "--by", "Zhao", "--uphold", "--on", "2024-12-09")
    assert (listed(say)[0]["status"], listed(say)[0]["reason"]) == ("dismissed", "corrected")


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("verdict", FIRST, "--by", "Wang"), "give exactly one of"),
        (("verdict", FIRST, "--by", "Wang", "--confirm", "--rectified"), "give exactly one of"),
        (("verdict", "1", "--by", "Wang", "--confirm"), "no case '1'"),
        (("verdict", FIRST, "--by", "Wang", "--confirm", "--note", "机主13812345678"), "no personal data"),
        (("close", FIRST, "--by", "Wang"), "may not follow; allowed"),
        (("assign", "--to", "x", "--by", "Wang"), "give case numbers, or --county"),
        (("assign", FIRST, "--to", "x", "--by", "Wang", "--due", "soon"), "is not a day"),
        (("escalate", "--by", "Wang"), "or --overdue"),
        (("audit", "--period", "Maerz"), "period"),
        (("answer", FIRST, "--by", "Wang", "--reject"), "no request to correct is open"),
    ],
)
def test_mistakes_are_told_and_change_nothing(say, args, why):
    before = listed(say)
    assert why in say(*args, code=2)
    assert listed(say) == before


def test_reasons_are_listed(capsys):
    assert main(["cases", "reasons", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"greenhouse", "no_access", "other"} <= {row["code"] for row in rows}
    assert main(["cases", "reasons"]) == 0
    assert "大棚" in capsys.readouterr().out
