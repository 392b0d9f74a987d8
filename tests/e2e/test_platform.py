"""The platform around the application: what runs, how it is locked down, and that it is stable."""

from __future__ import annotations

import re

import pytest
from e2e.support import ROOT, kubectl, kubectl_json, playbook

SERVICES = ("postgres", "mcp-server", "backend", "frontend")


def test_every_pod_is_ready() -> None:
    pods = kubectl_json("get", "pods", "-n", "todo")["items"]
    ready = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for pod in pods
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
    assert set(SERVICES) <= ready


def test_the_namespace_enforces_restricted_pods() -> None:
    labels = kubectl_json("get", "namespace", "todo")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("service", SERVICES)
def test_the_container_runs_as_nobody_in_particular(service: str) -> None:
    (pod, *_) = kubectl_json(
        "get", "pods", "-n", "todo", "-l", f"app.kubernetes.io/name={service}"
    )["items"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    (container,) = pod["spec"]["containers"]
    context = pod["spec"]["securityContext"] | container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 10000
    assert set(container["resources"]["limits"]) >= {"memory", "ephemeral-storage"}
    assert not [entry for entry in container.get("env", []) if "secretKeyRef" in str(entry)]


@pytest.mark.parametrize("service", ["mcp-server", "backend", "frontend"])
def test_the_image_has_no_shell(service: str) -> None:
    with pytest.raises(Exception, match="exit status") as refused:
        kubectl("exec", "-n", "todo", f"deploy/{service}", "--", "/bin/sh", "-c", "true")
    assert refused.value.returncode != 0  # type: ignore[attr-defined]


def test_resource_use_is_measured() -> None:
    lines = kubectl("top", "pods", "-n", "todo", "--no-headers").splitlines()
    measured = {line.split()[0].rsplit("-", 1)[0] for line in lines}
    assert any(name.startswith("postgres") for name in measured)
    assert kubectl("top", "node", "--no-headers").strip()


def test_tasks_survive_their_database_pod() -> None:
    claims = kubectl_json("get", "pvc", "-n", "todo")["items"]
    assert [claim["status"]["phase"] for claim in claims]
    assert {claim["status"]["phase"] for claim in claims} == {"Bound"}


def test_a_second_run_changes_nothing() -> None:
    recap = re.search(r"changed=(\d+)", playbook("site.yml"))
    assert recap is not None
    assert recap[1] == "0"


def test_a_dry_run_of_a_running_platform_would_change_nothing() -> None:
    recap = re.search(r"changed=(\d+)", playbook("site.yml", "--check", "--diff"))
    assert recap is not None
    assert recap[1] == "0"


def test_no_secret_is_in_the_logs() -> None:
    password = kubectl(
        *("get", "secret", "-n", "todo", "todo-database"),
        *("-o", 'go-template={{index .data "superuser-password" | base64decode}}'),
    ).encode()
    assert len(password) >= 24
    leaked = [
        str(path)
        for path in (ROOT / ".state" / "logs").rglob("*")
        if path.is_file() and password in path.read_bytes()
    ]
    assert leaked == []
