"""What the module helm_release_restore does with a release that stopped half-way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import helm_release_restore
import pytest
import yaml
from ansible.module_utils.helm_release_drift import foreign_remedy


class ScriptedRelease(helm_release_restore.Release):
    """A release whose Helm and kubectl are scripted: `history` revisions, a manifest, objects."""

    def __init__(
        self,
        *statuses: str,
        manifest: str = "",
        items: list[Any] | None = None,
        additions: list[Any] | None = None,
        version: str = "v4.2.3",
    ) -> None:
        super().__init__(
            {
                "name": "web",
                "namespace": "shop",
                "additions": additions or [],
                "message": "",
                "helm": "helm",
                "kubectl": "kubectl",
                "kubeconfig": "config",
                "timeout": 1,
                "history_max": 5,
            }
        )
        self.statuses = statuses
        self.manifest = manifest
        self.items = items or []
        self.version = version
        self.done: list[str] = []

    def wait_for_running_helm(self) -> None:
        """No Helm runs in these tests."""

    def run(self, *command: str, namespace: str = "") -> str:
        words = " ".join(command)
        if words.startswith("helm history"):
            revisions = enumerate(self.statuses, start=1)
            return json.dumps(
                [{"revision": number, "status": status} for number, status in revisions]
            )
        if words.startswith("helm version"):
            return self.version
        if words.startswith("helm get manifest"):
            return self.manifest
        if words.startswith("helm get values"):
            return json.dumps({"storage": {"size": words.split()[-3]}})
        if words.startswith("kubectl get statefulset web"):
            return json.dumps(self.items[0])
        if words.startswith("kubectl get"):
            return json.dumps({"items": self.items})
        self.done.append(words)
        return ""


@pytest.mark.parametrize(
    ("statuses", "state", "target"),
    [
        (("superseded", "deployed", "pending-upgrade"), "pending", "rollback web 2"),
        (("deployed", "failed", "pending-rollback"), "pending", "rollback web 1"),
        (("superseded", "deployed", "failed"), "failed", "rollback web 2"),
        (("superseded", "deployed"), "drifted", "rollback web 2"),
    ],
)
def test_last_deployed_revision_is_applied_again(
    statuses: tuple[str, ...], state: str, target: str
) -> None:
    release = ScriptedRelease(*statuses)
    assert helm_release_restore.restore(release, state)
    (command,) = release.done
    assert target in command
    assert ("--wait" in command) is (state == "drifted")


@pytest.mark.parametrize(("version", "forces"), [("v3.17.2+g1", False), ("v4.2.3+g1", True)])
def test_helm_4_is_told_to_go_over_what_others_changed(version: str, forces: bool) -> None:
    """On the server, whichever Helm made the revision: it refuses to force anything else."""
    release = ScriptedRelease("deployed", version=version)
    helm_release_restore.restore(release, "drifted")
    assert ("--server-side=true --force-conflicts" in release.done[0]) is forces


def test_what_was_added_is_taken_out_before_the_revision_is_applied() -> None:
    patch: dict[str, Any] = {"spec": {"template": {}}}
    added = {"object": "Deployment/web", "namespace": "shop", "patch": patch}
    release = ScriptedRelease("deployed", additions=[added])
    helm_release_restore.restore(release, "drifted")
    assert release.done[0] == (
        f"kubectl patch Deployment/web --type strategic --patch {json.dumps(patch)}"
    )
    assert release.done[1].startswith("helm rollback web 1")


@pytest.mark.parametrize("status", ["pending-install", "uninstalling"])
def test_release_that_never_was_good_is_uninstalled(status: str) -> None:
    release = ScriptedRelease(status, manifest="kind: Service\n")
    assert "uninstalled" in helm_release_restore.restore(release, "pending")
    assert release.done[0].startswith("helm uninstall web --wait")


@pytest.mark.parametrize(
    "manifest",
    [
        "kind: Service\n---\nkind: PersistentVolumeClaim\n",
        "kind: List\nitems: [{kind: Service}, {kind: PersistentVolumeClaim}]\n",
    ],
)
def test_volume_of_a_half_way_installation_is_never_deleted(manifest: str) -> None:
    release = ScriptedRelease("pending-install", manifest=manifest)
    helm_release_restore.restore(release, "pending")
    assert release.done == ["kubectl delete secret --selector owner=helm,name=web"]


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("deployed",), "pending"),
        (("superseded", "deployed"), "failed"),
        (("failed",), "failed"),
        ((), "failed"),
    ],
)
def test_nothing_is_done_where_nothing_can_be_or_needs_to_be(
    statuses: tuple[str, ...], state: str
) -> None:
    release = ScriptedRelease(*statuses)
    assert helm_release_restore.restore(release, state) == ""
    assert release.done == []


def pod(revision: str, reason: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"web-{revision}",
            "labels": {"controller-revision-hash": revision},
            "ownerReferences": [{"kind": "StatefulSet", "name": "web"}],
        },
        "status": {"containerStatuses": [{"state": {"waiting": {"reason": reason}}}]},
    }


def test_only_outdated_pods_that_cannot_start_are_deleted() -> None:
    stateful_set = {
        "kind": "StatefulSet",
        "metadata": {"name": "web", "generation": 2},
        "status": {"updateRevision": "new", "observedGeneration": 2},
    }
    pods = [
        pod("bad", "ImagePullBackOff"),
        pod("new", "ImagePullBackOff"),
        pod("starting", "ContainerCreating"),
    ]
    release = ScriptedRelease("deployed", items=[stateful_set, *pods])
    assert "web-bad" in helm_release_restore.restore(release, "blocked")
    assert release.done == ["kubectl delete pod --wait=false web-bad"]


@pytest.mark.parametrize(
    ("program", "words", "environment", "works"),
    [
        ("helm", "upgrade -i web chart.tgz --namespace shop", {}, True),
        ("helm-4", "--namespace=shop rollback web 2", {}, True),
        ("helm-4", "-n shop uninstall web", {}, True),
        # As kubernetes.core does.
        ("helm-4", "upgrade -i web chart.tgz", {"HELM_NAMESPACE": "shop"}, True),
        # Nobody says where: waiting does no harm.
        ("helm", "upgrade -i web chart.tgz", {}, True),
        ("helm", "upgrade -i web chart.tgz --namespace other", {}, False),
        ("helm", "upgrade -i web chart.tgz", {"HELM_NAMESPACE": "other"}, False),
        ("helm", "upgrade -i webs chart.tgz --namespace shop", {}, False),
        ("helm", "history web --namespace shop", {}, False),
        ("elm", "upgrade -i web chart.tgz --namespace shop", {}, False),
    ],
)
def test_helm_at_work_on_the_release_is_seen(
    tmp_path: Path, program: str, words: str, environment: dict[str, str], works: bool
) -> None:
    path = tmp_path / "a folder" / program
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho started\nread end\n")
    path.chmod(0o755)
    # A name that no other process has.
    name = f"web-{os.getpid()}"
    with subprocess.Popen(
        [path, *words.replace("web", name).split()],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        seen = helm_release_restore.running_helm(name, "shop", "/opt/programs/helm-4")
        process.communicate()
    assert seen is works


def stateful_set(storage: str, **spec: Any) -> dict[str, Any]:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"resources": {"requests": {"storage": storage}}},
    }
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "web"},
        "spec": {"volumeClaimTemplates": [claim], "serviceName": "web", **spec},
    }


FORBIDDEN = 'StatefulSet.apps "web" is invalid: spec: Forbidden: updates to statefulset spec'


def test_field_that_cannot_be_changed_is_named_with_value_and_remedy() -> None:
    wanted = yaml.safe_dump(stateful_set("2Gi", replicas=3))
    running = stateful_set("1Gi", replicas=1, podManagementPolicy="OrderedReady")
    release = ScriptedRelease("deployed", "failed", manifest=wanted, items=[running])
    (remedy,) = helm_release_restore.remedies(release, FORBIDDEN)
    path = "spec.volumeClaimTemplates[0].spec.resources.requests.storage"
    assert f"StatefulSet web: {path} cannot be changed in place" in remedy
    assert "(changed in this release's values: storage.size)" in remedy
    assert "`kubectl delete statefulset web --namespace shop --cascade=orphan`" in remedy


@pytest.mark.parametrize("running", [stateful_set("2048Mi"), stateful_set("2Gi", replicas=9)])
def test_field_that_can_be_changed_is_not_blamed(running: dict[str, Any]) -> None:
    wanted = yaml.safe_dump(stateful_set("2Gi"))
    release = ScriptedRelease("deployed", "failed", manifest=wanted, items=[running])
    assert helm_release_restore.remedies(release, FORBIDDEN) == []


def test_object_of_somebody_else_is_named_with_the_remedy() -> None:
    message = (
        'INSTALLATION FAILED: unable to continue with install: ConfigMap "web" in namespace "shop" '
        "exists and cannot be imported into the current release: invalid ownership metadata; label "
        'validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"'
    )
    (remedy,) = helm_release_restore.remedies(ScriptedRelease(), message)
    assert "ConfigMap web is not of release web" in remedy
    assert "`kubectl delete configmap web --namespace shop`" in remedy
    assert "meta.helm.sh/release-namespace=shop" in remedy
    assert foreign_remedy("another operation is in progress", "web", "shop") == ""
