"""What the module helm_release_probe takes for a difference."""

from __future__ import annotations

from typing import Any

import helm_release_probe as probe
import pytest
import yaml
from ansible.module_utils.helm_release_drift import additions, changed_values, differences


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
    assert list(differences(wanted, live)) == []


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
    assert list(differences(wanted, live)) == [path]


def drift(wanted: list[dict[str, Any]], live: list[dict[str, Any]]) -> list[str]:
    found = {probe.identity(item, ""): item for item in live}
    return probe.drift(yaml.safe_dump_all(wanted), found, "shop")[0]


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


def deployment(pod: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    template = {"metadata": metadata, "spec": {"containers": [{"name": "main"}], **pod}}
    return item("Deployment", spec={"template": template})


def container(**content: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", **content}]}


@pytest.mark.parametrize(
    ("released", "live", "path", "patch"),
    [
        (
            {},
            container(env=[{"name": "X", "value": "Y"}]),
            "containers[main].env[X]",
            container(env=[{"name": "X", "$patch": "delete"}]),
        ),
        (
            container(env=[{"name": "A"}]),
            container(env=[{"name": "X"}, {"name": "A"}]),
            "containers[main].env[X]",
            container(env=[{"name": "X", "$patch": "delete"}]),
        ),
        (
            {},
            {"containers": [{"name": "side"}, {"name": "main"}]},
            "containers[side]",
            {"containers": [{"name": "side", "$patch": "delete"}]},
        ),
        (
            {},
            {"initContainers": [{"name": "first"}]},
            "initContainers[first]",
            {"initContainers": [{"name": "first", "$patch": "delete"}]},
        ),
        (
            {},
            {"volumes": [{"name": "more", "emptyDir": {}}]},
            "volumes[more]",
            {"volumes": [{"name": "more", "$patch": "delete"}]},
        ),
        (
            {},
            container(volumeMounts=[{"name": "more", "mountPath": "/more"}]),
            "containers[main].volumeMounts[/more]",
            container(volumeMounts=[{"mountPath": "/more", "$patch": "delete"}]),
        ),
        (
            container(args=["a"]),
            container(args=["a", "b"]),
            "containers[main].args",
            container(args=["a"]),
        ),
        (
            {},
            container(command=["sh"]),
            "containers[main].command",
            container(command=None),
        ),
    ],
)
def test_what_was_added_to_a_pod_is_named_and_can_be_taken_out(
    released: dict[str, Any], live: dict[str, Any], path: str, patch: dict[str, Any]
) -> None:
    found, change = additions(deployment(released), deployment(live))
    assert found == [f"spec.template.spec.{path}"]
    assert change == {"spec": {"template": {"spec": patch}}}
    lines, patches = probe.drift(
        yaml.safe_dump(deployment(released)),
        {("Deployment", "shop", "web"): deployment(live)},
        "shop",
    )
    assert lines == [f"Deployment web: spec.template.spec.{path} was added"]
    assert patches == [{"object": "Deployment/web", "namespace": "shop", "patch": change}]


def test_a_job_of_a_cron_job_is_looked_into() -> None:
    def cron_job(**content: Any) -> dict[str, Any]:
        template = {"template": {"spec": container(**content)}}
        return item("CronJob", spec={"jobTemplate": {"spec": template}})

    (path,), patch = additions(cron_job(), cron_job(env=[{"name": "X"}]))
    assert path == "spec.jobTemplate.spec.template.spec.containers[main].env[X]"
    assert patch["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]


def test_a_restart_and_what_the_server_fills_in_are_no_additions() -> None:
    released = deployment(container(env=[{"name": "A", "valueFrom": {"fieldRef": {}}}]))
    live = deployment(
        container(
            env=[{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v1"}}}],
            imagePullPolicy="IfNotPresent",
            terminationMessagePath="/dev/termination-log",
        )
        | {"restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {}},
        annotations={"kubectl.kubernetes.io/restartedAt": "2026-01-31T18:30:00Z"},
    )
    assert drift([released], [live]) == []


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
    assert changed_values(wanted, {"a": {"b": 1, "c": 3}}) == ["a.c", "d"]
    assert changed_values({"a": 1}, {"a": 1.0}) == []
