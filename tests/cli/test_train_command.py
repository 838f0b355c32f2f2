"""`luyu train` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.ranking.model import Ranking
from tests.ranking.world import findings


def luyu(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_labelled_file_becomes_a_ranking_and_a_worse_one_leaves_it_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table, right = findings(90)
    table.drop(columns="permit_no").assign(right=right).to_file(tmp_path / "good.gpkg")
    out = tmp_path / "rankings" / "building.json"
    code, text, err = luyu(capsys, "train", "--labelled", tmp_path / "good.gpkg", "--out", out, "--cap", 8, "--json")
    assert (code, err) == (0, "")
    told = json.loads(text)
    assert told["out"] == str(out)
    assert told["scores"]["cap"] == 8
    assert told["scores"]["precision_at_cap"]["moved"][0] > 0
    installed = out.read_bytes()
    assert Ranking.load(out).trained_on.right == int(right.sum())

    table.drop(columns="permit_no").assign(right=right[::-1]).to_file(tmp_path / "bad.gpkg")
    code, text, err = luyu(capsys, "train", "--labelled", tmp_path / "bad.gpkg", "--out", out)
    assert (code, text) == (2, "")
    assert "luyu: not installed: on places left out it ranks no better than" in err
    assert "precision at the cap (20 per county): " in err
    assert out.read_bytes() == installed
    assert [path.name for path in out.parent.iterdir()] == ["building.json"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "give exactly one of --ledger PATH and --labelled FILE"),
        (["--labelled", "a.gpkg", "--ledger", "l.sqlite"], "give exactly one of"),
        (["--labelled", "a.gpkg"], "a.gpkg: layer 'findings': there is no such file"),
        (["--ledger", "l.sqlite"], "there is no ledger at"),
    ],
)
def test_a_mistake_is_refused_with_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = luyu(capsys, "train", "--out", "m.json", *args)
    assert code == 2
    assert said in err
    assert list(tmp_path.iterdir()) == []
