"""The register of detectors: a name, a class. Built-ins are imported by name; outsiders come by entry point."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ..errors import ConfigError
from ..model.options import Options
from .base import Detector

_DETECTORS: dict[str, type[Detector]] = {}
_D = TypeVar("_D")

GROUP = "luyu.detectors"


def detector(cls: type[_D]) -> type[_D]:
    """File a detector class under the name that its Options' ``use`` field defaults to."""
    name = cls.Options.model_fields["use"].default  # type: ignore[attr-defined]
    if _DETECTORS.setdefault(name, cls) is not cls:  # type: ignore[arg-type]
        raise ConfigError(f"two detectors are named {name!r}: {_DETECTORS[name].__module__} and {cls.__module__}")
    return cls


@cache
def _load_all() -> None:
    """Import whatever files detectors, once in a process."""
    from . import (  # noqa: F401  importing files them
        billboard,
        building,
        grain_drying,
        grain_hint,
        network,
        roadworks,
        screening,
        stockpile,
    )

    for entry in entry_points(group=GROUP):
        entry.load()


def known() -> Mapping[str, type[Detector]]:
    """All detectors by name, built-in and from the entry-point group ``luyu.detectors``, sorted."""
    _load_all()
    return dict(sorted(_DETECTORS.items()))


def parse_options(value: object) -> Options:
    """The Options of the detector that ``value["use"]`` names; ConfigError lists the known names otherwise."""
    if isinstance(value, Options):
        return value
    if not isinstance(value, Mapping) or "use" not in value:
        raise ConfigError(f"a detector is a mapping with the key 'use', e.g. {{use: building}}; got {value!r}")
    name, all_known = value["use"], known()
    if name not in all_known:
        close = difflib.get_close_matches(str(name), all_known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"unknown detector {name!r}; known: {', '.join(all_known)}{hint}")
    options: Any = all_known[name].Options
    try:
        return options.model_validate(dict(value))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"detector {name!r}: {wrong}") from error


def wishes(options: Iterable[Options]) -> tuple[tuple[str, ...], int]:
    """Bands that the detectors want besides the visible ones and nir, and how many takes of each period one by one."""
    built = [build(one) for one in options]
    bands = dict.fromkeys(band for one in built for band in getattr(one, "bands", ()))
    return tuple(bands), max((int(getattr(one, "takes", 0)) for one in built), default=0)


def name_of(options: Options) -> str:
    """Name of a detector in tables and records: that of its options, or what it is used by."""
    return str(getattr(options, "name", None) or options.use)  # type: ignore[attr-defined]


def resolved(options: Options, base: Path) -> Options:
    """Options with their paths taken from the folder ``base``; those that know more of their files say how."""
    if hasattr(options, "resolved"):
        return options.resolved(base)
    paths = {name: base / value.expanduser() for name, value in options if isinstance(value, Path)}
    return options.model_copy(update=paths) if paths else options


def described(options: Options) -> dict[str, Any]:
    """What a detector says of its model: ``file``, ``sha256``, ``calibration`` (None = none); {} where it has none."""
    told: dict[str, Any] = getattr(build(options), "described", dict)()
    return {"detector": name_of(options), **told} if told else {}


def build(options: Options) -> Detector:
    """The detector that runs with these options."""
    return known()[options.use](options=options)  # type: ignore[attr-defined,call-arg]
