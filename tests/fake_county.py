"""A plausible county of findings, made up and the same every time."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, Point, Polygon, affinity, box

from pipeline.model.cause import Cause
from pipeline.model.tables import FINDINGS, HOT_SPOTS, SITES
from pipeline.reports.chips import ChipOptions, pair_chips
from pipeline.reports.pages import CountyPage, IndexPage

M = 1 / 111_320.0
KINDS = ["building", "grain_drying", "roadworks", "stockpile", "billboard"]
ZH = {"building": "违法建筑", "grain_drying": "打场晒粮"}


def road(offset: float, bend: float) -> LineString:
    x = np.linspace(116.72, 117.05, 120)
    return LineString(np.c_[x, 34.62 + offset + bend * np.sin((x - 116.72) * 18)])


ROADS = {"G311": road(0.0, 0.02), "S253": affinity.rotate(road(0.03, 0.012), 78), "X201": road(0.12, -0.015)}
CLASSES = {"G311": "G", "S253": "S", "X201": "X"}


def side_point(line: LineString, share: float, offset_m: float) -> tuple[Point, float]:
    here, ahead = line.interpolate(share, normalized=True), line.interpolate(min(share + 1e-4, 1), normalized=True)
    angle = np.arctan2(ahead.y - here.y, ahead.x - here.x)
    return Point(here.x - np.sin(angle) * offset_m * M, here.y + np.cos(angle) * offset_m * M), np.degrees(angle)


def stake(metres: float) -> str:
    return f"K{int(metres) // 1000}+{int(metres) % 1000:03d}"


def make_findings(n: int, county: tuple[str, str] = ("320322", "沛县"), seed: int = 5) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        route = list(ROADS)[int(rng.integers(3))]
        kind = KINDS[int(rng.choice(5, p=[0.5, 0.25, 0.1, 0.1, 0.05]))]
        side = ["left", "right"][int(rng.integers(2))]
        offset = float(rng.uniform(3, 5) if kind == "grain_drying" else rng.uniform(9, 26)) * (
            1 if side == "left" else -1
        )
        share = float(rng.uniform(0.03, 0.97))
        at, angle = side_point(ROADS[route], share, offset)
        length, width = (float(rng.uniform(20, 90)), 3.0) if kind == "grain_drying" else tuple(rng.uniform(6, 24, 2))
        metres = 100_000 + share * 30_000
        shape = affinity.rotate(
            box(at.x - length / 2 * M, at.y - width / 2 * M, at.x + length / 2 * M, at.y + width / 2 * M), angle
        )
        confidence = float(rng.uniform(0.35, 0.97))
        permitted = rng.random() < 0.08
        inside = "inside" if rng.random() < 0.75 else "undetermined"
        rows.append(
            {
                "finding_id": f"f{i:04d}{county[0]}",
                "case_no": f"{county[0]}-202411-{kind}-{i + 1:04d}",
                "kind": kind,
                "confidence": confidence,
                "priority": round(100 * confidence * float(rng.uniform(0.6, 1)), 1),
                "zone": "pavement"
                if kind == "grain_drying"
                else ("highway_land" if abs(offset) < 12 else "control_zone"),
                "membership": inside,
                "zone_basis": "estimated",
                "zone_overlap_m2": length * width * 0.8,
                "edge_distance_m": 6.4 if inside == "inside" else -0.7,
                "zone_probability": 0.98 if inside == "inside" else 0.41,
                "sight": "bend" if i % 11 == 0 else None,
                "area_m2": length * width,
                "length_m": max(length, width),
                "width_m": min(length, width),
                "route_code": route,
                "stake": stake(metres),
                "stake_from": stake(metres - length / 2),
                "stake_to": stake(metres + length / 2),
                "side": side,
                "offset_m": abs(offset),
                "concurrent": "S253 K40+123" if i % 7 == 0 else None,
                "county_code": county[0],
                "county_name": county[1],
                "county_share": 1.0,
                "near_border": bool(i % 17 == 0),
                "counties": "沛县 62%、丰县 38%" if i % 17 == 0 else None,
                "township_code": "320322101",
                "township_name": "龙固镇",
                "asset_kind": "桥梁" if i % 5 == 0 else None,
                "asset_name": "大沙河桥" if i % 5 == 0 else None,
                "asset_distance_m": 120.0 if i % 5 == 0 else np.nan,
                "asset_along_m": -115.0 if i % 5 == 0 else np.nan,
                "impact": "under_bridge;in_sight_triangle" if i % 10 == 0 else None,
                "permit_no": "沛交路许〔2024〕17号" if permitted else None,
                "permit_state": "covered" if permitted else None,
                "last_absent": pd.Timestamp("2024-05-12").date(),
                "first_seen": pd.Timestamp("2024-10-21").date(),
                "confirmed_on": None,
                "gone_on": None,
                "transience": "appeared" if kind == "grain_drying" else None,
                "stage": "building" if kind == "building" else None,
                "scene_before": "GF2_20240512",
                "scene_after": "GF2_20241021",
                "shift_px": 0.21,
                "geo_rmse_m": 1.5,
                "law": "《公路安全保护条例》第十三条" if kind == "building" else "《公路法》第四十六条",
                "addressee": "县级交通运输综合行政执法大队",
                "next_step": "现场勘验，核对控制区划定公告",
                "status": "permitted" if permitted else "suspected",
                "lon": at.x,
                "lat": at.y,
                "detector": kind,
                "detector_version": "1",
                "evidence": json.dumps(
                    {"height_change": 2.81234, "edges": 0.62, "priority": {"zone": 0.9, "area": 0.4}}
                ),
                "geometry": shape,
            }
        )
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=4490) if rows else FINDINGS.empty(4490)
    return FINDINGS.check(frame)


def make_chips(findings: gpd.GeoDataFrame) -> dict:
    chips = {}
    options = ChipOptions()
    for i, row in enumerate(findings.itertuples()):
        rng = np.random.default_rng(i)
        field = np.stack([rng.normal(m, 9, (120, 160)) for m in (95, 110, 70)], axis=2)
        field[:, 60:84] = rng.normal(120, 6, (120, 24, 1)) + np.array([0, 0, 4])
        before = np.clip(field, 0, 255).astype(np.uint8)
        after = before.copy()
        ring = np.array([[96, 44], [130, 44], [130, 74], [96, 74]])
        after[44:74, 96:130] = {"building": (70, 110, 190), "grain_drying": (215, 180, 90)}.get(
            row.kind, (150, 140, 130)
        )
        chips[row.finding_id] = pair_chips(before, after, ring, options)
    return chips


def roads_frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"route_code": list(ROADS), "name": ["连天线", "丰沛线", "龙张线"], "road_class": [CLASSES[r] for r in ROADS]},
        geometry=list(ROADS.values()),
        crs=4490,
    )


def zones_frame() -> gpd.GeoDataFrame:
    rows = []
    for route, line in ROADS.items():
        edges = {"pavement": (0, 6), "highway_land": (6, 12), "control_zone": (12, 27)}
        for zone, (inner, outer) in edges.items():
            ring = line.buffer(outer * M)
            rows.append((route, zone, "estimated", ring.difference(line.buffer(inner * M)) if inner else ring))
    return gpd.GeoDataFrame(rows, columns=["route_code", "zone", "basis", "geometry"], crs=4490)


def stakes_frame() -> gpd.GeoDataFrame:
    rows = [
        (route, stake(100_000 + m), line.interpolate(m / 30_000, normalized=True))
        for route, line in ROADS.items()
        for m in range(0, 30_001, 100)
    ]
    return gpd.GeoDataFrame(rows, columns=["route_code", "stake", "geometry"], crs=4490)


def unobserved_frame() -> gpd.GeoDataFrame:
    parts = [("G311", "cloud", 50, 58), ("S253", "no_scene", 80, 100), ("G311", "shift_refused", 20, 26)]
    parts += [("X201", "read_failure", 10, 30), ("X201", "failed", 40, 50), ("X201", "shift_unmeasured", 60, 75)]
    rows = [(route, why, LineString(list(ROADS[route].coords)[a:b])) for route, why, a, b in parts]
    return gpd.GeoDataFrame(rows, columns=["route_code", "reason", "geometry"], crs=4490)


META = {
    "run": "沛县路域 2024 年第四季度",
    "before": "2024-04-01/2024-05-31",
    "after": "2024-10-01/2024-11-30",
    "sensor": "GF-2 0.8 m",
    "scenes": 6,
    "version": "0.1.0",
    "calibrated": "否",
}
OUTLINE = Polygon(
    [
        (116.70, 34.52),
        (116.86, 34.50),
        (117.06, 34.56),
        (117.08, 34.72),
        (116.98, 34.80),
        (116.80, 34.79),
        (116.69, 34.68),
    ]
)


def make_county(n: int = 60, **changes) -> CountyPage:
    findings = changes.pop("findings", None)
    findings = make_findings(n) if findings is None else findings
    given = {
        "code": "320322",
        "name": "沛县",
        "outline_lonlat": OUTLINE,
        "roads": roads_frame(),
        "zones": zones_frame(),
        "stakes": stakes_frame(),
        "findings": findings,
        "chips": make_chips(findings.head(30)),
        "unobserved": unobserved_frame(),
        "coverage": coverage_frame()[lambda table: table["county_code"] == "320322"],
        "meta": META,
    }
    return CountyPage(**(given | changes))


def coverage_frame() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("G311", "320322", "沛县", 30.4, 28.1, 2.3, "cloud 1.9; shift_refused 0.4", 0, 1.9, 0.4, 0, 0, 0),
            ("S253", "320322", "沛县", 31.0, 24.8, 6.2, "no_scene 6.2", 6.2, 0, 0, 0, 0, 0),
            ("G311", "320321", "丰县", 22.0, 22.0, 0.0, "", 0, 0, 0, 0, 0, 0),
        ],
        columns=["route_code", "county_code", "county_name", "km_due", "km_observed", "km_unobserved", "why"]
        + [cause.column for cause in Cause],
    )


def make_index() -> IndexPage:
    west = affinity.translate(OUTLINE, -0.36, 0.01)
    counties = gpd.GeoDataFrame(
        {"code": ["320322", "320321", "320324"], "name": ["沛县", "丰县", "睢宁县"]},
        geometry=[OUTLINE, west, affinity.translate(OUTLINE, 0.1, -0.32)],
        crs=4490,
    )
    fengxian = make_findings(12, ("320321", "丰县"), seed=9)
    fengxian["geometry"] = fengxian.geometry.translate(-0.36, 0.01)
    fengxian["lon"] -= 0.36
    findings = pd.concat([make_findings(60), fengxian], ignore_index=True)
    return IndexPage(
        "徐州市路域疑似线索总览", counties, roads_frame(), gpd.GeoDataFrame(findings, crs=4490), coverage_frame(), META
    )


def hot_spots_frame() -> gpd.GeoDataFrame:
    rows = [(1, "G311", "left", 12, 3, 3, 4, 40), (2, "S253", "right", 70, 2, 1, 2, 21)]
    table = [
        {
            "rank": rank, "kind": "grain_drying", "route_code": route, "side": side, "stake_from": stake(100_000 + 100 * at),
            "stake_to": stake(100_000 + 100 * at + 300), "from_m": 100_000.0 + 100 * at, "to_m": 100_300.0 + 100 * at,
            "events": events, "years": years, "days_seen": days, "looks": looks, "first_day": pd.Timestamp("2022-06-04").date(),
            "last_day": pd.Timestamp("2024-06-08").date(), "county_code": "320322", "county_name": "沛县", "township": "龙固镇",
        }
        for rank, route, side, at, events, years, days, looks in rows
    ]  # fmt: skip
    lines = [
        LineString(list(ROADS[row["route_code"]].coords)[at : at + 6]) for row, at in zip(table, (20, 60), strict=True)
    ]
    return HOT_SPOTS.check(gpd.GeoDataFrame(table, geometry=lines, crs=4490))


def sites_frame() -> gpd.GeoDataFrame:
    states = ["standing", "standing", "gone", "unseen"]
    table = [
        {
            "key": f"GG-{i:02d}", "number": f"GG-{i:02d}", "name": f"高炮{i}", "kind": "billboard", "route_code": "G311",
            "stake": stake(101_000 + i * 900), "county_code": "320322", "valid_to": pd.Timestamp("2024-09-30").date(),
            "state": state, "day": None if state == "unseen" else pd.Timestamp("2024-10-21").date(), "confidence": 0.9,
            "unseen_on": None, "gone_on": pd.Timestamp("2024-10-21").date() if state == "gone" else None, "evidence": "{}",
        }
        for i, state in enumerate(states)
    ]  # fmt: skip
    points = [ROADS["G311"].interpolate(0.1 + 0.2 * i, normalized=True) for i in range(len(table))]
    return SITES.check(gpd.GeoDataFrame(table, geometry=points, crs=4490))
