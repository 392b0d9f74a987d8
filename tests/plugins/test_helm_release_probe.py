"""What the module helm_release_probe takes for a difference."""

from __future__ import annotations

from typing import Any

import helm_release_probe as probe
import pytest
import yaml


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"cpu": "0.5"}, {"cpu": "500m"}),
        ({"memory": "1024Mi"}, {"memory": "1Gi"}),
        ({"cpu": 1}, {"cpu": "1"}),
        ({"port": 80}, {"port": 80, "protocol": "TCP"}),
        ({"args": [], "labels": {}, "host": ""}, {}),
        ({"hostNetwork": False, "priority": 0}, {}),
        ({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
        (
            {"containers": [{"name": "b"}, {"name": "a", "image": "x"}]},
            {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]},
        ),
    ],
)
def test_what_the_server_writes_otherwise_is_no_difference(wanted: Any, live: Any) -> None:
    assert list(probe.differences(wanted, live)) == []


@pytest.mark.parametrize(
    ("wanted", "live", "path"),
    [
        ({"replicas": 2}, {"replicas": 5}, "replicas"),
        ({"cpu": "500m"}, {"cpu": "5"}, "cpu"),
        ({"a": {"b": "x"}}, {"a": {}}, "a.b"),
        ({"a": {"b": "x"}}, {}, "a"),
        ({"enabled": False}, {"enabled": True}, "enabled"),
        ({"replicas": 0}, {"replicas": 1}, "replicas"),
        (
            {"containers": [{"name": "a", "image": "x"}]},
            {"containers": [{"name": "a", "image": "y"}]},
            "containers[a].image",
        ),
        ({"drop": ["ALL"]}, {"drop": []}, "drop"),
        ({"hosts": ["a", "b"]}, {"hosts": ["a", "c"]}, "hosts[1]"),
    ],
)
def test_edits_are_named_by_their_path(wanted: Any, live: Any, path: str) -> None:
    assert list(probe.differences(wanted, live)) == [path]


def drift(wanted: list[dict[str, Any]], live: list[dict[str, Any]]) -> list[str]:
    found = {probe.identity(item, ""): item for item in live}
    return probe.drift(yaml.safe_dump_all(wanted), found, "shop")


def item(kind: str, namespace: str = "shop", **content: Any) -> dict[str, Any]:
    metadata = {"name": "web"} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def test_missing_object_is_drift() -> None:
    assert drift([item("Service")], []) == ["Service web is gone"]


def test_object_without_namespace_is_found_in_that_of_the_release_or_of_the_cluster() -> None:
    assert drift([item("Service", "")], [item("Service")]) == []
    assert drift([item("ClusterRole", "")], [item("ClusterRole", "")]) == []


def test_secret_values_are_not_compared_but_their_keys_are() -> None:
    wanted = item("Secret", data={"key": "b25l"})
    assert drift([wanted], [item("Secret", data={"key": "dHdv"})]) == []
    assert drift([wanted], [item("Secret")]) == ["Secret web: data.key was changed"]


def test_autoscaler_may_scale() -> None:
    scaler = item(
        "HorizontalPodAutoscaler", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    )
    wanted = [scaler, item("Deployment", spec={"replicas": 1})]
    live = [scaler, item("Deployment", spec={"replicas": 3})]
    assert drift(wanted, live) == []
    assert drift(wanted[1:], live) == ["Deployment web: spec.replicas was changed"]


RELEASE = {"chart_name": "web", "chart_version": "1.0.0+abc"}


@pytest.mark.parametrize(
    ("status", "chart", "state"),
    [
        ("deployed", "web-1.0.0+abc", ""),
        ("deployed", "web-1.0.0+def", "outdated"),
        ("failed", "web-1.0.0+abc", "failed"),
        ("pending-install", "web-1.0.0+abc", "pending"),
        ("pending-upgrade", "web-1.0.0+abc", "pending"),
        ("pending-rollback", "web-1.0.0+abc", "pending"),
        ("uninstalling", "web-1.0.0+abc", "pending"),
        ("uninstalled", "web-1.0.0+abc", "absent"),
    ],
)
def test_state_follows_from_helms_list(status: str, chart: str, state: str) -> None:
    listed = {"status": status, "chart": chart, "revision": "3"}
    assert probe.judge(RELEASE, listed)[0] == state


def test_release_helm_does_not_list_is_absent() -> None:
    assert probe.judge(RELEASE, None)[0] == "absent"


def test_changed_values_are_named() -> None:
    wanted = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert probe.changed_values(wanted, {"a": {"b": 1, "c": 3}}) == ["a.c", "d"]
    assert probe.changed_values({"a": 1}, {"a": 1.0}) == []
