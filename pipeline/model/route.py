"""Route codes (路线编码) after GB/T 917-2017: parse what databases store, show what signs say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import LuyuError
from .kinds import RoadClass

_CODE = re.compile(r"([GSXYCZ])([0-9A-Z]{1,4}?)(\d{6})?(D\d{3})?")


@dataclass(frozen=True, slots=True)
class RouteCode:
    """A route: the sign's code, the full database key and the administrative class.

    >>> RouteCode.parse("G311320322")
    RouteCode(sign='G311', key='G311320322', road_class=<RoadClass.NATIONAL: 'G'>)
    >>> RouteCode.parse("g2513").road_class.value
    'expressway'
    """

    sign: str
    key: str
    road_class: RoadClass

    @classmethod
    def parse(cls, value: object, *, tech_class: int | None = None) -> RouteCode:
        """Route from ``G311``, ``X201320322``, ``G104320000D001``; ``tech_class`` 1 (高速) makes it an expressway."""
        text = str(value).strip().upper()
        match = _CODE.fullmatch(text)
        if match is None:
            raise LuyuError(
                f"not a route code: {value!r}; expected a letter of G S X Y C Z and its number, e.g. 'G311'"
            )
        letter, number = match[1], match[2]
        expressway = tech_class == 1 or (letter in "GS" and number.isdigit() and len(number) in (1, 2, 4))
        return cls(letter + number, text, RoadClass.EXPRESSWAY if expressway else RoadClass(letter))
