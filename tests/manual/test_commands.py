"""Every command of the README and the manual is typed in; every block of Python is run."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import sys
import types
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from collecting import ROOT, Block, blocks
from elsewhere import ELSEWHERE, elsewhere

from pipeline.cli import main
from pipeline.detectors import registry
from pipeline.detectors.base import View
from pipeline.model.grid import Grid
from tests.ranking.world import findings, judged

CASE = "320322-202410-building-0001"
#: What the pages name and a person fills in.
STAND_INS = {
    "CASE_NO": CASE,
    "审图号": "苏S(2026)012号",
    "2024-11": f"{dt.datetime.now(dt.timezone(dt.timedelta(hours=8))):%Y-%m}",  # cases of the office were opened today
}
_ONCE = re.compile(r"luyu (check|plan|run|train|detectors|config|cases reasons)\b")  # the same whenever they are typed


def without_comments(block: Block) -> str:
    return re.sub(r"\s*#.*", "", block.text)


ALL = blocks()
UNIQUE = {(block.language, without_comments(block)): block for block in reversed(ALL)}  # both languages type the same
_typed: set[str] = set()


def named(block: Block) -> str:
    return f"{block.page}:{block.number}"


def arguments(command: str) -> list[str]:
    return [STAND_INS.get(word, word) for word in shlex.split(command)][1:]


@pytest.mark.slow
@pytest.mark.parametrize("block", [one for one in UNIQUE.values() if one.language == "sh"], ids=named)
def test_each_command_does_what_the_page_says(block: Block, at_work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = [line for line in block.lines if elsewhere(line.text) is None]
    if any(line.text.startswith("luyu cases import field") for line in here) and "cases export" not in block.text:
        assert main(arguments("luyu cases export --ledger L --county 320322 --out field")) == 0
    for line in here:
        assert line.text.startswith("luyu "), f"{line.text!r} is neither of luyu nor in tests/manual/elsewhere.py"
        if line.text in _typed:
            continue
        if line.text.startswith("luyu train "):  # which needs more verdicts than a small run has cases
            (at_work / "L").unlink()
            judged(at_work / "L", *findings(90))
        code = main(arguments(line.text))
        assert code == line.code, f"{line.text}\n{capsys.readouterr()}"
        if _ONCE.match(line.text):
            _typed.add(line.text)


@pytest.mark.slow
@pytest.mark.parametrize("block", [one for one in UNIQUE.values() if one.language == "python"], ids=named)
def test_each_block_of_python_runs(block: Block, at_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    exec(compile(block.text, named(block), "exec"), page.__dict__)  # noqa: S102  the pages are our own


def test_the_detector_of_the_page_finds_what_became_bright(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (one for one in ALL if one.language == "python" and one.page == "docs/zh/how-to/new-kind.md")
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    exec(compile(block.text, named(block), "exec"), page.__dict__)  # noqa: S102
    grid = Grid(epsg=4548, west_m=520_000, north_m=3_830_000, pixel_m=0.5, rows=40, cols=60)
    shades = [np.full(grid.shape, 0.2, np.float32) for _ in range(2)]
    shades[0][30:, :] = np.nan  # what was not seen says nothing
    shades[1][10:18, 20:32] = 0.9
    shades[1][32:36, 20:32] = 0.9
    before, after = (xr.Dataset({"red": (("y", "x"), shade)}) for shade in shades)
    day = dt.date(2024, 10, 1)
    found = page.Bright(page.BrightOptions())(View(grid, before, after, {}, gpd.GeoDataFrame(), day, day))
    assert found.area.tolist() == [8 * 12 * 0.25]
    assert registry.known()["bright"] is page.Bright


def test_the_pages_say_something_to_type() -> None:
    told = {block.page for block in ALL}
    assert {"README.md", "docs/zh/start.md", "docs/en/start.md", "docs/zh/how-to/cases-week.md"} <= told
    assert all(block.lines for block in ALL if block.language == "sh")


def test_whoever_is_said_to_play_a_command_is_there_and_every_entry_is_needed() -> None:
    typed = [line.text for block in ALL for line in block.lines if block.language == "sh"]
    for pattern, why in ELSEWHERE.items():
        assert any(re.fullmatch(pattern, command) for command in typed), f"no page says {pattern!r} any more"
        for test in re.findall(r"tests/\S+\.py", why):
            assert (ROOT / test).is_file(), f"{pattern}: {test} is not there"


def test_both_languages_type_the_same() -> None:
    for chinese in (
        block for block in ALL if block.page.startswith("docs/zh/") and "troubleshooting" not in block.page
    ):
        english = chinese.page.replace("docs/zh/", "docs/en/")
        other = [one for one in ALL if (one.page, one.number) == (english, chinese.number)]
        assert [one.lines for one in other] == [chinese.lines] or chinese.language == "python", named(chinese)
