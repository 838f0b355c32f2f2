"""Every key of a run configuration, from the models that check it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config import RunConfig
from pipeline.detectors import registry

from .words import Cell, Lang, Pair, anchored, code, table, told, whole_page

Schema = Mapping[str, Any]
HEADS = (
    Pair("键", "key"),
    Pair("说明", "meaning"),
    Pair("类型", "type"),
    Pair("默认值", "default"),
    Pair("单位", "unit"),
)
#: Ends of keys that say their unit.
UNITS = {
    "_m2": "m²", "_ha": "ha", "_km": "km", "_m": "m", "_px": "px", "_pixel_m": "m", "_mb": "MB", "_gb": "GB", "_kb_s": "kB/s",
    "_s": "s", "_h": "h", "_days": "d", "_day": "d", "_deg": "°", "_percent": "%", "_years": "a", "_per_km": "1/km", "_um": "µm",
}  # fmt: skip
_TYPES = {
    "string": Pair("文本", "text"),
    "number": Pair("数", "number"),
    "integer": Pair("整数", "integer"),
    "boolean": Pair("是否", "true or false"),
    "null": Pair("空（null）", "null"),
    "array": Pair("列表", "list"),
    "object": Pair("映射", "mapping"),
}
_AS_TEXT = frozenset({"Stake"})  # written as text in a configuration, though an object to the program
_REQUIRED = Pair("必填", "required")
_LIST_OF, _BY_KEY = Pair("列表，每项：", "list of "), Pair("映射，值：", "mapping to ")
_OR = Pair(" 或 ", " or ")
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_STATED = {
    "legal": Pair("国家规则及已有的省级规则", "the shipped rules"),
    "output": Pair("outputs/任务名", "outputs/NAME"),
    "ledger": Pair("输出文件夹中的 ledger.sqlite", "ledger.sqlite in output"),
}


def page(lang: Lang) -> str:
    """The whole page."""
    return whole_page(
        lang,
        Pair("配置参考", "Configuration"),
        Pair(
            "`run.yaml` 的全部键。未知的键会被拒绝并指出所在行。文件里的相对路径以该文件为准。带注释的样本：`luyu config`。",
            "Every key of `run.yaml`. Unknown keys are refused with their line. Paths in the file are relative to the file."
            " A commented sample: `luyu config`.",
        ),
        *_parts(lang),
    )


def _parts(lang: Lang) -> Iterator[str]:
    """A part for each key of the first level, then one for each detector."""
    whole = RunConfig.model_json_schema()
    single = {key: one for key, one in whole["properties"].items() if not _inner(one, whole) and key != "detectors"}
    yield Pair("## 顶层", "## First level").of(lang) + "\n"
    yield _rows(single, whole, "", lang, frozenset(whole["required"]), stated=True)
    for key, one in whole["properties"].items():
        if key not in single and key != "detectors":
            yield f"## {key} {{#{key}}}\n\n" + _section(key, one, whole, lang)
    yield Pair("## 检测器 detectors", "## detectors").of(lang) + " {#detectors}"
    yield Pair(
        "`detectors` 是列表；每项写 `use: 名称`，其余键可选。",
        "`detectors` is a list; each entry says `use: NAME`, the other keys are optional.",
    ).of(lang)
    for name, cls in registry.known().items():
        schema = cls.Options.model_json_schema()
        yield f"### use: {name} {{#detector-{name}}}\n\n" + _rows(
            schema["properties"], schema, f"{name}.", lang, frozenset(schema.get("required", ()))
        )


def keys() -> list[str]:
    """All keys with their parents, as the page names them."""
    whole = RunConfig.model_json_schema()
    found = [name for name, _ in _walk(whole["properties"], whole, "")]
    for name, cls in registry.known().items():
        schema = cls.Options.model_json_schema()
        found += [key for key, _ in _walk(schema["properties"], schema, f"{name}.")]
    return found


def descriptions() -> set[str]:
    """What the keys say of themselves, each on one line."""
    whole = RunConfig.model_json_schema()
    schemas = [whole, *(cls.Options.model_json_schema() for cls in registry.known().values())]
    said = {" ".join(one.get("description", "").split()) for one in _each(schemas)}
    return said - {""}


def _each(schemas: Sequence[Schema]) -> Iterator[Schema]:
    for schema in schemas:
        yield from (one for _, one in _walk(schema["properties"], schema, ""))


def _section(key: str, one: Schema, whole: Schema, lang: Lang) -> str:
    lead = f"{told(one.get('description', ''), lang)}\n\n"
    variants = _variants(one, whole)
    if len(variants) == 1:
        return lead + _rows(
            variants[0]["properties"], whole, f"{key}.", lang, frozenset(variants[0].get("required", ()))
        )
    parts = [
        f"### {_kind(v)}\n\n" + _rows(v["properties"], whole, f"{key}.", lang, frozenset(v.get("required", ())))
        for v in variants
    ]
    return lead + "\n\n".join(parts)


def _rows(
    fields: Schema, whole: Schema, before: str, lang: Lang, required: frozenset[str], *, stated: bool = False
) -> str:
    rows = []
    for name, one in _walk(fields, whole, before):
        last = name.rsplit(".", 1)[-1].rsplit("]", 1)[-1].strip(".")
        needed = name.removeprefix(before) in required
        default: object = _REQUIRED.of(lang) if needed else _default(one)
        if stated and last in _STATED:
            default = _STATED[last].of(lang)
        meaning = told(one.get("description", ""), lang)
        rows.append((anchored(name), meaning, Cell(_type(one, whole, lang)), default, unit_of(last)))
    return table(HEADS, rows, lang)


def _walk(fields: Schema, whole: Schema, before: str) -> Iterator[tuple[str, Schema]]:
    """Keys of the fields and, below those that hold models, the keys of these; variants with their kind in brackets."""
    for key, one in fields.items():
        yield before + key, one
        variants = _variants(one, whole)
        for variant in variants:
            tag = f"[{_kind(variant)}]" if len(variants) > 1 else ""
            yield from _walk(variant["properties"], whole, f"{before}{key}{tag}.")


def _variants(one: Schema, whole: Schema) -> list[Schema]:
    """Models that a field may hold, itself or as items of a list."""
    if "$ref" in one:
        target = whole["$defs"][one["$ref"].rsplit("/", 1)[-1]]
        return [target] if "properties" in target and target["title"] not in _AS_TEXT else []
    inner = [*one.get("anyOf", ()), *one.get("oneOf", ()), *one.get("allOf", ())]
    if isinstance(one.get("items"), Mapping):
        inner.append(one["items"])
    if isinstance(one.get("additionalProperties"), Mapping):
        inner.append(one["additionalProperties"])
    return [model for part in inner for model in _variants(part, whole)]


def _inner(one: Schema, whole: Schema) -> bool:
    return bool(_variants(one, whole)) and one.get("type") != "array"


def _kind(variant: Schema) -> str:
    for name in ("kind", "use"):
        told = variant["properties"].get(name, {})
        if "const" in told or "enum" in told:
            return str(told.get("const") or "/".join(map(str, told["enum"])))
    return str(variant.get("title", "?"))


def _type(one: Schema, whole: Schema, lang: Lang) -> str:
    """HTML: the type, what values are allowed, and the bounds."""
    if "$ref" in one:
        target = whole["$defs"][one["$ref"].rsplit("/", 1)[-1]]
        if target.get("title") in _AS_TEXT:
            return _TYPES["string"].of(lang)
        return _TYPES["object"].of(lang) if "properties" in target else _type(target, whole, lang)
    if "const" in one:
        return code(one["const"])
    if "enum" in one:
        return " | ".join(code(value) for value in one["enum"])
    parts = [*one.get("anyOf", ()), *one.get("oneOf", ())]
    if parts:
        return _OR.of(lang).join(dict.fromkeys(_type(part, whole, lang) for part in parts))
    kind = one.get("type")
    if kind == "array" and isinstance(one.get("items"), Mapping):
        return _LIST_OF.of(lang) + _type(one["items"], whole, lang)
    if kind == "object" and isinstance(one.get("additionalProperties"), Mapping):
        return _BY_KEY.of(lang) + _type(one["additionalProperties"], whole, lang)
    word = _TYPES[kind].of(lang) if isinstance(kind, str) else Pair("任意", "any").of(lang)
    bounds = ", ".join(
        f"{sign} {one[name]:g}".replace("<", "&lt;").replace(">", "&gt;")
        for name, sign in _BOUNDS.items()
        if name in one
    )
    return f"{word} {bounds}".strip()


def _default(one: Schema) -> object:
    if "const" in one:
        return code(one["const"])
    if "default" not in one:
        return None
    value = one["default"]
    if isinstance(value, Mapping) and len(value) > 3:  # its keys stand below, each with its own
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return code(json.dumps(value, ensure_ascii=False))


def unit_of(key: str) -> str:
    """Unit that the end of a key tells; nothing where it tells none.

    >>> unit_of("min_area_m2"), unit_of("tile_px"), unit_of("name")
    ('m²', 'px', '')
    """
    ends = sorted(UNITS, key=len, reverse=True)
    return next((UNITS[end] for end in ends if key.endswith(end)), "")
