"""What does not work, whatever the cause: what no rule explains stays "unknown"."""

from __future__ import annotations

from collections.abc import Iterator

from todo_operations.diagnosis.findings import UNKNOWN, Finding, Line, Ref
from todo_operations.diagnosis.view import Object, View, event_line, ref

_LOG_LINES = 5
_EVENTS = 3
# Reasons of a pod's conditions that only repeat the containers' own states.
_FOLLOWS = ("ContainersNotReady", "ContainersNotInitialized", "PodFailed")
_REMEDY = (
    "read the evidence; `--evidence FILE` writes all of it, without secrets, to show to others."
)


def workloads(view: View) -> Iterator[Finding]:
    """Workloads with too few working pods, and pods that belong to none."""
    short = {about for about in view.workloads if view.is_short(about)}
    broken: dict[Ref, list[Object]] = {about: [] for about in short}
    for pod in view.broken_pods():
        broken.setdefault(view.owner(pod), []).append(pod)
    for about, pods in broken.items():
        if about.kind == "Job" and about not in short:
            # A job at work: its pod is not ready by nature.
            pods = [pod for pod in pods if not _is_at_work(view, pod)]
        late = [pod for pod in pods if not view.is_starting(pod)]
        if (not late and pods) or (about not in short and not late):
            continue
        evidence = [*_conditions(view, about)]
        for pod in late:
            evidence += _of_pod(view, pod)
        if not late:
            if _is_settling(view, about) or view.is_changing(about):
                continue
            evidence += _of_creators(view, about)
        yield Finding(
            UNKNOWN,
            about,
            f"{about} does not work, and no rule knows why.",
            _REMEDY,
            evidence or [Line(str(about), "has fewer ready pods than it wants")],
            confidence="likely",
            waits_for=view.dependencies(about) | {about} | {ref("Pod", pod) for pod in late},
        )


def services(view: View) -> Iterator[Finding]:
    for service in view.asked_items("services"):
        pods = view.selected_pods(service)
        workloads = view.selected_workloads(service)
        if not (service["spec"].get("selector") and (pods or workloads)):
            continue
        if view.has_endpoints(service) or all(view.is_starting(pod) for pod in pods):
            continue
        if all(view.is_changing(workload) for workload in workloads):
            continue
        if view.has_just_lost_endpoints(service):
            continue
        about = ref("Service", service)
        yield Finding(
            UNKNOWN,
            about,
            f"{about} has no pod that is ready, so nobody answers.",
            _REMEDY,
            [Line(str(about), "no endpoint is ready")],
            confidence="likely",
            waits_for=frozenset({about, *workloads, *(view.owner(pod) for pod in pods)}),
        )


def claims(view: View) -> Iterator[Finding]:
    """Claims that wait although a pod uses them."""
    for claim in view.asked_items("volumeclaims"):
        about = ref("PersistentVolumeClaim", claim)
        used = {
            view.owner(pod)
            for pod in view.broken_pods()
            if pod["metadata"]["namespace"] == about.namespace and not view.is_starting(pod)
            for volume in pod["spec"].get("volumes") or []
            if (volume.get("persistentVolumeClaim") or {}).get("claimName") == about.name
        }
        if (claim.get("status") or {}).get("phase") != "Pending" or not used:
            continue
        yield Finding(
            UNKNOWN,
            about,
            f"{about} has no volume yet.",
            _REMEDY,
            [Line(str(about), "Pending"), *map(event_line, view.all_events(about)[-_EVENTS:])],
            confidence="likely",
            waits_for=frozenset({about, *used}),
        )


def _is_at_work(view: View, pod: Object) -> bool:
    return all(not container.waiting for container in view.containers(pod)) and (
        pod["status"].get("phase") == "Running"
    )


def _is_settling(view: View, about: Ref) -> bool:
    """Whether a workload was changed just now and its controller has not acted on it yet."""
    item = view.workloads.get(about) or {}
    conditions = (item.get("status") or {}).get("conditions") or []
    times = [
        *(condition.get("lastUpdateTime") for condition in conditions),
        *(condition.get("lastTransitionTime") for condition in conditions),
        item.get("metadata", {}).get("creationTimestamp"),
    ]
    return min((view.age(time) for time in times if time), default=float("inf")) < 30


def _conditions(view: View, about: Ref) -> Iterator[Line]:
    item = view.workloads.get(about) or {}
    for condition in (item.get("status") or {}).get("conditions") or []:
        wrong = {
            "Available": "False",
            "Progressing": "False",
            "ReplicaFailure": "True",
            "Failed": "True",
        }
        if wrong.get(condition["type"]) == condition["status"]:
            text = f"{condition.get('reason')}: {condition.get('message')}"
            yield Line(f"condition {condition['type']} of {about}", text)


def _of_pod(view: View, pod: Object) -> list[Line]:
    about = ref("Pod", pod)
    lines = []
    for container in view.containers(pod):
        if container.status.get("ready"):
            continue
        ended = (container.status.get("state") or {}).get("terminated") or {}
        if ended and ended.get("exitCode") == 0:
            continue
        lines.append(container.state_line())
    lines += [event_line(event) for event in view.events(about)[-_EVENTS:]]
    lines += view.readiness(pod)
    lines += [
        Line(f"condition {item['type']} of {about}", f"{item.get('reason')}: {item.get('message')}")
        for item in pod["status"].get("conditions") or []
        if item["status"] == "False" and item.get("reason") not in (None, *_FOLLOWS)
    ][:2]
    for container in view.containers(pod):
        source, log = view.log(container)
        lines += [Line(source, line) for line in log[-_LOG_LINES:]]
    return lines


def _of_creators(view: View, about: Ref) -> list[Line]:
    return [
        event_line(event)
        for creator in view.creators_of(about)
        for event in view.events(creator)[-_EVENTS:]
    ]


RULES = [workloads, services, claims]
