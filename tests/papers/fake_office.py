"""A small office: a few cases along one road in a ledger, their pictures, and the folder of the run that found them."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from docx import Document
from PIL import Image
from shapely import LineString, box

from pipeline.ledger import Ledger
from pipeline.ledger.kept import CasePicture
from pipeline.model.tables import FINDINGS

EPSG = 4548
DAY = dt.date(2024, 12, 1)
WEST_M, SOUTH_M = 520_000.0, 3_830_000.0
LAW = "涉嫌违反公路法第五十六条"
_KINDS = ("building", "grain_drying", "building", "stockpile", "grain_drying")


def make_cases(count: int = 5, **columns: Any) -> gpd.GeoDataFrame:
    """Findings every 200 m along G311, K512+000 at the west end: 20 x 12 m each, every second on the right."""
    at = np.arange(count) * 200.0 + 100.0
    kinds = [_KINDS[i % len(_KINDS)] for i in range(count)]
    table = {name: [None] * count for name in FINDINGS.columns} | {
        "finding_id": [f"f{i}" for i in range(count)],
        "kind": kinds,
        "confidence": [0.91, 0.72, 0.55, 0.3, 0.998][:count] if count <= 5 else [0.8] * count,
        "priority": [80.0 - i for i in range(count)],
        "zone": ["control_zone"] * count,
        "membership": ["inside"] * count,
        "zone_basis": ["estimated"] * count,
        "zone_overlap_m2": [120.0] * count,
        "edge_distance_m": [6.4] * count,
        "zone_probability": [0.98] * count,
        "area_m2": [240.0] * count,
        "length_m": [20.0] * count,
        "width_m": [12.0] * count,
        "route_code": ["G311"] * count,
        "stake": [f"K{512 + int(m) // 1000}+{int(m) % 1000:03d}" for m in at],
        "side": ["left" if i % 2 == 0 else "right" for i in range(count)],
        "offset_m": [14.0] * count,
        "county_code": ["320322"] * count,
        "county_name": ["沛县"] * count,
        "township_code": ["320322101"] * count,
        "township_name": ["龙固镇"] * count,
        "asset_kind": ["bridge"] * count,
        "asset_name": ["大沙河桥"] * count,
        "asset_distance_m": [float(10 + 30 * i) for i in range(count)],
        "last_absent": [dt.date(2024, 5, 12)] * count,
        "first_seen": [dt.date(2024, 10, 21)] * count,
        "scene_before": ["GF2_20240512"] * count,
        "scene_after": ["GF2_20241021"] * count,
        "geo_rmse_m": [1.5] * count,
        "law": [LAW] * count,
        "addressee": ["县级交通运输综合行政执法大队"] * count,
        "next_step": ["现场勘验，核对控制区划定公告"] * count,
        "status": ["suspected"] * count,
        "lon": [117.2 + i / 1000 for i in range(count)],
        "lat": [34.6] * count,
        "evidence": [json.dumps({"cues": {"edge": 1.5, "warm": -0.2}, "priority": {"zone": 15.0, "basis": 0}})] * count,
    }  # fmt: skip
    table["stake_from"] = table["stake_to"] = table["stake"]
    y = [SOUTH_M + (10.0 if side == "left" else -22.0) for side in table["side"]]
    shapes = [box(WEST_M + m - 10, s, WEST_M + m + 10, s + 12) for m, s in zip(at, y, strict=True)]
    return gpd.GeoDataFrame(table | columns, geometry=shapes, crs=EPSG)


def settled(ledger: Ledger, findings: gpd.GeoDataFrame) -> list[str]:
    """Case numbers of the findings, in their order."""
    found = ledger.settle(findings.drop(columns="case_no"), run_id="r", now=moment(1, month=11))
    return [str(number) for number in found["case_no"]]


def moment(day: int, month: int = 11) -> dt.datetime:
    """Noon in China of a day in 2024."""
    return dt.datetime(2024, month, day, 4, 0, tzinfo=dt.UTC)


def picture(case_no: str, role: str, at: tuple[float, float], *, px: int = 200, pixel_m: float = 0.5) -> CasePicture:
    """A plain green cutting of 100 m with its middle at ``at``."""
    out = io.BytesIO()
    Image.new("RGB", (px, px), (90, 120, 80)).save(out, "PNG")
    half = px * pixel_m / 2
    grid = {
        "epsg": EPSG,
        "west_m": at[0] - half,
        "north_m": at[1] + half,
        "pixel_m": pixel_m,
        "width_px": px,
        "height_px": px,
    }
    scene, day = ("GF2_20240512", "2024-05-12") if role == "before" else ("GF2_20241021", "2024-10-21")
    return CasePicture(case_no, role, scene, day, "image/png", out.getvalue(), grid)


def make_run(folder: Path) -> Path:
    """The folder of a run: roads, zones, stakes, kilometres, the pictures of finding f1."""
    folder.mkdir()
    road = LineString([(WEST_M, SOUTH_M), (WEST_M + 1200, SOUTH_M)])
    tables = {
        "roads": gpd.GeoDataFrame({"route_code": ["G311"]}, geometry=[road], crs=EPSG),
        "zones": gpd.GeoDataFrame(
            {"zone": ["control_zone", "pavement"]}, geometry=[road.buffer(30), road.buffer(5)], crs=EPSG
        ),
        "stakes": gpd.GeoDataFrame(
            {"route_code": "G311", "stake": ["K512+100", "K512+500"], "stake_m": [512_100.0, 512_500.0]},
            geometry=[road.interpolate(100), road.interpolate(500)],
            crs=EPSG,
        ),
    }
    for name, table in tables.items():
        table.to_file(folder / "findings.gpkg", layer=name, driver="GPKG", engine="pyogrio")
    coverage = pd.DataFrame(
        {"route_code": ["G311"], "county_code": ["320322"], "county_name": ["沛县"], "km_due": [1.2], "km_observed": [1.0],
         "km_unobserved": [0.2], "why": ["cloud 0.200"]}
    )  # fmt: skip
    coverage.to_csv(folder / "coverage.csv", index=False, encoding="utf-8-sig")
    (folder / "chips").mkdir()
    for which in ("before", "after"):
        Image.new("RGB", (320, 320), (80, 90, 120)).save(folder / "chips" / f"f1.{which}.webp")
    return folder


def text_of(paper: bytes) -> str:
    """All that stands in a paper: paragraphs, cells, head and foot."""
    document = Document(io.BytesIO(paper))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    edges = [document.sections[0].header.paragraphs[0].text, document.sections[0].footer.paragraphs[0].text]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells + edges)


def media_of(paper: bytes) -> list[bytes]:
    """The picture files in a paper."""
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        return [archive.read(name) for name in archive.namelist() if name.startswith("word/media/")]
