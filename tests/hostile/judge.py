"""A case through the door, and whether it was judged right."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers.faulty import Faulty, faulty

from .cases import CODES, REFUSED, Case
from .door import Door, Ended
from .ground import CANARY, Ground, build

_BARE = re.compile(r"Traceback \(most recent|a fault of the program's own|^escaped: ", re.MULTILINE)


@dataclass
class Judge:
    """What stands for all cases: the door, the sound world, the trap, a server."""

    door: Door
    base: Path
    trap: Faulty
    server: Faulty
    root: Path
    ended: dict[str, Ended] = field(default_factory=dict)

    def tried(self, case: Case) -> list[str]:
        """What went wrong with a case; nothing if it was judged right."""
        number = len(self.ended)
        folder = self.root / f"c{number:03d}"
        folder.mkdir()
        ground = Ground(self.base, folder, self.trap.url, f"{self.server.url}/{folder.name}")
        self.trap.mend()
        self.server.mend()
        argv = case.make(ground)
        for on, fault in ground.faults.items():
            self.server.always(fault, on=on)
        own = _files(folder)
        ended = self.door.through(argv, folder / "said.log", case.memory_mb, ground.environment)
        self.ended[f"{case.kind}/{case.name}"] = ended
        faults = [*_how_it_ended(case, ended), *self._where_it_went(ground, own, ended)]
        if not faults:
            shutil.rmtree(folder, ignore_errors=True)
        return faults

    def _where_it_went(self, ground: Ground, own: Sequence[Path], ended: Ended) -> Iterator[str]:
        if hits := [*self.trap.hits, *self.trap.other_hits]:
            yield f"the trap was asked: {hits[0].method} {hits[0].uri}"
        if CANARY in ended.said:
            yield "the canary stands in what was said"
        made = [path for path in _files(ground.folder) if path not in own]
        if leaks := [path.name for path in made if _holds(path, CANARY.encode())]:
            yield f"the canary stands in {leaks}"
        if beyond := sorted(str(path) for path in Path("/var").glob("escaped*")):
            yield f"written to {beyond}"
        if astray := sorted(str(path) for path in _files(self.root) if self._astray(path, ground)):
            yield f"written outside of its folder: {astray}"

    def _astray(self, path: Path, ground: Ground) -> bool:
        inside = path.is_relative_to(ground.out) or path.is_relative_to(self.root / "cache")
        return path.name.startswith("escaped") and not inside


def _how_it_ended(case: Case, ended: Ended) -> Iterator[str]:
    if ended.code == -9:
        yield f"hung for {ended.wall_s:.0f} s"
    elif ended.code < 0:
        yield f"died of signal {-ended.code}"
    elif ended.code not in CODES[case.ends]:
        yield f"exit {ended.code}, should be {case.ends}"
    if _BARE.search(ended.said):
        yield "a bare traceback, or a fault of the program's own"
    if missing := [word for word in case.says if word.casefold() not in ended.said.casefold()]:
        yield f"does not say {missing}"
    if case.ends == REFUSED and ended.code == 2 and len(ended.said) > 20_000:
        yield f"says {len(ended.said)} letters"
    if ended.cpu_s > case.cpu_s:
        yield f"took {ended.cpu_s:.1f} s of CPU, {case.cpu_s:g} at most"
    if ended.memory_mb > case.memory_mb:
        yield f"took {ended.memory_mb:.0f} MB, {case.memory_mb} at most"


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _holds(path: Path, word: bytes) -> bool:
    """Whether a file holds the word, in clear or in a zip."""
    content = path.read_bytes()
    if word in content:
        return True
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(word in archive.read(name) for name in archive.namelist())


@contextmanager
def judging(root: Path) -> Iterator[Judge]:
    """A judge with all that it needs, while the block runs."""
    root.mkdir(parents=True, exist_ok=True)
    base = build(root.parent / f"{root.name}-base")
    with faulty(root) as trap, faulty(root) as server:
        # Whoever asks any host but this one asks the trap.
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), trap.url)
        none = dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")
        door = Door({**proxies, **none, "LUYU_CACHE": str(root / "cache"), "LUYU_TRAP": trap.url})
        try:
            learning = Ground(base, root.parent / f"{root.name}-learning", trap.url)
            door.learn(learning.config(command="run"), learning.folder / "said.log")
            trap.mend()
            yield Judge(door, base, trap, server, root)
        finally:
            door.close()


def told(case: Case, faults: Sequence[str], ended: Ended) -> str:
    """What a person needs to see why a case failed."""
    return f"{case.kind}: {case.name}: {'; '.join(faults)}\n{ended.said[-3000:]}"
