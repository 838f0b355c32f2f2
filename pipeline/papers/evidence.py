"""The two pictures of a case: as the ledger keeps them, else as a run left them, else a line that says that none is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry

from ..ledger import Ledger
from ..reports import values
from .drawing import decoded, marked
from .source import RunFiles
from .templates import Picture

NONE_KEPT = "未保存影像截图"
_ROLES = ("before", "after")
_SCENE = {"before": "scene_before", "after": "scene_after"}
_DAY = {"before": "last_absent", "after": "first_seen"}


@dataclass(frozen=True)
class View:
    """One picture as JPEG bytes with the day and name of its image; ``content`` None: none is kept."""

    content: bytes | None
    day: str
    scene: str

    def field(self, width_cm: float) -> Picture | str:
        """What stands in the paper."""
        return NONE_KEPT if self.content is None else Picture(self.content, width_cm)


def pair(
    ledger: Ledger | None, row: Mapping[str, Any], shape: BaseGeometry, epsg: int, run: RunFiles
) -> tuple[View, View]:
    """Before and after of one case: outline, scale bar and north arrow drawn where the ledger keeps the picture's place."""
    kept = ledger.pictures(values.text(row.get("case_no"))) if ledger is not None and row.get("case_no") else []
    before, after = (_view(role, kept, row, shape, epsg, run) for role in _ROLES)
    return before, after


def _view(role: str, kept: list[Any], row: Mapping[str, Any], shape: BaseGeometry, epsg: int, run: RunFiles) -> View:
    scene = values.text(row.get(_SCENE[role]))
    mine = sorted((p for p in kept if p.role == role), key=lambda p: (p.scene_id == scene, p.day or "", p.scene_id))
    if mine:
        best = mine[-1]
        what = f"case {best.case_no}, picture {best.scene_id} ({role})"
        content = marked(decoded(best.content, what), footprint=shape, epsg=epsg, grid=best.grid or None)
        return View(content, values.day(best.day), best.scene_id)
    chip = run.chip(values.text(row.get("finding_id")), role)
    day = values.day(row.get(_DAY[role]))
    if chip is None:
        return View(None, day, scene)
    what = f"run {run.root}, picture of finding {row.get('finding_id')} ({role})"
    return View(marked(decoded(chip, what), footprint=None, epsg=None, grid=None), day, scene)
