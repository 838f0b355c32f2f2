"""One small world per session, one run of it; and where the real data sets are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from pipeline.run.runner import RunReport

# Tests read messages as the program writes them, whatever the language of the machine; subprocesses inherit it.
os.environ["LUYU_LANG"] = "en"
ROOT = Path(__file__).resolve().parents[1]
_OF_GDAL = ("GDAL_", "OGR_", "CPL_", "PROJ_NETWORK")
_LONGEST = ("tests/faults/", "tests/run/", "notebooks/", "tests/execution/", "tests/ledger/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first: of two processes none is left alone with it at the end."""
    items.sort(key=lambda item: next((k for k, name in enumerate(_LONGEST) if item.nodeid.startswith(name)), 9))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; skips on a machine without them, fails in CI."""
    place = Path(os.environ.get("LUYU_REAL_DATA") or ROOT.parent / "shared" / "real")
    if not place.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no real data at {place}; CI must have it")
        pytest.skip(f"no real data at {place}; set LUYU_REAL_DATA to run this test")
    return place


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What tests fetch is kept in a folder of this session, not in the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUYU_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def drivers_of_one_s_own() -> Iterator[None]:
    """What the command line tells GDAL of this process' drivers ends with the test that called it."""
    before = {name: value for name, value in os.environ.items() if name.startswith(_OF_GDAL)}
    yield
    for name in [name for name in os.environ if name.startswith(_OF_GDAL) and name not in before]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(autouse=True)
def no_decoded_blocks() -> None:
    """No test lives on blocks that another one has decoded."""
    from pipeline.imagery.decode import forget_decoded

    forget_decoded()


def made_once(paths: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` fills, once for all processes that share the tests; nobody may change what lies in it."""
    own = paths.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    done = folder / "made"
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulated world of 1.2 km with all hazards on, busier than real land so that there is much to find."""
    from pipeline.simulate import Events, WorldOptions, simulate

    events = Events(building_inside=4, building_outside=2, grain=4)
    return made_once(
        tmp_path_factory, "world", lambda folder: simulate(folder, WorldOptions(seed=11, km=1.2, events=events))
    )


@pytest.fixture(scope="session")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """The world's run, done once by threads."""
    from pipeline.config import RunConfig
    from pipeline.run.runner import run

    out = tmp_path_factory.mktemp("finished") / "run"
    return run(RunConfig.load(world / "run.yaml", [f"output={out}", f"ledger={out / 'ledger.sqlite'}"]))
