"""A scheduler on one host, a worker and the run on another: two network namespaces with a wire between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
OFFICE, CENTRE = "10.231.77.1", "10.231.77.2"
RUN = """
import sys
import work_tasks
from pipeline.errors import ConfigError
from pipeline.execution import DaskOptions, run_all
ca, cert, key = sys.argv[2:]
options = DaskOptions(scheduler=sys.argv[1], tls={"ca": ca, "cert": cert, "key": key} if ca else None, wait_s=60)
try:
    print(sorted(run_all(work_tasks.square, range(30), options)))
except ConfigError as error:
    sys.exit(str(error))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[str, str]]:
    """Names of two namespaces, OFFICE and CENTRE, that reach each other and nothing else."""
    if sys.platform != "linux" or os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("ss")):
        pytest.skip("two hosts need Linux, root and iproute2")
    mine = f"{os.getpid() % 100_000}"
    office, centre = f"office{mine}", f"centre{mine}"
    with ExitStack() as stack:
        try:
            for name in (office, centre):
                ip("netns", "add", name)
                stack.callback(ip, "netns", "delete", name)
            ip(
                "link",
                "add",
                f"lo{mine}",
                "netns",
                office,
                "type",
                "veth",
                "peer",
                "name",
                f"lc{mine}",
                "netns",
                centre,
            )
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine gives no network namespaces: {error.stderr.strip()}")
        for name, link, address in ((office, f"lo{mine}", OFFICE), (centre, f"lc{mine}", CENTRE)):
            ip("-n", name, "address", "add", f"{address}/24", "dev", link)
            ip("-n", name, "link", "set", link, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield office, centre


def papers(folder: Path, authority: trustme.CA) -> list[str]:
    """Paths of ca, cert and key, newly made."""
    folder.mkdir()
    issued = authority.issue_cert("luyu.test")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return [str(folder / f"{name}.pem") for name in ("ca", "cert", "key")]


def on(host: str, *words: str) -> list[str]:
    return ["ip", "netns", "exec", host, sys.executable, *words]


PLACE = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


@contextmanager
def running(command: list[str], seen: str) -> Iterator[subprocess.Popen[str]]:
    """The process, once a line of its log holds ``seen``; ended after."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=PLACE) as process:
        assert process.stderr is not None
        assert any(seen in line for line in process.stderr)
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        try:
            yield process
        finally:
            process.kill()
            drain.join()


def run(host: str, address: str, tls: list[str]) -> subprocess.CompletedProcess[str]:
    command = on(host, "-c", RUN, address, *(tls or ["", "", ""]))
    return subprocess.run(command, env=PLACE, capture_output=True, text=True, timeout=240)


def listening(host: str) -> set[str]:
    """Addresses on which anything of that host listens."""
    told = subprocess.run(["ip", "netns", "exec", host, "ss", "-ltnH"], check=True, capture_output=True, text=True)
    return {line.split()[3].rpartition(":")[0] for line in told.stdout.splitlines()}


def test_two_hosts_work_together_by_certificate_and_nobody_else_does(hosts: tuple[str, str], tmp_path: Path) -> None:
    office, centre = hosts
    authority = trustme.CA()
    ours, theirs = papers(tmp_path / "ours", authority), papers(tmp_path / "theirs", trustme.CA())
    flags = [
        word for name, path in zip(("ca-file", "cert", "key"), ours, strict=True) for word in (f"--tls-{name}", path)
    ]
    quiet = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    address = f"tls://{OFFICE}:8786"
    schedule = on(office, "-m", "dask", "scheduler", "--host", OFFICE, "--protocol", "tls", "--port", "8786")
    labour = on(centre, "-m", "dask", "worker", address, "--host", CENTRE, "--nthreads", "1", "--no-nanny")
    with running([*schedule, *flags, *quiet], "Scheduler at") as scheduler:
        with running([*labour, *flags, *quiet], "Registered to"):
            done = run(centre, address, ours)
            assert done.stdout.strip() == str([value * value for value in range(30)]), done.stderr
            assert listening(office) == {OFFICE, "127.0.0.1"}
            assert listening(centre) == {CENTRE, "127.0.0.1"}
            for wrong in (run(centre, address, theirs), run(centre, address.replace("tls", "tcp"), [])):
                assert wrong.returncode == 1
                assert wrong.stdout == ""
            assert "tls:// with dask.tls" in wrong.stderr
        assert scheduler.poll() is None
