"""A ledger of a million events: how soon it answers a county's open list, and what an act and a run's findings cost.

Prints seconds and, beside the list, the ratio to the bare query of the same rows of the same file through ``sqlite3``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sqlite3
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import sqlalchemy as sa

from pipeline.ledger import Ledger
from pipeline.ledger.database import open_engine, writing
from pipeline.ledger.schema import cases, events, meta
from pipeline.ledger.standing import make_current

EPSG = 4548
COUNTY = "320322"
BEGAN = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def fill(place: Path, count: int, counties: int, rng: np.random.Generator) -> None:
    """Ten events a case: sightings, and the life of most of them; a tenth of the cases are open at the end."""
    Ledger.open(place).close()
    engine = open_engine(place, create=False, wait_s=60)
    acts = ("assigned", "confirmed", "notified", "rectified", "closed")
    detail = {"confidence": 0.7, "priority": 50.0, "zone": "control_zone", "scene_before": "b", "scene_after": "a"}
    with writing(engine) as connection:
        number = 0
        for start in range(0, count // 10, 5000):
            rows, told = [], []
            for k in range(start, min(start + 5000, count // 10)):
                code = COUNTY if k % counties == 0 else f"{320300 + k % counties:06d}"
                x, y = 400_000 + 40 * (k % 5000), 3_700_000 + 40 * (k // 5000)
                shape = shapely.box(x, y, x + 20, y + 12)
                name = f"{code}-202401-building-{k:06d}"
                rows.append(
                    {
                        "case_no": name, "series": f"{code}-202401-building", "seq": k, "kind": "building",
                        "county_code": code, "opened_on": "2024-01-05", "route_code": "G311", "stake": "K512+300",
                        "side": "left", "zone": "control_zone", "area_m2": 240.0, "epsg": EPSG,
                        "geometry": shapely.to_wkb(shape),
                    }
                )  # fmt: skip
                life = acts if rng.random() < 0.9 else acts[: int(rng.integers(0, 5))]
                whats = ["observed"] * (10 - len(life)) + list(life)
                for order, what in enumerate(whats):
                    number += 1
                    seen = what == "observed"
                    told.append(
                        {
                            "id": number, "case_no": name, "at": f"2024-{1 + order:02d}-06T03:00:00.000Z",
                            "actor": "machine" if seen else "Wang", "what": what, "key": f"{order}",
                            "on_date": f"2024-{1 + order:02d}-05" if seen else None,
                            "finding_id": f"f{number}" if seen else None, "run_id": "r", "epsg": None,
                            "geometry": None, "detail": detail if seen else {"due_on": "2025-01-01"},
                        }
                    )  # fmt: skip
            connection.execute(sa.insert(cases), rows)
            connection.execute(sa.insert(events), told)
        connection.execute(sa.delete(meta).where(meta.c.key == "standings"))
    engine.dispose()


def remake(place: Path) -> float:
    """Seconds in which the table of standings is made from all events."""
    engine = open_engine(place, create=False, wait_s=60)  # opening makes it
    with writing(engine) as connection:
        connection.execute(sa.delete(meta).where(meta.c.key == "standings"))
    began = time.perf_counter()
    with writing(engine) as connection:
        make_current(connection)
    engine.dispose()
    return time.perf_counter() - began


def bare(place: Path) -> tuple[float, int]:
    """Seconds of the bare query for the rows of the open list, and how many they are."""
    began = time.perf_counter()
    with sqlite3.connect(place) as connection:
        found = connection.execute(
            "SELECT case_no, state, lon, lat FROM standings WHERE county_code = ? AND is_open", (COUNTY,)
        ).fetchall()
        told = [json.loads(row[1]) for row in found]
    connection.close()
    return time.perf_counter() - began, len(told)


def findings(count: int) -> gpd.GeoDataFrame:
    """New sightings of known places and as many new ones."""
    at = [(400_000 + 40 * k, 3_700_000 + (0 if k % 2 else 20)) for k in range(count)]
    return gpd.GeoDataFrame(
        {
            "finding_id": [f"new{k}" for k in range(count)], "kind": "building", "county_code": COUNTY,
            "route_code": "G311", "stake": "K512+300", "first_seen": dt.date(2025, 2, 1), "scene_before": "b",
            "scene_after": "new", "permit_no": None,
        },
        geometry=[shapely.box(x, y, x + 20, y + 12) for x, y in at],
        crs=EPSG,
    )  # fmt: skip


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--counties", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    asked = parser.parse_args()
    if asked.quick:
        asked.events //= 10
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "ledger.sqlite"
        fill(place, asked.events, asked.counties, np.random.default_rng(1))
        print(
            f"{asked.events:,} events, {asked.events // 10:,} cases, {asked.counties} counties: {place.stat().st_size / 1e6:.0f} MB"
        )
        print(f"standings made from all events in {remake(place):.1f} s")
        spent, found = min(bare(place) for _ in range(5))
        took = []
        for _ in range(5):
            began = time.perf_counter()
            with Ledger.open(place, create=False) as ledger:
                listed = ledger.cases(COUNTY, open_only=True)
            took.append(time.perf_counter() - began)
        print(
            f"open list of a county, {len(listed)} of them: {min(took):.3f} s with opening; "
            f"{min(took) / spent:.1f} x the bare query"
        )
        assert len(listed) == found
        with Ledger.open(place) as ledger:
            began = time.perf_counter()
            for row in listed[:100]:
                ledger.advance(row["case_no"], "objected", "office", "boundary")
            print(f"an act: {(time.perf_counter() - began) / 100 * 1000:.1f} ms")
            began = time.perf_counter()
            ledger.settle(findings(2000), run_id="r")
            print(f"2,000 findings settled in {time.perf_counter() - began:.1f} s")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
