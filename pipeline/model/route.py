"""Route codes (路线编码) after GB/T 917-2017: parse what databases store, show what signs say.

A code is a letter and a number of one to four characters (letters occur in those of village roads); databases add the
six digits of a county or province, which tell apart the many roads of one number, and ``D001`` ... to the parts of a
长链 that are stored as sections of their own. So 2 to 15 characters; the sign shows the letter and the number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ..errors import LuyuError
from .kinds import RoadClass

_CODE = re.compile(r"([GSXYCZQ])([0-9A-Z]{1,4}?)(\d{6})?(D\d{3})?")


@dataclass(frozen=True, slots=True)
class RouteCode:
    """A route: the sign's code, the full database key and the administrative class.

    Q (其他), which older lists have, counts as 专用公路: the law sets no control zone for either, so none is claimed.

    >>> RouteCode.parse("G311320322")
    RouteCode(sign='G311', key='G311320322', road_class=<RoadClass.NATIONAL: 'G'>)
    >>> RouteCode.parse("g2513").road_class.value
    'expressway'
    >>> str(RouteCode.parse("CA12320382D001"))
    'CA12'
    """

    sign: str
    key: str
    road_class: RoadClass

    @classmethod
    def parse(cls, value: object, *, tech_class: int | None = None) -> RouteCode:
        """Route from ``G311``, ``X201320322``, ``G104320000D001``; ``tech_class`` 1 (高速) makes it an expressway."""
        text = unicodedata.normalize("NFKC", str(value)).replace(" ", "").upper()
        match = _CODE.fullmatch(text)
        if match is None:
            raise LuyuError(
                f"not a route code: {value!r}; expected a letter of G S X Y C Z Q and its number, e.g. 'G311'"
            )
        letter, number = match[1], match[2]
        road_class = RoadClass.SPECIAL if letter == "Q" else RoadClass(letter)
        expressway = tech_class == 1 or (letter in "GS" and number.isdigit() and len(number) in (1, 2, 4))
        return cls(letter + number, text, RoadClass.EXPRESSWAY if expressway else road_class)

    def __str__(self) -> str:
        return self.sign
