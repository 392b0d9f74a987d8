"""What goes wrong in practice: each fault says what it is, loses nothing, and a run mends it."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.support import (
    ROOT,
    User,
    kubectl,
    kubectl_json,
    playbook,
    unfolded,
    wait_until_served,
)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("network_mode=sideways", "network_mode"),
        ("minikube_driver=hovercraft", "minikube_driver"),
        ("minikube_cpus=many", "minikube_cpus"),
        ("platform_http_port=eighty", "platform_http_port"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_remedy(setting: str, named: str) -> None:
    output = playbook("site.yml", "-e", setting, expect=1)
    assert named in output
    assert "changed=0" in output


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_refused_before_anything_changes(listener: int, tmp_path: Path) -> None:
    """Asked for a new cluster (another state folder) on a port that somebody else holds."""
    output = playbook(
        *("playbooks/preflight.yml", "-e", f"platform_http_port={listener}"),
        *("-e", f"platform_state_dir={tmp_path}", "-e", "minikube_profile=elsewhere"),
        expect=1,
    )
    assert str(listener) in output
    assert "platform_http_port" in output


def test_a_machine_that_is_too_small_is_told_all_of_it_at_once() -> None:
    wanted = ("-e", "minikube_cpus=999", "-e", "minikube_memory_mib=9999999")
    output = playbook("playbooks/preflight.yml", *wanted, expect=1)
    assert "minikube_cpus" in output
    assert "minikube_memory_mib" in output
    assert "nothing was changed" in output


def test_docker_out_of_reach_names_the_remedy() -> None:
    done = subprocess.run(
        ["ansible-playbook", "site.yml", "--tags", "container_engine"]
        + ["-e", "container_engine_install=false"],
        cwd=ROOT,
        env=os.environ | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "Remedy" in done.stdout + done.stderr
    assert "unset DOCKER_HOST" in done.stdout + done.stderr


def test_a_broken_image_fails_the_release_and_the_next_run_mends_it(user: User) -> None:
    """The old version serves on all the while; the failure shows the evidence."""
    user.add("Still here")
    deployed = {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in kubectl_json("get", "deployments,statefulsets", "-n", "todo")["items"]
    }
    broken = {"images_references": deployed | {"frontend": "localhost/todo/frontend:no-such-tag"}}
    output = playbook(
        *("site.yml", "--tags", "frontend", "--skip-tags", "images"),
        *("-e", json.dumps(broken), "-e", "helm_release_timeout=20s"),
        expect=1,
    )
    assert "no-such-tag" in output
    assert "Cause: Deployment todo/frontend needs the image" in output
    assert "make up TAGS=images" in output
    assert ".state/logs/helm" in output
    assert [task["title"] for task in user.tasks()] == ["Still here"]
    assert user.http.get("/healthz").status_code == 200
    playbook("site.yml", "--tags", "frontend")
    releases = json.loads(
        subprocess.run(
            ["helm", "list", "-n", "todo", "-o", "json"]
            + ["--kubeconfig", str(ROOT / ".state" / "kubeconfig")],
            check=True,
            capture_output=True,
        ).stdout
    )
    assert {release["status"] for release in releases} == {"deployed"}


SIDECAR = {"name": "side", "image": "registry.k8s.io/pause:3.10.1"}


def test_what_somebody_added_by_hand_goes_again() -> None:
    """Helm itself would keep both: neither is in any of its manifests."""

    def pod() -> dict[str, Any]:
        found = kubectl_json("get", "deployment", "-n", "todo", "frontend")
        template: dict[str, Any] = found["spec"]["template"]["spec"]
        return template

    before = pod()
    kubectl("set", "env", "-n", "todo", "deployment/frontend", "ADDED=by-hand")
    patch = {"spec": {"template": {"spec": {"containers": [SIDECAR]}}}}
    kubectl("patch", "-n", "todo", "deployment/frontend", "--patch", json.dumps(patch))
    assert pod() != before
    output = unfolded(playbook("site.yml", "--tags", "helm_release"))
    assert "env[ADDED] was added" in output
    assert "containers[side] was added" in output
    assert pod() == before
    assert "changed=0" in playbook("site.yml", "--tags", "helm_release")


def revisions() -> dict[str, str]:
    """The deployed revision of each release."""
    listed = subprocess.run(
        ["helm", "list", "-A", "-o", "json", "--kubeconfig", str(ROOT / ".state" / "kubeconfig")],
        check=True,
        capture_output=True,
    ).stdout
    return {release["name"]: release["revision"] for release in json.loads(listed)}


def test_an_upgrade_that_does_not_work_is_taken_back(user: User) -> None:
    """Every pod becomes ready, and yet nobody can chat: only the conversation finds that out."""
    user.add("Still here")
    before = revisions()
    broken = {
        "assistant_engine": "openai",
        "assistant_openai_base_url": "http://127.0.0.1:9/v1",
        "assistant_openai_model": "nobody",
        "secrets_model_api_key": "not-a-key-of-anybody",
    }
    output = playbook("playbooks/upgrade.yml", "-e", json.dumps(broken), expect=1)
    assert "the platform works" in output
    assert "Remedy" in output
    after = revisions()
    assert int(after["backend"]) == int(before["backend"]) + 2
    assert {n: r for n, r in after.items() if n != "backend"} == {
        n: r for n, r in before.items() if n != "backend"
    }
    assert user.say("What's pending?")["tool_calls"][0]["name"] == "list_tasks"
    kubectl("delete", "secret", "-n", "todo", "todo-model")


# How many runs are killed; a release is tried with twenty.
KILLS = int(os.environ.get("TODO_KILLS", "2"))
KILLS_LOG = ROOT / ".state" / "logs" / "kills.log"


def helm(*arguments: str) -> None:
    place = ["--kubeconfig", str(ROOT / ".state" / "kubeconfig"), "--namespace", "todo"]
    subprocess.run(["helm", *arguments, *place], check=True, capture_output=True, timeout=180)


def lose_a_release() -> None:
    helm("uninstall", "frontend", "--wait")


def stop_the_node() -> None:
    playbook("site.yml", "--tags", "minikube_stop")


def lose_an_image() -> None:
    found = kubectl_json("get", "deployment", "-n", "todo", "frontend")
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    node = kubectl("config", "current-context").strip()
    subprocess.run(
        ["docker", "exec", node, "crictl", "rmi", image], check=True, capture_output=True
    )
    kubectl("delete", "pod", "-n", "todo", "-l", "app.kubernetes.io/name=frontend", "--wait=false")


LOSSES = (lose_a_release, stop_the_node, lose_an_image)


@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_that_was_killed_is_mended_by_the_next(
    user: User, number: int, tmp_path: Path
) -> None:
    """Something is missing each time, so that the kill hits a run at work."""
    user.add("Still here")
    lose = LOSSES[number % len(LOSSES)]
    lose()
    seconds = random.uniform(1, 40)  # noqa: S311 (no secret)
    said = tmp_path / "run.log"
    with said.open("w") as output:
        run = subprocess.Popen(
            ["ansible-playbook", "site.yml"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        )
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            run.kill()
        status = run.wait()
    tasks = [line for line in said.read_text().splitlines() if line.startswith("TASK [")]
    KILLS_LOG.parent.mkdir(parents=True, exist_ok=True)
    with KILLS_LOG.open("a") as log:
        hit = tasks[-1].rstrip("* ") if tasks else "before the first task"
        log.write(f"{lose.__name__}, after {seconds:.1f} s, status {status}: {hit}\n")
    playbook("site.yml")
    assert [task["title"] for task in user.tasks()] == ["Still here"]
    assert "changed=0" in playbook("site.yml")


def test_passwords_that_a_killed_run_left_are_given_to_the_database(user: User) -> None:
    """It ended between the new password in the Secret and the same one in PostgreSQL."""
    user.add("Still here")
    password = base64.b64encode(secrets.token_urlsafe(32).encode()).decode()
    left = {
        "metadata": {"annotations": {"todo/follow-up": "due"}},
        "data": {"backend-password": password},
    }
    kubectl("patch", "secret", "-n", "todo", "todo-database", "--patch", json.dumps(left))
    output = unfolded(playbook("site.yml", "--tags", "secrets", "--diff"))
    assert "+ todo-database to be taken into use" in output
    # New pods open new connections.
    kubectl("rollout", "restart", "-n", "todo", "deploy/backend")
    kubectl("rollout", "status", "-n", "todo", "deploy/backend", "--timeout=120s")
    assert [task["title"] for task in user.tasks()] == ["Still here"]
    assert "changed=0" in playbook("site.yml", "--tags", "secrets")


def test_a_replaced_database_pod_keeps_the_tasks(user: User) -> None:
    user.add("Outlive the pod")
    kubectl("delete", "pod", "-n", "todo", "postgres-0", "--wait=true")
    kubectl("rollout", "status", "-n", "todo", "statefulset/postgres", "--timeout=90s")
    wait_until_served("the backend has found the new database")
    assert [task["title"] for task in user.tasks()] == ["Outlive the pod"]


def test_a_conversation_survives_every_pod(user: User) -> None:
    said = user.say("Add a task to buy groceries")
    kubectl("rollout", "restart", "-n", "todo", "deploy/backend", "deploy/mcp-server")
    for name in ("backend", "mcp-server"):
        kubectl("rollout", "status", "-n", "todo", f"deploy/{name}", "--timeout=120s")
    again = user.say("Mark the groceries task as done", conversation_id=said["conversation_id"])
    assert [call["name"] for call in again["tool_calls"]][-1] == "complete_task"


FOREIGN = """\
apiVersion: v1
kind: Config
current-context: production
clusters: [{name: production, cluster: {server: "https://127.0.0.1:9"}}]
contexts: [{name: production, context: {cluster: production, user: somebody}}]
users: [{name: somebody, user: {token: of-somebody-else}}]
"""


def test_a_stopped_cluster_comes_back_with_its_data(
    new_user: Callable[[], User], tmp_path: Path
) -> None:
    """And neither the user's own kubeconfig nor one in the environment is read or written."""
    own, named = tmp_path / ".kube" / "config", tmp_path / "named"
    own.parent.mkdir()
    for path in (own, named):
        path.write_text(FOREIGN)
    environment = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(named),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
    }
    user = new_user()
    user.add("Survive the night")
    playbook("site.yml", "--tags", "minikube_stop", environment=environment)
    looked = unfolded(playbook("site.yml", "--check", "--diff", environment=environment))
    assert "Which releases need work cannot be told" in looked
    assert "Whether Secrets would be made cannot be told" in looked
    output = playbook("site.yml", environment=environment)
    assert "failed=0" in output
    assert [task["title"] for task in user.tasks()] == ["Survive the night"]
    assert own.read_text() == named.read_text() == FOREIGN
