"""Two periods of one window made comparable: masked, laid on each other, in one radiometry, each step by itself.

Every step is pure: Datasets in, Datasets out; what becomes of each band stands in its docstring.
"""

from .bands import BandShift, band_shifts, lean_between_m, lean_m_per_m
from .choose import Choice, ChooseOptions, ranked
from .clouds import CloudOptions, find_clouds
from .composite import CompositeOptions, median
from .measure import Prior
from .mosaic import DatedImage, Layer, Mosaic, Priors, contradicts, mosaic
from .offset import offset_doubt
from .pair import Pair, prepare_pair
from .radiometry import RadiometryOptions, match
from .register import Registration, RegistrationOptions, register
from .sharpen import SharpenOptions, sharpen
from .take import PairOptions, Window

__all__ = [
    "BandShift",
    "Choice",
    "ChooseOptions",
    "CloudOptions",
    "CompositeOptions",
    "DatedImage",
    "Layer",
    "Mosaic",
    "Pair",
    "PairOptions",
    "Prior",
    "Priors",
    "RadiometryOptions",
    "Registration",
    "RegistrationOptions",
    "SharpenOptions",
    "Window",
    "band_shifts",
    "contradicts",
    "find_clouds",
    "lean_between_m",
    "lean_m_per_m",
    "match",
    "median",
    "mosaic",
    "offset_doubt",
    "prepare_pair",
    "ranked",
    "register",
    "sharpen",
]
