"""Releases on the running platform: proofs, dry runs, upgrade, rollback, a failing migration."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from charts.manifests import EVERYTHING
from e2e.support import (
    ROOT,
    URL,
    User,
    kubectl,
    kubectl_json,
    playbook,
    wait_until_served,
)
from waiting import wait_until

KUBECONFIG = str(ROOT / ".state" / "kubeconfig")
MEBIBYTES_AT_REST = 600


def helm(*arguments: str, given: str | None = None) -> str:
    """What Helm prints; fails the test with all that it said."""
    done = subprocess.run(
        ["helm", "--kubeconfig", KUBECONFIG, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def releases() -> dict[str, dict[str, str]]:
    """What `helm list` says of each release of the application."""
    listed = json.loads(helm("list", "--namespace", "todo", "--output", "json"))
    return {release["name"]: release for release in listed}


def pods(service: str) -> dict[str, dict[str, str]]:
    """Annotations of each pod of a service, by the pod's name."""
    selector = f"app.kubernetes.io/name={service},app.kubernetes.io/component=server"
    return {
        pod["metadata"]["name"]: pod["metadata"].get("annotations", {})
        for pod in kubectl_json("get", "pods", "-n", "todo", "-l", selector)["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def test_the_application_at_rest_is_small() -> None:
    def used() -> dict[str, int]:
        lines = kubectl("top", "pods", "-n", "todo", "--no-headers").splitlines()
        return {line.split()[0]: int(line.split()[2].removesuffix("Mi")) for line in lines}

    def complete() -> bool:
        measured = used()
        services = ("postgres", "mcp-server", "backend", "frontend")
        return all(name in measured for service in services for name in pods(service))

    # A new pod is measured after a minute.
    wait_until(complete, "every pod is measured", seconds=150, pause=2)
    found = used()
    print(found)
    assert sum(found.values()) <= MEBIBYTES_AT_REST, found


# What each pod of `helm test` says when all is well.
VERDICTS = {
    "postgres": {
        "postgres-test": r"postgres: writes, reads, and refuses what it should",
        "postgres-drill-test": r"drill: todo-\S+\.dump was restored, every table as recorded .*",
    },
    "mcp-server": {
        "mcp-server-test": r"mcp-server: refuses strangers, offers add_task, complete_task, .*"
    },
    "backend": {"backend-test": r"backend: account, task and assistant work"},
    "frontend": {"frontend-test": r"frontend: serves its page and /_next/static/\S+\.js\S*"},
    "ingress": {"ingress-test": r"ingress: every route reaches its service"},
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("release", VERDICTS)
def test_the_release_proves_itself(release: str) -> None:
    try:
        said = helm("test", release, "--namespace", "todo", "--logs", "--timeout", "5m")
        for pod, verdict in VERDICTS[release].items():
            lines = kubectl("logs", "-n", "todo", pod).splitlines()
            # Below a drill's verdict are the tables that it compared.
            own = [line for line in lines if line and not re.match(r"\w+\.\w+\|\d+\|", line)]
            assert own, f"{pod} said nothing"
            assert re.fullmatch(verdict, own[-1]), lines
            assert own[-1] in said
    finally:
        kubectl("delete", "pods", "-n", "todo", "--ignore-not-found", *VERDICTS[release])


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout's charts, with the library inside."""
    folder = tmp_path_factory.mktemp("charts") / "charts"
    shutil.copytree(ROOT / "charts", folder, ignore=shutil.ignore_patterns("*.tgz", "Chart.lock"))
    for chart in folder.glob("*/values.yaml"):
        helm("dependency", "build", str(chart.parent))
    return folder


@pytest.fixture(scope="module")
def empty_namespace() -> Iterator[str]:
    """A namespace like the application's, with nothing in it."""
    name = f"dry-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    try:
        for mode in ("enforce", "warn"):
            kubectl("label", "namespace", name, f"pod-security.kubernetes.io/{mode}=restricted")
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def apply(objects: list[Any], *arguments: str) -> str:
    """What the API server warns of; fails where it refuses."""
    done = subprocess.run(
        ["kubectl", "--kubeconfig", KUBECONFIG, "apply", "--server-side", "--force-conflicts"]
        + [*arguments, "--filename", "-"],
        input=yaml.safe_dump_all(objects),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


# Kinds of other projects, which this cluster does not know.
FOREIGN = {"ServiceMonitor", "HTTPRoute"}
SCALED = ("mcp-server", "backend", "frontend")
CHARTS = (*EVERYTHING,)
DRY_RUNS = [
    *((chart, "defaults", {}) for chart in CHARTS),
    *((chart, "everything", EVERYTHING[chart]) for chart in CHARTS if EVERYTHING[chart]),
    *((chart, "three replicas", {"replicas": 3}) for chart in SCALED),
]
# Namespaces that a chart goes to beside its own must be there.
ELSEWHERE: dict[str, Any] = {
    "traefik": {"namespaces": ["todo"]},
    "agents": {"tools": {"namespaces": ["todo"]}},
}


@pytest.mark.parametrize(
    ("chart", "values"),
    [(chart, values) for chart, _, values in DRY_RUNS],
    ids=[f"{chart}-{profile.replace(' ', '-')}" for chart, profile, _ in DRY_RUNS],
)
def test_the_api_server_takes_every_object(
    charts: Path, empty_namespace: str, chart: str, values: dict[str, Any]
) -> None:
    given = json.dumps(values | ELSEWHERE.get(chart, {}))
    place = ("--namespace", empty_namespace, "--values", "-")
    text = helm("template", chart, str(charts / chart), *place, given=given)
    objects = [item for item in yaml.safe_load_all(text) if item and item["kind"] not in FOREIGN]
    # A pod is refused whose account is not there, and a dry run makes none.
    if accounts := [item for item in objects if item["kind"] == "ServiceAccount"]:
        apply(accounts)
    said = apply(objects, "--dry-run=server")
    violations = re.findall(r'violate PodSecurity "[^"]*": (.*)', said)
    if chart == "traefik":
        # It alone listens on the node's ports, in a namespace that allows it.
        assert [part for part in violations if not re.fullmatch(r"hostPort \([^()]*\)", part)] == []
    else:
        assert violations == []
    assert "Warning" not in re.sub(r"(?m)^Warning: .*violate PodSecurity.*$", "", said)


def secret_data() -> dict[str, dict[str, str]]:
    """What the role `secrets` made, still encoded; never shown by a failure."""
    return {
        secret["metadata"]["name"]: secret["data"]
        for secret in kubectl_json("get", "secrets", "-n", "todo")["items"]
        if not secret["type"].startswith("helm.sh/")
    }


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The charts as an earlier version might have been: another number, another pod."""
    folder = tmp_path / "charts"
    shutil.copytree(ROOT / "charts", folder)
    for name in ("postgres", "backend"):
        for file, line, other in (
            ("Chart.yaml", r"(?m)^version: .*$", "version: 0.0.9"),
            ("values.yaml", r"(?m)^podAnnotations: \{\}$", "podAnnotations: {todo/chart: before}"),
        ):
            path = folder / name / file
            text, changed = re.subn(line, other, path.read_text(), count=1)
            assert changed == 1
            path.write_text(text)
    return folder


@pytest.mark.timeout(1200)
def test_an_upgrade_from_an_earlier_chart_keeps_data_and_secrets(
    user: User, previous: Path
) -> None:
    wanted = {name: releases()[name]["chart"] for name in ("postgres", "backend")}
    made = secret_data()
    try:
        playbook(
            *("site.yml", "--tags", "postgres,backend,smoke"),
            *("-e", json.dumps({"platform_charts_dir": str(previous)})),
        )
        before = {name: releases()[name]["chart"] for name in wanted}
        annotations = [note for name in wanted for note in pods(name).values()]
        wait_until_served("the earlier version serves")
        user.add("Older than the upgrade")
    finally:
        playbook("site.yml")
    assert all(chart.startswith(f"{name}-0.0.9+") for name, chart in before.items()), before
    assert annotations
    assert all(note.get("todo/chart") == "before" for note in annotations)
    assert {name: releases()[name]["chart"] for name in wanted} == wanted
    assert not [note for name in wanted for note in pods(name).values() if "todo/chart" in note]
    assert [task["title"] for task in user.tasks()] == ["Older than the upgrade"]
    same = secret_data() == made
    assert same, "a Secret changed"


@pytest.mark.timeout(1200)
def test_a_rollback_takes_one_release_back_and_no_data(user: User) -> None:
    def model() -> str | None:
        data = kubectl_json("get", "configmap", "-n", "todo", "backend")["data"]
        found: str | None = data.get("TODO_OPENAI_MODEL")
        return found

    try:
        # Without a key or an address the rules answer on; only the setting is another one.
        playbook("site.yml", "--tags", "backend", "-e", "assistant_openai_model=for-a-rollback")
        assert model() == "for-a-rollback"
        user.add("Newer than what is rolled back")
        before = releases()
        playbook("playbooks/rollback.yml", "-e", "rollback_release=backend")
        assert model() is None
        after = releases()
        assert int(after["backend"]["revision"]) == int(before["backend"]["revision"]) + 1
        assert {n: r["revision"] for n, r in after.items() if n != "backend"} == {
            n: r["revision"] for n, r in before.items() if n != "backend"
        }
        wait_until_served("the version before serves")
        assert [task["title"] for task in user.tasks()] == ["Newer than what is rolled back"]
    finally:
        playbook("site.yml", "--tags", "backend")


def in_database(sql: str) -> str:
    command = ("exec", "-n", "todo", "postgres-0", "--container", "postgres", "--")
    return kubectl(*command, "psql", "-U", "postgres", "-qAt", "todo", "-c", sql).strip()


@pytest.mark.timeout(1200)
def test_a_migration_that_fails_leaves_the_old_version_serving(user: User) -> None:
    """The database is of a version that this one does not know, as after a downgrade."""
    user.add("Still here")
    revision = in_database("SELECT version_num FROM alembic_version")
    assert re.fullmatch(r"\w+", revision)
    before = pods("backend")
    deployed = releases()["backend"]
    try:
        in_database("UPDATE alembic_version SET version_num = 'unknown'")
        output = playbook(
            *("site.yml", "--tags", "backend"),
            *("-e", "assistant_openai_model=never-released"),
            expect=1,
        )
        said = " ".join(output.split())
        assert "Cause: Job todo/backend-migration could not bring the database" in said
        assert "which this version of the application does not know" in said
        assert ".state/logs/helm" in said
        # The same pods as before, and they answer.
        assert pods("backend").keys() == before.keys()
        assert httpx2.get(f"{URL}/api/readyz").status_code == 200
        assert [task["title"] for task in user.tasks()] == ["Still here"]
        user.add("Written meanwhile")
    finally:
        in_database(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
        playbook("site.yml", "--tags", "backend")
        # It was kept for its log.
        kubectl("delete", "job", "-n", "todo", "backend-migration", "--ignore-not-found")
    after = releases()["backend"]
    assert (after["status"], after["chart"]) == ("deployed", deployed["chart"])
    assert {task["title"] for task in user.tasks()} == {"Still here", "Written meanwhile"}
