"""DNS of the cluster: when it is gone, nobody finds anybody."""

from __future__ import annotations

from collections.abc import Iterator

from todo_operations.diagnosis.evidence import is_ready
from todo_operations.diagnosis.findings import Finding, Line
from todo_operations.diagnosis.view import DNS, View


def gone(view: View) -> Iterator[Finding]:
    service = view.service(DNS.namespace, DNS.name)
    if service is None or view.has_endpoints(service):
        return
    workloads = view.selected_workloads(service)
    evidence = [Line(str(DNS), "no endpoint is ready")]
    for workload in workloads:
        wanted = view.workloads[workload]["spec"].get("replicas")
        ready = sum(is_ready(pod) for pod in view.pods_of(workload))
        evidence.append(Line(str(workload), f"wants {wanted} pods, {ready} are ready"))
        for pod in view.pods_of(workload):
            for container in view.containers(pod):
                source, lines = view.log(container)
                evidence += [container.state_line(), *(Line(source, line) for line in lines[-2:])]
    yield Finding(
        "dns-down",
        DNS,
        "The cluster's DNS does not answer: no pod of it is ready, so no name is resolved.",
        "`kubectl rollout restart deployment/coredns -n kube-system`; after a scale to 0 "
        "`kubectl scale deployment/coredns -n kube-system --replicas=1`.",
        evidence,
        # What keeps its pods from working is the better cause.
        waits_for=frozenset(workloads),
    )


RULES = [gone]
