"""A PostgreSQL server of the tests' own: in a folder of theirs, on a free port of this machine, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Folder of the newest installed server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def server(folder: Path, binaries: Path) -> Iterator[str]:
    """URL of an empty database on a server that runs while the block does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # PostgreSQL refuses to run as root; Debian's package brings a user of its own.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder.chmod(0o777)
    for parent in folder.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"

    def call(program: str, *args: str) -> None:
        done = subprocess.run([*user, str(binaries / program), *args], check=False, capture_output=True, cwd=folder)
        if done.returncode:
            raise RuntimeError(f"{program} {' '.join(args)}: {done.stderr.decode(errors='replace')}")

    call("initdb", "-D", str(data), "-U", "luyu", "--auth=trust", "--encoding=UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    call("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://luyu@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():  # gone already where the machine has stopped all its servers
            call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
