"""Workers as SLURM jobs: dask-jobqueue submits them, the scheduler runs here and listens between nodes."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .certificates import security_of, temporary
from .options import DaskOptions, SlurmOptions, TlsOptions
from .worker import ENVIRONMENT, settings_as_environment

if TYPE_CHECKING:
    from distributed import Security

_NO_PORT_CHOSEN = "127.0.0.1:0"
_QUIET = 50


@contextmanager
def slurm_cluster(options: DaskOptions, memory_bytes: int) -> Iterator[Any]:
    """A ``SLURMCluster`` that has asked for its jobs; ConfigError without dask-jobqueue, sbatch or the interface.

    Secrets in the environment of this process reach jobs by ``--export=ALL`` and stand in no file. Without certificates
    in the options it makes some, which lie in the shared folder while it lives.
    """
    try:
        import dask_jobqueue  # noqa: F401
    except ImportError as error:
        raise ConfigError("dask.scheduler: slurm needs dask-jobqueue; pip install 'luyu[cluster]'") from error
    jobs = options.slurm
    if jobs is None:
        raise ConfigError("dask.scheduler: slurm needs dask.slurm")
    if shutil.which("sbatch") is None:
        raise ConfigError("dask.scheduler: slurm needs sbatch on the PATH; start the run on a login or batch node")
    shared = (jobs.shared_directory or Path.home() / ".luyu" / "slurm").expanduser()
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="tls-", dir=shared) as folder:
        security = security_of(options.tls or _made_certificates(Path(folder)))
        with _cluster(options, jobs, security, memory_bytes, shared) as cluster:
            _try(cluster.job_script(), Path(folder) / "job.sh")
            cluster.scale(n=options.workers)
            yield cluster


def _try(script: str, path: Path) -> None:
    """Ask SLURM whether it would take the job; ConfigError with its own words where not."""
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(["sbatch", "--test-only", str(path)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise ConfigError(f"dask.slurm: sbatch refuses the job: {' '.join(done.stderr.split())}")


def _made_certificates(folder: Path) -> TlsOptions:
    """Files of a certificate for one run, in a folder that only its owner may read."""
    made: Any = temporary()  # its attributes are made at run time
    texts = {"ca": made.tls_ca_file, "cert": made.tls_worker_cert, "key": made.tls_worker_key}
    for name, text in texts.items():
        (folder / f"{name}.pem").write_text(text, encoding="ascii")
    return TlsOptions(**{name: folder / f"{name}.pem" for name in texts})


def _cluster(options: DaskOptions, jobs: SlurmOptions, security: Security, memory_bytes: int, shared: Path) -> Any:
    from dask_jobqueue import SLURMCluster

    variables = {**ENVIRONMENT, **settings_as_environment(), **options.env}
    try:
        return SLURMCluster(
            cores=jobs.workers_per_job,
            processes=jobs.workers_per_job,
            memory=f"{jobs.workers_per_job * memory_bytes}B",
            queue=jobs.queue,
            account=jobs.account,
            walltime=jobs.walltime,
            python=jobs.python,
            job_name="luyu",
            interface=jobs.interface,
            local_directory=str(jobs.local_directory) if jobs.local_directory else None,
            log_directory=str(shared),
            job_extra_directives=["--export=ALL", *jobs.directives],
            job_script_prologue=[
                *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
                *jobs.prologue,
            ],
            worker_extra_args=["--no-dashboard", "--dashboard-address", _NO_PORT_CHOSEN],
            scheduler_options={"dashboard_address": options.dashboard or _NO_PORT_CHOSEN},
            security=security,
            silence_logs=_QUIET,
        )
    except (ValueError, OSError, RuntimeError) as error:
        raise ConfigError(f"dask.slurm: {error}") from error
