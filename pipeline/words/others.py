"""Messages of others that reach a person through us: typer's, pydantic's, the operating system's and SQLite's."""

from __future__ import annotations

from collections.abc import Iterator

# Parts that several of our errors are put together from (pipeline/errors.py, pipeline/config/yaml_file.py).
_FRAMES = (
    "{path}: layer {label}, row {row}: {why}",
    "{path}: layer {label}: {why}",
    "layer {label}, row {row}: {why}",
    "layer {label}: {why}",
    "cannot read band {band} of scene {scene_id}: {why}",
    "{words} (got {value})",
    ", {crs} by {words}",  # pipeline/cli/check.py
)
_TYPER = (
    "Usage: {words}",
    "Try '{command} {option}' for help.",
    "Error: {error}",
    "Missing argument '{name}'.",
    "Missing argument '{name}'. {why}",
    "Missing option '{name}'.",
    "Missing option '{name}'. {why}",
    "Missing command.",
    "No such command '{name}'.",
    "No such command '{name}'. Did you mean {name_2}?",
    "No such option: {name}",
    "No such option: {name} (Possible options: {known})",
    "No such option: {name} Did you mean {name_2}?",
    "Option '{name}' requires an argument.",
    "Option '{name}' does not take a value.",
    "Got unexpected extra argument(s) ({value})",
    "Invalid value for '{name}': {why}",
    "Invalid value: {why}",
    "'{value}' is not one of {known}.",
    "'{value}' is not a valid {kind}.",
    "'{value}' is not a valid integer.",
    "'{value}' is not a valid float.",
    "'{value}' is not in the range {span}.",
    "'{value}' is not a valid path.",
    "Show this message and exit.",
)
_OF_THE_SYSTEM = (
    "No such file or directory",
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "No space left on device",
    "Read-only file system",
    "Disk quota exceeded",
    "File name too long",
    "Too many open files",
    "Input/output error",
    "Connection refused",
    "Address already in use",
    "Cannot allocate memory",
    "database is locked",
    "database or disk is full",
    "database disk image is malformed",
    "file is not a database",
    "attempt to write a readonly database",
    "unable to open database file",
    "disk I/O error",
)
# Types of pydantic's faults, and what stands for their placeholders.
_PYDANTIC = (
    "missing",
    "extra_forbidden",
    "model_type",
    "model_attributes_type",
    "none_required",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "multiple_of",
    "finite_number",
    "too_short",
    "too_long",
    "iterable_type",
    "string_type",
    "string_unicode",
    "string_too_short",
    "string_too_long",
    "string_pattern_mismatch",
    "enum",
    "literal_error",
    "dict_type",
    "mapping_type",
    "list_type",
    "tuple_type",
    "set_type",
    "bool_type",
    "bool_parsing",
    "int_type",
    "int_parsing",
    "int_parsing_size",
    "int_from_float",
    "float_type",
    "float_parsing",
    "date_type",
    "date_parsing",
    "date_from_datetime_parsing",
    "date_from_datetime_inexact",
    "datetime_type",
    "datetime_parsing",
    "union_tag_invalid",
    "union_tag_not_found",
    "is_instance_of",
)
_FILL = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of"), 1.0),
    **dict.fromkeys(("min_length", "max_length", "actual_length"), 2),
    **dict.fromkeys(("field_type", "class_name", "error", "pattern", "expected", "discriminator", "tag", "class"), "x"),
    "expected_tags": "x",
}


def messages() -> Iterator[str]:
    """All of them as templates."""
    yield from _FRAMES
    yield from _TYPER
    yield from _OF_THE_SYSTEM
    from pydantic_core import PydanticKnownError

    for kind in _PYDANTIC:
        template = PydanticKnownError(kind, _FILL).message_template  # type: ignore[arg-type]
        for plural in ("", "s") if "{expected_plural}" in template else ("",):
            yield template.replace("{expected_plural}", plural)
