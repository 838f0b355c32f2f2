"""The deployment examples: what the tools they are for would say of them, as far as that can be asked here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from pipeline.execution import DaskOptions
from pipeline.execution.worker import ENVIRONMENT, settings_as_environment

DEPLOY = Path(__file__).resolve().parents[2] / "configs" / "deploy"
BLOCKS = sorted(DEPLOY.glob("*/dask*.yaml"))
RESOURCES = [one for one in YAML(typ="safe").load_all(DEPLOY / "kubernetes" / "luyu.yaml") if one]


def pods() -> dict[str, dict]:
    """Pod specs by the role in their labels."""
    found = {}
    for resource in RESOURCES:
        spec = resource["spec"].get("jobTemplate", resource)["spec"]
        if "template" in spec:
            found[spec["template"]["metadata"]["labels"]["role"]] = spec["template"]["spec"]
    return found


def variables(pod: dict) -> dict[str, str]:
    return {one["name"]: one["value"] for one in pod["containers"][0]["env"]}


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_block_is_a_configuration_that_needs_no_more(path: Path) -> None:
    options = DaskOptions.model_validate(YAML(typ="safe").load(path)["dask"])
    assert options.insecure == (path.stem == "dask_operator")


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_takes_each_resource(resource: dict, version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_a_wrong_resource_would_be_seen() -> None:
    wrong = {**RESOURCES[0], "spec": {**RESOURCES[0]["spec"], "accessMode": "x"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_pods_are_not_root_write_nothing_and_hold_no_account() -> None:
    assert set(pods()) == {"scheduler", "worker", "run"}
    for pod in pods().values():
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]
        mounted = {one["name"] for one in container["volumeMounts"]}
        assert mounted == {one["name"] for one in pod["volumes"]}


def test_scheduler_and_workers_speak_tls_and_nobody_else_gets_in() -> None:
    for role in ("scheduler", "worker"):
        told = variables(pods()[role])
        assert told["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
        assert told[f"DASK_DISTRIBUTED__COMM__TLS__{role.upper()}__KEY"] == "/tls/key.pem"
    (policy,) = [one["spec"] for one in RESOURCES if one["kind"] == "NetworkPolicy"]
    (rule,) = policy["ingress"]
    assert rule == {"from": [{"podSelector": policy["podSelector"]}]}


def test_workers_are_told_what_the_run_tells_its_own() -> None:
    assert {**ENVIRONMENT, **settings_as_environment()}.items() - variables(pods()["worker"]).items() == {
        # Kept by the limits of the pod, and by its health being none of the network's business.
        ("DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE", "0.95"),
        ("DASK_DISTRIBUTED__WORKER__HTTP__ROUTES", "['distributed.http.health']"),
    }


def test_the_batch_job_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", DEPLOY / "slurm" / "luyu.sbatch"], check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units() -> None:
    units = [DEPLOY / "weekly" / f"luyu-weekly.{kind}" for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    # The one thing that it may miss here is the program itself.
    assert [
        line for line in done.stderr.splitlines() if "luyu-weekly" in line and "is not executable" not in line
    ] == []
    when = re.search(r"OnCalendar=(.*)", units[1].read_text(encoding="utf-8"))
    assert when is not None
    subprocess.run(["systemd-analyze", "calendar", when[1]], check=True, capture_output=True)


def test_the_image_installs_by_hash_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in text
    assert text.index("USER 10001") < text.index("CMD")
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    root = DEPLOY.parents[1]
    assert all((root / path).exists() for line in copied for path in line.split())
