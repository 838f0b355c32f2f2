"""Files of rules: YAML that may extend another file and name the files of smaller jurisdictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..errors import ConfigError
from ..model.shipped import shipped


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
    try:
        # pure=True: YAML 1.2, in which Y is the letter of a township road and not a truth value
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: legal rules cannot be read ({error.strerror}); check the run's 'legal' entry"
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file: {error}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: expected a mapping with entries such as 'control_zone'")
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
