"""Cases worked by hand from the texts: class x province x position x permit x date, from the road's line to the next step."""

import csv
import datetime as dt
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import LineString, box

from pipeline.attribution.exempt import exempt
from pipeline.attribution.permits import permits
from pipeline.legal.drawn import left_out
from pipeline.legal.engine import Facts, answer, answers
from pipeline.legal.membership import judge
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import road_zones
from pipeline.linref.reference import LinearReference
from pipeline.model.kinds import Zone
from pipeline.model.shipped import shipped

from .roads import CRS, roads

RULES = LegalRules.load(shipped("legal") / "china.yaml")
IMAGE_M = 1.0
LINES = [
    line
    for line in (Path(__file__).parent / "data" / "legal_cases.csv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
CASES = list(csv.DictReader(LINES))


def zones_of(case):
    number = {"expressway": "G30"}.get(case["class"], f"{case['class']}311")
    table = roads(
        {
            "geometry": LineString([(0, 0), (1000, 0)]),
            "route_code": number,
            "road_class": case["class"],
            "pavement_width_m": 9.0,
            "roadbed_width_m": 12.0,
            "ditch_m": float(case["ditch"]),
        }
    )
    county = gpd.GeoDataFrame({"code": [case["province"]], "name": [""]}, geometry=[box(-10, -200, 1010, 200)], crs=CRS)
    announced = None
    if case["announced"]:
        told = {"zone": "control_zone", "basis": "announced", "route_code": None, "number": None, "announced_on": None}
        announced = gpd.GeoDataFrame([told], geometry=[box(0, 10, 1000, float(case["announced"]))], crs=CRS)
    return road_zones(
        table, RULES, reference=LinearReference(table), without=left_out(table), counties=county, announced=announced
    )


def permit_of(case):
    columns = {"number": [], "kind": [], "valid_from": [], "valid_to": []}
    if not case["permit"]:
        return gpd.GeoDataFrame(columns, geometry=[], crs=CRS)
    kind, since, until, share = case["permit"].split("|")
    row = {"number": "示例许〔2024〕1号", "kind": kind or None, "valid_from": day(since), "valid_to": day(until)}
    return gpd.GeoDataFrame([row], geometry=[box(498, -80, 498 + 4 * float(share), 80)], crs=CRS)


def exempt_of(case):
    columns = {"name": [], "reason": [], "number": [], "built_on": [], "designated_on": []}
    if not case["lawful"]:
        return gpd.GeoDataFrame(columns, geometry=[], crs=CRS)
    reason, built, designated = case["lawful"].split("|")
    row = {"name": None, "reason": reason, "number": None, "built_on": day(built), "designated_on": day(designated)}
    return gpd.GeoDataFrame([row], geometry=[box(490, -80, 510, 80)], crs=CRS)


def day(text):
    return dt.date.fromisoformat(text) if text else None


@pytest.mark.parametrize("case", CASES, ids=[f"{c['n']}-{c['class']}-{c['kind']}" for c in CASES])
def test_the_rules_answer_as_worked_by_hand(case):
    shape = box(498, float(case["near_m"]), 502, float(case["far_m"]))
    table = gpd.GeoDataFrame({"kind": [case["kind"]], "county_code": [case["province"]]}, geometry=[shape], crs=CRS)
    mine = RULES.of(case["province"])
    both = table["kind"].map(lambda kind: mine.forbidden_in(kind, Zone.CONTROL_ZONE))
    table = table.join(judge(table.geometry, zones_of(case), IMAGE_M, yielding=both).drop(columns="side"))
    shown = pd.Series([day(case["date"])], dtype=object)
    table = table.join(
        permits(
            table,
            permit_of(case),
            on=shown,
            kinds=mine.permit_kinds,
            finding_kinds=table["kind"],
            never=mine.never_permitted,
        )
    ).join(exempt(table, exempt_of(case), on=shown, elsewhere=mine.reasons_elsewhere))
    said = answers(
        RULES, table.assign(lawful=table["exempt"] & table["kind"].isin(mine.lawful_kinds), area_m2=table.area)
    ).iloc[0]
    row = table.iloc[0]
    assert (row["zone"], row["membership"]) == (case["zone"], case["membership"])
    assert said["outcome"] == case["outcome"]
    for column, wanted in (("law", case["law"]), ("addressee", case["addressee"]), ("next_step", case["step"])):
        assert said[column] is None if not wanted else wanted in said[column], column


def test_the_table_is_as_wide_as_it_should_be():
    assert len(CASES) >= 60
    assert {c["class"] for c in CASES} == {"expressway", "G", "S", "X", "Y", "C", "Z"}
    assert {c["province"][:2] for c in CASES} == {"00", "32", "41"}
    assert len({(c["zone"], c["membership"]) for c in CASES}) >= 6
    assert len({c["permit"].split("|")[0] for c in CASES}) >= 6


FACTS = {"kind": "building", "zone": "control_zone", "membership": "inside", "road_class": "G"}


@pytest.mark.parametrize(
    ("zone", "basis", "membership", "supports"),
    [
        ("control_zone", "announced", "inside", True),
        ("control_zone", "estimated", "inside", False),
        ("control_zone", "announced", "undetermined", False),
        ("highway_land", "estimated", "inside", False),
        ("highway_land", "surveyed", "inside", True),
        ("pavement", "estimated", "inside", True),
    ],
)
def test_no_estimated_line_supports_an_accusation(zone, basis, membership, supports):
    facts = Facts(**{**FACTS, "zone": zone, "membership": membership, "zone_basis": basis})
    assert answer(RULES, facts).supports_accusation is supports


def test_outside_the_zone_only_what_may_block_the_view_is_spoken_of():
    outside = {**FACTS, "zone": "outside", "membership": "outside"}
    assert answer(RULES, Facts(**outside)).law is None
    said = answer(RULES, Facts(**outside, in_sight_ground=True))
    assert said.outcome == "advisory"
    assert "第十三条第二款" in said.law
    assert answer(RULES, Facts(**{**outside, "kind": "grain_drying"}, in_sight_ground=True)).outcome == "outside"


def test_a_repeated_offence_is_not_lenient():
    pile = {**FACTS, "kind": "stockpile", "zone": Zone.PAVEMENT, "area_m2": 4.0}
    assert "不予行政处罚" in answer(RULES, Facts(**pile)).next_step_zh
    assert "不予行政处罚" not in answer(RULES, Facts(**{**pile, "area_m2": 5.5})).next_step_zh
    again = answer(RULES, Facts(**pile, repeated=True)).next_step_zh
    assert "再次违法" in again
    assert "不予行政处罚" not in again


def test_what_it_does_to_assets_adds_a_step_and_is_never_minor():
    pile = {**FACTS, "kind": "stockpile", "zone": Zone.PAVEMENT, "area_m2": 4.0}
    said = answer(RULES, Facts(**pile, impact="under_bridge;in_sight_triangle")).next_step_zh
    assert "第五十九条" in said
    assert "妨碍安全视距" in said
    assert "不予行政处罚" not in said


def test_many_rows_are_answered_as_one_by_one():
    rows = pd.DataFrame(
        [
            {**FACTS, "kind": kind, "area_m2": area, "county_code": county, "zone": zone, "road_class": name}
            for kind in ("building", "stockpile", "grain_drying")
            for area in (4.9, 5.0, 5.1, 400.0)
            for county in ("320322", "411481", None)
            for zone in ("pavement", "control_zone")
            for name in ("G", "C")
        ],
        dtype=object,
    ).sample(frac=1.0, random_state=7)
    said = answers(RULES, rows)
    assert list(said.index) == list(rows.index)
    for index, row in rows.iterrows():
        one = answer(RULES, Facts(**row))
        assert (said.loc[index, "law"], said.loc[index, "next_step"]) == (one.law, one.next_step_zh)
