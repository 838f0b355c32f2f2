"""Scenes and roads that readers are measured on: real COGs, made from a fixed seed by GDAL's own COG driver."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

EPSG = 32650
WEST_M, NORTH_M = 499_980.0, 4_000_020.0  # as of a Sentinel-2 tile: multiples of 10 m, not of the blocks' size


@dataclass(frozen=True)
class SceneSet:
    """Files on one lattice: ``side_px`` square, blocks of ``block_px``; one band in each file, or all in one."""

    name: str
    files: tuple[str, ...]
    bands: int
    side_px: int
    pixel_m: float
    block_px: int
    dtype: str
    road_wkt: str = field(repr=False)
    corridor_wkt: str = field(repr=False)
    blocks: tuple[tuple[int, int], ...] = field(repr=False)  # (block row, block col) that touch the corridor

    @property
    def corridor(self) -> BaseGeometry:
        return shapely.from_wkt(self.corridor_wkt)

    @property
    def road(self) -> shapely.LineString:
        return shapely.from_wkt(self.road_wkt)

    def window(self, block: tuple[int, int]) -> tuple[int, int, int, int]:
        """Row, col, rows, cols of a block, without what lies past the scene's edge."""
        row, col = block[0] * self.block_px, block[1] * self.block_px
        return row, col, min(self.block_px, self.side_px - row), min(self.block_px, self.side_px - col)

    def runs(self) -> list[tuple[int, int, int, int]]:
        """Windows of touched blocks side by side, joined along each row of blocks."""
        joined: list[list[int]] = []
        for block in sorted(self.blocks):
            row, col, rows, cols = self.window(block)
            if joined and joined[-1][0] == row and joined[-1][1] + joined[-1][3] == col:
                joined[-1][3] += cols
            else:
                joined.append([row, col, rows, cols])
        return [tuple(run) for run in joined]  # type: ignore[misc]

    def save(self, folder: Path) -> Path:
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def load(cls, path: Path) -> SceneSet:
        said = json.loads(path.read_text())
        said["files"], said["blocks"] = tuple(said["files"]), tuple(map(tuple, said["blocks"]))
        return cls(**said)


def winding(side_m: float, length_m: float, waves: int = 5) -> shapely.LineString:
    """A road from west to east through a scene of ``side_m``, winding so much that it is ``length_m`` long."""
    x = np.linspace(0.02, 0.98, 4000)
    bends = np.sin(x * waves * 2 * np.pi) + 0.35 * np.sin(x * waves * 4.7 * np.pi + 1)

    def road(height: float) -> shapely.LineString:
        y = 0.5 - 0.25 * (x - 0.5) + height * bends
        return shapely.LineString(np.c_[WEST_M + x * side_m, NORTH_M - y * side_m])

    low, high = 0.0, 0.3
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if road(middle).length < length_m else (low, middle)
    return road(low)


def touched(corridor: BaseGeometry, side_px: int, pixel_m: float, block_px: int) -> tuple[tuple[int, int], ...]:
    """Blocks (row, col) that hold some of the corridor's area."""
    step_m, count = block_px * pixel_m, -(-side_px // block_px)
    rows, cols = np.divmod(np.arange(count * count), count)
    west, north = WEST_M + cols * step_m, NORTH_M - rows * step_m
    boxes = shapely.box(west, north - step_m, west + step_m, north)
    shapely.prepare(corridor)
    hit = np.flatnonzero(shapely.intersects(corridor, boxes) & ~shapely.touches(corridor, boxes))
    return tuple((int(rows[i]), int(cols[i])) for i in hit)


def ten_metres(folder: Path) -> SceneSet:
    """Four bands as Sentinel-2 comes: each a uint16 COG of 10,980 px, and a road of 143.7 km, 200 m wide in all."""
    side, pixel, block = 10_980, 10.0, 512
    road = shapely.simplify(winding(side * pixel, 143_700.0), 1.0)
    files = []
    for number in range(4):
        path = folder / f"B{number + 1}.tif"
        _cog(path, _texture(side, 1, np.uint16, seed=number), pixel, block)
        files.append(path.name)
    return _described("ten_metres", folder, tuple(files), 4, side, pixel, block, "uint16", road)


def half_metre(folder: Path) -> SceneSet:
    """Four 8-bit bands in one COG of 20,000 px at 0.5 m, pixel by pixel, and a road of 13 km, 200 m wide in all."""
    side, pixel, block = 20_000, 0.5, 512
    road = shapely.simplify(winding(side * pixel, 13_000.0, waves=2), 0.1)
    path = folder / "half_metre.tif"
    _cog(path, _texture(side, 4, np.uint8, seed=9), pixel, block)
    return _described("half_metre", folder, (path.name,), 4, side, pixel, block, "uint8", road)


def _described(
    name: str, folder: Path, files: tuple[str, ...], bands: int, side: int, pixel: float, block: int, dtype: str,
    road: shapely.LineString, *, masked: bool = True,
) -> SceneSet:  # fmt: skip
    corridor = road.buffer(100.0)
    scene = SceneSet(
        name, files, bands, side, pixel, block, dtype, shapely.to_wkt(road, rounding_precision=3),
        shapely.to_wkt(corridor, rounding_precision=3),
        touched(corridor, side, pixel, block),
    )  # fmt: skip
    if masked:
        _mask(folder / f"{name}.mask", scene)
    scene.save(folder)
    return scene


def _texture(side: int, bands: int, dtype: type, seed: int) -> np.ndarray:
    """Land-like numbers (bands, rows, cols), none of them 0: smooth forms with noise, repeated with small changes."""
    rng = np.random.default_rng(seed)
    small = 2048
    coarse = rng.normal(0, 1, (bands, small // 32, small // 32))
    forms = np.kron(coarse, np.ones((32, 32)))
    unit = forms + rng.normal(0, 0.12, (bands, small, small))
    scale, offset = (18, 100) if dtype is np.uint8 else (400, 2500)
    cell = np.clip(unit * scale + offset, 1, 250 if dtype is np.uint8 else 9000).astype(dtype)
    repeats = -(-side // small)
    whole = np.tile(cell, (1, repeats, repeats))[:, :side, :side]
    for row in range(repeats):  # no two blocks alike
        for col in range(repeats):
            whole[:, row * small : (row + 1) * small, col * small : (col + 1) * small] += dtype((row * 7 + col) % 5)
    return whole


def _cog(path: Path, pixels: np.ndarray, pixel_m: float, block: int) -> None:
    import rasterio
    from affine import Affine
    from rasterio.shutil import copy

    plain = path.with_suffix(".plain")
    shape = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": pixels.dtype.name}
    place = {"crs": f"EPSG:{EPSG}", "transform": Affine(pixel_m, 0, WEST_M, 0, -pixel_m, NORTH_M)}
    with rasterio.open(plain, "w", driver="GTiff", interleave="pixel", **shape, **place) as out:
        out.write(pixels)
    with rasterio.Env(GDAL_CACHEMAX=512):
        copy(plain, path, driver="COG", compress="DEFLATE", level=1, predictor=2, blocksize=block,
             overview_resampling="nearest", num_threads="ALL_CPUS")  # fmt: skip
    plain.unlink()


def _mask(path: Path, scene: SceneSet) -> None:
    """Which pixels have their centre in the corridor, as one byte each; a sparse file."""
    from affine import Affine
    from rasterio.features import rasterize

    mask = np.memmap(path, np.uint8, "w+", shape=(scene.side_px, scene.side_px))
    shapely.prepare(scene.corridor)
    for block in scene.blocks:
        row, col, rows, cols = scene.window(block)
        p = scene.pixel_m
        west, north = WEST_M + col * p, NORTH_M - row * p
        part = shapely.clip_by_rect(scene.corridor, west, north - rows * p, west + cols * p, north)
        if not part.is_empty:
            mask[row : row + rows, col : col + cols] = rasterize(
                [part], out_shape=(rows, cols), transform=Affine(p, 0, west, 0, -p, north), dtype=np.uint8
            )
    mask.flush()


def wide_scene(folder: Path) -> SceneSet:
    """One 8-bit band of 60,000 px at 0.5 m with pixels only near a straight road across it; the rest is left out."""
    side, block = 60_000, 256
    middle = side * 0.25
    road = shapely.LineString([(WEST_M - 500, NORTH_M - middle - 900), (WEST_M + side * 0.5 + 500, NORTH_M - middle)])
    path = folder / "wide.tif"
    if not path.exists():
        _strip(path, side, side, block, road)
    return _described("wide", folder, (path.name,), 1, side, 0.5, block, "uint8", road)


def long_road(folder: Path, km: int) -> SceneSet:
    """A road so long over one 0.5 m mosaic, back and forth in lanes of 10 km, 500 m apart."""
    lanes = km // 10
    points = []
    for lane in range(lanes):
        ends = [(WEST_M + 200, NORTH_M - 300 - lane * 500), (WEST_M + 10_200, NORTH_M - 300 - lane * 500)]
        points += ends if lane % 2 == 0 else ends[::-1]
    road = shapely.LineString(points)
    side = max(20_992, lanes * 1000 + 1200)
    path = folder / f"long_{km}.tif"
    if not path.exists():
        _strip(path, side, side, 512, road)
    return _described(f"long_{km}", folder, (path.name,), 1, side, 0.5, 512, "uint8", road, masked=False)


def _strip(path: Path, rows: int, cols: int, block: int, road: shapely.LineString) -> None:
    """A tiled file in which only the blocks within 150 m of the road are there."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    rng = np.random.default_rng(7)
    cell = np.clip(rng.normal(120, 12, (block, block)), 1, 250).astype(np.uint8)
    hit = touched(road.buffer(150.0), max(rows, cols), 0.5, block)
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=1, dtype="uint8", tiled=True, blockxsize=block,
        blockysize=block, compress="deflate", zlevel=1, sparse_ok=True, nodata=0, bigtiff="YES",
        crs=f"EPSG:{EPSG}", transform=Affine(0.5, 0, WEST_M, 0, -0.5, NORTH_M),
    ) as out:  # fmt: skip
        for row, col in hit:
            place = Window(col * block, row * block, min(block, cols - col * block), min(block, rows - row * block))
            out.write((np.roll(cell, row * 7 + col) + (row + col) % 5)[: place.height, : place.width], 1, window=place)
