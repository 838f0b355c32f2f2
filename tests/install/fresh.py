"""Commands in fresh environments, and what is missing on a user's machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

UV = Path(sys.executable).with_name("uv")


def ran(*command: object, cwd: Path, env: dict[str, str] | None = None, code: int = 0) -> str:
    """What a command prints on both streams; the test fails where it ends otherwise than expected."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", timeout=900,
    )  # fmt: skip
    assert done.returncode == code, done.stdout[-4000:]
    return done.stdout


def needs_index(reason: str) -> None:
    """Skips on a user's machine, fails in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
