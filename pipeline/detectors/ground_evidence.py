"""What speaks for and against one changed place being works or a heap: numbers relative to its window.

They stand in each finding's ``evidence``, and its confidence is computed from nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import geopandas as gpd
import numpy as np
import shapely

from .footprint import drawn_like_a_building
from .ground_change import Ground
from .ground_parts import Places

#: Names of all pieces of evidence.
MEASURED = (
    "green", "greener", "lighter", "light", "warm", "palest", "pale_light", "change", "likeness", "rough",
    "rough_before", "contrast", "contrast_before", "gained", "apart", "above", "yellower", "edge", "edge_before", "canopy",
    "dark", "rows", "pavement", "land", "control", "size", "touches_m", "into_road", "past", "open_m", "open", "elsewhere",
    "lee", "lee_far", "shade", "width_m", "length_m", "wide", "long", "slim", "along", "rectangle", "solidity", "straight",
)  # fmt: skip
_RING_M = 3.0  # how far from the outline the surroundings are compared
_AROUND_M = 12.0  # what is cut out round a place to measure it
_ALIKE = 0.12  # Lab / 100 between two pieces of ground of one kind
_CONTACT_M = 1.2  # nearer than this two things touch
_HEAP_M, _ROOF_M = 1.5, (2.5, 4.5)  # heights of a heap, of the lowest and the usual roof
_DIRECTIONS_DEG = range(0, 360, 45)
_LEAFY, _CANOPY_LIGHT = 0.9, 0.35  # greenness and lightness of crowns
_LONG_M = 60.0  # beyond this, length says nothing more for works
_PALEST = 0.4  # share of a place
_DIMMED = 0.75  # lightness that a shadow leaves at most
_STEEP_DEG = (20.0, 75.0)  # sun elevations within which shadows are looked for


def cut(box: tuple[slice, slice], ground: Ground) -> tuple[slice, slice]:
    """Rows and columns of a place's box and of all that its evidence looks at."""
    margin = round(_AROUND_M / ground.grid.pixel_m)
    return (
        slice(max(box[0].start - margin, 0), min(box[0].stop + margin, ground.grid.rows)),
        slice(max(box[1].start - margin, 0), min(box[1].stop + margin, ground.grid.cols)),
    )


def evidence(
    inside: np.ndarray,
    window: tuple[slice, slice],
    shape: shapely.Polygon,
    ground: Ground,
    places: Places,
    roads: gpd.GeoDataFrame,
) -> dict[str, float]:
    """Evidence of one place: its pixels ``inside`` (bool) in its ``window`` of ``ground``, its outline ``shape``.

    ``green``, ``rough``, ``light``, ``warm``: what it looks like now, the last two against the pavement; ``pale_light``,
    ``palest``: these two of its least warm part. ``greener``, ``lighter``, ``change``: how it changed less the usual;
    ``likeness``: correlation of both dates. ``contrast``: colour step to the surroundings (Lab / 100),
    ``contrast_before`` the same before, ``gained``: the difference of both; ``apart``: colour step to the fields around,
    ``above``, ``yellower``: its lightness and its yellow. ``edge``, ``edge_before``: strength of edges along the outline.
    ``canopy``: dark leaves that stood there. ``lee``: how much more it darkened within a heap's shadow than on the sunny
    side; ``lee_far``: the same where only the shadow of a roof falls; ``shade``: share in shadow up to there;
    ``dark``: share of itself in shadow. ``rows``: one direction of its texture.
    ``size``: ln(m2 / 100); ``width_m``, ``length_m``; ``wide``: ln(m); ``long``: ln(m / 10) up to 60 m;
    ``slim``: width by length; ``along``: 1 along the road, 0 across it. ``pavement``, ``land``, ``control``: shares.
    ``touches_m``: metres of outline at the pavement; ``into_road``: share of them where the pavement changed as well.
    ``past``: how far it goes on in the control zone in its own colour, by its size.
    ``open_m``: metres over which the change goes on beyond the control zone; ``open``: by its own size;
    ``elsewhere``: share of the land beyond the zone that changed likewise.
    """
    p = {name: getattr(ground, name)[window] for name in ("pavement", "land", "control", "seen")}
    pixel_m = ground.grid.pixel_m
    far = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3) * pixel_m
    # Beside the pavement anything has a contrast to it; what lies on it is compared with it alone.
    ring = (far > pixel_m) & (far <= _RING_M) & p["seen"] & (p["pavement"] == (p["pavement"][inside].mean() > 0.5))
    out = _look(inside, ring, window, ground)
    out |= {name: p[name][inside].mean() for name in ("pavement", "land", "control")}
    out |= _surroundings(inside, (far <= _CONTACT_M) & ~inside, window, ground, places)
    out |= _shadows(inside, p["seen"], window, ground)
    out |= _lie(shape, inside, pixel_m, roads)
    drawn = drawn_like_a_building(shape)
    out |= {name: drawn[name] for name in ("rectangle", "solidity", "straight")}
    return {name: float(value) for name, value in out.items()}


def _look(inside: np.ndarray, ring: np.ndarray, window: tuple[slice, slice], ground: Ground) -> dict[str, float]:
    """Colours, texture and edges, by themselves and against the surroundings, now and before."""
    after, before = ground.pair.after, ground.pair.before
    rim = inside & (cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    now, then = (_contrast(epoch.lab[window], inside, ring) for epoch in (after, before))
    leaves = (before.green[window] > _LEAFY) & (before.light[window] < _CANOPY_LIGHT)
    return {
        "green": after.green[window][inside].mean(),
        "greener": ground.greener[window][inside].mean(),
        "lighter": ground.step[window][..., 0][inside].mean(),
        "light": ground.light[window][inside].mean(),
        "warm": ground.warm[window][inside].mean(),
        **_palest(ground.light[window][inside], ground.warm[window][inside]),
        "change": ground.change[window][inside].mean(),
        "likeness": ground.pair.likeness[window][inside].mean(),
        "rough": after.rough[window][inside].mean(),
        "rough_before": before.rough[window][inside].mean(),
        "contrast": now,
        "contrast_before": then,
        "gained": now - then,
        "apart": ground.apart[window][inside].mean(),
        "above": ground.from_fields[window][..., 0][inside].mean(),
        "yellower": ground.from_fields[window][..., 2][inside].mean(),
        "edge": _edges(after.edge[window], rim),
        "edge_before": _edges(before.edge[window], rim),
        "canopy": leaves[inside].mean(),
        "dark": after.shadow[window][inside].mean(),
        "rows": _rows(after.light[window], inside),
    }


def _surroundings(
    inside: np.ndarray, beside: np.ndarray, window: tuple[slice, slice], ground: Ground, places: Places
) -> dict[str, float]:
    """Size, and how it meets the pavement, the control zone and the fields; ``beside``: what it touches (bool)."""
    pixel_m, lab = ground.grid.pixel_m, ground.pair.after.lab[window]
    area_m2 = float(inside.sum()) * pixel_m**2
    at_road = ground.pavement[window] & beside
    goes_on_m = float((places.goes_on[window] & inside).sum()) * pixel_m
    return {
        "size": math.log(area_m2 / 100),
        "touches_m": _length_m(at_road, pixel_m),
        "into_road": float(places.mask[window][at_road].mean()) if at_road.any() else 0.0,
        "past": _past(ground.control[window] & places.mask[window] & beside, lab, inside, pixel_m),
        "open_m": goes_on_m,
        "open": goes_on_m / math.sqrt(max(area_m2, 1.0)),
        "elsewhere": _elsewhere(places, lab[inside].mean(axis=0)),
    }


def _palest(light: np.ndarray, warm: np.ndarray) -> dict[str, float]:
    """``palest``, ``pale_light``: warmth and lightness of the least warm part: a slab may lie in bare ground."""
    part = warm <= np.quantile(warm, _PALEST)
    return {"palest": warm[part].mean(), "pale_light": light[part].mean()}


def _contrast(lab: np.ndarray, inside: np.ndarray, ring: np.ndarray) -> float:
    return float(np.linalg.norm(lab[inside].mean(axis=0) - lab[ring].mean(axis=0))) if ring.any() else 0.0


def _edges(edge: np.ndarray, rim: np.ndarray) -> float:
    """Mean strength along the outline, at its best within a pixel."""
    return float(cv2.dilate(np.minimum(edge, 8).astype(np.float32), np.ones((3, 3), np.uint8))[rim].mean())


def _past(beside: np.ndarray, lab: np.ndarray, inside: np.ndarray, pixel_m: float) -> float:
    """Length over which ground of the place's own colour goes on ``beside`` it, by its size."""
    alike = np.linalg.norm(lab[beside] - lab[inside].mean(axis=0), axis=1) < _ALIKE
    return float(alike.sum()) * pixel_m**2 / _CONTACT_M / math.sqrt(max(float(inside.sum()), 1.0)) / pixel_m


def _length_m(strip: np.ndarray, pixel_m: float) -> float:
    """Length of a strip of ``_CONTACT_M`` width, from its area."""
    return float(strip.sum()) * pixel_m**2 / _CONTACT_M


def _rows(light: np.ndarray, inside: np.ndarray) -> float:
    """Coherence of the texture's direction over the whole place, 0..1 (structure tensor): drill rows, ruts."""
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if core.sum() < 30:
        return 0.0
    d_col = cv2.Scharr(light, cv2.CV_32F, 1, 0)[core]
    d_row = cv2.Scharr(light, cv2.CV_32F, 0, 1)[core]
    xx, yy, xy = (float(v.mean()) for v in (d_col * d_col, d_row * d_row, d_col * d_row))
    return math.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-12)


def _elsewhere(places: Places, colour: np.ndarray) -> float:
    """Share of the land beyond the control zone that changed and now has this colour."""
    gap = places.far_lab - colour
    return float((np.einsum("ij,ij->i", gap, gap) < _ALIKE**2).sum()) / max(places.far, 1)


def _shadows(inside: np.ndarray, seen: np.ndarray, window: tuple[slice, slice], ground: Ground) -> dict[str, float]:
    """``lee``, ``lee_far``: how much more it darkened away from the sun than towards it; ``shade``: what is shaded.

    Told from the change of both sides, so that a dark verge beside a pale pavement casts nothing. Without the sun's
    place the darkest direction counts, by half: something is always darkest.
    """
    per_m, directions, sure = _sun(ground)
    new, old = ground.pair.after, ground.pair.before
    darker = old.light[window] - new.light[window]
    # Green fields in shadow look too green for one, and where trees threw theirs nothing darkens any more.
    shaded = (new.shadow[window] | (new.light[window] < _DIMMED * old.light[window])).astype(np.float32)
    sides = {
        "lee": (darker, (0.4, 0.8 + _HEAP_M * per_m)),
        "lee_far": (darker, (_ROOF_M[0] * per_m, _ROOF_M[1] * per_m)),
        "shade": (shaded, (0.5, _ROOF_M[1] * per_m)),
    }
    out = {}
    for name, (image, reach_m) in sides.items():
        found = [0.0] if ground.sun_azimuth_deg is None else []
        for azimuth in directions:
            away, towards = (
                _beside(inside, azimuth + turn, reach_m, ground.grid.pixel_m) & seen for turn in (180.0, 0.0)
            )
            if away.any() and towards.any():
                # Of shade the sunny side says nothing: trees may darken it.
                found.append(float(image[away].mean() - (name != "shade") * image[towards].mean()))
        out[name] = sure * max(found, default=0.0)
    return out


def _sun(ground: Ground) -> tuple[float, list[float], float]:
    """Length of a shadow per metre of height, azimuths that the sun may have, and how far they can be trusted."""
    elevation = np.clip(ground.sun_elevation_deg or 45.0, *_STEEP_DEG)
    per_m = 1 / math.tan(math.radians(elevation))
    if ground.sun_azimuth_deg is None:
        return per_m, [float(d) for d in _DIRECTIONS_DEG], 0.5
    return per_m, [float(ground.sun_azimuth_deg)], 1.0


def _beside(inside: np.ndarray, azimuth_deg: float, reach_m: tuple[float, float], pixel_m: float) -> np.ndarray:
    """What the place covers when moved ``reach_m`` (from, to) towards an azimuth, itself left out, bool."""
    east, north = math.sin(math.radians(azimuth_deg)), math.cos(math.radians(azimuth_deg))
    swept = np.zeros(inside.shape, np.uint8)
    start, stop = (value / pixel_m for value in reach_m)
    for step in np.linspace(start, stop, max(round(stop - start), 1) + 1):
        move = np.array([[1, 0, step * east], [0, 1, -step * north]], np.float32)
        moved = cv2.warpAffine(inside.astype(np.uint8), move, inside.shape[::-1], flags=cv2.INTER_NEAREST)
        swept = np.maximum(swept, moved)
    return (swept > 0) & ~inside


def _lie(shape: shapely.Polygon, inside: np.ndarray, pixel_m: float, roads: gpd.GeoDataFrame) -> Mapping[str, float]:
    """Width and length, m, and how it lies to the nearest road."""
    corners = np.asarray(shapely.minimum_rotated_rectangle(shape).exterior.coords)[:3]
    sides = np.diff(corners, axis=0)
    lengths = np.hypot(*sides.T)
    long = sides[int(lengths.argmax())]
    padded = np.pad(inside.astype(np.uint8), 1)
    width_m = 2 * float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max()) * pixel_m
    length_m = max(float(lengths.max()), width_m)
    return {
        "width_m": width_m,
        "wide": math.log(width_m),
        "long": math.log(min(length_m, _LONG_M) / 10),
        "length_m": length_m,
        "slim": width_m / length_m,
        "along": _along(shape, long, roads),
    }


def _along(shape: shapely.Polygon, long: np.ndarray, roads: gpd.GeoDataFrame) -> float:
    """Cosine of the angle between a direction and the nearest road, 0..1; 0.5 where there is no road."""
    lines = shapely.get_parts(roads.geometry.to_numpy())
    if not len(lines) or not np.any(long):
        return 0.5
    middle = shape.centroid
    line = lines[int(np.argmin(shapely.distance(lines, middle)))]
    at = line.project(middle)
    a, b = (line.interpolate(min(max(at + d, 0.0), line.length)) for d in (-5.0, 5.0))
    forward = np.array([b.x - a.x, b.y - a.y])
    return float(abs(forward @ long) / max(np.hypot(*forward) * np.hypot(*long), 1e-9))
