"""Messages in the reader's language: written in English where they arise, put into Chinese where they are shown.

``shown(text)`` is the door. The catalogue ``zh_CN.po`` gives the Chinese of every message of the program; a text that it
does not know, such as a path or a name, stays as it is. ``LUYU_LANG=zh`` or ``en`` chooses, else the locale does.
"""

from __future__ import annotations

from .catalogue import catalogue
from .language import chinese

__all__ = ["chinese", "shown"]


def shown(text: str) -> str:
    """A message in the reader's language."""
    return catalogue().translated(text) if chinese() else text
