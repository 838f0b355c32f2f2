"""Two periods of one window made comparable: masked, laid on each other, in one radiometry, each step by itself.

Every step is pure: Datasets in, Datasets out; what becomes of each band stands in its docstring.
"""

from .pair import Layer, Mosaic, Pair, PairOptions, mosaic, prepare_pair
from .radiometry import RadiometryOptions, match
from .register import Registration, RegistrationOptions, register

__all__ = [
    "Layer",
    "Mosaic",
    "Pair",
    "PairOptions",
    "RadiometryOptions",
    "Registration",
    "RegistrationOptions",
    "match",
    "mosaic",
    "prepare_pair",
    "register",
]
