"""Where a run keeps its things, and how a file is written: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import WorkspaceError


@dataclass(frozen=True)
class RunFolder:
    """Every file name of a run, and nothing else."""

    root: Path

    @property
    def index(self) -> Path:
        """The area at a glance."""
        return self.root / "index.html"

    def county(self, code: str) -> Path:
        """The officers' map of one county; only digits and letters of the code reach the name."""
        return self.root / "counties" / f"{_safe(code)}.html"

    @property
    def findings_gpkg(self) -> Path:
        """All layers, in the run's CRS."""
        return self.root / "findings.gpkg"

    @property
    def findings_geojson(self) -> Path:
        """The findings in RFC 7946."""
        return self.root / "findings.geojson"

    @property
    def register(self) -> Path:
        """The register (台账)."""
        return self.root / "register.xlsx"

    def notice(self, name: str) -> Path:
        """A draft notice."""
        return self.root / "notices" / f"{_safe(name)}.docx"

    @property
    def coverage(self) -> Path:
        """Kilometres due and observed."""
        return self.root / "coverage.csv"

    @property
    def run_json(self) -> Path:
        """Provenance."""
        return self.root / "run.json"

    def chip(self, finding_id: str, which: str) -> Path:
        """Evidence picture of a finding: ``which`` is before or after."""
        return self.root / "chips" / f"{_safe(finding_id)}.{which}.webp"

    @property
    def work(self) -> Path:
        """Results of single tiles, kept so that an interrupted run goes on."""
        return self.root / "work"

    def tile(self, fingerprint: str, tile_id: str) -> Path:
        """Result of one tile under one set of inputs."""
        return self.work / fingerprint / f"{_safe(tile_id)}.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one run at a time; the operating system frees it when the process dies."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise WorkspaceError(
                f"{self.root}: another run is writing here; wait for it or choose another folder with --set output=DIR"
            ) from None
        except OSError as error:
            raise WorkspaceError(
                f"{self.root}: cannot be written: {error.strerror}; choose another folder with --set output=DIR"
            ) from error
        try:
            yield
        finally:
            lock.release()


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside ``path`` that takes its name only when the block succeeds; synced to disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        scratch = Path(name)
        # mkstemp makes files private; results are to be read by colleagues as any other file is.
        scratch.chmod(0o666 & ~_umask())
    except OSError as error:
        raise WorkspaceError(
            f"{path}: cannot be written: {error.strerror}; free space or rights are missing"
        ) from error
    try:
        yield scratch
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be written: {error}; free space or rights are missing") from error
    finally:
        scratch.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """``data`` under ``path``, whole or not at all."""
    with atomic(path) as scratch:
        scratch.write_bytes(data)


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """``text`` under ``path``, whole or not at all, with line ends as given."""
    write_bytes(path, text.encode(encoding))


def _safe(name: str) -> str:
    cleaned = "".join(char if char.isalnum() or char in "-_" else "-" for char in str(name))
    return cleaned[:60] or "unnamed"


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
