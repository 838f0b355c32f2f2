"""What the configuration may say of Dask, and what it refuses with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config import RunConfig
from pipeline.errors import LuyuError
from pipeline.execution import DaskOptions

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize(
    "told",
    [
        {"scheduler": "threads", "workers": 2},
        {"scheduler": "processes", "workers": 4, "memory_gb": 1.5},
        {"scheduler": "local"},
        {"scheduler": "tcp://host:8786"},
        {"scheduler": "tls://[2001:db8::1]:8786"},
        {"scheduler": "slurm", "slurm": {"interface": "ib0"}},
        {"scheduler": "kubernetes", "kubernetes": {"image": "luyu:0.1.0"}, "insecure": True},
        {"dashboard": "127.0.0.1:8787"},
        {"scheduler": "local", "env": {"CPL_DEBUG": "ON", "HTTPS_PROXY": "http://proxy:3128", "GDAL_CACHEMAX": "64"}},
    ],
)
def test_what_may_be_said(told: dict) -> None:
    assert DaskOptions.model_validate(told)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"scheduler": "thread"}, "unknown scheduler 'thread'; known: threads, processes, local, slurm, kubernetes"),
        ({"scheduler": "tcp://user:hush@host:8786"}, "//…@host"),
        ({"scheduler": "slurm"}, "needs dask.slurm with at least 'interface'"),
        ({"scheduler": "kubernetes"}, "needs dask.kubernetes with at least 'image'"),
        ({"scheduler": "threads", "memory_gb": 2.0}, "threads share one memory"),
        ({"dashboard": ":8787"}, "not HOST:PORT"),
        ({"env": {"LUYU_TOKEN_X": "hush"}}, "LUYU_TOKEN_X looks like a secret"),
        ({"env": {"AWS_SECRET_ACCESS_KEY": "hush"}}, "AWS_SECRET_ACCESS_KEY looks like a secret"),
        ({"env": {"HTTPS_PROXY": "http://me:hush@proxy"}}, "HTTPS_PROXY looks like a secret"),
        ({"scheduler": "threads", "env": {"A": "b"}}, "only workers that the run starts"),
        ({"env": {"A B": "c"}}, "no name of an environment variable"),
        ({"env": {"A": "b\nrm -rf /"}}, "line break"),
        ({"slurm": {"interface": "ib0", "directives": ["--x\n#SBATCH -A other"]}}, "line break"),
        ({"slurm": {"interface": "ib0", "walltime": "soon"}}, "walltime"),
        ({"slurm": {"interface": "ib0", "partition": "x"}}, "partition"),
        ({"tls": {"ca": "a", "cert": "b"}}, "key"),
    ],
)
def test_what_is_refused_says_why_and_no_secret(told: dict, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        DaskOptions.model_validate(told)
    messages = " ".join(f"{'.'.join(map(str, e['loc']))} {e['msg']}" for e in refused.value.errors())
    assert said in messages
    assert "hush" not in messages


def test_certificates_are_relative_to_the_file_and_on_the_command_line_to_its_folder(tmp_path: Path) -> None:
    text = (CONFIGS / "county_vhr.yaml").read_text(encoding="utf-8")
    block = "dask: {scheduler: 'tls://h:1', tls: {ca: ca.pem, cert: ~/cert.pem, key: tls/key.pem}}"
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("dask:"))
    path = tmp_path / "run.yaml"
    path.write_text(f"{plain}\n{block}\n", encoding="utf-8")
    config = RunConfig.load(path, ["dask.tls.ca=mine.pem"], cwd=tmp_path / "shell")
    assert config.dask.tls is not None
    assert config.dask.tls.key == tmp_path / "tls" / "key.pem"
    assert config.dask.tls.cert == Path.home() / "cert.pem"
    assert config.dask.tls.ca == tmp_path / "shell" / "mine.pem"


def test_a_secret_in_the_file_is_refused_by_its_place_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    text = (CONFIGS / "county_vhr.yaml").read_text(encoding="utf-8")
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("dask:"))
    path.write_text(f"{plain}\ndask: {{scheduler: processes, env: {{LUYU_TOKEN_X: hush}}}}\n", encoding="utf-8")
    with pytest.raises(LuyuError, match=r"dask\.env.*LUYU_TOKEN_X looks like a secret") as refused:
        RunConfig.load(path)
    assert "hush" not in str(refused.value)
