"""NetworkPolicies that forbid a connection which the platform needs.

Computed from the objects, for the connections that settings and Ingresses name. Whether a policy is
enforced is the cluster's network's choice, so a pod that works all the same makes it a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from todo_operations.diagnosis.findings import Finding, Line, Ref
from todo_operations.diagnosis.rules.remedies import again
from todo_operations.diagnosis.view import DNS, Object, View, matches, ref


@dataclass(frozen=True)
class Peer:
    """One end of a connection, as policies see it."""

    about: Ref
    labels: dict[str, str]
    spec: Object

    @property
    def namespace(self) -> str:
        return self.about.namespace


def forbidden(view: View) -> Iterator[Finding]:
    # A setting whose other half (the port) was not read would name another connection.
    view.require("configmaps")
    for source, target, port, why in _needed(view):
        for end, own, peer in (("Egress", source, target), ("Ingress", target, source)):
            selecting = [
                policy
                for policy in view.items("networkpolicies")
                if policy["metadata"]["namespace"] == own.namespace
                and end in (policy["spec"].get("policyTypes") or ["Ingress"])
                and _selects(policy["spec"].get("podSelector") or {}, own.labels)
            ]
            if not selecting or any(_allows(view, policy, end, peer, port) for policy in selecting):
                continue
            names = ", ".join(sorted(policy["metadata"]["name"] for policy in selecting))
            first = ref("NetworkPolicy", selecting[0])
            suffers = view.is_short(source.about) or view.is_short(target.about)
            yield Finding(
                "network-policy-forbids",
                source.about if end == "Egress" else target.about,
                f"{source.about} needs {target.about} on port {port} ({why}), but no "
                f"{end.lower()} rule of the NetworkPolicy {names} allows it.",
                f"{again(view, first)}, or add the rule.",
                [
                    Line(str(first), f"{end} of {own.about} lets {peer.about}:{port} not through"),
                    Line("needed", why),
                ],
                severity="error" if suffers else "warning",
                confidence="likely",
            )


def _needed(view: View) -> Iterator[tuple[Peer, Peer, int, str]]:
    """Connections that are needed: source, target, port of the target's pod, why."""
    dns = [Peer(about, *_pod(view, about)) for about in _behind(view, DNS)]
    for about in view.workloads:
        if about.namespace not in view.asked or about.kind == "Job":
            continue
        source = Peer(about, *_pod(view, about))
        flows = view.flows(about.namespace, source.spec)
        for flow in flows:
            service = view.service(flow.namespace, flow.host)
            for found in _behind(view, Ref("Service", flow.namespace, flow.host)):
                target = Peer(found, *_pod(view, found))
                if found == about:
                    continue
                if service and (port := _target_port(service, flow.port, target.spec)):
                    yield source, target, port, f"{flow.setting}={flow.value}"
        if flows:
            for target in dns:
                yield source, target, 53, "names of Services are resolved by DNS"
    yield from _through_ingress(view)


def _through_ingress(view: View) -> Iterator[tuple[Peer, Peer, int, str]]:
    for ingress in view.asked_items("ingresses"):
        name = ingress["spec"].get("ingressClassName")
        controllers = [
            Peer(about, *_pod(view, about))
            for about in view.workloads
            if about.kind in ("Deployment", "DaemonSet")
            and about.namespace in view.asked
            and about.name == name
        ]
        for rule in ingress["spec"].get("rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                backend = (path.get("backend") or {}).get("service") or {}
                place = Ref("Service", ingress["metadata"]["namespace"], backend.get("name", ""))
                service = view.service(place.namespace, place.name)
                asked = (backend.get("port") or {}).get("number")
                for found in _behind(view, place) if service else []:
                    target = Peer(found, *_pod(view, found))
                    port = _target_port(service or {}, asked, target.spec)
                    for source in controllers if port else []:
                        why = f"{ref('Ingress', ingress)}, path {path.get('path', '/')}"
                        yield source, target, port or 0, why


def _behind(view: View, about: Ref) -> list[Ref]:
    service = view.service(about.namespace, about.name)
    return view.selected_workloads(service) if service else []


def _pod(view: View, about: Ref) -> tuple[dict[str, str], Object]:
    template = view.workloads[about]["spec"]["template"]
    return template["metadata"].get("labels") or {}, template["spec"]


def _target_port(service: Object, asked: int | None, spec: Object) -> int | None:
    """The pods' port behind a Service's port; its only one where none is asked for."""
    ports = service["spec"].get("ports") or []
    chosen = [port for port in ports if asked in (None, port["port"])]
    if not chosen or (asked is None and len(ports) > 1):
        return None
    target = chosen[0].get("targetPort", chosen[0]["port"])
    if isinstance(target, int):
        return target
    for container in spec.get("containers") or []:
        for port in container.get("ports") or []:
            if port.get("name") == target:
                return int(port["containerPort"])
    return None


def _allows(view: View, policy: Object, end: str, peer: Peer, port: int) -> bool:
    side = {"Ingress": "from", "Egress": "to"}[end]
    return any(
        _port_allowed(rule.get("ports"), port, peer.spec)
        and (
            not rule.get(side)
            or any(_peer_allowed(view, policy, item, peer) for item in rule[side])
        )
        for rule in policy["spec"].get(end.lower()) or []
    )


def _port_allowed(ports: list[Object] | None, port: int, spec: Object) -> bool:
    if not ports:
        return True
    named = {
        item.get("name")
        for container in spec.get("containers") or []
        for item in container.get("ports") or []
        if item["containerPort"] == port
    }
    for item in ports:
        given = item.get("port")
        if given is None or given == port or given in named:
            return True
        if isinstance(given, int) and given <= port <= item.get("endPort", given):
            return True
    return False


def _peer_allowed(view: View, policy: Object, item: Object, peer: Peer) -> bool:
    if "ipBlock" in item:
        # Which addresses pods have is not known beforehand: the benefit of the doubt.
        return True
    if "namespaceSelector" in item:
        labels = {"kubernetes.io/metadata.name": peer.namespace}
        for namespace in view.items("namespaces"):
            if namespace["metadata"]["name"] == peer.namespace:
                labels |= namespace["metadata"].get("labels") or {}
        if not _selects(item["namespaceSelector"], labels):
            return False
    elif peer.namespace != policy["metadata"]["namespace"]:
        return False
    return _selects(item.get("podSelector") or {}, peer.labels)


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector (matchLabels and matchExpressions) meets these labels."""
    if not matches(selector.get("matchLabels") or {}, labels):
        return False
    for expression in selector.get("matchExpressions") or []:
        key, operator = expression["key"], expression["operator"]
        values = expression.get("values") or []
        met = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not met:
            return False
    return True


RULES = [forbidden]
