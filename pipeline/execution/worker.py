"""What a worker is told before its first task, and how a task travels: as bytes that only workers open."""

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .. import __version__
from ..errors import ConfigError

_M_ARENA_MAX, _ARENAS = -8, 2  # malloc.h
_OF_GDAL = ("GDAL_", "OGR_", "CPL_", "PROJ_NETWORK")
_SECRET = re.compile(r"KEY|TOKEN|PASSW|SECRET|USERPWD|HEADER|COOKIE", re.IGNORECASE)

#: A worker is one thread of work; libraries that start threads of their own would fight it for its core.
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENCV_FOR_THREADS_NUM": "1",
        "GDAL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": str(_ARENAS),
        "MALLOC_TRIM_THRESHOLD_": "65536",  # bytes; what is free is handed back
        "PYTHONHASHSEED": "0",  # workers of one run agree on the order of sets
    }
)

#: Dask's own settings. A worker near its limit is started anew: pausing it would wait for memory that nothing frees.
SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 0.95,
        "distributed.worker.profile.enabled": False,
        "distributed.deploy.lost-worker-timeout": "60s",  # while one starts anew it is not lost
        "distributed.scheduler.http.routes": ["distributed.http.health"],
        "distributed.worker.http.routes": ["distributed.http.health"],
    }
)


def settings_as_environment() -> dict[str, str]:
    """Those of workers as variables, for workers that this process does not start itself."""
    mine = {name: value for name, value in SETTINGS.items() if name.startswith("distributed.worker.")}
    return {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": repr(value) for name, value in mine.items()}


@dataclass(frozen=True)
class Identity:
    """What run and workers must have in common, so that results do not depend on who made them."""

    luyu: str
    code: str
    python: str


@cache
def identity() -> Identity:
    """Of this process; ``code``: digest of the package's source."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return Identity(__version__, digest.hexdigest()[:12], ".".join(platform.python_version_tuple()[:2]))


@dataclass(frozen=True)
class Call:
    """A task as bytes, which the scheduler carries and does not open.

    ``asked_by``: identity of the run, compared with the worker's; None where the run starts the workers on its machine.
    ``gdal``: what the run's environment tells GDAL, which workers that somebody else started are told before they load it.
    """

    task: bytes
    asked_by: Identity | None
    gdal: Mapping[str, str]

    @classmethod
    def of(cls, task: Callable[[Any], Any], *, same_machine: bool) -> Call:
        """For a module-level function."""
        told = {
            name: value for name, value in os.environ.items() if name.startswith(_OF_GDAL) and not _SECRET.search(name)
        }
        return cls(pickle.dumps(task), None if same_machine else identity(), {} if same_machine else told)

    def __call__(self, item: bytes) -> Any:
        """The task's result. ConfigError where this worker is of another version than the run."""
        os.environ.update(self.gdal)
        _ready()
        if self.asked_by is not None and (mine := identity()) != self.asked_by:
            raise ConfigError(
                f"a worker on {platform.node()} has {_told(mine)}, this run {_told(self.asked_by)}; install the same"
                " on all workers and start them anew"
            )
        return pickle.loads(self.task)(pickle.loads(item))  # noqa: S301  made by the run that this worker serves


def _told(one: Identity) -> str:
    return f"luyu {one.luyu} (code {one.code}) on Python {one.python}"


@cache
def _ready() -> None:
    """Once in each process: few heaps, one thread for each library."""
    few_arenas()
    for name in ("OPENCV_FOR_THREADS_NUM", "GDAL_NUM_THREADS"):  # threads of this process came too late for the rest
        os.environ.setdefault(name, ENVIRONMENT[name])
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)


def few_arenas() -> None:
    """Let this process' threads share their heaps, where the C library is glibc.

    It gives each thread a heap of its own and hands little of it back, so that memory grows with the road although
    nothing is held.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    except (OSError, AttributeError):  # another C library
        return
