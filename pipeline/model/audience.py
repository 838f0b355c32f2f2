"""Who may see what leaves the house.

What luyu makes is internal (内部资料). What is shown to the public on a map has been reviewed and bears its number
(审图号; 地图管理条例 15 to 19, 22), and says nothing of single places, people or cases.
"""

from __future__ import annotations

from enum import StrEnum

from ..errors import LuyuError

SMALLEST_COUNT = 3
"""A count below this could point at one household; the public is told only that it is smaller (个人信息保护法 4, 51)."""


class Audience(StrEnum):
    """Whom a document is made for."""

    INTERNAL = "internal"  # 内部
    PUBLIC = "public"  # 公开


def admitted(audience: Audience, map_approval: str | None) -> None:
    """Nothing where ``audience`` may be served, LuyuError with the remedy otherwise.

    ``map_approval``: number under which the map was approved (审图号), as it stands on the approval, such as
    "苏S(2026)012号". A number is never made up, guessed or copied from another map; whether it is genuine can only be
    seen from the approval itself.
    """
    number = (map_approval or "").strip()
    if audience is not Audience.PUBLIC:
        return
    if not number:
        raise LuyuError(
            "audience 'public': no map approval number (审图号) was given, and what the public sees must have been reviewed "
            "(地图管理条例 15); give --map-approval NUMBER as it stands on the approval, or keep --audience internal"
        )
    if not any(mark.isdigit() for mark in number) or not number.isprintable():
        raise LuyuError(
            f"audience 'public': map approval {number!r} is no approval number (审图号); give it as it stands on the approval, "
            "such as 苏S(2026)012号"
        )
