"""YAML as it comes from people: a plain file of a bounded size, no objects, aliases that unfold to something bounded."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError

MOST_BYTES = 1 << 20
MOST_NODES = 200_000  # as its readers see them: what an alias names counts wherever it is named
# Signs of Chinese keyboards that are typed for those of YAML.
_WIDE = {"：": ": ", "，": ", ", "“": '"', "”": '"', "｛": "{", "［": "[", "\u3000": " "}


def read_mapping(path: Path, *, kind: Literal["rt", "safe"] = "rt", what: str = "a YAML file") -> Any:
    """The mapping in ``path``; with ``kind="rt"`` it knows its lines (ruamel's round trip).

    ConfigError naming file, line and remedy for what is no such file, too large, no UTF-8, no YAML, or a bomb.
    """
    data = _parsed(path, _text(path, what), kind)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{path}: expected a mapping of keys at the top level, found {type(data).__name__}")
    if _nodes(data, {}, path) > MOST_NODES:
        raise ConfigError(f"{path}: its aliases unfold to more than {MOST_NODES} values; write out what is needed")
    return data


def _text(path: Path, what: str) -> str:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"{path}: is a folder; give {what} in it, e.g. {path / 'run.yaml'}")
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: is a device or a pipe; give the path of {what}")
        if status.st_size > MOST_BYTES:
            raise ConfigError(
                f"{path}: larger than {MOST_BYTES >> 20} MiB; no configuration is, give the path of {what}"
            )
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of {what}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from error
    except (OSError, ValueError) as error:  # the latter of a name with a null byte
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _parsed(path: Path, text: str, kind: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # pure: YAML 1.2, in which Y is the letter of a township road and not a truth value
        return YAML(typ=kind, pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        hint = _hint(text, mark.line) if mark is not None else ""
        raise ConfigError(f"{path}{line}: not valid YAML: {why}{hint}") from error
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; no configuration is") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # ruamel's own words for odd tags and merges
        raise ConfigError(f"{path}: not valid YAML: {error}") from error


def _hint(text: str, line: int) -> str:
    """What may be the cause of what the parser found in a line counted from 0: signs that look like YAML's own."""
    lines = text.splitlines()
    for number in range(min(line, len(lines) - 1), max(line - 3, -1), -1):
        plain = lines[number].partition("#")[0]
        if "\t" in plain:
            return f"; line {number + 1} holds a tab: indent with blanks"
        if wide := next((sign for sign in _WIDE if sign in plain), None):
            return f"; line {number + 1} holds a full-width {wide}: write {_WIDE[wide]!r}"
    return ""


def _nodes(node: Any, known: dict[int, int], path: Path) -> int:
    """How many values there are below a node; each node is counted once and remembered."""
    inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple | set) else ()
    if id(node) in known:
        if not known[id(node)]:
            raise ConfigError(f"{path}: an alias stands within what it names; break the circle")
        return known[id(node)]
    if inner:
        known[id(node)] = 0
    count = 1 + sum(_nodes(one, known, path) for one in inner)
    if inner:
        known[id(node)] = count
    return count
