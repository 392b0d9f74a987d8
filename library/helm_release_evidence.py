"""Ansible module: save what the cluster knows about failed releases, and sum it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

try:
    from todo_operations.diagnosis import masking
except ImportError:
    # Without the project's programs there are no rules: the logs stay in their files.
    mask: Callable[[str], str] | None = None
else:
    mask = masking.mask

DOCUMENTATION = r"""
module: helm_release_evidence
short_description: Save events, pod states and logs of failed Helm releases
description:
  - Writes one folder a release, named RELEASE-TIME, readable by its owner only. A source that
    cannot be read becomes a line in the file, so that the evidence never hides the failure.
  - The summary, which goes to the screen and to logs, holds no secrets (the rules of the package
    todo-operations); without that package it holds no lines of logs.
options:
  releases:
    description: The failed releases as {name, namespace}.
    type: list
    elements: dict
    required: true
  directory: {description: Folder for the evidence., type: path, required: true}
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  helm: {description: Name or path of Helm 3.17 or newer., type: str, default: helm}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  log_lines: {description: Lines kept of each container's log., type: int, default: 200}
  diagnose:
    description: Program that names causes (todo-operations); where it is absent, nobody does.
    type: str
    default: ""
author: The Todo platform
"""

RETURN = r"""
directories: {description: The folder of each release., type: dict, returned: always}
causes: {description: Causes and remedies that the program names., type: list, returned: always}
summary: {description: What is wrong in a few lines., type: list, returned: always}
"""

# How much of it all is shown: the last lines of a log, and the last warnings.
SHOWN_LOG_LINES = 5
SHOWN_EVENTS = 5

# Seconds that one question may take, and the diagnosis.
PATIENCE = 20
DIAGNOSIS_PATIENCE = 60
SHOWN_CAUSES = 3


class Source:
    """Helm and kubectl for one namespace; a failing call answers with what it said."""

    def __init__(self, options: dict[str, Any], namespace: str) -> None:
        self.options = options
        self.place = ["--kubeconfig", options["kubeconfig"], "--namespace", namespace]

    def ask(self, program: str, *arguments: str) -> str:
        command = [self.options[program], *self.place, *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"# {error}\n"
        return done.stdout if done.returncode == 0 else f"# {done.stderr}"

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a `kubectl get`, [] when it failed."""
        try:
            found = json.loads(self.ask("kubectl", "get", *arguments, "-o", "json"))
        except ValueError:
            return []
        return list(found.get("items", []))


def belongs(pod: dict[str, Any], release: str) -> bool:
    """Whether a pod is a release's own, by label, or by its name where a hook set none."""
    metadata = pod["metadata"]
    labels = metadata.get("labels", {})
    instance = labels.get("app.kubernetes.io/instance")
    return bool(instance == release if instance else metadata["name"].startswith(f"{release}-"))


def container_states(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def troubles(pod: dict[str, Any]) -> Iterator[str]:
    """What keeps a pod from being ready, one line a container."""
    name = pod["metadata"]["name"]
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"pod {name} is not scheduled: {condition.get('message', '')}"
    for container in container_states(pod):
        state = container.get("state", {})
        waiting = state.get("waiting", {})
        ended = state.get("terminated") or container.get("lastState", {}).get("terminated") or {}
        said = []
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            said.append(f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": "))
        if ended and ended.get("exitCode"):
            said.append(f"ended with {ended['exitCode']} ({ended.get('reason', 'no reason')})")
        if not said and "running" in state and not container.get("ready"):
            said.append("runs, but is not ready")
        if said:
            restarts = container.get("restartCount", 0)
            suffix = f", {restarts} restarts" if restarts else ""
            yield f"pod {name}, container {container['name']}: {'; '.join(said)}{suffix}"


def save(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def collect(source: Source, release: str, folder: Path, log_lines: int) -> list[str]:
    """Fill the folder of one release; returns its summary."""
    folder.mkdir(parents=True, mode=0o700)
    summary: list[str] = []
    pods = [pod for pod in source.items("pods") if belongs(pod, release)]
    save(folder, "helm-history.txt", source.ask("helm", "history", release))
    save(folder, "objects.txt", source.ask("kubectl", "get", "all,pvc,ingress", "-o", "wide"))
    names = [f"pod/{pod['metadata']['name']}" for pod in pods]
    if names:
        save(folder, "pods.txt", source.ask("kubectl", "describe", *names))
    for pod in pods:
        wrong = list(troubles(pod))
        summary += wrong
        for container in container_states(pod):
            for previous in (False, True):
                if previous and not container.get("restartCount"):
                    continue
                arguments = [f"--container={container['name']}", f"--tail={log_lines}"]
                arguments += ["--previous"] if previous else []
                name = pod["metadata"]["name"]
                text = source.ask("kubectl", "logs", f"pod/{name}", *arguments)
                which = ".previous" if previous else ""
                save(folder, f"{name}.{container['name']}{which}.log", text)
                if (
                    mask
                    and not text.startswith("#")
                    and f"container {container['name']}:" in "".join(wrong)
                ):
                    # As a whole first: a private key spans lines.
                    lines = [line for line in mask(text).splitlines() if line.strip()]
                    summary += [f"  log{which}: {line}" for line in lines[-SHOWN_LOG_LINES:]]
    events = source.items("events")
    events.sort(key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "")
    lines = [
        f"{item.get('lastTimestamp') or item.get('eventTime')} {item.get('type')} "
        f"{item['involvedObject'].get('kind')}/{item['involvedObject'].get('name')} "
        f"{item.get('reason')}: {item.get('message')}"
        for item in events
    ]
    save(folder, "events.txt", "\n".join(lines) + "\n")
    own = [
        f"event: {line}"
        for item, line in zip(events, lines, strict=True)
        if item.get("type") == "Warning"
        and f"{item['involvedObject'].get('name', '')}-".startswith(f"{release}-")
    ]
    return [mask(line) if mask else line for line in summary + own[-SHOWN_EVENTS:]]


def causes(options: dict[str, Any], namespaces: list[str], folder: Path) -> list[str]:
    """What is wrong and what to do, two lines a cause; [] when nobody can tell."""
    program = shutil.which(options["diagnose"]) if options["diagnose"] else None
    if program is None:
        return []
    command = [program, "diagnose", "--no-model", "--json", "--kubeconfig", options["kubeconfig"]]
    command += ["--evidence", str(folder / "evidence.json")]
    command += [word for name in namespaces for word in ("--namespace", name)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DIAGNOSIS_PATIENCE, check=False
        )
        save(folder, "diagnosis.json", done.stdout)
        found = json.loads(done.stdout)["findings"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
        # The diagnosis is an extra: without it the failure is told as it is.
        return []
    return [
        line
        for finding in found[:SHOWN_CAUSES]
        # That the release failed is known already.
        if finding["cause"] not in ("unknown", "release-failed")
        for line in (
            f"Cause: {finding['sentence']} ({finding['cause']}, {finding['confidence']})",
            f"Remedy: {finding['remedy']}",
        )
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "releases": {"type": "list", "elements": "dict", "required": True},
            "directory": {"type": "path", "required": True},
            "kubeconfig": {"type": "path", "required": True},
            "helm": {"type": "str", "default": "helm"},
            "kubectl": {"type": "str", "default": "kubectl"},
            "log_lines": {"type": "int", "default": 200},
            "diagnose": {"type": "str", "default": ""},
        },
    )
    options = module.params
    os.umask(0o077)
    directories: dict[str, str] = {}
    summary: list[str] = []
    stamp = time.strftime("%Y%m%dT%H%M%S")
    for release in options["releases"]:
        name = release["name"]
        folder = Path(options["directory"]) / f"{name}-{stamp}"
        source = Source(options, release["namespace"])
        summary += collect(source, name, folder, options["log_lines"])
        directories[name] = str(folder)
    namespaces = list(dict.fromkeys(release["namespace"] for release in options["releases"]))
    named = (
        causes(options, namespaces, Path(next(iter(directories.values())))) if directories else []
    )
    module.exit_json(changed=False, directories=directories, summary=summary, causes=named)


if __name__ == "__main__":
    main()
