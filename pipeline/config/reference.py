"""The commented reference configuration, generated from the models so that it cannot drift from them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from ..detectors import registry
from .run_config import RunConfig

_REQUIRED: dict[str, str] = {
    "name": "my-county-2024q4",
    "layers": "layers.yaml",
    "before": "2024-04-01/2024-05-31",
    "after": "2024-10-01/2024-11-30",
    "route": "G311",
    "from": "K10+000",
    "to": "K35+500",
    "url": "catalog.json",
    "sensor": "rgb_vhr",
    "scenes": "['imagery/*.tif']",
    "zoom": "18",
    "model": "my-network.onnx",
}
_REQUIRED_BELOW: dict[str, str] = {  # where a key means another thing further down
    "layers": "[{date: 2024-11-05, url: 'https://t{s}.example.cn/20241105/{z}/{x}/{y}.png?tk={key}'}]",
}
_STATED = {
    "legal": "# legal: legal/china.yaml",
    "output": "# output: ../outputs/my-county-2024q4",
    "ledger": "# ledger: ../outputs/ledger.sqlite",
}


def reference_yaml() -> str:
    """YAML text with every key, its default, unit and meaning; a valid configuration once its paths exist."""
    head = [
        "# Reference configuration of luyu: every key, its default and its meaning.",
        "# Paths are relative to this file. Unknown keys are refused.",
        "",
    ]
    return "\n".join([*head, *_lines(RunConfig, 0)]) + "\n"


def _lines(model: type[BaseModel], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for name, field in model.model_fields.items():
        key = field.alias or name
        yield from (f"{pad}# {line}" for line in _comment(field))
        if depth == 0 and key in _STATED:
            yield _STATED[key]
        elif key == "detectors":
            yield from _detectors(pad)
        else:
            yield from _value(key, field, depth)


def _value(key: str, field: FieldInfo, depth: int) -> Iterator[str]:
    pad = "  " * depth
    inner = _models(field.annotation)
    if key == "stretches":
        yield f"{pad}{key}: []  # e.g. [{{route: G311, from: K10+000, to: K35+500}}]"
    elif inner and not field.is_required() and field.default is None:
        yield f"{pad}{key}: null  # with {', '.join(inner[0].model_fields)}"
    elif key in _REQUIRED and field.is_required():
        yield f"{pad}{key}: {(_REQUIRED_BELOW.get(key) if depth else None) or _REQUIRED[key]}"
    elif len(inner) == 1:
        yield f"{pad}{key}:"
        yield from _lines(inner[0], depth + 1)
    elif inner:
        for number, variant in enumerate(inner):
            comment = "" if number == 0 else "# "
            yield f"{pad}{comment}{key}:"
            for line in _lines(variant, depth + 1):
                yield line if number == 0 else f"{pad}# {line.removeprefix(pad)}"
    elif field.is_required():
        below = _REQUIRED_BELOW.get(key) if depth else None
        yield f"{pad}{key}: {below or _REQUIRED.get(key, '')}"
    else:
        yield f"{pad}{key}: {_scalar(field.get_default(call_default_factory=True))}"


def _detectors(pad: str) -> Iterator[str]:
    yield f"{pad}detectors:"
    for name, cls in registry.known().items():
        fields = {key: field for key, field in cls.Options.model_fields.items() if key != "use"}
        # One that needs something of one's own, as a model, stands there to be copied.
        off = "# " if any(field.is_required() for field in fields.values()) else ""
        yield f"{pad}  {off}- use: {name}"
        for key, field in fields.items():
            yield from (f"{pad}  {off}  # {line}" for line in _comment(field))
            default = (
                _REQUIRED.get(key, "") if field.is_required() else _scalar(field.get_default(call_default_factory=True))
            )
            yield f"{pad}  {off}  {key}: {default}"


def _comment(field: FieldInfo) -> list[str]:
    text = (field.description or "").strip()
    if field.is_required():
        text = f"{text} REQUIRED"
    return text.splitlines()


def _scalar(value: Any) -> str:
    if value is PydanticUndefined:
        return ""
    buffer = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.width = True, 10_000
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(_jsonable(value), buffer)
    return buffer.getvalue().removesuffix("...\n").strip()


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    if isinstance(value, dict):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [_jsonable(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        return [model for inner in typing.get_args(annotation) for model in _models(inner)]
    return []
