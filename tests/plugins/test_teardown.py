"""The platform goes from a cluster that stays: a Kubernetes API in memory, and the real Helm."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_kubernetes_api import RESOURCES, Resource, Server

ROOT = Path(__file__).resolve().parents[2]
OURS = "0.1.0+0123456789ab"
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {
        "name": "kagent",
        "namespace": "kagent",
        "labels": {"app.kubernetes.io/part-of": "todo", "app.kubernetes.io/managed-by": "ansible"},
    },
}


class Elsewhere:
    """Somebody's cluster, with what is released there."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(server.kubeconfig()))
        self.theirs = folder / "theirs"
        self.theirs.write_text(self.kubeconfig.read_text())
        chart = folder / "chart"
        (chart / "templates").mkdir(parents=True)
        (chart / "templates" / "map.yaml").write_text(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Release.Name }}}}"
        )

    def run(self, *command: str | Path, given: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ
            | {
                "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": str(self.folder / "cache"),
                "ANSIBLE_NOCOLOR": "1",
            },
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return " ".join(done.stdout.split())

    def add(self, *objects: dict[str, Any]) -> None:
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.run("kubectl", "apply", "--validate=false", "--filename", "-", given=items)

    def release(self, name: str, namespace: str, version: str = OURS) -> None:
        described = {"apiVersion": "v2", "name": name, "version": version}
        (self.folder / "chart" / "Chart.yaml").write_text(json.dumps(described))
        there = ("--namespace", namespace, "--create-namespace")
        self.run("helm", "install", name, self.folder / "chart", *there)

    def releases(self) -> set[str]:
        found = json.loads(self.run("helm", "list", "--all-namespaces", "--output", "json"))
        return {release["name"] for release in found}

    def uninstalled(self) -> list[str]:
        """The releases whose record went, in that order."""
        return [
            item["metadata"]["labels"]["name"]
            for _, event, _, plural, item in self.server.cluster.events
            if event == "DELETED" and plural == "secrets"
        ]

    def teardown(self) -> str:
        given = {
            "platform_state_dir": str(self.folder),
            "existing_cluster_kubeconfig": str(self.theirs),
            "teardown_force": True,
            # Fewer to ask for.
            "helm_release_releases": [
                {"name": name, "namespace": "todo"} for name in ("namespace", "backend")
            ],
        }
        playbook = ("ansible-playbook", "playbooks/teardown.yml")
        return self.run(*playbook, "--extra-vars", json.dumps(given))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setitem(RESOURCES, "kagent.dev/v1alpha2", [Resource("agents", "Agent")])
    with Server() as server:
        yield Elsewhere(server, tmp_path)


def test_what_was_released_goes_the_last_first(elsewhere: Elsewhere) -> None:
    """Also when the agents were switched on by an option that this run does not know."""
    released = [("namespace", "todo"), ("backend", "todo"), ("kagent-crds", "kagent")]
    released += [("kagent", "kagent"), ("agents-namespace", "agents"), ("agents", "agents")]
    for name, namespace in released:
        elsewhere.release(name, namespace)
    elsewhere.add(POLICY)
    output = elsewhere.teardown()
    assert elsewhere.releases() == set()
    assert elsewhere.uninstalled() == [name for name, _ in reversed(released)]
    assert "The platform is uninstalled" in output
    assert elsewhere.run("kubectl", "get", "networkpolicies", "--namespace", "kagent") == ""


def test_releases_of_the_same_names_that_are_somebody_elses_stay(elsewhere: Elsewhere) -> None:
    for name, namespace in (("agents", "agents"), ("kagent-crds", "kagent"), ("kagent", "kagent")):
        elsewhere.release(name, namespace, "0.10.4")
    elsewhere.teardown()
    assert elsewhere.releases() == {"agents", "kagent-crds", "kagent"}


def test_kinds_that_somebody_else_uses_stay_and_are_named(elsewhere: Elsewhere) -> None:
    for name in ("kagent-crds", "kagent"):
        elsewhere.release(name, "kagent", "0.10.4")
    metadata = {"name": "helper", "namespace": "default"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    agent = {"apiVersion": "kagent.dev/v1alpha2", "kind": "Agent", "metadata": metadata}
    elsewhere.add(POLICY, namespace, agent)
    output = elsewhere.teardown()
    assert elsewhere.releases() == {"kagent-crds"}
    assert "because others use them: Agent default/helper." in output
    assert "helm uninstall kagent-crds --namespace kagent" in output
