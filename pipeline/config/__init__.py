"""The run configuration: every room's options, composed, read from YAML and checked to the last key."""

from .run_config import RunConfig

__all__ = ["RunConfig"]
