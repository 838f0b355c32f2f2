"""SLURM without SLURM: the job that would be submitted, and a whole run whose sbatch starts jobs on this machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
import work_tasks

from pipeline.errors import ConfigError
from pipeline.execution import DaskOptions, run_all
from pipeline.execution.slurm import slurm_cluster

# sbatch keeps a copy of the script, starts it in a group of its own and says the number.
SBATCH = """#!/bin/sh
[ "$1" = --test-only ] && exit 0
cp "$1" "{folder}/job.$$.sh"
cd "{folder}" && setsid sh -c 'exec bash "$0"' "{folder}/job.$$.sh" > "{folder}/job.$$.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- "-$1"
"""
REFUSED = """#!/bin/sh
echo "sbatch: error: invalid partition specified: nowhere" >&2
exit 1
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the head of PATH with sbatch and scancel; jobs leave their scripts and logs in it."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return tmp_path


def options(folder: Path, **more: object) -> DaskOptions:
    jobs = {"interface": "lo", "queue": "short", "account": "roads", "walltime": "01:30:00", **more}
    jobs |= {"shared_directory": folder / "shared", "directives": ["--constraint=avx2"]}
    return DaskOptions(scheduler="slurm", workers=2, memory_gb=1.5, env={"CPL_DEBUG": "it's on"}, slurm=jobs)


@pytest.mark.slow
def test_a_run_through_jobs(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUYU_TOKEN_EXAMPLE_ORG", "hush-4711")
    told = options(queue)
    assert sorted(run_all(work_tasks.square, range(20), told)) == [value * value for value in range(20)]
    scripts = [path.read_text() for path in queue.glob("job.*.sh")]
    assert len(scripts) == 2
    assert all("hush-4711" not in text for text in scripts)
    assert list((queue / "shared").glob("tls-*")) == []  # certificates went with the run
    deadline = time.monotonic() + 30
    while left := [
        one for one in psutil.process_iter(["cmdline"]) if str(queue) in " ".join(one.info["cmdline"] or ())
    ]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_the_job_says_what_the_configuration_says(queue: Path) -> None:
    (queue / "sbatch").write_text("#!/bin/sh\necho Submitted batch job 7\n")
    (queue / "scancel").write_text("#!/bin/sh\n")
    with slurm_cluster(options(queue, workers_per_job=2), int(1.5e9)) as cluster:
        script = cluster.job_script().splitlines()
        assert cluster.scheduler_address.startswith("tls://127.0.0.1:")
    header = {line for line in script if line.startswith("#SBATCH")}
    assert {
        "#SBATCH -p short",
        "#SBATCH -A roads",
        "#SBATCH -t 01:30:00",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --mem=3G",
        "#SBATCH --export=ALL",
        "#SBATCH --constraint=avx2",
    } <= header
    assert "export OMP_NUM_THREADS=1" in script
    assert """export CPL_DEBUG='it'"'"'s on'""" in script
    words = script[-1].split()
    assert words[words.index("--nthreads") + 1] == "1"
    assert words[words.index("--nworkers") + 1] == "2"
    assert words[words.index("--memory-limit") + 1] == "1.40GiB"
    assert words[words.index("--protocol") + 1] == "tls://"


def test_a_job_that_is_refused_is_told(queue: Path) -> None:
    (queue / "sbatch").write_text(REFUSED)
    with pytest.raises(ConfigError, match=r"sbatch refuses the job: .*invalid partition specified: nowhere"):
        list(run_all(work_tasks.square, [1], options(queue)))


def test_without_slurm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="needs sbatch on the PATH"):
        list(run_all(work_tasks.square, [1], options(tmp_path)))


def test_without_the_package_it_says_what_to_install(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ConfigError, match=r"pip install 'luyu\[cluster\]'"):
        list(run_all(work_tasks.square, [1], options(queue)))
