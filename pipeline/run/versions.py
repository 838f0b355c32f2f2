"""By what a run was made: program, libraries, machine, and the files that its decisions rest on."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from .. import __version__
from ..reports import installed


def versions() -> dict[str, Any]:
    """Versions of the program, of Python and of the libraries, and the machine, as plain JSON."""
    return {
        "luyu": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "libraries": installed.libraries(),
        **installed.native(),
        "machine": _machine(),
    }


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _machine() -> dict[str, Any]:
    """What the run's main process ran on."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


def told_of(path: Path) -> dict[str, Any]:
    """A file that decisions rest on: where it was, its size and digest; these null where it cannot be read, as a folder."""
    try:
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return {"file": str(path), "bytes": path.stat().st_size, "sha256": digest}
    except OSError:
        return {"file": str(path), "bytes": None, "sha256": None}
