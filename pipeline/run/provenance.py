"""run.json: what was asked, read, seen, not seen and found, by which version, from which images, in what time."""

from __future__ import annotations

import datetime as dt
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from .. import __version__
from ..detectors import registry
from ..model.scene import Scene
from ..net import tally
from ..net.hrefs import redacted
from .alarm import Alarm
from .coverage import by_cause
from .plan import Plan
from .tile import TileResult

_SIGN_IN = re.compile(r"//[^/@\s]*:[^/@\s]*@")  # user and password in an address of any kind
_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "rasterio",
    "geopandas",
    "shapely",
    "pyproj",
    "dask",
)


def run_record(
    plan: Plan,
    results: Sequence[TileResult],
    findings: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    coverage: pd.DataFrame,
    *,
    reused: int,
    seconds: float,
    network: tally.Count,
    raised: Sequence[Alarm],
) -> dict[str, Any]:
    """The JSON-ready record of one run. ``network``: what it asked for in all its processes."""
    config = plan.config
    built = [registry.build(options) for options in config.detectors]
    return {
        "luyu": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "notice": "疑似线索，不作为处罚依据。A finding is a clue, never a verdict.",
        "configuration": _clean(config.dump()),
        "fingerprint": plan.fingerprint,
        "epsg": plan.layers.epsg,
        "bands": list(plan.bands),
        "scenes": {"before": [_scene(s) for s in plan.before], "after": [_scene(s) for s in plan.after]},
        "detectors": [
            {"name": d.options.use, "version": d.version, "thresholds": d.options.model_dump(mode="json")}
            for d in built
        ],
        "confidence_calibrated": {d.options.use: False for d in built},
        "models": [],
        "totals": _totals(plan, results, findings, candidates, coverage, reused=reused, seconds=seconds),
        "why_not_findings": _counts(candidates[~candidates["reportable"]], "why_not"),
        "registration": _registration(results),
        "unobserved_km": by_cause(coverage),
        "alarms": [alarm.record() for alarm in raised],
        "reads": network._asdict(),
        "tiles": {r.tile_id: {name: v for name, v in r.facts.items() if name != "network"} for r in results},
        "failures": [result.failure for result in results if result.failure is not None],
        "notes": [*plan.layers.problems, *plan.linref.problems],
    }


def _totals(
    plan: Plan,
    results: Sequence[TileResult],
    findings: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    coverage: pd.DataFrame,
    *,
    reused: int,
    seconds: float,
) -> dict[str, Any]:
    lost = coverage[coverage["km_unobserved"] > 0]
    counties = plan.layers.counties.sort_values("code")
    mine = {code: findings[findings["county_code"] == code] for code in counties["code"]}
    touched = set(plan.due["county_code"]) | set(findings["county_code"].dropna())
    return {
        "name": plan.config.name,
        "km_due": round(float(coverage["km_due"].sum()), 3),
        "km_observed": round(float(coverage["km_observed"].sum()), 3),
        "unobserved": lost[["route_code", "county_code", "km_unobserved", "why"]].to_dict("records"),
        "tiles": len(results),
        "tiles_reused": reused,
        "candidates": len(candidates),
        "findings": len(findings),
        "permitted": int(findings["permit_no"].notna().sum()),
        "counties": [
            {"code": code, "name": name, "findings": len(mine[code]), "kinds": _counts(mine[code], "kind")}
            for code, name in zip(counties["code"], counties["name"], strict=True)
            if code in touched
        ],
        "seconds": round(seconds, 2),
        "tile_seconds": round(sum(float(result.facts.get("seconds", 0.0)) for result in results), 2),
    }


def _registration(results: Sequence[TileResult]) -> dict[str, Any]:
    """Spread of the measured shifts, over the tiles where one could be measured."""
    reliable = [r.facts["shift_px"] for r in results if r.facts.get("registration_reliable")]
    frame = pd.DataFrame(reliable, columns=["rows_px", "cols_px"])
    return {
        "tiles_reliable": len(frame),
        "tiles_unreliable": sum(r.facts.get("registration_reliable") is False for r in results),
        "tiles_refused": sum(bool(r.facts.get("registration_refused")) for r in results),
        "median_shift_px": [round(float(v), 3) for v in frame.median()] if len(frame) else None,
    }


def _counts(frame: pd.DataFrame, column: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in frame[column].value_counts().sort_index().items()}


def network_use(results: Iterable[TileResult], begun: tally.Count) -> tally.Count:
    """What a run asked for: this process since ``begun``, others from the first of these tiles to the last."""
    first: dict[str, tally.Count] = {}
    last: dict[str, tally.Count] = {}
    for result in results:
        if told := result.facts.get("network"):
            name, start, stop = told["process"], tally.Count(*told["start"]), tally.Count(*told["stop"])
            first[name] = min(first.get(name, start), start)
            last[name] = max(last.get(name, stop), stop)
    first[tally.process()], last[tally.process()] = begun, tally.now()
    total = tally.Count()
    for name, start in first.items():
        total = total.plus(last[name].since(start))
    return total


def _scene(scene: Scene) -> dict[str, Any]:
    files = [*scene.files.values(), *([scene.mask] if scene.mask else [])]
    return {
        "id": scene.scene_id,
        "day": scene.day.isoformat(),
        "sensor": scene.sensor,
        "geo_rmse_m": scene.geo_rmse_m,
        "files": sorted({redacted(file.href) for file in files}),
    }


def _clean(node: Any) -> Any:
    """The configuration without what an address may hold of user, password and tokens."""
    if isinstance(node, Mapping):
        return {key: _clean(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_clean(value) for value in node]
    return _SIGN_IN.sub("//…@", redacted(node)) if isinstance(node, str) else node


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def meta(record: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of a run that its pages show."""
    days = {when: sorted({scene["day"] for scene in scenes}) for when, scenes in record["scenes"].items()}
    return {
        "run": record["totals"]["name"],
        "before": _span(days["before"]),
        "after": _span(days["after"]),
        "sensor": ", ".join(sorted({scene["sensor"] for both in record["scenes"].values() for scene in both} - {""})),
        "scenes": sum(len(scenes) for scenes in record["scenes"].values()),
        "calibrated": "是 yes" if all(record["confidence_calibrated"].values()) else "否 no",
        "version": record["luyu"],
    }


def last_day(record: Mapping[str, Any]) -> dt.date:
    """Day of the newest image: what documents are dated by, so that no clock decides a byte."""
    return max(dt.date.fromisoformat(scene["day"]) for scene in record["scenes"]["after"])


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} – {days[-1]}"
