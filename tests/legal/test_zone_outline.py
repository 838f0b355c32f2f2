"""Zone, membership and edge distance near footprints are those of one union of all zones."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.stats import norm
from shapely import LineString, MultiLineString, Point, box

from pipeline.legal import membership
from pipeline.legal.membership import judge
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import road_zones

from .roads import CRS, roads

RULES = LegalRules.load()
KINDS = ("pavement", "highway_land", "control_zone")
SEAM_M, SIGMA_M = 0.005, 2.0


def edge_of(grounds):
    widened = shapely.union_all(shapely.buffer(grounds, SEAM_M, join_style="mitre"))
    return shapely.boundary(shapely.buffer(widened, -SEAM_M, join_style="mitre"))


def by_one_union(footprints, zones, yielding):
    """The same answers the slow way: one union, whole polygons, a footprint at a time."""
    grounds = zones.geometry.to_numpy()
    edges = edge_of(grounds), edge_of(grounds[zones["zone"] != "control_zone"])
    asked = zip(footprints, yielding, strict=True)
    return pd.DataFrame(
        [one_by_one(shape, yields, zones, grounds, edges) for shape, yields in asked], index=footprints.index
    )


def one_by_one(shape, yields, zones, grounds, edges):
    kinds = zones["zone"].map(KINDS.index).to_numpy()
    pieces = {k: shape.intersection(grounds[k]) for k in np.flatnonzero(shapely.intersects(grounds, shape))}
    area = [sum(piece.area for k, piece in pieces.items() if kinds[k] == kind) for kind in range(3)]
    material = [kind for kind in range(3) if area[kind] > 0 and area[kind] >= min(1.0, 0.01 * shape.area)]
    inner = [piece for k, piece in pieces.items() if not material or kinds[k] <= material[0]]
    depth, in_land = (
        max((edge.distance(Point(p)) for p in shapely.get_coordinates(inner)), default=0) for edge in edges
    )
    if material:
        kind = material[0]
        if yields and kind == 1 and area[2] > 0:
            land = min(k for k in pieces if kinds[k] != 2)
            kind += norm.cdf(in_land / np.hypot(SIGMA_M, zones["edge_sigma_m"].iloc[land])) < 0.9
        row = max((k for k in pieces if kinds[k] == kind), key=lambda k: (round(pieces[k].area, 6), -k))
    else:
        row = int(np.argmin(shapely.distance(grounds, shape)))
    distance = depth if pieces else -edges[0].distance(shape)
    if not yields and material and material[0] < 2:
        distance = in_land  # forbidden on the highway land only: its edge is the one that counts
    mine = zones.iloc[row]
    chance = norm.cdf(distance / np.hypot(SIGMA_M, mine["edge_sigma_m"]))
    member = "inside" if chance >= 0.9 else "outside" if chance <= 0.1 else "undetermined"
    return {
        "zone": "outside" if member == "outside" else mine["zone"],
        "membership": member,
        "edge_distance_m": distance,
        "zone_basis": mine["basis"],
        "edge_sigma_m": mine["edge_sigma_m"],
        **{name: mine[name] for name in ("route_code", "section", "side", "road_class")},
        **{f"overlap_{kind}_m2": area[k] for k, kind in enumerate(KINDS)},
    }


def network(rng):
    """Roads that cross, go on as another section, turn back on themselves or run in two carriageways; announced ground."""
    turns = np.cumsum(rng.normal(0, 0.15, (4, 24)), axis=1) + rng.uniform(0, 2 * np.pi, (4, 1))
    steps = 40 * np.stack([np.cos(turns), np.sin(turns)], axis=2)
    lines = rng.uniform(-300, 300, (4, 1, 2)) + np.cumsum(steps, axis=1)
    gap_m = rng.uniform(12, 60)
    hairpin = [(-400, 0), (400, 0), (420, rng.uniform(15, 50)), (-300, rng.uniform(20, 80))]
    middle = rng.integers(8, 16)
    table = roads(
        {"geometry": LineString(lines[0, : middle + 1])},
        {"geometry": LineString(lines[0, middle:])},
        {"geometry": LineString(lines[1]), "route_code": "S1", "road_class": "S"},
        {"geometry": LineString(lines[2]), "route_code": "X1", "road_class": "X"},
        {"geometry": LineString(hairpin) if rng.random() < 0.5 else LineString(lines[3]), "route_code": "S2"},
        {
            "geometry": MultiLineString([[(-500, 300), (500, 300)], [(500, 300 + gap_m), (-500, 300 + gap_m)]]),
            "route_code": "G30",
            "road_class": "expressway",
        },
    )
    x, y = lines[1, rng.integers(5, 15)]
    announced = gpd.GeoDataFrame(
        {"zone": ["control_zone"], "basis": ["announced"], "route_code": ["S1"], "number": [None]},
        geometry=[box(x - 150, y - 150, x + rng.uniform(0, 150), y + rng.uniform(0, 150))],
        crs=CRS,
    ).assign(announced_on=None)
    return table, announced


def houses(rng, table, count=70):
    """Turned rectangles beside the roads and, a few, far away."""
    line = table.geometry.to_numpy()[rng.integers(0, len(table), count)]
    at = shapely.line_interpolate_point(line, rng.uniform(0, 1, count), normalized=True)
    xy = shapely.get_coordinates(at) + rng.normal(0, 30, (count, 2)) * rng.choice([1.0, 5.0], (count, 1), p=[0.9, 0.1])
    half, turn = rng.uniform(1, 20, (count, 1, 2)), rng.uniform(0, np.pi, count)
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    turned = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(-1, 1, 2, 2)
    return gpd.GeoSeries(shapely.polygons(xy[:, None] + (turned @ corners[..., None])[..., 0]), crs=CRS)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_as_by_one_union(seed):
    rng = np.random.default_rng(seed)
    table, announced = network(rng)
    zones, footprints = road_zones(table, RULES, announced=announced), houses(rng, table)
    yielding = pd.Series(rng.random(len(footprints)) < 0.5, index=footprints.index)
    found = judge(footprints, zones, SIGMA_M, yielding=yielding)
    expected = by_one_union(footprints, zones, yielding)
    np.testing.assert_allclose(found["edge_distance_m"], expected["edge_distance_m"], atol=0.01)
    for name in (column for column in expected if column != "edge_distance_m"):
        if expected[name].dtype == float:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
        else:
            assert found[name].tolist() == expected[name].tolist(), name


def test_deeper_than_what_is_looked_at_first():
    announced = gpd.GeoDataFrame(
        {"zone": ["control_zone"], "basis": ["announced"], "route_code": [None], "number": [None]},
        geometry=[box(200, 0, 600, 140)],
        crs=CRS,
    ).assign(announced_on=None)
    zones = road_zones(roads({"geometry": LineString([(0, 0), (1000, 0)])}), RULES, announced=announced)
    footprints = gpd.GeoSeries([box(380, 60, 400, 80), box(300, 130, 310, 150), box(300, 900, 310, 910)], crs=CRS)
    found = judge(footprints, zones, 1.0)
    np.testing.assert_allclose(found["edge_distance_m"], [80, 10, -760], atol=0.02)


def test_parts_do_not_matter(monkeypatch):
    rng = np.random.default_rng(5)
    table, announced = network(rng)
    zones, footprints = road_zones(table, RULES, announced=announced), houses(rng, table)
    asked = pd.Series(rng.random(len(footprints)) < 0.5, index=footprints.index)
    whole = judge(footprints, zones, SIGMA_M, yielding=asked)
    monkeypatch.setattr(membership, "_PART", 7)
    pd.testing.assert_frame_equal(judge(footprints, zones, SIGMA_M, yielding=asked), whole)
