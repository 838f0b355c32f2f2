"""The scene as a STAC item, with all that odc-stac and stackstac like to know, so that they need open no file for it."""

from __future__ import annotations

from scenes import EPSG, NORTH_M, WEST_M, SceneSet


def item(scene: SceneSet, url: str) -> dict:
    side_m, p = scene.side_px * scene.pixel_m, scene.pixel_m
    proj = {"proj:epsg": EPSG, "proj:code": f"EPSG:{EPSG}", "proj:shape": [scene.side_px] * 2,
            "proj:transform": [p, 0, WEST_M, 0, -p, NORTH_M]}  # fmt: skip
    box = [117.0, 35.0, 118.3, 36.2]
    ring = [[117.0, 35.0], [118.3, 35.0], [118.3, 36.2], [117.0, 36.2], [117.0, 35.0]]
    assets = {
        f"B{number}": {
            "href": f"{url}/{name}", "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"], "raster:bands": [{"data_type": scene.dtype, "spatial_resolution": p}], **proj,
        }
        for number, name in enumerate(scene.files, 1)
    }  # fmt: skip
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": scene.name, "collection": "bench", "bbox": box,
        "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                            "https://stac-extensions.github.io/raster/v1.1.0/schema.json"],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": "2026-04-01T03:00:00Z", **proj, "extent_m": [WEST_M, NORTH_M - side_m]},
        "assets": assets, "links": [],
    }  # fmt: skip
