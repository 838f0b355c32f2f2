"""run.yaml and layers.yaml as text, with what was guessed as comments."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model.scene import Period
from ..words import shown as in_words
from .area import FILE as AREA
from .given import Given, Said
from .images import Image, shown
from .reading import Opened
from .sensor import Chosen

RUN, LAYERS = "run.yaml", "layers.yaml"
_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff]*(\.[A-Za-z]+)?")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
_NEXT = """\
# 先查后跑 next:  luyu check run.yaml   then   luyu run run.yaml
# 全部选项 every key, commented:  luyu config
"""
_KINDS = {
    "building": "疑似新增建筑 buildings",
    "grain_drying": "打场晒粮 grain on the road; images of harvest days are of use",
    "roadworks": "涉路施工 works, accesses",
    "stockpile": "堆放物 stockpiles",
    "billboard": "广告牌 billboards",
    "grain_hint": "晒粮提示 hints of grain, never findings",
    "built_up_screening": "新增建设筛查 screening of new built-up land",
}


@dataclass(frozen=True)
class LayerText:
    """One entry of layers.yaml; ``opened`` None and ``text`` set for the area that is written beside it."""

    opened: Opened | None
    columns: Mapping[str, str]
    text: str | None = None


def layers_yaml(folder: Path, layers: Sequence[LayerText], said: Said) -> str:
    """The text of layers.yaml."""
    lines = [
        "# 图层与字段对照 Which file holds which layer, and which of its columns is which of ours (OURS: THEIRS).",
        "# Written by luyu init; look at it, a guess may be wrong. Paths are relative to this file.",
        "# Further layers (permits, bridges, announced zones, billboards …): data_catalog/layers.yaml of the program shows them.",
    ]
    for layer in layers:
        lines += ["", *_entry(folder, layer, said)]
    return "\n".join(lines) + "\n"


def run_yaml(
    given: Given,
    before: Sequence[Image],
    after: Sequence[Image],
    chosen: Chosen,
    resolution_m: float,
    looked_for: Sequence[str],
    left: Mapping[str, str],
    said: Said,
) -> str:
    """The text of run.yaml."""
    said.guessed.append(f"sensor {chosen.name}: {chosen.why}")
    name = given.name or given.folder.resolve().name or "run"
    lines = [
        "# 任务配置 One run, written by luyu init; look at it, a guess may be wrong.",
        *_NEXT.splitlines(),
        *(f"# 待确认 to look at: {in_words(line)}" for line in said.open),
        "",
        f"name: {quoted(name[:120])}",
        f"layers: {LAYERS}",
        "imagery:",
        "  source:",
        "    kind: files",
        f"    sensor: {quoted(chosen.name)}   # {in_words(chosen.why)}",
        "    # geo_rmse_m: 1.0   # 定位误差, metres, of the quality report; it decides how sure a zone is",
        "    scenes:",
        *_scenes(given.folder, before, "前期 before"),
        *_scenes(given.folder, after, "后期 after"),
        f"  before: {_period(before)}",
        f"  after: {_period(after)}",
        f"  resolution_m: {resolution_m:g}   # 像元, metres",
        "detectors:",
        *(f"  - {{use: {one}}}   # {_KINDS[one]}" for one in looked_for),
        *(f"  # - {{use: {one}}}   # {in_words(why)}" for one, why in left.items()),
        "output: output           # 成果 maps, tables, notices",
        "ledger: ledger.sqlite    # 案件库 cases; keep it, the next run goes on with it",
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """The text as YAML reads it back, whatever it holds."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def path_text(path: str, folder: Path) -> str:
    """A path as the file in ``folder`` names it: relative where that can be, with slashes that every system reads."""
    absolute = Path(path).expanduser().absolute()
    try:
        found = Path(os.path.relpath(absolute, folder.resolve()))
    except ValueError:  # another drive of Windows
        found = absolute
    return quoted(found.as_posix())


def _entry(folder: Path, layer: LayerText, said: Said) -> list[str]:
    if layer.opened is None:
        return [
            "# 县界: none was given. The land about the roads counts as one county; put the layer of county borders 县界 here",
            "# (columns: code of six digits 行政区划代码, name) to have a map for each county and the rules of its province.",
            "counties:",
            f"  path: {AREA}",
            "  columns: {code: code, name: name}",
        ]
    one = layer.opened
    lines = [f"{one.role}:", f"  path: {path_text(str(one.path), folder)}"]
    if one.layer is not None:
        lines.append(f"  layer: {quoted(one.layer)}")
    if one.crs is not None:
        lines.append(
            f"  crs: {quoted(one.crs)}   # {in_words('as you said' if one.crs_from == 'you' else one.crs_from)}"
        )
        if one.crs_from != "you":
            said.guessed.append(f"{one.role}: crs {one.crs}; {one.crs_from}")
            said.open.append(f"{one.path.name} names no coordinate system; {one.crs} is a guess, see layers.yaml")
    elif one.source.crs:
        lines.append(f"  # crs 坐标系: {one.source.crs}, of the file")
    if one.source.encoding and one.source.encoding_from == "looked at" and one.source.encoding != "utf-8":
        lines.append(f"  encoding: {one.source.encoding}   # 文字编码, by looking at the bytes")
        said.guessed.append(f"{one.role}: text is {one.source.encoding} (GBK), by looking at the bytes")
    lines.append("  columns:")
    lines += [f"    {ours}: {quoted(theirs)}" for ours, theirs in layer.columns.items()]
    rest = [name for name in one.columns if name not in layer.columns.values()]
    if rest:
        lines.append(f"  # 未用的字段 columns not used: {', '.join(rest[:30])}")
    return lines


def _scenes(folder: Path, images: Sequence[Image], when: str) -> list[str]:
    """Entries of one date, each path once, with the day where the program would not find it by itself."""
    by_entry: dict[str, list[Image]] = {}
    for image in images:
        by_entry.setdefault(image.entry, []).append(image)
    lines = []
    for entry, ones in by_entry.items():
        path = path_text(entry, folder)
        days = sorted({shown(one.days) for one in ones})
        told = f"# {when}, {', '.join(days[:4])}" + (f" … ({len(days)} days)" if len(days) > 4 else "")
        first = ones[0]
        if not first.stated:
            lines.append(f"      - {path}   {told}, by {first.day_from}")
        elif first.days.start == first.days.end:
            lines.append(f"      - {{path: {path}, date: {first.days.start}}}   {told}")
        else:
            lines.append(f"      - {{path: {path}, dates: {first.days}}}   {told}")
    return lines


def _period(images: Sequence[Image]) -> Period:
    return Period(min(one.days.start for one in images), max(one.days.end for one in images))
