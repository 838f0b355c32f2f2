"""run.json: what was asked, read, seen, not seen and found, by which version, from which images, in what time."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..detectors import registry
from ..legal.rule_file import rule_files
from ..model.cause import Cause
from ..model.kinds import WhyNot
from ..model.scene import BandFile, Scene
from ..net import tally
from ..net.hrefs import redacted
from .alarm import Alarm
from .coverage import by_cause
from .job import TileFacts
from .plan import Plan
from .scene_facts import scene_facts, scene_notes
from .sites import campaign
from .spent import Spent, of_tiles
from .told import Facts
from .versions import told_of, versions
from .watch import Watched

# User and password in an address of any kind: all up to the last @, as a password that is not escaped may hold @ and slashes.
_SIGN_IN = re.compile(r"(?<=//)[^/@:\s]*:\S*@")
_PORT = re.compile(r"(?i)https?://[^/@:\s]*:\d*[/?#]")  # of the web, where a path may hold @
_PASSWORD = re.compile(r"(?i)([?&](?:ssl)?password=)[^&\s]*")  # as a parameter of an address of PostgreSQL
_KEPT_BACK = (WhyNot.TOO_UNCERTAIN, WhyNot.CAPPED)


def run_record(
    plan: Plan,
    results: Sequence[TileFacts],
    findings: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    coverage: pd.DataFrame,
    *,
    reused: int,
    seconds: float,
    spent: Spent,
    network: tally.Count,
    raised: Sequence[Alarm],
    watched: Watched,
    followed: Mapping[str, Any],
) -> dict[str, Any]:
    """The JSON-ready record of one run.

    ``network``: what it asked for in all its processes; ``followed``: what it says of open cases.
    """
    config = plan.config
    registration = _registration(results)
    told, notes = _scenes_told(plan, results, registration)
    return {
        **versions(),
        "notice": "疑似线索，不作为处罚依据。A finding is a clue, never a verdict.",
        "configuration": cleaned(config.dump()),
        "rules": [told_of(path) for path in rule_files(config.legal)],
        "layers": [told_of(path) for path in sorted({config.layers, *plan.layers.files})],
        "fingerprint": plan.fingerprint,
        "epsg": plan.layers.epsg,
        "bands": list(plan.bands),
        "scenes": {
            "before": [_scene(s) | told[s.scene_id] for s in plan.before],
            "after": [_scene(s) | told[s.scene_id] for s in plan.after],
        },
        **_detectors(plan),
        "totals": _totals(plan, results, findings, candidates, coverage, reused=reused, seconds=seconds),
        "why_not_findings": _counts(candidates[~candidates["reportable"]], "why_not"),
        "sites": campaign(watched.sites, config.decisions.clearing_deadline, max(scene.day for scene in plan.after)),
        "hot_spots": _counts(watched.hot_spots, "kind"),
        "followed": dict(followed),
        "registration": registration,
        "unobserved_km": by_cause(coverage),
        "alarms": [alarm.record() for alarm in raised],
        "reads": network._asdict(),
        "spent": {"run_s": spent.told(), "cpu_s": spent.cpu_s, **of_tiles(results)},
        "failures": [result.failure for result in results if result.failure is not None],
        "notes": [*plan.notes, *notes],
    }


def _detectors(plan: Plan) -> dict[str, Any]:
    """By what it was found: detectors with their options, rankings from verdicts, models, and which confidence is calibrated."""
    built = {registry.name_of(options): registry.build(options) for options in plan.config.detectors}
    models = {registry.name_of(options): registry.described(options) for options in plan.config.detectors}
    return {
        "detectors": [
            {
                "name": name,
                "version": d.version,
                "kinds": list(d.kinds),
                "thresholds": d.options.model_dump(mode="json"),
            }
            for name, d in built.items()
        ],
        "confidence_calibrated": {
            name: bool(models[name].get("calibration")) or any(r.ranking.detector == name for r in plan.rankings)
            for name in built
        },
        "rankings": [named.record() for named in plan.rankings],
        "models": [model for model in models.values() if model],
    }


def _totals(
    plan: Plan,
    results: Sequence[TileFacts],
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
    kept_back = candidates[candidates["why_not"].isin(_KEPT_BACK)]
    touched = set(plan.due["county_code"]) | set(findings["county_code"].dropna()) | set(kept_back["county_code"])
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
        **_kept_back(candidates),
        "counties": [
            {"code": code, "name": name, "findings": len(mine[code]), "kinds": _counts(mine[code], "kind")}
            | _kept_back(candidates[candidates["county_code"] == code])
            for code, name in zip(counties["code"], counties["name"], strict=True)
            if code in touched
        ],
        "seconds": round(seconds, 2),
        "tile_seconds": round(sum(float(result.facts.get("seconds", 0.0)) for result in results), 2),
    }


def _kept_back(candidates: pd.DataFrame) -> dict[str, int]:
    """How many candidates would be findings were they surer, or the cap higher."""
    return {reason.value: int((candidates["why_not"] == reason).sum()) for reason in _KEPT_BACK}


def _registration(results: Sequence[TileFacts]) -> dict[str, Any]:
    """What became of the tiles whose images were laid on each other, and the spread of shifts and of their errors."""
    laid = [_only_shift(r.facts) for r in results if "registration_reliable" in r.facts]
    reliable = [facts for facts in laid if facts["registration_reliable"]]
    by_prior = sum(bool(facts["from_prior"]) for facts in reliable)
    frame = pd.DataFrame([facts["shift_px"] for facts in reliable], columns=["rows_px", "cols_px"])
    errors = [facts["error_px"] for facts in reliable if facts["error_px"] is not None]
    refused = [facts for facts in laid if facts["registration_refused"]]
    too_far = sum(bool(facts["registration_reliable"]) for facts in refused)
    return {
        "tiles": len(laid),
        "tiles_reliable": len(reliable),
        "tiles_unreliable": len(laid) - len(reliable),
        "tiles_refused": len(refused),
        "tiles_by_prior": by_prior,
        "measured_share": round((len(reliable) - by_prior) / len(laid), 4) if laid else None,
        "refused_by_cause": {str(Cause.SHIFT_REFUSED): too_far, str(Cause.SHIFT_UNMEASURED): len(refused) - too_far},
        "looked_at_again": sum(bool(r.facts.get("second_look")) for r in results),
        "second_look_used": sum(bool(r.facts.get("second_look_used")) for r in results),
        "median_shift_px": [round(float(v), 3) for v in frame.median()] if len(frame) else None,
        "median_error_px": round(float(pd.Series(errors).median()), 3) if errors else None,
    }


def _only_shift(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = ("registration_reliable", "registration_refused", "from_prior", "shift_px", "error_px")
    return {name: facts[name] for name in names}


def _scenes_told(
    plan: Plan, results: Sequence[TileFacts], registration: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """More of each scene by id, and notes on them."""
    facts = Facts(results)
    told = scene_facts(plan.before, plan.after, facts) | scene_facts(plan.after, plan.before, facts)
    left_m = (registration["median_error_px"] or 0.0) * plan.config.imagery.resolution_m
    errors_m = {scene.scene_id: math.hypot(scene.geo_rmse_m, left_m) for scene in (*plan.before, *plan.after)}
    return told, scene_notes(told, errors_m)


def _counts(frame: pd.DataFrame, column: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in frame[column].value_counts().sort_index().items()}


def network_use(results: Iterable[TileFacts], begun: tally.Count) -> tally.Count:
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
        "bytes": _bytes(files),
    }


def _bytes(files: Sequence[BandFile]) -> int | None:
    """Size of a scene's local files; None where one of them is far, or no longer there."""
    try:
        return sum(Path(href).stat().st_size for href in {file.href for file in files if not file.service})
    except (OSError, ValueError):
        return None


def cleaned(node: Any) -> Any:
    """The configuration without what an address may hold of user, password and tokens."""
    if isinstance(node, Mapping):
        return {key: cleaned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [cleaned(value) for value in node]
    return _public(node) if isinstance(node, str) else node


def _public(text: str) -> str:
    without = text if _PORT.match(text) else _PASSWORD.sub(r"\1…", _SIGN_IN.sub("…@", text))
    try:
        return redacted(without)
    except ValueError:  # no address, whatever it looks like
        return without


def meta(record: Mapping[str, Any], county: str | None = None) -> dict[str, Any]:
    """Facts of a run that its pages show; on a county's page what was kept back is that county's."""
    totals = record["totals"]
    if county is not None:
        totals = next((row for row in totals["counties"] if row["code"] == county), {})
    days = {when: sorted({scene["day"] for scene in scenes}) for when, scenes in record["scenes"].items()}
    return {
        "run": record["totals"]["name"],
        "before": _span(days["before"]),
        "after": _span(days["after"]),
        "sensor": ", ".join(sorted({scene["sensor"] for both in record["scenes"].values() for scene in both} - {""})),
        "scenes": sum(len(scenes) for scenes in record["scenes"].values()),
        "calibrated": "是 yes" if all(record["confidence_calibrated"].values()) else "否 no",
        **{reason.value: totals.get(reason) or None for reason in _KEPT_BACK},
        "version": record["luyu"],
        "credit": "; ".join(
            sorted({scene.get("credit", "") for both in record["scenes"].values() for scene in both} - {""})
        ),
    }


def last_day(record: Mapping[str, Any]) -> dt.date:
    """Day of the newest image: what documents are dated by, so that no clock decides a byte."""
    return max(dt.date.fromisoformat(scene["day"]) for scene in record["scenes"]["after"])


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} – {days[-1]}"
