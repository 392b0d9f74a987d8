"""Secrets, ConfigMaps, keys and accounts that a pod names and that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import SETTINGS, again, value
from todo_operations.diagnosis.view import View, event_line, ref

_KEY = re.compile(
    r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) (?:[^/\s]+/)?(?P<name>[\w.-]+)"
)
_VOLUME_KEY = re.compile(
    r"references non-existent (?P<kind>secret|config) key: (?P<key>[\w./-]+)", re.IGNORECASE
)
_OBJECT = re.compile(r"\b(?P<kind>secret|configmap)s? \"(?P<name>[\w.-]+)\" not found", re.I)
_ROOT = re.compile(r"runAsNonRoot and image|breaks non-root policy")
_HOST_PATH = re.compile(r"hostPath type check failed: (?P<path>\S+)")
_FAILED_MOUNT = ("FailedMount", "Failed")


def missing(view: View) -> Iterator[Finding]:
    for pod in view.broken_pods():
        owner = view.owner(pod)
        lines = [
            container.state_line()
            for container in view.containers(pod)
            if container.waiting.get("reason")
            in ("CreateContainerConfigError", "CreateContainerError")
        ]
        if not any(container.runs for container in view.containers(pod)):
            lines += map(event_line, view.events(ref("Pod", pod), *_FAILED_MOUNT))
        for line in lines:
            if found := _judge(view, owner, line):
                yield found
                break


def _judge(view: View, owner: Ref, line: Line) -> Finding | None:
    text = line.text
    if found := _KEY.search(text):
        kind = found["kind"]
        return _key_missing(view, owner, kind, f"{kind} {found['name']}", found["key"], line)
    if found := _VOLUME_KEY.search(text):
        kind = "Secret" if found["kind"].lower() == "secret" else "ConfigMap"
        name = f"a {kind} that it mounts ({', '.join(_mounted(view, owner, kind))})"
        return _key_missing(view, owner, kind, name, found["key"], line)
    if found := _OBJECT.search(text):
        kind = {"secret": "Secret", "configmap": "ConfigMap"}[found["kind"].lower()]
        sentence = f"{owner} needs the {kind} {found['name']}, which does not exist."
        return Finding(f"{kind.lower()}-missing", owner, sentence, _made(view, owner, kind), [line])
    if _ROOT.search(text):
        sentence = f"{owner} must not run as root, but nothing gives it another user."
        remedy = "give the image a numeric USER above 10000, or " + value(
            view, owner, "securityContext.runAsUser"
        )
        return Finding("runs-as-root", owner, sentence, f"{remedy}.", [line])
    if found := _HOST_PATH.search(text):
        sentence = f"{owner} mounts {found['path']} of the node, which is not there."
        remedy = f"make it on the node, or {value(view, owner, 'volumes')}."
        return Finding("host-path-missing", owner, sentence, remedy, [line])
    return None


def _key_missing(view: View, owner: Ref, kind: str, name: str, key: str, line: Line) -> Finding:
    sentence = f"{owner} needs the key {key}, which is not in {name}."
    cause = f"{kind.lower()}-key-missing"
    return Finding(cause, owner, sentence, _made(view, owner, kind), [line])


def _made(view: View, owner: Ref, kind: str) -> str:
    if kind == "Secret" and view.release_of(owner):
        return (
            "`make up TAGS=secrets` makes the platform's Secrets and the keys they lack; a name or "
            f"key of your own is in the release's values ({SETTINGS})."
        )
    if view.release_of(owner):
        return f"{again(view, owner)} makes the chart's own objects again."
    return f"make the {kind} or its key, or correct the name in {owner}."


def _mounted(view: View, owner: Ref, kind: str) -> list[str]:
    """Names of the Secrets or ConfigMaps that the volumes of a workload are made of."""
    found = []
    for volume in view.pod_spec(owner).get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        for source in sources:
            part = source.get("secret" if kind == "Secret" else "configMap") or {}
            if name := part.get("secretName") or part.get("name"):
                found.append(name)
    return sorted(set(found))


RULES = [missing]
