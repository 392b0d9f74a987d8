"""`todo-operations diagnose` and the charts agree on who needs whom: no policy forbids a need."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from todo_operations.diagnosis.rules import policies
from todo_operations.diagnosis.view import View

from .conftest import CHARTS, HelmProgram, Manifest
from .manifests import EVERYTHING

PLURALS = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
}
PLACES = {"traefik": "ingress", "agents": "agents"}


def of_dns(kind: str) -> Manifest:
    labels = {"k8s-app": "kube-dns"}
    name = "kube-dns" if kind == "Service" else "coredns"
    spec: dict[str, Any] = {"selector": labels, "ports": [{"port": 53, "targetPort": 53}]}
    if kind == "Deployment":
        spec = {"template": {"metadata": {"labels": labels}, "spec": {"containers": []}}}
    return {"kind": kind, "metadata": {"name": name, "namespace": "kube-system"}, "spec": spec}


def released(helm: HelmProgram, values: dict[str, Manifest]) -> dict[str, Any]:
    """Evidence of a cluster that holds the objects of all charts and nothing else."""
    objects: dict[str, list[Manifest]] = {plural: [] for plural in PLURALS.values()}
    for chart in CHARTS:
        place = PLACES.get(chart, "todo")
        for item in helm.template(chart, values.get(chart), namespace=place):
            if item["kind"] in PLURALS:
                own = copy.deepcopy(item)
                own["metadata"].setdefault("namespace", place)
                objects[PLURALS[item["kind"]]].append(own)
    for kind in ("Service", "Deployment"):
        objects[PLURALS[kind]].append(of_dns(kind))
    names = ("todo", "ingress", "agents", "kube-system")
    spaces = [{"metadata": {"name": name}} for name in names]
    return {
        "asked": ["todo", "ingress", "agents"],
        "collected_at": "2026-01-31T12:00:00+00:00",
        "objects": {**objects, "namespaces": spaces},
    }


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_no_policy_of_ours_forbids_what_our_settings_need(
    helm: HelmProgram, values: dict[str, Manifest]
) -> None:
    assert [finding.sentence for finding in policies.forbidden(View(released(helm, values)))] == []


def test_the_needs_are_seen_at_all(helm: HelmProgram) -> None:
    """Without the policies of one service each of its connections is missed."""
    found = released(helm, {})
    found["objects"]["networkpolicies"] = [
        item
        for item in found["objects"]["networkpolicies"]
        if item["metadata"]["name"] not in ("postgres", "backend")
    ]
    missed = " ".join(finding.sentence for finding in policies.forbidden(View(found)))
    for connection in (
        "Deployment todo/backend needs StatefulSet todo/postgres on port 5432",
        "Deployment todo/backend needs Deployment todo/mcp-server on port 8000",
        "Deployment todo/mcp-server needs StatefulSet todo/postgres on port 5432",
        "Deployment ingress/traefik needs Deployment todo/backend on port 8000",
        "Deployment kube-system/coredns on port 53",
    ):
        assert connection in missed, missed
