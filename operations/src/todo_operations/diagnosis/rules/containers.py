"""Containers that are killed or cannot start."""

from __future__ import annotations

import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line
from todo_operations.diagnosis.rules.remedies import value
from todo_operations.diagnosis.view import View, event_line, ref

# Seconds after which a kill that the container has recovered from is history.
_RECENT = 900
# The runtime says "no such file or directory" of its own files, too, when it stumbles.
_NO_COMMAND = re.compile(
    r"exec: \\?\"(?P<command>[^\"\\]+)\\?\":"
    r"[^\n]*?(?:executable file not found|no such file or directory)"
)
_OTHER_MACHINE = re.compile(r"exec format error")
_OUT_OF_MEMORY = re.compile(r"OOM-killed|OOMKilled")
_START_ERRORS = {"CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"}
# Share of the scheduler's periods in which a container wanted more than its CPU limit, and how
# many periods (of 100 ms) must have been seen.
_STARVED = 0.5
_PERIODS = 30


def out_of_memory(view: View) -> Iterator[Finding]:
    for pod in view.items("pods"):
        if pod["metadata"].get("deletionTimestamp"):
            continue
        for container in view.containers(pod):
            ended = container.ended
            killed = ended.get("reason") == "OOMKilled" or bool(
                _OUT_OF_MEMORY.search(str(container.waiting.get("message", "")))
                or _OUT_OF_MEMORY.search(str(ended.get("message", "")))
            )
            recent = view.age(ended.get("finishedAt")) < _RECENT
            if not killed or (container.status.get("ready") and not recent):
                continue
            limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("memory")
            sentence = (
                f"{container.owner}: the container {container.name} needs more memory than its "
                f"limit of {limit or 'the node'} and is killed."
            )
            remedy = (
                f"{value(view, container.owner, 'resources.limits.memory')}; "
                "`make optimize` proposes a value from measured use."
            )
            yield Finding(
                "out-of-memory", container.owner, sentence, remedy, [container.state_line()]
            )


def not_startable(view: View) -> Iterator[Finding]:
    for container in view.broken_containers():
        ended = container.ended
        reasons = {container.waiting.get("reason"), ended.get("reason")}
        if not reasons & _START_ERRORS:
            continue
        said = f"{container.waiting.get('message', '')} {ended.get('message', '')}"
        evidence = [container.state_line(), Line(container.place, " ".join(said.split()))]
        if _OTHER_MACHINE.search(said):
            yield Finding(
                "wrong-architecture",
                container.owner,
                f"{container.owner}: the program of {container.name} is for another processor.",
                "build the image on this kind of machine: `make up TAGS=images`.",
                evidence,
            )
        elif found := _NO_COMMAND.search(said):
            yield Finding(
                "command-missing",
                container.owner,
                f"{container.owner}: the image has no program {found['command']}.",
                f"{value(view, container.owner, 'command')}.",
                evidence,
            )


def starved(view: View) -> Iterator[Finding]:
    """Throttled by its CPU limit so much that it is too late for its probes."""
    throttling = {
        (item["namespace"], item["pod"], item["container"]): item
        for item in view.evidence.get("throttling") or []
    }
    for container in view.broken_containers():
        metadata = container.pod["metadata"]
        seen = throttling.get((metadata["namespace"], metadata["name"], container.name))
        limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("cpu")
        if not (seen and limit and seen["periods"] >= _PERIODS):
            continue
        share = seen["throttled"] / seen["periods"]
        # A program that ends by itself has another reason.
        if share < _STARVED or container.ended.get("exitCode") not in (None, 0, 137, 143):
            continue
        late = [
            event
            for event in view.events(ref("Pod", container.pod), "Unhealthy", "ProbeWarning")
            if re.search(r"deadline exceeded|timed out|timeout|connection refused", str(event))
        ]
        if not late and container.runs and container.status.get("started") is not False:
            continue
        yield Finding(
            "cpu-starved",
            container.owner,
            f"{container.owner}: the container {container.name} wants more CPU than its limit of "
            f"{limit} and does not answer its probes in time.",
            f"{value(view, container.owner, 'resources.limits.cpu')}; `make optimize` proposes a "
            "value from measured use.",
            [
                Line(
                    f"throttling of {container.place}",
                    f"held back in {seen['throttled']} of {seen['periods']} periods ({share:.0%})",
                ),
                *map(event_line, late[-2:]),
                container.state_line(),
            ],
            confidence="certain" if late else "likely",
        )


def hook_failed(view: View) -> Iterator[Finding]:
    """A command that the pod itself asks for at its start fails."""
    for pod in view.broken_pods():
        events = view.events(ref("Pod", pod), "FailedPostStartHook")
        if events:
            owner = view.owner(pod)
            yield Finding(
                "start-hook-failed",
                owner,
                f"{owner}: the command that it runs after its start (postStart) fails.",
                f"{value(view, owner, 'lifecycle.postStart')}.",
                [event_line(events[-1])],
            )


def stuck_leaving(view: View) -> Iterator[Finding]:
    """Objects that were deleted and stay, because a finalizer waits."""
    for plural, kind in (("pods", "Pod"), ("volumeclaims", "PersistentVolumeClaim")):
        for item in view.asked_items(plural):
            metadata = item["metadata"]
            waiting = [
                name for name in metadata.get("finalizers") or [] if "pvc-protection" not in name
            ]
            if not metadata.get("deletionTimestamp") or not waiting:
                continue
            if view.age(metadata["deletionTimestamp"]) < 30:
                continue
            about = ref(kind, item)
            yield Finding(
                "stuck-deleting",
                about,
                f"{about} was deleted, but stays: the finalizer {', '.join(waiting)} is not done.",
                "start the controller that sets this finalizer; if it is gone for good, remove the "
                "finalizer from the object.",
                [
                    Line(
                        str(about),
                        f"deleted at {metadata['deletionTimestamp']}, finalizers {waiting}",
                    )
                ],
            )


RULES = [out_of_memory, not_startable, starved, hook_failed, stuck_leaving]
