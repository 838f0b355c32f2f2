"""Mosaics of several days: by their seam lines, or as a range of days."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pydantic import TypeAdapter

from pipeline.catalog.sources import FilesSource
from pipeline.errors import CatalogError, LuyuError, Problems
from pipeline.model.scene import Period
from tests.catalog.deliveries import map_tiff
from tests.rpc_camera import LAT, LON

AREA = shapely.box(LON - 0.004, LAT - 0.004, LON + 0.004, LAT + 0.004)
X, Y = 520100, 3799900
WEST, EAST = shapely.box(X - 400, Y - 400, X + 50, Y + 400), shapely.box(X + 50, Y - 400, X + 400, Y + 400)


def source(base, *entries, **more):
    return FilesSource.model_validate({"sensor": "dom_rgb", "scenes": list(entries), **more})


def scenes(base, *entries, period="2024-01-01/2024-12-31", **more):
    return source(base, *entries, **more).scenes(AREA, Period.parse(period), base=base)


def seams(path, dates, shapes=(WEST, EAST), crs=4548, **more):
    gpd.GeoDataFrame({"SX": list(dates)}, geometry=list(shapes), crs=4548).to_crs(crs).to_file(path, **more)
    return {"path": path.name, "date_column": "SX"}


@pytest.fixture
def folder(tmp_path):
    map_tiff(tmp_path / "dom.tif", 3, dtype="uint8")
    return tmp_path


@pytest.mark.parametrize("written", [("2024-03-05", "2024-06-01"), ("20240305", "20240601"), ("2024/3/5", "2024.6.1"),
                                     ("2024年3月5日", "2024年06月01日"), (20240305, 20240601),
                                     (pd.Timestamp("2024-03-05"), pd.Timestamp("2024-06-01"))])  # fmt: skip
@pytest.mark.parametrize("name", ["seams.shp", "seams.gpkg"])
def test_a_scene_for_each_day(folder, name, written):
    if name.endswith(".shp"):
        layer = seams(folder / name, written, encoding="gbk", crs=4526)
    else:
        layer = seams(folder / name, written, crs=4490)
    one, two = scenes(folder, "dom.tif", seamlines=layer)
    assert [one.day, two.day] == [dt.date(2024, 3, 5), dt.date(2024, 6, 1)]
    assert [one.scene_id, two.scene_id] == ["dom_20240305", "dom_20240601"]
    assert one.files == two.files
    assert one.clip_lonlat.area + two.clip_lonlat.area == pytest.approx(
        shapely.union(one.clip_lonlat, two.clip_lonlat).area, rel=1e-6
    )
    assert one.clip_lonlat.centroid.x < two.clip_lonlat.centroid.x
    assert one.footprint_lonlat.equals(one.clip_lonlat)
    assert one.border == (0.0, 255.0)


def test_only_days_of_the_period(folder):
    layer = seams(folder / "seams.gpkg", ("2024-03-05", "2024-06-01"))
    (found,) = scenes(folder, "dom.tif", seamlines=layer, period="2024-05-01/2024-06-30")
    assert found.day == dt.date(2024, 6, 1)
    with pytest.raises(
        CatalogError, match="no image lies in 2023-01-01/2023-12-31; the files are of 2024-03-05, 2024-06-01"
    ):
        scenes(folder, "dom.tif", seamlines=layer, period="2023-01-01/2023-12-31")


def test_several_parts_of_a_day_are_one_scene(folder):
    thirds = [shapely.box(X - 400 + 250 * at, Y - 400, X - 150 + 250 * at, Y + 400) for at in range(3)]
    layer = seams(folder / "seams.gpkg", ("2024-03-05", "2024-06-01", "2024-03-05"), thirds)
    one, two = scenes(folder, "dom.tif", seamlines=layer)
    assert shapely.get_num_geometries(one.clip_lonlat) == 2
    assert two.clip_lonlat.disjoint(one.clip_lonlat.buffer(-1e-7))


def test_a_date_of_the_entry_wins_over_the_seam_lines(folder):
    layer = seams(folder / "seams.gpkg", ("2024-03-05", "2024-06-01"))
    (found,) = scenes(folder, {"path": "dom.tif", "date": "2024-07-07"}, seamlines=layer)
    assert found.clip_lonlat is None
    assert found.day == dt.date(2024, 7, 7)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (("2024-03-05", None), "row 2: 'SX' has no date"),
        (("", "2024-06-01"), "row 1: 'SX' has no date"),
        (("2024-03-05", "spring"), "row 2: 'SX' is no date: 'spring'"),
        (("2024-13-05", "2024-06-01"), "row 1: 'SX' is no date: '2024-13-05'"),
    ],
)
def test_parts_without_a_date_are_refused_by_their_row(folder, dates, said):
    with pytest.raises(LuyuError) as caught:
        scenes(folder, "dom.tif", seamlines=seams(folder / "seams.gpkg", dates))
    assert said in str(caught.value)
    assert "seams.gpkg" in str(caught.value)


def test_parts_over_each_other_and_wrong_columns_are_refused(folder):
    layer = seams(folder / "seams.gpkg", ("2024-03-05", "2024-06-01"), (WEST, WEST.buffer(10)))
    with pytest.raises(LuyuError, match="2024-03-05 and 2024-06-01 lie over each other"):
        scenes(folder, "dom.tif", seamlines=layer)
    with pytest.raises(LuyuError, match="no column 'SHIXIANG'"):
        scenes(folder, "dom.tif", seamlines=layer | {"date_column": "SHIXIANG"})
    with pytest.raises(LuyuError, match="no such file"):
        scenes(folder, "dom.tif", seamlines=layer | {"path": "no.gpkg"})


def test_a_range_counts_where_all_of_it_lies(folder):
    entry = {"path": "dom.tif", "dates": "2024-03-01/2024-06-30"}
    (found,) = scenes(folder, entry)
    assert (found.day, found.scene_id) == (dt.date(2024, 6, 30), "dom_20240301-20240630")
    for period in ("2024-04-01/2024-12-31", "2024-01-01/2024-06-29", "2024-04-01/2024-05-01"):
        with pytest.raises(CatalogError, match=r"no image lies in .*; the files are of 2024-03-01/2024-06-30"):
            scenes(folder, entry, period=period)


def test_options_round_trip(folder):
    one = source(folder, {"path": "dom.tif", "dates": "2024-03-01/2024-06-30"},
                 seamlines={"path": "s.shp", "date_column": "SX"}, dem="dem.tif").resolved(folder)  # fmt: skip
    dumped = one.model_dump(mode="json", by_alias=True)
    assert dumped["scenes"][0]["dates"] == "2024-03-01/2024-06-30"
    assert dumped["seamlines"]["path"] == str(folder / "s.shp")
    assert dumped["dem"] == str(folder / "dem.tif")
    assert TypeAdapter(FilesSource).validate_python(dumped) == one
    assert one.resolved(folder / "other") == one


def test_problems_of_several_rows_come_together(folder):
    with pytest.raises(Problems) as caught:
        scenes(folder, "dom.tif", seamlines=seams(folder / "seams.gpkg", (None, None)))
    assert len(caught.value.problems) == 2
    assert np.all([f"row {at}" in said for at, said in enumerate(caught.value.problems, 1)])
