"""Linear referencing of a million points on ten thousand routes, on one core, beside bare ``shapely.line_locate_point``.

Prints seconds of that core, the ratio to the bare calculation on lines that are known beforehand, and the memory. Where real
posts are at hand (``LUYU_REAL_DATA``, a folder with ``gis/rosavto_m9_m10`` and ``gis/taiwan_stakes``) it prints how far off
the stakes are that were held out.

The M-10 has a line of its own, so its posts tell how well posts are placed. The roads of Taiwan have none: their lines are
chords between the very posts that calibrate them. They tell how crooked those chords are, and whether calibration survives
repeated and missing posts, and nothing of how well a post is placed on a surveyed line.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from goals import judged

from pipeline.linref.reference import LinearReference

ROUTES, VERTICES, STEP_M, POST_M = 10_000, 101, 50.0, 1000.0
POINTS = 1_000_000
CRS = 4548


def timed(name: str, run: Callable[[], object], *, bare_s: float | None = None) -> float:
    """Seconds of one core that a call takes, printed with the ratio to ``bare_s``."""
    start = time.process_time()
    run()
    seconds = time.process_time() - start
    ratio = "" if bare_s is None else f"   {seconds / bare_s:6.2f} x bare line_locate_point"
    print(f"{name:46} {seconds:7.2f} s{ratio}   {_peak_mb():6.0f} MB at most so far", flush=True)
    return seconds


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def country(seed: int = 0) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Winding routes of 5 km each over 300 x 300 km, half of them digitised against their stakes, a post every kilometre."""
    rng = np.random.default_rng(seed)
    heading = rng.uniform(0, 2 * np.pi, (ROUTES, 1)) + np.cumsum(rng.normal(0, 0.1, (ROUTES, VERTICES - 1)), axis=1)
    steps = STEP_M * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    xy = np.concatenate([np.zeros((ROUTES, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    xy += rng.uniform(0, 300_000, (ROUTES, 1, 2)) + np.array([500_000.0, 3_800_000.0])
    against = np.arange(ROUTES) % 2 == 1
    drawn = xy.copy()
    drawn[against] = xy[against][:, ::-1]
    lines = shapely.linestrings(drawn.reshape(-1, 2), indices=np.repeat(np.arange(ROUTES), VERTICES))
    letters = np.array(list("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"))
    number = np.arange(ROUTES)
    sign = [f"C{letters[n // 1156]}{letters[n // 34 % 34]}{letters[n % 34]}" for n in number.tolist()]
    key = [name + "320322" for name in sign]
    nothing = dict.fromkeys(("tech_class", "pavement_width_m", "roadbed_width_m", "stake_from_m", "stake_to_m"), np.nan)
    names = {"route_code": sign, "route_key": key, "name": "", "road_class": "C"}
    roads = gpd.GeoDataFrame({**names, **nothing}, geometry=lines, crs=CRS)
    every = int(POST_M / STEP_M)
    posts = xy[:, ::every].reshape(-1, 2) + rng.normal(0, 3, (ROUTES * len(range(0, VERTICES, every)), 2))
    per = len(posts) // ROUTES
    stakes = gpd.GeoDataFrame(
        {
            "route_code": np.repeat(sign, per),
            "route_key": np.repeat(key, per),
            "stake_m": np.tile(np.arange(per) * POST_M, ROUTES),
        },
        geometry=shapely.points(posts),
        crs=CRS,
    )
    return roads, stakes


def speed() -> None:
    """Times of everything on one country."""
    roads, stakes = country()
    print(
        f"{ROUTES} routes, {ROUTES * (VERTICES - 1)} segments, {len(stakes)} posts, {POINTS} points; {_peak_mb():.0f} MB"
    )
    made: list[LinearReference] = []
    timed("construction", lambda: made.append(LinearReference(roads, stakes)))
    reference = made[0]
    rng = np.random.default_rng(1)
    route = rng.integers(0, ROUTES, POINTS)
    on = shapely.line_interpolate_point(roads.geometry.to_numpy()[route], rng.uniform(0, 1, POINTS), normalized=True)
    points = gpd.GeoSeries(shapely.points(shapely.get_coordinates(on) + rng.normal(0, 20, (POINTS, 2))), crs=CRS)
    codes = pd.Series(roads["route_code"].to_numpy()[route])
    known, shapes = roads.geometry.to_numpy()[route], points.to_numpy()
    bare_s = timed("bare line_locate_point on the known line", lambda: shapely.line_locate_point(known, shapes))
    told: list[pd.DataFrame] = []
    timed("locate, route not known", lambda: reference.locate(points), bare_s=bare_s)
    timed(
        "locate, route known, the first time",
        lambda: told.append(reference.locate(points, route_code=codes)),
        bare_s=bare_s,
    )
    known_s = timed("locate, route known", lambda: reference.locate(points, route_code=codes), bare_s=bare_s)
    judged("stakes, route known: times the speed of bare line_locate_point", bare_s / known_s, least=3)
    assert (told[0]["route_code"].to_numpy() == codes.to_numpy()).all()
    placed: list[gpd.GeoDataFrame] = []
    timed("place_many", lambda: placed.append(reference.place_many(codes, told[0]["stake_m"])), bare_s=bare_s)
    back_m = shapely.distance(placed[0].geometry.to_numpy(), shapes) - told[0]["offset_m"].to_numpy()
    print(f"    off the feet of the points by at most {np.abs(back_m).max():.1e} m")
    from_m = told[0]["stake_m"][:100_000]
    timed("span_of, 100 000 stretches", lambda: reference.span_of(codes[:100_000], from_m, from_m + 300))


def table(roads: list[dict[str, object]], crs: int) -> gpd.GeoDataFrame:
    """ROADS with nothing known of them but names and lines."""
    empty = dict.fromkeys(("tech_class", "pavement_width_m", "roadbed_width_m", "stake_from_m", "stake_to_m"), np.nan)
    return gpd.GeoDataFrame(
        [{"name": "", "road_class": "G", **empty, **road} for road in roads], geometry="geometry", crs=crs
    )


def posts_of(route: pd.Series, stake_m: pd.Series, geometry: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """STAKES."""
    return gpd.GeoDataFrame(
        {"route_code": route, "route_key": route, "stake_m": stake_m.astype(float)}, geometry=geometry
    )


def m10(folder: Path) -> list[np.ndarray]:
    """Errors in metres of the posts of the M-10 that were held out: the odd ones, then the even ones."""
    line = gpd.read_file(folder / "m10_path.shp").to_crs(32637).geometry.iloc[0]
    posts = gpd.read_file(folder / "m10_pk.shp").to_crs(32637).sort_values("Position", ignore_index=True)
    stakes = posts_of(pd.Series("M10", index=posts.index), posts["Position"], posts.geometry)
    roads = table([{"route_code": "M10", "route_key": "M10", "geometry": line}], 32637)
    errors = []
    for held in (1, 0):
        reference = LinearReference(roads, stakes.iloc[1 - held :: 2])
        out = stakes.iloc[held::2]
        errors.append((reference.locate(out.geometry)["stake_m"] - out["stake_m"]).abs().to_numpy())
    return errors


def taiwan(file: Path) -> pd.Series:
    """Median error in metres by route: lines made of the even posts of each, which calibrate them too; the odd ones held out.

    So the error is that of the chords between the even posts, and no test of placement.
    """
    posts = pd.read_csv(file).rename(columns={"Latitude": "lon", "Longitude": "lat"})  # the header has them swapped
    posts = posts.drop_duplicates(["Road", "Mileage"]).sort_values(["Road", "Mileage"], ignore_index=True)
    shapes = gpd.GeoSeries(shapely.points(posts["lon"], posts["lat"]), crs=4326).to_crs(3826)
    stakes = posts_of(posts["Road"], posts["Mileage"], shapes)
    odd = posts.groupby("Road").cumcount().to_numpy() % 2 == 1
    even = stakes[~odd]
    lines = [
        {"route_code": name, "route_key": name, "geometry": shapely.LineString(mine.geometry.tolist())}
        for name, mine in even.groupby("route_code")
        if len(mine) > 1
    ]
    reference = LinearReference(table(lines, 3826), even)
    held = stakes[odd & stakes["route_code"].isin([line["route_code"] for line in lines]).to_numpy()]
    found = reference.locate(held.geometry, route_code=held["route_code"])
    return (found["stake_m"] - held["stake_m"]).abs().groupby(held["route_code"]).median()


def main() -> None:
    """Everything."""
    speed()
    folder = Path(os.environ.get("LUYU_REAL_DATA", "")) / "gis"
    if not (folder / "rosavto_m9_m10").is_dir():
        print("no real posts at hand; name their folder in LUYU_REAL_DATA")
        return
    for which, off_m in zip(("odd", "even"), m10(folder / "rosavto_m9_m10"), strict=True):
        print(
            f"M-10, 646 km: {len(off_m)} {which} posts held out: median {np.median(off_m):.1f} m,"
            f" 95 % within {np.quantile(off_m, 0.95):.1f} m, the worst {off_m.max():.0f} m"
        )
    off = taiwan(folder / "taiwan_stakes" / "data_raw_axis_swapped.csv")
    print(
        f"Taiwan: {len(off)} routes, odd posts held out: median over routes of their median error {off.median():.1f} m,"
    )
    print(
        f"    90 % of the routes within {off.quantile(0.9):.1f} m; the lines are chords between the even posts themselves, so"
    )
    print(
        "    this tells how crooked they are, and that repeated and missing posts are survived, not how well posts are placed"
    )


if __name__ == "__main__":
    main()
