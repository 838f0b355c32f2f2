"""Run report: how long it took, and by which versions and files it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..reports import style, values
from ..reports.labels import Word, frozen
from .run_report_blocks import Section, megabytes, para, table

_SLOWEST = 10
_FILE = (Word("文件", "file"), Word("大小（MB）", "MB"), Word("SHA-256", "SHA-256"))
_STAGES = frozen(
    plan=("计划", "plan"),
    tiles=("分幅", "tiles"),
    decisions=("判定", "decisions"),
    pictures=("截图", "pictures"),
    cases=("案件", "cases"),
    images=("读影像与预处理", "images read and prepared"),
)


def took(record: Mapping[str, Any], tiles: pd.DataFrame) -> Section:
    """Stages, processor time, workers, slowest tiles, bytes fetched. ``tiles``: ``tile_id, seconds``."""
    totals, spent, reads = record["totals"], record.get("spent", {}), record.get("reads", {})
    dask, machine = record["configuration"].get("dask", {}), record.get("machine", {})
    cpu = spent.get("cpu_s")
    workers = dask.get("workers")
    blocks: list[Any] = [
        para(
            f"共 {totals['seconds']:.1f} 秒（写文件之前）；分幅用时合计 {totals['tile_seconds']:.1f} 秒；{totals['tiles']} 个分幅，"
            f"其中 {totals['tiles_reused']} 个沿用以前的结果。"
            + (f"主进程处理器用时 {cpu:.1f} 秒。" if cpu is not None else ""),
            f"{totals['seconds']:.1f} s in all, before files were written; the tiles took {totals['tile_seconds']:.1f} s together;"
            f" {totals['tiles']} tiles, {totals['tiles_reused']} of them kept from before."
            + (f" Processor time of the main process: {cpu:.1f} s." if cpu is not None else ""),
        ),
        para(
            f"调度：{dask.get('scheduler', '—')}，{workers or '默认数量'} 个工作单元"
            + (
                f"；{machine.get('cores')} 核，{machine.get('system')} {machine.get('processor')}。"
                if machine
                else "。"
            ),
            f"Scheduler: {dask.get('scheduler', '—')}, workers: {workers or 'as many as it takes'}"
            + (
                f"; {machine.get('cores')} cores, {machine.get('system')} {machine.get('processor')}."
                if machine
                else "."
            ),
        ),
        para(
            f"网络：{reads.get('requests', 0)} 次请求，取回 {megabytes(reads.get('bytes_fetched', 0))} MB，"
            f"本地缓存提供 {megabytes(reads.get('bytes_cached', 0))} MB。",
            f"Network: {reads.get('requests', 0)} requests, {megabytes(reads.get('bytes_fetched', 0))} MB fetched,"
            f" {megabytes(reads.get('bytes_cached', 0))} MB from the local cache.",
        ),
        _seconds(Word("各阶段（秒）", "stages, s"), spent.get("run_s", {}), totals["seconds"]),
        _seconds(
            Word("分幅内（秒，各分幅合计）", "within tiles, s, all together"),
            spent.get("tiles_s", {}),
            totals["tile_seconds"],
        ),
        *_slowest(tiles),
    ]
    return Section("took", Word("用了多久", "how long"), blocks)


def _seconds(caption: Word, told: Mapping[str, float], whole: float) -> Any:
    rows = [
        (style.word(_STAGES, name), values.number(seconds, 1), f"{100 * seconds / whole:.0f}%" if whole else "—")
        for name, seconds in told.items()
    ]
    return table(caption, (Word("内容", "what"), Word("秒", "s"), Word("占比", "share")), rows, numeric=(1, 2))


def _slowest(tiles: pd.DataFrame) -> Iterator[Any]:
    seconds = tiles["seconds"].astype(float)
    if not seconds.notna().any():
        return
    middle, late, most = (values.number(float(v), 1) for v in np.nanquantile(seconds, (0.5, 0.9, 1.0)))
    slow = tiles.assign(seconds=seconds).sort_values(["seconds", "tile_id"], ascending=[False, True]).head(_SLOWEST)
    yield table(
        Word(
            f"最慢的分幅（每分幅中位 {middle} 秒，九成在 {late} 秒内，最多 {most} 秒）",
            f"the slowest tiles (median {middle} s a tile, nine of ten within {late} s, at most {most} s)",
        ),
        (Word("分幅", "tile"), Word("秒", "s")),
        [(one.tile_id, values.number(one.seconds, 1)) for one in slow.itertuples()], numeric=(1,),
    )  # fmt: skip


def made_of(record: Mapping[str, Any]) -> Section:
    """Program, libraries, models with checksums, rules and layers with digests."""
    blocks: list[Any] = [
        table(
            Word("程序与环境", "program and environment"), (Word("名称", "name"), Word("版本", "version")), list(_program(record))
        ),
        table(
            Word("方法与模型", "detectors and models"),
            (
                Word("方法", "detector"), Word("版本", "version"), Word("模型文件", "model"), Word("SHA-256", "SHA-256"),
                Word("置信度是否标定", "calibrated"),
            ),
            list(_detectors(record)),
        ),
    ]  # fmt: skip
    if rankings := record.get("rankings"):
        rows = [(one["kind"], one["version"], one["file"], one["sha256"]) for one in rankings]
        heads = (Word("类型", "kind"), Word("版本", "version"), Word("文件", "file"), Word("SHA-256", "SHA-256"))
        blocks.append(table(Word("按核查结论的排序", "rankings from verdicts"), heads, rows))
    for name, caption in (
        ("rules", Word("法规规则文件", "files of rules")),
        ("layers", Word("图层文件", "files of layers")),
    ):
        if listed := record.get(name):
            found = [(one["file"], megabytes(one["bytes"]), one["sha256"] or "—") for one in listed]
            blocks.append(table(caption, _FILE, found, numeric=(1,), where="run.json"))
    blocks.append(
        table(
            Word("程序库", "libraries"),
            (Word("名称", "name"), Word("版本", "version")),
            [(name, version or "—") for name, version in record.get("libraries", {}).items()],
            fold=True,
        )
    )
    return Section("made", Word("由何产生", "made from"), blocks)


def _program(record: Mapping[str, Any]) -> Iterator[tuple[object, str]]:
    yield "luyu", values.text(record["luyu"])
    yield Word("代码版本（git）", "git commit"), values.text(record.get("git_commit")) or "—"
    yield Word("输入摘要", "fingerprint of the inputs"), values.text(record.get("fingerprint"))
    yield "Python", values.text(record.get("python"))
    for name in ("gdal", "proj", "geos"):
        if told := record.get(name):
            yield name.upper(), ", ".join(f"{version} ({by})" for by, version in told.items())
    yield Word("坐标系", "CRS"), f"EPSG:{record['epsg']}"
    yield Word("波段", "bands"), ", ".join(record.get("bands", ()))


def _detectors(record: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    models = {model["detector"]: model for model in record.get("models", ()) if model}
    stated = record.get("confidence_calibrated", {})
    for one in record["detectors"]:
        model = models.get(one["name"], {})
        calibrated = Word("是", "yes") if stated.get(one["name"]) else Word("否", "no")
        yield one["name"], one["version"], values.text(model.get("file")), values.text(model.get("sha256")), calibrated
