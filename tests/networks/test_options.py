"""What a person reads who gives a model that does not fit, and what a card is good for."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.networks import Network, NetworkOptions

sys.path.insert(0, str(Path(__file__).parents[1]))
from onnx_models import bright, brighter, mean_kernel, save


def load(model: Path, **options: object) -> Network:
    return Network.load(NetworkOptions(model=model, **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"bands": ("red", "green", "blue", "nir")},
            r"'before' has shape .* needed are 4 channels \(red.*correct 'bands'",
        ),
        ({"inputs": "image"}, r"'inputs: image' is for a model with 1 input, this one has 2 \(before .*set 'inputs'"),
        ({"input_names": ("old", "new")}, r"has no input 'new', but before .*correct 'input_names'"),
        ({"output": "mask"}, r"has no output 'mask', but probability"),
        ({"output": 1}, r"has no output 1, but probability"),
        ({"channel": 2}, r"has 1 channels, channel is 2"),
    ],
)
def test_a_model_that_is_not_as_said_is_refused_with_what_it_has(tmp_path: Path, options: dict, message: str) -> None:
    model = brighter(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match=message) as error:
        load(model, **options)
    assert str(model) in str(error.value)


def test_a_missing_file_and_one_that_is_no_model_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.onnx: no such file; 'model' is the path"):
        load(tmp_path / "nowhere.onnx")
    (tmp_path / "page.onnx").write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"page\.onnx: cannot be opened as an ONNX model: .*export it anew"):
        load(tmp_path / "page.onnx")
    whole = brighter(tmp_path / "m.onnx").read_bytes()
    (tmp_path / "half.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"half\.onnx: cannot be opened"):
        load(tmp_path / "half.onnx")


def test_logits_that_are_called_probabilities_are_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w", "low"], ["probability"]),
    ]
    weights = {"w": mean_kernel(3, 1), "low": np.array([-4], np.float32)}
    model = save(tmp_path / "m.onnx", nodes, inputs=["image"], weights=weights)
    with pytest.raises(ConfigError, match=r"ranges from -3\.5 to -3\.5, which is no probability; set 'activation'"):
        load(model, inputs="image")
    assert load(model, inputs="image", activation="sigmoid")


def test_a_model_whose_output_is_no_map_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
             helper.make_node("Flatten", ["pooled"], ["probability"])]  # fmt: skip
    with pytest.raises(ConfigError, match=r"has shape \(1, 3\) for inputs of 64 x 64 pixels; a map is needed"):
        load(save(tmp_path / "m.onnx", nodes, inputs=["image"]), inputs="image")


def test_sides_that_the_model_cannot_take_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"takes inputs of 100 pixels only; multiple_px \(32\) must divide"):
        load(brighter(tmp_path / "m.onnx", sides=(100, 100)))
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["blocks"]),
        helper.make_node("ReduceMean", ["blocks"], ["probability"], axes=[1], keepdims=1),
    ]
    model = save(tmp_path / "n.onnx", nodes, inputs=["image"], weights={"shape": np.array([1, 3, 96, 96])})
    with pytest.raises(ConfigError, match=r"does not run on inputs of \(1, 3, 64, 64\): .*multiple_px 32 right\?"):
        load(model, inputs="image")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (1, 2)}, "mean has 2 values for 3 bands"),
        ({"std": 0}, "std holds a 0"),
        ({"bands": ("nir",), "tone": True}, "tone needs red, green and blue"),
        ({"resolution_m": (1, 0.5)}, r"is not \[finest, coarsest\]"),
        ({"input_names": ("x",)}, "pair has 2 inputs, input_names has 1"),
        ({"chanel": 1}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NetworkOptions(model=Path("m.onnx"), **options)


def test_a_missing_band_is_named(tmp_path: Path) -> None:
    grid = Grid(4548, 0, 0, 0.5, 40, 40)
    colours = dict.fromkeys(("red", "green", "blue"), np.zeros(grid.shape, np.float32))
    net = load(bright(tmp_path / "m.onnx"), inputs="image", bands=("nir", "red", "green"))
    with pytest.raises(
        ConfigError, match=r"m\.onnx needs the band 'nir', the images of both dates have red, green, blue"
    ):
        net.probability(colours, colours, grid)


def card(model: Path, **content: object) -> None:
    model.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8")


def test_a_card_says_what_the_configuration_leaves_open(tmp_path: Path) -> None:
    model = bright(tmp_path / "m.onnx")
    card(model, network={"inputs": "image", "scale": 2, "halo_px": 32}, licence="CC BY 4.0", calibration={"set": "x"})
    net = load(model, scale=3)
    assert net.options.inputs == "image"
    assert net.options.scale == (3,)
    assert net.options.halo_px == 32
    assert net.card["licence"] == "CC BY 4.0"
    assert load(model, scale=1).options.scale == (1,)  # a default that is written down counts as said
    again = NetworkOptions.model_validate(net.options.model_dump(mode="json"))
    assert again.resolved(tmp_path) == net.options


def test_a_path_is_taken_from_the_folder_that_is_given(tmp_path: Path) -> None:
    options = NetworkOptions(model=Path("models/m.onnx")).resolved(tmp_path)
    assert options.model == tmp_path / "models" / "m.onnx"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"m\.json: the model's card cannot be read as JSON"),
        ("[]", "a model's card is a JSON object, found list"),
        ('{"inputs": "image"}', "'inputs' stands at the top level; settings belong under 'network'"),
        ('{"network": {"model": "x.onnx"}}', "'network' must be an object of settings, without 'model', 'name'"),
        ('{"network": {"flip": 1}}', r"m\.json and what the configuration sets over it: flip: Extra inputs"),
        ('{"network": {"flips": 2}}', "flips: Input should be 0, 1 or 3"),
    ],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    model = bright(tmp_path / "m.onnx")
    model.with_suffix(".json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load(model, inputs="image")


def test_the_checksum_follows_the_file(tmp_path: Path) -> None:
    first = load(brighter(tmp_path / "m.onnx"))
    assert first.sha256 == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()
    before = first.sha256
    brighter(tmp_path / "m.onnx", kernel=3)
    assert first.sha256 == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest() != before
