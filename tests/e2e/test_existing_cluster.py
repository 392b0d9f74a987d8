"""The platform a second time, on a cluster that is treated as somebody else's.

It is this project's Minikube, but reached by its kubeconfig alone: the images come through a
registry, the ingress controller is another one, and the node's container is not touched. Only the
fixture, which plays the cluster's administrator, does that.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from e2e.support import ROOT, kubectl, kubectl_json, packaged, playbook
from waiting import wait_until

KUBECONFIG = ROOT / ".state" / "kubeconfig"
NAMESPACE = "elsewhere"
INGRESS = "elsewhere-ingress"
DATABASE = "elsewhere-database"
CURVE = "ec_paramgen_curve:prime256v1"
# A port of the node that only this machine reaches.
NODE_PORT = 8880
# A program that is a registry in memory, too; from the Go module proxy.
CRANE_MODULE = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
CRANE = ROOT / ".tools" / "crane"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code < 500
    except httpx2.TransportError:
        return False


@contextmanager
def background(*command: str | Path) -> Iterator[None]:
    """Runs a server for as long as it is needed."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


def context() -> str:
    """Context of the project's own cluster, which is also the name of its node's container."""
    return kubectl("config", "current-context").strip()


def in_node(script: str) -> str:
    command = ["docker", "exec", context(), "sh", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def forwarded(host: str, port: int) -> Iterator[int]:
    """A port of this machine that leads there; `kubectl port-forward` ends at the first error."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    loop = asyncio.new_event_loop()
    starting = asyncio.start_server(connect, "127.0.0.1", 0)
    server = loop.run_until_complete(starting)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def node_is_ready() -> bool:
    (node,) = kubectl_json("get", "nodes")["items"]
    conditions = {c["type"]: c["status"] for c in node["status"]["conditions"]}
    ready: bool = conditions["Ready"] == "True"
    return ready


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """A registry that this machine and the node both call localhost:PORT."""
    if not CRANE.exists():
        go = shutil.which("go")
        assert go, "the registry of this test is built with Go: install Go 1.26 or later"
        environment = os.environ | {"GOBIN": str(CRANE.parent), "GOFLAGS": "-mod=mod"}
        subprocess.run([go, "install", CRANE_MODULE], check=True, env=environment)
    port = free_port()
    folder = f"/etc/containerd/certs.d/localhost:{port}"
    with background(CRANE, "registry", "serve", "--address", f":{port}"):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/v2/"), "the registry answers")
        route = "$(ip route | awk '/^default/ { print $3 }')"
        in_node(f"mkdir -p {folder}; echo \"[host.'http://{route}:{port}']\" > {folder}/hosts.toml")
        yield f"localhost:{port}/todo"
        # An image that was pulled once is not taken as preloaded again under its other name, so
        # what the kubelet remembers of these goes, too.
        names = "ctr --namespace k8s.io images list --quiet | grep ^localhost:"
        in_node(
            f"rm -r {folder} /var/lib/kubelet/image_manager/pulled;"
            f" {names} | xargs ctr --namespace k8s.io images rm; systemctl restart kubelet"
        )
        host = "docker image ls --format '{{.Repository}}:{{.Tag}}' | grep ^localhost:"
        subprocess.run(["sh", "-c", f"{host} | xargs docker image rm"], check=True)
        wait_until(node_is_ready, "the node is ready again")


@pytest.fixture(scope="module")
def ingress() -> Iterator[int]:
    """The cluster's own ingress controller, of class `elsewhere`; its port on this machine."""
    ours = kubectl_json("get", "deploy", "-n", "ingress", "traefik")
    tag = ours["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
    values = {
        "namespaces": [NAMESPACE],
        "ingressClass": {"name": "elsewhere"},
        "hostPorts": {"http": NODE_PORT, "https": NODE_PORT + 1},
        "image": {"tag": tag},
    }
    helm = ["helm", "--kubeconfig", str(KUBECONFIG), "--namespace", INGRESS]
    install = [*helm, "install", "elsewhere", packaged("traefik"), "--wait", "--values", "-"]
    for namespace in (NAMESPACE, INGRESS):
        kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", INGRESS, "pod-security.kubernetes.io/enforce=privileged")
    try:
        subprocess.run(install, check=True, input=json.dumps(values).encode())
        (node,) = kubectl_json("get", "nodes")["items"]
        address = next(a for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        with forwarded(address["address"], NODE_PORT) as port:
            wait_until(lambda: answers(f"http://localhost:{port}/"), "the controller answers")
            yield port
        subprocess.run([*helm, "uninstall", "elsewhere"], check=True)
    finally:
        # The database's is on its way, too.
        kubectl("delete", "namespace", NAMESPACE, INGRESS, DATABASE, "--ignore-not-found")


@pytest.fixture(scope="module")
def database(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Somebody's PostgreSQL server with its own passwords and certificate; settings for it."""
    host = f"postgres.{DATABASE}"
    passwords = {
        f"{role}-password": secrets.token_urlsafe(24)
        for role in ("superuser", "owner", "backend", "mcp-server")
    }
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "tls.crt", folder / "tls.key"
    # libpq cannot bind a channel to an Ed25519 certificate.
    issue = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", CURVE]
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run([*issue, *names, "-out", str(certificate), "-keyout", str(key)], check=True)
    own = {"tls.crt": certificate.read_text(), "tls.key": key.read_text()}
    ours = kubectl_json("get", "statefulset", "-n", "todo", "postgres")
    (server,) = ours["spec"]["template"]["spec"]["containers"]
    # By the name that it was pulled by: see the registry.
    image = {"repository": f"{registry}/postgres", "tag": server["image"].rpartition(":")[2]}
    values = {"image": image, "backup": {"enabled": False}}
    helm = ["helm", "--kubeconfig", str(KUBECONFIG), "--namespace", DATABASE]
    install = [*helm, "install", "postgres", packaged("postgres"), "--wait", "--values", "-"]
    kubectl("create", "namespace", DATABASE)
    try:
        add_secret(DATABASE, "todo-database", passwords)
        add_secret(DATABASE, "todo-postgres-tls", own | {"ca.crt": own["tls.crt"]})
        add_secret(NAMESPACE, "elsewhere-authority", {"ca.crt": own["tls.crt"]})
        subprocess.run(install, check=True, input=json.dumps(values).encode())
        yield {
            "postgres_external_host": host,
            "postgres_external_ca_secret": "elsewhere-authority",
            **{f"secrets_{key.replace('-', '_')}": value for key, value in passwords.items()},
        }
    finally:
        kubectl("delete", "namespace", DATABASE, "--wait=false")


def add_secret(namespace: str, name: str, values: dict[str, str]) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": values,
    }
    kubectl("create", "--filename", "-", given=json.dumps(secret))


@pytest.fixture(scope="module")
def settings(registry: str, ingress: int, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    given: dict[str, Any] = {
        "existing_cluster_kubeconfig": str(KUBECONFIG),
        "existing_cluster_context": context(),
        "images_registry": registry,
        "platform_namespace": NAMESPACE,
        "platform_host": "localhost",
        "platform_http_port": ingress,
        "platform_state_dir": str(tmp_path_factory.mktemp("state")),
        "ingress_class": "elsewhere",
        "ingress_namespace": INGRESS,
        "ingress_pod_labels": {"app.kubernetes.io/name": "traefik"},
        "ingress_pod_port": 8000,
        "ingress_service_url": f"http://traefik.{INGRESS}",
    }
    inventories = ["-i", "inventory/hosts.yml", "-i", "inventory/cluster.yml"]
    return [*inventories, "-e", json.dumps(given)]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"existing_cluster_kubeconfig": "/nonexistent"}, "no such file"),
        ({"existing_cluster_context": "nobody"}, "existing_cluster_context"),
        ({"platform_storage_class": "golden"}, "There is no StorageClass golden"),
        ({"ingress_class": "nobody"}, "There is no IngressClass nobody"),
    ],
)
def test_a_cluster_that_cannot_serve_is_refused(
    settings: list[str], wrong: dict[str, str], named: str
) -> None:
    output = playbook("site.yml", *settings, "-e", json.dumps(wrong), expect=1)
    assert named in output
    assert "Remedy" in output
    assert kubectl("get", "secrets", "-n", NAMESPACE, "-o", "name") == ""


def test_the_platform_comes_up_beside_the_first(settings: list[str], registry: str) -> None:
    before = KUBECONFIG.read_bytes()
    # The role smoke holds a conversation there.
    playbook("site.yml", *settings)
    pods = kubectl_json("get", "pods", "-n", NAMESPACE)["items"]
    images = {c["image"] for pod in pods for c in pod["spec"]["containers"]}
    assert {image.partition(":")[0] for image in images} == {"localhost"}
    assert all(image.startswith(f"{registry}/") for image in images)
    assert KUBECONFIG.read_bytes() == before
    output = playbook("site.yml", *settings, "--verbose")
    assert "changed=0" in output
    (backend,) = (image for image in images if "/backend:" in image)
    assert f"backend: {digest(backend)}" in output


def digest(image: str) -> str:
    """By what the registry itself calls the image."""
    host, _, name = image.partition("/")
    repository, _, tag = name.rpartition(":")
    answer = httpx2.head(f"http://{host}/v2/{repository}/manifests/{tag}")
    found: str = answer.raise_for_status().headers["docker-content-digest"]
    return found


def test_the_platform_goes_and_the_volumes_stay(settings: list[str]) -> None:
    output = playbook("playbooks/teardown.yml", *settings, "-e", "teardown_force=true")
    said = " ".join(output.split())
    assert "volumes stay, with all data: data-postgres-0, postgres-backup." in said
    assert "delete persistentvolumeclaim data-postgres-0 postgres-backup" in said
    assert kubectl("get", "deployments,statefulsets", "-n", NAMESPACE, "-o", "name") == ""
    claims = kubectl("get", "persistentvolumeclaims", "-n", NAMESPACE, "-o", "name")
    assert "data-postgres-0" in claims
    first = kubectl_json("get", "deployments", "-n", "todo")["items"]
    assert all(item["status"]["readyReplicas"] == item["spec"]["replicas"] for item in first)


def test_a_postgresql_server_elsewhere_keeps_the_data(
    settings: list[str], database: dict[str, Any]
) -> None:
    # The role smoke holds a conversation, and leaves with its account.
    playbook("site.yml", *settings, "-e", json.dumps(database))
    assert kubectl("get", "statefulsets", "-n", NAMESPACE, "-o", "name") == ""
    query = "SELECT count(*) FROM alembic_version"
    psql = ("exec", "-n", DATABASE, "postgres-0", "--", "psql", "-U", "postgres", "-tA", "todo")
    assert kubectl(*psql, "-c", query).strip() == "1"
    sessions = "SELECT count(DISTINCT usename) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
    encrypted = "WHERE ssl AND usename IN ('todo_backend', 'todo_mcp')"
    assert kubectl(*psql, "-c", f"{sessions} {encrypted}").strip() == "2"
