"""All cases, by kind."""

from __future__ import annotations

from . import catalogue_cases, config_cases, door_cases, package_cases, raster_cases, vector_cases
from .cases import CASES, Case

FILES = (config_cases, vector_cases, package_cases, catalogue_cases, raster_cases, door_cases)
"""Each adds its cases when it is imported."""


def cases_of(*kinds: str) -> list[Case]:
    """The cases of some kinds."""
    return [case for case in CASES if case.kind in kinds]
