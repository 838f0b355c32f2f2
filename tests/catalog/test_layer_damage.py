"""Bytes lost or changed on the way: every format ends in a table or in words, never in another error."""

import shutil
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString

from pipeline.catalog.layer_entries import Entry
from pipeline.catalog.layer_file import read_layer
from pipeline.errors import LayerError

ROUNDS = 25
PARTS = {
    "shp": ("shp", "shx", "dbf", "prj", "cpg"),
    "tab": ("tab", "dat", "map", "id"),
    "mif": ("mif", "mid"),
    **{suffix: (suffix,) for suffix in ("gpkg", "geojson", "fgb", "kml", "parquet", "gdb.zip", "xlsx", "csv")},
}


def written(folder, suffix):
    frame = gpd.GeoDataFrame(
        {"Name": ["沛县", "丰县", "a"], "v": [1.5, 2.0, 3.0]},
        geometry=[LineString([(117.0 + i, 34.0), (117.5, 34.5 + i / 10)]) for i in range(3)],
        crs=4490,
    )
    if suffix == "xlsx":
        pd.DataFrame({"名称": ["a", "b"], "经度": [117.1, 117.2], "纬度": [34.0, 35.0]}).to_excel(
            folder / "a.xlsx", index=False
        )
    elif suffix == "csv":
        (folder / "a.csv").write_bytes("名称,经度,纬度\n桥,117.1,34.2\n".encode("gbk"))
    elif suffix == "parquet":
        frame.to_parquet(folder / "a.parquet")
    elif suffix == "gdb.zip":
        frame.to_file(folder / "a.gdb", driver="OpenFileGDB")
        shutil.make_archive(str(folder / "a.gdb"), "zip", folder, "a.gdb")
    else:
        drivers = {"kml": "KML", "tab": "MapInfo File", "mif": "MapInfo File"}
        frame.to_file(folder / f"a.{suffix}", driver=drivers.get(suffix))
    return {part: (folder / f"a.{part}").read_bytes() for part in PARTS[suffix]}


@pytest.mark.parametrize("suffix", PARTS)
def test_damage_ends_in_a_table_or_in_words(tmp_path, suffix):
    whole = written(tmp_path, suffix)
    rng = np.random.default_rng(20261126)
    columns = MappingProxyType({"lon": "经度", "lat": "纬度"} if suffix in ("xlsx", "csv") else {})
    crs = "EPSG:4490" if columns else None
    one = Entry("stakes", tmp_path / f"b.{suffix}", "layers.yaml:6", columns, crs=crs)
    outcomes = {"read": 0, "refused": 0}
    for number in range(ROUNDS + 1):
        victim = rng.choice(list(whole))
        for part, content in whole.items():
            damaged = bytearray(content)
            if part == victim and number:
                if rng.random() < 0.3:
                    damaged = damaged[: rng.integers(0, len(damaged))]
                else:
                    for place in rng.integers(0, len(damaged), rng.integers(1, 6)):
                        damaged[place] = rng.integers(256)
            (tmp_path / f"b.{part}").write_bytes(bytes(damaged))
        try:
            read_layer(one)
        except LayerError as error:
            assert number, "whole files are read"
            assert f"b.{suffix}" in str(error)  # noqa: PT017
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
    assert outcomes["read"] + outcomes["refused"] == ROUNDS + 1
