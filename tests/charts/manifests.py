"""What the tests ask of rendered objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

# Values that make each chart render all it can.
EVERYTHING: dict[str, Manifest] = {
    "namespace": {},
    "postgres": {
        "priorityClassName": "todo-data",
        "settings": {"work_mem": "8MB"},
        "archive": {"enabled": True},
    },
    "mcp-server": {
        "replicas": 2,
        "agents": {"namespace": "agents", "controllerNamespace": "kagent"},
        "public": True,
        "autoscaling": {"enabled": True},
        "metrics": {"namespace": "monitoring", "serviceMonitor": {"enabled": True}},
    },
    "backend": {
        "replicas": 2,
        "autoscaling": {"enabled": True},
        "metrics": {
            "namespace": "monitoring",
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        },
        "assistant": {
            "engine": "openai",
            "openai": {
                "baseUrl": "https://models.example/v1",
                "model": "small",
                "existingSecret": "todo-model",
            },
        },
        "podAnnotations": {"checksum/secrets": "abc"},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "todo", "operator": "Exists", "effect": "NoSchedule"}],
    },
    "frontend": {"replicas": 2, "autoscaling": {"enabled": True}},
    "ingress": {
        "tls": {"enabled": True},
        "mcp": {"public": True},
        "test": {"image": {"tag": "abc"}},
        "annotations": {"example.com/note": "yes"},
    },
    "traefik": {
        "namespaces": ["todo", "todo-staging"],
        "statusHostname": "localhost",
        "accessLog": True,
        "ingressClass": {"default": True},
        "metrics": {"namespace": "monitoring"},
    },
    "agents": {
        "model": {
            "baseUrl": "http://models.example:8000/v1",
            "temperature": "0.5",
            "existingSecret": "model",
        },
        "agents": {"todo-operator": {"requireApproval": ["pods_log"]}},
        "tools": {"namespaces": ["todo", "todo-staging"]},
        "todoTools": {"enabled": True, "existingSecret": "todo-token"},
        "podAnnotations": {"checksum/secrets": "abc"},
        "priorityClassName": "todo-service",
    },
}

# In place of the Ingress.
GATEWAY: Manifest = {
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateway"}]}
}
# Values that switch off all that can be.
MINIMUM: dict[str, Manifest] = {
    "namespace": {
        "resourceQuota": {"enabled": False},
        "limitRange": {"enabled": False},
        "defaultDeny": {"enabled": False},
        "priorityClasses": {"enabled": False},
    },
    "postgres": {
        "backup": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "storage": {"className": ""},
    },
    "mcp-server": {
        "networkPolicy": {"enabled": False},
        "database": {"external": True},
    },
    "backend": {
        "networkPolicy": {"enabled": False},
        "migration": {"enabled": False},
        "assistant": {"engine": "offline"},
    },
    "frontend": {"networkPolicy": {"enabled": False}},
    "ingress": {"networkPolicy": {"enabled": False}, "test": {"url": ""}},
    "traefik": {"hostPorts": {"enabled": False}, "networkPolicy": {"enabled": False}},
    "agents": {"networkPolicy": {"enabled": False}},
}


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    found = [item for item in of_kind(manifests, kind) if item["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
    return found[0]


def pod_templates(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Every pod that the objects lead to: a name for messages, and {metadata, spec}."""
    for manifest in manifests:
        kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec", {})
        if kind == "Pod":
            yield f"Pod/{name}", manifest
        elif kind in {"Deployment", "StatefulSet", "Job"}:
            yield f"{kind}/{name}", spec["template"]
        elif kind == "CronJob":
            yield f"CronJob/{name}", spec["jobTemplate"]["spec"]["template"]


def containers(pod: Manifest) -> list[Manifest]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def millicores(quantity: str) -> int:
    """CPU in thousandths of a core."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


def mebibytes(quantity: str) -> float:
    units = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1024**2}
    return float(quantity[:-2]) * units[quantity[-2:]]


def matches(selector: Manifest, labels: Manifest) -> bool:
    """Whether a label selector (matchLabels and In expressions) selects these labels."""
    wanted = selector.get("matchLabels", {}).items()
    if not all(labels.get(key) == value for key, value in wanted):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True
