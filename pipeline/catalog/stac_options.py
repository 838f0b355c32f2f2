"""What a user says of a STAC source: where it is, and what its items leave open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict, Field, field_validator

from ..model.options import Options
from ..net.access import host_name
from ..net.hrefs import is_remote, redacted

# Names in a query that carry secrets: tokens, keys, and the parts of links signed by Azure, AWS and Google.
_SECRET = re.compile(r"(?i)^(x-(amz|goog)-.*|sig|signature|.*(token|key|secret|passw|credential|auth).*)$")


class StacOptions(Options):
    """Settings of a STAC source; ``StacSource`` adds what it does."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

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
    mask_bits: int | None = Field(
        None,
        ge=1,
        lt=1 << 32,
        description="Of a bit-coded mask, the sum of the bits that mean 'leave out'; default: by the mask's kind.",
    )
    sign: Literal["auto", "none", "planetary_computer"] = Field(
        "auto",
        description="Who signs links to assets; auto: the Planetary Computer for its own items, else nobody.",
    )
    alternate: str | None = Field(
        None, description="Which of the items' alternate addresses is read, e.g. s3 or https; default: the main one."
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
        parts = urlsplit(value)
        if "://" in value and not is_remote(value) and not value.startswith("file://"):
            raise ValueError(f"{redacted(value)!r} is neither a path nor an https address")
        if "@" in parts.netloc or any(
            _SECRET.match(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)
        ):
            host = host_name(parts.hostname or "")
            raise ValueError(
                f"{redacted(value)!r}: the address holds a password, token or key; take it out and put it into the"
                f" environment or the keyring, as LUYU_TOKEN_{host}, or LUYU_USER_{host} and LUYU_PASSWORD_{host}"
            )
        return value
