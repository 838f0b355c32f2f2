"""The QGIS project of a package: forms, words, relation and symbols, so that QField opens ready to be filled in.

Written as QGIS 3 writes it (tried with 3.22), with what it does not need left out; paths are relative to the project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from pyproj import CRS

from .gpkg import CASE_COLUMNS, CASES, LAYER_TITLES, PHOTO_COLUMNS, PHOTOS
from .rows import CODES, FILLED_IN, KEPT, LONLAT, TOLD, Column
from .verdict import VERDICTS

NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"  # how QGIS writes "no value" into a list of values
IDS = {CASES: "cases_layer", PHOTOS: "photos_layer"}
RELATION = "case_photos"
_MARGIN_DEG = 0.005  # about 500 m round the cases
_COLOURS = {
    "": "213,94,0",
    "confirm": "204,121,167",
    "dismiss": "138,143,148",
    "rectified": "0,158,115",
    "cannot_tell": "230,159,0",
}
_NOT_CHECKED = "未核查"
_IMAGE = 1  # DocumentViewer of the widget
_SOFT = "2"  # strength of a constraint that warns
_FILLED = {column.name for column in FILLED_IN}
# What is asked is written when the feature is saved; the day is set once and may be corrected.
_DEFAULTS = {
    "checked_on": "if(\"verdict\" IS NULL, NULL, coalesce(\"checked_on\", to_date(now())))",
    "taken_at": "exif(@project_folder || '/' || \"photo\", 'Exif.Photo.DateTimeOriginal')",
    "lon": "x(exif_geotag(@project_folder || '/' || \"photo\"))",
    "lat": "y(exif_geotag(@project_folder || '/' || \"photo\"))",
    "azimuth_deg": "exif(@project_folder || '/' || \"photo\", 'Exif.GPSInfo.GPSImgDirection')",
}  # fmt: skip
_CONSTRAINTS = {
    "reason": ('"verdict" IS NULL OR "verdict" <> \'dismiss\' OR "reason" IS NOT NULL', "不属实的必须选原因"),
    "checked_by": ('"verdict" IS NULL OR "checked_by" IS NOT NULL', "填写核查人"),
}
_PHOTO_NAME = (
    "'photos/' || coalesce(\"case_no\", '') || '_' || format_date(now(), 'yyyyMMddHHmmsszzz') || '.{extension}'"
)


def project(title: str, bounds: tuple[float, float, float, float]) -> str:
    """Text of ``cases.qgs`` for the layers of ``cases.gpkg`` beside it; ``bounds``: west, south, east, north, degrees."""
    root = ET.Element("qgis", version="3.22.0", projectname=title)
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "projectCrs").append(_crs())
    tree = ET.SubElement(root, "layer-tree-group")
    for name in (CASES, PHOTOS):
        ET.SubElement(
            tree, "layer-tree-layer", id=IDS[name], name=LAYER_TITLES[name], providerKey="ogr", source=_source(name),
            checked="Qt::Checked", expanded="1",
        )  # fmt: skip
    relation = ET.SubElement(
        ET.SubElement(root, "relations"), "relation", id=RELATION, name=LAYER_TITLES[PHOTOS],
        referencingLayer=IDS[PHOTOS], referencedLayer=IDS[CASES], strength="Composition",
    )  # fmt: skip
    ET.SubElement(relation, "fieldRef", referencingField="case_no", referencedField="case_no")
    _canvas(root, bounds)
    layers = ET.SubElement(root, "projectlayers")
    _layer(layers, CASES, CASE_COLUMNS)
    _layer(layers, PHOTOS, PHOTO_COLUMNS)
    order = ET.SubElement(root, "layerorder")
    ET.SubElement(order, "layer", id=IDS[CASES])
    properties = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    folders = ET.SubElement(ET.SubElement(properties, "qfieldsync"), "attachmentDirs", type="QStringList")
    ET.SubElement(folders, "value").text = "photos"
    ET.indent(root, " ")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{ET.tostring(root, encoding='unicode')}\n"


def _source(name: str) -> str:
    return f"./cases.gpkg|layername={name}"


def _crs() -> ET.Element:
    crs = CRS.from_epsg(LONLAT)
    system = ET.Element("spatialrefsys")
    for name, text in (
        ("wkt", crs.to_wkt()),
        ("srid", str(LONLAT)),
        ("authid", f"EPSG:{LONLAT}"),
        ("description", crs.name),
        ("projectionacronym", "longlat"),
        ("geographicflag", "true"),
    ):
        ET.SubElement(system, name).text = text
    return system


def _canvas(root: ET.Element, bounds: tuple[float, float, float, float]) -> None:
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas")
    ET.SubElement(canvas, "units").text = "degrees"
    extent = ET.SubElement(canvas, "extent")
    for name, value, margin in zip(("xmin", "ymin", "xmax", "ymax"), bounds, (-1, -1, 1, 1), strict=True):
        ET.SubElement(extent, name).text = f"{value + margin * _MARGIN_DEG:.6f}"
    ET.SubElement(canvas, "destinationsrs").append(_crs())


def _layer(layers: ET.Element, name: str, columns: Sequence[Column]) -> None:
    shape, wkb, labels = ("Polygon", "MultiPolygon", "1") if name == CASES else ("No geometry", "NoGeometry", "0")
    layer = ET.SubElement(
        layers, "maplayer", type="vector", geometry=shape, wkbType=wkb, labelsEnabled=labels,
        styleCategories="AllStyleCategories",
    )  # fmt: skip
    ET.SubElement(layer, "id").text = IDS[name]
    ET.SubElement(layer, "datasource").text = _source(name)
    ET.SubElement(layer, "layername").text = LAYER_TITLES[name]
    if name == CASES:
        ET.SubElement(layer, "srs").append(_crs())
    ET.SubElement(layer, "provider", encoding="UTF-8").text = "ogr"
    flags = ET.SubElement(layer, "flags")
    for flag, value in (("Identifiable", "1"), ("Removable", "0"), ("Searchable", "1")):
        ET.SubElement(flags, flag).text = value
    naming = json.dumps({"photo": _PHOTO_NAME})
    ET.SubElement(layer, "customproperties").append(
        _map(
            {"QFieldSync/action": "offline", "QFieldSync/attachment_naming": naming, "QFieldSync/photo_naming": naming}
        )
    )
    _fields(layer, columns, all_open=name == PHOTOS)
    if name == CASES:
        _symbols(layer)
        _labels(layer)
    _form(layer, name)
    ET.SubElement(layer, "previewExpression").text = (
        "coalesce(\"stake\", '') || ' ' || coalesce(\"kind\", '') || ' ' || \"case_no\"" if name == CASES else '"photo"'
    )


def _fields(layer: ET.Element, columns: Sequence[Column], *, all_open: bool) -> None:
    """Widgets, titles, defaults, constraints and what may be edited, each in a list of its own as QGIS wants it."""
    widgets, aliases = ET.SubElement(layer, "fieldConfiguration"), ET.SubElement(layer, "aliases")
    defaults, editable = ET.SubElement(layer, "defaults"), ET.SubElement(layer, "editable")
    strengths, rules = ET.SubElement(layer, "constraints"), ET.SubElement(layer, "constraintExpressions")
    for number, column in enumerate(columns, start=1):  # 0 is fid
        name = column.name
        widget = ET.SubElement(ET.SubElement(widgets, "field", name=name), "editWidget", type=_widget(column))
        ET.SubElement(widget, "config").append(_config(column))
        ET.SubElement(aliases, "alias", field=name, index=str(number), name=column.zh)
        is_open = (all_open and name != "case_no") or name in _FILLED
        ET.SubElement(editable, "field", name=name, editable="1" if is_open else "0")
        if is_open and name in _DEFAULTS:
            ET.SubElement(defaults, "default", field=name, expression=_DEFAULTS[name], applyOnUpdate="1")
        if is_open and name in _CONSTRAINTS:
            rule, told = _CONSTRAINTS[name]
            ET.SubElement(
                strengths,
                "constraint",
                field=name,
                constraints="4",
                exp_strength=_SOFT,
                notnull_strength="0",
                unique_strength="0",
            )
            ET.SubElement(rules, "constraint", field=name, exp=rule, desc=told)


def _widget(column: Column) -> str:
    if column.name in CODES:
        return "ValueMap"
    if column.name == "photo":
        return "ExternalResource"
    if column in KEPT:
        return "Hidden"
    return {"DATE": "DateTime", "DATETIME": "DateTime"}.get(column.type, "TextEdit")


def _config(column: Column) -> ET.Element:
    if column.name in CODES:
        words = {"": NULL} | {zh: code for code, zh in CODES[column.name].items()}
        options = ET.Element("Option", type="Map")
        listed = ET.SubElement(options, "Option", name="map", type="List")
        listed.extend(_map({label: code}) for label, code in words.items())
        return options
    if column.name == "photo":
        return _map(
            {
                "DocumentViewer": _IMAGE, "DocumentViewerHeight": 0, "DocumentViewerWidth": 0, "FileWidget": True,
                "FileWidgetButton": True, "FileWidgetFilter": "", "RelativeStorage": 1, "StorageMode": 0,
            }
        )  # fmt: skip
    if column.type in ("DATE", "DATETIME"):
        shown = "yyyy-MM-dd" if column.type == "DATE" else "yyyy-MM-dd HH:mm:ss"
        return _map(
            {
                "allow_null": True,
                "calendar_popup": True,
                "display_format": shown,
                "field_format": shown,
                "field_iso_format": False,
            }
        )
    return _map({"IsMultiline": column.name in ("note", "why", "law", "next_step"), "UseHtml": False})


def _map(values: Mapping[str, object]) -> ET.Element:
    """Values as QGIS writes a map of them."""
    options = ET.Element("Option", type="Map")
    for name, value in values.items():
        kind = {bool: "bool", int: "int"}.get(type(value), "QString")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        ET.SubElement(options, "Option", name=name, type=kind, value=text)
    return options


def _form(layer: ET.Element, name: str) -> None:
    ET.SubElement(layer, "editorlayout").text = "tablayout"
    form = ET.SubElement(layer, "attributeEditorForm")
    if name == PHOTOS:
        _tab(form, "照片", PHOTO_COLUMNS, PHOTO_COLUMNS)
        return
    own_photo = ("photo", "azimuth_deg")
    _tab(form, "核查", [c for c in FILLED_IN if c.name not in own_photo], CASE_COLUMNS)
    photos = _tab(form, "照片", [c for c in FILLED_IN if c.name in own_photo], CASE_COLUMNS)
    shown = ET.SubElement(
        photos, "attributeEditorRelation", name=RELATION, relation=RELATION, relationWidgetTypeId="relation_editor",
        nmRelationId="", forceSuppressFormPopup="0", showLabel="0", label="",
    )  # fmt: skip
    shown.append(_map({"buttons": "AllButtons", "show_first_feature": True}))
    shown[-1].tag = "editor_configuration"
    _tab(form, "案件", TOLD, CASE_COLUMNS)


def _tab(form: ET.Element, title: str, columns: Sequence[Column], all_columns: Sequence[Column]) -> ET.Element:
    tab = ET.SubElement(
        form, "attributeEditorContainer", name=title, type="Tab", groupBox="0", showLabel="1", columnCount="1",
        visibilityExpressionEnabled="0", visibilityExpression="",
    )  # fmt: skip
    for column in columns:
        ET.SubElement(
            tab, "attributeEditorField", name=column.name, index=str(all_columns.index(column) + 1), showLabel="1"
        )
    return tab


def _symbols(layer: ET.Element) -> None:
    """A colour for each verdict, and a dot at the middle that stays in sight from afar; colours as in other documents."""
    look = ET.SubElement(
        layer, "renderer-v2", type="categorizedSymbol", attr="coalesce(\"verdict\", '')", enableorderby="0"
    )
    categories, symbols = ET.SubElement(look, "categories"), ET.SubElement(look, "symbols")
    for number, (code, label) in enumerate({"": _NOT_CHECKED, **VERDICTS}.items()):
        ET.SubElement(categories, "category", value=code, type="string", label=label, symbol=str(number), render="true")
        symbol = ET.SubElement(symbols, "symbol", name=str(number), type="fill", alpha="1", clip_to_extent="1")
        line = {
            "color": f"{_COLOURS[code]},60",
            "style": "solid",
            "outline_color": f"{_COLOURS[code]},255",
            "outline_width": "0.6",
        }
        ET.SubElement(symbol, "layer", {"class": "SimpleFill"}, enabled="1", locked="0").append(_map(line))
        middle = ET.SubElement(symbol, "layer", {"class": "CentroidFill"}, enabled="1", locked="0")
        middle.append(_map({"point_on_surface": "1"}))
        dot = ET.SubElement(middle, "symbol", name=f"@{number}@1", type="marker", alpha="1", clip_to_extent="1")
        mark = {
            "name": "circle",
            "color": f"{_COLOURS[code]},255",
            "outline_color": "255,255,255,255",
            "size": "3",
            "size_unit": "MM",
        }
        ET.SubElement(dot, "layer", {"class": "SimpleMarker"}, enabled="1", locked="0").append(_map(mark))


def _labels(layer: ET.Element) -> None:
    labeling = ET.SubElement(layer, "labeling", type="simple")
    settings = ET.SubElement(labeling, "settings")
    words = ET.SubElement(
        settings, "text-style", fieldName="coalesce(\"stake\", '')", isExpression="1", fontSize="9", fontSizeUnit="Point",
        textColor="40,40,40,255",
    )  # fmt: skip
    ET.SubElement(
        words, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM", bufferColor="255,255,255,255"
    )
    ET.SubElement(settings, "placement", placement="0", dist="3")  # beside the dot
