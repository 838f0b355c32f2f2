"""RunConfig: one run, checked; every path absolute, every unknown key refused at every level."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from ..detectors.registry import name_of, parse_options, resolved
from ..errors import ConfigError, LuyuError
from ..execution.options import DaskOptions
from ..ledger import LedgerOptions
from ..maps import basemap_options
from ..maps.basemap_options import Basemap
from ..maps.options import MapsOptions
from ..model.options import Options
from ..model.shipped import shipped
from ..model.stake import Stake
from .alarm_options import AlarmOptions
from .decision_options import DecisionOptions
from .imagery_options import ImageryOptions
from .parsed import said
from .yaml_file import parse_scalar, problems_of, read_yaml

PATH_KEYS = ("layers", "legal", "output", "ledger")

_Stake = Annotated[
    Stake,
    BeforeValidator(said(lambda value: value if isinstance(value, Stake) else Stake.parse(value))),
    PlainSerializer(str, return_type=str),
]
_Ledger = Annotated[
    Path | str, BeforeValidator(lambda value: value if isinstance(value, str) and "://" in value else Path(value))
]
_Detector = Annotated[SerializeAsAny[Options], BeforeValidator(said(parse_options))]


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


class RunConfig(Options):
    """One run. Paths are absolute once loaded; ``base`` is the folder that relative ones were taken from."""

    name: str = Field(min_length=1, max_length=120, description="Name of the run; also the default output folder's.")
    area: AreaOptions = Field(default_factory=AreaOptions, description="What is watched.")
    layers: Path = Field(description="layers.yaml: the vector layers and their columns.")
    imagery: ImageryOptions = Field(description="Which images.")
    detectors: tuple[_Detector, ...] = Field(min_length=1, description="What is looked for, in any order.")
    legal: Path = Field(
        default_factory=lambda: shipped("legal") / "china.yaml",
        description="Rules; default: national, and of provinces that have a file, by county code.",
    )
    decisions: DecisionOptions = Field(default_factory=DecisionOptions, description="From candidates to findings.")
    alarms: AlarmOptions = Field(default_factory=AlarmOptions, description="When a result is doubtful as a whole.")
    maps: MapsOptions = Field(default_factory=MapsOptions, description="The officers' pages.")
    output: Path = Field(description="Folder that the run writes to; default: outputs/NAME.")
    ledger: _Ledger = Field(
        description="Ledger of cases, shared by successive runs: a file, or postgresql://HOST/DATABASE (the password in\n"
        "~/.pgpass or PGPASSWORD); default: ledger.sqlite in output."
    )
    cases: LedgerOptions = Field(default_factory=LedgerOptions, description="How cases are recognised and timed.")
    dask: DaskOptions = Field(default_factory=DaskOptions, description="Where the work is done.")
    schema_version: Literal[1] = Field(1, description="Version of this form.")

    @field_validator("detectors")
    @classmethod
    def _once(cls, value: tuple[Options, ...]) -> tuple[Options, ...]:
        names = [name_of(options) for options in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"detector {twice[0]!r} is listed twice; keep one entry, or give them 'name's")
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
            if isinstance(plain.get(key), str) and "://" not in plain[key]:
                plain[key] = str(base / plain[key])
        decisions = plain.get("decisions")
        if isinstance(decisions, dict) and isinstance(decisions.get("rankings"), list):
            decisions["rankings"] = [str(base / str(path)) for path in decisions["rankings"]]
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
        rankings = tuple((cwd or Path.cwd()) / path for path in config.decisions.rankings)
        decisions = config.decisions.model_copy(update={"rankings": rankings})
        detectors = tuple(_resolved(path, number, one, base) for number, one in enumerate(config.detectors))
        maps = config.maps.model_copy(update={"basemaps": _placed(path, config.maps.basemaps, base)})
        return config.model_copy(
            update={
                "imagery": imagery,
                "decisions": decisions,
                "detectors": detectors,
                "maps": maps,
                "dask": config.dask.resolved(base),
            }
        )

    def dump(self) -> dict[str, Any]:
        """JSON-ready mapping of everything, defaults included."""
        return self.model_dump(mode="json", by_alias=True)


def _resolved(path: Path, number: int, options: Options, base: Path) -> Options:
    try:
        return resolved(options, base)
    except LuyuError as error:
        raise ConfigError(f"{path}: detectors.{number}: {error}") from error


def _placed(path: Path, basemaps: Sequence[Basemap], base: Path) -> tuple[Basemap, ...]:
    """Basemaps with absolute paths, each looked into: better now than after a night of work."""
    placed = []
    for number, one in enumerate(basemaps):
        try:
            placed.append(basemap_options.resolved(one, base))
        except LuyuError as error:
            raise ConfigError(f"{path}: maps.basemaps.{number}: {error}") from error
    return tuple(placed)


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
        if raw and "://" not in raw and (key in PATH_KEYS or key.startswith("dask.tls.") or raw.endswith(".onnx")):
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
