"""A simulated county pair whose truth is known: the demo, the test bed and the manual."""

from .event_options import Events
from .options import Hazards, WorldOptions
from .press import simulate, write_world
from .world import World

__all__ = ["Events", "Hazards", "World", "WorldOptions", "simulate", "write_world"]
