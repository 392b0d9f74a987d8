"""Programs that run and fail the questions put to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from todo_operations.diagnosis.findings import Finding, Line
from todo_operations.diagnosis.rules.remedies import value
from todo_operations.diagnosis.view import Container, Object, View, event_line, ref

_KINDS = {
    "Readiness": "readinessProbe",
    "Liveness": "livenessProbe",
    "Startup": "startupProbe",
}
_FAILED = re.compile(
    r"^(?P<kind>Readiness|Liveness|Startup) probe (?:failed|errored)", re.IGNORECASE
)
_NO_PATH = re.compile(r"statuscode: (?P<code>404|405|401|403)")
_UNAVAILABLE = re.compile(r"statuscode: (?:500|502|503)")


def wrong_question(view: View) -> Iterator[Finding]:
    """The probe asks a port on which nothing listens, or a path that does not exist."""
    for container in view.broken_containers():
        for event, probe, kind in _failures(view, container):
            said = str(event.get("message", ""))
            http = probe.get("httpGet") or {}
            port = http.get("port") or (probe.get("tcpSocket") or {}).get("port")
            declared = container.spec.get("ports") or []
            ports = {item.get("containerPort") for item in declared} | {
                item.get("name") for item in declared
            }
            if found := _NO_PATH.search(said):
                yield Finding(
                    "probe-path-wrong",
                    container.owner,
                    f"{container.owner}: the {kind} asks {http.get('path', '/')}, which the "
                    f"program answers with {found['code']}.",
                    f"{value(view, container.owner, f'{kind}.httpGet.path')}.",
                    [event_line(event)],
                )
            elif port and ports and port not in ports and "connection refused" in said:
                names = ", ".join(str(item.get("containerPort")) for item in declared)
                yield Finding(
                    "probe-port-wrong",
                    container.owner,
                    f"{container.owner}: the {kind} asks port {port}, but the program listens on "
                    f"{names}.",
                    f"{value(view, container.owner, f'{kind}.httpGet.port')}.",
                    [event_line(event), Line(container.place, f"declares the ports {names}")],
                )


def killed_by_liveness(view: View) -> Iterator[Finding]:
    """The kubelet ends a running program because it does not say that it lives."""
    for container in view.broken_containers():
        kills = [
            event
            for event in view.all_events(ref("Pod", container.pod))
            if event.get("reason") == "Killing"
            and f"Container {container.name} failed liveness probe" in str(event.get("message"))
        ]
        if not kills:
            continue
        failures = [
            event for event, _, kind in _failures(view, container) if kind == "livenessProbe"
        ]
        # An answer of 404 is the probe's own mistake.
        if any(_NO_PATH.search(str(event.get("message"))) for event in failures):
            continue
        yield Finding(
            "liveness-probe-failing",
            container.owner,
            f"{container.owner}: the container {container.name} is killed again and again, because "
            "its liveness probe fails.",
            "see why it does not answer (its log is in the evidence), or "
            f"{value(view, container.owner, 'livenessProbe')}.",
            [event_line(kills[-1]), *map(event_line, failures[-1:]), container.state_line()],
            confidence="likely",
            # Whatever keeps it from answering comes first.
            waits_for=view.dependencies(container.owner) | {container.owner},
        )


def says_unavailable(view: View) -> Iterator[Finding]:
    """The program itself names what it waits for (the body of its readiness answer)."""
    for pod in view.broken_pods():
        owner = view.owner(pod)
        for line in view.readiness(pod):
            if checks := _failing_checks(line.text):
                named = "; ".join(f"{name}: {said}" for name, said in checks.items())
                yield Finding(
                    "dependency-unavailable",
                    owner,
                    f"{owner} runs, but cannot work without what it needs: {named}.",
                    "see to the named service first; the pods become ready by themselves.",
                    [line],
                    confidence="likely",
                    waits_for=view.dependencies(owner) | {owner},
                )


def _failures(view: View, container: Container) -> Iterator[tuple[Object, Object, str]]:
    """The last failed probe of each kind: the event, the probe and its name in the spec."""
    last: dict[str, Object] = {}
    for event in view.events(ref("Pod", container.pod), "Unhealthy", "ProbeWarning"):
        path = str((event.get("involvedObject") or {}).get("fieldPath", ""))
        if path and f"{{{container.name}}}" not in path:
            continue
        if found := _FAILED.match(str(event.get("message", ""))):
            last[_KINDS[found["kind"].capitalize()]] = event
    for kind, event in last.items():
        yield event, container.spec.get(kind) or {}, kind


def _failing_checks(text: str) -> dict[str, str]:
    try:
        checks = json.loads(text).get("checks", {})
        return {name: str(said) for name, said in checks.items() if said != "ok"}
    except (ValueError, AttributeError):
        return {}


RULES = [wrong_question, killed_by_liveness, says_unavailable]
