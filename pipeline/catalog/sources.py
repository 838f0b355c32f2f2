"""Where images come from: the variants of the key ``imagery.source``, told apart by ``kind``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .files import FilesSource
from .stac import StacSource
from .tiles import TilesSource

Source = Annotated[FilesSource | StacSource | TilesSource, Field(discriminator="kind")]

__all__ = ["FilesSource", "Source", "StacSource", "TilesSource"]
