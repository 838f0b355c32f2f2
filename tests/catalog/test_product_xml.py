import datetime as dt

import pytest
import shapely

from pipeline.catalog.product_xml import MAX_BYTES, parse
from pipeline.errors import CatalogError
from tests.catalog.deliveries import gf7_xml, gf_xml, jilin_xml
from tests.rpc_camera import LAT, LON

AREA = shapely.box(LON - 0.003, LAT - 0.003, LON + 0.003, LAT + 0.003)


def test_gaofen():
    found = parse(gf_xml().encode(), "a.xml")
    assert (found.satellite, found.sensor, found.level, found.level_number) == ("GF2", "PMS1", "LEVEL1A", 1)
    assert found.day == dt.date(2024, 6, 5)
    assert found.footprint_lonlat.equals_exact(AREA, 1e-9) or found.footprint_lonlat.normalize().equals(
        AREA.normalize()
    )
    assert found.cloud_percent == 3.0
    assert found.off_nadir_deg == pytest.approx(12.9, abs=0.02)  # acos(cos 12.5 cos 3.2)
    assert (found.sun_azimuth_deg, found.sun_elevation_deg) == (148.2, pytest.approx(74.6))


def test_gaofen_7():
    found = parse(gf7_xml().encode(), "a.xml")
    assert (found.satellite, found.sensor, found.day) == ("GF701", "BWD", dt.date(2024, 6, 5))
    assert found.footprint_lonlat.normalize().equals(AREA.normalize())
    assert (found.cloud_percent, found.off_nadir_deg, found.sun_elevation_deg) == (0.0, 1.5, 71.5)


def test_jilin():
    found = parse(jilin_xml().encode(), "a.xml")
    assert (found.satellite, found.sensor, found.level_number) == ("JL1GF02A", "PMS1", 1)
    assert found.day == dt.date(2024, 6, 5)  # 23:30 UTC is the next morning in Beijing
    assert found.footprint_lonlat.normalize().equals(AREA.normalize())
    assert found.off_nadir_deg == 20.0


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2024-06-05 23:59:59.9", dt.date(2024, 6, 5)),  # Beijing time where no zone is said
        ("2024-06-05T20:00:00Z", dt.date(2024, 6, 6)),
        ("2024-06-05T20:00:00+08:00", dt.date(2024, 6, 5)),
        ("2024/6/5", dt.date(2024, 6, 5)),
        ("0000-00-00 00:00:00", dt.date(2024, 6, 4)),  # nonsense: the next time is looked at
        ("", dt.date(2024, 6, 4)),
    ],
)
def test_days_are_counted_in_beijing(time, day):
    assert parse(gf_xml(CenterTime=time, StartTime="2024-06-04 11:00:00").encode(), "a").day == day


@pytest.mark.parametrize(("level", "number"), [("LEVEL2A", 2), ("L1B", 1), ("L3D", 3), ("LEVEL4A", 4), ("", None)])
def test_levels(level, number):
    assert parse(gf_xml(ProductLevel=level).encode(), "a").level_number == number


def test_nonsense_is_none_not_a_number():
    found = parse(gf_xml(CloudPercent="-99", SolarZenith="nan", RollViewingAngle="").encode(), "a")
    assert found.cloud_percent is None
    assert found.sun_elevation_deg is None
    assert found.off_nadir_deg is None
    zeros = gf_xml()
    for name in ("TopLeft", "TopRight", "BottomRight", "BottomLeft"):
        zeros = zeros.replace(f"<{name}Latitude>", f"<{name}Latitude>999")
    assert parse(zeros.encode(), "a").footprint_lonlat is None


def test_chinese_encodings():
    text = gf_xml(SatelliteID="高分二号").replace("UTF-8", "GB2312")
    assert parse(text.encode("gbk"), "a").satellite == "高分二号"
    assert parse(gf_xml(SatelliteID="高分").encode("utf-8-sig"), "a").satellite == "高分"


def test_other_documents_are_none_of_ours():
    assert parse(b"<PAMDataset/>", "a.aux.xml") is None


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><ProductMetaData>&c;</ProductMetaData>'
)
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><ProductMetaData><SatelliteID>&b;</SatelliteID></ProductMetaData>'


@pytest.mark.parametrize("data", [BOMB.encode(), FILE.encode(), BOMB.replace("1.0", "1.0").encode("utf-16")])
def test_entities_are_refused(data):
    with pytest.raises(CatalogError, match=r"a\.xml: declares a document type"):
        parse(data, "a.xml")


def test_broken_and_huge_are_refused():
    with pytest.raises(CatalogError, match=r"a\.xml: not valid XML"):
        parse(gf_xml().encode()[:-30], "a.xml")
    with pytest.raises(CatalogError, match="larger than 8 MiB"):
        parse(b" " * (MAX_BYTES + 1), "a.xml")
