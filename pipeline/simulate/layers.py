"""The vector layers as an agency would deliver them: national column names, empty widths, hands that tremble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, Point, box
from shapely.ops import substring

from ..model.geopackage import undated
from ..model.kinds import BILLBOARD
from ..model.stake import Stake
from .boards import Site
from .events import Permit
from .noise import stream
from .options import WorldOptions
from .roads import EPSG, County, Road
from .things import Thing

LAYERS_YAML = """\
roads:
  path: layers.gpkg
  layer: roads
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH, design_speed_kmh: SJSS}
stakes:
  path: layers.gpkg
  layer: stakes
  columns: {route: LXBM, stake: ZH}
counties:
  path: layers.gpkg
  layer: counties
  columns: {code: XZQDM, name: XZQMC}
permits:
  path: layers.gpkg
  layer: permits
  columns: {number: XKZH, kind: SX, valid_from: YXQQ, valid_to: YXQZ}
zones:
  path: layers.gpkg
  layer: announced
  columns: {zone: QLX, route: LXBM, number: GGWH, announced_on: GGRQ}
exempt:
  path: layers.gpkg
  layer: exempt
  columns: {name: MC, reason: LX}
assets:
  - kind: bridge
    path: layers.gpkg
    layer: bridges
    columns: {name: QLMC, number: QLBM, route: LXBM, stake_km: QLZXZH}
  - kind: culvert
    path: layers.gpkg
    layer: culverts
    columns: {name: HDMC, route: LXBM, stake_km: HDZXZH}
townships:
  path: layers.gpkg
  layer: townships
  columns: {code: XZDM, name: XZMC}
registry:
  path: layers.gpkg
  layer: registry
  columns: {kind: LX, name: MC, number: BH, route: LXBM, stake: ZH, valid_to: YXQZ}
"""


def digitised(line: LineString, sigma_m: float, rng: np.random.Generator) -> LineString:
    """A centreline as drawn: a vertex every 10 m, off to the side by a smooth error of ``sigma_m``."""
    at = np.linspace(0.0, line.length, max(int(line.length / 10.0), 2) + 1)
    points = np.array([line.interpolate(a).coords[0] for a in at])
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    waves = [np.sin(2 * np.pi * at / w + rng.uniform(0, 6.28)) for w in (95.0, 170.0, 310.0, 640.0)]
    off = sigma_m * np.sum(waves, axis=0) / np.sqrt(2.0)
    return LineString(points + np.column_stack([-along[:, 1], along[:, 0]]) * off[:, None])


def roads_layer(options: WorldOptions, ways: tuple[Road, ...]) -> gpd.GeoDataFrame:
    """Sections of the roads (LXBM, LXMC, LDJSDJ, LMKD, LJKD, QDZH, ZDZH in km, CDSL, SJSS, LDLMLX)."""
    error = options.hazards.centreline
    empty = options.hazards.widths
    rows, shapes = [], []
    for road in ways:
        for offset in road.drawn_m:
            rng = stream(options.seed, "centreline", road.route_code, offset)
            line = digitised(road.line_at(offset), error.size if error.on else 0.0, rng)
            cut = float(stream(options.seed, "section", road.route_code).uniform(0.4, 0.6))
            parts = ((0.0, cut), (cut, 1.0)) if road.route_code.startswith("S") else ((0.0, 1.0),)
            for number, (a, b) in enumerate(parts):
                chance = stream(options.seed, "widths", road.route_code, number).random()
                blank = empty.on and number > 0 and chance < max(empty.size * 3, 0)
                rows.append(_section(road, (a, b), blank=blank, halved=len(road.drawn_m) > 1))
                shapes.append(substring(line, a, b, normalized=True))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def _section(road: Road, part: tuple[float, float], *, blank: bool, halved: bool) -> dict[str, object]:
    pavement, roadbed = road.pavement_m * len(road.offsets_m), road.roadbed_m
    if halved:  # each carriageway is a section with half of the roadbed
        pavement, roadbed = pavement / 2, roadbed / 2
    stakes = [round((road.stake_from_m + share * road.axis.length) / 1000.0, 3) for share in part]
    return {
        "LXBM": road.route_key,
        "LXMC": road.name,
        "LDJSDJ": road.tech_class,
        "LMKD": np.nan if blank else pavement,
        "LJKD": np.nan if blank else roadbed,
        "QDZH": stakes[0],
        "ZDZH": stakes[1],
        "CDSL": 4 if len(road.offsets_m) > 1 else 2,
        "SJSS": {2: 60, 3: 60}.get(road.tech_class, 30),
        "LDLMLX": 1 if road.surface == "asphalt" else 2,
    }


def stakes_layer(options: WorldOptions, ways: tuple[Road, ...]) -> gpd.GeoDataFrame:
    """Calibration stakes (LXBM, ZH): hundred-metre stakes, on the provincial road kilometre stakes and its two ends."""
    hazard = options.hazards.stakes
    rng = stream(options.seed, "stakes")
    rows, shapes = [], []
    for road in ways:
        step = 1000.0 if road.route_code.startswith("S") else 100.0
        first = np.ceil(road.stake_from_m / step) * step
        stakes = list(np.arange(first, road.stake_from_m + road.axis.length, step))
        if step > 100.0:
            stakes = [road.stake_from_m, *stakes, road.stake_from_m + road.axis.length]
        gap = 0.35 * road.axis.length
        for stake in stakes:
            along = stake - road.stake_from_m
            jitter = rng.normal(0, hazard.size, 2) if hazard.on else np.zeros(2)
            if hazard.on and road.route_code.startswith("G") and gap < along < gap + 0.2 * road.axis.length:
                continue
            rows.append({"LXBM": road.route_key, "ZH": str(Stake(round(stake, 3)))})
            shapes.append(Point(np.array(road.axis.interpolate(along).coords[0]) + jitter))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def permits_layer(permits: Sequence[Permit]) -> gpd.GeoDataFrame:
    """Permits (XKZH, SX, YXQQ, YXQZ)."""
    rows = [
        {"XKZH": p.number, "SX": p.kind, "YXQQ": p.valid_from.isoformat(), "YXQZ": p.valid_to.isoformat()}
        for p in permits
    ]
    return gpd.GeoDataFrame(rows, geometry=[p.area for p in permits], crs=EPSG)


def bridges_layer(ways: tuple[Road, ...]) -> gpd.GeoDataFrame:
    """Bridges (QLBM, QLMC, LXBM, QLZXZH in km)."""
    rows, shapes = [], []
    for number, road in enumerate(ways, 1):
        along = (0.3, 0.62, 0.5)[number - 1] * road.axis.length
        rows.append(
            {
                "QLBM": f"{road.route_key}L{number:04d}",
                "QLMC": f"示例{'一二三'[number - 1]}桥",
                "LXBM": road.route_key,
                "QLZXZH": round((road.stake_from_m + along) / 1000.0, 3),
            }
        )
        shapes.append(road.axis.interpolate(along))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def culverts_layer(ways: tuple[Road, ...]) -> gpd.GeoDataFrame:
    """Culverts (HDMC, LXBM, HDZXZH in km), as registers list them: by stake, without a place on a map."""
    rows = [
        {"HDMC": f"{road.route_code}{number}号涵", "LXBM": road.route_key, "HDZXZH": round(stake / 1000.0, 3)}
        for road in ways
        for number, stake in enumerate(
            np.arange(road.stake_from_m + 350.0, road.stake_from_m + road.axis.length, 700.0), 1
        )
    ]
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries([None] * len(rows), crs=EPSG), crs=EPSG)


def townships_layer(counties: tuple[County, ...]) -> gpd.GeoDataFrame:
    """Townships (XZDM, XZMC): the northern and the southern half of each county."""
    rows, shapes = [], []
    for county in counties:
        west, south, east, north = county.area.bounds
        middle = (south + north) / 2
        for number, (low, high) in enumerate(((middle, north), (south, middle)), 1):
            rows.append({"XZDM": f"{county.code}{100 + number}", "XZMC": f"示例{'甲乙'[number - 1]}镇"})
            shapes.append(county.area.intersection(box(west, low, east, high)))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def announced_layer(ways: tuple[Road, ...]) -> gpd.GeoDataFrame:
    """The announced control zone of the provincial road, as surveyed (QLX, LXBM, GGWH, GGRQ)."""
    rows, shapes = [], []
    for road in ways:
        if road.announced:
            rows.append(
                {"QLX": "建筑控制区", "LXBM": road.route_key, "GGWH": "示例政告〔2019〕12号", "GGRQ": "2019-06-01"}
            )
            shapes.append(road.control.difference(road.land))
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=EPSG)


def exempt_layer(things: Sequence[Thing]) -> gpd.GeoDataFrame:
    """Lawful structures of the road itself (MC, LX)."""
    found = [thing for thing in things if thing.scenario == "exempt"]
    data = {"MC": [f"示例养护站{k}" for k, _ in enumerate(found, 1)], "LX": ["养护工区"] * len(found)}
    shapes = [thing.shape.buffer(2.0, join_style="mitre") for thing in found]
    return gpd.GeoDataFrame(data, geometry=shapes, crs=EPSG)


def registry_layer(sites: Sequence[Site]) -> gpd.GeoDataFrame:
    """Known billboards (LX, MC, BH, LXBM, ZH, YXQZ); those without a place have a stake."""
    columns = ("LX", "MC", "BH", "LXBM", "ZH", "YXQZ")
    rows = [
        (
            BILLBOARD, site.name, site.number, site.route_key, str(Stake(round(site.stake_m))),
            None if site.valid_to is None else site.valid_to.isoformat(),
        )
        for site in sites
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=columns, dtype=object)
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([site.at for site in sites], crs=EPSG), crs=EPSG)


def counties_layer(counties: tuple[County, ...]) -> gpd.GeoDataFrame:
    """Counties (XZQDM, XZQMC)."""
    rows = [{"XZQDM": county.code, "XZQMC": county.name} for county in counties]
    return gpd.GeoDataFrame(rows, geometry=[county.area for county in counties], crs=EPSG)


def write_gpkg(path: Path, tables: dict[str, gpd.GeoDataFrame]) -> None:
    """Layers into one GeoPackage, the same bytes every time: its time stamp is that of the world, not of the clock."""
    path.unlink(missing_ok=True)
    with undated():
        for name, table in tables.items():
            table.to_file(path, layer=name, driver="GPKG", engine="pyogrio")
