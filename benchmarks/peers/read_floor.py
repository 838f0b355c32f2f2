"""The least that reading takes: the touched blocks' bytes, known beforehand, fetched at once, then decoded one by one.

Not a reader: it is told where the blocks lie (``ranges`` in the task's folder), so it asks for no header. With FETCH_ONLY=1
nothing is decoded. In place of an address a folder will do: then the blocks are read from the disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import measure
import numpy as np
from scenes import SceneSet


def warm() -> None:
    import imagecodecs
    import obstore.store

    imagecodecs.deflate_decode  # noqa: B018  loads the library
    obstore.store.HTTPStore  # noqa: B018


async def _fetched(url: str, ranges: dict[str, list[list[int]]]) -> dict[str, list[bytes]]:
    from obstore.store import HTTPStore

    store = HTTPStore(url, client_options={"allow_http": True})

    async def one(name: str, spans: list[list[int]]) -> tuple[str, list[bytes]]:
        # only neighbours are joined, as in a reader that wastes nothing
        joined: list[list[int]] = []
        for start, stop in sorted(spans):
            if joined and start - joined[-1][1] <= 64:
                joined[-1][1] = stop
            else:
                joined.append([start, stop])
        bodies = await asyncio.gather(*(store.get_range_async(name, start=start, end=stop) for start, stop in joined))
        blocks = []
        for start, stop in spans:
            index = next(i for i, (a, b) in enumerate(joined) if a <= start and stop <= b)
            at = start - joined[index][0]
            blocks.append(bytes(memoryview(bodies[index])[at : at + stop - start]))
        return name, blocks

    return dict(await asyncio.gather(*(one(name, spans) for name, spans in ranges.items())))


def _local(folder: Path, ranges: dict[str, list[list[int]]]) -> dict[str, list[bytes]]:
    got: dict[str, list[bytes]] = {}
    for name, spans in ranges.items():
        with (folder / name).open("rb") as file:
            got[name] = [_part(file, start, stop) for start, stop in spans]
    return got


def _part(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def read(scene: SceneSet, url: str, sink: measure.Sink) -> None:
    import imagecodecs

    ranges = json.loads(Path(sys.argv[1]).with_suffix(".ranges").read_text())
    got = _local(Path(url), ranges) if Path(url).is_dir() else asyncio.run(_fetched(url, ranges))
    if os.environ.get("FETCH_ONLY"):
        return
    each = scene.bands // len(scene.files)
    for name_index, name in enumerate(scene.files):
        for block, data in zip(scene.blocks, got[name], strict=True):
            row, col, rows, cols = scene.window(block)
            flat = np.frombuffer(imagecodecs.zlib_decode(data), scene.dtype)
            pixels = imagecodecs.delta_decode(flat.reshape(scene.block_px, scene.block_px, each), axis=1)
            array = np.zeros((scene.bands, rows, cols), scene.dtype)
            array[name_index * each : (name_index + 1) * each] = np.moveaxis(pixels, -1, 0)[:, :rows, :cols]
            sink(row, col, array)


if __name__ == "__main__":
    measure.main(read, warm)
