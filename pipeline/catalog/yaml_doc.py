"""Small YAML documents with the line of every key, for messages that say where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def line_of(node: Any, key: Any = None) -> int | None:
    """1-based line of ``key`` in the mapping or sequence ``node``, or of ``node`` itself."""
    marks = getattr(node, "lc", None)
    if marks is None:
        return None
    if key is None:
        return int(marks.line) + 1
    if isinstance(node, Mapping):
        return int(marks.key(key)[0]) + 1 if key in (marks.data or {}) else int(marks.line) + 1
    return int(marks.item(key)[0]) + 1


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """``did you mean 'roads'?`` when one is close, else ``known: ...`` with all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if not close:  # a column or key that differs in case alone
        close = [one for one in names if one.casefold() == str(name).casefold()]
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
