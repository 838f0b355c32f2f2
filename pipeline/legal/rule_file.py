"""Files of rules: YAML that may extend another file and name the files of smaller jurisdictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..model.shipped import shipped
from ..model.yaml_text import read_mapping


def read_rules(path: Path) -> dict[str, Any]:
    """Entries of a rules file on top of those that it extends, the files of its ``jurisdictions`` read in their places.

    ``extends: other.yaml`` (beside the file, else among the shipped ones) takes all from there; lists are replaced, mappings
    merged. ``jurisdictions: {"32": jiangsu.yaml}`` names files in the same way.

    Raises
    ------
    ConfigError
        A file cannot be read, is no YAML, extends itself, or a jurisdiction is no text naming a file.
    """
    data = _whole(path, ())
    named = data.get("jurisdictions") or {}
    if not isinstance(named, Mapping):
        raise ConfigError(f"{path}: jurisdictions: expected codes and files, e.g. {{'32': jiangsu.yaml}}")
    smaller = {str(code): _jurisdiction(path, str(code), file) for code, file in named.items()}
    return {**data, "jurisdictions": smaller}


def rule_files(path: Path) -> list[Path]:
    """A rules file and all that it extends or names, each once, sorted. ConfigError as from ``read_rules``."""
    loaded = read_mapping(path, kind="safe", what="a rules file; check the run's 'legal' entry")
    named = [str(name) for name in (loaded.get("extends"), *(loaded.get("jurisdictions") or {}).values()) if name]
    return sorted({path.resolve(), *(one for name in named for one in rule_files(_found(path, name)))})


def _jurisdiction(path: Path, code: str, file: object) -> dict[str, Any]:
    if not isinstance(file, str):
        raise ConfigError(f"{path}: jurisdictions.{code}: expected the name of a rules file, e.g. jiangsu.yaml")
    return {**_whole(_found(path, file), (path.resolve(),)), "jurisdictions": {}}


def _found(path: Path, name: str) -> Path:
    beside = path.parent / name
    return beside if beside.is_file() else shipped("legal") / name


def _whole(path: Path, before: tuple[Path, ...]) -> dict[str, Any]:
    """One file's entries, on top of those of the file it extends; jurisdictions of that one do not come along."""
    if path.resolve() in before:
        raise ConfigError(f"{path}: extends itself by way of {before[-1].name}; break the circle")
    loaded: dict[str, Any] = read_mapping(path, kind="safe", what="a rules file; check the run's 'legal' entry")
    parent = loaded.pop("extends", None)
    if parent is None:
        return loaded
    base = _whole(_found(path, str(parent)), (*before, path.resolve()))
    base.pop("jurisdictions", None)
    return _merged(base, loaded)


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return out
