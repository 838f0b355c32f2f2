"""Run report: what was asked for and what was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..reports import values
from ..reports.labels import Word, frozen
from .run_report_blocks import Section, Table, megabytes, para, table

_WHEN = frozen(before=("前时相", "before"), after=("后时相", "after"))
_TERMS = frozen(
    cloud=("云量", "cloud"),
    missing=("覆盖不全", "not all covered"),
    coarse=("分辨率粗", "coarse"),
    lean=("侧摆角", "off nadir"),
    season=("季节差", "season"),
    sun=("太阳角差", "sun"),
)
_KEY, _VALUE, _DEFAULT = Word("配置项", "key"), Word("本次", "here"), Word("默认", "default")


def asked(keys: Sequence[tuple[str, str]], differing: Sequence[tuple[str, str, str | None]] | None) -> Section:
    """The configuration as it was resolved, what was said or differs from the defaults first."""
    blocks: list[Any] = []
    if differing is None:
        blocks.append(
            para(
                "本版本不能读回该配置，无法比较默认值。",
                "This version cannot read that configuration, so no defaults are compared.",
            )
        )
    else:
        rows = [(key, value, "—" if default is None else default) for key, value, default in differing]
        blocks.append(
            table(
                Word("本次指定、与默认值不同的配置（—：无默认值）", "said, or not the default (—: there is none)"),
                (_KEY, _VALUE, _DEFAULT),
                rows,
                where="run.json",
            )
        )
    blocks.append(
        table(
            Word("全部配置（已去除密钥）", "all keys as resolved, secrets taken out"),
            (_KEY, _VALUE),
            keys,
            where="run.json",
            fold=True,
            most=1000,
        )
    )
    return Section("asked", Word("要求了什么", "what was asked"), blocks)


def read(record: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> Section:
    """Takes and scenes of both periods: which were read, in how many tiles, and why others were not."""
    blocks: list[Any] = []
    for when in ("before", "after"):
        takes = _Takes.of(when, facts)
        blocks += [_takes_table(when, takes), _scenes_table(when, record["scenes"][when], takes)]
    blocks.insert(
        0,
        para(
            "每个分幅先读“代价”最小的一期：越新越小，云量、覆盖、分辨率、侧摆、季节、太阳角都折算成天；"
            "首选留下空洞时才读下一期。"
            "影像文件的大小与修改时间进入分幅的输入摘要，不另算影像的校验和。",
            "Each tile reads the take first against which least speaks, in days: age, cloud, coverage, resolution, angle,"
            " season, sun. The next is read only where it leaves holes. Sizes and times of the image files enter the digests of the"
            " tiles' inputs; no checksum of images is taken.",
        ),
    )
    return Section("read", Word("读了什么", "what was read"), blocks)


class _Takes:
    """What tiles say of the takes of one period, by day."""

    def __init__(self) -> None:
        self.first: defaultdict[str, int] = defaultdict(int)
        self.later: defaultdict[str, int] = defaultdict(int)
        self.days: defaultdict[str, list[float]] = defaultdict(list)
        self.terms: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.scenes: defaultdict[str, int] = defaultdict(int)
        self.unread = self.tiles_unread = 0

    @classmethod
    def of(cls, when: str, facts: Sequence[Mapping[str, Any]]) -> _Takes:
        """From the facts of all tiles."""
        told = cls()
        for one in facts:
            chosen = one.get("chosen", {}).get(when, {})
            told.unread += int(chosen.get("unread", 0))
            told.tiles_unread += bool(chosen.get("unread", 0))
            for place, take in enumerate(chosen.get("takes", ())):
                day = str(take["day"])
                (told.later if place else told.first)[day] += 1
                told.days[day].append(float(take["days"]))
                for name, value in take.get("terms", {}).items():
                    told.terms[day][name].append(float(value))
                for scene in take["scenes"]:
                    told.scenes[scene] += 1
        return told


def _takes_table(when: str, takes: _Takes) -> Table:
    rows = [
        (
            day,
            takes.first[day],
            takes.later[day],
            values.number(float(np.mean(takes.days[day])), 1),
            _speaks(takes, day),
        )
        for day in sorted(takes.days)
    ]
    word = _WHEN[when]
    unread = takes.unread
    note = (
        f"；{takes.tiles_unread} 个分幅另有共 {unread} 期无须再读",
        f"; in {takes.tiles_unread} tiles {unread} more were not needed",
    )
    more = note if unread else ("", "")
    return table(
        Word(f"{word.zh}：所选的期次{more[0]}", f"{word.en}: takes that were chosen{more[1]}"),
        (
            Word("影像日期", "day"), Word("首选（分幅）", "read first, tiles"), Word("补读（分幅）", "read for holes, tiles"),
            Word("代价（天）", "speaks against it, days"), Word("其中（天，均值）", "of that, mean days"),
        ),
        rows, numeric=(1, 2, 3), where="findings.gpkg (tiles)",
    )  # fmt: skip


def _speaks(takes: _Takes, day: str) -> Word:
    """The terms of a take, the heaviest first, mean over the tiles that read it."""
    count = len(takes.days[day])
    means = {name: sum(found) / count for name, found in takes.terms[day].items()}
    told = sorted(means.items(), key=lambda item: (-item[1], item[0]))
    words = [(_TERMS.get(name, Word(name, name)), values.number(value, 1)) for name, value in told]
    return Word(
        "，".join(f"{word.zh} {days}" for word, days in words), ", ".join(f"{word.en} {days}" for word, days in words)
    )


def _scenes_table(when: str, scenes: Sequence[Mapping[str, Any]], takes: _Takes) -> Table:
    unused = sum(scene["id"] not in takes.scenes for scene in scenes)
    size = sum(scene.get("bytes") or 0 for scene in scenes)
    word = _WHEN[when]
    total = f"{len(scenes)} 景，{megabytes(size)} MB" if size else f"{len(scenes)} 景"
    total_en = f"{len(scenes)} scenes, {megabytes(size)} MB" if size else f"{len(scenes)} scenes"
    return table(
        Word(f"{word.zh}：{total}，其中 {unused} 景未用到", f"{word.en}: {total_en}, {unused} of them never read"),
        (
            Word("影像", "scene"), Word("日期", "day"), Word("传感器", "sensor"), Word("定位误差（m）", "position, ±m"),
            Word("大小（MB）", "MB"), Word("用于分幅", "read in tiles"), Word("文件", "files"),
        ),
        _scene_rows(scenes, takes), numeric=(3, 4, 5), where="run.json", fold=True,
    )  # fmt: skip


def _scene_rows(scenes: Sequence[Mapping[str, Any]], takes: _Takes) -> Iterator[Sequence[object]]:
    for scene in sorted(scenes, key=lambda one: (one["day"], one["id"])):
        files = scene["files"]
        more = f" +{len(files) - 1}" if len(files) > 1 else ""
        yield (
            scene["id"], scene["day"], scene["sensor"], values.number(scene["geo_rmse_m"], 2), megabytes(scene.get("bytes")),
            takes.scenes.get(scene["id"], 0), f"{files[0] if files else ''}{more}",
        )  # fmt: skip
