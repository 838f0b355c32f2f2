"""Base of all option sets: frozen, every unknown key refused, every field described with its unit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Frozen settings of one step; lives beside the step that needs it, is composed by ``config``."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
