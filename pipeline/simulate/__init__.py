"""A simulated county pair whose truth is known: the demo, the test bed and the manual."""

from .options import Events, Hazards, WorldOptions
from .world import World, simulate

__all__ = ["Events", "Hazards", "World", "WorldOptions", "simulate"]
