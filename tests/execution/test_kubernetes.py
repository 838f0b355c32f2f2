"""The Dask operator's resource: what it would be given, held against the operator's own schema."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import work_tasks
from ruamel.yaml import YAML

from pipeline.errors import ConfigError
from pipeline.execution import DaskOptions, run_all
from pipeline.execution.kubernetes import cluster_spec

PODS = {
    "image": "registry.example.org/luyu:0.1.0",
    "namespace": "roads",
    "pull_policy": "Always",
    "service_account": "luyu",
    "secrets": ["luyu-access"],
    "claims": {"luyu-data": "/data"},
}


def options(**more: Any) -> DaskOptions:
    told = {"scheduler": "kubernetes", "workers": 3, "env": {"CPL_DEBUG": "ON"}, "kubernetes": PODS}
    return DaskOptions.model_validate({**told, **more})


def schema() -> dict[str, Any]:
    """The operator's custom resource definition, which its chart carries with all references laid out."""
    chart = files("dask_kubernetes") / "operator/deployment/helm/dask-kubernetes-operator/crds/daskcluster.yaml"
    definition = YAML(typ="safe").load(chart.read_text(encoding="utf-8"))
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def test_the_operator_takes_the_resource() -> None:
    spec = cluster_spec(options(), 2_000_000_000)
    jsonschema.validate(spec, schema())
    del spec["spec"]["worker"]["spec"]["containers"][0]["name"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec, schema())


def test_it_says_what_the_configuration_says() -> None:
    spec = cluster_spec(options(retries=4), 2_000_000_000)["spec"]
    assert spec["worker"]["replicas"] == 3
    worker, scheduler = (spec[role]["spec"]["containers"][0] for role in ("worker", "scheduler"))
    told = {one["name"]: one["value"] for one in worker["env"]}
    assert told["CPL_DEBUG"] == "ON"
    assert told["OMP_NUM_THREADS"] == "1"
    assert {"name": "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "value": "4"} in scheduler["env"]
    assert worker["envFrom"] == [{"secretRef": {"name": "luyu-access"}}]
    assert worker["resources"]["limits"] == {"cpu": "1", "memory": "2000000000"}
    assert worker["volumeMounts"] == [{"name": "luyu-data", "mountPath": "/data"}]
    assert worker["imagePullPolicy"] == scheduler["imagePullPolicy"] == "Always"
    assert worker["args"][:2] == ["dask", "worker"]
    assert worker["args"][-3:] == ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    for pod in (spec["worker"]["spec"], spec["scheduler"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "luyu"


def test_without_leave_it_starts_nothing_unencrypted() -> None:
    with pytest.raises(ConfigError, match=r"without TLS.*configs/deploy/kubernetes.*insecure: true"):
        list(run_all(work_tasks.square, [1], options()))


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no scheduler came up in namespace 'roads'.*Dask operator"):
        list(run_all(work_tasks.square, [1], options(insecure=True)))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kr8s", None)
    with pytest.raises(ConfigError, match=r"pip install 'luyu\[cluster\]'"):
        list(run_all(work_tasks.square, [1], options(insecure=True)))
