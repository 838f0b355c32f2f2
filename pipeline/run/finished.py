"""Whether a run has nothing left to do: nothing that its files follow from has changed since they were written."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..files import write_text
from .files import RunFolder
from .plan import Plan

_UNUSED = ("dask", "output", "ledger")  # where a thing is done or lies has no say in what it says


def followed_from(plan: Plan) -> str:
    """Digest of what a run's files follow from besides the ledger; to be taken before anything is looked at."""
    asked = {name: value for name, value in plan.config.dump().items() if name not in _UNUSED}
    asked["imagery"] = {name: value for name, value in asked["imagery"].items() if name not in ("network", "costs")}
    basemaps = [Path(path) for one in plan.config.maps.basemaps if (path := getattr(one, "path", None)) is not None]
    files = {part for path in (plan.config.layers, *plan.layers.files, *basemaps) for part in _parts_of(path)}
    told = [
        plan.fingerprint,
        asked,
        [_stamp(path) for path in sorted(files)],
        [named.record() for named in plan.rankings],
        _program(),
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def is_finished(folder: RunFolder, plan: Plan, followed: str, marks: Sequence[int]) -> bool:
    """Whether the folder's files are those that a run would write that follows from this.

    ``followed``: from ``followed_from``; ``marks``: of the ledger, as they stand now.
    """
    try:
        told = json.loads(folder.finished.read_text(encoding="utf-8"))
        return bool(told["state"] == _state(folder, plan, followed, marks))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def mark_finished(folder: RunFolder, plan: Plan, followed: str, marks: Sequence[int]) -> None:
    """Remember what a run's files follow from; ``marks``: of the ledger, as they stood before the files were written."""
    write_text(folder.finished, json.dumps({"state": _state(folder, plan, followed, marks)}))


def unmark(folder: RunFolder) -> None:
    """Forget it: the files are about to be written anew."""
    folder.finished.unlink(missing_ok=True)


def _state(folder: RunFolder, plan: Plan, followed: str, marks: Sequence[int]) -> str:
    ledger = Path(str(plan.config.ledger)).name
    told = [followed, list(marks), sorted(_stamp(path) for path in _written(folder, ledger))]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _parts_of(path: Path) -> list[Path]:
    """A file with those that belong to it: a shapefile's others, a folder's files."""
    if path.is_dir():
        return [one for one in path.rglob("*") if one.is_file()]
    if path.suffix.lower() == ".shp":
        return [path, *path.parent.glob(f"{glob.escape(path.stem)}.*")]
    return [path]


def _written(folder: RunFolder, ledger: str) -> Iterator[Path]:
    """Files of a run that people use; the ledger, which may lie beside them, tells of itself."""
    for place in (folder.root, *(path for path in folder.root.iterdir() if path.is_dir() and path != folder.work)):
        found = place.iterdir() if place == folder.root else place.rglob("*")
        names = (path for path in found if path.is_file() and not path.name.startswith("."))
        yield from (path for path in names if not path.name.startswith((ledger, "check.html")))


def _stamp(path: Path) -> tuple[Any, ...]:
    try:
        stat = path.stat()
    except OSError:
        return (str(path), -1, -1)
    return (str(path), stat.st_size, stat.st_mtime_ns)


def _program() -> str:
    """Digest of the whole program: what it writes may differ by any of it."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
