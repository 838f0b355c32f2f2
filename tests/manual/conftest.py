"""An office with everything that the pages name: a run, its ledger, a configuration, images and roads of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window
from shapely import box

from pipeline.detectors import registry
from tests.own_files import AFTER, BEFORE, own_files

if TYPE_CHECKING:
    from pipeline.run.runner import RunReport

_SIDE_PX = 400
_MADE_BY_COMMANDS = ("field", "papers", "shared", "public", "my-county", "rankings")


@pytest.fixture(scope="session")
def office(world: Path, finished: RunReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``run.yaml``, ``RUN``, ``L``, ``truth.gpkg``, ``roads.shp`` and two images; ``pristine`` is L as it was."""
    folder = tmp_path_factory.mktemp("office")
    for name in ("imagery", "layers.yaml", "layers.gpkg", "truth.gpkg"):
        (folder / name).symlink_to(world / name)
    text = (world / "run.yaml").read_text(encoding="utf-8")
    text = text.replace("output: output", "output: RUN").replace("ledger: ledger.sqlite", "ledger: L")
    (folder / "run.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(finished.folder.root, folder / "RUN", ignore=shutil.ignore_patterns("ledger.sqlite*", ".lock"))
    shutil.copy(finished.folder.root / "ledger.sqlite", folder / "pristine")
    _own(world, folder)
    return folder


@pytest.fixture
def at_work(office: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office as it was in the morning, and the place where commands are typed."""
    for name in _MADE_BY_COMMANDS:
        shutil.rmtree(office / name, ignore_errors=True)
    for rest in office.glob("L*"):
        rest.unlink()
    shutil.copy(office / "pristine", office / "L")
    monkeypatch.chdir(office)
    monkeypatch.setenv("LUYU_LANG", "en")
    monkeypatch.setattr(
        "pipeline.papers.pdf.office", lambda: None
    )  # tests/papers makes the PDFs, which take seconds each
    monkeypatch.setattr(registry, "_DETECTORS", {**registry.known()})  # what a page files is forgotten with its test
    return office


def _own(world: Path, folder: Path) -> None:
    """``roads.shp`` and two images as a person would have them, cut to some hundred metres about a road."""
    own = own_files(world, folder / "own")
    roads = gpd.read_file(own / "路线.shp", encoding="GBK")
    for day in (BEFORE, AFTER):
        with rasterio.open(own / "影像" / f"{day}_影像.tif") as whole:
            roads = roads.to_crs(whole.crs)
            middle = roads.geometry.iloc[0].interpolate(0.5, normalized=True)
            row, col = (max(at - _SIDE_PX // 2, 0) for at in whole.index(middle.x, middle.y))
            pixel = whole.res[0]
            place = from_origin(whole.bounds.left + col * pixel, whole.bounds.top - row * pixel, pixel, pixel)
            profile = whole.profile | {"width": _SIDE_PX, "height": _SIDE_PX, "transform": place}
            with rasterio.open(folder / f"{day}.tif", "w", **profile) as cut:
                cut.write(whole.read(window=Window(col, row, _SIDE_PX, _SIDE_PX)))
                shown = box(*cut.bounds).buffer(-20)
    roads.clip(shown).explode(ignore_index=True).to_file(folder / "roads.shp", encoding="GBK")
    shutil.rmtree(folder / "own")
