"""Fields written as text in a configuration and kept as values of our own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from ..errors import LuyuError
from ..model.scene import Period


def said(parse: Any) -> Any:
    """Turn our own errors into the ValueError that pydantic collects."""

    def validate(value: Any) -> Any:
        try:
            return parse(value)
        except LuyuError as error:
            raise ValueError(str(error)) from error

    return validate


ParsedPeriod = Annotated[
    Period,
    BeforeValidator(said(lambda value: value if isinstance(value, Period) else Period.parse(value))),
    PlainSerializer(str, return_type=str),
]
