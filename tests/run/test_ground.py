"""Layers placed for decisions, and what they make of candidates; no pixel is read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import Point, box

from pipeline.config import RunConfig
from pipeline.ledger import Ledger
from pipeline.model.tables import CANDIDATES
from pipeline.run.findings import placed
from pipeline.run.plan import Plan, make_plan

LAYERS = """\
roads:
  path: roads.gpkg
  columns: {route: LXBM, name: LXMC, tech_class: LDJSDJ, pavement_width_m: LMKD, roadbed_width_m: LJKD,
            stake_from_km: QDZH, stake_to_km: ZDZH, design_speed_kmh: SJSS, managed_by_city: CITY, structure: SORT,
            concurrent_with: GYLD}
counties: {path: given.gpkg, layer: counties, columns: {code: XZQDM, name: XZQMC}}
townships: {path: given.gpkg, layer: townships, columns: {code: XZDM, name: XZMC}}
permits: {path: permits.gpkg, columns: {number: XKZH, kind: SX, valid_from: YXQQ, valid_to: YXQZ, route: LXBM, stake: ZH, side: CB}}
assets:
  - {kind: tunnel, path: tunnels.gpkg, columns: {name: SDMC, route: LXBM, stake_km: SDRKZH, length_m: SDCD}}
"""


def write(folder: Path, world: Path, **flags: object) -> None:
    """The world's layers with the columns and tables of these tests."""
    source = world / "layers.gpkg"
    roads = gpd.read_file(source, layer="roads").assign(CITY=2, SORT=None, GYLD=None)
    for column, values in flags.items():
        roads[column] = values
    roads.to_file(folder / "roads.gpkg")
    for name in ("counties", "townships"):
        gpd.read_file(source, layer=name).to_file(folder / "given.gpkg", layer=name)
    places = gpd.GeoSeries([None], crs=4548)
    route, first_km = roads.loc[0, ["LXBM", "QDZH"]]
    tunnel = {"SDMC": "示例隧道", "LXBM": route, "SDRKZH": round(first_km + 0.05, 3), "SDCD": 100.0}
    gpd.GeoDataFrame([tunnel], geometry=places, crs=4548).to_file(folder / "tunnels.gpkg")
    span = f"{stake(first_km + 0.3)}~{stake(first_km + 0.4)}"
    permit = {"XKZH": "示例许1号", "SX": "涉路施工", "YXQQ": "2024-01-01", "YXQZ": "2025-12-31"}
    listed = gpd.GeoDataFrame([{**permit, "LXBM": route, "ZH": span, "CB": "左侧"}], geometry=places, crs=4548)
    listed.to_file(folder / "permits.gpkg")
    (folder / "layers.yaml").write_text(LAYERS, encoding="utf-8")


def stake(km: float) -> str:
    return f"K{int(km)}+{round(1000 * (km % 1)):03d}"


def placed_by(table, plan):
    """Candidates placed beside a ledger that knows nothing yet."""
    with Ledger.open(plan.config.ledger) as ledger:
        return placed(table, plan, ledger)


def plan_of(world: Path, folder: Path, *more: str) -> Plan:
    return make_plan(RunConfig.load(world / "run.yaml", [f"layers={folder / 'layers.yaml'}", *more]))


def candidates(plan: Plan, shapes: list[shapely.Polygon], kind: str = "building") -> gpd.GeoDataFrame:
    first, last = plan.before[0].scene_id, plan.after[-1].scene_id
    row = {
        "kind": kind, "confidence": 0.95, "detector": kind, "detector_version": "9", "evidence": "{}", "tile_id": "t",
        "truncated": False, "last_absent": dt.date(2024, 4, 28), "first_seen": dt.date(2024, 10, 12), "confirmed_on": None,
        "gone_on": None, "scene_before": first, "scene_after": last, "shift_px": 0.1, "geo_rmse_m": 0.5,
    }  # fmt: skip
    return CANDIDATES.check(gpd.GeoDataFrame([row] * len(shapes), geometry=shapes, crs=plan.layers.epsg))


def beside(plan: Plan, section: int, at_m: float, off_m: float, size_m: float = 8.0) -> shapely.Polygon:
    """A square off to the left of a section, facing increasing stakes."""
    first = float(plan.layers.roads.loc[section, "stake_from_m"])
    route = plan.layers.roads.loc[section, "route_key"]
    a, b = (plan.linref.place(route, first + at_m + step) for step in (0.0, 1.0))
    ahead = (b.x - a.x, b.y - a.y)
    at = Point(a.x - ahead[1] * off_m, a.y + ahead[0] * off_m)
    return box(at.x - size_m / 2, at.y - size_m / 2, at.x + size_m / 2, at.y + size_m / 2)


def test_a_tunnel_has_no_zone_is_not_due_and_is_told(world: Path, tmp_path: Path) -> None:
    write(tmp_path, world)
    plan = plan_of(world, tmp_path)
    plain = make_plan(RunConfig.load(world / "run.yaml"))
    section = int(plan.layers.roads.index[0])
    over = beside(plan, section, 100.0, 15.0)
    assert "G311" not in set(plan.zones["route_code"][plan.zones.intersects(over)])
    assert "G311" in set(plain.zones["route_code"][plain.zones.intersects(over)])
    assert plan.km_due == pytest.approx(plain.km_due - 0.1, abs=0.01)
    assert any("0.10 km in tunnels" in note for note in plan.notes), plan.notes  # of two carriageways half each
    elsewhere = plan_of(world, tmp_path, "area={routes: [X201]}")
    assert not any("tunnels" in note for note in elsewhere.notes), "nobody asked for that road"
    row, same = (placed_by(candidates(one, [over]), one).iloc[0] for one in (plan, plain))
    assert same["route_code"] == "G311"
    assert row["why_not"] == "outside_zone" or row["route_code"] != "G311"  # another road may run near


def test_a_permit_listed_by_stakes_covers_its_side_only(world: Path, tmp_path: Path) -> None:
    write(tmp_path, world)
    plan = plan_of(world, tmp_path)
    section = int(plan.layers.roads.index[0])
    table = placed_by(candidates(plan, [beside(plan, section, 350.0, 20.0), beside(plan, section, 450.0, 20.0)]), plan)
    assert list(table["permit_no"]) == ["示例许1号", None]
    assert list(table["permit_state"]) == ["covered", None]
    other = placed_by(candidates(plan, [beside(plan, section, 350.0, -30.0)]), plan)
    assert list(other["permit_no"]) == [None]


def test_what_an_officer_needs_stands_with_the_finding(world: Path, tmp_path: Path) -> None:
    write(tmp_path, world)
    plan = plan_of(world, tmp_path)
    section = int(plan.layers.roads.index[0])
    row = placed_by(candidates(plan, [beside(plan, section, 450.0, 20.0)]), plan).iloc[0]
    assert row["reportable"]
    assert row["township_code"].startswith(row["county_code"])
    assert "江苏省公路条例第三十四条第二款" in row["law"]  # of the county's province
    assert row["addressee"]
    assert "划定公告" in row["next_step"]
    assert row["asset_name"] == "示例隧道"
    assert row["asset_along_m"] == pytest.approx(-400.0, abs=3.0)
    assert row["zone_probability"] > 0.9
    told = json.loads(row["evidence"])
    assert told["errors_m"]["zone_edge"] == pytest.approx(1.8, abs=0.01)
    assert told["supports_accusation"] is False  # the line is estimated


def test_a_city_street_is_not_due(world: Path, tmp_path: Path) -> None:
    roads = gpd.read_file(world / "layers.gpkg", layer="roads")
    write(tmp_path, world, CITY=[1 if code.startswith("X") else 2 for code in roads["LXBM"]])
    plan = plan_of(world, tmp_path)
    assert "X201" not in set(plan.due["route_code"])
    assert "X201" not in set(plan.zones["route_code"])
    assert any("of city streets" in note for note in plan.notes)


def test_a_shared_road_is_due_once_and_both_routes_are_named(world: Path, tmp_path: Path) -> None:
    roads = gpd.read_file(world / "layers.gpkg", layer="roads")
    lower = roads.iloc[[0]].assign(LXBM="S999320000", QDZH=10.0, ZDZH=10.0 + roads.length.iloc[0] / 1000)
    both = pd.concat([roads, lower], ignore_index=True)
    write(tmp_path, world)
    both.assign(CITY=2, SORT=None, GYLD=None).to_file(tmp_path / "roads.gpkg")
    plan, alone = plan_of(world, tmp_path), plan_of(world, tmp_path, "area={routes: [S999]}")
    assert "S999" not in set(plan.due["route_code"])
    assert any("S999" in note and "drawn once" in note for note in plan.notes)
    assert set(alone.due["route_code"]) == {"S999"}  # nobody asked for the other, so it is looked at under this name
    first = float(plan.layers.roads.loc[0, "stake_from_m"]) / 1000
    short = (
        f"area={{routes: [S999], stretches: [{{route: G311, from: {stake(first + 0.1)}, to: {stake(first + 0.3)}}}]}}"
    )
    km = plan_of(world, tmp_path, short).due.groupby("route_code")["geometry"].agg(lambda lines: lines.length.sum())
    assert km["S999"] == pytest.approx(roads.length.iloc[0] - 200.0, abs=25.0)  # the rest is looked at as G311
    row = placed_by(candidates(plan, [beside(plan, 0, 450.0, 20.0)]), plan).iloc[0]
    assert row["route_code"] == "G311"
    assert row["concurrent"].startswith("S999 K10+4")
