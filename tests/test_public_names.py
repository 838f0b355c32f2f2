"""What people may call is told: every public name of the library, and every door that ARCHITECTURE.md names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pipeline as luyu
from pipeline import explore

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(luyu.__all__)
CALLED = [name for name in NAMES if inspect.isfunction(getattr(luyu, name))]
UNIT = re.compile(r"\b(m|m2|km|px|pixels?|degrees|metres?|kilometres|inches|working days|0\.\.1)\b")
WITHOUT_QUANTITY = {"tile_view"}
# A door in the table: `room.module.name(…)`, `name`, `Name.method(…)`; what begins with a dot belongs to what is before it.
ROW = re.compile(r"^\| (\w+) \| (.+?) \| .+ \|$")
DOOR = re.compile(r"[A-Za-z_][\w.]*")


def doors() -> Iterator[tuple[str, str]]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text[text.index("## Doors") : text.index("## How a run goes")]
    for line in table.splitlines():
        if (row := ROW.match(line)) and row[1] != "room":
            for span in re.findall(r"`([^`]+)`", row[2]):
                if not span.startswith(".") and "…" not in span.partition("(")[0] and (name := DOOR.match(span)):
                    yield row[1], name[0]


def found(room: str, name: str) -> Any:
    """What a door leads to: in the room itself, in the module that the name begins with, or in any module of the room."""
    package = importlib.import_module(f"pipeline.{room}")
    modules = [package]
    if hasattr(package, "__path__"):
        modules += [
            importlib.import_module(f"pipeline.{room}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
        ]
    first, _, rest = name.partition(".")
    for module in modules:
        own = module.__name__.rpartition(".")[2]
        for start, wanted in ((module, rest), (module, name)) if own == first and rest else ((module, name),):
            value = start
            for part in wanted.split("."):
                value = getattr(value, part, None)
            if value is not None:
                return value
    return importlib.import_module(f"pipeline.{room}.{name}") if not rest else None


def test_no_name_is_a_room_s() -> None:
    """A room's name would be the function until somebody imports the room, and the room from then on."""
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "pipeline").iterdir()}
    assert rooms & set(NAMES) == set()
    assert set(NAMES) <= set(explore.__all__)
    assert set(NAMES) <= set(dir(luyu))


def test_the_package_is_imported_without_what_it_stands_on() -> None:
    """So that the command line starts at once; what is asked for brings what it needs."""
    script = (
        "import sys, pipeline as luyu; heavy = {'numpy', 'pandas', 'geopandas', 'xarray', 'matplotlib'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); dir(luyu); assert not heavy & set(sys.modules);"
        "luyu.corridor; assert 'geopandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_a_name_that_is_not_there_says_what_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'corridoor'; it has .*corridor"):
        luyu.corridoor  # noqa: B018
    with pytest.raises(ImportError):
        from pipeline import corridoor  # noqa: F401


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_told(name: str) -> None:
    told = inspect.getdoc(getattr(luyu, name))
    assert told
    assert len(told.splitlines()[0]) <= 130


@pytest.mark.parametrize("name", CALLED)
def test_every_parameter_is_told(name: str) -> None:
    function = getattr(luyu, name)
    told = inspect.getdoc(function) or ""
    missing = [one for one in inspect.signature(function).parameters if not re.search(rf"\b{one}\b", told)]
    borrowed = re.search(r"whose parameters and errors these are", told)
    assert borrowed or [one for one in missing if one not in ("axes", "columns", "options", "candidates")] == []


@pytest.mark.parametrize("name", CALLED)
def test_quantities_have_their_unit(name: str) -> None:
    told = inspect.getdoc(getattr(luyu, name)) or ""
    assert bool(UNIT.search(told)) is (name not in WITHOUT_QUANTITY)


def test_the_room_of_the_library_tells_all_in_numpy_s_way() -> None:
    mine = ["corridor", "zones", "tiles", "locate", "judge", "load", "pair", "look", "straighten", "road_strip",
            "calibration_curve", "open_run"]  # fmt: skip
    for name in mine:
        told = inspect.getdoc(getattr(luyu, name)) or ""
        for section in ("Parameters\n----------", "Returns\n-------"):
            assert section in told, f"{name} lacks {section.splitlines()[0]}"
        assert ">>> " in told, f"{name} has no example"


@pytest.mark.parametrize(("room", "name"), sorted(set(doors())))
def test_every_door_is_there_and_told(room: str, name: str) -> None:
    value = found(room, name)
    assert value is not None, f"ARCHITECTURE.md names {name} of room {room}, which has none"
    if inspect.ismodule(value) or inspect.isclass(value) or callable(value):
        assert inspect.getdoc(value)


def test_there_are_doors() -> None:
    assert len(set(doors())) > 150
