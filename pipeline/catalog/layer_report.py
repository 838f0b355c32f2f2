"""What became of each layer: the file, how it was read, rows kept, repaired, left out and repeated, and warnings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .columns import Findings
from .layer_entries import Entry
from .layer_source import Source


@dataclass(frozen=True)
class LayerReport:
    """One entry of layers.yaml after it was read. Rows are counted as a person counts them in the file, from 1.

    ``encoding_from``: entry, .cpg, language id of the .dbf, looked at, byte order mark, format. ``crs_from``: entry, file,
    datum. ``kept``: rows of the table (one county of several parts counts once); ``without_place``: kept rows that have a
    stake and no geometry. ``posts``: stakes that came from M of the roads' vertices.
    """

    role: str
    label: str
    path: Path
    layer: str | None
    driver: str
    encoding: str | None
    encoding_from: str
    crs: str | None
    crs_from: str
    datum: str | None
    accuracy_m: float | None
    read: int
    kept: int
    without_place: int
    repaired: tuple[int, ...]
    left_out: tuple[int, ...]
    repeated: tuple[int, ...]
    posts: int
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls, entry: Entry, source: Source, findings: Findings, *, read: int, kept: int, without_place: int, posts: int
    ) -> LayerReport:
        """Put together from what the steps noticed."""
        return cls(
            role=entry.role,
            label=entry.label,
            path=entry.path,
            layer=source.layer,
            driver=source.driver,
            encoding=source.encoding,
            encoding_from=source.encoding_from,
            crs=source.crs,
            crs_from=source.crs_from,
            datum=entry.datum,
            accuracy_m=entry.accuracy_m,
            read=read,
            kept=kept,
            without_place=without_place,
            repaired=tuple(sorted(set(findings.repaired))),
            left_out=tuple(sorted(set(findings.left_out))),
            repeated=tuple(sorted(set(findings.repeated))),
            posts=posts,
            warnings=(*source.notes, *findings.notes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "path": str(self.path)}
