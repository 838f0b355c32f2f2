"""Cropland with a town as Sentinel-2 sees it, and a site that is built on a field; drawn, small, the truth known."""

from __future__ import annotations

import cv2
import numpy as np
import shapely

WEST, NORTH = 520_000.0, 3_800_000.0
BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
# Reflectance by cover, after the ECOSTRESS library and Sentinel-2 L2A pixels of each.
CROP = (0.03, 0.06, 0.04, 0.40, 0.18, 0.09)
SOIL = (0.07, 0.10, 0.13, 0.20, 0.28, 0.24)
TOWN = (0.13, 0.15, 0.17, 0.23, 0.24, 0.21)
CONCRETE = (0.26, 0.29, 0.32, 0.36, 0.38, 0.36)
SITE = (slice(60, 72), slice(80, 96))  # 12 by 16 pixels of 10 m


def land(fields: int = 0, *, size: int = 160, site: bool = False) -> np.ndarray:
    """Cropland in parcels of 8 pixels of which one in five is bare, a town in the middle; (bands, rows, cols).

    ``fields`` draws which parcels are bare; ``site``: whether a yard and halls stand where crops were.
    """
    draw = np.random.default_rng(1000 + fields)
    still = np.random.default_rng(7)
    bare = np.kron(draw.random((size // 8, size // 8)) < 0.2, np.ones((8, 8), bool))
    cover = np.where(bare, np.array(SOIL)[:, None, None], np.array(CROP)[:, None, None])
    # Crops all round the site: its rim is blurred over some pixels, and what a bare parcel there does is another matter.
    cover[:, SITE[0].start - 8 : SITE[0].stop + 8, SITE[1].start - 8 : SITE[1].stop + 8] = np.array(CROP)[:, None, None]
    cover = cover * (1 + 0.06 * still.standard_normal((size, size)))
    town = np.array(TOWN)[:, None, None] * (1 + 0.25 * still.standard_normal((40, 40)))
    cover[:, 100:140, 20:60] = town
    if site:
        cover[(slice(None), *SITE)] = np.array(CONCRETE)[:, None, None]
    image = np.stack([cv2.GaussianBlur(band, (0, 0), 0.7) for band in cover.astype(np.float32)])
    return image + 0.003 * draw.standard_normal(image.shape).astype(np.float32)


def site_polygon() -> shapely.Polygon:
    rows, cols = SITE
    return shapely.box(WEST + 10 * cols.start, NORTH - 10 * rows.stop, WEST + 10 * cols.stop, NORTH - 10 * rows.start)
