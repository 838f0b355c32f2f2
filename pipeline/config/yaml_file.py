"""YAML in, with the line of every key; duplicate keys and object tags are refused by the reader itself."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..errors import ConfigError, Problems


def read_yaml(path: Path) -> Any:
    """The document in ``path`` as ruamel round-trip containers (they know their lines); ConfigError otherwise."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a run configuration (YAML)") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; give the configuration file in it, e.g. {path / 'run.yaml'}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        data = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}{line}: not valid YAML: {why}") from error
    if not isinstance(data, Mapping):
        raise ConfigError(f"{path}: expected a mapping of keys at the top level, found {type(data).__name__}")
    return data


def parse_scalar(text: str) -> Any:
    """The value that ``text`` stands for in YAML: ``2`` an int, ``[a, b]`` a list, ``G311`` a string."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ConfigError(f"--set: {text!r} is not a YAML value") from error


def line_of(data: Any, location: Sequence[str | int]) -> int | None:
    """1-based line of the key at ``location``, or of the nearest parent that is in the file."""
    line, node = None, data
    for key in location:
        if isinstance(node, Mapping) and key in node:
            line = node.lc.key(key)[0] + 1 if hasattr(node, "lc") else line
            node = node[key]
        elif isinstance(node, Sequence) and not isinstance(node, str) and isinstance(key, int) and key < len(node):
            line = node.lc.item(key)[0] + 1 if hasattr(node, "lc") else line
            node = node[key]
    return line


def problems_of(error: ValidationError, path: Path, data: Any, model: type[BaseModel]) -> Problems:
    """One line per fault: file, line, key, what is wrong and, for a mistyped key, the likely one."""
    lines = []
    for fault in error.errors():
        location = tuple(fault["loc"])
        at = line_of(data, location)
        place = f"{path}:{at}" if at else str(path)
        key = ".".join(str(part) for part in location)
        lines.append(f"{place}: {key}: {_explain(fault, location, model)}")
    return Problems(sorted(set(lines)))


def _explain(fault: Any, location: tuple[str | int, ...], model: type[BaseModel]) -> str:
    kind, message = fault["type"], str(fault["msg"])
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, location[:-1]))
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"unknown key; {hint}"
    if kind == "missing":
        return "is missing; add it"
    if kind in ("value_error", "assertion_error"):
        return message.removeprefix("Value error, ")
    if kind == "union_tag_invalid":
        expected = fault.get("ctx", {}).get("expected_tags", "")
        return f"unknown kind {fault.get('ctx', {}).get('tag')!r}; known: {expected}"
    plain = f"{message[0].lower()}{message[1:]}"
    # What stands under a basemap may be a key that slipped into the wrong line.
    return plain if location[:2] == ("maps", "basemaps") else f"{plain} (got {fault.get('input')!r})"


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> set[str]:
    """Keys of the model that stands at ``location``; where a union stands, the keys of all its members."""
    models: list[type[BaseModel]] = [model]
    for part in location:
        if not isinstance(part, str):
            continue
        step = [
            inner
            for one in models
            if part in one.model_fields
            for inner in _models_in(one.model_fields[part].annotation)
        ]
        models = step or models
    return {name for one in models for name in one.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models_in(inner)]
