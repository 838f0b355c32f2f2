"""What a run asked for in all its processes, out of counters that only grow."""

from __future__ import annotations

import geopandas as gpd

from pipeline.model.tables import CANDIDATES
from pipeline.net import tally
from pipeline.net.tally import Count
from pipeline.run.job import TileResult
from pipeline.run.provenance import network_use


def tile(process: str, start: tuple[int, int, int], stop: tuple[int, int, int]) -> TileResult:
    facts = {"network": {"process": process, "start": list(start), "stop": list(stop)}}
    return TileResult("t", CANDIDATES.empty(crs=4548), gpd.GeoDataFrame(), facts)


def test_counters_of_other_processes_count_from_their_first_tile_to_their_last() -> None:
    begun = tally.now()
    tiles = [
        tile("a:1", (10, 1000, 5), (14, 1400, 5)),
        tile("a:1", (12, 1200, 5), (20, 2000, 9)),  # side by side with the one before
        tile("b:2", (0, 0, 0), (3, 30, 0)),
        TileResult("t", CANDIDATES.empty(crs=4548), gpd.GeoDataFrame(), {}),
    ]
    tally.add(requests=1, bytes_fetched=7)
    assert network_use(tiles, begun) == Count(10 + 3 + 1, 1000 + 30 + 7, 4)


def test_tiles_of_this_process_are_not_counted_twice() -> None:
    begun = tally.now()
    tally.add(requests=2, bytes_fetched=20)
    mine = tile(tally.process(), tuple(begun), tuple(tally.now()))
    assert network_use([mine], begun) == Count(2, 20, 0)
