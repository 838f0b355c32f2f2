"""RunConfig: one run, checked; every path absolute, every unknown key refused at every level."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    SerializeAsAny,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from shapely.geometry.base import BaseGeometry

from ..catalog.sources import Source
from ..detectors.registry import parse_options
from ..errors import ConfigError, LuyuError
from ..imagery.reader import RasterioReader
from ..model.options import Options
from ..model.scene import Period
from ..model.shipped import shipped
from ..model.stake import Stake
from ..net.costs import CostOptions
from ..net.options import NetOptions
from ..prepare.pair import PairOptions
from .alarm_options import AlarmOptions
from .yaml_file import parse_scalar, problems_of, read_yaml

PATH_KEYS = ("layers", "legal", "output", "ledger")

_LONGEST_SEASON_DAYS = 183  # beyond half a year there is no season left to compare with


def _said(parse: Any) -> Any:
    """Turn our own errors into the ValueError that pydantic collects."""

    def validate(value: Any) -> Any:
        try:
            return parse(value)
        except LuyuError as error:
            raise ValueError(str(error)) from error

    return validate


_Period = Annotated[
    Period,
    BeforeValidator(_said(lambda value: value if isinstance(value, Period) else Period.parse(value))),
    PlainSerializer(str, return_type=str),
]
_Stake = Annotated[
    Stake,
    BeforeValidator(_said(lambda value: value if isinstance(value, Stake) else Stake.parse(value))),
    PlainSerializer(str, return_type=str),
]
_Detector = Annotated[SerializeAsAny[Options], BeforeValidator(_said(parse_options))]


class Stretch(Options):
    """Part of a route between two stakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    route: str = Field(description="Route code as on the sign, e.g. G311.")
    from_: _Stake = Field(alias="from", description="First stake, e.g. K10+000.")
    to: _Stake = Field(description="Last stake, e.g. K35+500.")

    @model_validator(mode="after")
    def _in_order(self) -> Stretch:
        if self.to <= self.from_:
            raise ValueError(f"the stretch ends ({self.to}) before it starts ({self.from_}); exchange 'from' and 'to'")
        return self


class AreaOptions(Options):
    """What is watched; without any of these, every road of the roads layer."""

    counties: tuple[str, ...] = Field((), description="County codes, GB/T 2260, quoted, e.g. ['320322'].")
    routes: tuple[str, ...] = Field((), description="Route codes, e.g. [G311, S253].")
    stretches: tuple[Stretch, ...] = Field((), description="Parts of routes between two stakes.")
    corridor_m: float | None = Field(
        None, gt=0, le=2000, description="Half width that is read and searched, m; default: control zone + 50 m."
    )


class SameSeason(Options):
    """The time of the year of the later period, in the years before it."""

    same_season_as: Literal["after"] = Field(description="The period whose time of the year is meant.")
    days: int = Field(15, ge=0, le=90, description="Days added on either side of it.")
    years: int = Field(3, ge=1, le=5, description="How many years back.")

    def of(self, after: Period) -> tuple[Period, ...]:
        """The periods, latest first; ends before ``after`` starts."""
        more = dt.timedelta(days=self.days)
        shifted = (Period(_years_back(after.start, n), _years_back(after.end, n)) for n in range(1, self.years + 1))
        last = after.start - dt.timedelta(days=1)
        return tuple(Period(p.start - more, min(p.end + more, last)) for p in shifted if p.start - more <= last)


class ImageryOptions(Options):
    """Which images, of when, on which grid."""

    source: Source = Field(description="Where the images are: kind stac or files.")
    before: Annotated[
        Annotated[_Period, Tag("period")] | Annotated[SameSeason, Tag("season")],
        Discriminator(lambda value: "season" if isinstance(value, Mapping | SameSeason) else "period"),
    ] = Field(
        description="Dates of the earlier images, first/last; or the later ones' season in earlier years:"
        " {same_season_as: after, days: 15, years: 3}."
    )
    after: _Period = Field(description="Dates of the later images, first/last.")
    resolution_m: float = Field(0.5, ge=0.1, le=30, description="Pixel size of the run's grid, m.")
    tile_px: int = Field(768, ge=128, le=4096, description="Side of a tile without its halo, pixels.")
    pair: PairOptions = Field(default_factory=PairOptions, description="How the two dates are made comparable.")
    context_m: float | None = Field(
        None,
        ge=0,
        le=500,
        description="Ground beyond the corridor that is read too, so that large things are seen whole, m; default: the"
        " whole window of local images, nothing of far ones.",
    )
    network: NetOptions = Field(default_factory=NetOptions, description="Requests and the local cache of far images.")
    costs: CostOptions = Field(default_factory=CostOptions, description="Prices of the image store, for luyu plan.")

    @property
    def before_periods(self) -> tuple[Period, ...]:
        """The periods of the earlier images: one, or one for each year, latest first."""
        return self.before.of(self.after) if isinstance(self.before, SameSeason) else (self.before,)

    def reader(self, ahead: BaseGeometry | None = None) -> RasterioReader:
        """What pixels are read with; ``ahead``: area whose blocks of far files are fetched along."""
        return RasterioReader(network=self.network, ahead=ahead, whole_local=self.context_m is None)

    def read_area(self, corridor: BaseGeometry) -> BaseGeometry:
        """What is read for a part of the corridor, of far images and, where ``context_m`` is set, of local ones."""
        return corridor.buffer(self.context_m) if self.context_m else corridor

    @model_validator(mode="after")
    def _in_order(self) -> ImageryOptions:
        if isinstance(self.before, SameSeason):
            if (self.after.end - self.after.start).days > _LONGEST_SEASON_DAYS:
                raise ValueError(
                    f"'before' is the season of 'after', but 'after' ({self.after}) is longer than"
                    f" {_LONGEST_SEASON_DAYS} days; shorten it or give 'before' as first/last"
                )
            return self
        if self.after.start <= self.before.start or self.after.end <= self.before.end:
            raise ValueError(f"'after' ({self.after}) must be later than 'before' ({self.before})")
        return self


class DecisionOptions(Options):
    """How candidates become findings."""

    probability: float = Field(0.9, gt=0.5, lt=1, description="Probability at which a place counts as decided.")
    border_m: float = Field(150.0, ge=0, description="Uncertainty of county boundaries, m.")
    asset_within_m: float = Field(500.0, gt=0, description="Road assets farther than this are not named, m.")
    permit_cover: float = Field(0.8, gt=0, le=1, description="Share of a footprint that a permit must cover.")


class DaskOptions(Options):
    """Where the work is done."""

    scheduler: str = Field("threads", description="threads | processes | local | tcp://host:8786")
    workers: int = Field(2, ge=1, le=4096, description="Threads or processes; not used with a scheduler address.")

    @field_validator("scheduler")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in ("threads", "processes", "local") or value.startswith(("tcp://", "tls://")):
            return value
        raise ValueError(
            f"unknown scheduler {value!r}; known: threads, processes, local, or the address of a running Dask"
            " scheduler such as tcp://host:8786 (start one on SLURM or Kubernetes with your site's tools)"
        )


class RunConfig(Options):
    """One run. Paths are absolute once loaded; ``base`` is the folder that relative ones were taken from."""

    name: str = Field(min_length=1, max_length=120, description="Name of the run; also the default output folder's.")
    area: AreaOptions = Field(default_factory=AreaOptions, description="What is watched.")
    layers: Path = Field(description="layers.yaml: the vector layers and their columns.")
    imagery: ImageryOptions = Field(description="Which images.")
    detectors: tuple[_Detector, ...] = Field(min_length=1, description="What is looked for, in any order.")
    legal: Path = Field(
        default_factory=lambda: shipped("legal") / "control_zone.yaml", description="Rules; default: national."
    )
    decisions: DecisionOptions = Field(default_factory=DecisionOptions, description="From candidates to findings.")
    alarms: AlarmOptions = Field(default_factory=AlarmOptions, description="When a result is doubtful as a whole.")
    output: Path = Field(description="Folder that the run writes to; default: outputs/NAME.")
    ledger: Path = Field(description="Ledger of cases, shared by successive runs; default: ledger.sqlite in output.")
    dask: DaskOptions = Field(default_factory=DaskOptions, description="Where the work is done.")
    schema_version: Literal[1] = Field(1, description="Version of this form.")

    @field_validator("detectors")
    @classmethod
    def _once(cls, value: tuple[Options, ...]) -> tuple[Options, ...]:
        names = [options.use for options in value]  # type: ignore[attr-defined]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"detector {twice[0]!r} is listed twice; keep one entry")
        return value

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = (), *, cwd: Path | None = None) -> RunConfig:
        """The configuration in ``path`` with ``KEY=VALUE`` overrides; every fault at once as Problems.

        Paths in the file are relative to the file; paths given by an override are relative to ``cwd``.
        """
        path = Path(path)
        data = read_yaml(path)
        plain = _plain(data)
        base = path.resolve().parent
        for key in PATH_KEYS:
            if isinstance(plain.get(key), str):
                plain[key] = str(base / plain[key])
        _apply(plain, overrides, cwd or Path.cwd())
        if "output" not in plain:
            plain["output"] = str((cwd or Path.cwd()) / "outputs" / _folder_name(str(plain.get("name"))))
        if "ledger" not in plain and isinstance(plain.get("output"), str):
            plain["ledger"] = str(Path(plain["output"]) / "ledger.sqlite")
        try:
            config = cls.model_validate(plain)
            source, network = config.imagery.source.resolved(base), config.imagery.network
        except ValidationError as error:
            raise problems_of(error, path, data, cls) from error
        if network.cache is not None:
            network = network.model_copy(update={"cache": base / network.cache.expanduser()})
        imagery = config.imagery.model_copy(update={"source": source, "network": network})
        return config.model_copy(update={"imagery": imagery})

    def dump(self) -> dict[str, Any]:
        """JSON-ready mapping of everything, defaults included."""
        return self.model_dump(mode="json", by_alias=True)


def _years_back(day: dt.date, years: int) -> dt.date:
    """The same day of an earlier year; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _folder_name(name: str) -> str:
    """A single folder name out of the run's name, so that no path leaves ``outputs``."""
    cleaned = "".join(char if char.isalnum() or char in "-_." else "-" for char in name).strip(".-")
    return cleaned[:80] or "run"


def _plain(node: Any) -> Any:
    """Plain dicts and lists of a round-trip document; dates back to their ISO text."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    if hasattr(node, "isoformat"):
        return node.isoformat()
    if isinstance(node, str):
        return str(node)
    return copy.copy(node)


def _apply(data: dict[str, Any], overrides: Sequence[str], cwd: Path) -> None:
    for text in overrides:
        key, equals, raw = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {text!r}: expected KEY=VALUE, e.g. --set imagery.resolution_m=0.8")
        value = _plain(parse_scalar(raw))
        if key in PATH_KEYS and raw:
            value = str(cwd / Path(raw).expanduser())
        node: Any = data
        *parents, last = key.split(".")
        for part in parents:
            node = _step(node, part, text)
        if isinstance(node, list):
            node[_index(node, last, text)] = value
        elif isinstance(node, dict):
            node[last] = value
        else:
            raise ConfigError(f"--set {text!r}: {key.rpartition('.')[0]} is a single value and has no keys")


def _step(node: Any, part: str, text: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, part, text)]
    if isinstance(node, dict):
        return node.setdefault(part, {})
    raise ConfigError(f"--set {text!r}: {part!r} stands under a single value, which has no keys")


def _index(node: list[Any], part: str, text: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"--set {text!r}: {part!r} is no position in a list of {len(node)}; the first is 0")
    return int(part)
