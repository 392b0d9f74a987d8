"""Manifests for the common requests, without a model: a new service, a CronJob, an autoscaler, a
network policy, a disruption budget. They meet the rules that the platform's charts meet."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from todo_operations.cli import CommandError

Json = dict[str, Any]
UID = 10001
NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")
IMAGE = re.compile(r"[a-z0-9][\w./-]*(:[0-9]+/[\w./-]+)?(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})")


@dataclass
class Settings:
    """What a request says: `name=value` words, and the name after "for", "called" or "named"."""

    namespace: str
    given: dict[str, str]
    used: set[str] = field(default_factory=set)

    def text(self, name: str, default: str | None = None, pattern: str = r".+") -> str:
        self.used.add(name)
        value = self.given.get(name, default)
        if value is None:
            raise CommandError(f"the request names no {name}: add {name}=..., as in `{EXAMPLE}`")
        if not re.fullmatch(pattern, value):
            raise CommandError(f"{name}={value} cannot be used; it must match {pattern}")
        return value

    def number(self, name: str, default: int, low: int = 1, high: int = 65535) -> int:
        value = int(self.text(name, str(default), r"\d{1,6}"))
        if not low <= value <= high:
            raise CommandError(f"{name}={value} is out of range; {low} to {high}")
        return value

    @property
    def name(self) -> str:
        return self.text("name", None, NAME.pattern)


EXAMPLE = "new service name=notes image=localhost/todo/notes:1.0 port=8000"


def labels(name: str) -> Json:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "server"}


def metadata(settings: Settings, name: str | None = None) -> Json:
    name = name or settings.name
    return {
        "name": name,
        "namespace": settings.namespace,
        "labels": {**labels(name), "app.kubernetes.io/managed-by": "todo-operations"},
    }


def pod(settings: Settings, container: Json, **fields: Any) -> Json:
    """A pod that Pod Security "restricted" admits, without a token and with bounds."""
    identity = {"runAsUser": UID, "runAsGroup": UID, "runAsNonRoot": True}
    seccomp = {"seccompProfile": {"type": "RuntimeDefault"}}
    memory = settings.text("memory", "128Mi", r"[1-9]\d*(Mi|Gi)")
    return {
        "serviceAccountName": settings.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {**identity, **seccomp, "fsGroup": UID},
        "containers": [
            {
                "name": settings.name,
                "image": settings.text("image", None, IMAGE.pattern),
                "imagePullPolicy": "IfNotPresent",
                "securityContext": {
                    **identity,
                    **seccomp,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "privileged": False,
                    "readOnlyRootFilesystem": True,
                },
                "resources": {
                    "requests": {"cpu": "50m", "memory": memory, "ephemeral-storage": "32Mi"},
                    "limits": {"cpu": "500m", "memory": memory, "ephemeral-storage": "128Mi"},
                },
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
                **container,
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
        **fields,
    }


def account(settings: Settings) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(settings),
        "automountServiceAccountToken": False,
    }


def policy(settings: Settings, ingress: list[Json], egress: list[Json]) -> Json:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(settings),
        "spec": {
            "podSelector": {"matchLabels": labels(settings.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


def dns() -> Json:
    return {
        "to": [
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": "kube-system"}
                },
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def callers(settings: Settings, port: int) -> list[Json]:
    """The pods of `from=a,b` on the port; nobody without it."""
    names = settings.text("from", "", r"[-a-z0-9,]*")
    peers = [{"podSelector": {"matchLabels": labels(name)}} for name in names.split(",") if name]
    return [{"from": peers, "ports": [{"protocol": "TCP", "port": port}]}] if peers else []


def service(settings: Settings) -> list[Json]:
    name, port = settings.name, settings.number("port", 8000, 1024)
    probe = {"httpGet": {"path": settings.text("live", "/livez", r"/[\w/.-]*"), "port": "http"}}
    ready = {"httpGet": {"path": settings.text("ready", "/readyz", r"/[\w/.-]*"), "port": "http"}}
    container = {
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "startupProbe": {**probe, "periodSeconds": 1, "failureThreshold": 60},
        "livenessProbe": {**probe, "periodSeconds": 10},
        "readinessProbe": {**ready, "periodSeconds": 2},
    }
    selector = {"matchLabels": labels(name)}
    template = {"metadata": {"labels": labels(name)}, "spec": pod(settings, container)}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(settings),
        "spec": {
            "replicas": 1,
            "selector": selector,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": template,
        },
    }
    door = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(settings),
        "spec": {
            "type": "ClusterIP",
            "selector": labels(name),
            "ports": [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}],
        },
    }
    return [account(settings), deployment, door, policy(settings, callers(settings, port), [dns()])]


def cronjob(settings: Settings) -> list[Json]:
    command = settings.text("command", None).split(",")
    job = {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 600,
        "ttlSecondsAfterFinished": 86400,
        "template": {
            "metadata": {"labels": labels(settings.name)},
            "spec": pod(settings, {"command": command}, restartPolicy="Never"),
        },
    }
    schedule = settings.text("schedule", "@daily").replace("_", " ")
    return [
        account(settings),
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": metadata(settings),
            "spec": {
                "schedule": schedule,
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": 300,
                "successfulJobsHistoryLimit": 1,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": {"spec": job},
            },
        },
        policy(settings, [], [dns()]),
    ]


def autoscaler(settings: Settings) -> list[Json]:
    low, high = settings.number("min", 1, 1, 100), settings.number("max", 4, 1, 100)
    if high < low:
        raise CommandError(f"max={high} is below min={low}")
    target = {"type": "Utilization", "averageUtilization": settings.number("cpu", 70, 1, 100)}
    return [
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata(settings),
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": settings.name,
                },
                "minReplicas": low,
                "maxReplicas": high,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            },
        }
    ]


def network_policy(settings: Settings) -> list[Json]:
    port = settings.number("port", 8000, 1)
    made = policy(settings, callers(settings, port), [dns()])
    made["metadata"]["name"] = f"{settings.name}-generated"
    return [made]


def budget(settings: Settings) -> list[Json]:
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(settings),
            "spec": {
                "maxUnavailable": settings.number("unavailable", 1, 1, 100),
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": {"matchLabels": labels(settings.name)},
            },
        }
    ]


# The words by which a request is known; the first that is found decides.
TEMPLATES: list[tuple[str, Callable[[Settings], list[Json]]]] = [
    (r"cron ?job|every (day|night|hour|week)", cronjob),
    (r"hpa|autoscal\w*|horizontalpodautoscaler", autoscaler),
    (r"network ?policy", network_policy),
    (r"pdb|disruption ?budget", budget),
    (r"service|deployment", service),
]


# Those that a chart of the platform makes by its values, where it runs more than one pod.
SCALING = (autoscaler, budget)


def _read(request: str, namespace: str) -> tuple[Callable[[Settings], list[Json]] | None, Settings]:
    """The template that a request in words asks for, None when none fits, and its settings."""
    given = dict(re.findall(r"(\w+)=(\S+)", request))
    words = re.sub(r"\w+=\S+", "", request)
    named = re.search(r"\b(?:for|called|named)\s+(?:the\s+)?([a-z][-a-z0-9]*)", words)
    if named:
        given.setdefault("name", named[1])
    for pattern, template in TEMPLATES:
        if re.search(rf"\b({pattern})\b", words, re.IGNORECASE):
            return template, Settings(namespace, given)
    return None, Settings(namespace, given)


def _make(template: Callable[[Settings], list[Json]], settings: Settings) -> list[Json]:
    made = template(settings)
    if unknown := set(settings.given) - settings.used:
        raise CommandError(
            f"the request has settings of no meaning: {', '.join(sorted(unknown))}"
            f"; this template has {', '.join(sorted(settings.used))}"
        )
    return made


def fill(request: str, namespace: str) -> list[Json]:
    """The manifests for a request in words. Raises CommandError when no template fits, a setting
    is missing or one is not understood."""
    template, settings = _read(request, namespace)
    if template is None:
        raise CommandError(
            "no template fits the request, and no model is configured (OPENAI_MODEL and "
            "OPENAI_BASE_URL or OPENAI_API_KEY). There are templates for service, cronjob, hpa, "
            f"network policy and pdb, as in `{EXAMPLE}`"
        )
    return _make(template, settings)


def scaled(request: str) -> str:
    """The workload for which a request wants an autoscaler or a disruption budget; empty when it
    wants something else."""
    template, settings = _read(request, "")
    return settings.given.get("name", "") if template in SCALING else ""


def scaling(request: str, present: Json) -> Json:
    """What makes a chart of the platform make the autoscaler or the disruption budget itself, on
    top of the values that its release has now. Raises CommandError as `fill` does."""
    template, settings = _read(request, "")
    assert template is not None
    # For its checks alone.
    _make(template, settings)
    if template is autoscaler:
        scaling: Json = {"enabled": True}
        if "max" in settings.given:
            scaling["maxReplicas"] = int(settings.given["max"])
        if "cpu" in settings.given:
            scaling["targetCPUUtilizationPercentage"] = int(settings.given["cpu"])
        # The lower bound, which stays as it is unless it was asked for.
        replicas = {"replicas": int(settings.given["min"])} if "min" in settings.given else {}
        return {**replicas, "autoscaling": scaling}
    if settings.number("unavailable", 1) != 1:
        raise CommandError(
            f"the budget that the chart {settings.name} makes lets one pod be away, not "
            f"{settings.given['unavailable']}; leave unavailable= out"
        )
    if present.get("replicas", 1) > 1 or (present.get("autoscaling") or {}).get("enabled"):
        raise CommandError(
            f"there is nothing to draft: {settings.name} may have several pods, so its release "
            "has a disruption budget (`kubectl get pdb`)"
        )
    # Of a single pod nothing can be kept running while it is away.
    return {"replicas": 2}
