"""Two periods of one window made comparable: masked, laid on each other, in one radiometry, each step by itself.

Every step is pure: Datasets in, Datasets out; what becomes of each band stands in its docstring.
"""

from .choose import Choice, ChooseOptions, ranked
from .clouds import CloudOptions, find_clouds
from .composite import CompositeOptions, median
from .mosaic import Layer, Mosaic, mosaic
from .offset import offset_doubt
from .pair import Pair, prepare_pair
from .radiometry import RadiometryOptions, match
from .register import Registration, RegistrationOptions, register
from .take import PairOptions, Window

__all__ = [
    "Choice",
    "ChooseOptions",
    "CloudOptions",
    "CompositeOptions",
    "Layer",
    "Mosaic",
    "Pair",
    "PairOptions",
    "RadiometryOptions",
    "Registration",
    "RegistrationOptions",
    "Window",
    "find_clouds",
    "match",
    "median",
    "mosaic",
    "offset_doubt",
    "prepare_pair",
    "ranked",
    "register",
]
