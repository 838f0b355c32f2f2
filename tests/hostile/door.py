"""The program in a process of its own for each case, at the price of a fork: what it said, cost, and how it ended.

Run as a program it imports what a sound run imports, then forks for every command line that comes in. A crash, a hang or a
process that wants too much memory ends that one case and is told of it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WALL_S = 240.0  # a hang; what a case may cost is bounded in CPU time, so that a busy machine fails no test
_LEARN = "HOSTILE_LEARN"
_FIRST = ("cv2", "geopandas", "pyogrio", "rasterio", "pipeline.cli.app")


@dataclass(frozen=True)
class Ended:
    """How a command ended. ``code``: exit code, -9 for a hang, else the negative signal that it died of."""

    code: int
    said: str
    cpu_s: float
    wall_s: float
    memory_mb: float


class Door:
    """The process that forks. One case at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        here = Path(__file__).resolve()
        path = os.pathsep.join([str(here.parents[2]), str(here.parents[1])])
        env = {**os.environ, **environment, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hostile.door"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def through(
        self, argv: Sequence[str], log: Path, memory_mb: int, environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Run ``luyu`` with these words in a child; ``log`` takes what it says, next to nothing above ``memory_mb``."""
        asked = {"argv": list(argv), "log": str(log), "memory_mb": memory_mb, "env": dict(environment or {})}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process that forks is gone"
        return Ended(**json.loads(line), said=log.read_text(encoding="utf-8", errors="replace"))

    def learn(self, argv: Sequence[str], log: Path) -> None:
        """Import from now on, before the fork, whatever these words make the program import."""
        modules = log.with_suffix(".modules")
        ended = self.through(argv, log, 4000, {_LEARN: str(modules)})
        assert ended.code == 0, ended.said
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"modules": modules.read_text(encoding="utf-8").split()}) + "\n")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def _child(asked: Mapping[str, object]) -> int:
    from pipeline.cli import main

    os.environ.update(asked["env"])  # type: ignore[call-overload]
    log = os.open(str(asked["log"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(Path(str(asked["log"])).parent)
    taken = _pages("VmSize")
    most = taken + (int(str(asked["memory_mb"])) << 20) * 3  # of address space, which is cheaper than memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = main(list(asked["argv"]))  # type: ignore[call-overload]
    if place := os.environ.get(_LEARN):
        # In their own order: asyncio comes out half in C and half in Python where a part of it is imported first.
        Path(place).write_text("\n".join(sys.modules), encoding="utf-8")
    return code


def _pages(name: str) -> int:
    """Bytes of memory of this process as the kernel counts them."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


def _forked(asked: Mapping[str, object]) -> dict[str, float]:
    started = time.monotonic()
    child = os.fork()
    if not child:
        code = 1
        try:
            code = _child(asked)
        except BaseException as error:  # noqa: BLE001  the child must not come back into the loop
            os.write(2, f"escaped: {type(error).__name__}: {error}\n".encode())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    late = False
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - started > WALL_S:
            os.kill(child, 9)
            late = True
        time.sleep(0.005)
    code = -9 if late else os.waitstatus_to_exitcode(status)
    return {
        "code": code,
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.monotonic() - started,
        "memory_mb": (used.ru_maxrss << 10) / 2**20,
    }


def _import(names: Sequence[str]) -> None:
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def serve() -> None:
    """Fork for every line of standard input until it ends."""
    _import(_FIRST)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        if modules := json.loads(line).get("modules"):
            _import(modules)
            continue
        answers.write(json.dumps(_forked(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
