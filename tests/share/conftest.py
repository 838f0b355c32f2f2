"""The output folder of a small run, made by hand, and its ledger with cases and pictures."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from PIL import Image
from shapely import LineString, box

from pipeline.ledger import CasePicture, Ledger
from pipeline.model.cause import Cause
from pipeline.model.tables import FINDINGS
from pipeline.reports.gis import coverage_csv
from pipeline.run.publish import write_layers

EPSG = 4548
NOW = dt.datetime(2024, 12, 1, 3, 0, tzinfo=dt.UTC)
EAST, NORTH = 520_000.0, 3_830_000.0
HOSTILE = '</script><img src="https://evil.example/x.png" onerror=alert(1)>\'; DROP TABLE cases; --${HOME} {{7*7}} =1+1 \u202e示例'
OFFICER = "张三丰"


def findings() -> gpd.GeoDataFrame:
    """Five findings in two counties: three buildings in one township, a heap with a hostile name, one under permit."""
    rows = [
        ("f1", "building", "320321", "示例甲镇", 0),
        ("f2", "building", "320321", "示例甲镇", 100),
        ("f3", "building", "320321", "示例甲镇", 200),
        ("f4", "stockpile", "320322", HOSTILE, 400),
        ("f5", "building", "320322", "示例乙镇", 500),
    ]
    empty = FINDINGS.empty(crs=EPSG)
    shapes = [box(EAST + x, NORTH, EAST + x + 20, NORTH + 12) for *_, x in rows]
    lonlat = gpd.GeoSeries(shapes, crs=EPSG).centroid.to_crs(4490)
    frame = gpd.GeoDataFrame(
        {
            "finding_id": [row[0] for row in rows],
            "kind": [row[1] for row in rows],
            "county_code": [row[2] for row in rows],
            "county_name": ["示例乙县" if row[2] == "320321" else "示例甲县" for row in rows],
            "township_name": [row[3] for row in rows],
            "route_code": "G311",
            "stake": [f"K512+{100 + at:03d}" for at in range(len(rows))],
            "side": "left",
            "zone": "control_zone",
            "membership": "inside",
            "zone_basis": "estimated",
            "impact": [None, "under_bridge;hides_sign", None, None, None],
            "permit_no": [None, None, None, None, "示例许〔2024〕1号"],
            "confidence": [0.9, 0.8, 0.7, 0.6, 0.9],
            "priority": [50.0, 40.0, 30.0, 20.0, 0.0],
            "area_m2": 240.0,
            "near_border": [True, False, False, False, False],
            "last_absent": dt.date(2024, 4, 28),
            "first_seen": [dt.date(2024, 10, 12)] * 4 + [dt.date(2024, 9, 1)],
            "scene_before": "demo-20240428",
            "scene_after": "demo-20241012",
            "lon": lonlat.x,
            "lat": lonlat.y,
            "evidence": json.dumps({"说明": HOSTILE}, ensure_ascii=False),
        },
        geometry=shapes,
        crs=EPSG,
    )
    return frame.reindex(columns=[*empty.columns]).set_crs(EPSG)


def picture(grid: dict[str, object], seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (grid["height_px"], grid["width_px"], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def make_run(folder: Path) -> Path:
    """Output folder of a run; its ledger lies beside it as ``ledger.sqlite``."""
    run = folder / "run"
    run.mkdir(parents=True)
    place = folder / "ledger.sqlite"
    found = findings()
    with Ledger.open(place) as ledger:
        settled = ledger.settle(found, run_id="r", now=NOW)
        found["case_no"], found["status"] = settled["case_no"], settled["status"]
        first = found["case_no"].iloc[0]
        ledger.advance(first, "assigned", OFFICER, f"{OFFICER}的电话记在别处", NOW, details={"to": OFFICER})
        ledger.advance(
            found["case_no"].iloc[3], "dismissed", OFFICER, "", NOW, details={"reason": f"见{OFFICER}的记录"}
        )
        grid = {
            "epsg": EPSG,
            "west_m": EAST - 40,
            "north_m": NORTH + 60,
            "pixel_m": 0.5,
            "width_px": 200,
            "height_px": 192,
        }
        ledger.keep_pictures(
            [
                CasePicture(first, "before", "demo-20240428", "2024-04-28", "image/png", picture(grid, 1), grid),
                CasePicture(first, "after", "demo/20241012?x=1", "2024-10-12", "image/png", picture(grid, 2), grid),
                CasePicture(first, "after", "unplaced", "2024-10-13", "image/png", picture(grid, 3), {}),
            ]
        )
    roads = gpd.GeoDataFrame(
        {"route_code": ["G311", "X201"], "unbuilt": [False, True], "managed_by_city": [False, False]},
        geometry=[
            LineString([(EAST - 100, NORTH + 30), (EAST + 700, NORTH + 30)]),
            LineString([(EAST, NORTH), (EAST, NORTH + 9)]),
        ],
        crs=EPSG,
    )
    counties = gpd.GeoDataFrame(
        {"code": ["320321", "320322"], "name": ["示例乙县", "示例甲县"]},
        geometry=[
            box(EAST - 500, NORTH - 500, EAST + 300, NORTH + 500),
            box(EAST + 300, NORTH - 500, EAST + 900, NORTH + 500),
        ],
        crs=EPSG,
    )
    unobserved = gpd.GeoDataFrame(
        {
            "route_code": ["G311"],
            "county_code": ["320322"],
            "county_name": ["示例甲县"],
            "km_per_m": [0.001],
            "reason": ["cloud"],
        },
        geometry=[LineString([(EAST + 600, NORTH + 30), (EAST + 700, NORTH + 30)])],
        crs=EPSG,
    )
    tables = {"findings": found, "roads": roads, "counties": counties, "unobserved": unobserved}
    write_layers(run / "findings.gpkg", tables)
    lost = {cause.column: [0.0, 0.1 if cause is Cause.CLOUD else 0.0] for cause in Cause}
    coverage = gpd.pd.DataFrame(
        {"route_code": ["G311", "G311"], "county_code": ["320321", "320322"], "county_name": ["示例乙县", "示例甲县"],
         "km_due": [0.4, 0.4], "km_observed": [0.4, 0.3], "km_unobserved": [0.0, 0.1], "why": ["", "cloud 0.100"], **lost}
    )  # fmt: skip
    (run / "coverage.csv").write_text(coverage_csv(coverage), encoding="utf-8-sig", newline="")
    record = {
        "totals": {"name": "示例 ${HOME} 运行", "counties": [{"code": "320321"}, {"code": "320322"}]},
        "scenes": {"before": [{"day": "2024-04-28"}], "after": [{"day": "2024-10-12"}]},
        "configuration": {"ledger": str(place)},
        "fingerprint": "abc",
    }
    (run / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def shared(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An internal share of the run."""
    from pipeline.share.share import share

    out = tmp_path_factory.mktemp("out") / "共享 share"
    share(run_folder, out)
    return out


def everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def same_ground(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    return bool(shapely.hausdorff_distance(one, other) < 1e-7)
