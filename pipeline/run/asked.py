"""What a run was asked for, key by key, and which of it differs from the defaults."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from ..config import RunConfig
from ..errors import LuyuError


class Said(NamedTuple):
    """A key with its value here, and the default where it differs from one; ``default`` None: it has none."""

    key: str
    value: str
    default: str | None


def every_key(configuration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each single value of a resolved configuration by its key, lists of single values as one."""
    return list(_flat("", configuration))


def differing(configuration: Mapping[str, Any]) -> list[Said] | None:
    """What was said, or differs from the defaults of this version; None where this version cannot read it."""
    try:
        config = RunConfig.model_validate(dict(configuration))
    except (ValidationError, LuyuError, OSError):
        return None
    return list(_differing("", config))


def _differing(above: str, options: BaseModel) -> Iterator[Said]:
    for name, field in type(options).model_fields.items():
        key, value = f"{above}{field.alias or name}", getattr(options, name)
        default = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
        if default is not PydanticUndefined and value == default:
            continue
        if isinstance(value, BaseModel):
            yield from _differing(f"{key}.", value)
        elif isinstance(value, tuple) and value and all(isinstance(one, BaseModel) for one in value):
            yield Said(key, _text([getattr(one, "use", at) for at, one in enumerate(value)]), None)
            for at, one in enumerate(value):
                yield from _differing(f"{key}.{getattr(one, 'use', at)}.", one)
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            yield from _entries(key, value, default)
        else:
            yield Said(key, _text(value), None if default is PydanticUndefined else _text(default))


def _entries(key: str, value: Mapping[Any, Any], default: Mapping[Any, Any]) -> Iterator[Said]:
    for name in sorted({*value, *default}, key=str):
        here, usual = value.get(name), default.get(name)
        if here == usual:
            continue
        if isinstance(here, BaseModel):
            yield from _differing(f"{key}.{name}.", here) if usual is None else _against(f"{key}.{name}.", here, usual)
        else:
            yield Said(f"{key}.{name}", _text(here), None if usual is None else _text(usual))


def _against(above: str, here: BaseModel, usual: BaseModel) -> Iterator[Said]:
    """Fields in which two options of one class differ: the default of a kind is not that of its class."""
    for name in type(here).model_fields:
        one, other = getattr(here, name), getattr(usual, name, None)
        if one != other:
            yield Said(f"{above}{name}", _text(one), _text(other))


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for at, inner in enumerate(value):
            name = inner.get("use", at) if isinstance(inner, Mapping) else at
            yield from _flat(f"{key}.{name}", inner)
    else:
        yield key, _text(value)


def _text(value: Any) -> str:
    """A value as YAML would have it on one line."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, BaseModel):
        return json.dumps(value.model_dump(mode="json", by_alias=True), ensure_ascii=False)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Path | dt.date):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    return str(value)
