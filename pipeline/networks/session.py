"""One ONNX model opened for the CPU, once in each process, and checked against what is said of it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.special import expit, softmax

from ..errors import ConfigError
from .options import NetworkOptions

_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_QUIET = 3  # only errors are logged; they come as exceptions too
_SLACK = 1e-3  # by which rounding may carry a probability out of 0..1
_PROBE_PX = 64
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Session:
    """An opened model. ``side_px``: (rows, cols) of its inputs, None where they are free; ``channels`` of its output."""

    options: NetworkOptions
    sha256: str
    runtime: Any
    inputs: tuple[str, ...]
    dtypes: tuple[Any, ...]
    output: str
    side_px: tuple[int | None, int | None]
    channels: int = 0

    def run(self, images: list[np.ndarray]) -> np.ndarray:
        """Probabilities (channels, rows, cols) float32 of the inputs (bands, rows, cols); ConfigError if they are none."""
        feed = {n: np.ascontiguousarray(i[None], t) for n, i, t in zip(self.inputs, images, self.dtypes, strict=True)}
        try:
            raw = np.asarray(self.runtime.run([self.output], feed)[0], np.float32)
        except _runtime_errors() as error:
            shapes = ", ".join(str(image.shape) for image in feed.values())
            raise ConfigError(
                f"network {self.options.model}: does not run on inputs of {shapes}: {_first_line(error)};"
                f" is multiple_px {self.options.multiple_px} right?"
            ) from error
        raw = raw[:, None] if raw.ndim == 3 else raw
        rows, cols = images[0].shape[1:]
        if raw.ndim != 4 or len(raw) != 1 or rows % raw.shape[2] or rows * raw.shape[3] != cols * raw.shape[2]:
            raise ConfigError(
                f"network {self.options.model}: output {self.output!r} has shape {raw.shape} for inputs of {rows} x"
                f" {cols} pixels; a map is needed, dims (n, channels, rows, cols); choose another with 'output'"
            )
        return self._full_size(self._probability(raw[0]), rows, cols)

    def _probability(self, raw: np.ndarray) -> np.ndarray:
        options = self.options
        if options.channel >= len(raw):
            raise ConfigError(
                f"network {options.model}: output {self.output!r} has {len(raw)} channels, channel is {options.channel};"
                " the first is 0"
            )
        made = {"none": lambda x: x, "sigmoid": expit, "softmax": lambda x: softmax(x, axis=0)}[options.activation](raw)
        low, high = float(made.min()), float(made.max())
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            raise ConfigError(
                f"network {options.model}: output {self.output!r} ranges from {low:.3g} to {high:.3g}, which is no"
                " probability; set 'activation' to sigmoid or softmax, or choose another 'output'"
            )
        return np.clip(made, 0, 1)

    @staticmethod
    def _full_size(maps: np.ndarray, rows: int, cols: int) -> np.ndarray:
        """Maps of larger pixels brought to the inputs' size."""
        if maps.shape[1:] == (rows, cols):
            return maps
        return np.stack([cv2.resize(one, (cols, rows), interpolation=cv2.INTER_LINEAR) for one in maps])


def opened(options: NetworkOptions) -> Session:
    """The session of these options, made once in each process; ConfigError says what does not fit."""
    files = model_files(options.model)
    stamps = tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    with _LOCK:  # tiles run in threads: one opens, the others wait
        return _open(options, stamps, os.getpid())


def model_files(model: Path) -> list[Path]:
    """The model's file and, where its weights lie apart, MODEL.onnx.data; ConfigError where there is none."""
    if not model.is_file():
        raise ConfigError(f"network {model}: no such file; 'model' is the path of an ONNX file")
    weights = model.with_name(f"{model.name}.data")
    return [model, *([weights] if weights.is_file() else [])]


@lru_cache(maxsize=8)
def _open(options: NetworkOptions, _stamps: tuple[Any, ...], _process: int) -> Session:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.enable_mem_pattern = False  # made for one size of input; with windows of many sizes memory only grows
    settings.log_severity_level = _QUIET
    try:
        runtime = onnxruntime.InferenceSession(str(options.model), settings, providers=["CPUExecutionProvider"])
    except _runtime_errors() as error:
        raise ConfigError(
            f"network {options.model}: cannot be opened as an ONNX model: {_first_line(error)};"
            " export it anew, or check that the file came over whole"
        ) from error
    digest = hashlib.sha256()
    for file in model_files(options.model):
        digest.update(file.read_bytes())
    inputs = _chosen_inputs(options, {one.name: one for one in runtime.get_inputs()})
    sides = _sides(options, inputs)
    session = Session(
        options=options,
        sha256=digest.hexdigest(),
        runtime=runtime,
        inputs=tuple(one.name for one in inputs),
        dtypes=tuple(_DTYPES[one.type] for one in inputs),
        output=_chosen_output(options, [one.name for one in runtime.get_outputs()]),
        side_px=sides,
    )
    least = -(-_PROBE_PX // options.multiple_px) * options.multiple_px
    bands = len(options.bands) * (2 if options.inputs == "stacked" else 1)
    probe = session.run([np.full((bands, sides[0] or least, sides[1] or least), 0.5, np.float32) for _ in inputs])
    return replace(session, channels=len(probe))


def _chosen_inputs(options: NetworkOptions, there: Mapping[str, Any]) -> list[Any]:
    """The model's inputs, before first, with their channels and type as they should be."""
    wanted = 2 if options.inputs == "pair" else 1
    found = ", ".join(f"{one.name} {one.shape}" for one in there.values())
    if len(there) != wanted:
        raise ConfigError(
            f"network {options.model}: 'inputs: {options.inputs}' is for a model with {wanted} input{'s' * (wanted > 1)},"
            f" this one has {len(there)} ({found}); set 'inputs' to pair, stacked or image, or export it so"
        )
    if missing := sorted(set(options.input_names) - set(there)):
        raise ConfigError(f"network {options.model}: has no input {missing[0]!r}, but {found}; correct 'input_names'")
    inputs = [there[name] for name in options.input_names or there]
    bands = len(options.bands) * (2 if options.inputs == "stacked" else 1)
    for one in inputs:
        if len(one.shape) != 4 or (isinstance(one.shape[1], int) and one.shape[1] != bands):
            raise ConfigError(
                f"network {options.model}: input {one.name!r} has shape {one.shape}, needed are {bands} channels"
                f" ({', '.join(options.bands)}), dims (n, channels, rows, cols); correct 'bands', or export it so"
            )
        if one.type not in _DTYPES:
            raise ConfigError(
                f"network {options.model}: input {one.name!r} is {one.type}, needed is float or float16; export it so"
            )
    return inputs


def _chosen_output(options: NetworkOptions, names: list[str]) -> str:
    output = options.output if isinstance(options.output, str) else dict(enumerate(names)).get(options.output)
    if output not in names:
        raise ConfigError(
            f"network {options.model}: has no output {options.output!r}, but {', '.join(names)} (numbered from 0);"
            " correct 'output'"
        )
    return output


def _sides(options: NetworkOptions, inputs: list[Any]) -> tuple[int | None, int | None]:
    """Rows and columns that the model insists on, None where it takes any."""
    rows, cols = (side if isinstance(side, int) else None for side in inputs[0].shape[2:])
    for side in (rows, cols):
        if side is not None and (side % options.multiple_px or side <= 2 * options.margin_px):
            raise ConfigError(
                f"network {options.model}: takes inputs of {side} pixels only; multiple_px ({options.multiple_px}) must"
                f" divide that, and twice halo_px ({options.margin_px}) be less"
            )
    return rows, cols


def _runtime_errors() -> tuple[type[Exception], ...]:
    """All that onnxruntime raises; its exceptions have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(e for e in vars(state).values() if isinstance(e, type) and issubclass(e, Exception))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
