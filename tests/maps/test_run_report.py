"""The report of a run: what it says, that nothing of the data is taken for markup, and that it stays small."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.maps import run_report
from pipeline.maps.run_report import ReportPage
from pipeline.maps.run_report_blocks import Table, table
from pipeline.maps.run_report_found import why_not
from pipeline.maps.run_report_inputs import read
from pipeline.maps.run_report_made import took
from pipeline.maps.run_report_seen import seen, strips
from pipeline.model.cause import Cause
from pipeline.reports.labels import Word

_EVIL = "</script><img src=x onerror=alert(1)>{{ 7*7 }}"


def record(**more: Any) -> dict[str, Any]:
    limits = {"sure": 0.5, "sure_alone": 0.6, "unsure": 0.25, "near_m": 100.0}
    scene = {
        "day": "2024-04-28",
        "sensor": "vhr",
        "geo_rmse_m": 0.6,
        "files": ["/data/a.tif", "/data/b.tif"],
        "bytes": 2_000_000,
    }
    return {
        "luyu": "0.1.0", "git_commit": None, "python": "3.11", "libraries": {"numpy": "2.4"}, "gdal": {"rasterio": "3.10"},
        "machine": {"system": "Linux", "processor": "x86_64", "cores": 2}, "fingerprint": "ab", "epsg": 4548, "bands": ["red"],
        "rules": [{"file": "china.yaml", "bytes": 1000, "sha256": "c" * 64}], "layers": [],
        "configuration": {"decisions": {"confidence": {"building": limits, "stockpile": None}}, "dask": {"scheduler": "threads"}},
        "scenes": {"before": [{"id": "b1", **scene}, {"id": "b2", **scene}], "after": [{"id": "a1", **scene, "day": "2024-10-12"}]},
        "detectors": [{"name": "building", "version": "2", "kinds": ["building"], "thresholds": {}}],
        "models": [{"detector": "building", "file": "building.onnx", "sha256": "d" * 64}],
        "confidence_calibrated": {"building": True}, "rankings": [],
        "totals": {
            "name": "试运行", "km_due": 2.0, "km_observed": 1.5, "tiles": 2, "tiles_reused": 1, "candidates": 3, "findings": 1,
            "permitted": 0, "too_uncertain": 1, "capped": 0, "seconds": 10.0, "tile_seconds": 18.0,
            "counties": [
                {"code": "320322", "name": "沛县", "findings": 1, "kinds": {"building": 1}, "too_uncertain": 1, "capped": 0}
            ],
        },
        "registration": {}, "alarms": [], "reads": {"requests": 5, "bytes_fetched": 3_000_000, "bytes_cached": 0},
        "spent": {"run_s": {"plan": 1.0, "tiles": 9.0}, "cpu_s": 12.0, "tiles_s": {"images": 18.0}}, "failures": [], "notes": [],
    } | more  # fmt: skip


def facts(days: float = 8.0, *, unread: int = 0, first: str = "b1", then: str | None = None) -> dict[str, Any]:
    takes = [{"scenes": [first], "day": "2024-04-28", "days": days, "terms": {"cloud": days}}]
    if then:
        takes.append({"scenes": [then], "day": "2024-05-02", "days": 9.0, "terms": {"season": 9.0}})
    after = {"takes": [{"scenes": ["a1"], "day": "2024-10-12", "days": 0.0, "terms": {}}], "unread": 0}
    return {"chosen": {"before": {"takes": takes, "unread": unread}, "after": after}}


def coverage(routes: int = 1) -> pd.DataFrame:
    causes = {cause.column: 0.5 if cause is Cause.CLOUD else 0.0 for cause in Cause}
    rows = [
        {"route_code": f"G{311 + n}", "county_code": "320322", "county_name": "沛县", "km_due": 2.0, "km_observed": 1.5,
         "km_unobserved": 0.5, "why": "cloud 0.500", **causes}
        for n in range(routes)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def stakes(routes: int = 1, gap: int | None = None) -> gpd.GeoDataFrame:
    rows = [
        {"route_code": f"G{311 + n}", "stake": f"K{10 + place // 10}+{100 * (place % 10):03d}", "county_code": "320322",
         "county_name": "沛县", "geometry": shapely.Point(100.0 * place, 500.0 * n)}
        for n in range(routes) for place in range(20) if place != gap
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=4548)


def unobserved(routes: int = 1) -> gpd.GeoDataFrame:
    rows = [
        {"route_code": f"G{311 + n}", "county_code": "320322", "reason": "cloud",
         "geometry": shapely.LineString([(510, 500.0 * n), (990, 500.0 * n)])}
        for n in range(routes)
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=4548)


def candidates(count: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {"kind": ["building"] * (3 * count), "why_not": ["too_uncertain", "outside_zone", None] * count,
         "zone": "control_zone", "membership": "inside"}
    )  # fmt: skip


def tiles(told: list[dict[str, Any]]) -> pd.DataFrame:
    names = [f"r{place:06d}" for place in range(len(told))]
    seconds = [float(place) for place in range(len(told))]
    return pd.DataFrame({"tile_id": names, "seconds": seconds, "facts": [json.dumps(one) for one in told]})


def page(**more: Any) -> ReportPage:
    told = {
        "record": record(), "coverage": coverage(), "findings": candidates()[2:], "candidates": candidates(),
        "tiles": tiles([facts(), facts(4.0, unread=2, then="b2")]), "unobserved": unobserved(), "stakes": stakes(),
        "keys": [("name", "试运行")], "differing": [("imagery.tile_px", "512", "768")], "facts": {"run": "试运行"},
    }  # fmt: skip
    return ReportPage(**(told | more))


def tables(section: Any) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def cells(block: Table) -> list[list[str]]:
    return [[cell.zh for cell in row] for row in block.rows]


def test_alarms_stand_before_everything_else() -> None:
    alarm = {"zh": "几乎没看到。", "en": "Hardly anything seen.", "remedy_zh": "补影像。", "remedy_en": "Add images."}
    html = run_report.render(page(record=record(alarms=[alarm])))
    body = html[html.index("<main") :]
    assert body.index("几乎没看到") < body.index('<section id="seen"')
    assert "没有警示" not in body
    assert "没有警示" in run_report.render(page())


def test_takes_are_counted_by_what_tiles_say_of_them() -> None:
    told = read(record(), [facts(8.0), facts(4.0, unread=2, then="b2")])
    before, scenes, after, _ = tables(told)
    assert cells(before) == [["2024-04-28", "2", "0", "6.0", "云量 6.0"], ["2024-05-02", "0", "1", "9.0", "季节差 9.0"]]
    assert "1 个分幅另有共 2 期" in before.caption.zh
    assert cells(after)[0][:3] == ["2024-10-12", "2", "0"]
    assert [(row[0], row[5]) for row in cells(scenes)] == [("b1", "2"), ("b2", "1")]
    assert cells(scenes)[0][6] == "/data/a.tif +1"
    assert tables(read(record(), [facts()]))[1].caption.en == "before: 2 scenes, 4.0 MB, 1 of them never read"


def test_a_strip_shows_what_was_watched_and_where_nothing_was_seen() -> None:
    drawn = strips(unobserved(), stakes(gap=15), [(0, seen_look())])
    assert drawn is not None
    (row,) = drawn.rows
    assert (row["from"], row["to"]) == ("K10+000", "K12+000")
    assert row["watched"] == [(0.0, 75.0), (80.0, 20.0)]
    assert row["lost"] == [(0, 25.0, 25.0)]
    assert "K10+500～K11+000" in row["words"].zh
    several = unobserved()
    several.geometry = [shapely.MultiLineString([[(510, 0), (700, 0)], [(700, 0), (990, 0)]])]
    nothing = gpd.GeoDataFrame(unobserved().assign(geometry=[shapely.LineString()]), geometry="geometry", crs=4548)
    again = strips(gpd.GeoDataFrame(pd.concat([several, nothing]), crs=4548), stakes(gap=15), [(0, seen_look())])
    assert again is not None
    assert again.rows == drawn.rows
    whole = strips(unobserved()[:0], stakes(), [])
    assert whole is not None
    assert whole.rows[0]["words"].en == "all observed"
    assert strips(unobserved(), stakes()[:0], []) is None


def seen_look() -> Any:
    from pipeline.reports import coverage as causes_of

    return causes_of.look("cloud")


def test_failed_tiles_are_told_by_cause() -> None:
    failures = [{"tile": f"t{n}", "error": "ImageryError", "why": "no such file"} for n in range(20)]
    failures.append({"tile": "x", "error": "MemoryError", "why": "too big"})
    told = tables(seen(record(failures=failures), coverage(), unobserved(), stakes()))[-1]
    assert [row[0] for row in cells(told)] == ["20", "1"]
    assert cells(told)[0][2].endswith("…")
    assert cells(told)[0][1].endswith("（ImageryError）")
    known = [
        {
            "tile": "x",
            "error": "LuyuError",
            "why": "index.html: holds no finished run (no run.json or findings.gpkg); run `luyu run` first",
        }
    ]
    said = tables(seen(record(failures=known), coverage(), unobserved(), stakes()))[-1].rows[0][1]
    assert said.zh.startswith("index.html：其中没有")
    assert said.en.startswith("LuyuError: index.html: holds no finished run")


def test_every_reason_has_its_count_its_rule_and_its_kinds() -> None:
    told = cells(tables(why_not(record(), candidates(4)))[0])
    assert [(row[0], row[1]) for row in told] == [("区外", "4"), ("存疑", "4")]
    assert told[1][3] == "decisions.confidence"
    assert told[0][4] == "疑似建筑 4"


def test_the_slowest_tiles_come_first_and_processor_time_is_told() -> None:
    section = took(record(), tiles([facts()] * 40))
    assert cells(tables(section)[-1])[0] == ["r000039", "39.0"]
    assert len(tables(section)[-1].rows) == 10
    assert any("12.0" in getattr(block, "word", Word("", "")).en for block in section.blocks)


def test_what_no_table_has_room_for_is_counted() -> None:
    told = table(Word("表", "table"), (Word("项", "item"),), [(n,) for n in range(250)], where="findings.gpkg")
    assert (len(told.rows), told.more, told.where) == (100, 150, "findings.gpkg")


def test_nothing_of_the_data_is_markup() -> None:
    wild = deepcopy(record())
    wild["totals"]["name"] = _EVIL
    wild["notes"] = [_EVIL]
    wild["failures"] = [{"tile": _EVIL, "error": _EVIL, "why": _EVIL}]
    wild["scenes"]["before"][0] |= {"id": _EVIL, "files": [_EVIL], "sensor": _EVIL}
    wild["machine"]["system"] = wild["python"] = wild["git_commit"] = _EVIL
    wild["rules"][0]["file"] = _EVIL
    wild["detectors"][0]["name"] = _EVIL
    html = run_report.render(
        page(
            record=wild, keys=[(_EVIL, _EVIL)], differing=[(_EVIL, _EVIL, _EVIL)], facts={"run": _EVIL, "credit": _EVIL}
        )
    )
    assert "<img" not in html
    assert "{{ 7*7 }}" in html
    assert html.count("<script>") == 1


def test_the_same_run_gives_the_same_bytes() -> None:
    assert run_report.render(page()) == run_report.render(page())


def test_a_configuration_that_this_version_cannot_read_is_said_to_be() -> None:
    assert "无法比较默认值" in run_report.render(page(differing=None))


def test_a_record_of_an_earlier_version_is_shown_too() -> None:
    old = record()
    for name in ("gdal", "machine", "rules", "layers", "registration", "spent", "reads", "rankings", "alarms", "notes"):
        old.pop(name)
    for scene in (*old["scenes"]["before"], *old["scenes"]["after"]):
        scene.pop("bytes")
    assert "试运行" in run_report.render(page(record=old))


def test_a_run_of_two_thousand_tiles_weighs_less_than_a_megabyte() -> None:
    count = 2000
    many = record()
    scene = many["scenes"]["before"][0]
    for when in ("before", "after"):
        many["scenes"][when] = [
            {**scene, "id": f"{when}-{n}", "files": [f"/data/{n}/{'x' * 60}.tif"]} for n in range(count)
        ]
    many["failures"] = [{"tile": f"t{n}", "error": "ImageryError", "why": f"cannot read {n}"} for n in range(500)]
    many["layers"] = [{"file": f"/layers/{n}.shp", "bytes": 1, "sha256": "e" * 64} for n in range(300)]
    rng = np.random.default_rng(0)
    told = [facts(float(rng.uniform(0, 90)), then="b2", unread=1) for _ in range(count)]
    started = time.process_time()
    html = run_report.render(
        page(record=many, tiles=tiles(told), coverage=coverage(400), stakes=stakes(400), unobserved=unobserved(400),
             candidates=candidates(5000), keys=[(f"key.{n}", "value") for n in range(900)])
    )  # fmt: skip
    assert len(html.encode()) < 1_000_000
    assert time.process_time() - started < 10
    assert "另有 300 条" in html
