"""A file or folder is written whole or not at all: under another name beside its own, synced, and then renamed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import WorkspaceError

SCRATCH = ".part-"
"""How the names of files begin that are still being written, or were when their process was killed."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside ``path`` that takes its name only when the block succeeds; synced to disk.

    WorkspaceError where the disk or its rights refuse.
    """
    with _refusals_said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=SCRATCH, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        scratch = Path(name)
        try:
            # mkstemp makes files private; results are to be read by colleagues as any other file is.
            scratch.chmod(0o666 & ~_umask())
            yield scratch
            _sync(scratch)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty scratch folder that takes the name ``path``, and the place of what lay there, when the block succeeds.

    WorkspaceError where the disk or its rights refuse.
    """
    path = path.absolute()
    with _refusals_said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=path.parent))
        new, old = scratch / "new", scratch / "old"
        try:
            new.mkdir()
            yield new
            for file in new.rglob("*"):
                if file.is_file():
                    _sync(file)
            if path.exists():
                path.rename(old)
            new.rename(path)
        finally:
            if old.exists() and not path.exists():
                old.rename(path)
            shutil.rmtree(scratch, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """``data`` under ``path``, whole or not at all."""
    with atomic(path) as scratch:
        scratch.write_bytes(data)


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """``text`` under ``path``, whole or not at all, with line ends as given."""
    write_bytes(path, text.encode(encoding))


def sweep(folder: Path) -> None:
    """Remove what killed processes had begun to write in a folder, whose only writer the caller must be."""
    for left in folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


@contextmanager
def _refusals_said(path: Path) -> Iterator[None]:
    try:
        yield
    except _refusals() as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise WorkspaceError(f"{path}: cannot be written: {why}; free space or rights are missing") from error


def _refusals() -> tuple[type[Exception], ...]:
    """What writers raise when the disk takes no more; those of GDAL and SQLite are no OSError."""
    gdal = sys.modules.get("pyogrio.errors")  # slow to import, and known where it has written something
    names = ("DataSourceError", "DataLayerError", "FeatureError")
    return (OSError, sqlite3.OperationalError, *(getattr(gdal, name) for name in names if gdal is not None))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
