"""Small tile sets for the tests: pictures of one colour, in a folder, an MBTiles file and a PMTiles archive."""

import io
import sqlite3
from pathlib import Path

from PIL import Image
from shapely import box

from pipeline.maps.basemaps import tiles_touching

AREA = box(116.90, 34.70, 116.96, 34.72)  # degrees; stands for a corridor
LEVELS = range(8, 15)


def picture(colour=(40, 120, 200), form="PNG", size=256) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, form)
    return buffer.getvalue()


def tiles(area=AREA, levels=LEVELS, form="PNG", *, colours=None) -> dict[tuple[int, int, int], bytes]:
    """A picture for each tile over the area; ``colours``: by level."""
    colours = colours or {}
    return {
        (zoom, column, row): picture(colours.get(zoom, (40, 120, 200)), form)
        for zoom, places in tiles_touching(area, levels)
        for column, row in places
    }


def write_folder(folder: Path, made, extension="png", *, tms=False) -> Path:
    for (zoom, column, row), body in made.items():
        path = folder / str(zoom) / str(column) / f"{2**zoom - 1 - row if tms else row}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def write_mbtiles(path: Path, made, form="png") -> Path:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE metadata (name text, value text)")
        file.execute("CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        file.execute("CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)")
        file.execute("INSERT INTO metadata VALUES ('format', ?)", (form,))
        rows = [(zoom, column, 2**zoom - 1 - row, body) for (zoom, column, row), body in made.items()]
        file.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    file.close()
    return path


def write_pmtiles(path: Path, made, kind="PNG") -> Path:
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    with path.open("wb") as file:
        writer = Writer(file)
        for number, body in sorted((zxy_to_tileid(*at), body) for at, body in made.items()):
            writer.write_tile(number, body)
        writer.finalize({"tile_type": TileType[kind], "tile_compression": Compression.NONE}, {})
    return path
