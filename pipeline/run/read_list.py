"""A plan's reads as people and machines take them: totals, costs, by scene and stretch of road; and the whole list."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import write_bytes
from ..net.costs import CostOptions
from ..reports.gis import neutral
from .reads import Read, ReadPlan

_RANGE_TILES = 32


def reads_summary(reads: ReadPlan, costs: CostOptions) -> dict[str, Any]:
    """JSON-ready totals; bytes count each block once, the keys ``…_at_least`` hold if no take needs a second one."""
    least_bytes, least_fetched, least_requests = reads.least
    return {
        "bytes_to_read": reads.bytes,
        "bytes_to_read_at_least": least_bytes,
        "bytes_to_fetch": reads.fetched,
        "bytes_to_fetch_at_least": least_fetched,
        "bytes_cached": reads.cached,
        "bytes_local": reads.local,
        "bytes_reckoned": reads.reckoned,
        "requests": reads.requests,
        "requests_at_least": least_requests,
        "headers": reads.headers,
        "reads": len(reads.reads),
        "costs": _costs(reads, costs),
        "by_scene": _by_scene(reads.reads),
        "by_stretch": _by_stretch(reads.reads),
        "archives": [{"path": path, "bytes_unpacked": size} for path, size in sorted(reads.archives.items())],
        "without_header": [{"file": file, "why": why} for file, why in sorted(reads.unknown.items())],
    }


def write_reads(path: Path, reads: ReadPlan) -> None:
    """Every read, one row or object each, as CSV or JSON by the file's ending. ConfigError for another ending."""
    rows = [_row(read) for read in reads.reads]
    if path.suffix.lower() == ".json":
        write_bytes(path, (json.dumps(rows, ensure_ascii=False, indent=0) + "\n").encode())
    elif path.suffix.lower() == ".csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, [one.name for one in fields(Read)], lineterminator="\r\n")
        writer.writeheader()
        shown = ({**row, "bands": " ".join(row["bands"])} for row in rows)
        writer.writerows({k: neutral(v) if isinstance(v, str) else v for k, v in row.items()} for row in shown)
        write_bytes(path, out.getvalue().encode("utf-8-sig"))
    else:
        raise ConfigError(f"--reads {path}: give a file that ends in .csv or .json")


def _row(read: Read) -> dict[str, Any]:
    return {one.name: getattr(read, one.name) for one in fields(Read)} | {
        "day": read.day.isoformat(),
        "bands": list(read.bands),
    }


def _costs(reads: ReadPlan, costs: CostOptions) -> dict[str, Any] | None:
    if not costs.known:
        return None
    _, least_fetched, least_requests = reads.least
    return {
        "currency": costs.currency,
        "at_most": round(costs.of(reads.requests, reads.fetched), 4),
        "at_least": round(costs.of(least_requests, least_fetched), 4),
    }


def _by_scene(reads: Sequence[Read]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str, str], list[Read]] = defaultdict(list)
    for read in reads:
        grouped[read.when, read.scene].append(read)
    order = {"before": 0, "after": 1}
    return [
        {
            "when": when,
            "scene": scene,
            "day": part[0].day.isoformat(),
            "tiles": len({read.tile for read in part}),
            "overviews": sorted({read.overview for read in part}),
            **_sums(part),
        }
        for (when, scene), part in sorted(grouped.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]


def _by_stretch(reads: Sequence[Read]) -> list[dict[str, Any]]:
    """Sums over runs of tiles in road order."""
    tiles = list(dict.fromkeys(read.tile for read in reads))
    place = {tile: at // _RANGE_TILES for at, tile in enumerate(tiles)}
    grouped: dict[int, list[Read]] = defaultdict(list)
    for read in reads:
        grouped[place[read.tile]].append(read)
    return [
        {"first": part[0].tile, "last": part[-1].tile, "tiles": len({read.tile for read in part}), **_sums(part)}
        for _, part in sorted(grouped.items())
    ]


def _sums(reads: Sequence[Read]) -> Mapping[str, int]:
    """``bytes``: each block once, at the read that touches it first; ``blocks`` as often as they are read."""
    far = [read for read in reads if read.place == "network"]
    return {
        "reads": len(reads),
        "blocks": sum(read.blocks for read in reads),
        "bytes": sum(read.bytes_first for read in reads),
        "bytes_network": sum(read.bytes_first for read in far),
    }
