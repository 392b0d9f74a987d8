"""Small evidence for rules: a cluster in a few lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAMESPACE = "shop"


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def metadata(name: str, **fields: Any) -> Object:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "creationTimestamp": ago(3600),
        "labels": {"app": name.split("-")[0], "app.kubernetes.io/instance": name},
        **fields,
    }


def owned(kind: str, name: str) -> list[Object]:
    return [{"kind": kind, "name": name, "controller": True, "uid": f"{kind}-{name}"}]


def deployment(name: str, *, ready: int = 1, wanted: int = 1, **container: Any) -> Object:
    spec = {"containers": [{"name": "main", "image": "example.com/web:1", **container}]}
    return {
        "metadata": metadata(name),
        "spec": {
            "replicas": wanted,
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
        "status": {
            "readyReplicas": ready,
            "updatedReplicas": wanted,
            "unavailableReplicas": max(wanted - ready, 0),
        },
    }


def pod(owner: str, *, ready: bool = False, age: float = 600, **status: Any) -> Object:
    """A pod of a Deployment; ``status`` is that of its one container."""
    spec = status.pop("spec", {})
    container = status.pop("container", {})
    return {
        "metadata": metadata(
            f"{owner}-1",
            creationTimestamp=ago(age),
            ownerReferences=owned("ReplicaSet", owner),
            uid=f"uid-of-{owner}",
        ),
        "spec": {
            "nodeName": "node",
            "containers": [{"name": "main", "image": "example.com/web:1", **container}],
            **spec,
        },
        "status": {
            "phase": "Running",
            "startTime": ago(age),
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [
                {"name": "main", "ready": ready, "restartCount": 0, "state": {"running": {}}}
                | status
            ],
        },
    }


def replicaset(owner: str) -> Object:
    return {"metadata": metadata(owner, ownerReferences=owned("Deployment", owner))}


def event(
    kind: str, name: str, reason: str, message: str, *, uid: str = "", **fields: Any
) -> Object:
    return {
        "metadata": metadata(f"{name}.{reason}"),
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": ago(10),
        "involvedObject": {"kind": kind, "namespace": NAMESPACE, "name": name, "uid": uid},
        **fields,
    }


def node(*conditions: tuple[str, str], images: list[str] | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"name": "node", "creationTimestamp": ago(9000)},
        "spec": spec,
        "status": {
            "images": images or ["example.com/web:1"],
            "conditions": [
                {"type": kind, "status": status, "reason": "Because", "message": f"{kind} {status}"}
                for kind, status in [("Ready", "True"), *conditions]
            ],
        },
    }


def service(name: str, *, port: int = 80) -> Object:
    return {
        "metadata": metadata(name),
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": 8000}]},
    }


def endpoints(name: str) -> Object:
    labels = {"kubernetes.io/service-name": name}
    return {
        "metadata": metadata(f"{name}-slice", labels=labels),
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
    }


def log(owner: str, *lines: str, previous: bool = False) -> Object:
    return {
        "namespace": NAMESPACE,
        "pod": f"{owner}-1",
        "container": "main",
        "previous": previous,
        "lines": list(lines),
    }


def crashed(code: int = 1, **fields: Any) -> Object:
    """The status of a container that crashes again and again."""
    ended = {"exitCode": code, "reason": "Error", "finishedAt": ago(20), "startedAt": ago(21)}
    return {
        "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {**ended, **fields}},
    }


def evidence(**parts: Any) -> Object:
    """Evidence of these objects by kind; ``logs``, ``releases`` and the like stand beside them."""
    beside = {
        name: parts.pop(name, [])
        for name in ("logs", "readiness", "secrets", "releases", "certificates", "use", "gaps")
    }
    measured = parts.pop("measured", [])
    metrics = parts.pop("metrics_api", [{"type": "Available", "status": "True"}])
    parts.setdefault("nodes", [node()])
    return {
        "version": 1,
        "collected_at": NOW.isoformat(),
        "kubernetes": "v1.35.4",
        "asked": [NAMESPACE],
        "seconds": 0.1,
        "objects": {"namespaces": [{"metadata": {"name": NAMESPACE}}], **parts},
        "nodes": measured,
        "metrics_api": metrics,
        **beside,
    }
