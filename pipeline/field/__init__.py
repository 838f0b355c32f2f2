"""The field loop without a server: cases go out as a folder, verdicts and photos come back into the ledger.

A county takes ``cases.gpkg`` into QField, or ``cases.xlsx`` to a desk, or answers on its map, which writes a verdict
file (`verdict_file`). Whatever comes back is taken in row by row: what is wrong is refused with its place, the rest goes in.
"""

from __future__ import annotations

from .outcome import ImportReport, Line
from .package import Choice, export
from .take_back import TakeBackOptions, take_back

__all__ = ["Choice", "ImportReport", "Line", "TakeBackOptions", "export", "take_back"]
