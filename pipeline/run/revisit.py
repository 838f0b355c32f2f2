"""A case that no finding took: its ground looked at in the newest image, and compared with its own kept pictures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyproj
import xarray as xr
from shapely.geometry.base import BaseGeometry

from ..config.imagery_options import ImageryOptions
from ..detectors.building import COARSEST_M
from ..imagery.raster import burn
from ..imagery.stack import composite, load
from ..ledger import CasePicture
from ..model.grid import Grid
from ..model.kinds import BUILDING
from ..model.scene import Scene
from ..net.hrefs import scrubbed
from ..networks.network import Network
from ..networks.shipped import building_network
from ..prepare.pair import Pair, Priors, prepare_pair
from ..prepare.presence import Answer, PresenceOptions, likeness
from ..prepare.resample import moved
from ..reports.chips import Stretch
from .case_pictures import STRETCH, Kept, kept_picture, reopened
from .chips import same_day
from .compared import BANDS, Compared, compared

PRESENT, GONE, UNOBSERVABLE = "present", "gone", "unobservable"
CLOUD, NOT_COVERED, FAILED, UNREGISTERED, TOO_COARSE, CANNOT_TELL = (
    "cloud", "not_covered", "failed", "unregistered", "too_coarse", "cannot_tell",
)  # fmt: skip
_BLUR = 0.5  # of a larger pixel: standard deviation of what smaller ones are averaged by
_WHY = {"cloud": CLOUD, "no_image": NOT_COVERED, "shift": UNREGISTERED}  # of the reasons of a pair


@dataclass(frozen=True)
class RevisitJob:
    """All that one case needs: its ground, pictures in which the thing stood and of before, the run's scenes.

    ``since``: day of the last word on it; only later images say anything new. ``scenes``: ids of the newest scenes over it,
    before and after. ``network``: file of a network of one's own. ``word``: what is known without a look (gone); only its
    picture is wanted.
    """

    case_no: str
    kind: str
    footprint: BaseGeometry
    grid: Grid
    pictures: tuple[CasePicture, ...]
    since: dt.date
    scenes: tuple[str | None, str]
    day: dt.date
    before: tuple[Scene, ...]
    after: tuple[Scene, ...]
    bands: tuple[str, ...]
    within: BaseGeometry
    imagery: ImageryOptions
    priors: Priors
    options: PresenceOptions
    network: Path | None = None
    word: Revisit | None = None

    def unobservable(self, reason: str, **detail: Any) -> Revisit:
        """Nothing can be said, by the newest scenes over it."""
        return Revisit(self.case_no, UNOBSERVABLE, *self.scenes, self.day, {"reason": reason, **detail})


@dataclass(frozen=True)
class Revisit:
    """What a pair of images says of a case, and the pictures that prove it is gone."""

    case_no: str
    answer: str
    scene_before: str | None
    scene_after: str | None
    day: dt.date
    detail: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[CasePicture, ...] = ()

    @property
    def reason(self) -> str:
        """Why nothing can be said; empty otherwise."""
        return str(self.detail.get("reason", "")) if self.answer == UNOBSERVABLE else ""


def revisited(job: RevisitJob) -> Revisit:
    """What the newest image says; a failure becomes a value here."""
    try:
        return _revisited(job) if job.word is None else _proved(job, job.word)
    except Exception as error:  # noqa: BLE001  one case whose image cannot be read must not stop a county
        return job.unobservable(FAILED, why=scrubbed(str(error)), error=type(error).__name__)


def _revisited(job: RevisitJob) -> Revisit:
    inside = burn([job.footprint], job.grid)
    if inside.sum() < job.options.min_px:
        return job.unobservable(TOO_COARSE)
    pair = prepare_pair(
        job.before, job.after, job.grid, job.bands, reader=job.imagery.reader(), options=job.imagery.pair,
        within=job.within, priors=job.priors,
    )  # fmt: skip
    now = _image(pair.after)
    share = float(np.isfinite(now).all(axis=0)[inside].mean())
    if share < job.options.min_seen:
        return job.unobservable(_why_unseen(pair, inside & ~np.isfinite(now).all(axis=0)), seen=round(share, 3))
    after = pair.scene_at("after", inside)
    if after is None or after.day <= job.since:  # the newer ones do not show it
        return job.unobservable(CLOUD)
    before = pair.scene_at("before", inside) if _laid(pair) else None
    return _Look(job, inside, pair, now, before, after).word()


def _proved(job: RevisitJob, word: Revisit) -> Revisit:
    """A word that the thing is gone, with the picture that shows it."""
    scenes = same_day(job.after, str(word.scene_after))
    image = composite(load(scenes, job.grid, BANDS, reader=job.imagery.reader(), within=job.within))[0]
    cut, day = np.moveaxis(_image(image), 0, -1), word.day.isoformat()
    proof = {"before": job.pictures[0].scene_id if job.pictures else None, "after": word.scene_after}
    told = replace(word, detail={**word.detail, "proof": proof})
    if not np.isfinite(cut).any():
        return told
    stretch = Stretch.of((cut,), STRETCH)
    shown = kept_picture(job.case_no, "after", str(word.scene_after), day, cut, stretch, job.grid, stands=False)
    return replace(told, pictures=(shown,))


def _why_unseen(pair: Pair, unseen: np.ndarray) -> str:
    counts = {name: int((pair.reasons[name] & unseen).sum()) for name in _WHY}
    return _WHY[max(counts, key=lambda name: counts[name])]


def _laid(pair: Pair) -> bool:
    """Whether the earlier image was measured to lie on the later one."""
    registration = pair.registration
    return registration is not None and registration.reliable and not registration.refused


def _image(image: xr.Dataset) -> np.ndarray:
    return np.stack([image[name].to_numpy() for name in BANDS])


@dataclass(frozen=True)
class _Look:
    """The new image beside all pictures of the thing; ``before``: scene of the run's own earlier image, if it lies on it."""

    job: RevisitJob
    inside: np.ndarray
    pair: Pair
    now: np.ndarray
    before: Scene | None
    after: Scene

    def word(self) -> Revisit:
        """Present by any picture; gone only by all that can be compared."""
        found: list[tuple[Kept, Compared]] = []
        proof: Compared | None = None
        for kept in self._standing:
            stood = onto(kept, self.job.grid)
            one, proof_now = self._by(stood)
            found.append((kept, one))
            proof = proof_now or proof
            if one.answer is Answer.PRESENT:
                return self._says(PRESENT, one)
            if proof_now is not None and proof_now.answer is Answer.PRESENT:
                return self._says(PRESENT, proof_now)
        comparable = [(kept, one) for kept, one in found if one.answer is not Answer.UNREGISTERED]
        if found and not comparable:
            return self._unsaid(UNREGISTERED)
        told = [one.answer for _, one in comparable] + ([proof.answer] if proof is not None else [])
        if not told or set(told) != {Answer.GONE}:
            return self._unsaid(CANNOT_TELL, **(comparable[0][1].told() if comparable else {}))
        return self._gone(*comparable[0], proof)

    def _by(self, stood: np.ndarray) -> tuple[Compared, Compared | None]:
        """What one picture says of the new image; and what the run's own earlier image says, where it shows the thing.

        Where the surroundings have changed too much to be found again, the earlier image may lead from one to the other.
        """
        one = self._not_as_before(self._compared(stood, self.now, self.inside), self.now)
        if self.before is None or one.answer is Answer.PRESENT:
            return one, None
        earlier = _image(self.pair.before_as_taken)
        then = self._not_as_before(self._compared(stood, earlier, self.inside), earlier)
        if then.likeness is None or then.answer is Answer.UNREGISTERED:
            return one, None
        shift = then.likeness.shift_px
        if one.answer is Answer.UNREGISTERED:
            one = self._not_as_before(self._compared(stood, self.now, self.inside, shift), self.now)
        if then.answer is not Answer.PRESENT:
            return one, None
        there = moved(self.inside.astype(np.float32), shift) > 0.5
        return one, self._not_as_before(self._compared(earlier, self.now, there, (0, 0)), self.now, shift)

    @property
    def _standing(self) -> list[Kept]:
        return [kept for kept in map(reopened, self.job.pictures) if kept is not None and kept.stands]

    def _not_as_before(self, one: Compared, image: np.ndarray, shift_px: tuple[int, int] | None = None) -> Compared:
        """Present taken back where ``image`` is as much like the ground before the thing stood: a road's edges stay.

        ``shift_px``: of the kept pictures against ``image``, where it is not that of the comparison.
        """
        if one.answer is not Answer.PRESENT or one.likeness is None or (one.network or {}).get("after", 0) >= 0.5:
            return one
        options, shift = self.job.options, shift_px or one.likeness.shift_px
        for kept in map(reopened, self.job.pictures):
            if kept is None or kept.stands:
                continue
            bare = onto(kept, self.job.grid)
            like = likeness(bare, image, self.inside, self.job.grid.pixel_m, options, shift_px=shift)
            if like is not None and like.excess > one.likeness.excess - options.unlike_before:
                return replace(one, answer=Answer.CANNOT_TELL)
        return one

    def _compared(
        self, stood: np.ndarray, now: np.ndarray, inside: np.ndarray, shift_px: tuple[int, int] | None = None
    ) -> Compared:
        return compared(
            stood, now, inside, self.job.grid, self.job.options,
            network=self._network, learned=self.job.kind == BUILDING, shift_px=shift_px,
        )  # fmt: skip

    @property
    def _network(self) -> Network | None:
        fits = self.job.kind == BUILDING and self.job.grid.pixel_m <= COARSEST_M
        return building_network(self.job.network) if fits else None

    def _says(self, answer: str, one: Compared, **more: Any) -> Revisit:
        before = self.before.scene_id if self.before is not None else self.job.scenes[0]
        detail = {"by": "comparison", **one.told(), **more}
        return Revisit(self.job.case_no, answer, before, self.after.scene_id, self.after.day, detail)

    def _unsaid(self, reason: str, **told: Any) -> Revisit:
        before = self.before.scene_id if self.before is not None else self.job.scenes[0]
        detail = {"reason": reason, **told}
        return Revisit(self.job.case_no, UNOBSERVABLE, before, self.after.scene_id, self.after.day, detail)

    def _gone(self, kept: Kept, one: Compared, proof: Compared | None) -> Revisit:
        """Gone, with the pair that shows it: the run's own where its earlier image shows the thing, else the kept one."""
        cuts = [np.moveaxis(image, 0, -1) for image in (_image(self.pair.before_as_taken), self.now)]
        stretch, job = Stretch.of(cuts, STRETCH), self.job
        pictures = [
            kept_picture(
                job.case_no,
                "after",
                self.after.scene_id,
                self.after.day.isoformat(),
                cuts[1],
                stretch,
                job.grid,
                stands=False,
            )
        ]
        scene = kept.scene_id
        if proof is not None and self.before is not None:
            scene = self.before.scene_id
            day = self.before.day.isoformat()
            pictures.insert(0, kept_picture(job.case_no, "before", scene, day, cuts[0], stretch, job.grid, stands=True))
        said = self._says(GONE, proof or one, proof={"before": scene, "after": self.after.scene_id})
        return replace(said, pictures=tuple(pictures))


def onto(kept: Kept, grid: Grid) -> np.ndarray:
    """A kept picture on another grid, (3, rows, cols), NaN beyond it; averaged where the new pixels are larger."""
    if kept.grid == grid:
        return kept.image
    x_m, y_m = np.meshgrid(grid.x_m, grid.y_m)
    if kept.grid.epsg != grid.epsg:
        x_m, y_m = pyproj.Transformer.from_crs(grid.epsg, kept.grid.epsg, always_xy=True).transform(x_m, y_m)
    cols = ((x_m - kept.grid.west_m) / kept.grid.pixel_m - 0.5).astype(np.float32)
    rows = ((kept.grid.north_m - y_m) / kept.grid.pixel_m - 0.5).astype(np.float32)
    image = kept.image
    if (ratio := grid.pixel_m / kept.grid.pixel_m) > 1.2:
        image = np.stack([_averaged(band, _BLUR * ratio) for band in image])
    return np.stack(
        [
            cv2.remap(band, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan)
            for band in image
        ]
    )


def _averaged(band: np.ndarray, sigma_px: float) -> np.ndarray:
    known = np.isfinite(band)
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma_px)
    mean = cv2.GaussianBlur(np.where(known, band, 0).astype(np.float32), (0, 0), sigma_px) / np.maximum(weight, 1e-6)
    return np.where(known, mean, np.float32(np.nan))
