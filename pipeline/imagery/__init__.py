"""Pixels in and out: windows of images on the run's grid; masks to polygons and back.

Heavy libraries are imported where they are used, so importing this room costs little.
"""

from .raster import burn, polygons
from .reader import MemoryReader, RasterioReader, Reader
from .stack import StackOptions, composite, estimate_bytes, load, overlapping, read_scene
from .write import rgb_limits, to_rgb8, write_cog

__all__ = [
    "MemoryReader",
    "RasterioReader",
    "Reader",
    "StackOptions",
    "burn",
    "composite",
    "estimate_bytes",
    "load",
    "overlapping",
    "polygons",
    "read_scene",
    "rgb_limits",
    "to_rgb8",
    "write_cog",
]
