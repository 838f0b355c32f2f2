"""Pictures of cases cut from images, and photos from the field: kept with their hash, each once, for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..errors import LedgerError
from .schema import photos, pictures

MAX_PHOTO_BYTES = 30_000_000


@dataclass(frozen=True)
class CasePicture:
    """A cutting of one image about a case, without anything drawn on it.

    ``role``: ``before`` or ``after``; ``day``: ISO day of the image; ``grid``: ``epsg, west_m, north_m, pixel_m,
    width_px, height_px`` of the cutting.
    """

    case_no: str
    role: str
    scene_id: str
    day: str | None
    media_type: str
    content: bytes
    grid: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Photo:
    """A photo from the field, its original bytes with their SHA-256; ``azimuth_deg``: 0 north, clockwise."""

    case_no: str
    sha256: str
    name: str
    content: bytes
    by: str
    taken_at: str | None = None
    lon: float | None = None
    lat: float | None = None
    azimuth_deg: float | None = None


def keep_pictures(connection: Connection, some: Iterable[CasePicture]) -> int:
    """Number of pictures written; one of a case, scene and role that is there already stays as it is."""
    fresh = {(one.case_no, one.scene_id, one.role): one for one in reversed(list(some))}
    numbers = sorted({number for number, _, _ in fresh})
    names = (pictures.c.case_no, pictures.c.scene_id, pictures.c.role)
    for start in range(0, len(numbers), 500):
        for row in connection.execute(sa.select(*names).where(names[0].in_(numbers[start : start + 500]))):
            fresh.pop(tuple(row), None)
    for one in reversed(fresh.values()):  # one by one: a thousand pictures at once would all be held twice
        connection.execute(sa.insert(pictures).values(**vars(one)))
    return len(fresh)


def read_pictures(connection: Connection, case_no: str) -> list[CasePicture]:
    """Pictures of a case by day and role."""
    names = [pictures.c[name] for name in CasePicture.__dataclass_fields__]
    query = sa.select(*names).where(pictures.c.case_no == case_no).order_by(pictures.c.day, pictures.c.id)
    return [CasePicture(**row) for row in connection.execute(query).mappings()]


def ends_of(connection: Connection, numbers: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
    """Contents of the oldest picture from before and the newest from after of each case that has both."""
    ends: dict[str, dict[str, bytes]] = {}
    wanted = sa.select(pictures.c.case_no, pictures.c.role, pictures.c.content).order_by(pictures.c.day, pictures.c.id)
    for start in range(0, len(numbers), 500):
        for row in connection.execute(wanted.where(pictures.c.case_no.in_(list(numbers[start : start + 500])))):
            mine = ends.setdefault(row.case_no, {})
            if row.role == "after" or "before" not in mine:
                mine[row.role] = row.content
    return {number: (pair["before"], pair["after"]) for number, pair in ends.items() if len(pair) == 2}


def keep_photo(connection: Connection, photo: Photo) -> bool:
    """Whether the photo was new to its case; LedgerError where its hash is not that of its bytes, or it is too large."""
    if len(photo.content) > MAX_PHOTO_BYTES:
        raise LedgerError(
            f"photo {photo.name!r} has {len(photo.content) / 1e6:.0f} MB; at most {MAX_PHOTO_BYTES / 1e6:.0f} are kept"
        )
    if hashlib.sha256(photo.content).hexdigest() != photo.sha256:
        raise LedgerError(f"photo {photo.name!r} is not what its hash says; copy it again from the device")
    same = sa.select(photos.c.id).where(photos.c.case_no == photo.case_no, photos.c.sha256 == photo.sha256)
    if connection.scalar(same) is not None:
        return False
    connection.execute(sa.insert(photos).values(**vars(photo)))
    return True


def read_photos(connection: Connection, case_no: str) -> list[Photo]:
    """Photos of a case in the order in which they came."""
    names = [photos.c[name] for name in Photo.__dataclass_fields__]
    query = sa.select(*names).where(photos.c.case_no == case_no).order_by(photos.c.id)
    return [Photo(**row) for row in connection.execute(query).mappings()]
