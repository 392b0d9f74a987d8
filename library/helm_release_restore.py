"""Ansible module: bring a release that stopped half-way back to its last good revision."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.helm_release_drift import (
    changed_values,
    fixed_changes,
    foreign_remedy,
    released_objects,
)

DOCUMENTATION = r"""
module: helm_release_restore
short_description: Bring a pending, failed or drifted Helm release back to its last good revision
description:
  - A release left C(pending-*) by a Helm that was killed blocks every further Helm command. A Helm
    of this machine that is still at work on it is waited for. Otherwise the release goes back to
    its last deployed revision; one that never was deployed is uninstalled, but when its manifest
    holds a PersistentVolumeClaim only Helm's record of it is removed and nothing is deleted.
  - A C(failed) release goes back to its last deployed revision, if it has one. Where the cause is
    somebody else's object or a field of a StatefulSet that cannot be changed, the remedy is named.
  - A C(drifted) release's deployed revision is applied again, which undoes edits made by hand.
    What was added to lists by hand, which applying would keep, is taken out first.
  - A C(blocked) release's StatefulSets are freed of pods of an earlier revision that cannot start;
    Kubernetes does not replace those by itself (its documentation calls this a forced rollback).
    The same is done after a failed or pending release went back.
options:
  name: {description: The release., type: str, required: true}
  namespace: {description: Its namespace., type: str, required: true}
  state: {description: What is wrong., choices: [pending, failed, drifted, blocked], required: true}
  additions:
    description: What was added to a drifted release, as the module helm_release_probe gives it.
    type: list
    elements: dict
    default: []
  message: {description: What Helm said of a failed release., type: str, default: ""}
  rollback: {description: Whether a failed release goes back at all., type: bool, default: true}
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  helm: {description: Name or path of Helm 3.17 or newer., type: str, default: helm}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  timeout: {description: Seconds to wait for a Helm at work and for pods., type: int, default: 300}
  history_max: {description: Revisions that Helm keeps., type: int, default: 10}
author: The Todo platform
"""

RETURN = r"""
msg: {description: What was done and why., type: str, returned: always}
remedies: {description: What mends a failed release., type: list, returned: always}
"""

# Seconds between two looks at a Helm that is still at work.
INTERVAL = 1.0

# How long the StatefulSet controller may take to see a change, in seconds.
CONTROLLER_SECONDS = 10.0

# Why a container waits that does not start by itself.
BLOCKING = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
}


class Release:
    """One release, seen through Helm and kubectl."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name = options["name"]
        self.helm = options["helm"]
        self.kubectl = options["kubectl"]
        self.kubeconfig = options["kubeconfig"]
        self.namespace = options["namespace"]
        self.additions = options["additions"]
        self.timeout = options["timeout"]
        self.history_max = options["history_max"]

    def run(self, *command: str, namespace: str = "") -> str:
        """Standard output of a command; raises RuntimeError with its standard error."""
        place = ["--kubeconfig", self.kubeconfig, "--namespace", namespace or self.namespace]
        done = subprocess.run([*command, *place], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr.strip()}")
        return done.stdout

    def history(self) -> list[dict[str, Any]]:
        """The revisions, oldest first; [] when Helm does not know the release."""
        try:
            text = self.run(self.helm, "history", self.name, "--max", "256", "--output", "json")
        except RuntimeError as error:
            if "not found" in str(error):
                return []
            raise
        return sorted(json.loads(text), key=lambda entry: int(entry["revision"]))

    def wait_for_running_helm(self) -> None:
        """Return once no Helm on this machine works on the release, or the time is over."""
        deadline = time.monotonic() + self.timeout
        while running_helm(self.name, self.namespace, self.helm) and time.monotonic() < deadline:
            time.sleep(INTERVAL)

    def roll_back(self, revision: int, *, wait: bool) -> None:
        """Apply a revision again, over edits made by hand."""
        command = [self.helm, "rollback", self.name, str(revision)]
        command += ["--history-max", str(self.history_max), "--timeout", f"{self.timeout}s"]
        if wait:
            command.append("--wait")
        if self.is_helm_4():
            # Helm takes over the way of the revision that it goes back to, which may be Helm 3's.
            command += ["--server-side=true", "--force-conflicts"]
        self.run(*command)

    def fixed_fields(self, revision: int, good: int) -> list[str]:
        """What of a revision's StatefulSets cannot be made of those that run, with the remedy."""
        at = ["--revision", str(revision)]
        manifest = self.run(self.helm, "get", "manifest", self.name, *at)
        wanted = [item for item in released_objects(manifest) if item["kind"] == "StatefulSet"]
        lines = []
        for item in wanted:
            name = item["metadata"]["name"]
            namespace = item["metadata"].get("namespace", self.namespace)
            thing = ["statefulset", name]
            text = self.run(
                *(self.kubectl, "get", *thing, "--ignore-not-found", "--output", "json"),
                namespace=namespace,
            )
            fields = fixed_changes(item, json.loads(text)) if text.strip() else []
            if fields:
                lines.append(
                    f"StatefulSet {name}: {', '.join(fields)} cannot be changed in place"
                    f"{self.since(revision, good)}. Remedy: set the old value again; or `kubectl "
                    f"delete statefulset {name} --namespace {namespace} --cascade=orphan`, which "
                    "leaves its pods and volumes as they are, and run the same command again. "
                    "A volume that is there keeps its size and its class."
                )
        return lines

    def since(self, revision: int, good: int) -> str:
        """Which values of the release changed with that revision, in brackets."""

        def values(number: int) -> Any:
            at = ["--revision", str(number), "--output", "json"]
            return json.loads(self.run(self.helm, "get", "values", self.name, *at)) or {}

        paths = changed_values(values(revision), values(good)) if good else []
        return f" (changed in this release's values: {', '.join(paths)})" if paths else ""

    def take_out_additions(self) -> None:
        """Take out of workloads what somebody added to their pods."""
        for addition in self.additions:
            command = [self.kubectl, "patch", addition["object"], "--type", "strategic"]
            command += ["--patch", json.dumps(addition["patch"])]
            self.run(*command, namespace=addition["namespace"])

    def unblock(self) -> list[str]:
        """Delete pods that cannot start and that a StatefulSet has a newer revision for."""
        command = [self.kubectl, "get", "statefulsets,pods", "--output", "json"]
        command += ["--selector", f"app.kubernetes.io/instance={self.name}"]
        deadline = time.monotonic() + CONTROLLER_SECONDS
        while True:
            items = json.loads(self.run(*command))["items"]
            if all(map(is_observed, items)) or time.monotonic() > deadline:
                break
            time.sleep(INTERVAL)
        wanted = {
            item["metadata"]["name"]: item.get("status", {}).get("updateRevision")
            for item in items
            if item["kind"] == "StatefulSet"
        }
        outdated = [
            item["metadata"]["name"]
            for item in items
            if item["kind"] == "Pod" and cannot_start(item) and is_outdated(item, wanted)
        ]
        if outdated:
            self.run(self.kubectl, "delete", "pod", "--wait=false", *outdated)
        return outdated

    def is_helm_4(self) -> bool:
        """Whether Helm knows server-side apply and its conflicts."""
        return not self.run(self.helm, "version", "--short").startswith("v3")

    def remove(self, revision: int) -> str:
        """Take a release away that never was deployed; keep every volume."""
        manifest = self.run(self.helm, "get", "manifest", self.name, "--revision", str(revision))
        kinds = {item["kind"] for item in released_objects(manifest)}
        if "PersistentVolumeClaim" in kinds:
            selector = f"owner=helm,name={self.name}"
            self.run(self.kubectl, "delete", "secret", "--selector", selector)
            return "removed Helm's record of it; the objects stay, they include a volume"
        self.run(self.helm, "uninstall", self.name, "--wait", "--timeout", f"{self.timeout}s")
        return "uninstalled it"


def is_observed(item: dict[str, Any]) -> bool:
    """Whether the controller of a StatefulSet has seen its newest state; True for other kinds."""
    observed: int = item.get("status", {}).get("observedGeneration", 0)
    wanted: int = item["metadata"].get("generation", 0)
    return item["kind"] != "StatefulSet" or observed >= wanted


def cannot_start(pod: dict[str, Any]) -> bool:
    """Whether a container of the pod waits for something that does not come by itself."""
    return any(
        container.get("state", {}).get("waiting", {}).get("reason") in BLOCKING
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in pod.get("status", {}).get(kind, [])
    )


def is_outdated(pod: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the pod's StatefulSet wants another revision than the pod is of."""
    metadata = pod["metadata"]
    revision = metadata.get("labels", {}).get("controller-revision-hash")
    return any(
        owner["kind"] == "StatefulSet" and wanted.get(owner["name"]) not in (None, revision)
        for owner in metadata.get("ownerReferences", [])
    )


def named_namespace(process: str, words: list[str]) -> str:
    """The namespace that a Helm process was given, "" where that cannot be told."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        flag, equals, value = word.partition("=")
        if flag in ("--namespace", "-n"):
            return value if equals else following
    try:
        # kubernetes.core names it there.
        environment = Path("/proc", process, "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    named = [entry for entry in environment if entry.startswith(b"HELM_NAMESPACE=")]
    return os.fsdecode(named[0].partition(b"=")[2]) if named else ""


def running_helm(name: str, namespace: str, helm: str) -> bool:
    """Whether a Helm process of this machine changes the release.

    One whose namespace cannot be told may do so.
    """
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=False
    ).stdout
    programs = {"helm", Path(helm).name}
    changing = {"upgrade", "install", "rollback", "uninstall"}
    return any(
        name in words
        and changing & set(words)
        # A path may hold spaces, so the program is not always the first word.
        and programs & {word.rpartition("/")[2] for word in words}
        and named_namespace(process, words) in ("", namespace)
        for process, *words in map(str.split, listed.splitlines())
    )


def restore(release: Release, state: str) -> str:
    """Do what the state needs; returns what was done, "" for nothing."""
    if state == "blocked":
        pods = release.unblock()
        return f"deleted {', '.join(pods)}, which blocked a newer revision" if pods else ""
    if state != "drifted":
        release.wait_for_running_helm()
    history = release.history()
    if not history:
        return ""
    latest = history[-1]
    unfinished = latest["status"].startswith("pending") or latest["status"] == "uninstalling"
    wrong = unfinished if state == "pending" else latest["status"] != "deployed"
    if state != "drifted" and not wrong:
        return ""
    good = [int(entry["revision"]) for entry in history if entry["status"] == "deployed"]
    what = f"revision {latest['revision']} is {latest['status']}"
    if good and latest["status"] != "uninstalling":
        # Only drift is over when the pods are ready: a pending release is released next, and a
        # failed one must not keep the user waiting for the reason.
        release.take_out_additions()
        release.roll_back(good[-1], wait=state == "drifted")
        release.unblock()
        return f"{what}; applied revision {good[-1]} again"
    if state == "pending":
        return f"{what} and none before it was good; {release.remove(int(latest['revision']))}"
    return ""


def remedies(release: Release, message: str) -> list[str]:
    """What mends a release that failed with Helm's message, where that is known."""
    foreign = foreign_remedy(message, release.name, release.namespace)
    if foreign:
        return [foreign]
    if "StatefulSet" not in message:
        return []
    history = release.history()
    good = [int(entry["revision"]) for entry in history if entry["status"] == "deployed"]
    return release.fixed_fields(int(history[-1]["revision"]), good[-1] if good else 0)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "state": {"choices": ["pending", "failed", "drifted", "blocked"], "required": True},
            "additions": {"type": "list", "elements": "dict", "default": []},
            "message": {"type": "str", "default": ""},
            "rollback": {"type": "bool", "default": True},
            "kubeconfig": {"type": "path", "required": True},
            "helm": {"type": "str", "default": "helm"},
            "kubectl": {"type": "str", "default": "kubectl"},
            "timeout": {"type": "int", "default": 300},
            "history_max": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    options = module.params
    if module.check_mode:
        module.exit_json(changed=True, msg=f"{options['name']} is {options['state']}")
    release = Release(options)
    known: list[str] = []
    try:
        # Going back takes away what tells the cause.
        if options["message"]:
            known = remedies(release, options["message"])
        done = restore(release, options["state"]) if options["rollback"] else ""
    except RuntimeError as error:
        module.fail_json(msg=f"cannot restore {options['name']}: {error}", remedies=known)
    module.exit_json(changed=bool(done), msg=done, remedies=known)


if __name__ == "__main__":
    main()
