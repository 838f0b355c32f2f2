"""Where the work is done: which scheduler, how many workers, what they may take, how they talk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..model.options import Options

KINDS = ("threads", "processes", "local", "slurm", "kubernetes")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_MEMORY_GB = 2.0  # where a limit has to be stated

_ADDRESS = re.compile(r"(?:tcp|tls)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):(?P<port>\d{1,5})")
_DASHBOARD = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):\d{1,5}")
_SECRET = re.compile(r"TOKEN|PASSW|SECRET|CREDENTIAL|(^|_)(KEY|PWD|SIG|SAS)(_|$)|AWS_ACCESS_KEY", re.IGNORECASE)
_SIGNED_IN = re.compile(r"//[^/@\s]+@")


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a line break or another character that cannot be printed; give one plain line")
    return value


def _no_secrets(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{name!r} is no name of an environment variable; e.g. GDAL_CACHEMAX")
        if _SECRET.search(name) or _SIGNED_IN.search(text):
            raise ValueError(
                f"{name} looks like a secret, and configurations are kept with results; leave it in the environment of"
                " whoever starts the run (threads, processes and SLURM take it along), or name a Kubernetes Secret"
            )
        _one_line(text)
    return value


_Line = Annotated[str, AfterValidator(_one_line)]
_Environment = Annotated[Mapping[str, str], AfterValidator(_no_secrets)]


class TlsOptions(Options):
    """Certificates by which scheduler, workers and run know each other; all three are PEM files."""

    ca: Path = Field(description="Certificate of the authority that signed those of scheduler and workers.")
    cert: Path = Field(description="Certificate of this run.")
    key: Path = Field(description="Private key of it; readable by its owner alone.")

    def resolved(self, base: Path) -> TlsOptions:
        """With paths relative to ``base`` made absolute."""
        placed = {name: base / getattr(self, name).expanduser() for name in ("ca", "cert", "key")}
        return self.model_copy(update=placed)


class SlurmOptions(Options):
    """Jobs that dask-jobqueue submits with sbatch, each with some workers."""

    interface: _Line = Field(
        description="Network interface between nodes, e.g. ib0; the scheduler listens there and nowhere else."
    )
    workers_per_job: int = Field(
        1,
        ge=1,
        le=1024,
        description="Workers in one job, a core each; only a job of one is replaced when it ends early.",
    )
    queue: _Line | None = Field(None, description="Partition (sbatch -p).")
    account: _Line | None = Field(None, description="Account that is billed (sbatch -A).")
    walltime: str = Field(
        "08:00:00",
        pattern=r"^(\d+-)?\d{1,3}:\d{2}:\d{2}$",
        description="Longest time of a job, [D-]HH:MM:SS; a tile that a job's end cuts off is done by another.",
    )
    directives: tuple[_Line, ...] = Field((), description="More lines for sbatch, e.g. ['--constraint=avx2'].")
    prologue: tuple[_Line, ...] = Field((), description="Shell lines before the workers, e.g. ['module load gcc'].")
    python: _Line | None = Field(None, description="Python on the nodes that has luyu; default: this one.")
    local_directory: Path | None = Field(None, description="Folder of each node for scratch files, e.g. /tmp.")
    shared_directory: Path | None = Field(
        None, description="Folder that all nodes see, for certificates and logs of jobs; default: ~/.luyu/slurm."
    )


class KubernetesOptions(Options):
    """Pods that the Dask operator starts (dask-kubernetes)."""

    image: _Line = Field(description="Container image with luyu, as registry/name@sha256:… or registry/name:tag.")
    namespace: _Line = Field("default", description="Namespace of the pods.")
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field("IfNotPresent", description="When it is pulled.")
    service_account: _Line | None = Field(None, description="Service account of the pods; default: the namespace's.")
    secrets: tuple[_Line, ...] = Field((), description="Secrets whose entries become environment variables of workers.")
    claims: Mapping[str, str] = Field(
        default_factory=dict,
        description="Persistent volume claims by name: where they are mounted, e.g. {data: /data}.",
    )
    cpu: float = Field(1.0, gt=0, le=64, description="Cores of one worker.")


class DaskOptions(Options):
    """Where the work is done."""

    scheduler: str = Field(
        "threads",
        description="threads | processes | local | slurm | kubernetes | tls://host:8786 | tcp://host:8786\n"
        "(processes and local are the same: worker processes of this machine).",
    )
    workers: int = Field(
        2, ge=1, le=4096, description="Threads, processes or pods, a core each; not used with a scheduler address."
    )
    memory_gb: float | None = Field(
        None,
        gt=0.1,
        le=4096,
        description="Memory of one worker, GB; one that takes more is started anew, and its tile tried again. Default: no\n"
        "limit for processes, 2 on SLURM and Kubernetes. Threads cannot keep one.",
    )
    retries: int = Field(2, ge=0, le=20, description="How often a tile is tried again after its worker died.")
    env: _Environment = Field(
        default_factory=dict,
        description="Environment variables of workers that the run starts, e.g. {CPL_DEBUG: 'ON'}; no secrets.",
    )
    dashboard: str | None = Field(
        None,
        description="HOST:PORT of Dask's dashboard, e.g. 127.0.0.1:8787 (graphs where bokeh is installed); it asks for no\n"
        "password. Default: none.",
    )
    wait_s: float = Field(
        3600.0, gt=0, le=1e6, description="Longest wait for a first worker, or for another once all are gone, s."
    )
    tls: TlsOptions | None = Field(
        None, description="Certificates, for a scheduler address; processes and SLURM make their own, for one run."
    )
    insecure: bool = Field(
        False,
        description="Allow a scheduler beyond this machine without TLS. Whoever reaches it runs programs as its user.",
    )
    slurm: SlurmOptions | None = Field(None, description="Jobs, for scheduler slurm.")
    kubernetes: KubernetesOptions | None = Field(None, description="Pods, for scheduler kubernetes.")

    @field_validator("scheduler")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in KINDS or _ADDRESS.fullmatch(value):
            return value
        raise ValueError(
            f"unknown scheduler {_SIGNED_IN.sub('//…@', value)!r}; known: {', '.join(KINDS)}, or the address of a running"
            " Dask scheduler such as tls://host:8786"
        )

    @field_validator("dashboard")
    @classmethod
    def _told(cls, value: str | None) -> str | None:
        if value is not None and not _DASHBOARD.fullmatch(value):
            raise ValueError(f"{value!r} is not HOST:PORT; e.g. 127.0.0.1:8787 (0.0.0.0:8787 shows it to everyone)")
        return value

    @model_validator(mode="after")
    def _whole(self) -> DaskOptions:
        for kind in ("slurm", "kubernetes"):
            if self.scheduler == kind and getattr(self, kind) is None:
                lacking = "interface" if kind == "slurm" else "image"
                raise ValueError(f"scheduler {kind} needs dask.{kind} with at least '{lacking}'")
        if self.scheduler == "threads" and self.memory_gb is not None:
            raise ValueError("threads share one memory and cannot keep memory_gb; use scheduler: processes, or drop it")
        if self.env and (self.scheduler == "threads" or self.host is not None):
            raise ValueError("env reaches only workers that the run starts; set the variables where they are started")
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether all workers are of this machine."""
        return self.scheduler in ("threads", "processes", "local")

    @property
    def host(self) -> str | None:
        """Host of the scheduler's address, None for a kind."""
        match = _ADDRESS.fullmatch(self.scheduler)
        return match["host"] if match else None

    def resolved(self, base: Path) -> DaskOptions:
        """With paths relative to ``base`` made absolute."""
        placed: dict[str, Options] = {}
        if self.tls is not None:
            placed["tls"] = self.tls.resolved(base)
        if self.slurm is not None and self.slurm.shared_directory is not None:
            shared = base / self.slurm.shared_directory.expanduser()
            placed["slurm"] = self.slurm.model_copy(update={"shared_directory": shared})
        return self.model_copy(update=placed)
