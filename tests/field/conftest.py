"""A county with a few cases, its package, and hands that fill it in."""

from __future__ import annotations

import datetime as dt
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from shapely import box

from pipeline.field import Choice, export, take_back
from pipeline.field.rows import TITLES
from pipeline.ledger import Ledger

COUNTY = "320322"
SETTLED = dt.datetime(2024, 12, 1, 3, 0, tzinfo=dt.UTC)
EXPORTED = dt.datetime(2024, 12, 2, 1, 0, tzinfo=dt.UTC)
BACK = dt.datetime(2024, 12, 5, 1, 0, tzinfo=dt.UTC)
LON, LAT = 117.2174318, 34.3274558  # of the first case


def findings(count: int = 5, **columns) -> gpd.GeoDataFrame:
    """A row of sheds along G311, 300 m apart, the first the most urgent."""
    data = {
        "finding_id": [f"f{number}" for number in range(count)],
        "kind": ["building"] * count,
        "county_code": [COUNTY] * count,
        "county_name": ["沛县"] * count,
        "route_code": ["G311"] * (count - 1) + ["S253"],
        "stake": [f"K512+{100 + number:03d}" for number in range(count)],
        "zone": ["control_zone"] * count,
        "membership": ["inside"] * count,
        "priority": [90.0 - number for number in range(count)],
        "law": ["《公路法》56、81"] * count,
        "first_seen": [dt.date(2024, 11, 5)] * count,
        "scene_before": ["a"] * count,
        "scene_after": ["b"] * count,
        "permit_no": [None] * count,
    }
    shapes = [box(520_000 + 300 * at, 3_800_000, 520_020 + 300 * at, 3_800_012) for at in range(count)]
    return gpd.GeoDataFrame({**data, **columns}, geometry=shapes, crs=4548)


class Office:
    """A ledger, the package that was exported from it, and what people do with both."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(folder / "ledger.sqlite")
        self.ledger.settle(findings(), run_id="run", now=SETTLED)
        self.numbers = [case["case_no"] for case in self.ledger.cases()]
        self.package = folder / "package"

    def export(self, **choice) -> list[str]:
        return export(self.ledger, Choice(COUNTY, **choice), self.package, now=EXPORTED)

    def back(self, place: Path | None = None, **options):
        return take_back(place or self.package, self.ledger, now=options.pop("now", BACK), **options)

    def statuses(self) -> list[str]:
        return [case["status"] for case in self.ledger.cases()]

    def acts(self, number: int) -> list[str]:
        return [
            event["what"] for event in self.ledger.case(self.numbers[number])["history"] if event["actor"] != "machine"
        ]

    @property
    def sheet(self) -> Path:
        return self.package / "cases.xlsx"

    @property
    def gpkg(self) -> Path:
        return self.package / "cases.gpkg"

    def fill(self, number: int, **cells) -> None:
        """Fill in the row of a case in the workbook, by our names; texts stay texts."""
        book = openpyxl.load_workbook(self.sheet)
        sheet = book["核查"]
        heading = [cell.value for cell in sheet[1]]
        row = next(r for r in range(2, sheet.max_row + 1) if sheet.cell(r, 1).value == self.numbers[number])
        for name, value in cells.items():
            cell = sheet.cell(row, heading.index(TITLES[name]) + 1)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
        book.save(self.sheet)

    def draw(self, number: int, **columns) -> None:
        """Fill in the feature of a case in the GeoPackage, as QField does."""
        with closing(sqlite3.connect(self.gpkg)) as base, base:
            for name, value in columns.items():
                change = f'UPDATE cases SET "{name}" = ? WHERE case_no = ?'  # noqa: S608
                base.execute(change, (value, self.numbers[number]))

    def attach(self, number: int, photo: str, **columns) -> None:
        """Add a row to the layer of photos."""
        names = ["case_no", "photo", *columns]
        with closing(sqlite3.connect(self.gpkg)) as base, base:
            marks = ", ".join("?" * len(names))
            add = f"INSERT INTO photos ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
            base.execute(add, (self.numbers[number], photo, *columns.values()))

    def take_photo(self, name: str, content: bytes) -> None:
        (self.package / "photos" / name).write_bytes(content)


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    made.export()
    yield made
    made.ledger.close()


def dms(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    return float(whole), float(minutes), (degrees - whole - minutes / 60) * 3600


def photo(
    lon: float | None = LON, lat: float | None = LAT, azimuth: float | None = 271.5, kind: str = "JPEG", **more
) -> bytes:
    """A small photo with an EXIF block; ``more``: further tags of the block of the exposure."""
    exif = Image.Exif()
    gps = {}
    if lon is not None:
        gps |= {
            GPS.GPSLongitudeRef: "E",
            GPS.GPSLongitude: dms(lon),
            GPS.GPSLatitudeRef: "N",
            GPS.GPSLatitude: dms(lat),
        }
    if azimuth is not None:
        gps[GPS.GPSImgDirection] = azimuth
    exif.get_ifd(IFD.GPSInfo).update(gps)
    exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "2024:12:03 10:11:12"
    exif.get_ifd(IFD.Exif).update({Base[name]: value for name, value in more.items()})
    out = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(out, kind, exif=exif.tobytes())
    return out.getvalue()


DISMISSED = {"verdict": "不属实", "reason": "大棚", "checked_by": "王某、李某", "checked_on": "2024-12-03"}
CONFIRMED = {"verdict": "属实", "checked_by": "王某、李某", "checked_on": "2024-12-03"}
