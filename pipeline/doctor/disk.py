"""Folders that a run writes to: rights, renames, locks, Chinese names, free space."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from ..files import SCRATCH
from ..ledger.database import NETWORK_DRIVES, file_system
from ..net import cache
from .finding import Asked, Finding, error, note, ok, warning

if TYPE_CHECKING:
    from ..config import RunConfig

_NAME = "疑似线索_沛县.txt"
_SET_BY = {"temp": "TMPDIR, TEMP", "output": "output", "ledger": "ledger", "cache": "imagery.network.cache, LUYU_CACHE"}
_LEAST_GB, _ENOUGH_GB = 1.0, 10.0
MOUNTS = Path("/proc/mounts")


def folders(asked: Asked) -> Iterator[Finding]:
    """Output folder, the ledger's folder, temporary files and the local cache."""
    yield from _folder("temp", Path(tempfile.gettempdir()), ("临时文件夹", "temporary files"))
    if asked.config is None:
        return
    yield from _folder("output", asked.config.output, ("输出文件夹", "output"))
    ledger = str(asked.config.ledger)
    if "://" not in ledger and Path(ledger).parent != asked.config.output:
        yield from _folder("ledger", Path(ledger).parent, ("案件库文件夹", "the ledger's folder"))
    yield from _cache(asked.config)


def _cache(config: RunConfig) -> Iterator[Finding]:
    network = config.imagery.network
    if network.cache_gb == 0 or not _is_far(config):
        return
    place = cache.default(network).folder
    yield from _folder("cache", place, ("本地缓存", "local cache"))
    free_gb = shutil.disk_usage(_there(place)).free / 1e9
    if free_gb < network.cache_gb:
        yield note(
            "cache",
            (
                f"剩余 {free_gb:.1f} GB，少于缓存上限 {network.cache_gb:g} GB",
                f"{free_gb:.1f} GB are free, less than the cache may take ({network.cache_gb:g} GB)",
            ),
            (
                "调低 imagery.network.cache_gb 或换盘（imagery.network.cache）",
                "lower imagery.network.cache_gb, or move it (imagery.network.cache)",
            ),
        )


def _is_far(config: RunConfig) -> bool:
    """Whether images come over a network."""
    source = config.imagery.source
    places = [str(getattr(source, "url", "")), *map(str, getattr(source, "entries", ()))]
    return source.kind == "tiles" or any("://" in place and not place.startswith("file:") for place in places)


def _folder(about: str, place: Path, word: tuple[str, str]) -> Iterator[Finding]:
    """Write, rename, lock and remove a file of a Chinese name in a folder, or in the nearest above it that exists."""
    there = _there(place)
    try:
        said = _tried(there)
    except OSError as trouble:
        why = trouble.strerror or str(trouble)
        yield error(
            about,
            (f"{word[0]} {there} 不能写：{why}", f"{word[1]} {there} cannot be written: {why}"),
            (
                f"换一个文件夹（{_SET_BY[about]}），或取得写权限",
                f"name another folder ({_SET_BY[about]}), or get the right to write",
            ),
        )
        return
    for what, remedy in said:
        yield warning(about, (f"{word[0]} {there}：{what[0]}", f"{word[1]} {there}: {what[1]}"), remedy)
    free_gb = shutil.disk_usage(there).free / 1e9
    told = (f"{word[0]} {there}：剩余 {free_gb:.1f} GB", f"{word[1]} {there}: {free_gb:.1f} GB free")
    more = ("清理磁盘或换盘", "free space, or name another disk")
    if free_gb < _LEAST_GB:
        yield error(about, told, more)
    elif free_gb < _ENOUGH_GB:
        yield warning(about, told, more)
    elif not said:
        yield ok(about, *told)
    if kind := network_drive(there):
        yield note(
            about,
            (f"{word[0]}在网络盘上（{kind}）", f"{word[1]} lies on a network drive ({kind})"),
            (
                "SQLite 案件库放本机磁盘，或用 postgresql://；一次只由一台机器写",
                "keep a SQLite ledger on a local disk, or use postgresql://; let one machine write at a time",
            ),
        )


def _tried(folder: Path) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """What a folder does badly; OSError where it cannot be written at all. Nothing is left in it."""
    said = []
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        first, second = Path(scratch, "first"), Path(scratch, _NAME)
        first.write_text(_NAME, encoding="utf-8")
        second.write_text("before", encoding="utf-8")
        try:
            first.replace(second)
            if second.read_text(encoding="utf-8") != _NAME or first.exists():
                raise OSError("the file is not what it was")
        except OSError as trouble:
            said.append(
                (
                    (f"不能整体替换文件（{trouble}）", f"a file cannot be replaced whole ({trouble})"),
                    ("换到本机磁盘；半个文件会被当成结果", "use a local disk: half a file would pass for a result"),
                )
            )
        if _NAME not in [one.name for one in Path(scratch).iterdir()]:
            said.append(
                (
                    ("中文文件名写入后读不回来", "a Chinese name does not come back as it was written"),
                    ("把文件系统或挂载选项设为 UTF-8", "mount it with UTF-8 names"),
                )
            )
        try:
            with FileLock(Path(scratch, ".lock"), timeout=1):
                pass
        except (OSError, NotImplementedError) as trouble:
            said.append(
                (
                    (f"不支持文件锁（{trouble}）", f"it has no locks ({trouble})"),
                    ("换到本机磁盘；否则两次运行会互相覆盖", "use a local disk: two runs would overwrite each other"),
                )
            )
    return said


def network_drive(folder: Path, mounts: Path = MOUNTS) -> str:
    """The sort of network drive that a folder lies on; empty where it lies on none, or where that cannot be told."""
    if str(folder).startswith("\\\\"):
        return "UNC"
    kind = file_system(folder, mounts) or ""
    return kind if kind in NETWORK_DRIVES else ""


def _there(place: Path) -> Path:
    """The nearest folder that exists: a run makes those below it."""
    # os.path says no where pathlib raises: below a folder that may not be entered
    return next((one for one in (place, *place.absolute().parents) if os.path.isdir(one)), Path.cwd())  # noqa: PTH112
