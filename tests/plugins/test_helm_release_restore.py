"""What the module helm_release_restore does with a release that stopped half-way."""

from __future__ import annotations

import json
from typing import Any

import helm_release_restore
import pytest


class ScriptedRelease(helm_release_restore.Release):
    """A release whose Helm and kubectl are scripted: `history` revisions, a manifest, objects."""

    def __init__(
        self,
        *statuses: str,
        manifest: str = "",
        items: list[Any] | None = None,
        additions: list[Any] | None = None,
    ) -> None:
        super().__init__(
            {
                "name": "web",
                "namespace": "shop",
                "additions": additions or [],
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
            return "v4.2.3"
        if words.startswith("helm get manifest"):
            return self.manifest
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


def test_volume_of_a_half_way_installation_is_never_deleted() -> None:
    manifest = "kind: Service\n---\nkind: PersistentVolumeClaim\n"
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
