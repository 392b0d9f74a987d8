"""Ansible module: what a list of Helm releases needs, asked in one process."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.helm_release_drift import (
    additions,
    changed_values,
    object_differences,
    released_objects,
)

DOCUMENTATION = r"""
module: helm_release_probe
short_description: Tell which Helm releases need work, and why
description:
  - Compares releases with the cluster in one process. Changes nothing.
options:
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  helm: {description: Name or path of Helm 3.17 or newer., type: str, default: helm}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  releases:
    description: Releases as the filter helm_release_plan gives them.
    type: list
    elements: dict
    required: true
  namespaces:
    description: Namespaces that must be there, as {name, labels}.
    type: list
    elements: dict
    default: []
  drift:
    description: Whether objects that somebody edited by hand count as work.
    type: bool
    default: true
  timeout: {description: Seconds that one call may take., type: int, default: 30}
author: The Todo platform
"""

RETURN = r"""
reachable: {description: Whether the cluster answered., type: bool, returned: always}
problem: {description: Why it did not., type: str, returned: always}
releases:
  description: >
    By name: state (current, drifted, outdated, absent, failed, pending, or unknown where a cluster
    that may be there does not answer), reason, revision, and additions, for the module
    helm_release_restore.
  type: dict
  returned: always
namespaces:
  description: The given namespaces that are missing or lack a label, with a reason each.
  type: list
  returned: always
"""

# Helm's states of a release's latest revision. Both majors know these flags; only Helm 3
# knows --all, and only Helm 4 lists everything without it.
STATES = ("deployed", "failed", "pending", "uninstalling", "uninstalled")

AUTOSCALER = "HorizontalPodAutoscaler"


class Unreachable(Exception):
    """The cluster did not answer, or a program to ask it with is missing."""


class Tools:
    """Helm and kubectl, bound to one kubeconfig."""

    def __init__(self, *, kubeconfig: str, helm: str, kubectl: str, timeout: int) -> None:
        self.programs = {"helm": helm, "kubectl": kubectl}
        self.kubeconfig = kubeconfig
        self.timeout = timeout

    def run(self, program: str, *arguments: str) -> str:
        """The standard output of one call; raises Unreachable with what the program said."""
        command = [self.programs[program], "--kubeconfig", self.kubeconfig, *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=self.timeout, check=False
            )
        except FileNotFoundError:
            raise Unreachable(f"{command[0]} is not installed") from None
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{program} got no answer in {self.timeout} s") from None
        if done.returncode:
            raise Unreachable(f"{program} {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def identity(item: dict[str, Any], namespace: str) -> tuple[str, str, str]:
    metadata = item["metadata"]
    return (item["kind"], metadata.get("namespace") or namespace, metadata["name"])


def drift(
    manifest: str, live: dict[tuple[str, str, str], Any], namespace: str
) -> tuple[list[str], list[dict[str, Any]]]:
    """What of a release's manifest is missing or was changed in the cluster, as readable lines,
    and the patches that take out of workloads what somebody added.

    Secrets are compared by the keys they have, never by value. The size that an autoscaler gave a
    workload is the autoscaler's business, whoever made the autoscaler.
    """
    wanted = released_objects(manifest)
    scaled = {
        (home, item["spec"]["scaleTargetRef"]["kind"], item["spec"]["scaleTargetRef"]["name"])
        for item in [*wanted, *live.values()]
        for kind, home, _ in [identity(item, namespace)]
        if kind == AUTOSCALER
    }
    lines, patches = [], []
    for item in wanted:
        kind, home, name = identity(item, namespace)
        other = live.get((kind, home, name), live.get((kind, "", name)))
        if other is None:
            lines.append(f"{kind} {name} is gone")
            continue
        item = {key: value for key, value in item.items() if key not in ("apiVersion", "status")}
        if kind == "Secret":
            keys = [*(item.get("data") or {}), *(item.pop("stringData", None) or {})]
            item["data"] = dict.fromkeys(keys, "hidden")
            other = {**other, "data": dict.fromkeys(other.get("data") or {}, "hidden")}
        if (home, kind, name) in scaled:
            item = {**item, "spec": {k: v for k, v in item["spec"].items() if k != "replicas"}}
        lines += [f"{kind} {name}: {path} was changed" for path in object_differences(item, other)]
        added, patch = additions(item, other)
        lines += [f"{kind} {name}: {path} was added" for path in added]
        if patch:
            patches.append({"object": f"{kind}/{name}", "namespace": home, "patch": patch})
    return lines, patches


def listed_releases(tools: Tools) -> dict[tuple[str, str], dict[str, Any]]:
    """What Helm lists, of releases in any state, by namespace and name."""
    flags = [f"--{state}" for state in STATES]
    text = tools.run("helm", "list", "--all-namespaces", "--max", "0", "-o", "json", *flags)
    return {(entry["namespace"], entry["name"]): entry for entry in json.loads(text)}


def stored_releases(tools: Tools) -> dict[tuple[str, str], dict[str, Any]]:
    """What Helm keeps of all deployed releases, by namespace and name, in one question.

    Helm's Secrets hold the release as JSON, gzipped, in base64 (on top of the Secret's own), see
    helm.sh/docs/topics/advanced.
    """
    selector = "owner=helm,status=deployed"
    text = tools.run("kubectl", "get", "secrets", "-A", "--selector", selector, "-o", "json")
    found = {}
    for secret in json.loads(text)["items"]:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        release = json.loads(gzip.decompress(packed))
        found[(release["namespace"], release["name"])] = release
    return found


def asked_release(tools: Tools, release: dict[str, Any]) -> dict[str, Any]:
    """The same for one release from Helm itself."""
    place = [release["name"], "--namespace", release["namespace"]]
    return {
        "config": json.loads(tools.run("helm", "get", "values", *place, "-o", "json")),
        "manifest": tools.run("helm", "get", "manifest", *place),
    }


def listed_objects(tools: Tools, kinds: list[str]) -> list[dict[str, Any]]:
    """All objects of these kinds; none of a kind that the API does not know."""
    try:
        text = tools.run("kubectl", "get", ",".join(kinds), "-A", "-o", "json")
    except Unreachable as problem:
        if "doesn't have a resource type" not in str(problem):
            raise
    else:
        found: list[dict[str, Any]] = json.loads(text)["items"]
        return found
    if len(kinds) == 1:
        return []
    # One unknown kind ends the whole question.
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda kind: listed_objects(tools, [kind]), kinds)
        return [item for items in answers for item in items]


def live_objects(tools: Tools, manifests: Iterable[str]) -> dict[tuple[str, str, str], Any]:
    """Namespaces, and all objects of the kinds that the manifests hold and all autoscalers.

    The keys are kind, namespace ("" for none) and name.
    """
    kinds = {
        f"{item['kind']}.{version}.{group}" if group else item["kind"]
        for manifest in manifests
        for item in released_objects(manifest)
        for group, _, version in [item["apiVersion"].rpartition("/")]
    }
    if kinds and not any(kind.startswith(f"{AUTOSCALER}.") for kind in kinds):
        kinds.add(f"{AUTOSCALER}.v2.autoscaling")
    kinds.add("Namespace")
    return {identity(item, ""): item for item in listed_objects(tools, sorted(kinds))}


def judge(release: dict[str, Any], listed: dict[str, Any] | None) -> tuple[str, str]:
    """The (state, reason) that Helm's list alone tells; state "" when the values decide."""
    if listed is None or listed["status"] == "uninstalled":
        return "absent", "not installed"
    status = listed["status"]
    if status.startswith("pending") or status == "uninstalling":
        return "pending", f"revision {listed['revision']} was left {status}"
    if status == "failed":
        return "failed", f"revision {listed['revision']} failed"
    chart = f"{release['chart_name']}-{release['chart_version']}"
    if listed["chart"] != chart:
        return "outdated", f"the chart changed: {listed['chart']} is deployed, {chart} is wanted"
    return "", ""


def probe(
    tools: Tools,
    releases: list[dict[str, Any]],
    namespaces: list[dict[str, Any]],
    *,
    with_drift: bool,
) -> dict[str, Any]:
    """The module's answer for the releases and namespaces."""
    # Where no release is deployed, the second answer is of no use, and soon had.
    with ThreadPoolExecutor() as pool:
        answers = pool.submit(listed_releases, tools), pool.submit(stored_releases, tools)
    listed, stored = (answer.result() for answer in answers)
    answer: dict[str, Any] = {}
    deployed = []
    for release in releases:
        entry = listed.get((release["namespace"], release["name"]))
        state, reason = judge(release, entry)
        revision = int(entry["revision"]) if entry else 0
        answer[release["name"]] = {
            "state": state,
            "reason": reason,
            "revision": revision,
            "additions": [],
        }
        if not state:
            deployed.append(release)

    manifests = {}
    for release in deployed:
        key = (release["namespace"], release["name"])
        # Helm listed it; the other question may have come a moment too early.
        found = stored.get(key) or asked_release(tools, release)
        changed = changed_values(release["values"], found.get("config") or {})
        if changed:
            reason = f"values changed: {', '.join(changed)}"
            answer[release["name"]] |= {"state": "outdated", "reason": reason}
        else:
            answer[release["name"]]["state"] = "current"
            manifests[release["name"]] = (release["namespace"], found["manifest"])
    wanted = [manifest for _, manifest in manifests.values()] if with_drift else []
    live = live_objects(tools, wanted)
    for name, (namespace, manifest) in manifests.items() if with_drift else ():
        lines, patches = drift(manifest, live, namespace)
        if lines:
            answer[name] |= {"state": "drifted", "reason": "; ".join(lines), "additions": patches}
    return {"releases": answer, "namespaces": lacking_namespaces(live, namespaces)}


def lacking_namespaces(
    live: dict[tuple[str, str, str], Any], wanted: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The wanted namespaces that are missing or lack labels, each with a reason."""
    lacking = []
    for namespace in wanted:
        found = live.get(("Namespace", "", namespace["name"]))
        if found is None:
            lacking.append({**namespace, "reason": "missing"})
            continue
        have = found["metadata"].get("labels", {})
        missing = [f"{k}={v}" for k, v in namespace.get("labels", {}).items() if have.get(k) != v]
        if missing:
            lacking.append({**namespace, "reason": f"lacks {', '.join(missing)}"})
    return lacking


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "helm": {"type": "str", "default": "helm"},
            "kubectl": {"type": "str", "default": "kubectl"},
            "releases": {"type": "list", "elements": "dict", "required": True},
            "namespaces": {"type": "list", "elements": "dict", "default": []},
            "drift": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    options = module.params
    tools = Tools(
        kubeconfig=options["kubeconfig"],
        helm=options["helm"],
        kubectl=options["kubectl"],
        timeout=options["timeout"],
    )
    # JSON makes 1 and 1.0, and any mapping type of Ansible's, equal to what Helm gives back.
    releases = json.loads(json.dumps(options["releases"]))
    try:
        answer = probe(tools, releases, options["namespaces"], with_drift=options["drift"])
    except Unreachable as problem:
        # Without a kubeconfig there is no cluster; with one it may be stopped and hold everything.
        known = os.path.exists(options["kubeconfig"])
        state, reason = ("unknown", str(problem)) if known else ("absent", "not installed")
        nothing = {"state": state, "reason": reason, "revision": 0, "additions": []}
        lacking = [] if known else [{**item, "reason": "missing"} for item in options["namespaces"]]
        module.exit_json(
            changed=False,
            reachable=False,
            problem=str(problem),
            releases={release["name"]: nothing for release in releases},
            namespaces=lacking,
        )
    module.exit_json(changed=False, reachable=True, problem="", **answer)


if __name__ == "__main__":
    main()
