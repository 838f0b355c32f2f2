"""rasterio: a window for each touched block, by eight threads; or (RUNS=1) one for each run of them, one by one."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import measure
import numpy as np
from gdal_settings import SETTINGS
from scenes import SceneSet


def warm() -> None:
    import rasterio

    with rasterio.MemoryFile() as memory, memory.open(driver="GTiff", width=1, height=1, count=1, dtype="uint8"):
        pass


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    import rasterio
    from rasterio.windows import Window

    local = threading.local()

    def one(window: tuple[int, int, int, int]) -> None:
        row, col, rows, cols = window
        with rasterio.Env(**SETTINGS):
            if not hasattr(local, "sources"):
                local.sources = [rasterio.open(f"{url}/{name}") for name in scene.files]
            bands = [source.read(window=Window(col, row, cols, rows)) for source in local.sources]
        sink(row, col, np.concatenate(bands))

    if os.environ.get("RUNS"):
        for window in scene.runs():
            one(window)
    else:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, map(scene.window, scene.blocks)))


if __name__ == "__main__":
    measure.main(read, warm)
