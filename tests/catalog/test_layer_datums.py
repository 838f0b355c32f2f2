"""Datums: the older national ones told by their ellipsoid, shifted ones declared or found out from the other layers."""

from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely import LineString, Point, box

from pipeline.catalog.coordinates import check_coordinates
from pipeline.catalog.layer_entries import Entry
from pipeline.catalog.layer_file import read_layer
from pipeline.catalog.layers import Layers
from pipeline.errors import LayerError
from pipeline.geo.gcj02 import from_bd09, to_bd09, to_gcj02

LOCAL = "+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=500000 +y_0=0 +ellps=krass +units=m"
CUSTOM = (  # as offices define it by hand: CGCS2000, a meridian of the county's own, no code
    'PROJCS["County plane",GEOGCS["CGCS2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137,298.257222101]],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",500000],PARAMETER["False_Northing",0],PARAMETER["Central_Meridian",116.5],'
    'PARAMETER["Scale_Factor",1],PARAMETER["Latitude_Of_Origin",0],UNIT["Meter",1]]'
)


def entry(path, role="counties", **said):
    return Entry(role, path, "layers.yaml:6", MappingProxyType({}), **said)


def placed(path, crs):
    frame = gpd.GeoDataFrame({"n": ["a"]}, geometry=[Point(117.0, 34.5)], crs=4490)
    moved = frame.set_crs(CRS.from_user_input(crs).geodetic_crs, allow_override=True).to_crs(crs)
    moved.to_file(path)
    return path


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        (4214, "北京54"),
        (2436, "北京54"),
        (21420, "北京54"),
        (4555, "北京54"),  # New Beijing stands on the same ellipsoid
        (LOCAL, "北京54"),
        (4610, "西安80"),
        (2384, "西安80"),
        (2334, "西安80"),
    ],
)
def test_older_datums_are_read_and_told_with_what_was_done_about_them(tmp_path, crs, name):
    read = read_layer(entry(placed(tmp_path / "a.gpkg", crs)))
    (note,) = read.notes
    assert name in note
    assert "ballpark" in note
    assert "+towgs84" in note
    assert read.source.crs_from == "file"


@pytest.mark.parametrize("crs", [4490, 4326, 4548, 4527, 4509, 32650, CUSTOM])
def test_the_datums_of_today_are_in_no_doubt(tmp_path, crs):
    read = read_layer(entry(placed(tmp_path / "a.gpkg", crs)))
    assert read.notes == ()
    back = read.frame.to_crs(4490).geometry[0]
    assert back.distance(Point(117.0, 34.5)) < 1e-6


def test_local_parameters_are_applied_and_still_the_doubt(tmp_path):
    plain = read_layer(entry(placed(tmp_path / "a.gpkg", LOCAL)))
    given_ = read_layer(entry(tmp_path / "a.gpkg", crs=f"{LOCAL} +towgs84=15.8,-154.4,-82.3,0,0,0,0"))
    assert not any("ballpark" in note for note in given_.notes)
    apart_m = plain.frame.to_crs(4548).distance(given_.frame.to_crs(4548).geometry).iloc[0]
    assert 50 < apart_m < 150


def test_the_axes_of_4490_stay_longitude_first(tmp_path):
    document = """{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}},
      "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [117.0, 34.5]}}]}"""
    (tmp_path / "a.geojson").write_text(document)
    for path in (tmp_path / "a.geojson", placed(tmp_path / "b.gpkg", 4490), placed(tmp_path / "c.shp", 4490)):
        frame = read_layer(entry(path)).frame
        assert frame.crs.to_epsg() == 4490
        assert frame.geometry[0].equals_exact(Point(117.0, 34.5), 1e-9)


def test_a_plane_of_the_county_s_own_goes_through_a_whole_delivery(delivery, roads):
    layers = Layers.load(delivery({"roads": roads.to_crs(CUSTOM)}))
    assert layers.epsg == 4548
    assert shapely.hausdorff_distance(layers.roads.geometry.values, roads.geometry.values).max() < 1e-3


@pytest.mark.parametrize(
    ("bounds", "epsg", "said"),
    [
        ((40518412.0, 3.8e6, 40519000.0, 3.81e6), 4527, "eastings are of zone 40"),
        ((40518412.0, 3.8e6, 40519000.0, 3.81e6), 4527, "EPSG:4528"),
        ((20518412.0, 3.8e6, 20519000.0, 3.81e6), 4527, "EPSG:4498"),
        ((3.8e6, 518412.0, 3.81e6, 519000.0), 4548, "call the northing X"),
        ((3.8e6, 39518412.0, 3.81e6, 39519000.0), 4527, "call the northing X"),
    ],
)
def test_wrong_zones_and_northings_first(bounds, epsg, said):
    assert said in check_coordinates(np.array(bounds), CRS.from_epsg(epsg))


def test_a_province_in_the_zone_of_its_capital_is_left_alone():
    assert check_coordinates(np.array([39050000.0, 3.5e6, 39900000.0, 3.9e6]), CRS.from_epsg(4527)) is None


# ---- shifted datums


@given(st.floats(74, 135), st.floats(18, 53))
def test_bd09_there_and_back(lon, lat):
    back = from_bd09(*to_bd09(np.array([lon]), np.array([lat])))
    assert abs(back[0][0] - lon) < 1e-9
    assert abs(back[1][0] - lat) < 1e-9


def test_bd09_of_a_known_place():
    """coordtransform's own example: bd09togcj02(116.404, 39.915) = 116.39762729, 39.90865674."""
    lon, lat = from_bd09(np.array([116.404]), np.array([39.915]))
    there = to_gcj02(lon, lat)
    assert there[0][0] == pytest.approx(116.3976272, abs=2e-6)
    assert there[1][0] == pytest.approx(39.9086567, abs=2e-6)


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", to_gcj02), ("bd09", to_bd09)])
def test_a_declared_shift_is_taken_out_without_asking_for_a_system(tmp_path, datum, shift):
    lon, lat = shift(np.array([117.0]), np.array([34.5]))
    (tmp_path / "p.csv").write_text(f"经度,纬度\n{lon[0]:.9f},{lat[0]:.9f}\n", encoding="utf-8")
    mapped = MappingProxyType({"lon": "经度", "lat": "纬度"})
    read = read_layer(Entry("assets", tmp_path / "p.csv", "layers.yaml:6", mapped, datum=datum))
    assert read.frame.geometry.iloc[0].distance(Point(117.0, 34.5)) < 1e-7
    assert read.frame.crs.to_epsg() == 4490
    assert "ask for the CGCS2000 original" in read.notes[0]


def test_a_shift_is_taken_out_of_degrees_only(tmp_path):
    with pytest.raises(LayerError, match="needs longitudes and latitudes"):
        read_layer(entry(placed(tmp_path / "a.gpkg", 4548), datum="gcj02"))


# ---- a shift that nobody declared


def shifted(frame):
    """The same layer as a web map has it."""
    lonlat = frame.to_crs(4490)
    moved = shapely.transform(
        np.asarray(lonlat.geometry.values), lambda points: np.column_stack(to_gcj02(points[:, 0], points[:, 1]))
    )
    return lonlat.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=4490))


ROAD = LineString([(520000, 3800000), (521500, 3801200), (523000, 3800200), (524500, 3801500)])


@pytest.fixture
def parts(roads):
    line = roads.iloc[[0]].set_geometry([ROAD], crs=4548).assign(QDZH=[0.0], ZDZH=[5.7])
    at_m = np.arange(100.0, 5600.0, 500.0)
    posts = gpd.GeoDataFrame(
        {"r": "G311", "z": [f"K{int(m // 1000)}+{int(m % 1000):03d}" for m in at_m]},
        geometry=list(shapely.line_interpolate_point(ROAD, at_m)),
        crs=4548,
    )
    bridges = posts.iloc[::2].assign(n="桥").reset_index(drop=True)
    return {"roads": line, "posts": posts, "bridges": bridges}


TEXT = (
    "stakes: {path: layers.gpkg, layer: posts, columns: {route: r, stake: z}}\n"
    "assets: [{kind: bridge, path: layers.gpkg, layer: bridges, columns: {name: n}}]\n"
)


@pytest.mark.parametrize(
    ("moved", "culprits"),
    [((), []), (("posts",), ["stakes"]), (("bridges",), ["assets"]), (("roads",), ["roads", "roads"])],
)
def test_the_layer_that_a_web_map_shifted_is_named_and_nothing_moved(delivery, parts, moved, culprits):
    path = delivery({name: shifted(part) if name in moved else part for name, part in parts.items()}, TEXT)
    layers = Layers.load(path)
    doubts = [problem for problem in layers.problems if "looks like GCJ-02" in problem]
    assert [doubt.split("layer ")[1].split(" ")[0].strip("'") for doubt in doubts] == culprits
    assert all("Nothing was moved" in doubt for doubt in doubts)
    line = {"stakes": 7, "assets": 8, "roads": 1}
    assert all(doubt.startswith(f"{path}:{line[role]}: ") for doubt, role in zip(doubts, culprits, strict=True))
    off_m = layers.stakes.distance(shapely.union_all(layers.roads.geometry.values)).median()
    assert off_m < 1 or moved in (("posts",), ("roads",))


@given(st.floats(0, 2 * np.pi), st.floats(150, 900))
def test_another_shift_is_not_taken_for_gcj02(angle, length_m):
    from pipeline.catalog.layer_doubts import shift_notes

    turn = np.linspace(0, np.pi, 60)
    bend = LineString(np.column_stack([522000 + 2000 * np.cos(turn), 3800000 + 2000 * np.sin(turn)]))
    at = shapely.line_interpolate_point(bend, np.arange(100.0, 6200.0, 200.0))
    x, y = Transformer.from_crs(4548, 4490, always_xy=True).transform(522000.0, 3801000.0)
    there = Transformer.from_crs(4490, 4548, always_xy=True).transform(*to_gcj02(np.array([x]), np.array([y])))
    gcj = np.array([there[0][0] - 522000.0, there[1][0] - 3801000.0])
    off = length_m * np.array([np.cos(angle), np.sin(angle)])
    roads = gpd.GeoDataFrame({"route_key": ["G311"]}, geometry=[bend], crs=4548)
    counties = gpd.GeoDataFrame({"code": ["320322"]}, geometry=[box(5e5, 3.7e6, 6e5, 3.9e6)], crs=4548)
    posts = gpd.GeoDataFrame(geometry=list(shapely.transform(at, lambda xy: xy + off)), crs=4548)
    entries = (Entry("roads", None, "l:1"), Entry("stakes", None, "l:2"))
    notes = shift_notes({"roads": roads, "counties": counties, "stakes": posts}, entries, CRS.from_epsg(4548))
    # what is left of a shift crosses half of the posts' directions by more than 0.3 of its length
    left_m = min(np.hypot(*(off + gcj)), np.hypot(*(off - gcj)))
    assert bool(notes) <= (left_m < 100)
    assert bool(notes) or left_m > 10


def test_townships_against_counties(delivery, counties):
    towns = gpd.GeoDataFrame(
        {"n": ["a", "b"]},
        geometry=[box(520500, 3790000, 530000, 3810000), box(510000, 3790000, 520500, 3810000)],
        crs=4548,
    )
    text = "townships: {path: layers.gpkg, layer: towns, columns: {name: n}}\n"
    assert Layers.load(delivery({"towns": towns}, text)).problems == ()
    (note,) = Layers.load(delivery({"towns": shifted(towns)}, text)).problems
    assert "layer 'townships' looks like GCJ-02" in note


@pytest.mark.parametrize(("moved", "culprits"), [((), []), (("counties",), ["counties"]), (("roads",), ["roads"])])
def test_sections_against_the_counties_that_their_codes_name(delivery, roads, counties, moved, culprits):
    """Sections from county to county end at the border; six on each side of it."""
    y = 3_795_000.0 + 1000.0 * np.arange(6)
    lines = [LineString([(x, at), (520500, at)]) for x in (517500, 523500) for at in y]
    codes = [f"X{number:03d}{county}" for county in ("320321", "320322") for number in range(201, 207)]
    many = gpd.GeoDataFrame(
        {"LXBM": codes, "LXMC": None, "LDJSDJ": 4, "LMKD": 6.0, "LJKD": 6.5, "QDZH": 0.0, "ZDZH": 3.0},
        geometry=lines,
        crs=4548,
    )
    given_ = {"roads": many, "counties": counties}
    path = delivery({name: shifted(part) if name in moved else part for name, part in given_.items()})
    doubts = [problem for problem in Layers.load(path).problems if "looks like GCJ-02" in problem]
    assert [doubt.split("layer ")[1].split(" ")[0].strip("'") for doubt in doubts] == culprits


def test_no_web_map_shifts_the_rest_of_the_world():
    from pipeline.catalog.layer_doubts import shift_notes

    roads = gpd.GeoDataFrame({"route_key": ["G1"]}, geometry=[LineString([(5e5, 5e6), (5.01e5, 5e6)])], crs=32614)
    posts = gpd.GeoDataFrame(geometry=[Point(5e5 + 10 * step, 5e6 + 400) for step in range(9)], crs=32614)
    entries = (Entry("roads", None, "l:1"), Entry("stakes", None, "l:2"))
    assert shift_notes({"roads": roads, "stakes": posts}, entries, CRS.from_epsg(32614)) == []
