"""What the module helm_release_probe takes for a difference."""

from __future__ import annotations

import json
from typing import Any

import helm_release_probe as probe
import pytest
import yaml
from ansible.module_utils.helm_release_drift import additions, changed_values, differences


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        *(
            ({"limits": {"any": released}}, {"limits": {"any": live}})
            for released, live in [
                ("0.5", "500m"),
                (1, "1"),
                ("1024Mi", "1Gi"),
                ("1000G", "1T"),
                ("1000T", "1P"),
                ("1024Ti", "1Pi"),
                ("1024Pi", "1Ei"),
                ("1e3", "1k"),
                ("12E6", "12M"),
                ("1000000u", "1"),
                ("1000n", "1u"),
                (".5", "500m"),
            ]
        ),
        (
            {"env": [{"name": "A", "value": "x", "divisor": "1000m"}]},
            {"env": [{"name": "A", "value": "x", "divisor": "1"}]},
        ),
        ({"metrics": [{"value": "1000m"}]}, {"metrics": [{"value": "1"}]}),
        ({"port": "80", "runAsUser": "1e+06"}, {"port": 80, "runAsUser": 1000000}),
        (
            {"clusterIP": "", "ports": [{"nodePort": None}]},
            {"clusterIP": "10.96.0.10", "ports": [{"nodePort": 30080}]},
        ),
        (
            {"labels": None, "securityContext": None},
            {"labels": {"a": "b"}, "securityContext": {"a": 1}},
        ),
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
        ({"limits": {"cpu": "500m"}}, {"limits": {"cpu": "5"}}, "limits.cpu"),
        ({"limits": {"cpu": "1E"}}, {"limits": {"cpu": "1e"}}, "limits.cpu"),
        (
            {"env": [{"name": "A", "value": "1.10"}]},
            {"env": [{"name": "A", "value": "1.1"}]},
            "env[A].value",
        ),
        (
            {"env": [{"name": "A", "value": ""}]},
            {"env": [{"name": "A", "value": "x"}]},
            "env[A].value",
        ),
        ({"annotations": {"a": "1"}}, {"annotations": {"a": "1000m"}}, "annotations.a"),
        (
            {"annotations": {"limits": "1"}},
            {"annotations": {"limits": "1000m"}},
            "annotations.limits",
        ),
        ({"image": "web:1.10"}, {"image": "web:1.1"}, "image"),
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


def test_keys_given_as_text_are_keys_of_the_secret() -> None:
    wanted = item("Secret", data={"key": "b25l"}, stringData={"other": "two"})
    assert drift([wanted], [item("Secret", data={"key": "dHdv", "other": "dHdv"})]) == []
    assert drift([wanted], [item("Secret", data={"key": "dHdv"})]) == [
        "Secret web: data.other was changed"
    ]


RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
BACKEND = {"backend": {"service": {"name": "web", "port": {"number": 80}}}, "pathType": "Prefix"}


def network_policy(**spec: Any) -> dict[str, Any]:
    return item("NetworkPolicy", spec={"podSelector": {}, "policyTypes": ["Ingress"], **spec})


def ingress(*hosts: str, **path: Any) -> dict[str, Any]:
    paths = [{"path": "/", **BACKEND, **path}]
    return item(
        "Ingress", spec={"rules": [{"host": host, "http": {"paths": paths}} for host in hosts]}
    )


@pytest.mark.parametrize(
    ("wanted", "live", "path", "patch"),
    [
        (
            network_policy(),
            network_policy(ingress=[{}]),
            "spec.ingress",
            {"spec": {"ingress": None}},
        ),
        (
            network_policy(ingress=[]),
            network_policy(egress=[{}]),
            "spec.egress",
            {"spec": {"egress": None}},
        ),
        (
            network_policy(ingress=[{"from": [{"podSelector": {}}]}]),
            network_policy(ingress=[{"from": [{"podSelector": {}}]}, {}]),
            "spec.ingress",
            None,
        ),
        (
            network_policy(ingress=[{"ports": [{"port": 80}]}]),
            network_policy(ingress=[{"ports": [{"port": 80}, {"port": 22}]}]),
            "spec.ingress[0].ports",
            None,
        ),
        (
            network_policy(ingress=[{"from": [{"podSelector": {}}]}]),
            network_policy(
                ingress=[{"from": [{"podSelector": {}, "namespaceSelector": {"a": "b"}}]}]
            ),
            "spec.ingress[0].from[0].namespaceSelector",
            None,
        ),
        (
            network_policy(),
            network_policy(podSelector={"matchLabels": {"a": "b"}}),
            "spec.podSelector",
            {"spec": {"podSelector": None}},
        ),
        (item("Role", rules=[RULE]), item("Role", rules=[RULE, RULE]), "rules", None),
        (
            item("Role", rules=[RULE]),
            item("Role", rules=[RULE | {"verbs": ["get", "delete"]}]),
            "rules[0].verbs",
            None,
        ),
        (
            item("RoleBinding", subjects=[{"kind": "Group", "name": "a"}]),
            item(
                "RoleBinding",
                subjects=[{"kind": "Group", "name": "a"}, {"kind": "Group", "name": "b"}],
            ),
            "subjects",
            None,
        ),
        (
            item("RoleBinding"),
            item("RoleBinding", subjects=[{"name": "b"}]),
            "subjects",
            {"subjects": None},
        ),
        (ingress("a"), ingress("a", "b"), "spec.rules", None),
        (
            item("ConfigMap", data={"a": "1"}),
            item("ConfigMap", data={"a": "1", "b": "2"}),
            "data.b",
            {"data": {"b": None}},
        ),
        (
            item("ConfigMap", data={"a": "1"}),
            item("ConfigMap", data={"a": "1"}, binaryData={"b": "Mg=="}),
            "binaryData",
            {"binaryData": None},
        ),
        (
            item("ConfigMap", data={"a": "1.10"}),
            item("ConfigMap", data={"a": "1.1"}),
            "data.a",
            None,
        ),
        (
            item("Secret", data={"a": "MQ=="}),
            item("Secret", data={"a": "MQ==", "b": "Mg=="}),
            "data.b",
            {"data": {"b": None}},
        ),
    ],
)
def test_what_was_added_where_nobody_else_adds_is_drift(
    wanted: dict[str, Any], live: dict[str, Any], path: str, patch: dict[str, Any] | None
) -> None:
    found = {probe.identity(live, ""): live}
    lines, patches = probe.drift(yaml.safe_dump(wanted), found, "shop")
    assert lines == [f"{wanted['kind']} web: {path} was changed"]
    # A list that was released is put back by Helm; what was not released it would keep.
    assert [entry["patch"] for entry in patches] == ([patch] if patch else [])


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        (
            item(
                "NetworkPolicy",
                spec={"podSelector": {}, "ingress": [{"ports": [{"port": 53}], "from": []}]},
            ),
            network_policy(ingress=[{"ports": [{"port": 53, "protocol": "TCP"}]}]),
        ),
        (network_policy(ingress=[]), network_policy()),
        (
            item("RoleBinding", subjects=[{"kind": "User", "name": "a"}]),
            item(
                "RoleBinding",
                subjects=[{"kind": "User", "name": "a", "apiGroup": "rbac.authorization.k8s.io"}],
            ),
        ),
        (
            ingress("a"),
            {**ingress("a"), "spec": ingress("a")["spec"] | {"ingressClassName": "traefik"}},
        ),
        # Left empty for somebody else to fill.
        (item("ConfigMap"), item("ConfigMap", data={"ca.crt": "x"})),
        (item("Secret", data={}), item("Secret", data={"tls.key": "eA=="})),
        (
            item("Secret", type="kubernetes.io/service-account-token", data={"a": "MQ=="}),
            item(
                "Secret",
                type="kubernetes.io/service-account-token",
                data={"a": "MQ==", "token": "eA=="},
            ),
        ),
        (
            item("ClusterRole", "", aggregationRule={"clusterRoleSelectors": [{}]}, rules=[]),
            item("ClusterRole", "", aggregationRule={"clusterRoleSelectors": [{}]}, rules=[RULE]),
        ),
    ],
)
def test_what_the_server_or_a_controller_fills_in_is_no_drift(
    wanted: dict[str, Any], live: dict[str, Any]
) -> None:
    assert drift([wanted], [live]) == []


def test_objects_of_a_list_are_looked_at() -> None:
    wanted = {"apiVersion": "v1", "kind": "List", "items": [item("Service"), item("ConfigMap")]}
    assert drift([wanted], [item("Service")]) == ["ConfigMap web is gone"]


def test_autoscaler_may_scale_whoever_made_it() -> None:
    scaler = item(
        "HorizontalPodAutoscaler", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    )
    wanted = [scaler, item("Deployment", spec={"replicas": 1})]
    live = [scaler, item("Deployment", spec={"replicas": 3})]
    assert drift(wanted, live) == []
    assert drift(wanted[1:], live) == []
    scaled = ["Deployment web: spec.replicas was changed"]
    assert drift(wanted[1:], live[1:]) == scaled
    # One that scales another namespace's workload of that name.
    elsewhere = {**scaler, "metadata": {"name": "web", "namespace": "elsewhere"}}
    assert drift(wanted[1:], [elsewhere, live[1]]) == scaled


class Program(probe.Tools):
    """A kubectl that knows some kinds, and of each the object `web`."""

    def __init__(self, *known: str) -> None:
        super().__init__(kubeconfig="", helm="", kubectl="", timeout=1)
        self.known = known

    def run(self, program: str, *arguments: str) -> str:
        kinds = arguments[1].split(",")
        for kind in kinds:
            if kind not in self.known:
                name = kind.partition(".")[0]
                raise probe.Unreachable(
                    f'kubectl get: error: the server doesn\'t have a resource type "{name}"'
                )
        return json.dumps({"items": [item(kind.partition(".")[0]) for kind in kinds]})


WIDGET = item("Widget") | {"apiVersion": "example.org/v1"}


def test_kind_that_the_api_does_not_know_is_left_out() -> None:
    manifest = yaml.safe_dump_all([item("Service"), WIDGET])
    known = Program("Service", "Namespace", "HorizontalPodAutoscaler.v2.autoscaling")
    live = probe.live_objects(known, [manifest])
    assert {kind for kind, _, _ in live} == {"Service", "Namespace", "HorizontalPodAutoscaler"}
    live.pop(("HorizontalPodAutoscaler", "shop", "web"))
    assert probe.drift(manifest, live, "shop")[0] == ["Widget web is gone"]


def test_autoscalers_are_asked_for_in_the_version_of_the_release() -> None:
    scaler = item("HorizontalPodAutoscaler") | {"apiVersion": "autoscaling/v1"}
    known = Program("Namespace", "HorizontalPodAutoscaler.v1.autoscaling")
    live = probe.live_objects(known, [yaml.safe_dump(scaler)])
    assert ("HorizontalPodAutoscaler", "shop", "web") in live
    assert [kind for kind, _, _ in probe.live_objects(Program("Namespace"), [])] == ["Namespace"]


def test_any_other_answer_is_none() -> None:
    class Silent(Program):
        def run(self, program: str, *arguments: str) -> str:
            raise probe.Unreachable("kubectl get: connection refused")

    with pytest.raises(probe.Unreachable, match="connection refused"):
        probe.live_objects(Silent(), [yaml.safe_dump(WIDGET)])


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
        ({}, {"hostPID": True}, "hostPID", {"hostPID": None}),
        (
            container(ports=[{"containerPort": 80}]),
            {"hostNetwork": True} | container(ports=[{"containerPort": 80, "hostPort": 80}]),
            "hostNetwork",
            {"hostNetwork": None} | container(ports=[{"containerPort": 80, "hostPort": None}]),
        ),
        (
            container(securityContext={"runAsNonRoot": True}),
            container(securityContext={"runAsNonRoot": True, "privileged": True}),
            "containers[main].securityContext.privileged",
            container(securityContext={"privileged": None}),
        ),
        (
            {},
            container(securityContext={"allowPrivilegeEscalation": True}),
            "containers[main].securityContext.allowPrivilegeEscalation",
            container(securityContext={"allowPrivilegeEscalation": None}),
        ),
        (
            container(securityContext={"capabilities": {"add": ["CHOWN"]}}),
            container(securityContext={"capabilities": {"add": ["CHOWN", "SYS_ADMIN"]}}),
            "containers[main].securityContext.capabilities.add",
            container(securityContext={"capabilities": {"add": ["CHOWN"]}}),
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


class Edited(probe.Tools):
    """A cluster with one release, whose workload somebody edited by hand."""

    def __init__(self) -> None:
        super().__init__(kubeconfig="", helm="", kubectl="", timeout=1)

    def run(self, program: str, *arguments: str) -> str:
        if program == "kubectl":
            edited = [item("Deployment", spec={"replicas": 3})]
            return json.dumps({"items": edited if "Deployment" in arguments[1] else []})
        if arguments[0] == "list":
            entry = {"status": "deployed", "chart": "web-1.0.0+abc", "revision": "3"}
            return json.dumps([{"namespace": "shop", "name": "web", **entry}])
        if arguments[:2] == ("get", "values"):
            return "null"
        return yaml.safe_dump(item("Deployment", spec={"replicas": 2}))


@pytest.mark.parametrize(("with_drift", "state"), [(True, "drifted"), (False, "current")])
def test_edits_by_hand_are_left_where_drift_is_not_to_be_repaired(
    with_drift: bool, state: str
) -> None:
    release = RELEASE | {"name": "web", "namespace": "shop", "values": {}}
    found = probe.probe(Edited(), [release], [], with_drift=with_drift)
    assert found["releases"]["web"]["state"] == state
