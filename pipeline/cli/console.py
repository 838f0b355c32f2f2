"""Consoles that cannot show every sign: a Windows console in GBK has neither ² nor –, and shows near signs instead."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import TextIO

_HANDLER = "luyu_near_signs"
# What NFKD does not take apart into signs that every console has.
_NEAR = dict(zip("–—−‘’“”·×°µμ✓•⁄", "---''\"\".xouuv*/", strict=True)) | {
    "…": "...", "≥": ">=", "≤": "<=", "≈": "~", "→": "->", "←": "<-", "±": "+-",
}  # fmt: skip


# What data may hold to rule a terminal: control signs but tab and line break, and those that turn the direction of writing.
_RULING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def tame(text: str) -> str:
    r"""A text without what would rule the terminal that shows it.

    >>> tame("沛县\x1b[31m旧路\tx")
    '沛县[31m旧路\tx'
    """
    return _RULING.sub("", text)


def near_signs(*streams: TextIO) -> None:
    """Let streams write a near sign for one that their encoding lacks, and a question mark where there is none."""
    codecs.register_error(_HANDLER, _near)
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)


def _near(error: UnicodeError) -> tuple[str, int]:
    """What stands for the signs that cannot be encoded; of a handler's kind (codecs.register_error)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_sign(sign, error.encoding) for sign in signs), error.end


def _sign(sign: str, encoding: str) -> str:
    near = _NEAR.get(sign) or "".join(_NEAR.get(one, one) for one in unicodedata.normalize("NFKD", sign) if one != sign)
    return "".join(one for one in near if _has(one, encoding)) or "?"


def _has(sign: str, encoding: str) -> bool:
    try:
        sign.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
