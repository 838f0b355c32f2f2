"""async-geotiff on obstore: all files at once, the touched blocks of each in one call, its own joining of requests."""

from __future__ import annotations

import asyncio

import measure
import numpy as np
from scenes import SceneSet


def warm() -> None:
    import async_geotiff  # noqa: F401
    import obstore.store  # noqa: F401


async def _read(scene: SceneSet, url: str) -> dict[tuple[int, int], list[np.ndarray]]:
    from async_geotiff import GeoTIFF
    from obstore.store import HTTPStore

    store = HTTPStore(url, client_options={"allow_http": True})

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
