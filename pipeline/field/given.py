"""What came back, as it was written: rows with their place in a file, before anything of them is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where something stands; ``part`` is a sheet or layer, ``row`` as the program shows it that wrote the file."""

    file: str
    part: str = ""
    row: int | None = None

    def __str__(self) -> str:
        part = f": {self.part}" if self.part else ""
        return f"{self.file}{part}{f', row {self.row}' if self.row is not None else ''}"


@dataclass(frozen=True)
class GivenPhoto:
    """A photo that a row names, and what the row says of it; nothing of it is checked."""

    place: Place
    path: str
    lon: object = None
    lat: object = None
    azimuth_deg: object = None


@dataclass(frozen=True)
class Given:
    """One row: ``cells`` by the names of `rows.FILLED_IN` and `rows.KEPT`, or those of a verdict file."""

    place: Place
    cells: Mapping[str, object]
    photos: tuple[GivenPhoto, ...] = ()


@dataclass
class Sheaf:
    """All rows of one file; what was refused on reading, as (place, case number, why), and what the reader must tell."""

    rows: list[Given] = field(default_factory=list)
    refused: list[tuple[Place, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
