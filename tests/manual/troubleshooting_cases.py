"""How each message of the manual's page of troubles comes about: a sound world of 300 m, spoiled in one place.

A case writes what it needs and gives the words that are typed after ``luyu``. Its name is the anchor of its heading.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
from affine import Affine
from hostile.ground import EAST, EPSG, NORTH, pixels, write_image
from onnx_models import bright
from servers.loopback import free_port
from shapely import box
from troubleshooting_ground import Trouble, case, short

from pipeline.ledger.options import LedgerOptions

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

# Command line and configuration
short("no-such-option", lambda t: [*t.set(), "--colour"])
short("missing-argument", lambda _: ["check"])
short("no-such-command", lambda _: ["chek"])
short("config-missing", lambda t: ["plan", str(t.ground.folder / "run.yml")])
short("yaml-invalid", lambda t: t.edited("imagery:\n", "imagery:\n\tresolution_m: 1\n"))
short("config-not-utf8", lambda t: ["plan", str(t.ground.file("run.yaml", "name: 沛县\n".encode("gbk")))])
short("unknown-key", lambda t: t.edited("  before:", "  befor:"))
short("key-missing", lambda t: t.edited("layers: layers.yaml\n", ""))
short("not-a-number", lambda t: t.set("imagery.resolution_m=fine"))
short("number-too-small", lambda t: t.set("imagery.resolution_m=-0.5"))
short("set-without-value", lambda t: t.set("imagery.resolution_m"))
short("period-form", lambda t: t.set("imagery.after=2024-10"))
short("period-reversed", lambda t: t.set("imagery.after=2024-11-30/2024-10-01"))
short("after-before-before", lambda t: t.set("imagery.after=2023-10-01/2023-11-30"))
short("detector-unknown", lambda t: t.set("detectors=[{use: buildings}]"))
short("pixels-too-coarse", lambda t: t.set("detectors=[{use: building}]", "imagery.resolution_m=4"))

# Images
short("image-missing", lambda t: t.source(t.ground.files(t.ground.folder / "gone.tif")))
short("glob-empty", lambda t: t.source("{kind: files, sensor: rgb_vhr, scenes: ['images/*.tif']}"))
short("no-image-in-period", lambda t: t.set("imagery.after=2025-10-01/2025-11-30"))
short("image-elsewhere", lambda t: t.image(transform=Affine(0.5, 0, EAST + 9000, 0, -0.5, NORTH)))
short("sensor-unknown", lambda t: t.source(t.ground.files(t.ground.base / "after.tif", "gf2")))
short("bands-too-few", lambda t: t.image(sensor="gf2_pms_fused"))
short("wrong-dtype", lambda t: t.image(data=pixels().astype(np.uint16), dtype="uint16"))
short("image-without-crs", lambda t: t.image(crs=None))
short("not-a-tiff", lambda t: t.source(t.ground.files(t.ground.file("after.tif", "<html>sign in</html>"))))


@case
def no_date_in_name(t: Trouble) -> list[str]:
    shutil.copy(t.ground.base / "after.tif", t.ground.folder / "peixian.tif")
    return t.source(f"{{kind: files, sensor: rgb_vhr, scenes: ['{t.ground.folder / 'peixian.tif'}']}}")


@case
def image_cut_off(t: Trouble) -> list[str]:
    path = write_image(t.ground.folder / "whole.tif")
    cut = t.ground.file("after.tif", path.read_bytes()[: path.stat().st_size // 2])
    return t.source(t.ground.files(cut), "check")


@case
def archive_damaged(t: Trouble) -> list[str]:
    whole = t.ground.folder / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.write(t.ground.base / "after.tif", "after.tif")
    return t.source(t.ground.files(t.ground.file("after.zip", whole.read_bytes()[:-2000])))


def _catalogue(t: Trouble, collection: str) -> list[str]:
    """A catalogue of one collection with one item of 2023."""
    outline = gpd.GeoSeries([box(EAST, NORTH - 350, EAST + 350, NORTH)], crs=EPSG).to_crs(4490)
    box_of = [float(value) for value in outline.total_bounds]
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "vhr", "links": [], "bbox": box_of,
        "geometry": json.loads(gpd.GeoSeries(outline).to_json())["features"][0]["geometry"],
        "properties": {"datetime": "2023-05-01T03:00:00Z"}, "assets": {"image": {"href": "a.tif"}},
    }  # fmt: skip
    links = [{"rel": "item", "href": "./a.json"}]
    extent = {"spatial": {"bbox": [box_of]}, "temporal": {"interval": [["2023-05-01T00:00:00Z", None]]}}
    texts = {
        "a.json": item,
        "vhr.json": {"type": "Collection", "stac_version": "1.0.0", "id": "vhr", "description": "x", "license": "other",
                     "extent": extent, "links": links},
        "catalog.json": {"type": "Catalog", "stac_version": "1.0.0", "id": "c", "description": "x",
                         "links": [{"rel": "child", "href": "./vhr.json"}]},
    }  # fmt: skip
    for name, content in texts.items():
        t.ground.file(name, json.dumps(content))
    return t.source(f"{{kind: stac, url: {t.ground.folder / 'catalog.json'}, collection: {collection}}}")


short("collection-unknown", lambda t: _catalogue(t, "vhr-2024"))
short("no-item-in-period", lambda t: _catalogue(t, "vhr"))


# Running
@case
def folder_held(t: Trouble) -> list[str]:
    from filelock import FileLock

    argv = t.set(command="run")
    t.ground.out.mkdir(exist_ok=True)
    lock = FileLock(t.ground.out / ".lock")
    lock.acquire()
    t.lasting.append(lock)
    return argv


@case
def folder_not_writable(t: Trouble) -> list[str]:
    t.ground.file("taken", "a file")
    return t.set(f"output={t.ground.folder / 'taken' / 'out'}", command="run")


def _raising(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@case
def disk_full(t: Trouble) -> list[str]:
    t.patch.setattr("os.fsync", _raising(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    return t.set(command="check")


@case
def memory_short(t: Trouble) -> list[str]:
    t.patch.setattr("pipeline.run.plan.make_plan", _raising(MemoryError("Unable to allocate 9.31 GiB")))
    return t.set()


def _shifted(t: Trouble) -> list[str]:
    """Two dates that lie 17 m apart: twelve metres each way."""
    return t.image("run", data=np.roll(pixels(3), (24, 24), (1, 2)))


short("shift-refused", _shifted, 3, slow=True)
short("not-a-run", lambda t: ["report", str(t.ground.folder)])
short("share-not-there", lambda t: ["serve", str(t.ground.folder)])


# Cases
short("ledger-missing", lambda t: ["cases", "list", "--ledger", str(t.ground.folder / "none.sqlite")])
short(
    "not-a-ledger", lambda t: ["cases", "list", "--ledger", str(t.ground.file("run.sqlite", "no SQLite at all" * 99))]
)
short("case-unknown", lambda t: ["cases", "show", "G311-0001", "--ledger", str(t.ledger())])
short("act-not-allowed", lambda t: t.case("close"))
short("reason-unknown", lambda t: t.case("verdict", "--dismiss", "greenhous"))
short("name-missing", lambda t: t.case("verdict", "--confirm", by=""))
short("personal-data", lambda t: t.case("verdict", "--confirm", "--note", "户主电话 13812345678"))
short(
    "not-a-package", lambda t: ["cases", "import", str(t.ground.file("cases.docx", "x")), "--ledger", str(t.ledger())]
)


@case
def ledger_newer(t: Trouble) -> list[str]:
    place = t.ledger()
    with sqlite3.connect(place) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    return ["cases", "list", "--ledger", str(place)]


@case
def ledger_locked(t: Trouble) -> list[str]:
    t.patch.setattr("pipeline.ledger.store.LedgerOptions", partial(LedgerOptions, wait_s=0.2))
    argv = t.case("verdict", "--confirm")
    db = sqlite3.connect(argv[argv.index("--ledger") + 1])
    db.execute("BEGIN EXCLUSIVE")
    t.lasting.append(db)
    return argv


@case
def approval_missing(t: Trouble) -> list[str]:
    return ["share", str(t.ground.out), "--out", str(t.ground.folder / "public"), "--audience", "public"]


@case
def too_few_verdicts(t: Trouble) -> list[str]:
    argv = t.case("verdict", "--confirm")
    from pipeline.cli import main

    assert main(argv) == 0
    place = argv[argv.index("--ledger") + 1]
    return ["train", "--ledger", place, "--kind", "building", "--out", str(t.ground.folder / "ranking.json")]


# Network and clusters
short(
    "server-away",
    lambda t: t.source(f"{{kind: stac, url: 'http://127.0.0.1:{free_port()}/catalog.json', collection: a}}"),
)
short("access-refused", lambda t: t.far("403"))
short("server-says-no", lambda t: t.far("404"))
short("page-for-a-file", lambda t: t.far("page"))
short("key-in-address", lambda t: t.source("{kind: stac, url: 'https://stac.example.cn/?token=abc', collection: a}"))
short("scheduler-unknown", lambda t: t.set("dask.scheduler=slrm"))
short("scheduler-settings-missing", lambda t: t.set("dask.scheduler=slurm"))
short("model-missing", lambda t: t.set("detectors=[{use: network, model: gone.onnx}]"))


@case
def scheduler_away(t: Trouble) -> list[str]:
    t.patch.setattr("pipeline.execution.clusters._ANSWER", "1s")
    address = f"dask.scheduler=tcp://127.0.0.1:{free_port()}"
    return t.set(address, "dask.insecure=true", command="run")


@case
def model_inputs(t: Trouble) -> list[str]:
    path = bright(t.ground.folder / "model.onnx")
    return t.set(f"detectors=[{{use: network, model: '{path}'}}]")


@case
def cluster_extra_missing(t: Trouble) -> list[str]:
    t.patch.setitem(sys.modules, "dask_jobqueue", None)
    return t.set("dask.scheduler=slurm", "dask.slurm={interface: lo}", command="run")


@case
def column_of_package_gone(t: Trouble) -> list[str]:
    from openpyxl import load_workbook

    from pipeline.field import Choice, export
    from pipeline.ledger import Ledger

    place, out = t.ledger(), t.ground.folder / f"field-{os.urandom(4).hex()}"
    with Ledger.open(place, create=False) as ledger:
        export(ledger, Choice("320322"), out)
    book = load_workbook(out / "cases.xlsx")
    sheet = next(one for one in book.worksheets if any("核查结论" in str(cell.value) for cell in one[_head(one)]))
    sheet.delete_cols(next(cell.column for cell in sheet[_head(sheet)] if "核查结论" in str(cell.value)))
    book.save(out / "cases.xlsx")
    return ["cases", "import", str(out / "cases.xlsx"), "--ledger", str(place)]


def _head(sheet: Worksheet) -> int:
    """The row of the headings."""
    return next((row[0].row for row in sheet.iter_rows(max_row=10) if any("案件" in str(c.value) for c in row)), 1)


short("key-in-tile-address", lambda t: t.source(
    "{kind: tiles, sensor: rgb_vhr, layers: [{url: 'https://t0.tianditu.gov.cn/img_w/wmts?tk=0123456789abcdef', date: 2024}]}"
))  # fmt: skip


def _proj(t: Trouble) -> list[str]:
    t.patch.setenv("PROJ_LIB", str(t.ground.folder / "OSGeo4W"))
    return ["doctor", "--offline"]


short("proj-elsewhere", _proj, 0)
