"""What the rendered objects will do: selection, rollout, scaling, configuration, routes, hooks."""

from __future__ import annotations

import re

import pytest

from .conftest import CHARTS, ROOT, SERVERS, HelmProgram, Manifest
from .manifests import EVERYTHING, GATEWAY, containers, matches, of_kind, one, pod_templates


def server_pod(manifests: list[Manifest], name: str) -> Manifest:
    return dict(pod_templates(manifests))[f"Deployment/{name}"]


@pytest.mark.parametrize("chart", CHARTS)
def test_recommended_labels_everywhere(helm: HelmProgram, chart: str) -> None:
    for item in helm.template(chart, EVERYTHING[chart]):
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == chart
        assert labels["app.kubernetes.io/instance"] == chart
        assert labels["app.kubernetes.io/part-of"] == "todo"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"] == f"{chart}-0.1.0"
        assert "app.kubernetes.io/version" in labels


@pytest.mark.parametrize("chart", [*SERVERS, "postgres", "traefik"])
def test_services_select_servers_and_nothing_else(helm: HelmProgram, chart: str) -> None:
    """A migration, backup or test pod must never get a client's connection."""
    manifests = helm.template(chart, EVERYTHING[chart])
    for service in of_kind(manifests, "Service"):
        selected = {
            name
            for name, pod in pod_templates(manifests)
            if matches({"matchLabels": service["spec"]["selector"]}, pod["metadata"]["labels"])
        }
        assert selected in ({f"Deployment/{chart}"}, {f"StatefulSet/{chart}"})


@pytest.mark.parametrize("chart", [*SERVERS, "postgres", "traefik"])
def test_service_ports_lead_to_named_container_ports(helm: HelmProgram, chart: str) -> None:
    manifests = helm.template(chart)
    (workload,) = of_kind(manifests, "Deployment") + of_kind(manifests, "StatefulSet")
    (container,) = containers(workload["spec"]["template"])
    names = {port["name"] for port in container["ports"]}
    for service in of_kind(manifests, "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@pytest.mark.parametrize("chart", CHARTS)
def test_a_new_chart_version_alone_restarts_no_pod(helm: HelmProgram, chart: str) -> None:
    for name, pod in pod_templates(helm.template(chart, EVERYTHING[chart])):
        if not name.startswith("Pod/"):
            assert (
                not {"helm.sh/chart", "app.kubernetes.io/version"}
                & pod["metadata"]["labels"].keys()
            ), name


@pytest.mark.parametrize("chart", SERVERS)
def test_rollouts_keep_every_replica_until_its_successor_is_ready(
    helm: HelmProgram, chart: str
) -> None:
    deployment = one(helm.template(chart), "Deployment", chart)
    assert deployment["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause == 5
    assert pod["terminationGracePeriodSeconds"] >= pause + 25


@pytest.mark.parametrize(
    ("grace", "pause", "left"), [(60, 5, "50"), (40, 10, "25"), (5, 5, "0"), (5, 0, "0")]
)
@pytest.mark.parametrize("chart", ["backend", "mcp-server"])
def test_servers_end_their_requests_before_they_are_killed(
    helm: HelmProgram, chart: str, grace: int, pause: int, left: str
) -> None:
    values = {"terminationGracePeriodSeconds": grace, "preStopSeconds": pause}
    data = one(helm.template(chart, values), "ConfigMap", chart)["data"]
    assert data["TODO_SHUTDOWN_TIMEOUT"] == left


@pytest.mark.parametrize("chart", [*SERVERS, "traefik"])
def test_a_pause_that_kubernetes_refuses_is_not_rendered(helm: HelmProgram, chart: str) -> None:
    """A pause longer than the grace period, or one of 0, which needs a feature gate."""
    refused = helm.try_template(chart, {"terminationGracePeriodSeconds": 3, "preStopSeconds": 5})
    assert refused.returncode != 0
    assert "set it to at most terminationGracePeriodSeconds (3)" in refused.stderr
    deployment = one(helm.template(chart, {"preStopSeconds": 0}), "Deployment", chart)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "lifecycle" not in container


@pytest.mark.parametrize("chart", [*SERVERS, "postgres", "traefik"])
def test_probes_mean_different_things(helm: HelmProgram, chart: str) -> None:
    manifests = helm.template(chart)
    (workload,) = of_kind(manifests, "Deployment") + of_kind(manifests, "StatefulSet")
    (container,) = containers(workload["spec"]["template"])
    startup, live, ready = (
        container[f"{name}Probe"] for name in ("startup", "liveness", "readiness")
    )
    # Up soon after the start, out of the Service in seconds, restarted after half a minute. The
    # pages depend on nothing that could go, and cost more than an answer.
    assert startup["periodSeconds"] == 1
    assert startup["failureThreshold"] >= 60
    assert ready["periodSeconds"] * ready["failureThreshold"] <= (20 if chart == "frontend" else 4)
    assert live["periodSeconds"] * live["failureThreshold"] >= 30
    # Each asks for something else, not only at another pace.
    actions = [
        {key: probe[key] for key in ("exec", "httpGet", "tcpSocket") if key in probe}
        for probe in (live, ready)
    ]
    assert actions[0] != actions[1]


def test_a_database_is_ready_once_it_answers_in_the_applications_database(
    helm: HelmProgram,
) -> None:
    manifests = helm.template("postgres", {"database": "todo_two"})
    (container,) = containers(one(manifests, "StatefulSet", "postgres")["spec"]["template"])
    command = container["readinessProbe"]["exec"]["command"]
    assert command[0] == "psql"
    assert command[-2:] == ["SELECT 1", "todo_two"]
    # The one role that the socket lets in without a password.
    assert "--username=postgres" in command
    assert container["startupProbe"]["exec"]["command"] == ["pg_isready", "-q"]


def test_the_pages_are_ready_once_one_is_made(helm: HelmProgram) -> None:
    (container,) = containers(server_pod(helm.template("frontend"), "frontend"))
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/sign-in"
    assert (ROOT / "apps/frontend/src/app/sign-in/page.tsx").is_file()


@pytest.mark.parametrize("chart", ["backend", "mcp-server"])
def test_a_lost_dependency_restarts_nothing(helm: HelmProgram, chart: str) -> None:
    (container,) = containers(server_pod(helm.template(chart), chart))
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("chart", SERVERS)
def test_one_replica_has_no_budget_and_no_spread(helm: HelmProgram, chart: str) -> None:
    manifests = helm.template(chart)
    assert not of_kind(manifests, "PodDisruptionBudget")
    pod = server_pod(manifests, chart)["spec"]
    assert "affinity" not in pod
    assert "topologySpreadConstraints" not in pod


@pytest.mark.parametrize("chart", SERVERS)
def test_three_replicas_spread_and_keep_two_through_a_drain(helm: HelmProgram, chart: str) -> None:
    manifests = helm.template(chart, {"replicas": 3})
    assert one(manifests, "Deployment", chart)["spec"]["replicas"] == 3
    template = server_pod(manifests, chart)
    budget = one(manifests, "PodDisruptionBudget", chart)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert matches(budget["selector"], template["metadata"]["labels"])
    (spread,) = template["spec"]["topologySpreadConstraints"]
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert matches(spread["labelSelector"], template["metadata"]["labels"])


@pytest.mark.parametrize("chart", SERVERS)
def test_autoscaling_owns_the_replica_count(helm: HelmProgram, chart: str) -> None:
    manifests = helm.template(
        chart, {"replicas": 1, "autoscaling": {"enabled": True, "maxReplicas": 3}}
    )
    assert "replicas" not in one(manifests, "Deployment", chart)["spec"]
    scaler = one(manifests, "HorizontalPodAutoscaler", chart)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 3)
    assert scaler["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": chart,
    }
    assert scaler["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert of_kind(manifests, "PodDisruptionBudget")


def test_only_a_change_of_data_restarts_the_pods(helm: HelmProgram) -> None:
    def checksum(values: Manifest) -> str:
        pod = server_pod(helm.template("backend", values), "backend")
        return str(pod["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({"replicas": 3, "resources": {"limits": {"cpu": "2"}}})
    assert checksum({}) != checksum({"logLevel": "DEBUG"})


def test_false_stays_false(helm: HelmProgram) -> None:
    data = one(helm.template("backend"), "ConfigMap", "backend")["data"]
    assert data["TODO_COOKIE_SECURE"] == "false"
    data = one(helm.template("backend", {"cookieSecure": True}), "ConfigMap", "backend")["data"]
    assert data["TODO_COOKIE_SECURE"] == "true"


def test_settings_reach_the_servers(helm: HelmProgram) -> None:
    values = {
        "publicOrigins": ["https://todo.example", "http://localhost:8080"],
        "mcp": {"url": "http://mcp.other:9000/mcp"},
        "database": {"host": "db.example", "port": 6432, "sslMode": "verify-full"},
    }
    data = one(helm.template("backend", values), "ConfigMap", "backend")["data"]
    assert data["TODO_PUBLIC_ORIGINS"] == "https://todo.example,http://localhost:8080"
    assert data["TODO_MCP_AUDIENCE"] == data["TODO_MCP_URL"] == "http://mcp.other:9000/mcp"
    assert data["TODO_DATABASE_HOST"] == "db.example"
    assert data["TODO_DATABASE_PORT"] == "6432"
    assert "TODO_OPENAI_BASE_URL" not in data
    data = one(helm.template("mcp-server"), "ConfigMap", "mcp-server")["data"]
    namespace = one(helm.template("mcp-server"), "ConfigMap", "mcp-server")["metadata"]["namespace"]
    assert data["TODO_MCP_ALLOWED_HOSTS"].split(",") == [
        "mcp-server:*",
        f"mcp-server.{namespace}:*",
        f"mcp-server.{namespace}.svc:*",
        f"mcp-server.{namespace}.svc.cluster.local:*",
        "localhost:*",
        "127.0.0.1:*",
    ]


def test_backend_and_mcp_server_agree_on_the_audience(helm: HelmProgram) -> None:
    backend = one(helm.template("backend"), "ConfigMap", "backend")["data"]
    server = one(helm.template("mcp-server"), "ConfigMap", "mcp-server")["data"]
    assert backend["TODO_MCP_AUDIENCE"] == server["TODO_MCP_AUDIENCE"]


def secret_files(pod: Manifest, mount: str) -> dict[str, tuple[str, str]]:
    """Path of each mounted secret file -> (Secret, key)."""
    (container,) = containers(pod)
    (name,) = {item["name"] for item in container["volumeMounts"] if item["mountPath"] == mount}
    (volume,) = [item for item in pod["spec"]["volumes"] if item["name"] == name]
    if "secret" in volume:
        source = volume["secret"]
        parts = [{"name": source["secretName"], "items": source["items"]}]
    else:
        parts = [item["secret"] for item in volume["projected"]["sources"]]
    return {
        f"{mount}/{item['path']}": (part["name"], item["key"])
        for part in parts
        for item in part["items"]
    }


def test_secret_files_are_where_the_servers_look(helm: HelmProgram) -> None:
    backend = server_pod(helm.template("backend", EVERYTHING["backend"]), "backend")
    assert secret_files(backend, "/run/secrets/todo") == {
        "/run/secrets/todo/database-password": ("todo-database", "backend-password"),
        "/run/secrets/todo/database-ca.crt": ("todo-postgres-tls", "ca.crt"),
        "/run/secrets/todo/mcp-signing-key.pem": ("todo-mcp-identity", "private.pem"),
        "/run/secrets/todo/model-api-key": ("todo-model", "api-key"),
    }
    server = server_pod(helm.template("mcp-server"), "mcp-server")
    assert secret_files(server, "/run/secrets/todo") == {
        "/run/secrets/todo/database-password": ("todo-database", "mcp-server-password"),
        "/run/secrets/todo/database-ca.crt": ("todo-postgres-tls", "ca.crt"),
        "/run/secrets/todo/mcp-public-key.pem": ("todo-mcp-identity", "public.pem"),
    }
    for pod in (backend, server):
        files = secret_files(pod, "/run/secrets/todo")
        (container,) = containers(pod)
        named = {item["value"] for item in container["env"] if item["name"].endswith("_FILE")}
        assert named == files.keys() - {"/run/secrets/todo/database-ca.crt"}


def test_without_a_model_its_key_is_not_asked_for(helm: HelmProgram) -> None:
    pod = server_pod(helm.template("backend"), "backend")
    assert "/run/secrets/todo/model-api-key" not in secret_files(pod, "/run/secrets/todo")
    (container,) = containers(pod)
    assert "TODO_OPENAI_API_KEY_FILE" not in {item["name"] for item in container["env"]}


def hooks(item: Manifest) -> set[str]:
    annotation = item["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    return set(filter(None, annotation.split(",")))


def test_migration_needs_nothing_of_the_release_it_precedes(helm: HelmProgram) -> None:
    manifests = helm.template("backend")
    before = [item for item in manifests if hooks(item) == {"pre-install", "pre-upgrade"}]
    assert {item["kind"] for item in before} == {"Job", "ServiceAccount", "NetworkPolicy"}
    weights = {
        item["kind"]: int(item["metadata"]["annotations"]["helm.sh/hook-weight"]) for item in before
    }
    assert weights["Job"] > max(weights["ServiceAccount"], weights["NetworkPolicy"])
    job = one(before, "Job", "backend-migration")
    pod = job["spec"]["template"]
    (container,) = containers(pod)
    assert "envFrom" not in container
    assert pod["spec"]["serviceAccountName"] == "backend-migration"
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert environment["TODO_DATABASE_USER"] == "todo_owner"
    assert environment["TODO_DATABASE_PORT"] == "5432"
    assert secret_files(pod, "/run/secrets/todo") == {
        environment["TODO_DATABASE_PASSWORD_FILE"]: ("todo-database", "owner-password"),
        environment["PGSSLROOTCERT"]: ("todo-postgres-tls", "ca.crt"),
    }
    assert job["spec"]["activeDeadlineSeconds"] <= 300
    server = server_pod(manifests, "backend")["spec"]["containers"][0]
    assert container["image"] == server["image"]


def test_failed_migration_keeps_its_log(helm: HelmProgram) -> None:
    job = one(helm.template("backend"), "Job", "backend-migration")
    policy = job["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",")
    assert "hook-failed" not in policy
    assert job["spec"]["ttlSecondsAfterFinished"] >= 3600


@pytest.mark.parametrize("chart", ["postgres", "mcp-server", "backend", "frontend", "ingress"])
def test_every_service_has_a_helm_test(helm: HelmProgram, chart: str) -> None:
    pod = one(helm.template(chart, EVERYTHING[chart]), "Pod", f"{chart}-test")
    assert hooks(pod) == {"test"}
    (container,) = containers(pod)
    program = container["command"][-1]
    assert len(program.splitlines()) > 10
    assert pod["spec"]["activeDeadlineSeconds"] <= 120


def test_the_assistant_is_asked_only_when_it_costs_nothing(helm: HelmProgram) -> None:
    def asks(values: Manifest) -> str:
        pod = one(helm.template("backend", values), "Pod", "backend-test")
        environment = {item["name"]: item["value"] for item in containers(pod)[0]["env"]}
        return str(environment["ASK_ASSISTANT"])

    assert asks({}) == "true"
    assert asks({"assistant": {"openai": {"existingSecret": "todo-model"}}}) == "false"


def routes(ingress: Manifest) -> dict[str, str]:
    (rule,) = ingress["spec"]["rules"]
    paths = rule["http"]["paths"]
    assert {path["pathType"] for path in paths} == {"Prefix"}
    return {path["path"]: path["backend"]["service"]["name"] for path in paths}


def test_routes(helm: HelmProgram) -> None:
    ingress = one(helm.template("ingress"), "Ingress", "todo")
    assert routes(ingress) == {"/": "frontend", "/api": "backend"}
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert ingress["spec"]["rules"][0]["host"] == "localhost"
    assert "tls" not in ingress["spec"]
    assert "annotations" not in ingress["metadata"]


def test_public_mcp_and_tls_are_opt_in(helm: HelmProgram) -> None:
    values = {"host": "todo.example", "tls": {"enabled": True}, "mcp": {"public": True}}
    ingress = one(helm.template("ingress", values), "Ingress", "todo")
    assert routes(ingress) == {"/": "frontend", "/api": "backend", "/mcp": "mcp-server"}
    assert ingress["spec"]["tls"] == [{"hosts": ["todo.example"], "secretName": "todo-tls"}]


def test_routes_lead_to_ports_that_services_have(helm: HelmProgram) -> None:
    ingress = one(helm.template("ingress", {"mcp": {"public": True}}), "Ingress", "todo")
    for path in ingress["spec"]["rules"][0]["http"]["paths"]:
        target = path["backend"]["service"]
        service = one(helm.template(target["name"]), "Service", target["name"])
        assert target["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_gateway_route_replaces_the_ingress(helm: HelmProgram) -> None:
    manifests = helm.template("ingress", GATEWAY)
    assert not of_kind(manifests, "Ingress")
    route = one(manifests, "HTTPRoute", "todo")["spec"]
    found = {
        rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["name"]
        for rule in route["rules"]
    }
    assert found == {"/": "frontend", "/api": "backend"}
    assert route["hostnames"] == ["localhost"]


def test_traefik_serves_the_class_on_the_nodes_ports(helm: HelmProgram) -> None:
    manifests = helm.template("traefik")
    assert one(manifests, "IngressClass", "traefik")["spec"]["controller"] == (
        "traefik.io/ingress-controller"
    )
    deployment = one(manifests, "Deployment", "traefik")
    # Two pods cannot hold one port of the node.
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (container,) = containers(deployment["spec"]["template"])
    assert container["image"] == "docker.io/library/traefik:v3.6.12"
    assert {port["hostPort"] for port in container["ports"] if "hostPort" in port} == {80, 443}
    ports = {port["containerPort"] for port in container["ports"]}
    listened = {
        int(found[1])
        for argument in container["args"]
        if (found := re.fullmatch(r"--entrypoints\.\w+\.address=:(\d+)", argument))
    }
    assert ports == listened
    assert "--providers.kubernetesingress.namespaces=todo" in container["args"]


def test_images_by_tag_and_digest(helm: HelmProgram) -> None:
    def image(values: Manifest) -> str:
        pod = server_pod(helm.template("frontend", {"image": values}), "frontend")
        return str(containers(pod)[0]["image"])

    digest = "sha256:" + "a" * 64
    assert image({}) == "localhost/todo/frontend:0.1.0"
    assert image({"tag": "abc"}) == "localhost/todo/frontend:abc"
    assert image({"tag": "abc", "digest": digest}) == f"localhost/todo/frontend:abc@{digest}"


def test_a_service_monitor_carries_the_labels_by_which_it_is_found(helm: HelmProgram) -> None:
    monitor = one(helm.template("backend", EVERYTHING["backend"]), "ServiceMonitor", "backend")
    labels = monitor["metadata"]["labels"]
    assert labels["release"] == "prometheus"
    assert labels["app.kubernetes.io/name"] == "backend"
    # Not a part of what it selects by.
    assert "release" not in monitor["spec"]["selector"]["matchLabels"]
