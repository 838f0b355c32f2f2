"""What documents need beside the program: fonts, LibreOffice, a browser."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ..papers.pdf import office
from .finding import Asked, Finding, note, ok, warning

_CHINESE = re.compile(
    r"(?i)(cjk|notosanssc|notoserifsc|sourcehan|msyh|pingfang|hiragino|wqy|simhei|simsun|simkai|simfang|heiti|songti|droidsansfallback)"
)
_ENDS = (".ttf", ".ttc", ".otf", ".otc")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge", "msedge", "chrome", "firefox", "safari")
_WINDOWS_BROWSERS = (
    r"Microsoft\Edge\Application\msedge.exe",
    r"Google\Chrome\Application\chrome.exe",
    r"Mozilla Firefox\firefox.exe",
)


def fonts(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """A font with Chinese characters, for map sketches, figures and PDF."""
    found = next(chinese_fonts(font_folders()), None)
    if found is not None:
        yield ok("fonts", f"有中文字体：{found.name}", f"there is a Chinese font: {found.name}")
    else:
        yield warning(
            "fonts",
            (
                "没有中文字体：示意图与 PDF 中的中文会缺失",
                "no font with Chinese characters: sketches and PDF will lack them",
            ),
            (
                "安装思源黑体（Debian/Ubuntu：apt install fonts-noto-cjk；Windows 与 macOS 自带）",
                "install Noto Sans CJK (Debian/Ubuntu: apt install fonts-noto-cjk; Windows and macOS bring one)",
            ),
        )


def font_folders() -> tuple[Path, ...]:
    """Where this system keeps its fonts."""
    home = Path.home()
    if sys.platform == "win32":
        windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA", str(home))
        return (Path(windows, "Fonts"), Path(local, "Microsoft", "Windows", "Fonts"))
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts")
    data = os.environ.get("XDG_DATA_HOME", str(home / ".local" / "share"))
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path(data, "fonts"), home / ".fonts")


def chinese_fonts(folders: tuple[Path, ...]) -> Iterator[Path]:
    """Files of fonts that hold Chinese characters, by their names."""
    for folder in folders:
        for at, _, names in os.walk(folder):
            yield from (
                Path(at, name) for name in sorted(names) if name.lower().endswith(_ENDS) and _CHINESE.search(name)
            )


def writer(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """LibreOffice, which makes PDF of papers."""
    program = office()
    if program:
        yield ok("office", f"LibreOffice：{program}", f"LibreOffice: {program}")
    else:
        yield note(
            "office",
            ("没有 LibreOffice：文书只有 .docx，没有 PDF", "no LibreOffice: papers are .docx alone, without PDF"),
            (
                "需要 PDF 时安装 LibreOffice，并把 soffice 放进 PATH",
                "for PDF install LibreOffice and put soffice on the PATH",
            ),
        )


def browser(asked: Asked) -> Iterator[Finding]:  # noqa: ARG001
    """A browser that opens the maps; they may be carried to another machine as well."""
    found = next(_browsers(), None)
    if found:
        yield ok("browser", f"浏览器：{found}", f"browser: {found}")
    else:
        yield note(
            "browser",
            ("本机没有找到浏览器", "no browser was found on this machine"),
            ("地图是单个 HTML 文件，可拷到任何电脑打开", "maps are single HTML files: copy them to any machine"),
        )


def _browsers() -> Iterator[str]:
    yield from filter(None, (shutil.which(name) for name in _BROWSERS))
    if sys.platform == "win32":
        for base in filter(None, (os.environ.get("ProgramFiles"), os.environ.get("ProgramFiles(x86)"))):  # noqa: SIM112
            yield from (str(Path(base, name)) for name in _WINDOWS_BROWSERS if Path(base, name).is_file())
    if sys.platform == "darwin":
        yield from (
            name for name in ("Safari", "Google Chrome", "Firefox") if Path(f"/Applications/{name}.app").exists()
        )
