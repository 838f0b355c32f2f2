"""What lets the program in must stay inside: no token in any file of a run, in the cache, the ledger or a message."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.faulty import Asked, Faulty, faulty

from pipeline.cli import main
from pipeline.config import RunConfig
from pipeline.run.plan import make_plan

pytestmark = pytest.mark.slow
SIGNATURE, TOKEN, PASSWORD = "sIgNaTuRe-4711", "bEaReR-0815", "pAsSwOrD-2342"
SECRETS = (SIGNATURE, TOKEN, PASSWORD)
Answer = tuple[int, dict[str, str], bytes]


def guarded(path: Path) -> Callable[[Asked], Answer]:
    """The file, whole or a range of it, for those with the token and, of images, the signature."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, b"who are you?"
        if path.suffix == ".tif" and f"sig={SIGNATURE}" not in asked.uri:
            return 403, {}, b"not signed"
        whole = path.read_bytes()
        span = asked.headers.get("range", "")
        if not span:
            return 200, {}, whole
        first, _, last = span.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1, len(whole))
        return 206, {"Content-Range": f"bytes {start}-{stop - 1}/{len(whole)}"}, whole[start:stop]

    return answer


@dataclass
class Closed:
    """A world behind a server that lets nobody in without secrets."""

    server: Faulty
    root: Path
    settings: list[str]


@pytest.fixture
def closed(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Closed]:
    root = tmp_path / "world"
    shutil.copytree(world, root)
    for path in root.rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        for asset in document.get("assets", {}).values():
            asset["href"] += f"?sig={SIGNATURE}&se=2030-01-01"
        path.write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setenv("LUYU_TOKEN_127_0_0_1", TOKEN)
    monkeypatch.setenv("LUYU_PASSWORD_DATA_EXAMPLE_ORG", PASSWORD)
    monkeypatch.setenv("LUYU_CACHE", str(tmp_path / "cache"))
    with faulty(root) as server:
        for path in root.rglob("*"):
            if path.is_file():
                server.page(f"/{path.relative_to(root).as_posix()}", guarded(path))
        source = (
            f"{{kind: stac, url: '{server.url}/imagery/catalog.json', collection: demo-vhr, asset_hosts: [127.0.0.1]}}"
        )
        out = tmp_path / "out"
        options = [
            f"imagery.source={source}", "imagery.network.tries=1", "imagery.network.backoff_s=0",
            f"output={out}", f"ledger={out / 'ledger.sqlite'}", "detectors=[{use: grain_drying}]",
        ]  # fmt: skip
        yield Closed(server, root, [part for option in options for part in ("--set", option)])


def leaks(*places: Path) -> list[str]:
    """Names of files in which a secret stands, in clear or inside a zip, or whose names hold one."""
    found = []
    for place in places:
        for path in sorted(place.rglob("*")):
            contents = [str(path).encode()]
            if path.is_file():
                contents.append(path.read_bytes())
                if zipfile.is_zipfile(path):
                    with zipfile.ZipFile(path) as book:
                        contents += [book.read(name) for name in book.namelist()]
            found += [str(path) for secret in SECRETS if any(secret.encode() in content for content in contents)]
    return found


def silent(text: str) -> bool:
    return not any(secret in text for secret in (*SECRETS, "Bearer", "Authorization"))


def test_a_run_leaves_no_secret_anywhere(
    closed: Closed, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    config = str(closed.root / "run.yaml")
    caplog.set_level("DEBUG")
    assert main(["check", config, *closed.settings]) == 0
    assert main(["plan", config, *closed.settings, "--reads", str(tmp_path / "out" / "reads.csv")]) == 0
    assert main(["plan", config, *closed.settings, "--json"]) == 0
    said = capsys.readouterr()
    assert silent(said.out + said.err)
    assert main(["run", config, *closed.settings]) == 0
    said = capsys.readouterr()
    assert silent(said.out + said.err)
    assert silent(caplog.text)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["reads"]["requests"] > 0
    assert record["reads"]["bytes_fetched"] > 100_000
    files = [file for scene in record["scenes"]["after"] for file in scene["files"]]
    assert files
    assert all(file.startswith(closed.server.url) and file.endswith(".tif?…") for file in files)
    assert (tmp_path / "cache").is_dir()
    assert leaks(tmp_path / "out", tmp_path / "cache") == []


def test_refused_tiles_name_the_file_and_not_the_way_in(
    closed: Closed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = sorted(path for path in closed.root.rglob("*20241012.tif") if "demo-vhr" in path.name)[0]
    config = str(closed.root / "run.yaml")
    closed.server.page(f"/{victim.relative_to(closed.root).as_posix()}", lambda _: (403, {}, SIGNATURE.encode()))
    code = main(["run", config, *closed.settings])
    said = capsys.readouterr()
    assert code == 3
    assert victim.name in said.out
    assert "403" in said.out
    assert silent(said.out + said.err)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["unobserved_km"]["read_failure"] > 0
    assert record["failures"][0]["trace"]
    assert leaks(tmp_path / "out", tmp_path / "cache") == []


@pytest.mark.parametrize("command", ["plan", "check", "run"])
def test_a_wrong_token_is_not_repeated_to_the_user(
    closed: Closed, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUYU_TOKEN_127_0_0_1", f"{PASSWORD}-wrong")
    config = str(closed.root / "run.yaml")
    assert main([command, config, *closed.settings]) == 2
    said = capsys.readouterr()
    assert "401" in said.err
    assert "credentials" in said.err
    assert silent(said.out + said.err)
    assert main([command, config, *closed.settings, "--debug"]) == 2
    said = capsys.readouterr()
    assert "Traceback" in said.err
    assert silent(said.out + said.err)


def test_a_job_shows_no_secret_when_it_is_printed(closed: Closed) -> None:
    options = closed.settings[1::2]
    plan = make_plan(RunConfig.load(closed.root / "run.yaml", options))
    job = pickle.loads(pickle.dumps(next(iter(plan.jobs()))))  # noqa: S301  our own
    assert SIGNATURE in next(iter(job.after[0].files.values())).href, "the job itself must be able to read"
    assert silent(repr(job))
    assert silent(repr(plan))
