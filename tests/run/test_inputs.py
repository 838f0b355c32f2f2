"""What a scene's pixels follow from is in its digest; a signature that is made anew each time is not."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

from pipeline.model.scene import Band, BandFile, Ortho, Scene, TileService
from pipeline.run.inputs import _digest, _plain


def digest(file: BandFile) -> str:
    return _digest(_plain(Scene("s", dt.date(2024, 10, 1), {"red": file})))


def test_a_signature_is_no_part_of_a_file_and_the_query_of_a_service_is() -> None:
    file = BandFile("https://host/a.tif?sig=1", Band("red", 1))
    assert digest(file) == digest(replace(file, href="https://host/a.tif?sig=2"))
    served = replace(file, href="https://host/{z}/{x}/{y}?LAYER=img2023&tk={key}", service=TileService(18))
    assert digest(served) != digest(replace(served, href=served.href.replace("2023", "2024")))


def test_a_raw_image_follows_from_its_terrain_and_from_what_lies_beside_it(tmp_path: Path) -> None:
    for name in ("a.tif", "a.rpb", "dem.tif", "b.rpb"):
        (tmp_path / name).write_bytes(b"1")
    file = BandFile(str(tmp_path / "a.tif"), Band("red", 1), ortho=Ortho(dem=str(tmp_path / "dem.tif")))
    seen = {digest(file)}
    for name in ("dem.tif", "a.rpb", "a.tif"):
        (tmp_path / name).write_bytes(b"22")
        seen.add(digest(file))
    assert len(seen) == 4
    os.utime(tmp_path / "b.rpb")
    assert digest(file) in seen
    assert digest(replace(file, ortho=Ortho())) not in seen
