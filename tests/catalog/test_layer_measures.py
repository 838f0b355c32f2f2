"""Stakes that live in the M of road lines."""

import struct

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Point

from pipeline.catalog.layers import Layers
from pipeline.errors import Problems


def with_m(path, lines, *, codes, crs):
    """A layer whose lines carry M: as a shapefile byte by byte (PolyLineM), else through Arrow; GeoPandas drops M."""
    import pyarrow as pa
    from pyogrio.raw import write_arrow

    if path.suffix == ".shp":
        flat = gpd.GeoDataFrame({"LXBM": codes}, geometry=shapely.force_2d(lines), crs=crs)
        flat.to_file(path)
        measured_shapefile(path, lines)
        return
    wkb = pa.array([shapely.to_wkb(line, output_dimension=4, flavor="iso") for line in lines], pa.binary())
    table = pa.table({"LXBM": codes, "geom": wkb})
    write_arrow(table, path, layer="roads", geometry_name="geom", geometry_type="Unknown", crs=f"EPSG:{crs}")


def measured_shapefile(path, lines):
    """The .shp and .shx of ``path`` anew, shape type 23 (ESRI Shapefile Technical Description, 1998)."""
    records, index, offset = b"", b"", 50
    box = struct.pack("<4d", *shapely.total_bounds(lines))
    for number, one in enumerate(lines, 1):
        parts = shapely.get_parts(one)
        xym = shapely.get_coordinates(one, include_m=True)
        m = np.where(np.isnan(xym[:, -1]), -1e39, xym[:, -1])
        starts = np.cumsum([0, *(shapely.get_num_coordinates(part) for part in parts)])[:-1]
        body = struct.pack("<i4d2i", 23, *one.bounds, len(parts), len(xym)) + starts.astype("<i4").tobytes()
        body += xym[:, :2].astype("<f8").tobytes() + struct.pack("<2d", m.min(), m.max()) + m.astype("<f8").tobytes()
        records += struct.pack(">2i", number, len(body) // 2) + body
        index += struct.pack(">2i", offset, len(body) // 2)
        offset += 4 + len(body) // 2
    for suffix, content in ((".shp", records), (".shx", index)):
        head = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, 50 + len(content) // 2) + struct.pack("<2i", 1000, 23)
        path.with_suffix(suffix).write_bytes(head + box + struct.pack("<4d", 0, 0, 0, 0) + content)


def line(*xym):
    return shapely.from_wkt("LINESTRING M (" + ", ".join(" ".join(map(str, vertex)) for vertex in xym) + ")")


BENT = line((520000, 3800000, 12.0), (520400, 3800000, 12.4), (520400, 3800300, 12.71), (521000, 3800300, 13.3))


def delivered(tmp_path, counties, lines, *, unit="km", codes=None, name="r.gpkg", crs=4548):
    with_m(tmp_path / name, lines, codes=codes or ["G311"] * len(lines), crs=crs)
    counties.to_file(tmp_path / "c.gpkg")
    (tmp_path / "layers.yaml").write_text(
        f"roads: {{path: {name}, measures: {unit}, columns: {{route: LXBM}}}}\n"
        "counties: {path: c.gpkg, columns: {code: XZQDM}}\n"
    )
    return tmp_path / "layers.yaml"


@pytest.mark.parametrize("name", ["r.gpkg", "r.shp"])
def test_vertices_become_posts(tmp_path, counties, name):
    layers = Layers.load(delivered(tmp_path, counties, [BENT], name=name))
    posts = layers.stakes.set_index("stake_m").geometry
    assert {12000.0, 12400.0, 12710.0, 13300.0} == {round(m, 3) for m in posts.index}
    assert posts.iloc[1].distance(Point(520400, 3800000)) < 1e-3
    assert set(layers.stakes["route_code"]) == {"G311"}
    assert not layers.roads.has_z.any()
    assert layers.reports[0].posts == 4
    assert layers.problems == ()


def test_metres_falling_along_a_line_of_many_vertices_give_a_post_every_50_m(tmp_path, counties):
    x = np.arange(0, 2000.0, 5.0)
    many = line(*((520000 + along, 3800000, 9000 - along) for along in x))
    layers = Layers.load(delivered(tmp_path, counties, [many], unit="m"))
    assert 38 <= len(layers.stakes) <= 44
    off = layers.stakes.geometry.x - (520000 + 9000 - layers.stakes["stake_m"])
    assert np.abs(off).max() < 1e-6
    assert {9000.0, 9000.0 - x[-1]} <= set(layers.stakes["stake_m"])


def test_posts_are_where_the_roads_are_whatever_the_system(tmp_path, counties):
    x, y = (
        gpd.GeoSeries(shapely.points(shapely.get_coordinates(BENT)), crs=4548).to_crs(4490).pipe(lambda s: (s.x, s.y))
    )
    m = shapely.get_coordinates(BENT, include_m=True)[:, -1]
    lonlat = line(*zip(x, y, m, strict=True))
    layers = Layers.load(delivered(tmp_path, counties, [lonlat], crs=4490))
    assert layers.epsg == 4548
    assert layers.stakes.distance(layers.roads.geometry.iloc[0]).max() < 1e-6


def test_parts_and_neighbours_share_their_ends(tmp_path, counties):
    two = shapely.from_wkt(
        "MULTILINESTRING M ((520000 3800000 1, 520500 3800000 1.5), (520600 3800000 1.6, 521000 3800000 2))"
    )
    other = shapely.from_wkt("MULTILINESTRING M ((521000 3800000 2, 521400 3800000 2.4))")
    layers = Layers.load(delivered(tmp_path, counties, [two, other]))
    assert sorted(layers.stakes["stake_m"]) == [1000, 1500, 1600, 2000, 2400]


@pytest.mark.parametrize(
    ("lines", "unit", "said"),
    [
        (
            [BENT, line((0, 0, 1), (500, 0, 1.5), (1000, 0, 1.2))],
            "km",
            "M of row 2 is missing, or neither rises nor falls",
        ),
        ([line((0, 0, float("nan")), (500, 0, float("nan"))), BENT], "km", "M of row 1 is missing"),
        ([BENT], "m", "does not go with the length of the line in m; write measures: km"),
        ([line((0, 0, 0), (500, 0, 500))], "km", "write measures: m"),
    ],
)
def test_what_is_no_stake_is_refused_with_the_row(tmp_path, counties, lines, unit, said):
    with pytest.raises(Problems, match=said):
        Layers.load(delivered(tmp_path, counties, lines, unit=unit))


def test_a_layer_without_m_is_refused(delivery):
    path = delivery(replace={"  layer: roads\n": "  layer: roads\n  measures: km\n"})
    with pytest.raises(Problems, match=r"its vertices carry no M; ask for lines with M, or take measures: out of"):
        Layers.load(path)
    with pytest.raises(Problems, match="unknown unit 'mile'; known: km, m"):
        Layers.load(delivery(replace={"  layer: roads\n": "  layer: roads\n  measures: mile\n"}))


def test_stakes_of_a_layer_and_of_m_stand_together(tmp_path, counties):
    path = delivered(tmp_path, counties, [BENT])
    gpd.GeoDataFrame({"r": ["G311"], "z": ["K13+000"]}, geometry=[Point(520700, 3800300)], crs=4548).to_file(
        tmp_path / "s.gpkg"
    )
    path.write_text(path.read_text() + "stakes: {path: s.gpkg, columns: {route: r, stake: z}}\n")
    assert 13000.0 in set(Layers.load(path).stakes["stake_m"])
    assert len(Layers.load(path).stakes) == 5
