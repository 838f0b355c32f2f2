"""Small YAML documents with the line of every key, for messages that say where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError


def read_mapping(path: Path) -> Any:
    """The mapping in ``path`` (ruamel round trip, knows its lines); ConfigError when it is not one."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="rt").load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}{line}: not valid YAML: {why}") from error
    if not isinstance(data, Mapping):
        raise ConfigError(f"{path}: expected a mapping of keys at the top level, found {type(data).__name__}")
    return data


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
