"""The digest of all that a tile's result follows from: configuration, code, models, scenes and layers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from .. import __version__
from ..config import RunConfig
from ..detectors import registry
from ..model.scene import Scene
from ..net.hrefs import redacted


def fingerprint(config: RunConfig, scenes: Sequence[Scene], tables: Sequence[gpd.GeoDataFrame]) -> str:
    """Sixteen hexadecimal digits; where they differ, results of tiles are not reused."""
    asked = config.dump()
    for elsewhere in ("output", "ledger", "cases", "dask", "decisions", "alarms", "maps", "name"):
        asked.pop(elsewhere, None)
    for elsewhere in ("network", "costs"):
        asked["imagery"].pop(elsewhere, None)
    # A link that was signed anew is the same file.
    files = [(s.scene_id, sorted((redacted(f.href), *_stamp(f.href)) for f in _files(s))) for s in scenes]
    vectors = [_digest(table) for table in tables]
    models = [registry.described(options) for options in config.detectors]
    text = json.dumps([__version__, _source_digest(), asked, models, files, vectors], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _files(scene: Scene) -> list[Any]:
    return [*scene.files.values(), *([scene.mask] if scene.mask else [])]


def _stamp(href: str) -> tuple[int, int]:
    """Size and time of change of a local file; nothing to say of a remote one."""
    path = Path(href)
    if not path.is_file():
        return (-1, -1)
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns)


def _digest(frame: gpd.GeoDataFrame) -> str:
    plain = pd.DataFrame(frame.drop(columns="geometry")).assign(shape=shapely.to_wkb(frame.geometry.array, hex=True))
    return hashlib.sha256(plain.to_json(orient="split", default_handler=str, double_precision=6).encode()).hexdigest()


def _source_digest() -> str:
    """Digest of the code that a tile's result follows from: results of changed code are not reused."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for room in (
        "model",
        "geo",
        "net",
        "tiff",
        "legal",
        "catalog",
        "imagery",
        "prepare",
        "networks",
        "transience",
        "detectors",
        "run",
    ):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
