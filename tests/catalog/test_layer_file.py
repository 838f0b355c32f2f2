import os
import shutil
from types import MappingProxyType

import geopandas as gpd
import pytest
import shapely

from pipeline.catalog.layer_entries import Entry
from pipeline.catalog.layer_file import read_layer
from pipeline.errors import LayerError


def entry(path, **said):
    return Entry("counties", path, "layers.yaml:6", MappingProxyType({}), **said)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".fgb", ".parquet", ".geojsonl"])
def test_formats_give_the_same_table(tmp_path, counties, suffix):
    path = tmp_path / f"counties{suffix}"
    frame = counties if suffix in (".gpkg", ".shp", ".fgb", ".parquet") else counties.to_crs(4326)
    if suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".shp":
        frame.to_file(path, encoding="utf-8")
    else:
        frame.to_file(path, driver="GeoJSONSeq" if suffix == ".geojsonl" else None)
    read = read_layer(entry(path))
    assert sorted(read.frame["XZQMC"]) == ["丰县", "沛县"]
    got = read.frame.to_crs(4548).sort_values("XZQDM").geometry.values
    wanted = counties.sort_values("XZQDM").geometry.values
    assert shapely.hausdorff_distance(got, wanted).max() < 0.1
    assert read.notes == ()


@pytest.mark.parametrize(
    ("name", "driver"),
    [("c.kml", "KML"), ("c.gdb", "OpenFileGDB"), ("c.tab", "MapInfo File"), ("c.mif", "MapInfo File")],
)
def test_formats_of_other_houses(tmp_path, counties, name, driver):
    lonlat = counties.rename(columns={"XZQMC": "Name"}).to_crs(4326)
    lonlat.to_file(tmp_path / name, driver=driver)
    read = read_layer(entry(tmp_path / name))
    assert read.frame["Name"].tolist() == ["沛县", "丰县"]
    assert shapely.hausdorff_distance(read.frame.geometry.values, lonlat.geometry.values).max() < 1e-6


def shapefile(folder, frame, encoding, *, cpg=None, language_id=None):
    """A shapefile whose text is in ``encoding``, whatever its .cpg and the language id of its dbf claim."""
    path = folder / "counties.shp"
    frame.to_file(path, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = language_id or 0
    path.with_suffix(".dbf").write_bytes(raw)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
@pytest.mark.parametrize("language_id", [0x00, 0x57])
def test_text_is_recognised_where_nobody_says_what_it_is(tmp_path, counties, encoding, language_id):
    path = shapefile(tmp_path, counties, encoding, language_id=language_id)
    assert read_layer(entry(path)).frame["XZQMC"].tolist() == ["沛县", "丰县"]


@pytest.mark.parametrize(("said", "cpg", "ldid"), [({}, "GBK", 0), ({}, None, 0x4D), ({"encoding": "gbk"}, None, 0)])
def test_text_as_said(tmp_path, counties, said, cpg, ldid):
    path = shapefile(tmp_path, counties, "gbk", cpg=cpg, language_id=ldid)
    read = read_layer(entry(path, **said))
    assert read.frame["XZQMC"].tolist() == ["沛县", "丰县"]
    assert read.notes == ()


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "gb2312"])
@pytest.mark.parametrize(
    "cpg", [None, "GBK", "GB18030", "936", "cp936", "ANSI 936", "UTF-8", "ISO-8859-1", "88591", "nonsense"]
)
def test_chinese_text_under_every_label(tmp_path, counties, encoding, cpg):
    """Rare characters, Chinese column names, and labels from none to nonsense."""
    name = "邳州𠮷镇" if encoding == "gb18030" else "邳州市"
    path = shapefile(tmp_path, counties.assign(名称=[name, "丰县"]), encoding, cpg=cpg)
    said = {"encoding": "gb18030"} if encoding == "gb18030" and cpg in ("GBK", "936", "cp936", "ANSI 936") else {}
    read = read_layer(entry(path, **said))
    assert read.frame["名称"].tolist() == [name, "丰县"]
    assert read.source.encoding_from in ("entry", ".cpg", "looked at")


def test_a_cpg_that_lies_is_seen_and_told(tmp_path, counties):
    path = shapefile(tmp_path, counties, "gbk", cpg="UTF-8")
    read = read_layer(entry(path))
    assert read.frame["XZQMC"].tolist() == ["沛县", "丰县"]
    assert "not in the encoding that the file claims; read as gb18030" in read.notes[0]


def test_an_encoding_that_does_not_fit_is_refused(tmp_path, counties):
    path = shapefile(tmp_path, counties, "gbk")
    with pytest.raises(LayerError, match=r"its text is not utf-8; correct encoding: in layers\.yaml:6"):
        read_layer(entry(path, encoding="utf-8"))


def test_chinese_column_names_in_gbk(tmp_path, counties):
    path = shapefile(tmp_path, counties.rename(columns={"XZQMC": "名称"}), "gbk")
    assert read_layer(entry(path)).frame["名称"].tolist() == ["沛县", "丰县"]


def test_missing_prj_is_refused_with_a_crs_that_fits(tmp_path, counties):
    path = tmp_path / "counties.shp"
    counties.to_crs(4527).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(LayerError, match=r"its \.prj is missing; add crs: to the entry, e\.g\. crs: EPSG:4527"):
        read_layer(entry(path))
    assert read_layer(entry(path, crs="EPSG:4527")).frame.crs.to_epsg() == 4527


def test_a_prj_in_gbk_is_refused_with_the_remedy(tmp_path, counties):
    path = tmp_path / "counties.shp"
    counties.to_file(path)
    prj = path.with_suffix(".prj")
    prj.write_bytes(prj.read_bytes().replace(b"CGCS2000_3_Degree", "徐州坐标系".encode("gbk")))
    with pytest.raises(LayerError, match=r"take the \.prj out and add crs:"):
        read_layer(entry(path))


def test_a_chinese_mapinfo_table(tmp_path):
    """As MapInfo writes it in China, names of columns included."""
    (tmp_path / "a.mif").write_bytes(
        'Version 300\nCharset "WindowsSimpChinese"\nDelimiter ","\nCoordSys Earth Projection 1, 104\n'
        "Columns 1\n  名称 Char(20)\nData\n\nPoint 117 34.5\n".encode("gbk")
    )
    (tmp_path / "a.mid").write_bytes('"沛县"\n'.encode("gbk"))
    frame = read_layer(entry(tmp_path / "a.mif")).frame
    assert frame["名称"].tolist() == ["沛县"]
    assert frame.crs.to_epsg() == 4326


def test_crs_of_the_entry_wins_and_is_told(tmp_path, counties):
    path = tmp_path / "counties.gpkg"
    counties.to_file(path)
    read = read_layer(entry(path, crs="EPSG:4549"))
    assert read.frame.crs.to_epsg() == 4549
    assert "the file claims CGCS2000 / 3-degree Gauss-Kruger CM 117E" in read.notes[0]


def test_exchanged_coordinates_are_refused(tmp_path, counties):
    lonlat = counties.to_crs(4490)
    swapped = lonlat.set_geometry(shapely.transform(lonlat.geometry.values, lambda p: p[:, ::-1]), crs=4490)
    swapped.to_file(tmp_path / "counties.gpkg")
    with pytest.raises(LayerError, match="latitude and longitude are exchanged"):
        read_layer(entry(tmp_path / "counties.gpkg"))


def test_missing_shx_is_refused_with_the_remedy(tmp_path, counties):
    path = tmp_path / "counties.shp"
    counties.to_file(path)
    path.with_suffix(".shx").unlink()
    with pytest.raises(LayerError, match=r"\.shx is missing; ask for the complete shapefile"):
        read_layer(entry(path))
    assert not path.with_suffix(".shx").exists()


def test_several_layers_need_a_name(tmp_path, counties):
    for name in ("a", "b"):
        counties.to_file(tmp_path / "c.gpkg", layer=name)
    with pytest.raises(LayerError, match="several layers; add layer: one of a, b"):
        read_layer(entry(tmp_path / "c.gpkg"))


VRT = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
PIPELINE = '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {secret} ! select XZQDM"}}'
DISGUISES = [
    ("x.geojson", VRT),
    ("x.json", VRT),
    ("x.gpkg", VRT),
    ("x.kml", VRT),
    ("x.shp", VRT),
    ("x.fgb", VRT),
    ("x.geojson", PIPELINE),
    ("x.json", " \n" + PIPELINE),
    ("x.kml", "<kml>" + " " * 2_000_000 + "<NetworkLink><href>{secret}</href></NetworkLink></kml>"),
    ("x.vrt", VRT),
]


@pytest.mark.parametrize(("name", "content"), DISGUISES)
def test_files_that_would_read_other_files_never_reach_the_reader(tmp_path, counties, name, content, monkeypatch):
    import pyogrio

    secret = tmp_path / "secret.gpkg"
    counties.to_file(secret)
    (tmp_path / name).write_text(content.format(secret=secret))
    for function in ("read_info", "list_layers", "read_dataframe"):
        monkeypatch.setattr(pyogrio, function, lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(LayerError, match=r"refused|is not read"):
        read_layer(entry(tmp_path / name))


def test_folder_and_missing_file(tmp_path):
    with pytest.raises(LayerError, match=r"no such file; layers\.yaml:6 names it"):
        read_layer(entry(tmp_path / "no.gpkg"))
    with pytest.raises(LayerError, match="is a folder"):
        read_layer(entry(tmp_path))


def test_a_cut_off_geopackage_is_refused(tmp_path, counties):
    counties.to_file(tmp_path / "c.gpkg")
    os.truncate(tmp_path / "c.gpkg", 3000)
    with pytest.raises(LayerError, match="cannot be read"):
        read_layer(entry(tmp_path / "c.gpkg"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("cn_city_shapes_gbk/shanghai_shp/区县界_area.shp", "NAME", "崇明县"),
        ("cn_city_shapes_gbk/chongqing_shp/区县界_area.shp", "NAME", "奉节县"),
        ("cn_city_shapes_gbk/sz.shp", "qh", "罗湖"),
        ("cn_city_shapes_gbk/metroline2/metroline2.shp", "city", "上海"),
        ("messy_vectors/mapshaper_dbf/chinese.shp", "NAME", "简体"),
        ("messy_vectors/mapshaper_dbf/big5.shp", "NAME", "國語"),
        ("messy_vectors/nts/chinese_encoding.shp", "NAME99", "天长市"),
    ],
)
def test_real_chinese_text(real, name, column, value):
    path = real(f"gis/{name}")
    crs = None if path.with_suffix(".prj").exists() else "EPSG:4490"
    if "mapshaper" in name:  # its coordinates are no place in any system of degrees
        crs = "EPSG:32650"
    read = read_layer(entry(path, crs=crs))
    assert value in set(read.frame[column])


@pytest.mark.real
def test_real_gbk_without_its_cpg(real, tmp_path):
    folder = real("gis/cn_city_shapes_gbk/chongqing_shp")
    for file in folder.iterdir():
        shutil.copy(file, tmp_path / file.name)
    dbf = tmp_path / "区县界_area.dbf"
    dbf.chmod(0o644)
    raw = bytearray(dbf.read_bytes())
    raw[29] = 0
    dbf.write_bytes(raw)
    assert "奉节县" in set(read_layer(entry(tmp_path / "区县界_area.shp")).frame["NAME"])


@pytest.mark.real
def test_every_messy_file_is_read_or_refused_with_a_reason(real):
    """No crash, no other error: each file becomes a table with a CRS or a LayerError that names the file."""
    outcomes = {"read": 0, "refused": 0}
    for path in sorted(real("gis").rglob("*")):
        if path.suffix.lower() not in (".shp", ".gpkg", ".geojson", ".json", ".kml") or path.name.startswith(
            "counties_all"
        ):
            continue
        try:
            frame = read_layer(entry(path)).frame
        except LayerError as error:
            assert path.name in str(error)  # noqa: PT017
            outcomes["refused"] += 1
        else:
            assert isinstance(frame, gpd.GeoDataFrame)
            assert frame.crs is not None or frame.geometry.isna().all()
            outcomes["read"] += 1
    assert min(outcomes.values()) > 10, outcomes
