"""The road made straight, and the reliability diagram: numbers where they belong, and messages."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import pipeline as luyu
from pipeline.errors import LuyuError
from pipeline.evaluate.confidence import calibration_error, reliability

WEST, NORTH = 520_000.0, 3_800_000.0


def image(rows: int = 200, cols: int = 300, pixel_m: float = 0.5) -> xr.Dataset:
    """Easting in red, northing in green, metres from the corner: what is resampled says where it came from."""
    x_m, y_m = WEST + (np.arange(cols) + 0.5) * pixel_m, NORTH - (np.arange(rows) + 0.5) * pixel_m
    east, north = np.meshgrid(x_m - WEST, NORTH - y_m)
    bands = {"red": east, "green": north, "blue": np.ones_like(east)}
    return xr.Dataset(
        {name: (("y", "x"), band.astype(np.float32)) for name, band in bands.items()},
        {"y": y_m, "x": x_m},
        {"epsg": 4548},
    )


def road(*points: tuple[float, float], **columns) -> gpd.GeoDataFrame:
    line = shapely.LineString([(WEST + x, NORTH - y) for x, y in points])
    return gpd.GeoDataFrame({"route_code": ["G311"], **columns}, geometry=[line], crs=4548, index=["main"])


BENT = road((0, 30), (60, 40), (100, 70), (150, 72), pavement_width_m=[9.0])


def test_each_sample_is_what_lies_there() -> None:
    strip = luyu.straighten(image(), BENT, margin_m=4.0)
    inside = np.isfinite(strip["red"].to_numpy())
    assert inside.mean() > 0.9
    np.testing.assert_allclose((strip["x_m"] - WEST).to_numpy()[inside], strip["red"].to_numpy()[inside], atol=0.02)
    np.testing.assert_allclose((NORTH - strip["y_m"]).to_numpy()[inside], strip["green"].to_numpy()[inside], atol=0.02)
    assert strip.attrs["section"] == "main"
    assert strip["across_m"].max() == pytest.approx(8.5, abs=0.26)


def test_the_axis_is_the_road_and_left_is_left() -> None:
    line = BENT.geometry.iloc[0]
    strip = luyu.straighten(image(), BENT)
    axis = strip.sel(across_m=0.0, method="nearest")
    distance = shapely.distance(shapely.points(axis["x_m"], axis["y_m"]), line)
    assert distance.max() < 0.5
    at = shapely.line_locate_point(line, shapely.points(axis["x_m"], axis["y_m"]))
    np.testing.assert_allclose(at, axis["along_m"], atol=0.6)
    left = strip.isel(across_m=-1)
    assert (left["y_m"] > axis["y_m"]).all()  # the line runs east, so left is north


def test_roads_in_degrees_and_a_section_by_its_label() -> None:
    two = gpd.GeoDataFrame(
        {"route_code": ["X201", "G311"]}, geometry=[road((75, 0), (75, 100)).geometry.iloc[0], BENT.geometry.iloc[0]],
        crs=4548, index=["short", "long"],
    ).to_crs(4490)  # fmt: skip
    assert luyu.straighten(image(), two).attrs["section"] == "long"
    crossing = luyu.straighten(image(), two, section="short")
    assert crossing.attrs["section"] == "short"
    assert float(crossing["red"].sel(across_m=0, along_m=50, method="nearest")) == pytest.approx(75.0, abs=0.3)


def test_a_figure_tells_metres_and_stakes() -> None:
    posts = gpd.GeoDataFrame(
        {"route_code": "G311", "stake": ["K12+000", "K12+151"]},
        geometry=[shapely.Point(BENT.geometry.iloc[0].coords[0]), shapely.Point(BENT.geometry.iloc[0].coords[-1])],
        crs=4548,
    )
    shed = gpd.GeoDataFrame(
        {"kind": ["grain_drying"]}, geometry=[BENT.geometry.iloc[0].buffer(2.0, single_sided=True)], crs=4548
    )
    figure = luyu.road_strip(image() / 200, BENT, stakes=posts, candidates=shed, between_m=(20, 120))
    (axes,) = figure.axes
    assert axes.get_xlim() == (20, 120)
    said = [tick.get_text() for tick in axes.get_xticklabels()]
    assert any(text.startswith("100\nG311 K12+09") for text in said)
    assert len(axes.get_legend().get_texts()) == 2
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_pair_has_three_panels() -> None:
    field = np.random.default_rng(0).random((200, 300)).astype(np.float32) / 4 + 0.1
    date = image().map(lambda band: band * 0 + field).assign_attrs(epsg=4548)
    figure = luyu.road_strip(luyu.pair(date, date, days=("2024-04-28", "2024-10-12")), BENT)
    panels = [axes for axes in figure.axes if axes.get_xlabel() or axes.get_ylabel()]
    assert len(panels) == 3
    assert {axes.get_xlim() for axes in panels} == {panels[0].get_xlim()}


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: luyu.straighten(image(), road((0, 900), (100, 900))), "no road runs through the image"),
        (lambda: luyu.straighten(image(), BENT, section="x"), r"no road of section 'x' .* the roads have \['main'\]"),
        (lambda: luyu.road_strip(image(), BENT, between_m=(100, 900)), r"between_m is \(100, 900\); the image shows"),
        (lambda: luyu.road_strip(image().drop_vars("blue"), BENT), "a picture needs red, green and blue; .* no blue"),
    ],
)
def test_strips_that_cannot_be_drawn(call, match) -> None:
    with pytest.raises(LuyuError, match=match):
        call()


def test_the_diagram_shows_the_room_s_figures() -> None:
    random = np.random.default_rng(3)
    confidence = random.random(200)
    right = random.random(200) < confidence
    figure = luyu.calibration_curve(confidence, right, bins=5, name="测试 test")
    above, below = figure.axes
    table = reliability(confidence, right, 5)
    points = above.containers[0].lines[0].get_xydata()
    np.testing.assert_allclose(points, table[["promised", "right"]])
    assert [bar.get_height() for bar in below.patches] == table["count"].tolist()
    title = above.get_title(loc="left")
    assert f"ECE {calibration_error(table):.3f}" in title
    assert "n = 200" in title


@pytest.mark.parametrize(
    ("confidence", "right", "match"),
    [
        ([], [], "no object"),
        ([0.5], [True, False], "two lists of one length"),
        ([1.5], [True], "within 0..1"),
        ([np.nan], [True], "within 0..1"),
        ([0.5], [None], "true or false of each object"),
        ([0.5], [0.7], "true or false of each object"),
    ],
)
def test_what_no_calibration_can_be_told_of(confidence, right, match) -> None:
    with pytest.raises(LuyuError, match=match):
        luyu.calibration_curve(confidence, right)
