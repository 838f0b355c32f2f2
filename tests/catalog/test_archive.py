import os
import struct
import tarfile
import threading
import zipfile

import pytest
import rasterio

from pipeline.catalog import archive as archives
from pipeline.catalog.archive import look, unpack, unpack_needed
from pipeline.errors import CatalogError
from tests.catalog.deliveries import GF2, gf2_folder, hostile_tar, map_tiff, packed

KINDS = [".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return gf2_folder(tmp_path_factory.mktemp("gf2"))


def contents(place):
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nested", ["", f"{GF2}/", "./"])
def test_all_kinds_give_the_same_files(folder, tmp_path, kind, nested):
    found = look(packed(folder, tmp_path / f"a{kind}", nested=nested), tmp_path / "cache")
    place = unpack(found)
    inner = place / nested.rstrip("/") if nested.startswith("GF2") else place
    wanted = {name: data for name, data in contents(folder).items() if not name.endswith(".jpg")}
    assert contents(inner) == wanted
    assert found.bytes_unpacked == sum(map(len, wanted.values()))


def test_a_look_unpacks_no_pixels(tmp_path):
    map_tiff(tmp_path / "d" / "big.tif", 3, side=2000)
    (tmp_path / "d" / "big.xml").write_text("<a/>")
    found = look(packed(tmp_path / "d", tmp_path / "a.tar.gz"), tmp_path / "cache")
    written = sum(path.stat().st_blocks * 512 for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert written < 2.5 * 2**20 < 20 * 2**20 < found.bytes_unpacked
    with rasterio.open(found.heads / "big.tif") as header:
        assert (header.count, header.width, header.crs.to_epsg()) == (3, 2000, 4548)
    assert not found.place.exists()


def test_a_directory_at_the_end_of_the_image_is_found(tmp_path):
    path = map_tiff(tmp_path / "d" / "big.tif", 3, side=2000)
    with rasterio.open(path, "r+") as image:
        image.update_tags(LONG="x" * 9000)
    at = struct.unpack("<I", path.read_bytes()[4:8])[0]
    assert at > 2**21
    found = look(packed(tmp_path / "d", tmp_path / "a.tar.gz"), tmp_path / "cache")
    with rasterio.open(found.heads / "big.tif") as header:
        assert (header.count, header.crs.to_epsg(), len(header.tags()["LONG"])) == (3, 4548, 9000)
    assert (found.heads / "big.tif").stat().st_blocks * 512 < 2.5 * 2**20  # the rest is a hole


def test_nothing_is_done_twice(folder, tmp_path, monkeypatch):
    path = packed(folder, tmp_path / "a.tar.gz")
    place = unpack(look(path, tmp_path / "cache"))
    before = {one: one.stat().st_mtime_ns for one in place.rglob("*")}
    monkeypatch.setattr(archives, "members", lambda _: pytest.fail("the archive was read again"))
    assert unpack(look(path, tmp_path / "cache")) == place
    assert {one: one.stat().st_mtime_ns for one in place.rglob("*")} == before
    assert unpack_needed([str(place / f"{GF2}-MSS1.tiff")]) == ()


def test_a_damaged_copy_is_unpacked_anew(folder, tmp_path):
    path = packed(folder, tmp_path / "a.tar.gz")
    place = unpack(look(path, tmp_path / "cache"))
    stamp = (place / f"{GF2}-MSS1.tiff").stat().st_mtime_ns
    (place / f"{GF2}-MSS1.tiff").write_bytes(b"II*\x00")
    unpack(look(path, tmp_path / "cache"))
    assert (place / f"{GF2}-MSS1.tiff").read_bytes() == (folder / f"{GF2}-MSS1.tiff").read_bytes()
    assert (place / f"{GF2}-MSS1.tiff").stat().st_mtime_ns == stamp


def test_what_a_plan_foresaw_is_unpacked_when_needed(folder, tmp_path):
    path = packed(folder, tmp_path / "a.tar.gz")
    found = look(path, tmp_path / "cache")
    image = found.place / f"{GF2}-PAN1.tiff"
    others = ["s3://bucket/a.tif", str(tmp_path / "elsewhere.tif")]
    assert unpack_needed([str(image), *others, str(image)]) == (path.resolve(),)
    assert image.is_file()
    assert unpack_needed([str(image), *others]) == ()


def test_a_changed_or_missing_archive_is_told(folder, tmp_path):
    path = packed(folder, tmp_path / "a.tar.gz")
    found = look(path, tmp_path / "cache")
    os.utime(path, ns=(1, 1))
    with pytest.raises(CatalogError, match="changed since the plan"):
        unpack(found)
    path.unlink()
    with pytest.raises(CatalogError, match="is gone"):
        unpack_needed([str(found.place / f"{GF2}-PAN1.tiff")])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9999])
def test_a_cut_archive_is_refused_and_leaves_nothing(folder, tmp_path, kind, share):
    whole = packed(folder, tmp_path / f"whole{kind}").read_bytes()
    cut = tmp_path / f"cut{kind}"
    cut.write_bytes(whole[: int(len(whole) * share)])
    if kind == ".tar" and share > 0.99:  # a tar ends in kilobytes of zeros, which may be missing
        cut.write_bytes(whole[: whole.rstrip(b"\0").__len__() - 600])
    with pytest.raises(CatalogError, match=rf"cut\{kind.rpartition('.')[1]}.*(cut off|damaged|archive)"):
        unpack(look(cut, tmp_path / "cache"))
    assert [one for one in (tmp_path / "cache").glob("*") if one.suffix != ".lock"] == []


def test_a_tar_cut_between_members_is_noticed(folder, tmp_path):
    path = packed(folder, tmp_path / "a.tar")
    with tarfile.open(path) as archive:
        second = archive.getmembers()[2].offset
    path.write_bytes(path.read_bytes()[:second])
    with pytest.raises(CatalogError, match="cut off"):
        look(path, tmp_path / "cache")


@pytest.mark.parametrize("name", ["../a.tif", "x/../../a.tif", "/etc/a.tif", "C:\\a.tif", "..\\a.tif", "a\n.tif"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    path = hostile_tar(tmp_path / "a.tar.gz", name)
    with pytest.raises(CatalogError, match="outside its folder"):
        look(path, tmp_path / "cache")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"abc")
    with pytest.raises(CatalogError, match="outside its folder"):
        look(tmp_path / "a.zip", tmp_path / "cache")
    assert not (tmp_path / "a.tif").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(CatalogError, match="link or a device"):
        look(hostile_tar(tmp_path / "a.tar.gz", "a.tif", kind=kind, link="/etc/passwd"), tmp_path / "cache")


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("a.tif")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(CatalogError, match="link or a device"):
        look(tmp_path / "a.zip", tmp_path / "cache")


def test_sizes_are_held_against_limit_and_disk(folder, tmp_path, monkeypatch):
    path = packed(folder, tmp_path / "a.tar.gz")
    with pytest.raises(CatalogError, match=r"holds more than 0\.0001 GB .* raise max_unpacked_gb"):
        look(path, tmp_path / "cache", max_gb=1e-4)
    found = look(path, tmp_path / "cache")
    with pytest.raises(CatalogError, match="holds more than"):  # remembered, and judged again
        look(path, tmp_path / "cache", max_gb=1e-4)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(CatalogError, match=r"has 0\.0 GB free; make room"):
        unpack(found)
    assert not found.place.exists()


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("a.tif")
        info.size = 10**13
        archive.fileobj.write(info.tobuf())
    with pytest.raises(CatalogError, match="holds more than 100 GB"):
        look(tmp_path / "a.tar.gz", tmp_path / "cache")


def test_other_contents_are_told(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"this is no archive at all")
    with pytest.raises(CatalogError, match="cut off or damaged"):
        look(tmp_path / "a.tar.gz", tmp_path / "cache")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.md", "no image")
    with pytest.raises(CatalogError, match="holds no TIFF image"):
        look(tmp_path / "a.zip", tmp_path / "cache")


def test_several_at_once_unpack_once(folder, tmp_path):
    found = look(packed(folder, tmp_path / "a.tar.gz"), tmp_path / "cache")
    threads = [threading.Thread(target=unpack, args=(found,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(found.place.rglob("*.tiff"))) == 2
    assert not list((tmp_path / "cache").glob(".part-*"))


def test_the_cache_is_where_luyu_cache_says(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("LUYU_CACHE", str(tmp_path / "there"))
    found = look(packed(folder, tmp_path / "a.tar.gz"))
    assert found.place.parent == tmp_path / "there" / "deliveries"
    assert found.place.name.startswith("a-")
