"""One road against a layer of a million assets: the checked layers of a run, beside a full read and a join, in turn.

Both start from the files and end with the assets in the corridor of one road. Takes a minute or two.

    python benchmarks/bench_layers.py [--assets 1000000] [--rounds 2]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from goals import judged

from pipeline.catalog.layers import Layers
from pipeline.simulate import WorldOptions, simulate

CORRIDOR_M = 150.0
SPREAD_M = 150_000.0


def world(folder: Path, count: int) -> Path:
    """Layers of a simulated county with so many bridges more, all over a province."""
    simulate(folder, WorldOptions(seed=7, km=0.8))
    file = folder / "layers.gpkg"
    bridges = gpd.read_file(file, layer="bridges")
    rng = np.random.default_rng(1)
    centre = gpd.read_file(file, layer="roads").to_crs(4548).union_all().centroid
    xy = rng.uniform(-SPREAD_M, SPREAD_M, (count, 2)) + np.array([centre.x, centre.y])
    more = bridges.iloc[np.zeros(count, int)].reset_index(drop=True)
    more["QLBM"] = [f"B{number:07d}" for number in range(count)]
    more["QLZXZH"] = None
    more = more.set_geometry(gpd.GeoSeries(shapely.points(xy), crs=4548).to_crs(bridges.crs))
    pyogrio.write_dataframe(more, file, layer="bridges")
    return folder / "layers.yaml"


def near(assets: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> int:
    """How many assets lie in the corridor of the first road."""
    corridor = gpd.GeoDataFrame(geometry=roads.geometry.iloc[:1].buffer(CORRIDOR_M), crs=roads.crs)
    return len(gpd.sjoin(assets, corridor))


def ours(layers: Path) -> int:
    loaded = Layers.load(layers)
    assert loaded.assets is not None
    return near(loaded.assets[loaded.assets["kind"] == "bridge"], loaded.roads)


def plain(layers: Path) -> int:
    file = layers.with_name("layers.gpkg")
    roads = gpd.read_file(file, layer="roads").to_crs(4548)
    return near(gpd.read_file(file, layer="bridges").to_crs(4548), roads)


def cpu_s(run: Callable[[Path], int], layers: Path) -> float:
    start = time.process_time()
    run(layers)
    return time.process_time() - start


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layers = world(Path(folder), asked.assets)
        assert ours(layers) == plain(layers)
        taken = [(cpu_s(ours, layers), cpu_s(plain, layers)) for _ in range(asked.rounds)]
    mine, theirs = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"luyu's checked layers {mine:.2f} s of CPU, geopandas' full read and join {theirs:.2f} s")
    judged("one road against a million assets: CPU / a full read and join", mine / theirs, most=0.3)


if __name__ == "__main__":
    main()
