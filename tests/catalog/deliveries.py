"""Deliveries as they come, made small: names, XML, polynomials and archives in the forms of the satellites' makers."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from pipeline.geo.rpc import Rpc
from tests.rpc_camera import LAT, LON, camera, rpb, rpc_txt

GF2 = "GF2_PMS1_E117.2_N34.3_20240605_L1A0007654321"
_CORNERS = (("TopLeft", 1, -1), ("TopRight", 1, 1), ("BottomRight", -1, 1), ("BottomLeft", -1, -1))


def corners(half_deg: float = 0.003) -> list[tuple[str, float, float]]:
    return [(name, LAT + up * half_deg, LON + right * half_deg) for name, up, right in _CORNERS]


def gf_xml(**changes: object) -> str:
    """XML of GF-1/2/6 and, with other words, of SuperView."""
    said = {
        "SatelliteID": "GF2", "SensorID": "PMS1", "ProductLevel": "LEVEL1A", "ProduceTime": "2024-06-07 09:00:00",
        "Bands": "1,2,3,4", "CloudPercent": "3", "CenterTime": "2024-06-05 11:23:45", "StartTime": "2024-06-05 11:23:42",
        "RollViewingAngle": "12.5", "PitchViewingAngle": "-3.2", "SolarAzimuth": "148.2", "SolarZenith": "15.4",
    } | changes  # fmt: skip
    for name, lat, lon in corners():
        said |= {f"{name}Latitude": lat, f"{name}Longitude": lon}
    body = "".join(f"\t<{key}>{value}</{key}>\n" for key, value in said.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ProductMetaData>\n{body}</ProductMetaData>\n'


def gf7_xml() -> str:
    """XML of GF-7 and ZY-3, with the misspelt longitudes."""
    names = {"TopLeft": "LeftTop", "TopRight": "RightTop", "BottomRight": "RightBottom", "BottomLeft": "LeftBottom"}
    places = "".join(
        f"<{names[name]}Point><Longtitude>{lon}</Longtitude><Latitude>{lat}</Latitude></{names[name]}Point>"
        for name, lat, lon in corners()
    )
    return (
        "<sensor_corrected_metadata><processInfo><ProduceID>12</ProduceID></processInfo><productInfo>"
        "<ProductLevel>LEVEL1A</ProductLevel><SatelliteID>GF701</SatelliteID><SensorID>BWD</SensorID>"
        "<AcquisitionTime>2024-06-05 11:02:03</AcquisitionTime><CloudPercent>0</CloudPercent>"
        "<SunAltitude>71.5</SunAltitude><SunAzimuth>140.1</SunAzimuth><RollViewingAngle>-1.5</RollViewingAngle>"
        f"<ProductGeographicRange>{places}</ProductGeographicRange></productInfo></sensor_corrected_metadata>"
    )


def jilin_xml() -> str:
    names = {"TopLeft": "UpperLeft", "TopRight": "UpperRight", "BottomRight": "LowerRight", "BottomLeft": "LowerLeft"}
    places = "".join(
        f"<{names[name]}Latitude>{lat}</{names[name]}Latitude><{names[name]}Longitude>{lon}</{names[name]}Longitude>"
        for name, lat, lon in corners()
    )
    return (
        "<MetaData><ProductInfo><SatelliteID>JL1GF02A</SatelliteID><Sensor>PMS1</Sensor><ProductLevel>L1</ProductLevel>"
        "<StartTime>2024-06-04T23:30:12.000Z</StartTime><CloudPercent>5</CloudPercent>"
        f"<RollSatelliteAngle>20.0</RollSatelliteAngle>{places}</ProductInfo></MetaData>"
    )


def raw_tiff(path: Path, bands: int, rpc: Rpc, *, side: int = 400, dtype: str = "uint16", text: str = ".rpb") -> Path:
    """A raw image without map coordinates and the file of its polynomials beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    with rasterio.open(path, "w", driver="GTiff", count=bands, dtype=dtype, width=side, height=side) as out:
        out.write(rng.integers(100, 900 if dtype != "uint8" else 250, (bands, side, side)).astype(dtype))
    if text:
        path.with_name(path.stem + text).write_text(rpb(rpc) if text.lower() == ".rpb" else rpc_txt(rpc))
    return path


def map_tiff(
    path: Path, bands: int, *, side: int = 64, dtype: str = "uint16", pixel_m: float = 10.0, tags=None
) -> Path:
    """A GeoTIFF about the same place, EPSG:4548."""
    path.parent.mkdir(parents=True, exist_ok=True)
    west, north = 520100 - side * pixel_m / 2, 3799900 + side * pixel_m / 2
    with rasterio.open(
        path, "w", driver="GTiff", count=bands, dtype=dtype, width=side, height=side, crs="EPSG:4548",
        transform=from_origin(west, north, pixel_m, pixel_m),
    ) as out:  # fmt: skip
        out.write(np.full((bands, side, side), 100, dtype))
        out.update_tags(**(tags or {}))
    return path


def gf2_folder(folder: Path, name: str = GF2, *, suffixes=("MSS1", "PAN1"), xml: str | None = None) -> Path:
    """An unpacked GF delivery: multispectral and panchromatic, each with XML and polynomials, and quick-looks."""
    folder.mkdir(parents=True, exist_ok=True)
    ms, pan = suffixes
    raw_tiff(folder / f"{name}-{ms}.tiff", 4, camera(pixel_m=4.0, rows=100, cols=100), side=100)
    raw_tiff(folder / f"{name}-{pan}.tiff", 1, camera())
    for suffix in suffixes:
        (folder / f"{name}-{suffix}.xml").write_text(xml or gf_xml(), encoding="utf-8")
        (folder / f"{name}-{suffix}.jpg").write_bytes(b"\xff\xd8 no picture")
        (folder / f"{name}-{suffix}_thumb.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder


def packed(folder: Path, target: Path, *, nested: str = "") -> Path:
    """The files of a folder in an archive of the kind that the name tells."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path: f"{nested}{path.relative_to(folder).as_posix()}" for path in files}
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, name in names.items():
                archive.write(path, name)
        return target
    modes = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2", ".tar": "w"}
    with tarfile.open(target, modes[target.suffix]) as archive:
        for path, name in names.items():
            archive.add(path, name)
    return target


def hostile_tar(target: Path, name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 3) -> Path:
    """A .tar.gz with one member as no delivery has."""
    with tarfile.open(target, "w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        if kind == tarfile.REGTYPE:
            info.size = size
        archive.addfile(info, io.BytesIO(b"abc"[:size]) if kind == tarfile.REGTYPE else None)
    return target
