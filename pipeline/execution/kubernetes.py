"""Workers as pods: the Dask operator starts scheduler and workers from a resource that is made here."""

from __future__ import annotations

import os
from typing import Any

from ..errors import ConfigError
from .options import DaskOptions, KubernetesOptions
from .worker import ENVIRONMENT, settings_as_environment

_NO_TLS = (
    "dask.scheduler: kubernetes: the Dask operator starts schedulers without TLS, and whoever reaches one in the cluster"
    " runs programs as its user; start scheduler and workers from configs/deploy/kubernetes and give tls://… as the"
    " scheduler, or say dask.insecure: true where a NetworkPolicy keeps others away"
)


def kubernetes_cluster(options: DaskOptions, memory_bytes: int) -> Any:
    """A ``KubeCluster`` that is up; ConfigError without dask-kubernetes, the operator, or leave to go without TLS."""
    if not options.insecure:
        raise ConfigError(_NO_TLS)
    try:
        import httpx
        import kr8s
        from dask_kubernetes.operator import KubeCluster
        from dask_kubernetes.operator.kubecluster.kubecluster import SchedulerStartupError
    except ImportError as error:
        raise ConfigError("dask.scheduler: kubernetes needs dask-kubernetes; pip install 'luyu[cluster]'") from error
    pods = _pods(options)
    refusals = (
        ValueError,
        OSError,
        RuntimeError,
        TimeoutError,
        httpx.HTTPError,
        kr8s.ServerError,
        kr8s.APITimeoutError,
    )
    try:
        return KubeCluster(
            custom_cluster_spec=cluster_spec(options, memory_bytes),
            namespace=pods.namespace,
            shutdown_on_close=True,
            quiet=True,
        )
    except (*refusals, SchedulerStartupError) as error:
        raise ConfigError(
            f"dask.kubernetes: no scheduler came up in namespace {pods.namespace!r}: {error}; is the Dask operator"
            " installed, and may this account create DaskCluster resources?"
        ) from error


def cluster_spec(options: DaskOptions, memory_bytes: int) -> dict[str, Any]:
    """The ``DaskCluster`` resource: pods that are not root, with limits, variables, Secrets and volumes as configured."""
    from dask_kubernetes.operator import make_cluster_spec

    pods = _pods(options)
    limits = {"cpu": f"{pods.cpu:g}", "memory": str(memory_bytes)}
    variables = {**ENVIRONMENT, **settings_as_environment(), **options.env}
    spec = make_cluster_spec(
        name=f"luyu-{os.urandom(4).hex()}",
        image=pods.image,
        n_workers=options.workers,
        env=variables,
        resources={"requests": limits, "limits": limits},
        worker_command=["dask", "worker", "--nthreads", "1", "--memory-limit", str(memory_bytes)],
    )
    scheduler, worker = spec["spec"]["scheduler"]["spec"], spec["spec"]["worker"]["spec"]
    # make_cluster_spec asks for a dashboard in each worker, on all interfaces.
    args = worker["containers"][0]["args"]
    worker["containers"][0] |= {
        "args": [*args[: args.index("--dashboard")], "--no-dashboard", "--dashboard-address", "127.0.0.1:0"],
        "ports": [],
    }
    retries = {"name": "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "value": str(options.retries)}
    scheduler["containers"][0]["env"].append(retries)
    for pod in (scheduler, worker):
        _harden(pod, pods)
    worker["containers"][0] |= {
        "envFrom": [{"secretRef": {"name": name}} for name in pods.secrets],
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in pods.claims.items()],
    }
    worker["volumes"] = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in pods.claims]
    return spec


def _harden(pod: dict[str, Any], pods: KubernetesOptions) -> None:
    """No root, no rights that a worker does not need, no account of the cluster's own."""
    pod["automountServiceAccountToken"] = False
    if pods.service_account is not None:
        pod["serviceAccountName"] = pods.service_account
    pod["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pod["containers"][0] |= {
        "imagePullPolicy": pods.pull_policy,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _pods(options: DaskOptions) -> KubernetesOptions:
    if options.kubernetes is None:
        raise ConfigError("dask.scheduler: kubernetes needs dask.kubernetes")
    return options.kubernetes
