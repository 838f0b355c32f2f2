"""Objects that a detector might have found, whose truth is known; and a ledger in which officers judged them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely import box

from pipeline.ledger import Ledger
from pipeline.ranking.model import Ranking

EPSG = 4548
DAY = dt.datetime(2024, 12, 1, 3, 0, tzinfo=dt.UTC)


def findings(
    count: int, *, seed: int = 1, informative: bool = True, counties: int = 6
) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    """``(findings, right)``: half of them right; their confidence knows little, their evidence much, or nothing at all."""
    random = np.random.default_rng(seed)
    right = random.random(count) < 0.5
    sign = np.where(right, 1.0, -1.0) if informative else np.zeros(count)
    shade, texture = random.normal(sign, 1), random.normal(-sign, 1.5)
    confidence = np.clip(0.6 + 0.03 * sign + random.normal(0, 0.15, count), 0.3, 0.95).round(4)
    place = np.arange(count)
    evidence = [
        json.dumps(
            {"shade": round(s, 3), "texture": round(t, 3), "constant": 1.0, "edge_distance_m": 5.0, "priority": {}}
        )
        for s, t in zip(shade.tolist(), texture.tolist(), strict=True)
    ]
    table = gpd.GeoDataFrame(
        {
            "finding_id": [f"f{number:04d}" for number in place],
            "kind": "building",
            "confidence": confidence,
            "evidence": evidence,
            "area_m2": 240.0,
            "detector": "building",
            "detector_version": "9",
            "county_code": [f"3203{number % counties:02d}" for number in place],
            "route_code": "G311",
            "stake": [f"K{number // 10}+{number % 10}00" for number in place],
            "first_seen": dt.date(2024, 10, 20),
            "scene_before": "2023",
            "scene_after": "2024",
            "permit_no": None,
        },
        geometry=[box(500_000 + 300 * n, 3_800_000, 500_020 + 300 * n, 3_800_012) for n in place],
        crs=EPSG,
    )
    return table, right


def judged(
    path: Path, table: gpd.GeoDataFrame, right: np.ndarray, reason: str = "not_a_building", at: dt.datetime = DAY
) -> None:
    """A ledger in which each finding was settled and judged."""
    with Ledger.open(path) as ledger:
        cases = ledger.settle(table, run_id="r", now=at)["case_no"]
        for number, value in zip(cases, right, strict=True):
            if value:
                ledger.advance(number, "confirmed", "officer", at=at)
            else:
                ledger.advance(number, "dismissed", "officer", at=at, details={"reason": reason})


def plain_ranking(detector_version: str = "9", **weights: float) -> Ranking:
    """A ranking of building whose score is the sum of these weights times evidence, not trained on anything."""
    nothing = {"before": (0.5, 0.4, 0.6), "after": (0.6, 0.5, 0.7), "moved": (0.1, 0.0, 0.2)}
    return Ranking.model_validate(
        {
            "version": 1, "luyu": "0", "kind": "building", "detector": "building", "detector_version": detector_version,
            "terms": {name: {"mean": 0.0, "scale": 1.0, "weight": weight} for name, weight in weights.items()},
            "bias": 0.0,
            "calibration": {"slope": 1.0, "offset": 0.0},
            "trained_on": {
                "right": 30, "wrong": 30, "left_out": {}, "counties": ["320322"], "places": 9, "left_out_by": "km square",
                "decided_from": "2024-11-01", "decided_to": "2024-12-01", "sha256": "0" * 64,
                "held_against": "the confidence that was shown", "seed": 0,
            },
            "scores": {
                "cap": 20, "counties_above_cap": 1, "better_in": 0.95,
                "precision_at_cap": nothing, "average_precision": nothing, "brier": nothing,
            },
            "left_out_confidence": {},
        }
    )  # fmt: skip
