"""Whose and where, at the size of a country: seconds of every step, peak memory, beside bare joins in the same run.

    python benchmarks/bench_attribution.py [--findings 100000] [--assets 1000000] [--sections 10000] [--counties 3025]
                                           [--road-zones 0] [--seed 7] [--profile STEP] [--quick]

Goal: all steps together within 60 s and 4 GB on two cores. The world is made here from the seed: sections of 10 km in
routes of five, counties with borders of 2 000 vertices in the mean and of more than 100 000 at worst, assets of which a
quarter is known by stake only. Zones are plain buffers, since the zones of a country are made once and not with every
run; ``--road-zones N`` times ``road_zones`` on the first N sections too. The bare joins are ``geopandas.sjoin`` of the
findings with the counties and ``sjoin_nearest`` with the assets that have a place: what anyone would write in two
lines, without stakes, shares, borders, permits or zones.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime as dt
import pstats
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.attribution.along import alongside
from pipeline.attribution.assets import assets, placed_assets
from pipeline.attribution.counties import counties, townships
from pipeline.attribution.exempt import exempt
from pipeline.attribution.facilities import facilities, own_facilities
from pipeline.attribution.impacts import impacts
from pipeline.attribution.permits import permits
from pipeline.attribution.place import place
from pipeline.legal.membership import judge
from pipeline.legal.rules import LegalRules
from pipeline.legal.zones import road_zones
from pipeline.linref.reference import LinearReference
from pipeline.model.kinds import Zone

EPSG = 4548
EXTENT_M, SECTION_M, STEP_M, PER_ROUTE = 2_200_000.0, 10_000.0, 100.0, 5
KINDS = ("building", "stockpile", "billboard", "roadworks", "grain_drying")
SHARES = {"sign": 0.4, "marker": 0.28, "culvert": 0.15, "barrier": 0.1, "bridge": 0.05, "gantry": 0.01}
SHARES |= {"interchange": 0.004, "toll_station": 0.002, "service_area": 0.002, "tunnel": 0.002}  # of the assets


@dataclass
class Clock:
    """Seconds by step, by the wall (too many on a machine that others use too) and of the processor, all threads."""

    profiled: str | None
    seconds: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)

    def __call__(self, step: str, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What ``work`` returns, its seconds printed and kept."""
        profile = cProfile.Profile() if step == self.profiled else None
        start, busy = time.perf_counter(), time.process_time()
        result = work(*args, **options) if profile is None else profile.runcall(work, *args, **options)
        self.seconds[step], self.busy[step] = time.perf_counter() - start, time.process_time() - busy
        took = f"{self.seconds[step]:8.2f} s   {self.busy[step]:8.2f} s of CPU"
        print(f"{step:<28} {took}   peak {peak_gb():5.2f} GB", flush=True)
        if profile is not None:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(25)
        return result


def peak_gb() -> float:
    """Most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def frame(shapes: Any, **columns: Any) -> gpd.GeoDataFrame:
    """A table in the plane of the run."""
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.GeoSeries(shapes, crs=EPSG), crs=EPSG)


def centrelines(rng: np.random.Generator, count: int) -> np.ndarray:
    """Vertices (sections, n, 2): gentle bends, each route's sections end to end."""
    routes = -(-count // PER_ROUTE)
    per_section = int(SECTION_M / STEP_M)
    heading = rng.uniform(0, 2 * np.pi, (routes, 1)) + np.cumsum(
        rng.normal(0, 0.06, (routes, PER_ROUTE * per_section)), axis=1
    )
    steps = STEP_M * np.stack([np.cos(heading), np.sin(heading)], axis=2)
    start = rng.uniform(0.05 * EXTENT_M, 0.95 * EXTENT_M, (routes, 1, 2))
    xy = np.concatenate([start, start + np.cumsum(steps, axis=1)], axis=1)
    cut = [xy[:, k * per_section : (k + 1) * per_section + 1] for k in range(PER_ROUTE)]
    return np.stack(cut, axis=1).reshape(-1, per_section + 1, 2)[:count]


def make_roads(xy: np.ndarray) -> gpd.GeoDataFrame:
    """Table ROADS: stakes run on along each route, and equal the measure."""
    number = np.arange(len(xy))
    code = np.array([f"S{n:04d}" for n in number // PER_ROUTE], dtype=object)
    first_m = (number % PER_ROUTE) * SECTION_M
    return frame(
        shapely.linestrings(xy),
        route_code=code,
        route_key=code + "320000",
        name=code,
        road_class="S",
        tech_class=2.0,
        pavement_width_m=9.0,
        roadbed_width_m=12.0,
        stake_from_m=first_m,
        stake_to_m=first_m + SECTION_M,
    )


def beside(rng: np.random.Generator, xy: np.ndarray, count: int, reach_m: float) -> tuple[np.ndarray, ...]:
    """Places beside the roads: ``xy, section, measure_m, offset_m`` (left positive)."""
    section = rng.integers(0, len(xy), count)
    measure_m = rng.uniform(0, SECTION_M, count)
    offset_m = rng.uniform(-reach_m, reach_m, count)
    segment = np.minimum((measure_m / STEP_M).astype(int), xy.shape[1] - 2)
    start, ahead = xy[section, segment], (xy[section, segment + 1] - xy[section, segment]) / STEP_M
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    along = start + ahead * (measure_m - segment * STEP_M)[:, None]
    return along + normal * offset_m[:, None], section, measure_m, offset_m


def boxes(rng: np.random.Generator, at: np.ndarray, low_m: float, high_m: float) -> np.ndarray:
    """Rectangles turned at random."""
    half = rng.uniform(low_m, high_m, (len(at), 2)) / 2
    turn = rng.uniform(0, np.pi, len(at))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half[:, None, :]
    across = np.stack([np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1)
    return shapely.polygons(at[:, None, :] + np.einsum("nij,nkj->nki", across, corners))


def make_counties(rng: np.random.Generator, count: int) -> gpd.GeoDataFrame:
    """Counties in rows; neighbours share every vertex of the wavy line between them."""
    rows = round(count**0.5)
    size = EXTENT_M / rows
    edge: dict[tuple[int, int, int], np.ndarray] = {}
    vertices = np.clip(rng.lognormal(np.log(300), 1.0, (2, rows + 1, rows + 1)), 8, 50_000).astype(int)
    vertices[:, rng.integers(0, rows, 10), rng.integers(0, rows, 10)] = 100_000
    for axis, i, j in np.ndindex(2, rows + 1, rows + 1):
        t = np.linspace(0, 1, vertices[axis, i, j])
        bend = rng.normal(0, 1, 40) / np.arange(1, 41)
        wave = np.sin(2 * np.pi * np.arange(1, 41) * t[:, None] + rng.uniform(0, 6, 40)) @ bend
        away = 0.02 * size * wave * (4 * t * (1 - t)) ** 2
        line = np.column_stack([(i + t) * size, j * size + away])
        edge[axis, i, j] = line if axis == 0 else np.column_stack([i * size + away, (j + t) * size])
    cells = []
    for i, j in np.ndindex(rows, rows):
        there, back = (edge[0, i, j], edge[1, i + 1, j][1:]), (edge[0, i, j + 1][::-1][1:], edge[1, i, j][::-1][1:-1])
        cells.append(shapely.Polygon(np.concatenate([*there, *back])))
    return frame(cells, code=[f"{110000 + n}" for n in range(len(cells))], name=[f"县{n}" for n in range(len(cells))])


def make_townships(counties: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Twelve townships a county, in straight lines."""
    rows = round(len(counties) ** 0.5)
    x, y = np.linspace(0, EXTENT_M, 4 * rows + 1), np.linspace(0, EXTENT_M, 3 * rows + 1)
    i, j = (index.ravel() for index in np.meshgrid(np.arange(4 * rows), np.arange(3 * rows), indexing="ij"))
    county = counties["code"].to_numpy()[(i // 4) * rows + j // 3]
    code = [f"{at}{n:03d}" for at, n in zip(county, (i % 4) * 3 + j % 3, strict=True)]
    return frame(shapely.box(x[i], y[j], x[i + 1], y[j + 1]), code=code, name=code)


def make_assets(rng: np.random.Generator, xy: np.ndarray, roads: gpd.GeoDataFrame, count: int) -> gpd.GeoDataFrame:
    """Table ASSETS: points, some lines and polygons, a quarter by stake only."""
    at, section, measure_m, offset_m = beside(rng, xy, count, 15.0)
    kind = rng.choice(list(SHARES), count, p=list(SHARES.values()))
    shapes = shapely.points(at)
    barrier, area = kind == "barrier", np.isin(kind, ["service_area", "toll_station"])
    shapes[barrier] = shapely.linestrings(np.stack([at[barrier], at[barrier] + [60.0, 20.0]], axis=1))
    shapes[area] = boxes(rng, at[area], 60.0, 200.0)
    shapes[rng.random(count) < 0.25] = None
    long = np.isin(kind, ["bridge", "tunnel"])
    return frame(
        shapes,
        kind=kind.astype(object),
        name=np.array([f"{k}{n}" for n, k in enumerate(kind)], dtype=object),
        route_code=roads["route_code"].to_numpy()[section],
        stake_m=np.round(roads["stake_from_m"].to_numpy()[section] + measure_m),
        length_m=np.where(long, rng.uniform(20, 400, count), np.nan),
        width_m=np.where(kind == "bridge", 12.0, np.nan),
        side=np.where(offset_m > 0, "left", "right").astype(object),
    )


def make_zones(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Table ZONES: plain rings round the centrelines."""
    lines, parts, inside = roads.geometry.to_numpy(), [], None
    bands = ((Zone.PAVEMENT, 0.0, 4.5), (Zone.HIGHWAY_LAND, 4.5, 9.0), (Zone.CONTROL_ZONE, 9.0, 24.0))
    for zone, inner_m, outer_m in bands:
        ground = shapely.buffer(lines, outer_m, cap_style="flat")
        columns = {"route_code": roads["route_code"], "section": roads.index, "road_class": "S", "side": "left"}
        columns |= {"zone": zone.value, "basis": "estimated", "inner_m": inner_m, "outer_m": outer_m}
        shapes = ground if inside is None else shapely.difference(ground, inside)
        parts.append(frame(shapes, **columns, edge_sigma_m=2.0, law=""))
        inside = ground
    return pd.concat(parts, ignore_index=True)


def make_world(seed: int, findings: int, assets: int, sections: int, counties: int) -> SimpleNamespace:
    """Everything, from the seed alone."""
    rng = np.random.default_rng(seed)
    xy = centrelines(rng, sections)
    roads = make_roads(xy)
    areas = make_counties(rng, counties)
    at, section, measure_m, _ = beside(rng, xy, 25_000, 25.0)
    listed = rng.random(len(at)) < 0.2
    stretch = {"route_code": roads["route_code"].to_numpy()[section]}
    stretch["stake_from_m"] = roads["stake_from_m"].to_numpy()[section] + np.minimum(measure_m, SECTION_M - 100)
    stretch |= {"stake_to_m": stretch["stake_from_m"] + 80.0, "side": np.where(listed, "left", "right").astype(object)}
    dates = {"valid_from": dt.date(2016, 1, 1), "valid_to": dt.date(2018, 1, 1)}
    granted = boxes(rng, at, 20, 60)
    granted[listed] = None
    number = np.array([f"P{n}" for n in range(len(at))], dtype=object)
    some = slice(0, len(at), 5)
    places = beside(rng, xy, findings, 60.0)[0]
    return SimpleNamespace(
        roads=roads,
        counties=areas,
        townships=make_townships(areas),
        zones=make_zones(roads),
        assets=make_assets(rng, xy, roads, assets),
        permits=frame(granted, number=number, kind=rng.choice(["广告牌", "接道", "管线"], len(at)), **dates, **stretch),
        exempt=frame(
            boxes(rng, at[some], 20, 60),
            name=number[some],
            reason="划定前合法建筑",
            number=number[some],
            built_on=dt.date(2005, 1, 1),
            designated_on=dt.date(2011, 7, 1),
        ),
        findings=frame(boxes(rng, places, 5.0, 40.0), kind=rng.choice(KINDS, findings)),
    )


def attribute(world: SimpleNamespace, clock: Clock) -> gpd.GeoDataFrame:
    """Every step of placing the findings."""
    found = world.findings
    linref = clock("LinearReference", LinearReference, world.roads)
    judged = clock("judge", judge, found.geometry, world.zones, 2.0)
    found = found.join(judged.drop(columns="side"))
    found = found.join(clock("place", place, found, linref, found["section"]))
    found = found.join(clock("counties", counties, found, world.counties))
    found = found.join(clock("townships", townships, found, world.townships))
    placed, lost = clock("placed_assets", placed_assets, world.assets, linref)
    print(f"  {len(lost)} problems: {lost[:1]}")
    found = found.join(clock("assets", assets, found, placed, linref))
    found = found.join(clock("impacts", impacts, found, placed, linref, kinds=found["kind"]))
    found = found.join(clock("facilities", lambda: facilities(found, own_facilities(placed))))
    granted, _ = clock("alongside (permits)", alongside, world.permits, linref, 24.0)
    on = pd.Series("2017-10-20", index=found.index)
    words = {"广告牌": ("billboard",), "接道": ("roadworks",)}
    found = found.join(clock("permits", permits, found, granted, on=on, kinds=words, finding_kinds=found["kind"]))
    return found.join(clock("exempt", exempt, found, world.exempt, on=on))


def main() -> None:
    """Make the world, attribute, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("findings", 100_000), ("assets", 1_000_000), ("sections", 10_000), ("counties", 3025)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--road-zones", type=int, default=0, help="sections to time road_zones on")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--profile", help="step to profile")
    parser.add_argument("--quick", action="store_true", help="a tenth of all")
    asked = parser.parse_args()
    if asked.quick:
        asked.findings, asked.assets, asked.sections, asked.counties = 10_000, 100_000, 1_000, 300
    start = time.perf_counter()
    world = make_world(asked.seed, asked.findings, asked.assets, asked.sections, asked.counties)
    vertices = shapely.get_num_coordinates(world.counties.geometry.to_numpy())
    print(
        f"world in {time.perf_counter() - start:.1f} s, {peak_gb():.2f} GB; {len(vertices)} counties, {vertices.sum()}"
    )
    print(f"  vertices, {vertices.max()} in the largest; {world.assets.geometry.isna().sum()} assets by stake only")
    bare = Clock(None)
    bare("sjoin counties", gpd.sjoin, world.findings, world.counties)
    there = world.assets[world.assets.geometry.notna()]
    bare("sjoin_nearest assets", gpd.sjoin_nearest, world.findings, there, max_distance=500.0, distance_col="m")
    clock = Clock(asked.profile)
    found = attribute(world, clock)
    total, least = sum(clock.busy.values()), sum(bare.busy.values())
    print(f"total {sum(clock.seconds.values()):.1f} s, {total:.1f} s of CPU, peak {peak_gb():.2f} GB")
    print(f"bare joins {sum(bare.seconds.values()):.1f} s, {least:.1f} s of CPU: {total / least:.1f} times")
    for name in ("membership", "counties", "asset_kind", "impact", "facility", "permit_state", "exempt_note"):
        print(f"  {name}: {found[name].notna().sum()} known, {found[name].nunique()} different")
    if asked.road_zones:
        rules = LegalRules.load("configs/legal/jiangsu.yaml")
        clock("road_zones", road_zones, world.roads.iloc[: asked.road_zones], rules)


if __name__ == "__main__":
    main()
