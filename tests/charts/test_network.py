"""Who may talk to whom, computed from the rendered objects and compared with one table.

A connection needs both ends: the egress policies of its source and the ingress policies of its
target. Policies are additive, and a pod that no policy selects is open, so the computation goes
over all charts as they are released together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .conftest import HelmProgram, Manifest
from .manifests import matches, of_kind, pod_templates

APPLICATION = ("namespace", "postgres", "mcp-server", "backend", "frontend", "ingress")


@dataclass(frozen=True)
class Peer:
    """A pod, or something outside the platform, as policies see it."""

    name: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    ports: tuple[int, ...] = ()
    # Addresses outside have no labels: only a rule without peers reaches them.
    outside: bool = False


DNS = Peer("dns", "kube-system", (("k8s-app", "kube-dns"),), (53,))
STRANGER = Peer("stranger", "default", (("app", "stranger"),), (80, 8000, 5432, 3000))
NEIGHBOUR = Peer("neighbour", "todo", (("app", "neighbour"),), (80, 8000, 5432, 3000))
MONITORING = Peer("monitoring", "monitoring", (("app", "prometheus"),))
INTERNET = Peer("internet", "", (), (443, 5432, 8000), outside=True)


def pods_of(manifests: list[Manifest], namespace: str) -> Iterator[Peer]:
    for name, pod in pod_templates(manifests):
        ports = [
            port["containerPort"]
            for container in pod["spec"]["containers"]
            for port in container.get("ports", [])
        ]
        labels = tuple(sorted(pod["metadata"]["labels"].items()))
        yield Peer(name.partition("/")[2], namespace, labels, tuple(ports))


def rule_allows(rule: Manifest, side: str, policy_namespace: str, peer: Peer, port: int) -> bool:
    if "ports" in rule and port not in [item["port"] for item in rule["ports"]]:
        return False
    if side not in rule:
        return True
    if peer.outside:
        return False
    for item in rule[side]:
        assert item.keys() <= {"podSelector", "namespaceSelector"}, item
        if "namespaceSelector" in item:
            labels = {"kubernetes.io/metadata.name": peer.namespace}
            if not matches(item["namespaceSelector"], labels):
                continue
        elif peer.namespace != policy_namespace:
            continue
        if matches(item.get("podSelector", {}), dict(peer.labels)):
            return True
    return False


def end_allows(policies: list[Manifest], end: str, own: Peer, peer: Peer, port: int) -> bool:
    """Whether the policies of one end ("Ingress" or "Egress") let the connection through."""
    side = {"Ingress": "from", "Egress": "to"}[end]
    selecting = [
        policy
        for policy in policies
        if not own.outside
        and policy["metadata"]["namespace"] == own.namespace
        and end in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], dict(own.labels))
    ]
    if not selecting:
        return True
    return any(
        rule_allows(rule, side, own.namespace, peer, port)
        for policy in selecting
        for rule in policy["spec"].get(end.lower()) or []
    )


def flows(helm: HelmProgram, values: dict[str, Manifest]) -> set[tuple[str, str, int]]:
    """Every connection that is let through: source, target, port."""
    policies: list[Manifest] = []
    ours = [NEIGHBOUR]
    for chart in (*APPLICATION, "traefik"):
        namespace = "ingress" if chart == "traefik" else "todo"
        manifests = helm.template(chart, values.get(chart), namespace=namespace)
        policies += of_kind(manifests, "NetworkPolicy")
        ours += pods_of(manifests, namespace)
    others = [DNS, STRANGER, MONITORING, INTERNET]
    return {
        (source.name, target.name, port)
        for source in [*ours, *others]
        for target in [*ours, *others]
        for port in target.ports
        if source != target
        and not (source in others and target in others)
        and end_allows(policies, "Egress", source, target, port)
        and end_allows(policies, "Ingress", target, source, port)
    }


# Every pod may ask DNS except PostgreSQL, which opens no connection.
TABLE = {
    ("traefik", "frontend", 3000),
    ("traefik", "backend", 8000),
    ("frontend", "backend", 8000),
    ("backend", "mcp-server", 8000),
    ("backend", "postgres", 5432),
    ("backend-migration", "postgres", 5432),
    ("mcp-server", "postgres", 5432),
    ("postgres-backup", "postgres", 5432),
    ("postgres-test", "postgres", 5432),
    ("postgres-drill-test", "postgres", 5432),
    ("mcp-server-test", "mcp-server", 8000),
    ("backend-test", "backend", 8000),
    ("frontend-test", "frontend", 3000),
    ("traefik", "dns", 53),
    ("frontend", "dns", 53),
    ("backend", "dns", 53),
    ("backend-migration", "dns", 53),
    ("mcp-server", "dns", 53),
    ("postgres-backup", "dns", 53),
    ("postgres-test", "dns", 53),
    ("postgres-drill-test", "dns", 53),
    ("mcp-server-test", "dns", 53),
    ("backend-test", "dns", 53),
    ("frontend-test", "dns", 53),
    # The public door. It calls the API server, which is outside every selector.
    *(
        (source, "traefik", port)
        for source in ("stranger", "internet", "monitoring", "dns")
        for port in (8000, 8443)
    ),
    ("traefik", "internet", 443),
}


def test_exactly_the_flows_of_the_architecture(helm: HelmProgram) -> None:
    assert flows(helm, {}) == TABLE


@pytest.mark.parametrize(
    ("values", "added"),
    [
        ({"mcp-server": {"public": True}}, {("traefik", "mcp-server", 8000)}),
        (
            {"ingress": {"test": {"image": {"tag": "abc"}}}},
            {("ingress-test", "traefik", 8000), ("ingress-test", "dns", 53)},
        ),
        # The archive is filled beside the server, and a recovery reaches nothing, nor does a drill.
        ({"postgres": {"archive": {"enabled": True}}}, set()),
        # A test is let through to the port of a foreign controller's pods, and to no other.
        (
            {"ingress": {"test": {"port": 8443, "image": {"tag": "abc"}}}},
            {("ingress-test", "traefik", 8443), ("ingress-test", "dns", 53)},
        ),
        (
            {"backend": {"metrics": {"namespace": "monitoring"}}},
            {("monitoring", "backend", 8000)},
        ),
        (
            {"mcp-server": {"metrics": {"namespace": "monitoring"}}},
            {("monitoring", "mcp-server", 8000)},
        ),
        (
            {"backend": {"assistant": {"openai": {"existingSecret": "todo-model"}}}},
            {("backend", "internet", 443)},
        ),
        (
            {"backend": {"assistant": {"engine": "offline", "openai": {"model": "small"}}}},
            set(),
        ),
        (
            {"backend": {"database": {"host": "db.example", "external": True}}},
            {
                ("backend", "internet", 5432),
                ("backend-migration", "internet", 5432),
                ("backend", "stranger", 5432),
                ("backend-migration", "stranger", 5432),
            },
        ),
    ],
)
def test_a_switch_opens_just_its_flows(
    helm: HelmProgram, values: dict[str, Manifest], added: set[tuple[str, str, int]]
) -> None:
    found = flows(helm, values)
    assert found - TABLE == added
    assert found >= TABLE


def test_a_pod_that_no_chart_knows_is_shut_in_by_the_default_deny(helm: HelmProgram) -> None:
    opened = flows(helm, {"namespace": {"defaultDeny": {"enabled": False}}}) - TABLE
    assert ("neighbour", "internet", 443) in opened
    assert ("stranger", "neighbour", 80) in opened
    assert all("neighbour" in flow for flow in opened)
