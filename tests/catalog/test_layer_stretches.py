"""Whose road a section is, where its chainage breaks, and what is known by its stretch of road alone."""

import geopandas as gpd
import pytest
from shapely import Point, box

from pipeline.catalog.layers import Layers
from pipeline.errors import Problems


def table(**columns):
    """Rows without any geometry."""
    rows = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[None] * rows, crs=4548)


def road_columns(delivery, roads, mapped, **columns):
    """The roads layer with further columns, and the entry that maps them."""
    return delivery({"roads": roads.assign(**columns)}, replace={"route: LXBM,": f"route: LXBM, {mapped},"})


def test_whose_section_and_what_kind(delivery, roads):
    layers = Layers.load(
        road_columns(
            delivery,
            roads,
            "structure: JG, managed_by_city: CS, unbuilt: DG, ditch_m: BG, design_speed_kmh: SJ",
            JG=["隧道", "一般路段"],
            CS=[2, 1],
            DG=["否", "是"],
            BG=[0.0, "1.5"],
            SJ=["80", 0],
        )
    )
    assert layers.problems == ()
    assert layers.roads["structure"].tolist() == ["tunnel", None]
    assert layers.roads["managed_by_city"].tolist() == [False, True]
    assert layers.roads["unbuilt"].tolist() == [False, True]
    assert layers.roads["ditch_m"].tolist() == [0.0, 1.5]
    assert layers.roads["design_speed_kmh"].fillna(-1).tolist() == [80.0, -1.0]
    assert layers.roads["managed_by_city"].dtype == bool


def test_without_these_columns_a_section_is_an_ordinary_one(delivery):
    road = Layers.load(delivery()).roads.iloc[0]
    assert road[["managed_by_city", "unbuilt"]].tolist() == [False, False]
    assert road[["structure", "concurrent_with"]].tolist() == [None, None]
    assert road[["ditch_m", "design_speed_kmh"]].isna().all()


def test_what_cannot_be_is_told(delivery, roads):
    path = road_columns(
        delivery,
        roads,
        "managed_by_city: CS, ditch_m: BG, design_speed_kmh: SJ",
        CS=["?", 1],
        BG=[-1, 80],
        SJ=[8000, 60],
    )
    layers = Layers.load(path)
    assert layers.roads["managed_by_city"].tolist() == [False, True]
    assert layers.roads["ditch_m"].isna().all()
    told = "\n".join(layers.problems)
    assert "neither yes (1, 是) nor no (2, 否) in row 1 ('?')" in told
    assert "'BG': no value between 0 and 50 m in rows 1, 2" in told
    assert "'SJ': no value between 0 and 140 km/h in row 1" in told
    with pytest.raises(Problems, match=r"column 'JG': row 2 \('高塔'\); known: .*隧道"):
        Layers.load(road_columns(delivery, roads, "structure: JG", JG=["桥梁", "高塔"]))


@pytest.mark.parametrize(
    ("routes", "shared", "own", "others"),
    [
        (["G311;S253", "X201"], [None, None], ["G311", "X201"], ["S253", None]),
        (["G311", "X201"], ["S253、X305", ""], ["G311", "X201"], ["S253;X305", None]),
        (["G311;S253", "X201"], ["S253", "X201"], ["G311", "X201"], ["S253", None]),  # said twice; and of itself
    ],
)
def test_other_routes_of_a_shared_section(delivery, roads, routes, shared, own, others):
    layers = Layers.load(road_columns(delivery, roads, "concurrent_with: GY", LXBM=routes, GY=shared))
    assert layers.roads["route_code"].tolist() == own
    assert layers.roads["concurrent_with"].tolist() == others


def test_broken_chainage_at_a_point_or_by_its_stakes(delivery):
    rows = gpd.GeoDataFrame(
        {"r": ["G311", "G311", "G311"], "b": ["K512+900", "K513+100", 513.2], "a": ["K512+880", "K513+150", 513.2]},
        geometry=[Point(520600, 3800000), None, Point(520900, 3800000)],
        crs=4548,
    )
    text = "breaks: {path: layers.gpkg, layer: breaks, columns: {route: r, back: b, ahead: a}}\n"
    layers = Layers.load(delivery({"breaks": rows.astype({"b": str, "a": str})}, text))
    assert layers.breaks[["back_m", "ahead_m"]].to_numpy().tolist() == [[512900.0, 512880.0], [513100.0, 513150.0]]
    assert layers.breaks.geometry.isna().tolist() == [False, True]
    assert "row 3 of 3 have no two different stakes and are left out" in layers.problems[0]
    assert layers.reports[2].left_out == (3,)


def test_permits_and_exemptions_by_stretch(delivery):
    permits = table(
        n=["1", "2", "3", "4", "5"],
        r=["G311", "G311", "G311", "G311", None],
        f=["K512+800", "K512+400", "", "K512+300~K512+600", "K1+000"],
        t=["K512+600", "", "K512+700", "", "K2+000"],
        s=["左", "R", "两侧", None, "左"],
    )
    exempt = gpd.GeoDataFrame({"n": ["收费站"], "r": ["G311"], "z": ["K512+300-K512+500"]}, geometry=[None], crs=4548)
    text = (
        "permits: {path: layers.gpkg, layer: p, columns: {number: n, route: r, stake_from: f, stake_to: t, side: s}}\n"
        "exempt: {path: layers.gpkg, layer: e, columns: {name: n, route: r, stake: z}}\n"
    )
    layers = Layers.load(delivery({"p": permits, "e": exempt}, text))
    spans = layers.permits[["stake_from_m", "stake_to_m"]].to_numpy().tolist()
    assert spans == [[512600.0, 512800.0], [512400.0, 512400.0], [512700.0, 512700.0], [512300.0, 512600.0]]
    assert layers.permits["side"].tolist() == ["left", "right", None, None]
    assert "1 rows have neither a geometry nor a route with a stake; left out" in layers.problems[0]
    assert layers.exempt[["stake_from_m", "stake_to_m"]].to_numpy().tolist() == [[512300.0, 512500.0]]


def test_a_side_that_nobody_knows_is_a_fault(delivery):
    permits = table(n=["1"], r=["G311"], z=["K512+400"], s=["上行"])
    text = "permits: {path: layers.gpkg, layer: p, columns: {number: n, route: r, stake: z, side: s}}\n"
    with pytest.raises(Problems, match="column 's': row 1 \\('上行'\\); known: left, right, 左"):
        Layers.load(delivery({"p": permits}, text))


def test_assets_along_a_range_with_their_measures(delivery):
    rails = table(
        n=["a", "b", "c"],
        r=["G311"] * 3,
        z=["K512+300~K512+600", "K512+700", "K512+800"],
        t=[None, "K512+900", "K512+800"],
        w=[0.3, -1, 0],
        s=["右侧", "左", None],
    )
    text = (
        "assets: [{kind: 护栏, path: layers.gpkg, layer: rails, accuracy_m: 2.5,"
        " columns: {number: n, route: r, stake: z, stake_to: t, width_m: w, side: s}},\n"
        "         {kind: bridge, path: layers.gpkg, layer: rails, accuracy_m: 5, columns: {name: n, route: r, stake: z}}]\n"
    )
    layers = Layers.load(delivery({"rails": rails}, text))
    assets = layers.assets[layers.assets["kind"] == "barrier"]
    assert assets["stake_m"].tolist() == [512300.0, 512700.0, 512800.0]
    assert assets["stake_to_m"].fillna(-1).tolist() == [512600.0, 512900.0, -1.0]
    assert assets["width_m"].fillna(-1).tolist() == [0.3, -1.0, -1.0]
    assert assets["side"].tolist() == ["right", "left", None]
    assert layers.accuracy_m == {"assets": 5.0}


@pytest.mark.parametrize("said", ["-1", "501", "wide", "true", "[3]"])
def test_an_error_of_positions_is_a_length(delivery, said):
    path = delivery(replace={"layer: counties,": f"layer: counties, accuracy_m: {said},"})
    with pytest.raises(
        Problems, match=r"layers\.yaml:6: counties\.accuracy_m: expected the standard error .* 0 to 500"
    ):
        Layers.load(path)


def test_errors_of_positions_by_layer(delivery):
    path = delivery(
        replace={
            "layer: counties,": "layer: counties, accuracy_m: 30,",
            "layer: roads": "layer: roads\n  accuracy_m: 0",
        }
    )
    assert Layers.load(path).accuracy_m == {"counties": 30.0, "roads": 0.0}
    assert [report.accuracy_m for report in Layers.load(path).reports] == [0.0, 30.0]


# ---- what became of the rows


def test_a_report_names_the_rows(delivery, roads, counties):
    tie = gpd.GeoSeries.from_wkt(
        ["POLYGON ((520500 3790000, 530500 3800000, 530500 3790000, 520500 3800000, 520500 3790000))"]
    )[0]
    layers = Layers.load(
        delivery(
            {
                "roads": roads.set_geometry([roads.geometry[0], None], crs=4548),
                "counties": counties.set_geometry([counties.geometry[1], tie], crs=4548),
            }
        )
    )
    first, second = layers.reports
    assert (first.role, first.driver, first.layer) == ("roads", "GPKG", "roads")
    assert (first.read, first.kept, first.left_out) == (2, 1, (2,))
    assert (second.read, second.kept, second.repaired) == (2, 2, (2,))
    assert first.crs == "EPSG:4548 CGCS2000 / 3-degree Gauss-Kruger CM 117E"
    assert (first.crs_from, first.encoding, first.encoding_from) == ("file", "UTF-8", "format")
    assert layers.problems == (*first.warnings, *second.warnings)
    assert isinstance(first.as_dict()["path"], str)


def test_what_stands_twice_is_named_and_kept(delivery, roads, counties):
    pier = Point(520600, 3800000)
    bridges = gpd.GeoDataFrame(
        {"n": ["7", "8", "7", None, None]}, geometry=[pier, pier, Point(0, 0), None, Point(9, 9)], crs=4548
    )
    square = box(520100, 3799900, 520200, 3800000)
    permits = gpd.GeoDataFrame({"n": ["许1", "许2", "许1"]}, geometry=[square, square.buffer(9), square], crs=4548)
    twice = roads.iloc[[0, 1, 0]].reset_index(drop=True)
    thrice = counties.iloc[[0, 1, 0]].reset_index(drop=True)
    text = (
        "assets: [{kind: bridge, path: layers.gpkg, layer: b, columns: {number: n}}]\n"
        "permits: {path: layers.gpkg, layer: p, columns: {number: n}}\n"
    )
    layers = Layers.load(delivery({"roads": twice, "counties": thrice, "b": bridges, "p": permits}, text))
    assert {report.role: report.repeated for report in layers.reports} == {
        "roads": (3,),
        "counties": (3,),
        "assets": (2, 3),
        "permits": (3,),
    }
    told = "\n".join(layers.problems)
    assert "row 3 overlap an earlier row of the same code" in told
    assert "row 3 carry the number of an earlier row" in told
    assert "row 2 lie exactly where an earlier row lies" in told
    assert len(layers.roads) == 3, "nothing is taken out in silence"


def test_an_exclave_is_no_repetition(delivery, counties):
    layers = Layers.load(delivery({"counties": counties.assign(XZQDM="320322")}))
    assert layers.problems == ()
    assert layers.reports[1].kept == 1
    assert layers.reports[1].read == 2
