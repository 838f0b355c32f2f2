"""What a person hands over, and what was found out about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ..model.scene import Period


@dataclass(frozen=True)
class Given:
    """Files and statements of a person; paths as they were typed, relative to the working folder.

    ``before``, ``after``: images, folders, archives or globs. ``columns``: ours to theirs, of the roads layer.
    ``layers``: role to the name of the layer, of files that hold several. ``county``: code and name of the only county.
    ``before_days``, ``after_days``: when images were taken that do not tell it.
    """

    folder: Path
    roads: Path
    before: tuple[str, ...]
    after: tuple[str, ...]
    counties: Path | None = None
    stakes: Path | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    layers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    crs: str | None = None
    county: tuple[str, str] | None = None
    before_days: Period | None = None
    after_days: Period | None = None
    sensor: str | None = None
    resolution_m: float | None = None
    name: str | None = None


@dataclass
class Said:
    """``guessed``: what was read out of the files; ``open``: what a person should look at or find out."""

    guessed: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
