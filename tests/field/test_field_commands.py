"""``luyu cases export`` and ``import``, as they are typed."""

from __future__ import annotations

import datetime as dt
import json

import typer
from typer.testing import CliRunner

from pipeline.cli import cases_field
from pipeline.errors import LuyuError
from pipeline.field.verdict import CHINA

from .conftest import CONFIRMED, COUNTY, Office

app = typer.Typer()
cases_field.register(app)


def type_(*words):
    return CliRunner().invoke(app, [str(word) for word in words], standalone_mode=False)


def test_out_and_back(tmp_path):
    office = Office(tmp_path)
    ledger = ("--ledger", tmp_path / "ledger.sqlite")
    done = type_("export", *ledger, "--county", COUNTY, "--out", office.package, "--route", "G311", "--most", 3)
    assert (done.return_value, "package: 3 cases" in done.output, "back:  luyu cases import" in done.output) == (
        0,
        True,
        True,
    )
    # The clock of this test is the machine's: the package went out today.
    day = dt.datetime.now(CHINA).date()
    office.fill(0, **CONFIRMED | {"checked_on": day, "checked_by": None})
    back = type_("import", office.package, *ledger)
    assert back.return_value == 3
    assert "nobody's name" in back.output
    back = type_("import", office.package, *ledger, "--by", "沛县路政大队", "--json")
    told = json.loads(back.output)
    assert (back.return_value, told["exit_code"], len(told["accepted"]), told["not_filled_in"]) == (0, 0, 1, 2)
    assert office.statuses()[0] == "confirmed"
    office.ledger.close()


def test_json_of_an_export_and_a_refusal(tmp_path):
    office = Office(tmp_path)
    ledger = ("--ledger", tmp_path / "ledger.sqlite")
    done = type_("export", *ledger, "--county", COUNTY, "--all", "--out", office.package, "--json")
    assert json.loads(done.output) == {"folder": str(office.package), "cases": office.numbers}
    refused = type_("import", tmp_path / "gone", *ledger)
    assert isinstance(refused.exception, LuyuError)
    assert "no such file or folder" in str(refused.exception)
    office.ledger.close()
