"""What a run would do again, and why: said before it starts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..files import write_text
from .files import RunFolder
from .looks import FAILED, NEW, due_tiles
from .parts import Parts
from .plan import Plan

_NAMED = 8
_WORDS = {
    NEW: "not looked at yet",
    FAILED: "failed before",
    "program": "the program changed",
    "settings": "the configuration changed",
    "rules": "the legal rules changed",
    "scenes": "images came, went or changed",
    "ground": "roads, zones or sites about them changed",
}
_DETAIL = ("program", "settings", "scenes")


def redo(plan: Plan) -> dict[str, Any]:
    """``tiles_to_do``, ``tiles_kept``, and ``redo``: causes with their ``tiles`` and what changed, the commonest first.

    A tile with several causes is counted under each. Nothing is written.
    """
    folder = RunFolder(plan.config.output)
    due = due_tiles(plan, Parts(folder.work, plan.layers.epsg, mend=False))
    counts = Counter(why for causes in due.values() for why in causes)
    before = _remembered(folder)
    rows = [
        {"why": why, "words": _WORDS[why], "tiles": count, "changed": _changed(before, plan.digests.detail, why)}
        for why, count in sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    ]
    return {"tiles_to_do": len(due), "tiles_kept": len(plan.tiles) - len(due), "redo": rows}


def remember(folder: RunFolder, plan: Plan) -> None:
    """Keep the digests by name, so that what changed can be told by name."""
    write_text(folder.inputs, json.dumps(plan.digests.detail, ensure_ascii=False, sort_keys=True))


def _remembered(folder: RunFolder) -> Mapping[str, Mapping[str, str]]:
    try:
        told = json.loads(folder.inputs.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _changed(before: Mapping[str, Any], now: Mapping[str, Mapping[str, str]], why: str) -> list[str]:
    """Names with a sign before them: + came, - went, ~ changed."""
    if why not in _DETAIL or not before.get(why):
        return []
    old, new = before[why], now[why]
    signs = [
        *(f"+ {name}" for name in sorted(new.keys() - old.keys())),
        *(f"- {name}" for name in sorted(old.keys() - new.keys())),
        *(f"~ {name}" for name in sorted(new.keys() & old.keys()) if new[name] != old[name]),
    ]
    return [*signs[:_NAMED], f"… ({len(signs)} in all)"] if len(signs) > _NAMED else signs
