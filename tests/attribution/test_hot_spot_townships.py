"""A hot spot lies in a township of its own county, as findings do, although the two layers' lines disagree."""

import datetime as dt
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
from shapely import LineString, box

from pipeline.config.decision_options import DecisionOptions
from pipeline.linref.reference import LinearReference
from pipeline.model.tables import TOWNSHIPS
from pipeline.run.watch import hot_spot_table

from .conftest import EPSG, frame, roads

# A road along a county line at y 0; the townships' line lies 10 m off it.
COUNTIES = frame([box(0, 0, 1000, 1000), box(0, -1000, 1000, 0)], code=["320322", "320321"], name=["沛县", "丰县"])
TOWNS = frame(
    [box(0, 10, 1000, 1000), box(0, -1000, 1000, 10), box(0, 0, 1000, 4)],
    code=["320322101", "320321101", "320322102"],
    name=["龙固镇", "首羡镇", "杨屯镇"],
)


def looks() -> pd.DataFrame:
    """Grain in two years on the left half, 100 m of it."""
    row = {
        "kind": "grain_drying", "place": "G311", "side": "left", "first_cell": 30, "last_cell": 39, "state": "present",
        "confidence": 0.9, "detector_version": "1",
    }  # fmt: skip
    return pd.DataFrame([row | {"day": dt.date(year, 6, 10)} for year in (2023, 2024)])


@pytest.mark.parametrize(("towns", "name"), [(TOWNS, "杨屯镇"), (TOWNS.iloc[:2], "首羡镇"), (None, None)])
def test_the_township_is_one_of_the_county(towns, name):
    line = frame([LineString([(0, 1.5), (1000, 1.5)])]).geometry.iloc[0]
    table = roads([line], ["G311"], [0.0])
    plan = SimpleNamespace(
        config=SimpleNamespace(decisions=DecisionOptions()),
        layers=SimpleNamespace(roads=table, counties=COUNTIES, townships=towns),
        ground=SimpleNamespace(townships=TOWNSHIPS.empty(crs=EPSG) if towns is None else towns),
        due=gpd.GeoDataFrame({"section": [0]}, geometry=[line], crs=EPSG),
        linref=LinearReference(table),
    )
    (spot,) = hot_spot_table(looks(), plan).itertuples()
    assert (spot.county_code, spot.township) == ("320322", name)
