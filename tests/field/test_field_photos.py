"""Photos as evidence: their own bytes, what they say of themselves, and nothing from outside the folder."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.field import bounds
from pipeline.field.bounds import within
from pipeline.field.photos import azimuth_of, distance_m, far_note, read_photo
from pipeline.geo.gcj02 import to_gcj02

from .conftest import LAT, LON, photo

DRAWN = {"verdict": "confirm", "checked_by": "王某", "checked_on": "2024-12-03"}


def back_with(office, *names):
    office.draw(0, **DRAWN)
    for name in names:
        office.attach(0, name)
    return office.back()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_says_when_where_and_which_way(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(photo(kind=kind))
    shot = read_photo(path)
    assert shot.content == path.read_bytes()
    assert shot.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (shot.lon, shot.lat) == pytest.approx((LON, LAT), abs=1e-6)
    assert shot.azimuth_deg == 271.5
    assert shot.taken_at == "2024-12-03T02:11:12Z"


def test_the_offset_of_the_camera_wins(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(photo(OffsetTimeOriginal="+09:00"))
    assert read_photo(path).taken_at == "2024-12-03T01:11:12Z"


def test_an_apple_photo_is_read_by_its_mark(tmp_path):
    jpeg = photo()
    at = jpeg.index(b"Exif\x00\x00")
    (length,) = struct.unpack(">H", jpeg[at - 2 : at])
    path = tmp_path / "a.heic"
    path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 40 + jpeg[at : at + length - 2])
    assert read_photo(path).azimuth_deg == 271.5


def test_what_the_ledger_keeps_is_the_file_itself(office):
    office.take_photo("a.jpg", photo())
    back_with(office, "photos/a.jpg")
    (kept,) = office.ledger.photos(office.numbers[0])
    assert kept.content == (office.package / "photos" / "a.jpg").read_bytes()
    assert (kept.name, kept.by, kept.taken_at, kept.azimuth_deg) == ("a.jpg", "王某", "2024-12-03T02:11:12Z", 271.5)
    assert (kept.lon, kept.lat) == pytest.approx((LON, LAT), abs=1e-6)


def test_a_photo_without_position_or_azimuth_is_flagged_and_kept(office):
    office.take_photo("a.jpg", photo(lon=None, azimuth=None))
    report = back_with(office, "photos/a.jpg")
    assert [line.why for line in report.flags] == [
        "photo 'photos/a.jpg' has no position 定位",
        "photo 'photos/a.jpg' has no azimuth 方位角",
    ]
    assert (report.photos_new, report.exit_code) == (1, 0)


def test_what_the_row_says_of_a_photo_stands_in_for_what_the_photo_does_not(office):
    office.take_photo("a.jpg", photo(lon=None, azimuth=None))
    office.draw(0, **DRAWN)
    office.attach(0, "photos/a.jpg", lon=LON, lat=LAT, azimuth_deg=12.0)
    assert office.back().flags == []
    (kept,) = office.ledger.photos(office.numbers[0])
    assert (kept.lon, kept.lat, kept.azimuth_deg) == (LON, LAT, 12.0)


def test_a_photo_from_far_away_is_flagged_and_one_in_a_shifted_datum_explained(office):
    shifted = [float(value[0]) for value in to_gcj02(np.array([LON]), np.array([LAT]))]
    office.take_photo("far.jpg", photo(lon=LON + 0.02))
    office.take_photo("shifted.jpg", photo(*shifted))
    report = back_with(office, "photos/far.jpg", "photos/shifted.jpg")
    far, other = (line.why for line in report.flags)
    assert "1841 m from the case, more than 500 m" in far  # 0.02 degrees of 92.03 km
    assert "GCJ-02" not in far
    assert "taken as GCJ-02 it would be 0 m" in other
    assert report.photos_new == 2
    case = {"lon": LON, "lat": LAT}
    assert far_note(LON + 0.02, LAT, case, 2000.0) is None


def test_a_degree_of_longitude_is_as_long_as_it_is_there():
    # 1 degree at 34.3275 N: 111.32 km times the cosine, with the ellipsoid's 0.1 % more.
    assert distance_m(117.0, LAT, 118.0, LAT) == pytest.approx(92_030, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/hostname", "leads out of the package's folder"),
        ("../ledger.sqlite", "leads out"),
        ("photos/../../ledger.sqlite", "leads out"),
        ("..\\ledger.sqlite", "leads out"),
        ("C:\\photos\\a.jpg", "leads out"),
        ("\\\\server\\share\\a.jpg", "leads out"),
        ("link.jpg", "is a link that leads out"),
        ("folder/a.jpg", "is a link that leads out"),
        ("gone.jpg", "is not in the package's folder"),
        ("photos", "is not in the package's folder"),
        ("pipe.jpg", "is not in the package's folder"),
        ("x" * 3000, "cannot be looked at"),
    ],
)
def test_no_path_leaves_the_folder(office, tmp_path, name, why):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").write_bytes(photo())
    (office.package / "photos" / "link.jpg").symlink_to(tmp_path / "elsewhere" / "a.jpg")
    (office.package / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(office.package / "photos" / "pipe.jpg")
    report = back_with(office, name)
    assert [line.why for line in report.refused if why in line.why]
    assert (len(report.accepted), report.photos_new, report.exit_code) == (1, 0, 3)


@given(st.text(max_size=30))
def test_whatever_is_written_as_a_path_never_leaves_the_folder(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp()
    try:
        found = within(root, name)
    except ValueError:
        return
    assert found.is_relative_to(root.resolve())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg/>",
        b"MZ\x90\x00",
        b"GIF89a" + b"\x00" * 40,
        b"\xff\xd8\xff",
        photo()[:60],
        b"RIFF\x00\x00\x00\x00WEBP",
    ],
)
def test_what_is_no_photo_is_refused_whatever_its_name(office, content):
    office.take_photo("a.jpg", content)
    report = back_with(office, "photos/a.jpg")
    assert "is no JPEG, PNG, WebP or HEIC by its content" in report.refused[0].why
    assert report.photos_new == 0


def test_a_photo_that_would_fill_the_memory_is_refused_without_being_unpacked(office):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )
    office.take_photo("a.png", bomb)
    assert "more than 300 million pixels" in back_with(office, "photos/a.png").refused[0].why


def test_a_photo_that_is_too_large_is_refused_unread(office, monkeypatch):
    monkeypatch.setattr("pipeline.field.photos.MOST_PHOTO_BYTES", 100)
    office.take_photo("a.jpg", photo())
    assert "more than" in back_with(office, "photos/a.jpg").refused[0].why
    assert bounds.MOST_PHOTO_BYTES == 30_000_000


@given(st.binary(max_size=300))
def test_a_broken_exif_block_never_stops_the_import(tmp_path_factory, block):
    path = tmp_path_factory.getbasetemp() / "broken.jpg"
    Image.new("RGB", (8, 8)).save(path, "JPEG", exif=b"Exif\x00\x00" + block)
    shot = read_photo(path)
    assert shot.azimuth_deg is None or 0 <= shot.azimuth_deg < 360


def test_azimuths():
    assert [azimuth_of(value) for value in (0, "90", 360, 361, -1, "north", None, float("nan"))] == [
        0.0, 90.0, 0.0, None, None, None, None, None,
    ]  # fmt: skip


def test_photos_that_no_row_names_are_told(office):
    office.take_photo("a.jpg", photo())
    office.take_photo("b.jpg", photo())
    report = back_with(office, "photos/a.jpg")
    assert "1 photos are named by no row: b.jpg" in report.text()


def test_a_sheet_names_photos_by_their_names(office):
    office.take_photo("a.jpg", photo())
    office.take_photo("b.jpg", photo(azimuth=None))
    office.fill(
        0, verdict="属实", checked_by="王某", checked_on="2024-12-03", photo="a.jpg； photos\\b.jpg", azimuth_deg=45
    )
    report = office.back(office.sheet)
    assert (report.photos_new, report.flags) == (2, [])
    assert [kept.azimuth_deg for kept in office.ledger.photos(office.numbers[0])] == [271.5, 45.0]


def test_a_photo_that_was_missing_goes_in_the_second_time(office):
    assert back_with(office, "photos/a.jpg").exit_code == 3
    office.take_photo("a.jpg", photo())
    report = office.back()
    assert (report.exit_code, report.photos_new, len(report.unchanged)) == (0, 1, 1)
