"""Nodes that are not well, and pods that no node takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import value
from todo_operations.diagnosis.view import Object, View, event_line, ref

_PRESSURES = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk space",
    "PIDPressure": "process numbers",
}
_EFFECTS = ("NoSchedule", "NoExecute")
_OWN_TAINTS = "node.kubernetes.io/"
# A node's disk with less than this share and this much left cannot take images and logs.
_LEFT = 0.03
_LEFT_BYTES = 2 * 1024**3
_RECENT = 900
_TOO_LITTLE = re.compile(r"Insufficient (?P<what>[\w./-]+?)(?=[,.\s]|$)")


def unwell(view: View) -> Iterator[Finding]:
    for node in view.items("nodes"):
        about = ref("Node", node)
        for condition in node["status"].get("conditions") or []:
            kind, status = condition["type"], condition["status"]
            line = Line(
                f"condition {kind} of {about}",
                f"{status}: {condition.get('reason')}: {condition.get('message')}",
            )
            if kind == "Ready" and status != "True":
                yield Finding(
                    "node-not-ready",
                    about,
                    f"{about} does not work: {condition.get('message')}",
                    "`make up TAGS=minikube` starts the cluster's node again."
                    if view.is_minikube
                    else f"start its machine and its kubelet; `kubectl describe node {about.name}` "
                    "tells more.",
                    [line],
                )
            elif kind in _PRESSURES and status == "True":
                yield Finding(
                    "node-pressure",
                    about,
                    f"{about} runs out of {_PRESSURES[kind]} and evicts pods.",
                    f"free some on the machine, or {_more(view)}.",
                    [line],
                )


def _more(view: View) -> str:
    """How a node gets more memory and processors, where the project has made it."""
    if not view.is_minikube:
        return "give the node more"
    return (
        "give the node more (minikube_cpus, minikube_memory_mib in "
        "inventory/group_vars/all/platform.yml; it takes a new cluster)"
    )


def disk(view: View) -> Iterator[Finding]:
    for node in view.evidence.get("nodes") or []:
        capacity, available = node["capacity_bytes"], node["available_bytes"]
        if capacity and available < _LEFT_BYTES and available / capacity < _LEFT:
            about = Ref("Node", "", node["name"])
            left = f"{available / 1024**2:.0f} MiB of {capacity / 1024**3:.0f} GiB are left"
            yield Finding(
                "node-disk-full",
                about,
                f"The disk of {about} is full: {left}.",
                "free space on the machine, for example with `docker system prune`.",
                [Line(f"file system of {about}", left)],
            )


def unschedulable(view: View) -> Iterator[Finding]:
    for pod in view.broken_pods():
        said = next(
            (
                condition
                for condition in pod["status"].get("conditions") or []
                if condition["type"] == "PodScheduled" and condition["status"] == "False"
            ),
            None,
        )
        if said is None:
            continue
        message = str(said.get("message", ""))
        line = Line(f"condition PodScheduled of {ref('Pod', pod)}", message)
        yield from _judge(view, pod, message, line)


def _judge(view: View, pod: Object, message: str, line: Line) -> Iterator[Finding]:
    owner = view.owner(pod)
    if "untolerated taint" in message:
        for node in view.seen("nodes"):
            yield from _taints(pod, node, line)
    if "were unschedulable" in message:
        for node in view.seen("nodes"):
            if node["spec"].get("unschedulable"):
                yield _cordoned(ref("Node", node), line)
    if found := sorted({match["what"] for match in _TOO_LITTLE.finditer(message)}):
        yield Finding(
            "resources-insufficient",
            owner,
            f"{owner} finds no node with enough {', '.join(found)} left for its requests.",
            f"{value(view, owner, 'resources.requests')}, run fewer pods, or {_more(view)}.",
            [line],
        )
    if "node affinity/selector" in message:
        wanted = pod["spec"].get("nodeSelector") or "its affinity"
        yield Finding(
            "node-selector-unmatched",
            owner,
            f"{owner} wants a node with {wanted}, and there is none.",
            f"{value(view, owner, 'nodeSelector')}.",
            [line],
        )
    if "free ports for the requested pod ports" in message:
        yield Finding(
            "host-port-taken",
            owner,
            f"{owner} wants a port of the node that another pod holds.",
            f"stop the other pod, or {value(view, owner, 'hostPorts')}.",
            [line],
        )
    if "volume node affinity conflict" in message:
        yield Finding(
            "volume-elsewhere",
            owner,
            f"{owner} needs a volume that lies on another node.",
            "bring that node back; a lost volume comes back with `make restore FILE=...`.",
            [line],
        )
    if "anti-affinity rules" in message or "topology spread constraints" in message:
        yield Finding(
            "spread-impossible",
            owner,
            f"{owner} may not run beside its like, and there is no other node.",
            f"{value(view, owner, 'replicas')}.",
            [line],
        )


def _taints(pod: Object, node: Object, line: Line) -> Iterator[Finding]:
    about = ref("Node", node)
    for taint in node["spec"].get("taints") or []:
        if taint.get("effect") not in _EFFECTS or _tolerated(pod, taint):
            continue
        text = f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
        evidence = [Line(f"taints of {about}", text), line]
        if taint["key"] == f"{_OWN_TAINTS}unschedulable":
            yield _cordoned(about, line)
        # Kubernetes' own taints follow from conditions, which have a rule of their own.
        elif not taint["key"].startswith(_OWN_TAINTS):
            yield Finding(
                "node-tainted",
                about,
                f"{about} has the taint {text}, which keeps pods away.",
                f"`kubectl taint node {about.name} {taint['key']}:{taint['effect']}-` removes "
                "it; a release can tolerate it with the value `tolerations`.",
                evidence,
            )


def _cordoned(about: Ref, line: Line) -> Finding:
    return Finding(
        "node-cordoned",
        about,
        f"{about} takes no new pods: it was cordoned.",
        f"`kubectl uncordon {about.name}`.",
        [line],
    )


def _tolerated(pod: Object, taint: Object) -> bool:
    return any(
        toleration.get("effect") in (None, "", taint["effect"])
        and toleration.get("key") in (None, "", taint["key"])
        and (
            toleration.get("operator") == "Exists"
            or toleration.get("value", "") == taint.get("value", "")
        )
        for toleration in pod["spec"].get("tolerations") or []
    )


def evicted(view: View) -> Iterator[Finding]:
    """Pods that the kubelet put out, because they or all together used too much disk or memory."""
    for pod in view.items("pods"):
        status = pod.get("status") or {}
        if status.get("reason") != "Evicted":
            continue
        owner = view.owner(pod)
        changed = [item.get("lastTransitionTime") for item in status.get("conditions") or []]
        recent = view.age(max(filter(None, changed), default=status.get("startTime"))) < _RECENT
        if not recent and not view.is_short(owner):
            continue
        message = str(status.get("message", ""))
        events = [event_line(event) for event in view.events(ref("Pod", pod), "Evicted")[-1:]]
        evidence = [Line(str(ref("Pod", pod)), f"Evicted: {message}"), *events]
        if "low on resource" in message:
            name = pod["spec"].get("nodeName", "")
            yield Finding(
                "node-pressure",
                Ref("Node", "", name),
                f"Node {name} ran out of room and evicted pods.",
                "free disk or memory on the machine; `make status` shows use.",
                evidence,
            )
        elif "ephemeral" in message or "EmptyDir" in message:
            yield Finding(
                "ephemeral-storage-exceeded",
                owner,
                f"{owner} writes more to its temporary files than its limit and is put out.",
                f"{value(view, owner, 'resources.limits.ephemeral-storage')}, or write less.",
                evidence,
            )


RULES = [unwell, disk, unschedulable, evicted]
