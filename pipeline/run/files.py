"""Where a run keeps its things, and that one run at a time does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import WorkspaceError
from ..files import sweep

_OWN = ("work", "chips", "counties", "notices")  # folders that nobody else writes to


@dataclass(frozen=True)
class RunFolder:
    """Every file name of a run, and nothing else."""

    root: Path

    @property
    def index(self) -> Path:
        """The area at a glance."""
        return self.root / "index.html"

    @property
    def report(self) -> Path:
        """What was asked, read, seen, found and not found, in what time, by which versions."""
        return self.root / "report.html"

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

    @property
    def inputs(self) -> Path:
        """Digests, by name, of what the last run followed from."""
        return self.work / "inputs.json"

    @property
    def finished(self) -> Path:
        """What the files of a finished run follow from; absent while they are being written."""
        return self.work / "finished.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one run at a time; the operating system frees it when the process dies.

        What killed runs had begun to write is removed. WorkspaceError where another run holds it, or it cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            lock.acquire(timeout=0)
            for place in (self.root, *(self.root / name for name in _OWN)):
                sweep(place)
        except Timeout:
            raise WorkspaceError(
                f"{self.root}: another run is writing here; wait for it or choose another folder with --set output=DIR"
            ) from None
        except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
            why = getattr(error, "strerror", None) or error
            raise WorkspaceError(
                f"{self.root}: cannot be written: {why}; choose another folder with --set output=DIR"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _safe(name: str) -> str:
    cleaned = "".join(char if char.isalnum() or char in "-_" else "-" for char in str(name))
    return cleaned[:60] or "unnamed"
