"""Consoles that cannot show every sign: a Windows console in GBK has neither ² nor –, and shows near signs instead."""

from __future__ import annotations

import codecs
import unicodedata
from typing import TextIO

_HANDLER = "luyu_near_signs"
# What NFKD does not take apart into signs that every console has.
_NEAR = dict(zip("–—−‘’“”·×°µμ✓•⁄", "---''\"\".xouuv*/", strict=True)) | {
    "…": "...", "≥": ">=", "≤": "<=", "≈": "~", "→": "->", "←": "<-", "±": "+-",
}  # fmt: skip


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
