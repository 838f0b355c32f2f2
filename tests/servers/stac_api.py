"""A real STAC API: stac-fastapi on pgSTAC, in PostgreSQL with PostGIS, all on this machine and gone after the tests.

Its Python packages need other versions than ours, so they live in an environment of their own, made once in the folder
for temporary files. Debian: ``postgresql postgresql-15-postgis-3`` (the number is that of the server).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock
from ledger.postgres_server import programs
from ledger.postgres_server import server as postgres

from .loopback import free_port, missing, running

PACKAGES = ("stac-fastapi-pgstac==7.2.0", "pypgstac[psycopg]==0.10.0", "uvicorn==0.54.0", "orjson>=3.10")


@dataclass(frozen=True)
class StacApi:
    """The running API. ``seconds``: how long each step of starting it took."""

    url: str
    log: Path
    seconds: Mapping[str, float]

    def searches(self) -> list[str]:
        """The searches of its access log so far, ``POST /search`` or ``GET /search?...``."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line.split('"')[1].rpartition(" ")[0] for line in lines if '"' in line and " /search" in line]


@contextmanager
def stac_api(collections: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> Iterator[StacApi]:
    """The API over these collections and items (STAC as JSON) while the block runs; skips where it cannot be had."""
    binaries = programs()
    if binaries is None:
        missing("no PostgreSQL here; apt install postgresql postgresql-15-postgis-3")
    if not _has_postgis(binaries):
        missing("PostgreSQL here has no PostGIS; apt install postgresql-15-postgis-3")
    took = _Stopwatch()
    python = environment()
    took("environment")
    # Not in pytest's folder: another pytest that starts meanwhile closes that to the user whom PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="luyu-test-stac-") as place, postgres(Path(place), binaries) as database:
        folder = Path(place)
        took("postgres")
        parts = urlsplit(database)
        login = {
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGUSER": str(parts.username),
            "PGPASSWORD": "unused",
            "PGDATABASE": parts.path.lstrip("/"),
        }
        _load(python, login, folder, collections, items)
        took("load")
        port, log = free_port(), folder / "api.log"
        command = [str(python), "-m", "uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app"]
        with running([*command, "--host", "127.0.0.1", "--port", str(port)], port, log, env=login):
            took("api")
            yield StacApi(f"http://127.0.0.1:{port}/", log, took.steps)


def environment() -> Path:
    """The Python of the server's own environment, made where there is none yet."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        missing("no uv here, which makes the server's environment")
    digest = hashlib.sha256(" ".join((*PACKAGES, sys.version)).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"luyu-test-stac-api-{os.getuid()}-{digest}"
    home.mkdir(mode=0o700, exist_ok=True)
    python, ready = home / "venv" / "bin" / "python", home / "ready"
    with FileLock(home / "lock"):
        if not ready.exists():
            shutil.rmtree(home / "venv", ignore_errors=True)
            try:
                _run([uv, "venv", "--quiet", "--python", sys.executable, str(home / "venv")])
                _run([uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES])
            except subprocess.CalledProcessError as error:
                missing(f"the STAC API's packages cannot be installed: {error.stderr.strip()[-300:]}")
            ready.touch()
    return python


def _has_postgis(binaries: Path) -> bool:
    shared = subprocess.run([str(binaries / "pg_config"), "--sharedir"], capture_output=True, text=True)
    places = [Path(shared.stdout.strip())] if shared.returncode == 0 else []
    places.append(
        Path("/usr/share/postgresql") / binaries.parent.name
    )  # pg_config comes with the server's headers only
    return any((place / "extension" / "postgis.control").is_file() for place in places)


def _load(
    python: Path,
    login: Mapping[str, str],
    folder: Path,
    collections: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
) -> None:
    pypgstac = [str(python), "-m", "pypgstac.pypgstac"]
    _run([*pypgstac, "migrate"], login)
    for name, rows in (("collections", collections), ("items", items)):
        path = folder / f"{name}.ndjson"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        _run([*pypgstac, "load", name, str(path), "--method", "upsert"], login)


def _run(command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})})


class _Stopwatch:
    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._last = time.monotonic()

    def __call__(self, step: str) -> None:
        now = time.monotonic()
        self.steps[step], self._last = round(now - self._last, 2), now
