"""What the modules of the role minikube share: kubectl on one cluster, and its settings."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.programs import run
from ansible.module_utils.storage_classes import is_default

RESOLUTION = "--metric-resolution="
# What `kubectl get` is asked for to tell the settings, in the namespace kube-system.
SETTINGS = "deployments.apps,storageclasses.storage.k8s.io"


class Kubectl:
    """kubectl on the cluster of a profile, whatever the caller's environment names."""

    def __init__(self, program: str, kubeconfig: str, profile: str) -> None:
        self.command = [program, "--kubeconfig", kubeconfig, "--context", profile]

    def run(self, *arguments: str, seconds: float) -> tuple[int, str]:
        """Exit status and answer, as run() gives them, without white space around."""
        code, said = run(*self.command, *arguments, seconds=seconds)
        return code, said.strip()


def metrics_arguments(items: list[dict[str, Any]]) -> list[str] | None:
    """The arguments of metrics-server among what SETTINGS asks for, None where it is not there."""
    for item in items:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "metrics-server":
            return list(item["spec"]["template"]["spec"]["containers"][0].get("args") or [])
    return None


def read_settings(text: str) -> dict[str, str]:
    """The settings in what kubectl shows of Deployments and StorageClasses, {} for no answer."""
    try:
        items = json.loads(text)["items"]
    except (ValueError, KeyError, TypeError):
        return {}
    classes = [
        item["metadata"]["name"]
        for item in items
        if item["kind"] == "StorageClass" and is_default(item)
    ]
    settings = {"default StorageClass": ", ".join(sorted(classes))}
    arguments = metrics_arguments(items)
    if arguments is not None:
        given = [a.removeprefix(RESOLUTION) for a in arguments if a.startswith(RESOLUTION)]
        settings["metrics resolution"] = given[-1] if given else ""
    return settings
