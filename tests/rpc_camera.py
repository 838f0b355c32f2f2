"""A small satellite for the tests: polynomials of a known camera, and their text as it is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from pipeline.geo.rpc import Rpc

LON, LAT = 117.2186, 34.3262  # about 520 100 E, 3 799 900 N in EPSG:4548


def _terms(values: Mapping[int, float]) -> tuple[float, ...]:
    return tuple(values.get(at, 0.0) for at in range(20))


def camera(
    *, rows: int = 400, cols: int = 400, pixel_m: float = 1.0, lean: float = 0.3, height_off: float = 50.0
) -> Rpc:
    """Polynomials of an image of rows x cols centred at LON, LAT, whose columns move ``lean`` pixels east-west a metre.

    A little rotated and curved, as real ones are.
    """
    high, wide = rows / 2, cols / 2
    return Rpc(
        line_off=high - 0.5,
        samp_off=wide - 0.5,
        lat_off=LAT,
        lon_off=LON,
        height_off=height_off,
        line_scale=high,
        samp_scale=wide,
        lat_scale=high * pixel_m / 110_900.0,
        lon_scale=wide * pixel_m / 92_000.0,
        height_scale=100.0,
        line_num=_terms({1: 0.02, 2: -1.0, 3: 0.002, 4: 1e-4}),
        line_den=_terms({0: 1.0, 3: 1e-5}),
        samp_num=_terms({1: 1.0, 2: 0.02, 3: lean * 100.0 / (wide * pixel_m), 7: 1e-4}),
        samp_den=_terms({0: 1.0, 1: 1e-5}),
    )


def rpb(rpc: Rpc, *, semicolons: bool = True, satellite: str = "GF2") -> str:
    """The polynomials as the text of an .rpb file."""
    end = ";" if semicolons else ""
    names = {"line_off": "lineOffset", "samp_off": "sampOffset", "lat_off": "latOffset", "lon_off": "longOffset",
             "height_off": "heightOffset", "line_scale": "lineScale", "samp_scale": "sampScale",
             "lat_scale": "latScale", "lon_scale": "longScale", "height_scale": "heightScale",
             "line_num": "lineNumCoef", "line_den": "lineDenCoef", "samp_num": "sampNumCoef",
             "samp_den": "sampDenCoef"}  # fmt: skip
    lines = [f'satId = "{satellite}"{end}', f'bandId = "MSS"{end}', f'SpecId = "RPC00B"{end}', "BEGIN_GROUP = IMAGE"]
    lines += [f"\terrBias = 1.0{end}", f"\terrRand = 0{end}"]
    for field in fields(rpc):
        value = getattr(rpc, field.name)
        if isinstance(value, tuple):
            lines.append(
                f"\t{names[field.name]} = (\n\t\t\t" + ",\n\t\t\t".join(f"{one:+.15E}" for one in value) + f"){end}"
            )
        else:
            lines.append(f"\t{names[field.name]} = {value!r}{end}")
    return "\n".join([*lines, "END_GROUP = IMAGE", f"END{end}", ""])


def rpc_txt(rpc: Rpc) -> str:
    """The polynomials as the text of an _rpc.txt file."""
    units = {"line_off": "pixels", "samp_off": "pixels", "lat_off": "degrees", "lon_off": "degrees",
             "height_off": "meters", "line_scale": "pixels", "samp_scale": "pixels", "lat_scale": "degrees",
             "lon_scale": "degrees", "height_scale": "meters"}  # fmt: skip
    lines = [
        f"{name.upper().replace('LON_', 'LONG_')}: {getattr(rpc, name):+.12f} {unit}" for name, unit in units.items()
    ]
    for name in ("line_num", "line_den", "samp_num", "samp_den"):
        lines += [f"{name.upper()}_COEFF_{at}: {one:+.15E}" for at, one in enumerate(getattr(rpc, name), 1)]
    return "\n".join([*lines, ""])
