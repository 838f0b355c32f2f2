"""A small sound world that each case spoils in one place: a road of 300 m, a county, an image before and one after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from shapely import LineString, box

EPSG = 4548
EAST, NORTH, SIDE_PX, PIXEL_M = 500_000.0, 3_800_000.0, 700, 0.5
CANARY = "CANARY-5b1f7e"
"""Stands in the files that nobody may read; wherever else it turns up, it has leaked."""
DAYS = {"before": "2024-04-20", "after": "2024-10-10"}
PLACE = Affine(PIXEL_M, 0, EAST, 0, -PIXEL_M, NORTH)


def pixels(seed: int = 0) -> np.ndarray:
    """A ground that registers with itself: blurred noise, (3, rows, cols) uint8; ``seed`` changes the fine grain alone."""
    base = np.random.default_rng(1).integers(60, 190, (3, SIDE_PX // 4, SIDE_PX // 4)).repeat(4, 1).repeat(4, 2)
    grain = np.random.default_rng(seed).integers(-4, 5, base.shape)
    return np.clip(base + grain, 1, 254).astype(np.uint8)


def write_image(path: Path, data: np.ndarray | None = None, **profile: object) -> Path:
    """A GeoTIFF over the whole ground; ``profile`` overrides any of its properties."""
    data = pixels() if data is None else data
    options = {
        "driver": "GTiff", "width": data.shape[2], "height": data.shape[1], "count": data.shape[0],
        "dtype": str(data.dtype), "crs": f"EPSG:{EPSG}", "transform": PLACE, "tiled": True, "blockxsize": 128,
        "blockysize": 128, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **options | profile) as out:
        out.write(data)
    return path


def roads(rows: int = 1) -> gpd.GeoDataFrame:
    """The road, or several beside it."""
    lines = [LineString([(EAST + 20, NORTH - 170 - 5 * n), (EAST + 330, NORTH - 180 - 5 * n)]) for n in range(rows)]
    values = {"LXBM": [f"G{311 + n}" for n in range(rows)], "LXMC": ["连天线"] * rows, "LMKD": [9.0] * rows}
    return gpd.GeoDataFrame(values, geometry=lines, crs=EPSG)


def counties() -> gpd.GeoDataFrame:
    """One county over all of it."""
    shape = box(EAST - 500, NORTH - 900, EAST + 900, NORTH + 500)
    return gpd.GeoDataFrame({"XZQDM": ["320322"], "XZQMC": ["沛县"]}, geometry=[shape], crs=EPSG)


@dataclass
class Ground:
    """Where a case writes its input. ``base``: the sound world; ``folder``: the case's own; ``trap``: address of a server
    that nobody may ask; ``server``: address of one that serves ``folder``; ``secret``: a file that nobody may read.
    """

    base: Path
    folder: Path
    trap: str
    server: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> Path:
        return self.base / "secret" / "secret.txt"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def file(self, name: str, content: bytes | str) -> Path:
        """A file in the case's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def config(
        self,
        *,
        layers: Mapping[str, str] | None = None,
        source: str | None = None,
        more: str = "",
        command: str = "check",
    ) -> list[str]:
        """The command line of a run whose layers or images are those given, the others sound ones."""
        where = self.base / "layers.gpkg"
        entries = {
            "roads": f"{{path: '{where}', layer: roads, columns: {{route: LXBM, name: LXMC, pavement_width_m: LMKD}}}}",
            "counties": f"{{path: '{where}', layer: counties, columns: {{code: XZQDM, name: XZQMC}}}}",
            **(layers or {}),
        }
        text = "".join(f"{name}: {entry}\n" for name, entry in entries.items())
        self.file("layers.yaml", text)
        source = source or self.files(self.base / "after.tif")
        run = (
            f"name: case\nlayers: layers.yaml\nimagery:\n  source: {source}\n  before: 2024-04-01/2024-05-31\n"
            f"  after: 2024-10-01/2024-11-30\n  network: {{tries: 2, backoff_s: 0, connect_s: 2, silence_s: 2,"
            " retry_after_max_s: 1}\n"
            f"detectors: [{{use: grain_drying}}]\noutput: out\nledger: out/ledger.sqlite\n{more}"
        )
        return [command, str(self.file("run.yaml", run))]

    def files(self, after: Path | str, sensor: str = "rgb_vhr") -> str:
        """A source of files whose later image is ``after``."""
        first = f"{{path: '{self.base / 'before.tif'}', date: {DAYS['before']}}}"
        second = f"{{path: {json.dumps(str(after), ensure_ascii=False)}, date: {DAYS['after']}}}"
        return f"{{kind: files, sensor: {sensor}, scenes: [{first}, {second}]}}"


def build(folder: Path) -> Path:
    """Write the sound world once, and the files that nobody may read."""
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / "before.tif", pixels(2))
    write_image(folder / "after.tif", pixels(3))
    roads().to_file(folder / "layers.gpkg", layer="roads", driver="GPKG")
    counties().to_file(folder / "layers.gpkg", layer="counties", driver="GPKG")
    from pipeline.ledger import Ledger

    Ledger.open(str(folder / "ledger.sqlite")).close()
    secret = folder / "secret"
    secret.mkdir()
    (secret / "secret.txt").write_text(f"{CANARY}\n" * 60_000, encoding="ascii")
    leaking = roads()
    leaking["LXMC"] = CANARY
    leaking.to_file(secret / "secret.geojson", driver="GeoJSON")
    leaking.to_file(secret / "secret.tab", driver="MapInfo File")
    shutil.copy(folder / "after.tif", secret / "secret.tif")
    return folder
