"""Services that lead nowhere, settings that name the wrong one, Ingresses without a target."""

from __future__ import annotations

from collections.abc import Iterator

from todo_operations.diagnosis.evidence import is_ready
from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.logs import unreached
from todo_operations.diagnosis.rules.remedies import again, settings
from todo_operations.diagnosis.view import Object, View, matches, ref


def without_pods(view: View) -> Iterator[Finding]:
    """A Service whose selector meets no pod, nor a workload that makes such pods."""
    for service in view.asked_items("services"):
        selector = service["spec"].get("selector")
        if not selector or view.selected_pods(service):
            continue
        about = ref("Service", service)
        chosen = Line(str(about), f"selector {_pairs(selector)}, no pod has these labels")
        workloads = view.selected_workloads(service)
        for workload in workloads:
            if view.workloads[workload]["spec"].get("replicas") == 0:
                yield Finding(
                    "scaled-to-zero",
                    workload,
                    f"{workload} was scaled to 0 pods, so nobody answers for {about}.",
                    f"{again(view, workload)} brings it back (or `kubectl scale` it).",
                    [Line(str(workload), "spec.replicas is 0"), chosen],
                )
        if workloads:
            continue
        if near := _nearest(view, service):
            workload, labels = near
            yield Finding(
                "service-selector-wrong",
                about,
                f"{about} selects {_pairs(selector)}, which no pod has; those of {workload} have "
                f"{_pairs(labels)}.",
                f"{again(view, about)}, with the selector of the pods it is meant for.",
                [chosen, Line(f"labels of the pods of {workload}", _pairs(labels))],
            )
        else:
            yield Finding(
                "workload-missing",
                about,
                f"{about} leads nowhere: there is no workload whose pods it selects.",
                f"{again(view, about)} makes what is missing.",
                [chosen],
            )


def wrong_port(view: View) -> Iterator[Finding]:
    """A Service that sends to a port its pods do not have."""
    for service in view.asked_items("services"):
        pods = [pod for pod in view.selected_pods(service) if is_ready(pod)]
        if not pods:
            continue
        about = ref("Service", service)
        declared = [
            port
            for container in pods[0]["spec"].get("containers") or []
            for port in container.get("ports") or []
        ]
        numbers = {port["containerPort"] for port in declared}
        names = {port.get("name") for port in declared}
        for port in service["spec"].get("ports") or []:
            target = port.get("targetPort", port["port"])
            known = names if isinstance(target, str) else numbers
            if target in known or (not isinstance(target, str) and not numbers):
                continue
            have = ", ".join(
                f"{item['containerPort']} ({item.get('name', '-')})" for item in declared
            )
            yield Finding(
                "service-port-wrong",
                about,
                f"{about} sends to the port {target}, but its pods have {have or 'none'}.",
                f"{again(view, about)}, with the pods' own port as targetPort.",
                [
                    Line(str(about), f"port {port['port']}, targetPort {target}"),
                    Line(str(ref("Pod", pods[0])), f"container ports {have or 'none'}"),
                ],
                # A program may listen on a number without saying so in its pod, and these pods
                # are ready; a name that no pod has leads nowhere.
                severity="error" if isinstance(target, str) else "warning",
                confidence="certain" if isinstance(target, str) else "likely",
            )


def wrong_address(view: View) -> Iterator[Finding]:
    """A workload that does not work names a Service or a port that is not there.

    Settings hold many words that look like a host, so that the workload itself must say that it
    does not reach something.
    """
    view.require("configmaps")
    for owner in {view.owner(pod) for pod in view.broken_pods()}:
        said = unreached(view, owner)
        if owner.namespace not in view.asked or not said:
            continue
        for flow in view.flows(owner.namespace, view.pod_spec(owner)):
            service = view.service(flow.namespace, flow.host)
            line = Line(f"setting of {owner}", f"{flow.setting}={flow.value}")
            if service is None:
                if flow.namespace not in view.asked:
                    continue
                yield Finding(
                    "service-missing",
                    owner,
                    f"{owner} calls {flow.host}, but there is no Service of that name in "
                    f"{flow.namespace}.",
                    f"correct {flow.setting} in {settings(view, owner)}, or make the Service.",
                    [line, *said],
                    confidence="likely",
                )
                continue
            ports = [port["port"] for port in service["spec"].get("ports") or []]
            if flow.port is not None and ports and flow.port not in ports:
                yield Finding(
                    "wrong-port",
                    owner,
                    f"{owner} calls {flow.host} on port {flow.port}, but that Service has "
                    f"{', '.join(map(str, ports))}.",
                    f"correct {flow.setting} in {settings(view, owner)}.",
                    [
                        line,
                        Line(str(ref("Service", service)), f"ports {', '.join(map(str, ports))}"),
                        *said,
                    ],
                )


def ingress_classes(view: View) -> Iterator[Finding]:
    known = {item["metadata"]["name"] for item in view.items("ingressclasses")}
    for ingress in view.asked_items("ingresses"):
        about = ref("Ingress", ingress)
        name = ingress["spec"].get("ingressClassName")
        if name and name not in known:
            yield Finding(
                "ingress-class-missing",
                about,
                f"{about} asks for the IngressClass {name}, which does not exist; there is "
                f"{', '.join(sorted(known)) or 'none'}.",
                "set `ingress_class` in inventory/group_vars/all/platform.yml to one that exists, "
                "then `make up TAGS=ingress`.",
                [Line(str(about), f"ingressClassName {name}")],
            )


def ingress_certificates(view: View) -> Iterator[Finding]:
    secrets = view.secrets()
    for ingress in view.asked_items("ingresses"):
        about = ref("Ingress", ingress)
        for entry in ingress["spec"].get("tls") or []:
            secret = entry.get("secretName")
            if secret and (about.namespace, secret) not in secrets:
                yield Finding(
                    "ingress-certificate-missing",
                    about,
                    f"{about} takes its certificate from the Secret {secret}, which is not there.",
                    "`make up TAGS=secrets` makes the platform's certificates.",
                    [Line(str(about), f"tls secretName {secret}")],
                )


def ingress_targets(view: View) -> Iterator[Finding]:
    for ingress in view.asked_items("ingresses"):
        about = ref("Ingress", ingress)
        for path, backend in _backends(ingress["spec"]):
            yield from _target(view, about, path, backend)


def _target(view: View, about: Ref, path: str, backend: Object) -> Iterator[Finding]:
    target = backend["name"]
    service = view.service(about.namespace, target)
    if service is None:
        yield Finding(
            "ingress-service-missing",
            about,
            f"{about} sends {path} to the Service {target}, which does not exist.",
            f"`make up` releases what is missing; for another name: {again(view, about)}.",
            [Line(str(about), f"path {path} to Service {target}")],
        )
        return
    ports = service["spec"].get("ports") or []
    wanted = backend.get("port") or {}
    given = wanted.get("name") or wanted.get("number")
    if given and given not in {port.get("name") for port in ports} | {
        port["port"] for port in ports
    }:
        have = ", ".join(str(port["port"]) for port in ports)
        yield Finding(
            "ingress-port-wrong",
            about,
            f"{about} sends {path} to port {given} of the Service {target}, which has {have}.",
            f"{again(view, about)}, with a port of the Service.",
            [
                Line(str(about), f"path {path} to Service {target} port {given}"),
                Line(str(ref("Service", service)), f"ports {have}"),
            ],
        )


def _backends(spec: Object) -> Iterator[tuple[str, Object]]:
    if service := (spec.get("defaultBackend") or {}).get("service"):
        yield "everything else", service
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            if service := (path.get("backend") or {}).get("service"):
                yield f"{rule.get('host', '')}{path.get('path', '/')}", service


def _nearest(view: View, service: Object) -> tuple[Ref, dict[str, str]] | None:
    """The workload that a Service was most likely meant for: of its name, or of most labels."""
    metadata = service["metadata"]
    selector = service["spec"]["selector"]
    best: tuple[int, Ref, dict[str, str]] | None = None
    for about, item in view.workloads.items():
        if about.namespace != metadata["namespace"] or about.kind == "Job":
            continue
        labels = item["spec"]["template"]["metadata"].get("labels") or {}
        shared = len(selector.items() & labels.items()) + (
            2 if about.name == metadata["name"] else 0
        )
        if shared and (best is None or shared > best[0]) and not matches(selector, labels):
            best = (shared, about, labels)
    if best is None:
        return None
    shown = {key: text for key, text in best[2].items() if key in selector} or best[2]
    return best[1], shown


def _pairs(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={text}" for key, text in sorted(labels.items()))


RULES = [
    without_pods,
    wrong_port,
    wrong_address,
    ingress_classes,
    ingress_certificates,
    ingress_targets,
]
