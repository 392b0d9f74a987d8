"""The network between pods: policies that are enforced, on one node and between two."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from e2e.support import ROOT, kubectl, kubectl_json, playbook, wait_until

APPLICATION = {
    "postgres.todo:5432": False,
    "mcp-server.todo:8000": False,
    "backend.todo:8000": False,
    "frontend.todo:3000": False,
}
FRONTEND = {
    f"app.kubernetes.io/{key}": value
    for key, value in {"name": "frontend", "instance": "frontend", "component": "server"}.items()
}
# Tries until all is as expected, for a new pod's address takes a moment to reach the firewalls.
PROBE = """
import json, socket, sys, time
expected = json.loads(sys.argv[1])
def is_open(address):
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
    except OSError:
        return False
    return True
until = time.monotonic() + 40
while True:
    found = {address: is_open(address) for address in expected}
    if found == expected or time.monotonic() > until:
        break
    time.sleep(0.5)
print(json.dumps(found))
"""


@pytest.fixture(scope="module", autouse=True)
def enforcing() -> None:
    """Only where the cluster's network enforces policies."""
    pods = kubectl_json("get", "pods", "-n", "kube-system")["items"]
    if not any(pod["metadata"]["name"].startswith(("kube-router-", "calico-")) for pod in pods):
        pytest.skip("the cluster's network enforces no policies: see minikube_cni")


def reached(
    expected: dict[str, bool],
    *,
    namespace: str = "default",
    labels: dict[str, str] | None = None,
    node: str = "",
) -> dict[str, bool]:
    """Which addresses a new pod can connect to, asked until it is as expected or in vain."""
    backend = kubectl_json("get", "deployment", "backend", "-n", "todo")
    image = backend["spec"]["template"]["spec"]["containers"][0]["image"]
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "e2e-probe", "namespace": namespace, "labels": labels or {}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "command": ["python", "-c", PROBE, json.dumps(expected)],
                    # Never ready, so that no Service with these labels leads to it.
                    "readinessProbe": {"exec": {"command": ["/none"]}, "periodSeconds": 60},
                    "resources": {"limits": {"cpu": "200m", "memory": "64Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
    command = ("kubectl", "--kubeconfig", str(ROOT / ".state" / "kubeconfig"), "apply", "-f", "-")
    subprocess.run(command, input=json.dumps(pod), check=True, capture_output=True, text=True)
    place = ("pod", "e2e-probe", "-n", namespace)
    try:
        wait_until(
            lambda: kubectl_json("get", *place)["status"]["phase"] in ("Succeeded", "Failed"),
            "the end of the probe",
        )
        said = kubectl("logs", "e2e-probe", "-n", namespace)
    finally:
        kubectl("delete", *place, "--now")
    found: dict[str, bool] = json.loads(said)
    return found


def test_a_stranger_reaches_the_ingress_controller_and_nothing_behind_it() -> None:
    expected = APPLICATION | {"traefik.ingress:80": True}
    assert reached(expected) == expected


def test_a_pod_of_the_namespace_reaches_what_its_labels_allow() -> None:
    expected = APPLICATION | {"backend.todo:8000": True}
    assert reached(expected, namespace="todo", labels=FRONTEND) == expected
    # Without labels not even a name can be looked up.
    assert reached(APPLICATION, namespace="todo") == APPLICATION


@pytest.fixture
def second_node() -> Iterator[str]:
    """Adds a node to the running cluster; its name. It is gone after the test."""
    profile = kubectl("config", "current-context").strip()
    try:
        playbook("site.yml", "--extra-vars", "minikube_nodes=2")
        yield f"{profile}-m02"
    finally:
        subprocess.run(
            [ROOT / ".state/minikube/program", "node", "delete", "m02", f"--profile={profile}"],
            check=True,
            capture_output=True,
            timeout=300,
            env=os.environ
            | {
                "MINIKUBE_HOME": str(ROOT / ".state" / "minikube"),
                "KUBECONFIG": str(ROOT / ".state" / "kubeconfig"),
            },
        )


def test_a_second_node_joins_with_routes_and_policies(second_node: str) -> None:
    nodes = kubectl_json("get", "nodes")["items"]
    assert second_node in [node["metadata"]["name"] for node in nodes]
    ready = [c["status"] for n in nodes for c in n["status"]["conditions"] if c["type"] == "Ready"]
    assert ready == ["True", "True"]
    assert "changed=0" in playbook("site.yml", "--extra-vars", "minikube_nodes=2")

    expected = APPLICATION | {"traefik.ingress:80": True}
    assert reached(expected, node=second_node) == expected
    expected = APPLICATION | {"backend.todo:8000": True}
    assert reached(expected, namespace="todo", labels=FRONTEND, node=second_node) == expected
