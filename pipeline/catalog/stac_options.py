"""What a user says of a STAC source: where it is, and what its items leave open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from ..model.options import Options
from ..net.hrefs import is_remote


class StacOptions(Options):
    """Settings of a STAC source; ``StacSource`` adds what it does."""

    kind: Literal["stac"] = Field("stac", description="A STAC catalogue or API.")
    url: str = Field(
        min_length=1, description="catalog.json or collection.json (path or https), or a STAC API (https)."
    )
    collection: str | None = Field(None, description="Collection to use; default: all.")
    sensor: str | None = Field(None, description="Sensor profile for what the items leave open (scale, offset, error).")
    assets: Mapping[str, str] = Field(
        default_factory=dict,
        description="Band name to asset key, or KEY:INDEX in a multi-band asset; {} = as items say.",
    )
    mask: str | None = Field(
        None, description="Asset key of the quality mask, or 'none'; default: found by key or role."
    )
    mask_bad: tuple[int, ...] | None = Field(
        None, description="Mask values to be left out; default: by the mask's kind."
    )
    max_cloud_percent: float = Field(
        100.0, ge=0, le=100, description="Scenes with more cloud (eo:cloud_cover) are left out, %."
    )
    geo_rmse_m: float | None = Field(None, ge=0, le=1000, description="Positional error where items state none, m.")
    asset_hosts: tuple[str, ...] = Field(
        (), description="Hosts that assets may lie on; default: any public https host."
    )
    utc_offset_h: float = Field(8.0, ge=-12, le=14, description="Local time that days are counted in, hours from UTC.")

    @field_validator("url")
    @classmethod
    def _plain(cls, value: str) -> str:
        if "://" in value and not is_remote(value) and not value.startswith("file://"):
            raise ValueError(f"{value!r} is neither a path nor an https address")
        return value
