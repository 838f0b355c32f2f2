"""Which files make one scene: the images of a delivery by their names, its mask, its XML; nothing of a pixel is read.

A delivery is a file, a folder or an archive. Its images are grouped by what stands before the part of the name that the
sensor profile knows (``…-MSS1``, ``…-PAN1``; ``…_SR_B4``). Files of an archive have the address that they will have
once unpacked; until then their headers are read from the copy that a first look made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CatalogError
from .archive import Archive, is_archive, look
from .product_xml import MAX_BYTES, Product, parse
from .sensors import SensorProfile

_TIFF = (".tif", ".tiff")
_MAX_DEPTH = 6  # folders below the one named; a SAFE has its images at five


@dataclass(frozen=True)
class Image:
    """One TIFF: its address, and the file that its header is read from (of an archive: the copy of the first look)."""

    href: str
    seen: str
    size: int | None = None  # bytes, of a member of an archive
    archive: Archive | None = None

    @property
    def stem(self) -> str:
        """Name without folder and suffix."""
        return Path(self.href).stem


@dataclass(frozen=True)
class Delivered:
    """One scene as delivered. ``images`` by the profile's pattern of their names; ``stem``: what these have in common."""

    stem: str
    images: Mapping[str, Image]
    mask: Image | None = None
    product: Product | None = None

    @property
    def main(self) -> Image:
        """The image of the first band."""
        return next(iter(self.images.values()))


@dataclass
class _Group:
    stem: str
    images: dict[str, Image] = field(default_factory=dict)
    mask: Image | None = None
    odd: list[Image] = field(default_factory=list)


def delivered(
    path: str, profile: SensorProfile, *, cache: Path | None = None, max_gb: float = 100.0
) -> list[Delivered]:
    """The scenes at a path: a TIFF with what belongs to it beside it, a folder, or an archive; an s3:// or https TIFF.

    CatalogError for an archive that cannot be used, a folder without images, and a scene of which a file lacks.
    """
    if "://" in path:
        return [_finished(group, profile) for group in _groups([Image(path, path)], profile)]
    place = Path(path)
    if is_archive(place):
        return _in_archive(look(place, cache, max_gb=max_gb), profile)
    if place.is_dir():
        images = [Image(str(one), str(one)) for one in _tiffs(place)]
        if not images:
            raise CatalogError(f"{place}: {_why_none(place)}")
        return [_finished(group, profile) for group in _groups(images, profile)]
    named = Image(path, path)
    groups = _groups([named, *_companions(place, profile)], profile)
    return [_finished(group, profile) for group in groups if _holds(group, named)]


def _in_archive(archive: Archive, profile: SensorProfile) -> list[Delivered]:
    images = [
        Image(str(archive.place / name), str(archive.heads / name), size, archive)
        for name, size in archive.members
        if name.lower().endswith(_TIFF)
    ]
    return [_finished(group, profile) for group in _groups(images, profile)]


def _tiffs(folder: Path) -> list[Path]:
    """The TIFFs in a folder and those below it, sorted; no links are followed."""
    found, level = [], [folder]
    for _ in range(_MAX_DEPTH):
        below = []
        for one in level:
            for path in sorted(one.iterdir()):
                if path.name.startswith(".") or path.is_symlink():
                    continue
                if path.is_dir():
                    below.append(path)
                elif path.suffix.lower() in _TIFF:
                    found.append(path)
        level = below
    return sorted(found)


def _why_none(folder: Path) -> str:
    if next(folder.rglob("*.jp2"), None) is not None:
        return "its bands are JPEG 2000, which is not read; convert them, e.g. gdal_translate -of COG B04.jp2 B04.tif"
    return "holds no TIFF image"


def _companions(path: Path, profile: SensorProfile) -> list[Image]:
    """TIFFs in the folder of a file that its scene may consist of."""
    if profile.files == ("",) and profile.mask is None:
        return []
    stem, _ = _split(path.stem, profile)
    beside = (one for one in path.parent.iterdir() if one.name.startswith(stem) and one.suffix.lower() in _TIFF)
    return [Image(str(one), str(one)) for one in sorted(beside) if one != path]


def _holds(group: _Group, image: Image) -> bool:
    # A mask that a glob catches along with its image is no scene of its own.
    return image in group.images.values() or image in group.odd


def _split(stem: str, profile: SensorProfile) -> tuple[str, str | None]:
    """What stands before the known part of a name, and its pattern; None for an unknown name.

    ``mask`` for that of the mask, ``ignored`` for what the profile passes over.
    """
    patterns = {"mask": profile.mask.file} if profile.mask else {}
    patterns |= {pattern: pattern for pattern in profile.files if pattern}
    patterns |= {"ignored": profile.ignored} if profile.ignored else {}
    for kind, pattern in patterns.items():
        match = re.search(rf"(?:{pattern})$", stem, re.IGNORECASE)
        if match is not None:
            return stem[: match.start()], kind
    return stem, None


def _groups(images: Iterable[Image], profile: SensorProfile) -> list[_Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for image in images:
        stem, kind = _split(image.stem, profile)
        if kind == "ignored":
            continue
        group = groups.setdefault((str(Path(image.href).parent), stem), _Group(stem))
        if kind == "mask":
            group.mask = group.mask or image
        elif kind is not None:
            group.images.setdefault(kind, image)
        elif len(profile.files) == 1:  # one file a scene, under any name
            group.images.setdefault(profile.files[0], image)
        else:
            group.odd.append(image)
    return [group for group in groups.values() if group.images or group.odd]


def _finished(group: _Group, profile: SensorProfile) -> Delivered:
    """The group as a scene; CatalogError when a file of it lacks that is needed."""
    if not group.images:
        raise CatalogError(
            f"{group.odd[0].href}: its name ends like none of the files that sensor {profile.name!r} describes"
            f" ({', '.join(profile.files)}); choose the profile that fits, e.g. one of a fused product"
        )
    for pattern in profile.files:
        needed = [band.name for band in profile.in_file(pattern) if band.name != "pan" and not band.optional]
        if pattern not in group.images and needed:
            first = next(iter(group.images.values()))
            raise CatalogError(
                f"{first.href}: beside it lacks the file of band {needed[0]!r} ({group.stem} + {pattern});"
                " ask for the whole delivery"
            )
    images = {pattern: group.images[pattern] for pattern in profile.files if pattern in group.images}
    return Delivered(group.stem, images, group.mask, _product(group.stem, images.values()))


def _product(stem: str, images: Iterable[Image]) -> Product | None:
    """What the XML beside the images says: the one named as the image, else the one named as the scene."""
    for image in images:
        if "://" in image.seen:
            continue
        folder, name = Path(image.seen).parent, Path(image.seen).stem
        for candidate in (f"{name}.xml", f"{name}_meta.xml", f"{stem}.xml", f"{stem}_meta.xml", f"{name}.XML"):
            path = folder / candidate
            if path.is_file():
                with path.open("rb") as file:
                    found = parse(file.read(MAX_BYTES + 1), str(path))
                if found is not None:
                    return found
    return None
