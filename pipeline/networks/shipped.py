"""The network for buildings that comes with luyu; its card, ``building.json``, says what it learnt from and how well."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from .network import Network
from .options import NetworkOptions

BUILDING_CHANNELS = ("new", "lost", "before", "after")
_BUILDING = Path(__file__).with_name("building.onnx")


def building_network(model: Path | None = None, *, flips: int = 0) -> Network:
    """The shipped network, or another of its form: the four channels ``BUILDING_CHANNELS`` from two dates.

    ConfigError where ``model`` has other channels.
    """
    path = _BUILDING if model is None else model
    network = Network.load(NetworkOptions.model_validate({"model": path, **({"flips": flips} if flips else {})}))
    if network.options.inputs != "pair" or network.channels != len(BUILDING_CHANNELS):
        raise ConfigError(
            f"network {path}: the building detector needs two inputs and the {len(BUILDING_CHANNELS)} channels"
            f" {', '.join(BUILDING_CHANNELS)}; run any other network with {{use: network}}"
        )
    return network
