"""Which tiles travel with a page, and what a page is told of its basemaps."""

import gzip
import json
import sqlite3

import numpy as np
import pytest
from basemap_tiles import AREA, LEVELS, picture, tiles, write_folder, write_mbtiles, write_pmtiles
from pydantic import TypeAdapter
from shapely import Polygon, box, transform

from pipeline.errors import ConfigError
from pipeline.geo.gcj02 import to_gcj02
from pipeline.geo.tile_matrix import TileMatrix, to_service
from pipeline.maps.basemap_options import Basemap, resolved
from pipeline.maps.basemaps import PreparedBasemaps, prepared, tiles_touching
from pipeline.model.scene import TileService

ANY = TypeAdapter(Basemap)
KEY = "0123456789abcdef0123456789abcdef"
ROOMY = 10_000_000


def basemap(**given):
    return ANY.validate_python(given)


def made(*basemaps, area=AREA, single_file=True, budget_bytes=ROOMY, environ=None, **more) -> PreparedBasemaps:
    return prepared(basemaps, area, single_file=single_file, budget_bytes=budget_bytes, environ=environ or {}, **more)


def local(kind, path, **more):
    return basemap(kind=kind, name="底图", path=path, **more)


@pytest.fixture(params=["folder", "tms folder", "mbtiles", "pmtiles"])
def stored(request, tmp_path):
    """The same tiles in each kind of store, with one far away that no page needs."""
    held = tiles() | {(14, 3, 5): picture()}
    match request.param:
        case "folder":
            return local("folder", write_folder(tmp_path / "t", held)), held
        case "tms folder":
            return local("folder", write_folder(tmp_path / "t", held, tms=True), scheme="tms"), held
        case "mbtiles":
            return local("mbtiles", write_mbtiles(tmp_path / "t.mbtiles", held)), held
        case _:
            return local("pmtiles", write_pmtiles(tmp_path / "t.pmtiles", held)), held


def test_nothing_named_nothing_given():
    assert made() == PreparedBasemaps()


def test_tiles_over_the_area_and_no_other(stored):
    given, held = stored
    page = made(given)
    keys = {f"{z}/{x}/{y}" for z, x, y in held} - {"14/3/5"}
    (entry,) = page.data
    assert set(entry["tiles"]) == keys
    assert all(uri.startswith("data:image/png;base64,") for uri in entry["tiles"].values())
    assert (entry["minZoom"], entry["maxZoom"]) == (LEVELS.start, LEVELS.stop - 1)
    assert page.bytes == sum(len(key) + len(uri) for key, uri in entry["tiles"].items())
    assert page.image_sources == ()
    assert page.left_out == ()
    assert made(given) == page


def test_tiles_beside_the_page(stored):
    given, held = stored
    page = made(given, single_file=False, folder="pictures")
    assert page.files == {f"pictures/1/{z}/{x}/{y}.png": body for (z, x, y), body in held.items() if x != 3}
    (entry,) = page.data
    assert "tiles" not in entry
    listed = {
        f"{entry['folder']}/{z}/{x}/{y}.{kind}"
        for kind, levels in entry["present"].items()
        for z, columns in levels.items()
        for x, runs in columns.items()
        for first, count in zip(runs[::2], runs[1::2], strict=True)
        for y in range(first, first + count)
    }
    assert listed == set(page.files)
    assert page.image_sources == ("'self'", "file:")
    assert page.bytes == sum(map(len, page.files.values()))
    json.dumps(page.data, allow_nan=False)


def test_levels_are_kept_within_those_that_are_wanted(stored):
    given, _ = stored
    (entry,) = made(given.model_copy(update={"min_zoom": 10, "max_zoom": 12})).data
    assert {key.split("/")[0] for key in entry["tiles"]} == {"10", "11", "12"}


@pytest.mark.parametrize("single_file", [True, False])
def test_coarse_levels_first_and_what_has_no_room_is_counted(stored, single_file):
    given, held = stored
    whole = made(given, single_file=single_file)
    page = made(given, single_file=single_file, budget_bytes=whole.bytes * 2 // 3)
    assert 0 < page.bytes <= whole.bytes * 2 // 3
    kept = page.data[0]["tiles"] if single_file else page.files
    lost = len(held) - 1 - len(kept)
    assert lost > 0
    assert page.data[0]["minZoom"] == LEVELS.start
    (said,) = page.left_out
    assert f"{lost} 张瓦片" in said.zh
    assert f"{lost} tiles" in said.en
    assert page.data[0]["notes"] == [said]
    nothing = made(given, single_file=single_file, budget_bytes=0)
    assert nothing.data == ()
    assert f"{len(held) - 1} tiles (levels 8–14)" in nothing.left_out[0].en


def test_a_county_that_a_basemap_does_not_reach(stored):
    given, _ = stored
    page = made(given, area=box(100.0, 30.0, 100.1, 30.1), single_file=False)
    assert page.data == ()
    assert page.files == {}
    assert page.image_sources == ()
    assert "没有瓦片" in page.left_out[0].zh
    assert made(given, area=Polygon()).data == ()


def test_the_tiles_of_a_level_are_those_of_the_matrix():
    corridor = box(116.9, 34.6, 117.3, 34.61).union(box(117.2, 34.0, 117.21, 34.8))
    for zoom, found in tiles_touching(corridor, range(16)):
        service = TileService(zoom=zoom)
        assert found == TileMatrix.of(service).touching(to_service(corridor, 4326, service))


def test_shifted_tiles_are_chosen_where_their_pictures_lie(tmp_path):
    shifted = transform(AREA, lambda xy: np.column_stack(to_gcj02(xy[:, 0], xy[:, 1])))
    held = tiles(shifted, range(18, 19))
    given = local("mbtiles", write_mbtiles(tmp_path / "g.mbtiles", held), datum="gcj02", shift=True)
    (entry,) = made(given).data
    assert entry["shift"] is True
    assert set(entry["tiles"]) == {f"{z}/{x}/{y}" for z, x, y in held}
    assert set(entry["tiles"]) != {f"{z}/{x}/{y}" for z, x, y in tiles(AREA, range(18, 19))}


def test_all_three_kinds_of_pictures_and_nothing_else(tmp_path):
    (z, x, y), *_ = tiles(levels=range(14, 15))
    folder = tmp_path / "t"
    bodies = [
        picture(form="PNG"),
        picture(form="JPEG"),
        picture(form="WEBP"),
        b"",
        b"<svg onload=alert(1)>",
        b"\x89PNG\r\n",
    ]
    bodies += [picture(form="GIF"), picture(size=4096)]
    for step, body in enumerate(bodies):
        write_folder(folder, {(z, x + step, y): body})
    wide = box(116.90, 34.70, 117.2, 34.72)
    page = made(local("folder", folder), area=wide, single_file=False)
    assert sorted(path.rpartition(".")[2] for path in page.files) == ["jpg", "png", "webp"]
    assert "5 张瓦片不是可用的图片" in page.left_out[0].zh


def test_a_huge_tile_is_not_read(tmp_path):
    (z, x, y), *_ = tiles(levels=range(14, 15))
    folder = write_folder(tmp_path / "t", {(z, x, y): picture()})
    with (folder / str(z) / str(x) / f"{y}.png").open("r+b") as file:
        file.truncate(8_000_000_000)  # sparse: no such bytes are on the disk
    assert made(local("folder", folder)).data == ()


@pytest.mark.parametrize("level", ["file", "column", "level"])
def test_no_link_leads_out_of_a_folder(tmp_path, level):
    (z, x, y), *_ = tiles(levels=range(14, 15))
    outside = write_folder(tmp_path / "outside", {(z, x, y): picture()})
    inside = tmp_path / "t"
    part = {"file": f"{z}/{x}/{y}.png", "column": f"{z}/{x}", "level": f"{z}"}[level]
    (inside / part).parent.mkdir(parents=True)
    (inside / part).symlink_to(outside / part)
    with pytest.raises(ConfigError, match="leads out of the folder"):
        made(local("folder", inside))


def test_a_folder_that_is_itself_a_link_is_fine(tmp_path):
    write_folder(tmp_path / "real", tiles(levels=range(10, 11)))
    (tmp_path / "t").symlink_to(tmp_path / "real")
    assert made(local("folder", tmp_path / "t")).data


def test_vector_tiles_are_refused_with_a_sentence(tmp_path):
    held = {(10, 1, 1): gzip.compress(b"vector")}
    for given in (
        local("mbtiles", write_mbtiles(tmp_path / "v.mbtiles", held, "pbf")),
        local("pmtiles", write_pmtiles(tmp_path / "v.pmtiles", held, "MVT")),
    ):
        with pytest.raises(ConfigError, match=r"holds vector tiles.*give"):
            resolved(given, tmp_path)


@pytest.mark.parametrize(
    "body", [b"", b"no such file" * 100, b"SQLite format 3\x00" + b"\xff" * 5000, b"PMTiles\x03" + b"\xff" * 200]
)
@pytest.mark.parametrize("kind", ["mbtiles", "pmtiles"])
def test_a_damaged_file_is_told_by_name(tmp_path, kind, body):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(body)
    with pytest.raises(ConfigError, match=f"底图.*a.{kind}"):
        resolved(local(kind, path), tmp_path)


def test_an_archive_whose_directory_unpacks_to_gigabytes_is_refused(tmp_path):
    path = write_pmtiles(tmp_path / "a.pmtiles", tiles(levels=range(10, 11)))
    body = bytearray(path.read_bytes())
    for content in (b"\x00" * 50_000_000, b"\xff" * 3_000_000):
        bomb = gzip.compress(content)
        body[8:24] = len(body).to_bytes(8, "little") + len(bomb).to_bytes(8, "little")
        path.write_bytes(bytes(body) + bomb)
        with pytest.raises(ConfigError, match="directory in it is damaged"):
            made(local("pmtiles", path))


def test_an_archive_that_points_past_its_end_or_to_itself(tmp_path):
    from pmtiles.tile import Entry, serialize_directory, zxy_to_tileid

    held = tiles(levels=range(10, 11))
    path = write_pmtiles(tmp_path / "a.pmtiles", held)
    first = min(zxy_to_tileid(*at) for at in held)
    whole = path.read_bytes()
    for entry, said in ((Entry(first, 10**12, 500, 9), "cut short"), (Entry(0, 0, 10**9, 0), "cut short")):
        root, body = serialize_directory([entry]), bytearray(whole)
        body[8:24] = len(body).to_bytes(8, "little") + len(root).to_bytes(8, "little")
        path.write_bytes(bytes(body) + root)
        with pytest.raises(ConfigError, match=said):
            made(local("pmtiles", path))


def test_a_large_archive_with_leaves(tmp_path):
    area = box(116.5, 34.3, 117.5, 35.0)
    bodies = (picture((3 * number % 256, number % 256, 7), size=2) for number in range(10**6))
    held = {(zoom, x, y): next(bodies) for zoom, places in tiles_touching(area, range(14, 17)) for x, y in places}
    path = write_pmtiles(tmp_path / "a.pmtiles", held)
    (entry,) = made(local("pmtiles", path), area=AREA).data
    wanted = {f"{z}/{x}/{y}" for z, places in tiles_touching(AREA, range(14, 17)) for x, y in places}
    assert set(entry["tiles"]) == wanted


def test_a_database_is_never_written_and_views_are_read(tmp_path):
    held = tiles()
    path = write_mbtiles(tmp_path / "a.mbtiles", held)
    with sqlite3.connect(path) as file:
        file.execute("ALTER TABLE tiles RENAME TO images")
        file.execute("CREATE VIEW tiles AS SELECT * FROM images")
    file.close()
    path.chmod(0o444)
    before = path.read_bytes(), sorted(tmp_path.iterdir())
    assert len(made(local("mbtiles", path)).data[0]["tiles"]) == len(held)
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_a_database_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.maps.tile_archives._MOST_STEPS", 2)
    path = tmp_path / "a.mbtiles"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE metadata (name text, value text)")
        file.execute(
            "CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS zoom_level, i AS tile_column, i AS tile_row, 'x' AS tile_data FROM n"
        )
    file.close()
    with pytest.raises(ConfigError, match="cannot be read as MBTiles"):
        resolved(local("mbtiles", path), tmp_path)


def test_two_local_basemaps_share_the_budget_in_their_order(tmp_path):
    first = local("folder", write_folder(tmp_path / "a", tiles()))
    second = local("folder", write_folder(tmp_path / "b", tiles()), min_zoom=9)
    room = made(first).bytes + 2000
    page = made(first, second, budget_bytes=room)
    assert [entry["id"] for entry in page.data] == ["b1", "b2"]
    assert page.bytes <= room
    assert len(page.left_out) == 1


def test_an_online_service_is_only_named():
    url = "https://t{s}.example.cn:8443/{z}/{x}/{y}.png?k={key}"
    given = basemap(
        kind="xyz", name="单位影像", url=url, subdomains=["0", "1"], key_env="TILES_KEY", approval_no="GS(2024)1"
    )
    page = made(given, basemap(kind="tianditu"), environ={"TILES_KEY": KEY, "TIANDITU_KEY": KEY})
    own, national = page.data
    assert own["urls"] == [url]
    assert own["approval"] == "GS(2024)1"
    assert own["key"] is None
    assert own["keyName"] == "https://t0.example.cn:8443 TILES_KEY"
    assert len(national["urls"]) == 2
    assert page.image_sources == (
        "https://t0.example.cn:8443", "https://t1.example.cn:8443",
        *(f"https://t{number}.tianditu.gov.cn" for number in range(8)),
    )  # fmt: skip
    assert KEY not in repr(page)


def test_a_key_is_written_only_where_it_was_asked_for():
    given = basemap(kind="tianditu", key_env="TIANDITU_KEY", key_in_page=True)
    assert made(given, environ={"TIANDITU_KEY": KEY + "\n"}).data[0]["key"] == KEY
    with pytest.raises(ConfigError, match="TIANDITU_KEY is not set; set it"):
        made(given, environ={})
