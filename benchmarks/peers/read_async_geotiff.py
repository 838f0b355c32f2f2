"""async-geotiff on obstore: all files at once, the touched blocks of each in one call.

As it is, obstore joins requests over gaps of up to 1 MB and throws away what lies between; with NO_GAPS=1 only neighbours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import measure
import numpy as np
from scenes import SceneSet


def warm() -> None:
    import async_geotiff  # noqa: F401
    import obstore.store  # noqa: F401


class _NoGaps:
    """The store, asked to join neighbours only."""

    def __init__(self, store: Any) -> None:
        self.store = store

    async def get_range_async(self, path: str, *, start: int, end: int | None = None, length: int | None = None) -> Any:
        return await self.store.get_range_async(path, start=start, end=end, length=length)

    async def get_ranges_async(
        self, path: str, *, starts: Sequence[int], ends: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
    ) -> Any:  # fmt: skip
        return await self.store.get_ranges_async(path, starts=starts, ends=ends, lengths=lengths, coalesce=64)


async def _read(scene: SceneSet, url: str) -> dict[tuple[int, int], list[np.ndarray]]:
    from async_geotiff import GeoTIFF
    from obstore.store import HTTPStore

    store: Any = HTTPStore(url, client_options={"allow_http": True})
    if os.environ.get("NO_GAPS"):
        store = _NoGaps(store)

    async def one(name: str) -> list[tuple[int, int, np.ndarray]]:
        tiff = await GeoTIFF.open(name, store=store)
        tiles = await tiff.fetch_tiles([(col, row) for row, col in scene.blocks])
        return [(tile.y, tile.x, tile.array.data) for tile in tiles]

    found: dict[tuple[int, int], list[np.ndarray]] = {}
    for tiles in await asyncio.gather(*map(one, scene.files)):
        for row, col, data in tiles:
            found.setdefault((row, col), []).append(data)
    return found


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    for block, bands in asyncio.run(_read(scene, url)).items():
        row, col, rows, cols = scene.window(block)
        sink(row, col, np.concatenate(bands)[:, :rows, :cols])


if __name__ == "__main__":
    measure.main(read, warm)
