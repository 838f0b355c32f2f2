"""Real roads for the grain detector: pixels that are not in the repository, and grain painted on them.

Grain is drawn in the tone scale of the picture: its digital number is the road's own times the ratio of reflectances to
the power of the display's tone curve, so that the road's light, noise and compression stay in it.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely
from road_scenes import BANDS, SURFACES, make_view
from scipy import ndimage
from shapely import LineString

from pipeline.model.grid import Grid

REAL = Path(os.environ.get("LUYU_REAL_DATA") or Path(__file__).resolve().parents[3] / "shared" / "real")

# Main roads of the road pictures, (col, row) px, and pavement width in m at 0.5 m pixels.
DEEPGLOBE = {
    388: ([[(-5, 618), (240, 1030)]], 9.0),
    113: ([[(0, 323), (120, 355), (215, 385), (245, 397), (395, 430), (520, 490), (600, 545), (750, 700), (850, 765),
            (905, 783), (1024, 776)],
           [(430, 570), (500, 650), (620, 735), (680, 855), (720, 882), (765, 875), (870, 975)]], 7.5),
    343: ([[(10, 805), (75, 865), (200, 895), (350, 940), (500, 980), (610, 1010)], [(735, 0), (1024, 165)]], 6.0),
    104: ([[(0, 403), (505, 409), (500, 643), (0, 636)]], 5.0),
}  # fmt: skip


def real(folder: str) -> Path:
    """A folder of the real data, or skip."""
    path = REAL / folder
    if not path.is_dir():
        pytest.skip(f"real data not here: {path} (set LUYU_REAL_DATA)")
    return path


def roadside():
    """Grid, before, after (band, row, col; blue green red, 0..1) and roads of the roadside pair."""
    folder = real("roadside_vhr")
    images = []
    for day in ("2012-05-05", "2017-10-20"):
        with rasterio.open(folder / "imagery" / f"{day}.tif") as source:
            images.append(source.read()[:3][::-1].astype(np.float32) / 255)
            west, north = source.transform.c, source.transform.f
    grid = Grid(4548, west, north, 0.5, *images[0].shape[1:])
    roads = gpd.read_file(folder / "layers.gpkg", layer="roads")
    roads = roads.rename(columns={"LXBM": "route_key", "LMKD": "pavement_width_m"})
    return grid, images[0], images[1], roads


def view_of(grid, before, after, roads):
    view = make_view(grid, before, after, list(roads.geometry), 1.0, nir=len(before) == 4,
                     days=(dt.date(2012, 5, 5), dt.date(2017, 10, 20)))  # fmt: skip
    view.roads["pavement_width_m"] = roads["pavement_width_m"].to_numpy(float)
    return view


def deepglobe(number: int):
    """Grid, picture (band, row, col) and roads of one road picture."""
    picture = cv2.imread(str(real("roads_deepglobe") / "train" / f"{number}_sat.jpg"))
    image = picture.transpose(2, 0, 1).astype(np.float32) / 255
    grid = Grid(4548, 500_000.0, 3_800_000.0, 0.5, *image.shape[1:])
    lines, width = DEEPGLOBE[number]
    geometry = [LineString([(grid.x_m[0] + c * 0.5, grid.y_m[0] - r * 0.5) for c, r in line]) for line in lines]
    return grid, image, gpd.GeoDataFrame({"pavement_width_m": [width] * len(lines)}, geometry=geometry, crs=4548)


def naip(year: int):
    """Grid and image (blue green red nir, 0..1) of one year of farmland."""
    path = next(iter(sorted(real("naip").glob(f"*_{year}*.tif"))))
    with rasterio.open(path) as source:
        red, green, blue, nir = source.read()[:, :720, :930].astype(np.float32) / 255
    return Grid(4548, 500_000.0, 3_800_000.0, 2.0, *red.shape), np.stack([blue, green, red, nir])


def strip(line: LineString, start_m: float, end_m: float, right_m: float, left_m: float):
    """Polygon beside a line between two measures, across positions positive to the left."""
    part = shapely.ops.substring(line, start_m, end_m)
    edges = [shapely.offset_curve(part, across, join_style="round") for across in (right_m, left_m)]
    return shapely.make_valid(shapely.Polygon([*edges[0].coords, *list(edges[1].coords)[::-1]]))


def painted(image, grid, polygon, *, crop="wheat", surface="asphalt", gamma=0.7, seed=0):
    """``image`` with grain spread over a polygon."""
    rng = np.random.default_rng(seed)
    fine = 4
    transform = rasterio.Affine(grid.pixel_m / fine, 0, grid.west_m, 0, -grid.pixel_m / fine, grid.north_m)
    shape = (grid.rows * fine, grid.cols * fine)
    burnt = rasterio.features.rasterize([polygon], out_shape=shape, transform=transform).astype(np.float32)
    alpha = burnt.reshape(grid.rows, fine, grid.cols, fine).mean(axis=(1, 3)) * rng.uniform(0.85, 1.0)
    alpha = ndimage.gaussian_filter(alpha, 0.6)
    out = image.copy()
    road = burnt.reshape(grid.rows, fine, grid.cols, fine).mean(axis=(1, 3)) > 0.9
    clumps = 1 + ndimage.gaussian_filter(rng.normal(0, 0.06, grid.shape), 0.8)
    for band in range(len(image)):
        ratio = (SURFACES[crop][band] / SURFACES[surface][band]) ** gamma
        own = np.median(image[band][road])
        texture = (image[band] / own) ** 0.3  # what lies under 5 cm of grain shows little
        grain = np.clip(own * ratio * np.clip(texture, 0.85, 1.15) * clumps, 0, 1)
        out[band] = alpha * grain + (1 - alpha) * image[band]
    assert BANDS[0] == "blue"
    return (np.round(out * 255) / 255).astype(np.float32)
