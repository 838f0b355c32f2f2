"""Small ONNX models whose answers can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FREE = ("n", "rows", "cols")


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    inputs: Sequence[str] = ("before", "after"),
    outputs: Sequence[str] = ("probability",),
    weights: dict[str, np.ndarray] | None = None,
    channels: int | str = 3,
    sides: tuple[int | str, int | str] = ("rows", "cols"),
    dtype: int = TensorProto.FLOAT,
) -> Path:
    """Write a model of these nodes; all inputs have ``channels`` and ``sides``."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, dtype, ["n", channels, *sides]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def mean_kernel(channels: int, side: int, outputs: int = 1, gain: float = 1.0) -> np.ndarray:
    """Weights of a convolution that takes ``gain`` times the mean of all bands over a square."""
    return np.full((outputs, channels, side, side), gain / (channels * side * side), np.float32)


def brighter(path: Path, *, kernel: int = 1, gain: float = 1.0, channels: int = 3, **more: object) -> Path:
    """A pair's network: ``gain`` times the rise of the bands' mean over ``kernel`` x ``kernel`` pixels, within 0..1."""
    edge = kernel // 2
    nodes = [
        helper.make_node("Sub", ["after", "before"], ["rise"]),
        helper.make_node("Conv", ["rise", "w"], ["mean"], pads=[edge] * 4),
        helper.make_node("Clip", ["mean", "zero", "one"], ["probability"]),
    ]
    return save(
        path, nodes, channels=channels, weights=_clip() | {"w": mean_kernel(channels, kernel, gain=gain)}, **more
    )  # type: ignore[arg-type]


def bright(path: Path, **more: object) -> Path:
    """A single image's network: the mean of its bands, within 0..1."""
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["mean"]),
        helper.make_node("Clip", ["mean", "zero", "one"], ["probability"]),
    ]
    return save(path, nodes, inputs=["image"], weights=_clip() | {"w": mean_kernel(3, 1)}, **more)  # type: ignore[arg-type]


def blocks(path: Path, stride: int) -> Path:
    """A pair's network that sees blocks of ``stride`` pixels only: the mean of the image after in each."""
    nodes = [
        helper.make_node("ReduceMean", ["before"], ["level"], keepdims=1),
        helper.make_node("Mul", ["level", "zero"], ["nothing"]),
        helper.make_node("AveragePool", ["after"], ["pooled"], kernel_shape=[stride] * 2, strides=[stride] * 2),
        helper.make_node("Resize", ["pooled", "", "by"], ["back"], mode="nearest"),
        helper.make_node("Add", ["back", "nothing"], ["probability"]),
    ]
    return save(path, nodes, weights=_clip() | {"by": np.array([1, 1, stride, stride], np.float32)})


def _clip() -> dict[str, np.ndarray]:
    return {"zero": np.array(0, np.float32), "one": np.array(1, np.float32)}
