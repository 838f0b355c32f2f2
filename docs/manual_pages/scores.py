"""Pages of measured scores: the benchmarks' own, as the commands that they name wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .words import Lang, Pair

_ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "roadside": Pair("模拟世界中的各类线索", "All kinds, in simulated worlds"),
    "grain": Pair("真实路面上的打场晒粮", "Grain laid onto real roads"),
    "detection": Pair("真实影像对上的建筑", "Buildings on real pairs"),
    "screening": Pair("10 米影像筛查", "Screening on 10 m images"),
}
_COMMANDS = {
    "roadside": "make bench-roadside",
    "grain": "make bench-grain",
    "detection": "make bench-buildings",
    "screening": "make bench-screening",
}
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def overview(lang: Lang) -> str:
    """The page that leads to them."""
    rows = "\n".join(f"- [{title.of(lang)}](scores-{name}.md)（`{_COMMANDS[name]}`）" for name, title in PAGES.items())
    told = Pair(
        "# 实测得分\n\n以下各页由所写命令测得后写出，手册不另写数字。区间均为 95%。",
        "# Measured scores\n\nEach page was written by the command beside it; this manual states no figures of its own."
        " Intervals are 95 %.",
    ).of(lang)
    return f"{told}\n\n{rows if lang == 'zh' else rows.replace('（', ' (').replace('）', ')')}\n"


def writer(name: str) -> Callable[[Lang], str]:
    """What writes the page of one benchmark."""

    def write(lang: Lang) -> str:
        text = (_ROOT / "benchmarks" / f"{name.upper()}.md").read_text(encoding="utf-8")
        body = _LINK.sub(r"\1", text.split("\n", 1)[1])
        told = Pair("本页由测试程序写出，原文为英文。", "Written by the benchmark.").of(lang)
        return f"# {PAGES[name].of(lang)}\n\n{told}\n{body}"

    return write
