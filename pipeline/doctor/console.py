"""What people read and type: encodings, locale, clock."""

from __future__ import annotations

import datetime as dt
import locale
import os
import sys
from collections.abc import Iterator

from .finding import Asked, Finding, error, note, ok, warning

_SAMPLE = "疑似建筑 桩号 K12+300～K12+360 ✓"
_CHINA_H = 8.0


def encoding(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """Whether the console shows Chinese, and in what names of files are written."""
    name = getattr(sys.stdout, "encoding", None) or "ascii"
    lost = _lost(name)
    utf8 = (
        "Windows：set PYTHONUTF8=1 并 chcp 65001；其他系统：export LANG=zh_CN.UTF-8",
        "Windows: set PYTHONUTF8=1 and chcp 65001; elsewhere: export LANG=zh_CN.UTF-8",
    )
    if lost is None:
        yield error("console", (f"控制台编码 {name} 不认识", f"the console's encoding {name} is not known"), utf8)
    elif len(lost) > 2:
        yield warning("console", (f"控制台编码 {name} 不能显示中文", f"the console ({name}) cannot show Chinese"), utf8)
    elif lost:
        yield note(
            "console",
            (
                f"控制台编码 {name} 不能显示 {lost}，会显示为问号",
                f"the console ({name}) shows {lost} as question marks",
            ),
            utf8,
        )
    else:
        yield ok("console", f"控制台编码 {name}，能显示中文", f"the console ({name}) shows Chinese")
    files = sys.getfilesystemencoding()
    if files.lower().replace("-", "") not in ("utf8", "mbcs"):
        yield warning(
            "console",
            (f"文件名编码为 {files}，中文文件名会出错", f"names of files are in {files}: Chinese names will fail"),
            utf8,
        )


def _lost(name: str) -> str | None:
    """Characters of the sample that an encoding has not; None where there is no such encoding."""
    lost = []
    for sign in _SAMPLE:
        try:
            sign.encode(name)
        except UnicodeEncodeError:
            lost.append(sign)
        except LookupError:
            return None
    return "".join(lost)


def language(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """The locale, by which messages choose their language."""
    told = (
        os.environ.get("LUYU_LANG")
        or os.environ.get("LC_ALL")
        or os.environ.get("LC_MESSAGES")
        or os.environ.get("LANG")
        or ""
    )
    usual = ".".join(filter(None, locale.getlocale()[:2])) or "C"
    yield ok("locale", f"区域设置 {usual}，语言 {told or '未设'}", f"locale {usual}, language {told or 'not set'}")
    point = locale.localeconv().get("decimal_point")
    if point not in (".", None):
        yield note(
            "locale",
            (
                f"小数点为 {point}，表格软件读 CSV 时请注意",
                f"the decimal sign is {point}: mind it where a spreadsheet opens a CSV",
            ),
        )


def clock(asked: Asked) -> Iterator[Finding]:
    """Whether the day is sane: deadlines and signed addresses rest on it."""
    now = _now()
    offset = now.utcoffset() or dt.timedelta()
    hours = offset.total_seconds() / 3600
    zone = now.tzname() or ""
    if now.year < 2024:
        yield error(
            "clock",
            (f"系统日期为 {now:%Y-%m-%d}", f"the clock says {now:%Y-%m-%d}"),
            (
                "校准系统时间；签名地址与证书会被拒绝",
                "set the clock: signed addresses and certificates are refused otherwise",
            ),
        )
        return
    yield ok(
        "clock",
        f"{now:%Y-%m-%d %H:%M}，时区 {zone}（UTC{hours:+g}）",
        f"{now:%Y-%m-%d %H:%M}, zone {zone} (UTC{hours:+g})",
    )
    if hours != _CHINA_H:
        yield note(
            "clock",
            (
                "时区不是北京时间；期限按北京时间计算，不受影响",
                "not China's time; deadlines are counted in China's time all the same",
            ),
        )
    if asked.config is not None:
        last = asked.config.imagery.after.end
        if asked.config.imagery.before_periods[0].start > now.date():
            yield warning(
                "clock",
                (
                    f"前时相在今天之后（后时相止于 {last}）",
                    f"the earlier period is in the future (the later ends {last})",
                ),
                ("核对 imagery.before 与系统日期", "check imagery.before and the clock"),
            )


def _now() -> dt.datetime:
    """The moment in the zone of this machine."""
    return dt.datetime.now().astimezone()
