"""Rational polynomials (RPC00B): from a place and a height on the ground to a pixel of a raw image, and back.

The model that satellites' raw images are delivered with: row and column are quotients of two cubic polynomials in
normalised latitude, longitude and ellipsoidal height (NITF implementation, STDI-0002). Row 0, column 0 is the *centre*
of the first pixel, as in GDAL's reading of the same files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import CatalogError

Array = NDArray[np.float64]

# Files beside an image that hold its polynomials, by what stands in place of the image's suffix.
SIDECARS = (".rpb", ".RPB", "_rpc.txt", "_RPC.TXT", "_RPC.txt", ".rpc", ".RPC")
_MAX_BYTES = 1 << 20
_METRES_PER_DEGREE = 111_320.0
# Names of the ten numbers and four lists in .rpb (lineOffset) and _rpc.txt (LINE_OFF), without case and underscores.
_NUMBERS = {
    "line_off": ("lineoffset", "lineoff"),
    "samp_off": ("sampoffset", "sampoff"),
    "lat_off": ("latoffset", "latoff"),
    "lon_off": ("longoffset", "longoff", "lonoff"),
    "height_off": ("heightoffset", "heightoff"),
    "line_scale": ("linescale",),
    "samp_scale": ("sampscale",),
    "lat_scale": ("latscale",),
    "lon_scale": ("longscale", "lonscale"),
    "height_scale": ("heightscale",),
}
_LISTS = {
    "line_num": ("linenumcoef", "linenumcoeff"),
    "line_den": ("linedencoef", "linedencoeff"),
    "samp_num": ("sampnumcoef", "sampnumcoeff"),
    "samp_den": ("sampdencoef", "sampdencoeff"),
}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_PAIR = re.compile(rf"^[ \t]*(\w+)[ \t]*[=:][ \t]*({_NUMBER})", re.MULTILINE)
_LIST = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*\(([^)]*)\)", re.MULTILINE)


@dataclass(frozen=True)
class Rpc:
    """Offsets, scales and coefficients of one image; degrees, metres above the ellipsoid, pixels."""

    line_off: float
    samp_off: float
    lat_off: float
    lon_off: float
    height_off: float
    line_scale: float
    samp_scale: float
    lat_scale: float
    lon_scale: float
    height_scale: float
    line_num: tuple[float, ...]
    line_den: tuple[float, ...]
    samp_num: tuple[float, ...]
    samp_den: tuple[float, ...]

    @classmethod
    def parse(cls, text: str, name: str = "RPC") -> Rpc:
        """Polynomials from the text of an .rpb, .rpc or _rpc.txt; CatalogError naming ``name`` and what is missing."""
        numbers = {_key(key): float(value.lower().replace("d", "e")) for key, value in _PAIR.findall(text)}
        lists = {
            _key(key): [float(one.lower().replace("d", "e")) for one in re.findall(_NUMBER, body)]
            for key, body in _LIST.findall(text)
        }
        found: dict[str, object] = {}
        for field, names in _NUMBERS.items():
            found[field] = next((numbers[one] for one in names if one in numbers), None)
        for field, names in _LISTS.items():
            single = [[numbers.get(f"{one}{at}") for at in range(1, 21)] for one in names]
            found[field] = next(
                (lists[one] for one in names if one in lists), next((s for s in single if s[0] is not None), None)
            )
        lacking = [field for field, value in found.items() if value is None]
        if lacking:
            raise CatalogError(f"{name}: no rational polynomials: {', '.join(lacking)} missing; ask for the file again")
        short = [
            field
            for field in _LISTS
            if len(found[field]) != 20 or None in found[field]  # type: ignore[arg-type,operator]
        ]
        if short:
            raise CatalogError(f"{name}: {short[0]} does not have 20 coefficients; ask for the file again")
        made = cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in found.items()})  # type: ignore[arg-type]
        made._check(name)
        return made

    @classmethod
    def beside(cls, image: Path) -> Rpc | None:
        """The polynomials that lie beside an image, None when no such file is there."""
        for suffix in SIDECARS:
            path = image.with_name(image.stem + suffix)
            if path.is_file():
                if path.stat().st_size > _MAX_BYTES:
                    raise CatalogError(f"{path}: larger than {_MAX_BYTES >> 20} MiB; no file of polynomials is")
                return cls.parse(path.read_text(encoding="utf-8", errors="replace"), str(path))
        return None

    @classmethod
    def from_gdal(cls, said: Mapping[str, str], name: str = "RPC") -> Rpc:
        """Polynomials from GDAL's metadata domain RPC (see :meth:`as_gdal`); CatalogError as :meth:`parse`."""
        lines = [f"{k} = ({','.join(v.split())})" if k.endswith("COEFF") else f"{k}: {v}" for k, v in said.items()]
        return cls.parse("\n".join(lines), name)

    def _check(self, name: str) -> None:
        values = np.array([getattr(self, field) for field in _NUMBERS], float)
        coefficients = np.array([getattr(self, field) for field in _LISTS], float)
        scales = [self.line_scale, self.samp_scale, self.lat_scale, self.lon_scale, self.height_scale]
        if not (np.isfinite(values).all() and np.isfinite(coefficients).all() and min(map(abs, scales)) > 0):
            raise CatalogError(f"{name}: its polynomials hold no finite numbers or a scale of zero; ask for it again")
        if not (abs(self.lat_off) <= 90 and abs(self.lon_off) <= 180):
            raise CatalogError(
                f"{name}: its centre ({self.lon_off:g}, {self.lat_off:g}) is no place in degrees; ask for it again"
            )

    def image(self, lon: ArrayLike, lat: ArrayLike, height_m: ArrayLike) -> tuple[Array, Array]:
        """(rows, cols) of the ground at lon, lat (degrees) and height above the ellipsoid (m); any one shape."""
        terms = self._terms(np.asarray(lon, float), np.asarray(lat, float), np.asarray(height_m, float))
        with np.errstate(divide="ignore", invalid="ignore"):
            row = _quotient(terms, self.line_num, self.line_den) * self.line_scale + self.line_off
            col = _quotient(terms, self.samp_num, self.samp_den) * self.samp_scale + self.samp_off
        return row, col

    def ground(self, row: ArrayLike, col: ArrayLike, height_m: ArrayLike) -> tuple[Array, Array]:
        """(lon, lat) in degrees of pixels on the ground at that height, by Newton's method; NaN where it finds none."""
        rows, cols, _ = np.broadcast_arrays(np.asarray(row, float), np.asarray(col, float), np.asarray(height_m, float))
        lon, lat = np.full(rows.shape, self.lon_off), np.full(rows.shape, self.lat_off)
        step = 1e-3
        for _ in range(20):
            r, c = self.image(lon, lat, height_m)
            r_lon, c_lon = self.image(lon + step * self.lon_scale, lat, height_m)
            r_lat, c_lat = self.image(lon, lat + step * self.lat_scale, height_m)
            a, b, d, e = (r_lon - r) / step, (r_lat - r) / step, (c_lon - c) / step, (c_lat - c) / step
            with np.errstate(divide="ignore", invalid="ignore"):
                det = a * e - b * d
                lon = lon + self.lon_scale * ((rows - r) * e - b * (cols - c)) / det
                lat = lat + self.lat_scale * (a * (cols - c) - (rows - r) * d) / det
        r, c = self.image(lon, lat, height_m)
        found = np.hypot(r - rows, c - cols) < 1e-3
        return np.where(found, lon, np.nan), np.where(found, lat, np.nan)

    @cached_property
    def lean_m_per_m(self) -> float:
        """Metres on the ground by which a height error of one metre moves the image: tan of the angle off the vertical."""
        low, high = (
            self.ground(self.line_off, self.samp_off, self.height_off + sign * self.height_scale) for sign in (-1, 1)
        )
        north = float(high[1] - low[1]) * _METRES_PER_DEGREE
        east = float(high[0] - low[0]) * _METRES_PER_DEGREE * float(np.cos(np.radians(self.lat_off)))
        return float(np.hypot(north, east) / abs(2 * self.height_scale))

    @cached_property
    def pixel_m(self) -> float:
        """Side of a pixel on the ground at the image's centre, m."""
        rows = self.line_off + np.array([0.0, 1.0, 0.0])
        cols = self.samp_off + np.array([0.0, 0.0, 1.0])
        lon, lat = self.ground(rows, cols, self.height_off)
        east = (lon - lon[0]) * _METRES_PER_DEGREE * np.cos(np.radians(self.lat_off))
        north = (lat - lat[0]) * _METRES_PER_DEGREE
        return float(np.sqrt(abs(east[1] * north[2] - east[2] * north[1])))

    def as_gdal(self) -> Mapping[str, str]:
        """The same under the names of GDAL's metadata domain RPC."""
        lists = {"LINE_NUM_COEFF": self.line_num, "LINE_DEN_COEFF": self.line_den,
                 "SAMP_NUM_COEFF": self.samp_num, "SAMP_DEN_COEFF": self.samp_den}  # fmt: skip
        names = {"LINE": "line", "SAMP": "samp", "LAT": "lat", "LONG": "lon", "HEIGHT": "height"}
        numbers = {f"{theirs}_{kind.upper()}": repr(getattr(self, f"{ours}_{kind}"))
                   for theirs, ours in names.items() for kind in ("off", "scale")}  # fmt: skip
        return numbers | {key: " ".join(map(repr, values)) for key, values in lists.items()}

    def _terms(self, lon: Array, lat: Array, height_m: Array) -> list[Array]:
        """The twenty terms of RPC00B, all but the constant one, which is 1."""
        x = (lon - self.lon_off) / self.lon_scale
        y = (lat - self.lat_off) / self.lat_scale
        z = (height_m - self.height_off) / self.height_scale
        x, y, z = np.broadcast_arrays(x, y, z)
        xx, yy, zz, xy, xz, yz = x * x, y * y, z * z, x * y, x * z, y * z
        return [x, y, z, xy, xz, yz, xx, yy, zz, xy * z, xx * x, x * yy, x * zz, xx * y, yy * y, y * zz, xx * z, yy * z,
                zz * z]  # fmt: skip


def _quotient(terms: list[Array], numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Array:
    above, below = (
        sum((factor * term for factor, term in zip(factors[1:], terms, strict=True) if factor), np.asarray(factors[0]))
        for factors in (numerator, denominator)
    )
    return np.asarray(above / below, float) + np.zeros_like(terms[0])


def _key(name: str) -> str:
    return name.lower().replace("_", "")
