"""Real pictures with a road in them: the roads as they were digitised, and the pixels of both dates at a ground resolution.

A scene is a picture, or a pair of pictures of one place; its name is ``set/picture``. Of a pair whose road was there at
both dates there is a second scene, ``set/picture~exchanged``, in which the later picture comes first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
import xarray as xr
from detection import sets
from shapely import LineString
from shapely.geometry import shape

from pipeline.errors import ConfigError
from pipeline.prepare.register import register
from pipeline.prepare.resample import moved

ROADS = Path(__file__).parent / "roads"
# dsifn: 2 m, as published; a running track and the width of villages' lanes agree, and no car can be seen.
PIXEL_M = {**sets.PIXEL_M, "roadside_vhr": 0.5, "deepglobe": 0.5, "dsifn": 2.0}
FOLD = {"deepglobe": 0, "fotbcd": 0, "levir": 1, "roadside_vhr": 1, "dsifn": 1, "whu": 2, "egybcd": 2, "sztaki": 2}
EXCHANGED = "~exchanged"
BOTH_DATES = ("same", "concrete")  # what lay there before, where it was the same road
UPSAMPLED_FROM_M = 0.51  # pictures up to this pixel size are also shown at 0.3 m, upsampled


@dataclass(frozen=True)
class Stretch:
    """A road's axis, pixels (col, row) of the later picture; its surface, and what lay there ``before``."""

    line_px: LineString
    surface: str
    width_m: float
    before: str
    note: str

    @property
    def lasting(self) -> bool:
        """Whether the road was there at both dates."""
        return self.before in (*BOTH_DATES, "none")

    def surface_of(self, exchanged: bool) -> str:
        """What the road is made of at the later date of the scene."""
        return self.before if exchanged and self.before in ("asphalt", "concrete") else self.surface


@dataclass(frozen=True)
class Scene:
    """``dates``: 2 for a real pair, 1 for a single picture. ``shift_px``: (cols, rows) that lay the earlier on the later."""

    name: str
    origin: str
    picture: str
    exchanged: bool
    dates: int
    stretches: tuple[Stretch, ...]
    shift_px: tuple[float, float]

    @property
    def pixel_m(self) -> float:
        """Of the picture as published."""
        return PIXEL_M[self.origin]


@dataclass(frozen=True)
class Pixels:
    """RGB as published, 0..1 float32 (rows, cols, 3), at ``work_m``; ``before`` laid on ``after``, None with one date.

    ``registered``: how the earlier date was laid on the later one; what could not be measured lies as it was published.
    """

    after: np.ndarray
    before: np.ndarray | None
    work_m: float
    registered: str  # "measured", "as it lies: <why>", "" with one date
    upsampled: bool

    @property
    def paired(self) -> bool:
        """Whether the earlier date is one that a run would compare."""
        return self.before is not None and self.registered == "measured"


@cache
def all_scenes() -> dict[str, Scene]:
    """Every scene by name, in order; those whose pictures are not here too."""
    out: dict[str, Scene] = {}
    for file in sorted(ROADS.glob("*.geojson")):
        by_picture: dict[str, list[dict]] = {}
        for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
            by_picture.setdefault(feature["properties"]["picture"], []).append(feature)
        for picture, features in by_picture.items():
            for scene in _scenes_of(file.stem, picture, features):
                out[scene.name] = scene
    return out


def _scenes_of(origin: str, picture: str, features: list[dict]) -> list[Scene]:
    stretches = tuple(_stretch(feature) for feature in features)
    shift = tuple(features[0]["properties"].get("before_shift_px", (0.0, 0.0)))
    name, dates = f"{origin}/{picture}", 1 if origin == "deepglobe" else 2
    out = [Scene(name, origin, picture, False, dates, stretches, shift)]
    both = tuple(one for one in stretches if one.before in BOTH_DATES)
    if dates == 2 and both:
        out.append(Scene(name + EXCHANGED, origin, picture, True, dates, both, shift))
    return out


def _stretch(feature: dict) -> Stretch:
    told = feature["properties"]
    line = shape(feature["geometry"])
    return Stretch(line, told["surface"], float(told["width_m"]), told["before"], told["note"])


def scenes(pixel_m: float | None = None) -> list[str]:
    """Names of all scenes whose pictures are here; with ``pixel_m`` those that can be shown at that resolution."""
    here = [one for one in all_scenes().values() if _files(one)[-1].is_file()]
    return [one.name for one in here if pixel_m is None or can_show(one, pixel_m)]


def can_show(scene: Scene, pixel_m: float) -> bool:
    """Whether a picture is fine enough; pictures of 0.5 m are upsampled to 0.3 m, none is upsampled more."""
    return scene.pixel_m <= pixel_m * 1.01 or (pixel_m >= 0.29 and scene.pixel_m <= UPSAMPLED_FROM_M)


def scene_of(name: str) -> Scene:
    """A scene by name; ConfigError names those that exist."""
    if name not in all_scenes():
        raise ConfigError(f"no scene {name!r}; known: {', '.join(all_scenes())}")
    return all_scenes()[name]


def fold_of(name: str) -> int:
    """The fold, 0 to 2, with which a scene is left out: whole origins together (roadside_vhr is of levir's origin)."""
    return FOLD[scene_of(name).origin]


def _files(scene: Scene) -> tuple[Path, ...]:
    """The earlier and the later picture, or the only one."""
    if scene.origin == "deepglobe":
        return (sets.REAL / "roads_deepglobe" / "train" / f"{scene.picture}_sat.jpg",)
    if scene.origin == "roadside_vhr":
        folder = sets.REAL / scene.origin / "imagery"
        return folder / "2012-05-05.tif", folder / "2017-10-20.tif"
    folder = sets.REAL / "building_pairs" / scene.origin
    suffix = ".tif" if scene.origin in ("fotbcd", "whu") else ".png"
    return folder / "A" / (scene.picture + suffix), folder / "B" / (scene.picture + suffix)


@lru_cache(maxsize=4)
def pixels(name: str, pixel_m: float) -> Pixels:
    """Both dates of a scene at the resolution that is painted on: ``pixel_m``, or finer by up to 3 where the picture is."""
    scene = scene_of(name)
    work_m = pixel_m if pixel_m <= scene.pixel_m else max(scene.pixel_m, pixel_m / 3)
    work_m = pixel_m / max(1, int(pixel_m / work_m + 1e-6))  # a whole number of them makes a pixel of the view
    images = [sets.resampled(sets.read(file), scene.pixel_m / work_m) for file in _files(scene)]
    images = [image.astype(np.float32) / 255 for image in images]
    upsampled = pixel_m < scene.pixel_m * 0.99
    if len(images) == 1:
        return Pixels(images[0], None, work_m, "", upsampled)
    before, told = _laid(images[0], images[1], scene, work_m)
    before, after = (images[1], before) if scene.exchanged else (before, images[1])
    return Pixels(after, before, work_m, told, upsampled)


def _laid(before: np.ndarray, after: np.ndarray, scene: Scene, work_m: float) -> tuple[np.ndarray, str]:
    """The earlier picture laid on the later one, as a run does, from where it was seen to lie by eye."""
    cols, rows = (value * scene.pixel_m / work_m for value in scene.shift_px)
    if cols or rows:
        at = np.array([[1, 0, cols], [0, 1, rows]], np.float32)
        before = cv2.warpAffine(before, at, before.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    found = register(_dataset(before), _dataset(after), work_m)
    if found.refused:
        return before, f"as it lies: {found.reason}"
    layers = [moved(np.ascontiguousarray(before[..., band]), found.shift_px) for band in range(3)]
    laid = np.stack(layers, axis=-1)
    return np.where(np.isfinite(laid), laid, before), "measured"


def _dataset(rgb: np.ndarray) -> xr.Dataset:
    return xr.Dataset({n: (("y", "x"), rgb[..., k]) for k, n in enumerate(("red", "green", "blue"))})
