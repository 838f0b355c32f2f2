"""The command line in Chinese: what is said, what stays English, and consoles that cannot show every sign."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import polib
import pytest

from pipeline.cli import main, show
from pipeline.cli.console import near_signs
from pipeline.cli.helping import _broken, _columns
from pipeline.words.catalogue import PO_FILE

LUYU = (sys.executable, "-m", "pipeline")


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("LUYU_LANG", "zh")


def test_an_error_is_said_in_chinese(chinese, capsys, tmp_path):
    assert main(["plan", str(tmp_path / "run.yaml")]) == 2
    assert "没有这个文件" in capsys.readouterr().err


def test_a_mistyped_key_is_said_in_chinese_with_place_and_remedy(chinese, capsys, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("name: x\nimagry: {}\n", encoding="utf-8")
    assert main(["plan", str(path)]) == 2
    err = capsys.readouterr().err
    assert f"{path}:2: imagry：未知的键；是否应为 'imagery'？" in err
    assert "缺少；请补上" in err


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_data_hold_does_not_rule_the_terminal(language, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LUYU_LANG", language)
    path = tmp_path / "run.yaml"
    path.write_text('"\\e]0;title\\a\\u202Eimagry": 1\nname: x\n', encoding="utf-8")
    assert main(["plan", str(path)]) == 2
    err = capsys.readouterr().err
    assert "imagry" in err
    assert not set(err) & {"\x1b", "\x07", "\u202e"}


def test_json_is_the_same_in_every_language(monkeypatch, capsys):
    said = []
    for lang in ("en", "zh"):
        monkeypatch.setenv("LUYU_LANG", lang)
        assert main(["cases", "reasons", "--json"]) == 0
        assert main(["detectors", "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert json.loads(said[0].split("\n]\n")[0] + "]")


def test_the_reference_configuration_is_the_same_in_every_language(monkeypatch, capsys):
    said = []
    for lang in ("en", "zh"):
        monkeypatch.setenv("LUYU_LANG", lang)
        assert main(["config"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["plan"], "错误：缺少参数 'CONFIG'"),
        (["plann"], "错误：没有命令 'plann'"),
        (["plan", "x.yaml", "--frsh"], "错误：没有选项 --frsh"),
        (["run", "x.yaml", "--workers", "many"], "应为整数"),
        (["run", "x.yaml", "--workers", "0"], "'--workers' 的值无效：应不小于 1"),
        (["watch", "x.yaml", "--every", "soon"], "不是时长"),
        (["serve", "x", "--port"], "需要一个值"),
    ],
)
def test_a_line_that_cannot_be_taken_is_refused_in_chinese(chinese, capsys, args, expected):
    assert main(args) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert "Error" not in err
    assert "Usage" not in err


def leaves() -> list[list[str]]:
    """Every command, and the groups."""
    from typer.main import get_command

    from pipeline.cli.app import app

    found, todo = [], [([], get_command(app))]
    while todo:
        path, command = todo.pop()
        found.append(path)
        todo += [([*path, name], one) for name, one in getattr(command, "commands", {}).items()]
    return sorted(found)


@pytest.mark.parametrize("path", leaves(), ids="-".join)
def test_help_is_chinese_and_fits_the_terminal(chinese, capsys, monkeypatch, path):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*path, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("用法：luyu")
    assert "显示本说明后退出" in told
    for line in told.splitlines():
        assert _columns(line) <= 82, line  # a closing sign may hang over
    english = [
        word for word in (" the ", " of ", " with ", " and ", "Show this", "[default", "required") if word in told
    ]
    assert english == []


def test_help_is_english_elsewhere(capsys):
    assert main(["run", "--help"]) == 0
    told = capsys.readouterr().out
    assert "Usage: luyu run" in told
    assert told.isascii()


def test_lines_break_between_signs_and_never_before_a_comma():
    assert _broken("  --x  " + "一二三四五，六七", 17) == ["  --x  一二三四", "       五，六七"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_console_in_gbk_shows_near_signs_and_no_question_marks(lang, tmp_path):
    path = tmp_path / "路.yaml"
    path.write_text("name: 10 m² – ½ °C\nimagry: {}\n", encoding="utf-8")
    env = {**os.environ, "LUYU_LANG": lang, "PYTHONIOENCODING": "gbk", "PYTHONUTF8": "0"}
    done = subprocess.run([*LUYU, "plan", str(path)], capture_output=True, env=env, timeout=120, check=False)
    err = done.stderr.decode("gbk")
    assert done.returncode == 2
    assert "路.yaml:2: imagry" in err
    assert "?" not in err.replace("did you mean 'imagery'?", "")


def test_all_chinese_of_the_catalogue_can_be_shown_in_gbk():
    import io

    lost = []
    for entry in polib.pofile(str(PO_FILE)):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="gbk")
        near_signs(stream)
        stream.write(entry.msgstr)
        stream.flush()
        if raw.getvalue().decode("gbk").count("?") != entry.msgstr.count("?"):
            lost.append(entry.msgstr)
    assert lost == []


def test_a_sign_without_a_near_one_is_a_question_mark():
    import io

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="gbk")
    near_signs(stream)
    stream.write("m² 12–13 x³ ½ 🛰 café")
    stream.flush()
    assert raw.getvalue().decode("gbk") == "m2 12–13 x3 1/2 ? café"


def test_cases_are_told_in_the_words_of_the_maps_and_in_codes_elsewhere(monkeypatch, capsys):
    row = {
        "case_no": "320322-202410-building-0001", "status": "assigned", "kind": "building", "route_code": "G311",
        "stake": "K512+768", "sight": "present", "due_on": None, "overdue": False, "conflict": False,
    }  # fmt: skip
    history = [{"at": "2024-11-01", "actor": "machine", "what": "observed", "detail": {}}]
    monkeypatch.setenv("LUYU_LANG", "zh")
    show.cases([row])
    show.case({**row, "history": history})
    told = capsys.readouterr().out
    assert "交办       疑似建筑       G311     K512+768     最近影像仍在" in told
    assert "办理状态         交办" in told
    assert "machine      影像可见" in told
    monkeypatch.setenv("LUYU_LANG", "en")
    show.cases([row])
    assert "assigned   building       G311     K512+768     present" in capsys.readouterr().out
