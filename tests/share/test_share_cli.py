"""``luyu share`` as it is typed."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from pipeline.cli.share import share
from pipeline.errors import LuyuError

app = typer.Typer()
app.command()(share)


def typed(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_share_says_what_it_wrote_and_what_comes_next(run_folder, tmp_path):
    done = typed(run_folder, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "findings: 5" in done.output
    assert "pictures: 2" in done.output
    assert f"luyu serve {tmp_path / 'out'}" in done.output
    assert json.loads((tmp_path / "out" / "share.json").read_text(encoding="utf-8"))["rows"]["cases"] == 4


def test_public_needs_its_number_and_then_says_so(run_folder, tmp_path):
    refused = typed(run_folder, "--out", tmp_path / "out", "--audience", "public")
    assert isinstance(refused.exception, LuyuError)
    assert "--map-approval" in str(refused.exception)
    done = typed(run_folder, "--out", tmp_path / "out", "--audience", "public", "--map-approval", "苏S(2026)012号")
    assert done.exit_code == 0, done.output
    assert "townships: 3" in done.output
    assert "luyu serve" not in done.output


def test_a_ledger_that_is_not_there_is_named(run_folder, tmp_path):
    refused = typed(run_folder, "--out", tmp_path / "out", "--ledger", tmp_path / "none.sqlite")
    assert isinstance(refused.exception, LuyuError)
    assert "none.sqlite" in str(refused.exception)
    assert not list(tmp_path.iterdir())
