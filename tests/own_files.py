"""Files as a county would have them, out of a simulated world: two mosaics and a shapefile in GBK.

Run by itself (``python tests/own_files.py WORLD FOLDER``) it writes them with the environment that is being tried.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.merge import merge

BEFORE, AFTER = "20240428", "20241012"
COLUMNS = {
    "LXBM": "路线编码", "LXMC": "路线名称", "LDJSDJ": "技术等级", "LMKD": "路面宽度", "QDZH": "起点桩号", "ZDZH": "终点桩号",
}  # fmt: skip


def own_files(world: Path, folder: Path, *, bits: int = 8, epsg: int = 4548) -> Path:
    """``路线.shp`` (GBK, CGCS2000 3-degree zone) and ``影像/DAY_影像.tif``, of which 8 bits are stretched for viewing."""
    images = folder / "影像"
    images.mkdir(parents=True)
    for day in (BEFORE, AFTER):
        mosaic(sorted((world / "imagery" / "demo-vhr").glob(f"*{day}/*{day}.tif")), images / f"{day}_影像.tif", bits)
    roads = gpd.read_file(world / "layers.gpkg", layer="roads").to_crs(epsg)
    roads = roads[[*COLUMNS, "geometry"]].rename(columns=COLUMNS)
    roads.to_file(folder / "路线.shp", encoding="GBK", engine="pyogrio")
    (folder / "路线.cpg").unlink(missing_ok=True)  # many exports have none
    return folder


def mosaic(parts: list[Path], path: Path, bits: int) -> None:
    """One GeoTIFF of the parts: three bands of 8 bits, or four of 16 as the simulator has them."""
    data, place = merge(parts)
    with rasterio.open(parts[0]) as first:
        profile = first.profile
    if bits == 8:
        data = np.clip(np.sqrt(np.clip(data[:3] / 10000.0, 0, 1)) * 330, 0, 255).astype("uint8")
    profile = {
        "driver": "GTiff", "crs": profile["crs"], "dtype": data.dtype, "count": len(data), "transform": place,
        "height": data.shape[1], "width": data.shape[2], "tiled": True, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(data)


if __name__ == "__main__":
    own_files(Path(sys.argv[1]), Path(sys.argv[2]))
