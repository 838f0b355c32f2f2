"""Which sensor profile fits images that nobody has described: by the names of known products, else by bands and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from ..catalog.geotiff import Header
from ..errors import CatalogError, ConfigError
from ..tiff.local_tiff import opened_tiff
from .given import Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rasterio.io import DatasetReader

# Names of products as they are delivered, and the profile of those that come in several files.
_PRODUCTS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"^GF1[BCD]?_.*-(MSS|MUX|PAN)\d?$", "gf1_pms"),
        (r"^GF2_.*-(MSS|MUX|PAN)\d?$", "gf2_pms"),
        (r"^GF6_.*-(MSS|MUX|PAN)\d?$", "gf6_pms"),
        (r"^GF7_.*BWD.*(MUX|PAN)$", "gf7_pms"),
        (r"^JL1.*_(MSS|PAN)$", "jilin1_pms"),
        (r"^SV1.*-(MUX|MSS|PAN)\d?$", "superview1"),
        (r"^SV(N|-?NEO|2).*-(MUX|MSS|PAN)\d?$", "superview_neo"),
        (r"^L[CO]0[89]_.*_SR_B\d$", "landsat89_c2_l2"),
        (r"^L[ET]0[457]_.*_SR_B\d$", "landsat457_c2_l2"),
        (r"^S2[A-D]_MSIL1C|^T\d{2}[A-Z]{3}_\d{8}T\d{6}_B\d[\dA]$", "sentinel2_l1c_bands"),
        (r"^S2[A-D]_MSIL2A|^T\d{2}[A-Z]{3}_\d{8}T\d{6}_B\d[\dA]_\d0m$", "sentinel2_l2a_bands"),
        (r"_AnalyticMS(_SR)?(_4b|_8b)?(_harmonized)?(_clip)?$", "planetscope_sr"),
    )
)
# Names of satellites in the names of fused images with four bands of 16 bits.
_FUSED = (
    (r"^GF1", "gf1_pms_fused"), (r"^GF2", "gf2_pms_fused"), (r"^GF6", "gf6_pms_fused"), (r"^GF7", "gf7_pms_fused"),
    (r"^JL1", "jilin1_pms_fused"), (r"^SV(N|-?NEO|2)", "superview_neo_fused"), (r"^SV1", "superview1_fused"),
)  # fmt: skip
_BITS = (10, 11, 12, 14)
_REFLECTANCE = 10_000.0
_SIDE, _PLACES = 256, 5  # pixels that are looked at, in so many places of an image
OWN = "sensor_own.yaml"


@dataclass(frozen=True)
class Chosen:
    """A profile by name, and the text of a profile of one's own where no shipped one fits; ``why`` for people."""

    name: str
    why: str
    own: str | None = None


@dataclass(frozen=True)
class _Look:
    """What a single image is made of. ``colours``: bands without alpha; ``border``: fill that the file does not name."""

    href: str
    dtype: str
    colours: int
    largest: float
    border: bool


def by_name(stems: Iterable[str]) -> str | None:
    """The profile of a product that comes in several files, by the first name that tells."""
    return next((name for stem in stems for pattern, name in _PRODUCTS if pattern.search(stem)), None)


def by_bands(images: Sequence[tuple[str | None, Header]], said: Said) -> Chosen:
    """The profile that fits all of the single images (path, None within an archive; header), or one of one's own.

    CatalogError for an image of a single band; ConfigError where images differ so that no profile fits them all.
    """
    looks = [_look(path, header) for path, header in images]
    if grey := next((look for look in looks if look.colours < 3), None):
        bands = "one band" if grey.colours == 1 else f"{grey.colours} bands"
        raise CatalogError(
            f"{grey.href}: has {bands}; red, green and blue are needed in one file. Ask for the colour (fused) image, or"
            " join the bands, e.g. in QGIS: Raster, Miscellaneous, Merge, each file as a band"
        )
    kinds = {look.dtype for look in looks}
    if len(kinds) > 1:
        one, other = (next(look for look in looks if look.dtype == kind) for kind in sorted(kinds)[:2])
        raise ConfigError(
            f"{one.href} holds {one.dtype}, {other.href} {other.dtype}: images of one run are of one form; ask for both in"
            " 16 bits, or make 8 bits of the other, e.g. gdal_translate -ot Byte -scale 0 1023 0 255 IN.tif OUT.tif"
        )
    colours = min(look.colours for look in looks)
    if kinds == {"uint8"}:
        return _eight_bits(colours, any(look.border for look in looks), said)
    return _more_bits(looks, colours, kinds.pop(), said)


def _eight_bits(colours: int, border: bool, said: Said) -> Chosen:
    said.open.append(
        "images of 8 bits: their positional error is supposed to be 1 m; write the figure of the quality report into"
        " imagery.source.geo_rmse_m"
    )
    name = {(3, False): "rgb_vhr", (3, True): "dom_rgb", (4, False): "rgbn_vhr_8bit", (4, True): "dom_rgbn"}[
        min(colours, 4), border
    ]
    edge = ", with a border of 0 or 255 that the file does not name" if border else ""
    if colours >= 4:
        said.open.append("four bands of 8 bits are taken as red, green, blue, near infrared; say --sensor otherwise")
    return Chosen(name, f"{min(colours, 4)} bands of 8 bits{edge}")


def _more_bits(looks: Sequence[_Look], colours: int, dtype: str, said: Said) -> Chosen:
    stems = [look.href.replace("\\", "/").rpartition("/")[2] for look in looks]
    for pattern, name in _FUSED:
        if dtype == "uint16" and colours >= 4 and all(re.search(pattern, stem, re.IGNORECASE) for stem in stems):
            return Chosen(name, "by the names of the files: fused, four bands of 16 bits")
    largest = max(look.largest for look in looks)
    if largest <= 0:
        raise ConfigError(
            f"{looks[0].href}: {dtype} numbers that nothing explains, in an archive or all zero; unpack it and give the"
            " folder, or say --sensor NAME"
        )
    scale, why = _scale(largest, dtype)
    order = "red, green, blue" if colours == 3 else "blue, green, red, near infrared"
    said.open.append(
        f"{dtype} images of {colours} bands: {OWN} supposes the order {order}, {why}, and a positional error of 2 m;"
        " correct it by the supplier's description (if maps look blue or brown, bands are exchanged)"
    )
    return Chosen(OWN, f"{colours} bands of {dtype}; no shipped profile fits", _own(colours, dtype, scale, why))


def _scale(largest: float, dtype: str) -> tuple[float, str]:
    """What numbers are multiplied by to lie in about 0..1, and why."""
    if dtype.startswith("float"):
        return (1.0, "reflectance of 0..1") if largest <= 2 else (1 / _REFLECTANCE, "reflectance times 10000")
    bits = next((bits for bits in _BITS if largest < 2**bits), None)
    if bits is None or bits == 14:
        return 1 / _REFLECTANCE, f"reflectance times 10000 (largest number seen {largest:.0f})"
    return 1 / 2**bits, f"{bits}-bit numbers (largest seen {largest:.0f})"


def _own(colours: int, dtype: str, scale: float, why: str) -> str:
    names = ("red", "green", "blue") if colours == 3 else ("blue", "green", "red", "nir")
    bands = "\n".join(f"  - {{name: {name}, index: {index}}}" for index, name in enumerate(names, 1))
    return f"""\
# 自建传感器描述 A sensor profile of your own; look at every value. Shipped ones to compare with: data_catalog/sensors.
name: {OWN.removesuffix(".yaml")}
title: {{zh: 自有影像, en: Own images}}
bands:              # 波段顺序: index counts from 1
{bands}
dtype: {dtype}
scale: {scale:.10g}   # 反射率 = 数值 × scale; supposed: {why}
nodata: {"null" if dtype.startswith("float") else "0"}
geo_rmse_m: 2.0     # 定位误差, metres; the figure of the quality report
calibration: numbers
notes: Written from what the files hold; nobody has described them.
"""


def _look(path: str | None, header: Header) -> _Look:
    if path is None:  # in an archive, of which only headers are unpacked
        return _Look(header.href, header.dtype, header.band_count, 0.0, border=False)
    with opened_tiff(path) as source:
        colours = sum(one not in (ColorInterp.alpha, ColorInterp.palette) for one in source.colorinterp)
        largest = max(float(np.nanmax(part, initial=0.0)) for part in _parts(source))
        return _Look(header.href, header.dtype, colours, largest, _has_border(source))


def _parts(source: DatasetReader) -> Iterable[np.ndarray]:
    """Pixels of a few places on the diagonal."""
    for number in range(_PLACES):
        row = int((source.height - 1) * (number + 0.5) / _PLACES)
        col = int((source.width - 1) * (number + 0.5) / _PLACES)
        window = Window(max(0, col - _SIDE // 2), max(0, row - _SIDE // 2), _SIDE, _SIDE)
        yield source.read(window=window.intersection(Window(0, 0, source.width, source.height)))


def _has_border(source: DatasetReader) -> bool:
    """Whether a corner is filled with 0 or 255 in all bands while the file names no fill value."""
    if source.nodata is not None or ColorInterp.alpha in source.colorinterp or source.dtypes[0] != "uint8":
        return False
    side = min(8, source.width, source.height)
    corners = (
        source.read(window=Window(col, row, side, side))
        for col in (0, source.width - side)
        for row in (0, source.height - side)
    )
    return any((corner == fill).all() for corner in corners for fill in (0, 255))
