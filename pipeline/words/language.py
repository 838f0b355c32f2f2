"""Which language the reader is answered in."""

from __future__ import annotations

import os
import sys

_VARIABLE = "LUYU_LANG"
# In the order in which POSIX and gettext look: the first that is set decides.
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def chinese() -> bool:
    """Whether messages are shown in Chinese.

    ``LUYU_LANG`` decides where it begins with zh or en; else the locale's variables; else, on Windows, which sets none,
    the language of the user's desktop. ``C`` and no locale at all mean English.
    """
    own = os.environ.get(_VARIABLE, "").strip().lower()
    if own.startswith(("zh", "en")):
        return own.startswith("zh")
    told = next((value for name in _LOCALE if (value := os.environ.get(name))), None)
    if told is None:
        told = _of_windows()
    return told.lower().startswith(("zh", "chinese"))


def _of_windows() -> str:
    """The language of the desktop on Windows, such as ``zh_CN``; nothing elsewhere."""
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
    return locale.windows_locale.get(number, "")
