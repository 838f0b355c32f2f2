"""Why a stretch of road was not observed: one closed vocabulary for tables, maps, register and exit code."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """The causes, each with its label in Chinese and English; a stretch has one, or was observed.

    >>> Cause.CLOUD, Cause.CLOUD.zh, Cause.CLOUD.column
    (<Cause.CLOUD: 'cloud'>, '云、霾、雪遮挡', 'km_cloud')
    """

    zh: str
    en: str

    NO_SCENE = "no_scene", "无影像", "no image"
    CLOUD = "cloud", "云、霾、雪遮挡", "cloud, shadow, haze or snow"
    SHIFT_REFUSED = "shift_refused", "两期错位过大", "shift beyond tolerance"
    SHIFT_UNMEASURED = "shift_unmeasured", "两期错位无法量测", "shift could not be measured"
    READ_FAILURE = "read_failure", "影像读取失败", "image could not be read"
    FAILED = "failed", "处理失败", "processing failed"

    def __new__(cls, value: str, zh: str, en: str) -> Cause:
        """A text that also carries its two labels."""
        cause = str.__new__(cls, value)
        cause._value_ = value
        cause.zh, cause.en = zh, en
        return cause

    @property
    def column(self) -> str:
        """Name of its column of kilometres in the coverage table."""
        return f"km_{self.value}"


FAULTS = frozenset({Cause.READ_FAILURE, Cause.FAILED})
"""Causes that another run may mend: the tile is tried again."""
