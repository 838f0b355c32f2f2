"""Real data where it is, and small layers made on the spot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import LineString, box

ROOT = Path(__file__).resolve().parents[2]
LAYERS = """\
roads:
  path: layers.gpkg
  layer: roads
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH}
counties: {path: layers.gpkg, layer: counties, columns: {code: XZQDM, name: XZQMC}}
"""


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Path of real data by its name, or a skip that says what is missing."""
    base = Path(os.environ.get("LUYU_REAL_DATA", ROOT.parent / "shared" / "real"))

    def find(name: str) -> Path:
        path = base / name
        if not path.exists():
            pytest.skip(f"real data {path} is not here; set LUYU_REAL_DATA")
        return path

    return find


@pytest.fixture
def roads() -> gpd.GeoDataFrame:
    """Two roads near Xuzhou in EPSG:4548 under the national column names."""
    return gpd.GeoDataFrame(
        {
            "LXBM": ["G311320322", "X201320322"],
            "LXMC": ["连共线", None],
            "LDJSDJ": [2, 4],
            "LMKD": [17.0, 6.0],
            "LJKD": [25.5, 6.5],
            "QDZH": [512.3, 0.0],
            "ZDZH": [513.3, 2.0],
        },
        geometry=[
            LineString([(520000, 3800000), (521000, 3800000)]),
            LineString([(520500, 3799000), (520500, 3801000)]),
        ],
        crs=4548,
    )


@pytest.fixture
def counties() -> gpd.GeoDataFrame:
    """Two counties that share an edge at x = 520 500 m."""
    return gpd.GeoDataFrame(
        {"XZQDM": ["320322", "320321"], "XZQMC": ["沛县", "丰县"]},
        geometry=[box(520500, 3790000, 530000, 3810000), box(510000, 3790000, 520500, 3810000)],
        crs=4548,
    )


@pytest.fixture
def delivery(tmp_path: Path, roads: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> Callable[..., Path]:
    """Writes roads, counties and further layers to one GeoPackage and a layers.yaml that maps them."""

    def write(
        layers: Mapping[str, gpd.GeoDataFrame] | None = None, text: str = "", replace: Mapping[str, str] | None = None
    ) -> Path:
        for name, frame in {"roads": roads, "counties": counties, **(layers or {})}.items():
            frame.to_file(tmp_path / "layers.gpkg", layer=name)
        whole = LAYERS + text
        for old, new in (replace or {}).items():
            assert old in whole
            whole = whole.replace(old, new)
        path = tmp_path / "layers.yaml"
        path.write_text(whole, encoding="utf-8")
        return path

    return write
