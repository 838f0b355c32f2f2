"""Pixels in and out: windows of images on the run's grid, made comparable; masks to polygons and back.

Heavy libraries are imported where they are used, so importing this room costs little.
"""

from .pair import Layer, Mosaic, Pair, PairOptions, mosaic, prepare_pair
from .radiometry import RadiometryOptions, match
from .raster import burn, polygons
from .reader import MemoryReader, RasterioReader, Reader
from .register import Registration, RegistrationOptions, register
from .stack import StackOptions, composite, estimate_bytes, load, overlapping, read_scene
from .write import rgb_limits, to_rgb8, write_cog

__all__ = [
    "Layer",
    "MemoryReader",
    "Mosaic",
    "Pair",
    "PairOptions",
    "RadiometryOptions",
    "RasterioReader",
    "Reader",
    "Registration",
    "RegistrationOptions",
    "StackOptions",
    "burn",
    "composite",
    "estimate_bytes",
    "load",
    "match",
    "mosaic",
    "overlapping",
    "polygons",
    "prepare_pair",
    "read_scene",
    "register",
    "rgb_limits",
    "to_rgb8",
    "write_cog",
]
