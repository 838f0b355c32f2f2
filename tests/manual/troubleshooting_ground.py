"""A sound world of 300 m for the cases of the manual's page of troubles, and what they spoil in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pytest
from hostile.ground import Ground, write_image
from servers.faulty import Faulty

from pipeline.ledger import Ledger
from tests.ledger.conftest import NOW, make_findings

REFUSED = 2
_NUMBER = "320322-201710-building-0001"
_COLUMNS = "columns: {route: LXBM, name: LXMC, pavement_width_m: LMKD}"


@dataclass
class Trouble:
    """What a case has at hand: the sound world, a patch that ends with the test, a server, and what is let go after it."""

    ground: Ground
    patch: pytest.MonkeyPatch
    server: Faulty
    lasting: list[object] = field(default_factory=list)

    def set(self, *pairs: str, command: str = "plan", more: str = "") -> list[str]:
        """The sound run with keys overridden on the command line."""
        return [*self.ground.config(command=command, more=more), *(word for pair in pairs for word in ("--set", pair))]

    def edited(self, old: str, new: str, command: str = "plan") -> list[str]:
        """The sound run with its configuration edited."""
        argv = self.ground.config(command=command)
        path = Path(argv[1])
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return argv

    def source(self, source: str, command: str = "plan") -> list[str]:
        """The sound run with another source of images."""
        return self.ground.config(source=source, command=command)

    def image(self, command: str = "plan", sensor: str = "rgb_vhr", **profile: object) -> list[str]:
        """The sound run with a later image that differs in these properties."""
        data = profile.pop("data", None)
        path = write_image(self.ground.folder / "after.tif", data, **profile)  # type: ignore[arg-type]
        return self.source(self.ground.files(path, sensor), command)

    def far(self, fault: str = "") -> list[str]:
        """The sound run with its images in a catalogue on a server that answers so."""
        if fault:
            self.server.always(fault)
        return self.source(f"{{kind: stac, url: '{self.server.url}/catalog.json', collection: vhr}}")

    def roads(self, frame: gpd.GeoDataFrame | None = None, name: str = "roads.shp", more: str = "") -> list[str]:
        """The sound run with other roads."""
        path = self.ground.folder / name
        if frame is not None:
            frame.to_file(path)
        return self.ground.config(layers={"roads": f"{{path: '{path}', {_COLUMNS}{more}}}"}, command="check")

    def layers(self, **entries: str) -> list[str]:
        """The sound run with layers added or replaced."""
        return self.ground.config(layers=entries, command="check")

    def ledger(self) -> Path:
        """A ledger of one case."""
        place = self.ground.folder / "cases.sqlite"
        place.unlink(missing_ok=True)
        with Ledger.open(place) as ledger:
            ledger.settle(make_findings([(0, 0)], priority=[10.0], confidence=[0.9]), run_id="r", now=NOW)
        return place

    def case(self, *words: str, by: str = "李工") -> list[str]:
        """What is said of the first case."""
        return ["cases", words[0], _NUMBER, "--ledger", str(self.ledger()), "--by", by, *words[1:]]


@dataclass(frozen=True)
class Case:
    """One case; ``code``: the exit code; what is only a note lets the command go on."""

    name: str
    make: Callable[[Trouble], list[str]]
    code: int = REFUSED
    slow: bool = False


CASES: list[Case] = []


def case(make: Callable[[Trouble], list[str]], code: int = REFUSED) -> Callable[[Trouble], list[str]]:
    """Keep a function as a case."""
    CASES.append(Case(make.__name__.strip("_").replace("_", "-"), make, code))
    return make


def short(name: str, make: Callable[[Trouble], list[str]], code: int = REFUSED, *, slow: bool = False) -> None:
    """Keep a case of one line."""
    CASES.append(Case(name, make, code, slow))
