"""What must be known of an ONNX model to run it: its inputs, its scaling, its pixels; from a configuration or a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from ..errors import ConfigError
from ..model.grid import Grid
from ..model.options import Options
from .lattice import snapped

_EDGE = 1e-3  # by which a pixel may pass the range: 0.5 m of a map projection is 0.4999


class NetworkOptions(Options):
    """How a model is run. What is not given is taken from the model's card, MODEL.json beside MODEL.onnx, if there is one.

    A card is a JSON object with these keys under ``network``; all else in it (data, licence, scores) is free.
    """

    CARD_SECTIONS: ClassVar[tuple[str, ...]] = ("network",)

    model: Path = Field(description="The ONNX file.")
    inputs: Literal["pair", "stacked", "image"] = Field(
        "pair",
        description="pair: two inputs, before and after | stacked: one input, the bands of before, then those of after"
        " | image: one input, run on both dates; new is what is there after and was not before.",
    )
    input_names: tuple[str, ...] = Field((), description="Names of the inputs, before first; default: in their order.")
    bands: tuple[str, ...] = Field(("red", "green", "blue"), min_length=1, description="Bands in the inputs' order.")
    tone: bool = Field(
        False,
        description="Brighten first: the window's 98th percentile becomes 1, its median 0.4, of both dates together if they"
        " are of one scale; for networks that learnt from pictures, not reflectance.",
    )
    scale: tuple[float, ...] = Field(
        (1.0,), description="Reflectance 0..1 is multiplied by this; one value or one a band."
    )
    mean: tuple[float, ...] = Field((0.0,), description="Subtracted after scaling; one value or one a band.")
    std: tuple[float, ...] = Field((1.0,), description="Divided by at last; one value or one a band.")
    resolution_m: tuple[float, float] | None = Field(
        None,
        description="Finest and coarsest pixel that the network was made for, m; finer images are averaged to the finest."
        " Default: any.",
    )
    coarser: Literal["refuse", "enlarge"] = Field(
        "refuse", description="What is done with images coarser than that: refused, or enlarged to the coarsest."
    )
    multiple_px: int = Field(32, ge=1, le=1024, description="Sides of the inputs must be multiples of this, pixels.")
    tile_px: int = Field(1024, ge=16, le=8192, description="Larger windows are cut into pieces of this side, pixels.")
    halo_px: int = Field(64, ge=0, le=2048, description="Pieces see this much more on each side, pixels.")
    output: str | int = Field(0, description="Name or number of the output, dims (n, channels, rows, cols).")
    channel: int = Field(0, ge=0, description="Channel of the output that holds the probability.")
    activation: Literal["none", "sigmoid", "softmax"] = Field(
        "none", description="What makes probabilities of the output; none: it gives them itself."
    )
    flips: Literal[0, 1, 3] = Field(
        0, description="Mirrored runs that are averaged in: 1 left to right, 3 also top to bottom and both."
    )
    threads: int = Field(1, ge=1, le=64, description="Threads of one run; tiles run side by side already.")

    @field_validator("scale", "mean", "std", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for name in ("scale", "mean", "std"):
            if len(getattr(self, name)) not in (1, len(self.bands)):
                raise ValueError(
                    f"{name} has {len(getattr(self, name))} values for {len(self.bands)} bands; one or as many"
                )
        if 0 in self.std:
            raise ValueError("std holds a 0, which nothing can be divided by")
        if self.tone and not {"red", "green", "blue"} <= set(self.bands):
            raise ValueError(f"tone needs red, green and blue, bands are {', '.join(self.bands)}; leave 'tone' out")
        if self.resolution_m is not None and not 0 < self.resolution_m[0] <= self.resolution_m[1]:
            raise ValueError(f"resolution_m {list(self.resolution_m)} is not [finest, coarsest] in m, e.g. [0.3, 0.8]")
        wanted = 2 if self.inputs == "pair" else 1
        if self.input_names and len(self.input_names) != wanted:
            raise ValueError(f"inputs: {self.inputs} has {wanted} inputs, input_names has {len(self.input_names)}")
        return self

    @property
    def margin_px(self) -> int:
        """``halo_px``, made a multiple of ``multiple_px``."""
        return -(-self.halo_px // self.multiple_px) * self.multiple_px

    @property
    def piece_px(self) -> int:
        """Side of a piece with its margins, pixels; a multiple of ``multiple_px``."""
        return -(-self.tile_px // self.multiple_px) * self.multiple_px + 2 * self.margin_px

    @property
    def card(self) -> Path:
        """Where the model's card lies, if it has one."""
        return self.model.with_suffix(".json")

    def resolved(self, base: Path) -> Self:
        """With the model's path taken from ``base``, and with what its card says where nothing was given.

        ConfigError for a card that is no card. That the model is there is seen when it is loaded.
        """
        model = base / self.model.expanduser()
        given = self.model_dump(include=self.model_fields_set) | {"model": model}
        card = read_card(model.with_suffix(".json"))
        said = {key: value for section in self.CARD_SECTIONS for key, value in card.get(section, {}).items()}
        try:
            return type(self).model_validate(said | given)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
            )
            place = (
                f"{model.with_suffix('.json')} and what the configuration sets over it" if said else f"network {model}"
            )
            raise ConfigError(f"{place}: {wrong}") from error

    def working_grid(self, grid: Grid) -> Grid:
        """The pixels that the network sees of a window; ConfigError where images are too coarse for it."""
        if self.resolution_m is None:
            return grid
        finest, coarsest = self.resolution_m
        if grid.pixel_m > coarsest * (1 + _EDGE):
            if self.coarser == "enlarge":
                return snapped(grid, coarsest)
            raise ConfigError(
                f"network {self.model.name} was made for pixels of {finest:g} to {coarsest:g} m, resolution_m is"
                f" {grid.pixel_m:g}; use finer imagery, leave it out of 'detectors', or set 'coarser: enlarge'"
            )
        return snapped(grid, finest) if grid.pixel_m < finest * (1 - _EDGE) else grid


def read_card(path: Path) -> dict[str, Any]:
    """A model's card as it stands; {} where there is none. ConfigError where it cannot be one."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: the model's card cannot be read as JSON: {error}; mend or remove it") from error
    if not isinstance(card, dict):
        raise ConfigError(
            f"{path}: a model's card is a JSON object, found {type(card).__name__}; see 'Your own network'"
        )
    for name in ("network", "detector"):
        section = card.get(name, {})
        if not isinstance(section, dict) or {"model", "name", "use"} & set(section):
            raise ConfigError(f"{path}: {name!r} must be an object of settings, without 'model', 'name' and 'use'")
    astray = sorted(set(card) & set(NetworkOptions.model_fields) - {"model"})
    if astray and "network" not in card:
        raise ConfigError(f"{path}: {astray[0]!r} stands at the top level; settings belong under 'network'")
    return card
