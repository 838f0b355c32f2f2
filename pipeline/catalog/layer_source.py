"""How a file was read: what is known of it, and from where it is known."""

from __future__ import annotations

from dataclasses import dataclass, field

# Column of the M of each row's vertices, where the entry asks for stakes in M.
MEASURES = "(measures)"


@dataclass
class Source:
    """What was found out of one entry's file while it was read; filled by its reader.

    ``encoding_from``: entry, .cpg, language id of the .dbf, looked at, format. ``crs_from``: entry, file, columns, datum.
    """

    driver: str = ""
    layer: str | None = None
    encoding: str | None = None
    encoding_from: str = ""
    crs: str | None = None
    crs_from: str = ""
    notes: list[str] = field(default_factory=list)
