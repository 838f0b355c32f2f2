"""Findings on a notional road near G311, and a ledger to settle them in."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pytest
from shapely import box

from pipeline.ledger import Ledger

EPSG = 4548
NOW = dt.datetime(2024, 12, 1, 3, 0, tzinfo=dt.UTC)


def make_findings(places, **columns) -> gpd.GeoDataFrame:
    """One 20 x 12 m building for each (x, y) in metres from a corner of the map."""
    count = len(places)
    data = {
        "finding_id": [f"f{x}-{y}" for x, y in places],
        "kind": ["building"] * count,
        "county_code": ["320322"] * count,
        "route_code": ["G311"] * count,
        "stake": [f"K512+{100 + place:03d}" for place in range(count)],
        "first_seen": [dt.date(2017, 10, 20)] * count,
        "scene_before": ["2012"] * count,
        "scene_after": ["2017"] * count,
        "permit_no": [None] * count,
    }
    shapes = [box(520_000 + x, 3_800_000 + y, 520_020 + x, 3_800_012 + y) for x, y in places]
    return gpd.GeoDataFrame({**data, **columns}, geometry=shapes, crs=EPSG)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "office" / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    with Ledger.open(path) as opened:
        yield opened
