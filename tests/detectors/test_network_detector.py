"""Any ONNX model is a detector by configuration: from its probabilities to objects, and through a whole run."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import pickle
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from pipeline.config import RunConfig
from pipeline.detectors import registry
from pipeline.detectors.base import View
from pipeline.errors import ConfigError, LuyuError
from pipeline.model.grid import Grid
from pipeline.run.plan import make_plan
from pipeline.run.runner import run

sys.path.insert(0, str(Path(__file__).parents[1]))
from onnx_models import bright, brighter

GRID = Grid(4548, 500_000.0, 3_800_000.0, 0.5, 128, 160)


def roof(row: int, col: int, height: int = 20, width: int = 30) -> shapely.Polygon:
    west, north = GRID.west_m + col * 0.5, GRID.north_m - row * 0.5
    return shapely.box(west, north - height * 0.5, west + width * 0.5, north)


def view(*roofs: tuple[int, int], pavement: bool = False) -> View:
    """Grey land, and white roofs of 10 x 15 m in the image after."""
    shades = [np.full(GRID.shape, 0.2, np.float32) for _ in range(2)]
    for row, col in roofs:
        shades[1][row : row + 20, col : col + 30] = 0.9
    before, after = (xr.Dataset(dict.fromkeys(("red", "green", "blue"), (("y", "x"), s))) for s in shades)
    zones = dict.fromkeys(("pavement", "highway_land", "control_zone"), np.full(GRID.shape, pavement))
    roads = gpd.GeoDataFrame(geometry=[], crs=GRID.epsg)
    days = dt.date(2024, 5, 1), dt.date(2024, 10, 1)
    return View(GRID, before, after, zones | {"corridor": np.ones(GRID.shape, bool)}, roads, *days)


def detector(model: Path, **options: object) -> registry.Detector:
    return registry.build(registry.parse_options({"use": "network", "model": str(model), **options}))


def test_objects_lie_where_the_probability_is(tmp_path: Path) -> None:
    model = brighter(tmp_path / "m.onnx", gain=1.2)
    found = detector(model)(view((20, 20), (80, 90)))
    assert list(found["kind"]) == ["building"] * 2
    assert found.crs.to_epsg() == GRID.epsg
    for shape, place in zip(found.geometry, [(20, 20), (80, 90)], strict=True):
        assert shape.symmetric_difference(roof(*place)).area < 0.1 * roof(*place).area
    np.testing.assert_allclose(found["confidence"], 0.84, atol=0.01)
    told = json.loads(found["evidence"][0])
    assert told == {"probability": 0.84, "peak": 0.84, "area_m2": pytest.approx(150, abs=8)}


def test_a_network_on_single_images_tells_what_it_sees_at_each_date(tmp_path: Path) -> None:
    found = detector(bright(tmp_path / "m.onnx"), inputs="image", kind="stockpile")(view((40, 40)))
    told = json.loads(found["evidence"][0])
    assert found["kind"][0] == "stockpile"
    assert told["probability_before"] == pytest.approx(0.2, abs=0.01)
    assert told["probability_after"] == pytest.approx(0.9, abs=0.01)
    assert found["confidence"][0] == pytest.approx(0.72, abs=0.01)


@pytest.mark.parametrize(
    "options", [{"threshold": 0.9}, {"min_area_m2": 200}, {"max_area_m2": 100}, {"max_pavement_share": 0.5}]
)
def test_what_is_unsure_too_small_too_large_or_on_the_road_is_left_out(tmp_path: Path, options: dict) -> None:
    model = brighter(tmp_path / "m.onnx", gain=1.2)
    assert len(detector(model, max_pavement_share=1)(view((40, 40), pavement=True))) == 1
    assert detector(model, **options)(view((40, 40), pavement=True)).empty


def test_it_travels_and_does_as_its_options_say(tmp_path: Path) -> None:
    model = brighter(tmp_path / "m.onnx", gain=1.2)
    made = detector(model, kind="stockpile", outline="smooth", resolution_m=[1.0, 2.0], halo_px=100)
    assert (made.kinds, made.outline, made.halo_m) == (("stockpile",), "smooth", 100.0)
    again = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert again(view((20, 20))).equals(made(view((20, 20))))
    told = registry.described(made.options)
    assert told == {"detector": "network", "file": "m.onnx", "calibration": None,
                    "sha256": hashlib.sha256(model.read_bytes()).hexdigest()}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "model: Field required"),
        ({"model": "m.onnx", "threshold": 0.3, "low_threshold": 0.4}, "low_threshold 0.4 is above threshold 0.3"),
        ({"model": "m.onnx", "min_area_m2": 50, "max_area_m2": 50}, "min_area_m2 50 is not below"),
        ({"model": "m.onnx", "kind": "Buildings!"}, "kind: String should match"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        registry.parse_options({"use": "network", **options})


CONFIG = {
    "name": "own network",
    "layers": "layers.yaml",
    "imagery": {
        "source": {"kind": "files", "sensor": "rgb_vhr", "scenes": ["a.tif"]},
        "before": "2024-04-01/2024-05-31",
        "after": "2024-10-01/2024-11-30",
    },
}


def written(folder: Path, *detectors: dict) -> Path:
    """A run configuration with these detectors; JSON is YAML."""
    path = folder / "run.yaml"
    path.write_text(json.dumps(CONFIG | {"detectors": detectors}), encoding="utf-8")
    return path


def test_paths_are_relative_to_the_configuration_and_to_the_shell_on_the_command_line(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    model = bright(tmp_path / "models" / "m.onnx")
    card = {"network": {"inputs": "image"}, "detector": {"kind": "stockpile", "threshold": 0.7}}
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    path = written(tmp_path, {"use": "network", "model": "models/m.onnx", "threshold": 0.8})
    options = RunConfig.load(path).detectors[0]
    assert options.model == model
    assert (options.kind, options.threshold, options.inputs) == ("stockpile", 0.8, "image")
    moved = RunConfig.load(path, ["detectors.0.model=other.onnx"], cwd=tmp_path / "shell").detectors[0]
    assert moved.model == tmp_path / "shell" / "other.onnx"
    model.with_suffix(".json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.yaml: detectors\.0: .*m\.json: the model's card cannot be read"):
        RunConfig.load(path)


def test_two_networks_need_two_names(tmp_path: Path) -> None:
    one = {"use": "network", "model": "a.onnx"}
    with pytest.raises(LuyuError, match=r"detector 'network' is listed twice; keep one entry, or give them 'name's"):
        RunConfig.load(written(tmp_path, one, one))
    config = RunConfig.load(written(tmp_path, one, one | {"name": "sheds"}))
    assert [registry.name_of(options) for options in config.detectors] == ["network", "sheds"]


def test_a_model_that_does_not_fit_is_refused_before_the_first_tile(tmp_path: Path) -> None:
    config = RunConfig.load(written(tmp_path, {"use": "network", "model": "nowhere.onnx"}))
    with pytest.raises(ConfigError, match=r"nowhere\.onnx: no such file"):
        registry.build(config.detectors[0])


def test_a_run_with_two_networks_names_their_models(tmp_path: Path, world: Path) -> None:
    """The models are told apart in the record and in the table, and another model makes another run."""
    first = brighter(tmp_path / "a.onnx", gain=4)
    second = bright(tmp_path / "b.onnx")
    card = {"network": {"inputs": "image"}, "calibration": {"set": "left out", "error": 0.02}}
    second.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    detectors = [
        {"use": "network", "model": str(first), "tile_px": 256},
        {"use": "network", "name": "piles", "model": str(second), "kind": "stockpile", "outline": "smooth"},
    ]
    out = tmp_path / "out"
    overrides = [f"output={out}", f"ledger={tmp_path / 'l.sqlite'}", f"detectors={json.dumps(detectors)}"]
    config = RunConfig.load(world / "run.yaml", overrides)
    report = run(config)
    assert report.complete
    record = json.loads(report.folder.run_json.read_text(encoding="utf-8"))
    assert record["models"] == [
        {"detector": "network", "file": "a.onnx", "calibration": None, "sha256": digest(first)},
        {"detector": "piles", "file": "b.onnx", "calibration": card["calibration"], "sha256": digest(second)},
    ]
    assert record["confidence_calibrated"] == {"network": False, "piles": True}
    assert [entry["name"] for entry in record["detectors"]] == ["network", "piles"]
    candidates = gpd.read_file(report.folder.findings_gpkg, layer="candidates")
    assert len(candidates)
    assert set(candidates["detector"]) <= {"network", "piles"}
    before = make_plan(config).fingerprint
    brighter(tmp_path / "a.onnx", gain=5)
    assert make_plan(config).fingerprint != before


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
