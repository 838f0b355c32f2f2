"""luyu (路域): watch the land along highways from satellites.

The package is a house of rooms; ARCHITECTURE.md says what each is for and which way imports run. What people call from
a notebook stands here under one name, and is fetched from room `explore` when it is first asked for:

>>> import pipeline as luyu
>>> len(luyu.__all__) == len(set(luyu.__all__)), "corridor" in dir(luyu)
(True, True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explore import (
        Run,
        TileView,
        calibration_curve,
        confidence_terms,
        corridor,
        detect,
        explore_findings,
        finding_evidence,
        judge,
        load,
        locate,
        look,
        open_run,
        pair,
        road_strip,
        score,
        straighten,
        tile_evidence,
        tile_view,
        tiles,
        zones,
    )

__version__ = "0.1.0"

__all__ = [
    "Run",
    "TileView",
    "calibration_curve",
    "confidence_terms",
    "corridor",
    "detect",
    "explore_findings",
    "finding_evidence",
    "judge",
    "load",
    "locate",
    "look",
    "open_run",
    "pair",
    "road_strip",
    "score",
    "straighten",
    "tile_evidence",
    "tile_view",
    "tiles",
    "zones",
]


def __getattr__(name: str) -> object:
    """What `__all__` names, out of room `explore`; AttributeError for the rest."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    from . import explore

    found: object = getattr(explore, name)
    globals()[name] = found  # so that it is asked for once
    return found


def __dir__() -> list[str]:
    """All public names, fetched or not."""
    return sorted({*globals(), *__all__})
