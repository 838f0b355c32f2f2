"""A network gives the probabilities that its model stands for, wherever the window lies and however it is cut."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from onnx import TensorProto, helper

from pipeline.errors import ConfigError
from pipeline.model.grid import Grid
from pipeline.networks import Network, NetworkOptions

sys.path.insert(0, str(Path(__file__).parents[1]))
from onnx_models import blocks, bright, brighter, mean_kernel, save

GRID = Grid(4548, 500_000.0, 3_800_000.0, 0.5, 96, 128)


def image(grid: Grid = GRID, seed: int = 1, low: float = 0.1, high: float = 0.4) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {n: random.uniform(low, high, grid.shape).astype(np.float32) for n in ("blue", "green", "red", "nir")}


def network(model: Path, **options: object) -> Network:
    return Network.load(NetworkOptions(model=model, **options))


def mean(colours: dict[str, np.ndarray]) -> np.ndarray:
    return np.mean([colours[n] for n in ("red", "green", "blue")], axis=0)


def test_a_pair_goes_in_as_before_and_after(tmp_path: Path) -> None:
    before, after = image(seed=1), image(seed=2)
    out = network(brighter(tmp_path / "m.onnx")).probability(before, after, GRID)
    assert out.shape == (1, *GRID.shape)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[0], np.clip(mean(after) - mean(before), 0, 1), atol=1e-6)


def test_names_put_the_inputs_in_order(tmp_path: Path) -> None:
    model = brighter(tmp_path / "m.onnx", inputs=["after", "before"])
    before, after = image(seed=1), image(seed=2)
    named = network(model, input_names=("before", "after")).probability(before, after, GRID)
    np.testing.assert_allclose(named[0], np.clip(mean(after) - mean(before), 0, 1), atol=1e-6)
    swapped = network(model).probability(after, before, GRID)
    np.testing.assert_array_equal(named, swapped)


def test_a_network_on_single_images_sees_what_is_there_after_and_was_not_before(tmp_path: Path) -> None:
    before, after = image(seed=1), image(seed=2)
    net = network(bright(tmp_path / "m.onnx"), inputs="image")
    new, old, now = net.probability(before, after, GRID)
    assert net.new == 0
    np.testing.assert_allclose(old, mean(before), atol=1e-6)
    np.testing.assert_allclose(now, mean(after), atol=1e-6)
    np.testing.assert_allclose(new, now * (1 - old), atol=1e-6)


def test_one_input_may_take_both_dates_stacked(tmp_path: Path) -> None:
    kernel = np.concatenate([-mean_kernel(3, 1), mean_kernel(3, 1)], axis=1)
    nodes = [helper.make_node("Conv", ["x", "w"], ["rise"]), helper.make_node("Relu", ["rise"], ["probability"])]
    model = save(tmp_path / "m.onnx", nodes, inputs=["x"], channels=6, weights={"w": kernel})
    before, after = image(seed=1), image(seed=2)
    out = network(model, inputs="stacked").probability(before, after, GRID)
    np.testing.assert_allclose(out[0], np.maximum(mean(after) - mean(before), 0), atol=1e-6)


def test_bands_scale_mean_and_deviation_are_applied_in_their_order(tmp_path: Path) -> None:
    model = bright(tmp_path / "m.onnx")
    net = network(model, inputs="image", bands=("nir", "red", "blue"), scale=10, mean=(1, 2, 3), std=(20, 10, 20))
    after = image(low=0.3)
    wanted = np.mean([(after["nir"] * 10 - 1) / 20, (after["red"] * 10 - 2) / 10, (after["blue"] * 10 - 3) / 20], 0)
    np.testing.assert_allclose(net.probability(image(), after, GRID)[2], np.clip(wanted, 0, 1), atol=1e-5)


def test_tone_brings_the_median_to_two_fifths_whatever_the_exposure(tmp_path: Path) -> None:
    net = network(bright(tmp_path / "m.onnx"), inputs="image", tone=True)
    grey = [dict.fromkeys(("red", "green", "blue"), image(seed=seed, low=0.1, high=0.6)["red"] ** 2) for seed in (1, 2)]
    first = net.probability(*grey, GRID)
    assert np.median(first[1:]) == pytest.approx(0.4, abs=1e-3)  # of both dates together
    assert np.percentile(first[1:], 98) == pytest.approx(1, abs=1e-3)
    darker = [{n: band / 2 for n, band in one.items()} for one in grey]
    np.testing.assert_allclose(net.probability(*darker, GRID), first, atol=1e-5)


def test_two_dates_of_one_scale_keep_their_difference_and_of_two_scales_do_not(tmp_path: Path) -> None:
    net = network(bright(tmp_path / "m.onnx"), inputs="image", tone=True)
    grey = dict.fromkeys(("red", "green", "blue"), image(low=0.1, high=0.6)["red"] ** 2)
    hazier, of_another_sensor = ({n: band * gain for n, band in grey.items()} for gain in (0.8, 0.3))
    one_scale, two_scales = net.probability(hazier, grey, GRID), net.probability(of_another_sensor, grey, GRID)
    assert np.median(one_scale[1]) < np.median(one_scale[2]) - 0.02
    np.testing.assert_allclose(two_scales[1], two_scales[2], atol=1e-4)


@pytest.mark.parametrize(("activation", "channel"), [("softmax", 1), ("sigmoid", 0)])
def test_logits_become_probabilities(tmp_path: Path, activation: str, channel: int) -> None:
    kernel = mean_kernel(3, 1, outputs=2) * np.array([0, 40], np.float32)[:, None, None, None]
    nodes = [
        helper.make_node("Sub", ["after", "before"], ["rise"]),
        helper.make_node("Conv", ["rise", "w"], ["logits"]),
    ]
    model = save(tmp_path / "m.onnx", nodes, outputs=["logits"], weights={"w": kernel})
    before, after = image(seed=1), image(seed=2)
    net = network(model, activation=activation, channel=channel, output="logits")
    logit = 40 * (mean(after) - mean(before))
    wanted = 1 / (1 + np.exp(-logit)) if activation == "softmax" else np.full(GRID.shape, 0.5)
    assert net.new == channel
    np.testing.assert_allclose(net.probability(before, after, GRID)[net.new], wanted, atol=1e-5)


def test_an_output_of_larger_pixels_is_brought_to_the_window(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Sub", ["after", "before"], ["rise"]),
        helper.make_node("ReduceMean", ["rise"], ["one"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["one"], ["probability"], kernel_shape=[4, 4], strides=[4, 4]),
    ]
    dark, light = ({n: np.full(GRID.shape, v, np.float32) for n in ("red", "green", "blue")} for v in (0.1, 0.4))
    model = save(tmp_path / "m.onnx", nodes)
    out = network(model).probability(dark, light, GRID)
    np.testing.assert_allclose(out, np.full((1, *GRID.shape), 0.3), atol=1e-6)


@pytest.mark.parametrize("images", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_half_precision_weights_and_inputs_run(tmp_path: Path, images: int) -> None:
    nodes = [
        helper.make_node("Sub", ["after", "before"], ["rise"]),
        helper.make_node("Cast", ["rise"], ["full"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["w"], ["w32"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["full", "w32"], ["mean"]),
        helper.make_node("Relu", ["mean"], ["probability"]),
    ]
    model = save(tmp_path / "m.onnx", nodes, weights={"w": mean_kernel(3, 1).astype(np.float16)}, dtype=images)
    before, after = image(seed=1), image(seed=2)
    wanted = np.maximum(mean(after) - mean(before), 0)
    np.testing.assert_allclose(network(model).probability(before, after, GRID)[0], wanted, atol=1e-3)


def test_what_either_date_does_not_show_is_nan_and_does_not_touch_the_rest(tmp_path: Path) -> None:
    before, after = image(seed=1), image(seed=2)
    whole = network(brighter(tmp_path / "m.onnx", kernel=3)).probability(before, after, GRID)
    before["red"][10:20, 30:50] = np.nan
    after["blue"][60:, :] = np.nan
    out = network(tmp_path / "m.onnx").probability(before, after, GRID)
    unseen = np.isnan(before["red"]) | np.isnan(after["blue"])
    np.testing.assert_array_equal(np.isnan(out[0]), unseen)
    near = np.zeros(GRID.shape, bool)
    near[9:21, 29:51] = near[59:] = True
    np.testing.assert_allclose(out[0][~near], whole[0][~near], atol=1e-6)


def test_a_window_that_shows_nothing_is_nan(tmp_path: Path) -> None:
    after = {n: np.full(GRID.shape, np.nan, np.float32) for n in ("red", "green", "blue")}
    assert np.isnan(network(bright(tmp_path / "m.onnx"), inputs="image").probability(image(), after, GRID)).all()
    assert network(tmp_path / "m.onnx", inputs="image").probability(image(), after, GRID).shape == (3, *GRID.shape)


def test_datasets_serve_as_well_as_dicts(tmp_path: Path) -> None:
    net = network(brighter(tmp_path / "m.onnx"))
    both = [xr.Dataset({n: (("y", "x"), band) for n, band in one.items()}) for one in (image(), image(seed=2))]
    np.testing.assert_array_equal(net.probability(*both, GRID), net.probability(image(), image(seed=2), GRID))


@pytest.mark.parametrize("flips", [0, 1, 3])
def test_pieces_give_what_the_whole_gives(tmp_path: Path, flips: int) -> None:
    model = brighter(tmp_path / "m.onnx", kernel=9)
    before, after = image(seed=1), image(seed=2)
    whole = network(model, flips=flips).probability(before, after, GRID)
    pieces = network(model, flips=flips, multiple_px=8, tile_px=24, halo_px=8).probability(before, after, GRID)
    np.testing.assert_allclose(pieces[..., 9:-9, 9:-9], whole[..., 9:-9, 9:-9], atol=1e-6)


def test_a_model_of_one_size_is_run_piece_by_piece(tmp_path: Path) -> None:
    before, after = image(seed=1), image(seed=2)
    free = network(brighter(tmp_path / "free.onnx", kernel=5)).probability(before, after, GRID)
    fixed = network(brighter(tmp_path / "fixed.onnx", kernel=5, sides=(64, 192)), halo_px=16, multiple_px=16)
    np.testing.assert_allclose(
        fixed.probability(before, after, GRID)[..., 5:-5, 5:-5], free[..., 5:-5, 5:-5], atol=1e-6
    )


@pytest.mark.parametrize("offset", [(0, 0), (7, 13), (40, 31)])
def test_another_window_has_the_same_probabilities_in_its_interior(tmp_path: Path, offset: tuple[int, int]) -> None:
    """A network that sees in blocks: where they lie must not depend on where the window starts."""
    net = network(blocks(tmp_path / "m.onnx", 16), multiple_px=16)
    before, after = image(seed=1), image(seed=2)
    whole = net.probability(before, after, GRID)[0]
    row, col = offset
    part = {when: {n: band[row : row + 50, col : col + 60] for n, band in one.items()} for when, one in
            (("before", before), ("after", after))}  # fmt: skip
    grid = replace(GRID, west_m=GRID.west_m + col * 0.5, north_m=GRID.north_m - row * 0.5, rows=50, cols=60)
    out = net.probability(part["before"], part["after"], grid)[0]
    inner = np.s_[16:-16, 16:-16]
    np.testing.assert_allclose(out[inner], whole[row : row + 50, col : col + 60][inner], atol=1e-6)


def test_finer_images_are_averaged_to_the_networks_pixels(tmp_path: Path) -> None:
    """The gain stands after the average: a checkerboard has none of it."""
    fine = Grid(4548, 500_000.0, 3_800_000.0, 0.25, 64, 64)
    checks = (np.indices(fine.shape).sum(0) % 2).astype(np.float32)
    after = dict.fromkeys(("red", "green", "blue"), checks)
    model = bright(tmp_path / "m.onnx")
    assert network(model, inputs="image").probability(after, after, fine)[2].std() == pytest.approx(0.5)
    averaged = network(model, inputs="image", resolution_m=(0.5, 1.0)).probability(after, after, fine)
    assert averaged.shape == (3, 64, 64)
    np.testing.assert_allclose(averaged[2], 0.5, atol=1e-6)


def test_coarser_images_are_refused_or_enlarged_as_stated(tmp_path: Path) -> None:
    coarse = Grid(4548, 500_000.0, 3_800_000.0, 2.0, 40, 40)
    model = bright(tmp_path / "m.onnx")
    with pytest.raises(
        ConfigError, match=r"m\.onnx was made for pixels of 0\.3 to 0\.8 m, resolution_m is 2; use finer"
    ):
        network(model, inputs="image", resolution_m=(0.3, 0.8)).probability(image(coarse), image(coarse), coarse)
    ramp = dict.fromkeys(("red", "green", "blue"), np.tile(np.linspace(0, 1, 40, dtype=np.float32), (40, 1)))
    out = network(model, inputs="image", resolution_m=(0.3, 0.5), coarser="enlarge").probability(ramp, ramp, coarse)
    np.testing.assert_allclose(out[2][:, 2:-2], ramp["red"][:, 2:-2], atol=1e-3)


def _in_process(options: NetworkOptions) -> bytes:
    return Network.load(options).probability(image(), image(seed=2), GRID).tobytes()


def test_threads_and_processes_give_the_same_bytes(tmp_path: Path) -> None:
    options = NetworkOptions(model=brighter(tmp_path / "m.onnx", kernel=7), flips=3, tile_px=64, halo_px=16)
    here = _in_process(options)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(_in_process, [options] * 8)) == {here}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_in_process, options).result() == here
    net = Network.load(options)
    assert pickle.loads(pickle.dumps(net)) == net  # noqa: S301
