"""A small world, an undisturbed run of it, and what rounds of faults start from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .harness import Ended, Running, built, preloaded
from .sameness import difference, half_files, scratch_files

ROUNDS = int(os.environ.get("LUYU_FAULT_ROUNDS", "2"))
MANY = int(os.environ.get("LUYU_FAULT_ROUNDS", "5"))


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing happened to: what others have to come to."""

    world: Path
    out: Path
    ended: Ended

    def command(self, out: Path, *more: str) -> list[str]:
        """The same run into another folder."""
        return command(self.world, out, *more)

    def of(self, world: Path, out: Path | None = None) -> Undisturbed:
        """The same of another world."""
        return Undisturbed(world, out or self.out, self.ended)

    def assert_same(self, out: Path, ledger: Path | None = None) -> None:
        """A finished run is the undisturbed one, whole, with nothing left lying about."""
        assert difference(self.out, out, ledger=ledger) is None
        assert [*half_files(out), *scratch_files(out)] == []

    def tiles_done(self, out: Path) -> Path:
        """``out`` as a run leaves it that was stopped after its last tile."""
        out.mkdir(parents=True)
        shutil.copytree(self.out / "work", out / "work")
        return out


def command(world: Path, out: Path, *more: str) -> list[str]:
    """``luyu run`` with one detector and two tiles."""
    settings = [f"output={out}", f"ledger={out / 'ledger.sqlite'}", "detectors=[{use: grain_drying}]"]
    settings += ["imagery.tile_px=512", *more]
    return ["run", str(world / "run.yaml"), *(part for text in settings for part in ("--set", text))]


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory, own_cache: Path) -> Iterator[Path | None]:
    """The shim, under which a server of preloaded processes waits; None where it cannot be built, never in CI."""
    made = built(tmp_path_factory.mktemp("shim"))
    assert made is not None or os.environ.get("CI") != "true", "no C compiler; apt-get install gcc libc6-dev"
    with preloaded(made):
        yield made


@pytest.fixture(scope="session")
def calm(shim: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The undisturbed run; its calls are known where the shim is there."""
    from pipeline.simulate import Events, WorldOptions, simulate
    from pipeline.simulate.options import Hazards

    world, out = tmp_path_factory.mktemp("small"), tmp_path_factory.mktemp("calm") / "run"
    events = Events(building_inside=4, building_outside=2, grain=4)
    options = WorldOptions(
        seed=11, km=0.8, resolution_m=1, reach_m=80, series=False, hazards=Hazards.none(), events=events
    )
    simulate(world, options)
    ended = Running.start(command(world, out), watch=out if shim else None).end()
    assert ended.code == 0, ended.said
    assert [*half_files(out), *scratch_files(out)] == []
    return Undisturbed(world, out, ended)


@pytest.fixture
def watched(shim: Path | None) -> None:
    """Skips where calls cannot be watched."""
    if shim is None:
        pytest.skip("watching system calls needs Linux and a C compiler; apt-get install gcc libc6-dev")
