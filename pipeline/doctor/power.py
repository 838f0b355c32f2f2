"""Cores and memory, against the workers that a configuration asks for."""

from __future__ import annotations

from collections.abc import Iterator

from ..execution.options import DEFAULT_MEMORY_GB
from .finding import Asked, Finding, note, ok, warning

_TILE_PX = 768  # what the house's memory of a worker is stated for


def power(asked: Asked) -> Iterator[Finding]:
    """Cores and memory, against the workers that a configuration asks for on this machine."""
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    cores, memory_gb = CPU_COUNT, MEMORY_LIMIT / 1e9
    told = (f"{cores} 核，内存 {memory_gb:.1f} GB", f"{cores} cores, {memory_gb:.1f} GB of memory")
    if asked.config is None or not asked.config.dask.on_this_machine:
        yield ok("power", *told)
        return
    dask, tile_px = asked.config.dask, asked.config.imagery.tile_px
    each_gb = dask.memory_gb or DEFAULT_MEMORY_GB * max((tile_px / _TILE_PX) ** 2, 1.0)
    need_gb, most = each_gb * dask.workers, min(cores, int(memory_gb // each_gb) or 1)
    if need_gb > memory_gb:
        yield warning(
            "power",
            (
                f"{told[0]}；{dask.workers} 个工作单元、分幅 {tile_px} 像元约需 {need_gb:.1f} GB",
                f"{told[1]}; {dask.workers} workers with tiles of {tile_px} px may take about {need_gb:.1f} GB",
            ),
            ("减少 dask.workers 或 imagery.tile_px", "lower dask.workers or imagery.tile_px"),
        )
    elif dask.workers > cores:
        yield note(
            "power",
            (
                f"{told[0]}；dask.workers 为 {dask.workers}，多于核数",
                f"{told[1]}; dask.workers is {dask.workers}, more than cores",
            ),
            (f"dask.workers 设为 {cores} 较合适", f"dask.workers: {cores} would do"),
        )
    elif dask.workers < cores:
        yield note(
            "power",
            (f"{told[0]}；dask.workers 只用 {dask.workers}", f"{told[1]}; dask.workers is {dask.workers}"),
            (f"想更快可用 --workers {most}", f"for more speed: --workers {most}"),
        )
    else:
        yield ok("power", *told)
