"""Every pod meets Pod Security "restricted" and more; rights and resources are small."""

from __future__ import annotations

import pytest

from .conftest import CHARTS, SERVERS, HelmProgram, Manifest
from .manifests import (
    EVERYTHING,
    containers,
    mebibytes,
    millicores,
    of_kind,
    one,
    pod_templates,
)

UID = 10001
CASES = [(chart, everything) for chart in CHARTS for everything in (False, True)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}{'-everything' if case[1] else ''}")
def manifests(request: pytest.FixtureRequest, helm: HelmProgram) -> list[Manifest]:
    chart, everything = request.param
    return helm.template(chart, EVERYTHING[chart] if everything else {})


def test_pods_are_restricted(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        spec = pod["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == UID, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        for volume in spec.get("volumes", []):
            kinds = volume.keys() - {"name"}
            allowed = {"configMap", "emptyDir", "ephemeral", "persistentVolumeClaim"}
            assert kinds <= allowed | {"projected", "secret"}, f"{name}: {volume}"


def test_containers_are_locked_down(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsGroup": UID,
                "runAsNonRoot": True,
                "runAsUser": UID,
                "seccompProfile": {"type": "RuntimeDefault"},
            }, name


def test_every_container_names_its_resources(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        for container in containers(pod):
            requests = container["resources"]["requests"]
            limits = container["resources"]["limits"]
            assert requests.keys() == limits.keys() == {"cpu", "memory", "ephemeral-storage"}, name
            assert millicores(requests["cpu"]) <= millicores(limits["cpu"]), name
            for amount in ("memory", "ephemeral-storage"):
                assert mebibytes(requests[amount]) <= mebibytes(limits[amount]), name


def test_every_writable_path_has_a_bound(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        for volume in pod["spec"].get("volumes", []):
            if "emptyDir" in volume:
                assert mebibytes(volume["emptyDir"]["sizeLimit"]) <= 64, name


# The ingress controller asks for its routes, the agents' tools for what they show.
MAY_CALL_THE_CLUSTER = {"Deployment/traefik", "Deployment/kubernetes-mcp-server"}


def test_only_two_may_call_the_cluster(manifests: list[Manifest]) -> None:
    accounts = {item["metadata"]["name"]: item for item in of_kind(manifests, "ServiceAccount")}
    for account in accounts.values():
        assert account["automountServiceAccountToken"] is False
    for name, pod in pod_templates(manifests):
        expected = name in MAY_CALL_THE_CLUSTER
        assert pod["spec"]["automountServiceAccountToken"] is expected, name
        assert pod["spec"]["enableServiceLinks"] is False, name
        assert pod["spec"]["serviceAccountName"] in accounts, f"{name} uses a foreign account"


def test_no_secret_is_an_object_or_an_environment_variable(manifests: list[Manifest]) -> None:
    assert not of_kind(manifests, "Secret")
    for name, pod in pod_templates(manifests):
        for container in containers(pod):
            assert not any("valueFrom" in entry for entry in container.get("env", [])), name
            assert not any("secretRef" in entry for entry in container.get("envFrom", [])), name


def test_secret_files_are_single_keys_and_not_for_everyone(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        for volume in pod["spec"].get("volumes", []):
            source = volume.get("secret") or volume.get("projected")
            if not source:
                continue
            assert source["defaultMode"] == 0o440, name
            for part in source.get("sources", [{"secret": source}]):
                assert part["secret"]["items"], f"{name} mounts a whole Secret"


def test_host_ports_are_the_ingress_controllers_alone(manifests: list[Manifest]) -> None:
    for name, pod in pod_templates(manifests):
        ports = [port for container in containers(pod) for port in container.get("ports", [])]
        assert all(port["containerPort"] >= 1024 for port in ports), name
        if name != "Deployment/traefik":
            assert not any("hostPort" in port for port in ports), name


def test_the_controller_reads_secrets_only_where_it_serves(helm: HelmProgram) -> None:
    manifests = helm.template("traefik", {"namespaces": ["todo"]})
    cluster = one(manifests, "ClusterRole", "todo-traefik")["rules"]
    assert {resource for rule in cluster for resource in rule["resources"]} == {
        "ingressclasses",
        "nodes",
    }
    (role,) = of_kind(manifests, "Role")
    assert role["metadata"]["namespace"] == "todo"
    verbs = {verb for rule in [*cluster, *role["rules"]] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


def test_the_controller_writes_ingress_status_only_when_asked(helm: HelmProgram) -> None:
    (role,) = of_kind(helm.template("traefik", {"statusHostname": "localhost"}), "Role")
    writing = [rule for rule in role["rules"] if "update" in rule["verbs"]]
    assert writing == [
        {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["ingresses/status"],
            "verbs": ["update"],
        }
    ]


def test_the_controller_has_no_dashboard_and_calls_nobody(helm: HelmProgram) -> None:
    pod = dict(pod_templates(helm.template("traefik")))["Deployment/traefik"]
    arguments = pod["spec"]["containers"][0]["args"]
    assert "--global.checknewversion=false" in arguments
    assert "--global.sendanonymoususage=false" in arguments
    assert not [argument for argument in arguments if argument.startswith(("--api", "--metrics"))]
    providers = {
        argument.split(".")[1].split("=")[0] for argument in arguments if "provider" in argument
    }
    assert providers == {"kubernetesingress"}


def test_only_what_keeps_running_has_a_priority(helm: HelmProgram) -> None:
    """A backup as hard to evict as the database would be evicted after the services."""
    for chart in set(CHARTS) - {"namespace", "ingress"}:
        values = EVERYTHING[chart] | {"priorityClassName": "todo-data"}
        for name, pod in pod_templates(helm.template(chart, values)):
            runs_on = name.startswith(("Deployment/", "StatefulSet/"))
            assert ("priorityClassName" in pod["spec"]) is runs_on, name


def test_two_cores_are_enough(helm: HelmProgram) -> None:
    """CPU that all servers ask for with two pods each, as while all of them roll at once."""
    total = 0
    for chart in set(CHARTS) - {"agents"}:
        values = {"replicas": 2} if chart in SERVERS else {}
        for kind in ("Deployment", "StatefulSet"):
            for item in of_kind(helm.template(chart, values), kind):
                asked = sum(
                    millicores(container["resources"]["requests"]["cpu"])
                    for container in containers(item["spec"]["template"])
                )
                total += asked * item["spec"]["replicas"]
    assert total <= 600


def test_the_quota_holds_everything_at_its_largest(helm: HelmProgram) -> None:
    """All services at their upper replica count, each rolling, with every job and test at once."""
    hard = one(helm.template("namespace"), "ResourceQuota", "quota")["spec"]["hard"]
    pods = 0
    needed = {
        f"{side}.{amount}": 0.0
        for side in ("requests", "limits")
        for amount in ("cpu", "memory", "ephemeral-storage")
    }
    for chart in ("postgres", "mcp-server", "backend", "frontend", "ingress"):
        manifests = helm.template(chart, EVERYTHING[chart])
        replicas = {
            f"Deployment/{item['spec']['scaleTargetRef']['name']}": item["spec"]["maxReplicas"] + 1
            for item in of_kind(manifests, "HorizontalPodAutoscaler")
        }
        for name, pod in pod_templates(manifests):
            count = replicas.get(name, 1)
            pods += count
            for container in containers(pod):
                for side in ("requests", "limits"):
                    given = container["resources"][side]
                    needed[f"{side}.cpu"] += count * millicores(given["cpu"])
                    needed[f"{side}.memory"] += count * mebibytes(given["memory"])
                    needed[f"{side}.ephemeral-storage"] += count * mebibytes(
                        given["ephemeral-storage"]
                    )
    assert pods <= int(hard["pods"])
    for name, amount in needed.items():
        limit = millicores(hard[name]) if name.endswith("cpu") else mebibytes(hard[name])
        assert amount <= limit, f"{name}: {amount} needed, quota is {limit}"


def test_no_container_is_above_the_limit_range(helm: HelmProgram) -> None:
    (limits,) = one(helm.template("namespace"), "LimitRange", "limits")["spec"]["limits"]
    for chart in ("postgres", "mcp-server", "backend", "frontend", "ingress"):
        for name, pod in pod_templates(helm.template(chart, EVERYTHING[chart])):
            for container in containers(pod):
                given = container["resources"]["limits"]
                assert millicores(given["cpu"]) <= millicores(limits["max"]["cpu"]), name
                assert mebibytes(given["memory"]) <= mebibytes(limits["max"]["memory"]), name
