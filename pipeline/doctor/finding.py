"""What a check is asked about, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..reports.labels import Word, frozen
from ..reports.values import text

if TYPE_CHECKING:
    from ..config import RunConfig


class Level(StrEnum):
    """How much a finding matters, the least first."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def word(self) -> Word:
        """What it is called."""
        return _LEVELS[self]


_LEVELS = {
    Level.OK: Word("正常", "ok"),
    Level.NOTE: Word("提示", "note"),
    Level.WARNING: Word("警告", "warning"),
    Level.ERROR: Word("错误", "error"),
}


_ABOUT = frozen(
    python=("Python", "python"),
    packages=("依赖库", "packages"),
    loads=("编译库", "compiled libraries"),
    gdal=("GDAL", "GDAL"),
    proj=("坐标系", "coordinate systems"),
    console=("控制台", "console"),
    locale=("区域设置", "locale"),
    clock=("时钟", "clock"),
    fonts=("字体", "fonts"),
    office=("文书", "papers"),
    browser=("浏览器", "browser"),
    power=("处理器与内存", "cores and memory"),
    temp=("临时文件", "temporary files"),
    output=("输出", "output"),
    ledger=("案件库", "ledger"),
    cache=("缓存", "cache"),
    dask=("调度", "scheduler"),
    proxy=("代理", "proxy"),
    sources=("影像来源", "images"),
    stac=("STAC 目录", "STAC catalogue"),
    tiles=("瓦片服务", "tile service"),
    s3=("S3 存储", "S3 store"),
    files=("影像文件", "image files"),
    basemap=("底图", "basemap"),
    config=("配置", "configuration"),
)


@dataclass(frozen=True)
class Finding:
    """One thing: ``about`` in a word, ``what`` is so, and the ``remedy`` where something is to be done."""

    level: Level
    about: str
    what: Word
    remedy: Word | None = None

    @property
    def head(self) -> Word:
        """What it is about, in words."""
        return _ABOUT.get(self.about) or Word(self.about, self.about)

    def told(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "level": self.level.value,
            "about": self.about,
            "what": self.what._asdict(),
            "remedy": None if self.remedy is None else self.remedy._asdict(),
        }


@dataclass(frozen=True)
class Asked:
    """What is looked at: the machine, and what a ``config`` needs, if there is one. ``offline``: no host is asked.

    ``patience_s``: the longest wait for one host.
    """

    config: RunConfig | None = None
    offline: bool = False
    patience_s: float = 3.0


Check = Callable[[Asked], Iterable[Finding]]


def ok(about: str, zh: str, en: str) -> Finding:
    """All is well."""
    return _found(Level.OK, about, (zh, en))


def note(about: str, what: tuple[str, str], remedy: tuple[str, str] | None = None) -> Finding:
    """Good to know."""
    return _found(Level.NOTE, about, what, remedy)


def warning(about: str, what: tuple[str, str], remedy: tuple[str, str]) -> Finding:
    """A run may suffer from it."""
    return _found(Level.WARNING, about, what, remedy)


def error(about: str, what: tuple[str, str], remedy: tuple[str, str]) -> Finding:
    """A run cannot do its work."""
    return _found(Level.ERROR, about, what, remedy)


def _found(level: Level, about: str, what: tuple[str, str], remedy: tuple[str, str] | None = None) -> Finding:
    """A finding without the signs in file names and messages that a terminal would obey."""
    return Finding(level, about, _clean(what), None if remedy is None else _clean(remedy))


def _clean(told: tuple[str, str]) -> Word:
    return Word(text(told[0]), text(told[1]))
