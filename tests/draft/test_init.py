"""``luyu init``: what it reads out of a person's files, what it writes, and what it says where it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from own_files import AFTER, BEFORE
from rasterio import Affine

from pipeline.catalog.layers import Layers
from pipeline.cli import main
from pipeline.cli.init import _repeated
from pipeline.config import RunConfig
from pipeline.geo.gcj02 import to_gcj02
from pipeline.run.plan import make_plan

Init = Callable[..., tuple[int, str, str]]


@pytest.fixture
def init(capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """``luyu init`` in an empty folder; files that are not named are the county's own."""
    monkeypatch.setenv("LUYU_LANG", "en")
    monkeypatch.chdir(tmp_path)

    def ran(*more: object, roads: object = None, before: object = None, after: object = None) -> tuple[int, str, str]:
        files = {
            "--roads": roads or own / "路线.shp",
            "--before": before or own / "影像" / f"{BEFORE}_影像.tif",
            "--after": after or own / "影像" / f"{AFTER}_影像.tif",
        }
        code = main(["init", "new", *(str(word) for pair in files.items() for word in pair), *map(str, more)])
        out, err = capsys.readouterr()
        return code, out, err

    return ran


def image(own: Path, day: str) -> Path:
    return own / "影像" / f"{day}_影像.tif"


def changed(source: Path, path: Path, pixels: Callable | None = None, every: int = 1, **more: object) -> Path:
    """A copy of an image with other pixels, coarser (every so many), or another profile."""
    with rasterio.open(source) as one:
        data, profile = one.read()[:, ::every, ::every], one.profile
    data = data if pixels is None else pixels(data)
    place = profile["transform"] @ Affine.scale(every)
    profile |= {
        "count": len(data),
        "dtype": data.dtype,
        "height": data.shape[1],
        "width": data.shape[2],
        "transform": place,
    }
    with rasterio.open(path, "w", **(profile | more)) as target:
        target.write(data)
    return path


def roads_of(own: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(own / "路线.shp", encoding="GBK")


def test_what_it_writes_is_taken_as_it_is(init: Init, own: Path, tmp_path: Path) -> None:
    code, out, _ = init()
    assert code == 0
    config = RunConfig.load(tmp_path / "new" / "run.yaml")
    plan = make_plan(config)
    roads = plan.layers.roads
    assert set(roads["route_code"]) == {"G311", "S253", "X201"}
    assert roads["tech_class"].notna().all()
    assert roads["pavement_width_m"].max() > 6
    assert roads[["stake_from_m", "stake_to_m"]].notna().all(axis=None)
    assert [str(scene.day) for scene in (*plan.before, *plan.after)] == ["2024-04-28", "2024-10-12"]
    assert config.imagery.resolution_m == 0.5
    assert [one.use for one in config.detectors] == ["building", "grain_drying", "roadworks", "stockpile", "billboard"]
    assert config.output == tmp_path / "new" / "output"
    assert set(plan.due["county_code"]) == {"320322"}  # of the rural road's code; those of G and S tell the province
    for said in ("route is column 路线编码, by its name", "text is gb18030", "resolution 0.5 m"):
        assert said in out
    assert "the county's name and border are not known" in out
    assert f'"{own / "影像"}' not in (tmp_path / "new" / "run.yaml").read_text(
        encoding="utf-8"
    )  # relative, it can be moved


def test_a_sentence_of_what_is_open_stands_in_the_file_too(init: Init, tmp_path: Path) -> None:
    _, out, _ = init()
    text = (tmp_path / "new" / "run.yaml").read_text(encoding="utf-8")
    told = [line.removeprefix("to look at: ") for line in out.splitlines() if line.startswith("to look at: ")]
    assert told
    assert all(f"# 待确认 to look at: {line}" in text for line in told)


@pytest.mark.parametrize("name", ["run.yaml", "layers.yaml", "area.geojson", "sensor_own.yaml"])
def test_nothing_that_is_there_is_written_over(init: Init, tmp_path: Path, name: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / name).write_text("mine", encoding="utf-8")
    code, _, err = init()
    assert code == 2
    assert f"{Path('new') / name}: is there already and is not written over; give another folder" in err
    assert [one.name for one in (tmp_path / "new").iterdir()] == [name]
    assert (tmp_path / "new" / name).read_text(encoding="utf-8") == "mine"


def test_nothing_is_left_behind_where_the_layers_are_refused(init: Init, tmp_path: Path) -> None:
    code, _, err = init("--column", "route=路线名称")
    assert code == 2
    assert "no route code in rows" in err
    assert list(tmp_path.iterdir()) == []


def test_a_route_is_found_by_its_values_where_no_name_tells(init: Init, own: Path, tmp_path: Path) -> None:
    roads_of(own).rename(columns={"路线编码": "RID", "路面宽度": "W"}).to_file(tmp_path / "r.gpkg", layer="x")
    code, out, _ = init(roads="r.gpkg")
    assert code == 0
    assert "route is column RID, by its values" in out
    assert "no column of pavement widths" in out
    assert "columns not used: W" in (tmp_path / "new" / "layers.yaml").read_text(encoding="utf-8")


def test_a_file_without_routes_is_refused_with_its_columns(init: Init, own: Path, tmp_path: Path) -> None:
    roads_of(own).drop(columns="路线编码").to_file(tmp_path / "r.gpkg")
    code, _, err = init(roads="r.gpkg")
    assert code == 2
    assert "no column holds route codes" in err
    assert "--column route=NAME" in err
    assert "路线名称, 技术等级" in err


def test_national_columns_of_a_layer_among_several(init: Init, world: Path, tmp_path: Path) -> None:
    code, _, err = init(
        "--counties", world / "layers.gpkg", "--stakes", world / "layers.gpkg", roads=world / "layers.gpkg"
    )
    assert code == 0, err
    layers = Layers.load(tmp_path / "new" / "layers.yaml")
    assert len(layers.counties) == 2
    assert len(layers.stakes) > 0
    assert {"route": "LXBM", "pavement_width_m": "LMKD", "design_speed_kmh": "SJSS"}.items() <= dict(
        next(iter(_entries(tmp_path)))
    ).items()
    assert not (tmp_path / "new" / "area.geojson").exists()


def test_roads_beyond_the_counties_are_told(init: Init, own: Path, tmp_path: Path) -> None:
    west, south, east, north = roads_of(own).to_crs(4326).total_bounds
    half = shapely.box(west - 0.01, south - 0.01, (west + east) / 2, north + 0.01)
    gpd.GeoDataFrame({"adcode": [320322], "name": ["沛县"]}, geometry=[half], crs=4326).to_file(tmp_path / "c.geojson")
    code, out, err = init("--counties", "c.geojson")
    assert code == 0, err
    assert "code is column adcode" in out
    assert "of the roads lie in none of the counties of c.geojson" in out


def _entries(tmp_path: Path) -> list[dict[str, str]]:
    from pipeline.catalog.layer_entries import read_entries

    return [dict(entry.columns) for entry in read_entries(tmp_path / "new" / "layers.yaml")]


@pytest.mark.parametrize(
    ("epsg", "written"), [(4548, "EPSG:4548"), (4527, "EPSG:4527"), (32650, "EPSG:32650"), (4326, "EPSG:4490")]
)
def test_a_system_that_no_file_names_is_found_by_the_images(
    init: Init, own: Path, tmp_path: Path, epsg: int, written: str
) -> None:
    roads_of(own).to_crs(epsg).to_file(tmp_path / "r.shp", encoding="GBK")
    (tmp_path / "r.prj").unlink()
    code, out, _ = init(roads="r.shp")
    assert code == 0
    assert f'  crs: "{written}"' in (tmp_path / "new" / "layers.yaml").read_text(encoding="utf-8")
    assert f"{written} is a guess" in out
    assert Layers.load(tmp_path / "new" / "layers.yaml").roads.length.sum() == pytest.approx(
        roads_of(own).length.sum(), rel=0.01
    )


def test_stakes_in_metres_are_left_out_and_said(init: Init, own: Path, tmp_path: Path) -> None:
    roads = roads_of(own)
    roads[["起点桩号", "终点桩号"]] *= 1000
    roads.to_file(tmp_path / "r.gpkg")
    code, out, _ = init(roads="r.gpkg")
    assert code == 0
    assert "起点桩号 and 终点桩号 look like metres" in out
    assert "stake_from_km" not in (tmp_path / "new" / "layers.yaml").read_text(encoding="utf-8")


def test_a_column_that_is_not_what_its_name_says_is_left_out(init: Init, own: Path, tmp_path: Path) -> None:
    roads_of(own).assign(技术等级="好", 路面宽度=900.0).to_file(tmp_path / "r.gpkg")
    code, out, _ = init(roads="r.gpkg")
    assert code == 0
    assert "column 技术等级 looks like tech_class by its name, but 好 is no technical class" in out
    assert "column 路面宽度 looks like pavement_width_m by its name, but 900 is no width" in out


def test_roads_elsewhere_are_refused_with_what_may_be_the_cause(init: Init, own: Path, tmp_path: Path) -> None:
    roads = roads_of(own)
    roads.set_geometry(roads.translate(50_000, 0)).to_file(tmp_path / "far.gpkg")
    roads.set_crs(4547, allow_override=True).to_file(tmp_path / "labelled.gpkg")
    degrees = roads.to_crs(4490)
    moved = shapely.transform(degrees.geometry.values, to_gcj02, interleaved=False)
    degrees.set_geometry(gpd.GeoSeries(moved, index=degrees.index, crs=4490)).to_file(tmp_path / "gcj.gpkg")
    code, _, err = init(roads="far.gpkg")
    assert code == 2
    assert "no road lies in the images of --before" in err
    _, _, err = init(roads="labelled.gpkg")
    assert "In EPSG:4548 they would: if the file is labelled wrongly, say --crs EPSG:4548" in err
    code, out, err = init(roads="gcj.gpkg")
    assert "GCJ-02" in out + err
    assert "datum: gcj02" in out + err


def test_exchanged_dates_and_one_image_twice(init: Init, own: Path) -> None:
    _, _, err = init(before=image(own, AFTER), after=image(own, BEFORE))
    assert "is of 2024-10-12, later than" in err
    assert "exchange the two" in err
    _, _, err = init(after=image(own, BEFORE))
    assert "is given as --before and as --after" in err


def test_days_out_of_names_months_and_options(init: Init, own: Path, tmp_path: Path) -> None:
    shutil.copy(image(own, BEFORE), tmp_path / "前期.tif")
    shutil.copy(image(own, BEFORE), tmp_path / "2024年4月28日.tif")
    shutil.copy(image(own, AFTER), tmp_path / "202410.tif")
    code, _, err = init(before="前期.tif")
    assert code == 2
    assert "前期.tif: no date in the name" in err
    assert "--before-date 2024-04-12" in err
    code, out, _ = init("--before-date", "2024-04-28", before="前期.tif", after="202410.tif")
    assert code == 0
    assert "its name tells the month alone" in out
    plan = make_plan(RunConfig.load(tmp_path / "new" / "run.yaml"))
    assert [str(scene.day) for scene in (*plan.before, *plan.after)] == ["2024-04-28", "2024-10-31"]
    shutil.rmtree(tmp_path / "new")
    assert init(before="2024年4月28日.tif")[0] == 0
    assert "2024-04-28, by name" in (tmp_path / "new" / "run.yaml").read_text(encoding="utf-8")


def test_images_that_are_none(init: Init, own: Path, tmp_path: Path) -> None:
    (tmp_path / "20241012.jpg").write_bytes(b"\xff\xd8\xff")
    changed(image(own, AFTER), tmp_path / "20241012_1.tif", lambda data: data[:1])
    changed(image(own, AFTER), tmp_path / "20241012_none.tif", crs=None)
    changed(image(own, AFTER), tmp_path / "20241012_16.tif", lambda data: data.astype("uint16") * 4)
    with rasterio.open(image(own, AFTER)) as one:
        east = Affine.translation(30_000, 0) @ one.transform
    changed(image(own, AFTER), tmp_path / "20241012_east.tif", transform=east)
    for name, said in {
        "20241012.jpg": "a picture without a position on the map",
        "20241012_1.tif": "has one band; red, green and blue are needed",
        "20241012_none.tif": "say in which system",
        "20241012_16.tif": "holds uint16",
        "20241012_east.tif": "the images lie apart",
        "20241012.tif": "--after '20241012.tif': no such file",
    }.items():
        code, _, err = init(after=name)
        assert code == 2, name
        assert said in err


def test_sixteen_bits_that_nobody_describes_get_a_profile_of_their_own(init: Init, own: Path, tmp_path: Path) -> None:
    for day in (BEFORE, AFTER):
        changed(
            image(own, day), tmp_path / f"{day}.tif", lambda data: np.concatenate([data, data[:1]]).astype("uint16") * 4
        )
    code, out, _ = init(before=f"{BEFORE}.tif", after=f"{AFTER}.tif")
    assert code == 0
    assert "no shipped profile fits" in out
    plan = make_plan(RunConfig.load(tmp_path / "new" / "run.yaml"))
    band = plan.after[0].files["red"].band
    assert (band.index, band.scale) == (3, 1 / 1024)
    assert plan.bands == ("blue", "green", "red", "nir")


@pytest.mark.parametrize(("every", "left"), [(6, {"grain_hint"}), (20, {"grain_hint"})])
def test_coarse_images_leave_out_what_they_do_not_show(
    init: Init, own: Path, tmp_path: Path, every: int, left: set[str]
) -> None:
    for day in (BEFORE, AFTER):
        changed(image(own, day), tmp_path / f"{day}.tif", every=every)
    code, out, _ = init(before=f"{BEFORE}.tif", after=f"{AFTER}.tif")
    assert code == 0
    config = RunConfig.load(tmp_path / "new" / "run.yaml")
    assert {one.use for one in config.detectors} == left
    assert config.imagery.resolution_m == every / 2
    assert f"pixels of {every / 2:g} m are too coarse for building" in out


def test_the_only_county_is_stated(init: Init, tmp_path: Path) -> None:
    assert init("--county", "320321=丰县")[0] == 0
    counties = Layers.load(tmp_path / "new" / "layers.yaml").counties
    assert counties[["code", "name"]].to_numpy().tolist() == [["320321", "丰县"]]
    code, _, err = init("--county", "丰县")
    assert code == 2
    assert "expected six digits" in err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("D --before a b --after c", "D --before a --before b --after c"),
        ("--roads r --before a b --after c D", "--roads r --before a --before b --after c D"),
        ("D --after c d --name n", "D --after c --after d --name n"),
    ],
)
def test_several_files_after_one_option(typed: str, meant: str) -> None:
    assert _repeated(typed.split()) == meant.split()
