"""The whole platform on two nodes, with a network that enforces the policies.

A cluster of its own, beside that of the other tests: its network is chosen when a cluster is made.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from e2e import support
from e2e.support import ROOT, playbook
from waiting import wait_until

# It brings up a whole platform.
pytestmark = pytest.mark.timeout(1800)
STATE = ROOT / ".state" / "two nodes"
SETTINGS = {
    "platform_state_dir": str(STATE),
    "platform_http_port": 8090,
    "platform_https_port": 8453,
    "minikube_cni": "kube-router",
}
TWO = SETTINGS | {"minikube_nodes": 2}
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


def site(settings: dict[str, Any], name: str = "site.yml") -> str:
    return playbook(name, "--extra-vars", json.dumps(settings))


kubectl = functools.partial(support.kubectl, state=STATE)


def nodes() -> dict[str, bool]:
    """The nodes by name, and whether each is ready."""
    return {
        node["metadata"]["name"]: any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node["status"]["conditions"]
        )
        for node in json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    }


@pytest.fixture(scope="module", autouse=True)
def second() -> Iterator[str]:
    """The name of the second node of a running platform, which had one node at first."""
    try:
        site(SETTINGS)
        site(TWO)
        (first, second) = sorted(nodes())
        assert second == f"{first}-m02"
        yield second
    finally:
        site(TWO | {"teardown_force": True}, "playbooks/teardown.yml")


def reached(
    expected: dict[str, bool],
    node: str,
    namespace: str = "default",
    labels: dict[str, str] | None = None,
) -> dict[str, bool]:
    """Which addresses a new pod can connect to, asked until it is as expected or in vain."""
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": namespace, "labels": labels or {}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": node},
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": kubectl("get", "deployment/backend", "-n", "todo", "-o", image),
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
    kubectl("apply", "-f", "-", given=json.dumps(pod))
    place = ("pod/probe", "-n", namespace)
    try:
        phase = ("get", *place, "-o", "jsonpath={.status.phase}")
        wait_until(lambda: kubectl(*phase) in ("Succeeded", "Failed"), "the end of the probe")
        found: dict[str, bool] = json.loads(kubectl("logs", *place))
    finally:
        kubectl("delete", *place, "--now")
    return found


def test_a_second_run_changes_nothing() -> None:
    assert set(nodes().values()) == {True}
    output = site(TWO)
    assert "changed=0" in output
    # Such as the memory of the node that was added.
    assert "goes on with what it was made with" not in output


def test_a_stranger_reaches_the_ingress_controller_and_nothing_behind_it() -> None:
    expected = APPLICATION | {"traefik.ingress:80": True}
    for node in nodes():
        assert reached(expected, node) == expected


def test_a_pod_of_the_namespace_reaches_what_its_labels_allow(second: str) -> None:
    expected = APPLICATION | {"backend.todo:8000": True}
    for node in nodes():
        assert reached(expected, node, "todo", FRONTEND) == expected
    # Without labels not even a name can be looked up.
    assert reached(APPLICATION, second, "todo") == APPLICATION


def test_a_backup_gets_through() -> None:
    kubectl("create", "job", "-n", "todo", "--from=cronjob/postgres-backup", "by-hand")
    kubectl("wait", "-n", "todo", "job/by-hand", "--for=condition=Complete", "--timeout=100s")


def test_a_node_whose_container_was_removed_comes_back_with_its_volumes(second: str) -> None:
    kept = "/var/lib/local-path-provisioner/kept"
    support.docker("exec", second, "install", "-D", "/etc/hostname", kept)
    support.docker("container", "rm", "--force", second)
    site(TWO)
    assert set(nodes().values()) == {True}
    support.docker("exec", second, "test", "-e", kept)
    expected = APPLICATION | {"backend.todo:8000": True}
    assert reached(expected, second, "todo", FRONTEND) == expected
    assert "changed=0" in site(TWO)
