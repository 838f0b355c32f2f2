"""Whether a run has nothing left to do: nothing that its files follow from has changed since they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files import write_text
from ..ledger import Ledger
from .files import RunFolder
from .plan import Plan
from .provenance import cleaned

_UNUSED = ("dask", "output", "ledger")  # where a thing is done or lies has no say in what it says


def is_finished(folder: RunFolder, plan: Plan, ledger: Ledger) -> bool:
    """Whether the folder's files are those that a run of this plan would write, with the cases as they stand now."""
    try:
        told = json.loads(folder.finished.read_text(encoding="utf-8"))
        return bool(told["state"] == _state(folder, plan, ledger))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def mark_finished(folder: RunFolder, plan: Plan, ledger: Ledger) -> None:
    """Remember what the files of a run that has just ended follow from."""
    write_text(folder.finished, json.dumps({"state": _state(folder, plan, ledger)}))


def unmark(folder: RunFolder) -> None:
    """Forget it: the files are about to be written anew."""
    folder.finished.unlink(missing_ok=True)


def _state(folder: RunFolder, plan: Plan, ledger: Ledger) -> str:
    asked = {name: value for name, value in plan.config.dump().items() if name not in _UNUSED}
    asked["imagery"] = {name: value for name, value in asked["imagery"].items() if name not in ("network", "costs")}
    told = [
        plan.fingerprint,
        cleaned(asked),
        [_stamp(path) for path in sorted(plan.layers.files)],
        [named.record() for named in plan.rankings],
        _program(),
        ledger.marks(),
        sorted(_stamp(path) for path in _written(folder, Path(str(plan.config.ledger)).name)),
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


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
