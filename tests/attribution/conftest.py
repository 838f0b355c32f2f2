"""Footprints on a plane map, and the real roadside place where it is present."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import pytest
from pandas.testing import assert_frame_equal
from shapely import box

from pipeline.model.route import RouteCode

EPSG = 4548
REAL = Path(os.environ.get("LUYU_REAL_DATA", Path(__file__).parents[3] / "shared" / "real")) / "roadside_vhr"


def frame(shapes, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=EPSG)


def square(x: float, y: float = 0.0, size: float = 10.0):
    return box(x, y, x + size, y + size)


def roads(lines, codes, first_m):
    parsed = [RouteCode.parse(code) for code in codes]
    return frame(
        lines,
        route_code=[route.sign for route in parsed],
        route_key=[route.key for route in parsed],
        name=[""] * len(lines),
        road_class=[route.road_class.value for route in parsed],
        tech_class=[2.0] * len(lines),
        pavement_width_m=[12.0] * len(lines),
        roadbed_width_m=[15.0] * len(lines),
        stake_from_m=first_m,
        stake_to_m=[start + line.length for start, line in zip(first_m, lines, strict=True)],
    )


@pytest.fixture
def unharmed():
    """Checks that a measure keeps the index and leaves its tables alone."""

    def check(measure, *tables, **options):
        before = [table.copy(deep=True) for table in tables]
        result = measure(*tables, **options)
        assert result.index.equals(tables[0].index)
        for table, old in zip(tables, before, strict=True):
            assert_frame_equal(table, old)
        return result

    return check


@pytest.fixture(scope="session")
def real():
    if not REAL.is_dir():
        pytest.skip(f"no real layers at {REAL}; set LUYU_REAL_DATA to the folder that holds roadside_vhr")
    layers = {
        name: gpd.read_file(REAL / "layers.gpkg", layer=name)
        for name in ("roads", "stakes", "counties", "permits", "bridges")
    }
    return layers | {"truth": gpd.read_file(REAL / "truth.gpkg", layer="findings")}
