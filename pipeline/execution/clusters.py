"""Schedulers and their workers, each as a context that gives a client and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .certificates import security_of, temporary
from .options import DEFAULT_MEMORY_GB, LOOPBACK, DaskOptions
from .worker import ENVIRONMENT, SETTINGS

if TYPE_CHECKING:
    from distributed import Client

_LOCALHOST = "127.0.0.1"
_NO_PORT_CHOSEN = f"{_LOCALHOST}:0"  # without an address Dask shows its pages on every interface
_QUIET = 50  # of logging; what happens to workers is told in the run's own words
_ANSWER = "10s"


@contextmanager
def client_of(options: DaskOptions) -> Iterator[Client]:
    """A client of the scheduler that the options name; started here, it ends here.

    ConfigError where it does not answer, certificates are refused, or a package is missing.
    """
    import dask
    from distributed import Client

    settings = {
        **SETTINGS,
        "distributed.scheduler.allowed-failures": options.retries,
        "distributed.nanny.pre-spawn-environ": dict(ENVIRONMENT),
    }
    if options.dashboard is not None:
        settings.pop("distributed.scheduler.http.routes")
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        if options.host is not None:
            yield stack.enter_context(_connected(options))
            return
        try:
            cluster = stack.enter_context(_STARTED[options.scheduler](options))
        except (RuntimeError, OSError, TimeoutError) as error:
            raise ConfigError(
                f"dask.scheduler: {options.scheduler}: workers cannot be started ({_first_line(error)}); see that memory is"
                " free; the same command goes on where it stopped"
            ) from error
        yield stack.enter_context(Client(cluster, security=cluster.security, set_as_default=False))


def memory_bytes(options: DaskOptions, default_gb: float = 0.0) -> int:
    """Limit of one worker; 0: none."""
    return int((options.memory_gb or default_gb) * 1e9)


def _threads(options: DaskOptions) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=1, threads_per_worker=options.workers, processes=False, memory_limit=0, **_pages(options)
    )


def _processes(options: DaskOptions) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=options.workers,
        threads_per_worker=1,
        host=_LOCALHOST,
        # Loopback keeps other machines out, the certificate other users of this one.
        security=security_of(options.tls) if options.tls else temporary(),
        memory_limit=memory_bytes(options),
        env=dict(options.env),
        **_pages(options),
    )


def _pages(options: DaskOptions) -> Mapping[str, Any]:
    return {
        "dashboard_address": options.dashboard or _NO_PORT_CHOSEN,
        "worker_dashboard_address": _NO_PORT_CHOSEN,
        "silence_logs": _QUIET,
    }


def _slurm(options: DaskOptions) -> Any:
    from .slurm import slurm_cluster

    return slurm_cluster(options, memory_bytes(options, DEFAULT_MEMORY_GB))


def _kubernetes(options: DaskOptions) -> Any:
    from .kubernetes import kubernetes_cluster

    return kubernetes_cluster(options, memory_bytes(options, DEFAULT_MEMORY_GB))


_STARTED: Mapping[str, Callable[[DaskOptions], Any]] = {
    "threads": _threads,
    "processes": _processes,
    "local": _processes,
    "slurm": _slurm,
    "kubernetes": _kubernetes,
}


@contextmanager
def _connected(options: DaskOptions) -> Iterator[Client]:
    from distributed import Client

    address = options.scheduler
    encrypted = address.startswith("tls://")
    if not encrypted and options.host not in LOOPBACK and not options.insecure:
        raise ConfigError(
            f"dask.scheduler: {address} is neither encrypted nor asks who calls, so whoever reaches it runs programs as"
            " its user; start it with TLS and give tls:// with dask.tls, or say dask.insecure: true where the network"
            " between the machines is yours alone"
        )
    if encrypted and options.tls is None:
        raise ConfigError(f"dask.scheduler: {address} needs dask.tls with ca, cert and key")
    security = security_of(options.tls) if options.tls is not None and encrypted else None
    try:
        client = Client(address, timeout=_ANSWER, security=security, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        why = _first_line(error.__cause__ or error)
        raise ConfigError(
            f"dask.scheduler: {address} does not answer; is the scheduler running and reachable, with certificates of"
            f" the same authority? ({why})"
        ) from error
    with client:
        yield client


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:200]
