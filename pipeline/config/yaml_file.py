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
from ..model.yaml_text import read_mapping

_MOST_FAULTS = 100
_SHOWN = 200  # letters of a value in a message


def read_yaml(path: Path) -> Any:
    """The document in ``path`` as ruamel round-trip containers (they know their lines); ConfigError otherwise."""
    return read_mapping(path, what="a run configuration (YAML)")


def parse_scalar(text: str) -> Any:
    """The value that ``text`` stands for in YAML: ``2`` an int, ``[a, b]`` a list, ``G311`` a string."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError) as error:
        raise ConfigError(f"--set: {text[:_SHOWN]!r} is not a YAML value") from error


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
    faults = _telling(error.errors())
    for fault in faults[:_MOST_FAULTS]:
        location = tuple(fault["loc"])
        at = line_of(data, location)
        place = f"{path}:{at}" if at else str(path)
        key = ".".join(str(part) for part in location)
        lines.append(f"{place}: {key}: {_explain(fault, location, model)}")
    more = len(faults) - _MOST_FAULTS
    return Problems([*sorted(set(lines)), *([f"{path}: and {more} more faults"] if more > 0 else [])])


def _telling(faults: Sequence[Any]) -> list[Any]:
    """Faults without those that only follow: a list is too short where its entries were refused one by one."""
    refused = {tuple(fault["loc"][:depth]) for fault in faults for depth in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["type"] != "too_short" or tuple(fault["loc"]) not in refused]


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
    if kind in ("tuple_type", "list_type"):
        message = "expected a list, e.g. [a, b] or lines that begin with '- '"
    plain = f"{message[0].lower()}{message[1:]}"
    # What stands under a basemap may be a key that slipped into the wrong line.
    return plain if location[:2] == ("maps", "basemaps") else f"{plain} (got {_short(fault.get('input'))})"


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


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
