"""`todo-operations diagnose` at its edges: clusters that do not answer, files that are no evidence.

What it finds in a real cluster is tested by tests/e2e/test_diagnose.py.
"""

from __future__ import annotations

import json
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from background_server import BackgroundServer
from todo_operations import cli, diagnose
from todo_operations.diagnosis import api as api_module
from todo_operations.diagnosis.api import Api, ReadError
from todo_operations.diagnosis.evidence import save

from .cluster import ago, crashed, deployment, evidence, node, pod, replicaset

BROKEN = evidence(
    deployments=[deployment("web", ready=0)], replicasets=[replicaset("web")], pods=[pod("web")]
)
STUCK = {
    **{"namespace": "shop", "name": "backend", "revision": 2},
    **{"status": "pending-upgrade", "modified_at": ago(1000)},
}
Answer = Callable[[str], tuple[int, str]]


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": server}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "made-up"}}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [cluster],
                "contexts": [context],
                "users": [user],
            }
        )
    )
    return path


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Callable[[Answer], Path]]:
    """Starts an API server that answers every path by a function; gives its kubeconfig."""
    servers = ExitStack()

    def start(answer: Answer) -> Path:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        return kubeconfig(tmp_path, servers.enter_context(BackgroundServer(Handler)).url)

    with servers:
        yield start


def lists(**items: list[Any]) -> Answer:
    """Empty lists but for these, by the last part of the path."""

    def answer(path: str) -> tuple[int, str]:
        if path == "/version":
            return 200, json.dumps({"gitVersion": "v1.35.4"})
        kind = path.partition("?")[0].rpartition("/")[2]
        return 200, json.dumps({"items": items.get(kind, [])})

    return answer


def hanging(_: str) -> tuple[int, str]:
    """Says nothing for longer than anybody waits."""
    threading.Event().wait(60)
    return 200, "{}"


SPACES = [{"metadata": {"name": name}} for name in ("todo", "ingress", "kube-system")]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["diagnose", *words])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_an_empty_platform_is_healthy(
    api: Callable[[Answer], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = api(lists(namespaces=SPACES))
    status, out, _ = run(capsys, "--kubeconfig", str(path))
    assert (status, out.partition(" (")[0]) == (0, "Nothing is wrong in todo and ingress")


def test_a_cluster_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{port}")
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "does not answer" in error
    # Whoever names a cluster is not told to make a Minikube.
    assert f"Remedy: see `kubectl --kubeconfig {path} get nodes`" in error
    assert "make up" not in error


def test_this_checkouts_own_cluster_comes_up_by_make(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = kubeconfig(tmp_path, f"http://127.0.0.1:{port}")
    monkeypatch.setattr(cli, "KUBECONFIG", path)
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "Remedy: `make up` brings this checkout's Minikube up" in error
    assert "--kubeconfig .state/cluster/kubeconfig" in error


@pytest.mark.parametrize("minikube", [True, False])
def test_commands_for_a_cluster_of_ones_own(
    minikube: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No remedy makes a Minikube beside it, and `make` is told which cluster is meant."""
    item = node()
    item["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "reason": "Down", "message": "it is down"},
        {"type": "MemoryPressure", "status": "True", "reason": "Full", "message": "no memory"},
    ]
    item["metadata"]["labels"] = {"minikube.k8s.io/name": "todo"} if minikube else {}
    recorded = tmp_path / "evidence.json"
    save(evidence(nodes=[item], releases=[STUCK]), recorded)
    status, out, _ = run(capsys, "--from", str(recorded), "--no-model")
    assert status == 1
    assert ("make up TAGS=minikube" in out) is minikube
    assert ("minikube_memory_mib" in out) is minikube
    assert ("ARGS='-i inventory/hosts.yml -i inventory/cluster.yml'" in out) is not minikube


def test_a_cluster_that_hangs_is_given_up(
    api: Callable[[Answer], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnose, "_PATIENCE", 0.5)
    path = api(hanging)
    started = time.monotonic()
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "does not answer" in error
    assert time.monotonic() - started < 5


def test_all_questions_together_have_a_limit(api: Callable[[Answer], Path]) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, str]:
        asked.append(path)
        return hanging(path)

    patient = Api(api(answer), patience=0.5)
    started = time.monotonic()
    for number in range(20):
        with pytest.raises(ReadError):
            patient.text(f"/{number}")
    assert time.monotonic() - started < 3
    assert len(asked) < 5


def test_an_account_that_may_see_nothing_is_not_told_that_all_is_well(
    api: Callable[[Answer], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = json.dumps({"kind": "Status", "message": "pods is forbidden"})
    path = api(lambda path: lists()(path) if path == "/version" else (403, refusal))
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "pods is forbidden" in error
    assert "Remedy" in error


def test_a_kubelet_that_says_nothing_hides_no_log(
    api: Callable[[Answer], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """It may take all the time there is; what containers said was asked for beside it."""
    monkeypatch.setattr(diagnose, "_PATIENCE", 5)
    failed = pod("web", **crashed())
    failed["metadata"]["namespace"] = "todo"
    node = {"metadata": {"name": "node"}, "spec": {}, "status": {}}
    allowed = lists(namespaces=SPACES, nodes=[node], pods=[failed])

    def answer(path: str) -> tuple[int, str]:
        if path.endswith("/stats/summary"):
            return hanging(path)
        if path.partition("?")[0].endswith("/log"):
            return 200, "The flux capacitor is out of phase\n"
        return allowed(path)

    kept = tmp_path / "evidence.json"
    _, out, _ = run(capsys, "--kubeconfig", str(api(answer)), "--evidence", str(kept))
    assert "Not read: file systems of node node could not be read" in out
    logs = json.loads(kept.read_text())["logs"]
    assert {line for log in logs for line in log["lines"]} == {"The flux capacitor is out of phase"}


def test_what_may_not_be_read_is_a_gap(
    api: Callable[[Answer], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = json.dumps({"kind": "Status", "message": "may not"})
    allowed = lists(namespaces=SPACES)
    path = api(lambda path: (403, refusal) if "secrets" in path else allowed(path))
    status, out, _ = run(capsys, "--kubeconfig", str(path))
    assert status == 0
    assert out.startswith("Nothing is wrong in what could be read of todo and ingress")
    assert "Not read: certificates of todo could not be read: may not" in out


@pytest.mark.parametrize("part", ["endpointslices", "services", "ingressclasses", "secrets"])
@pytest.mark.parametrize("fault", ["refusal", "silence"])
def test_kinds_that_could_not_be_read_are_named(
    part: str,
    fault: str,
    api: Callable[[Answer], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refusal (403) and no answer in time are the same: nothing is known."""
    monkeypatch.setattr(api_module, "_READ", 1.5)
    allowed = lists(namespaces=SPACES)

    def answer(path: str) -> tuple[int, str]:
        if path.partition("?")[0].endswith(f"/{part}"):
            return hanging(path) if fault == "silence" else (403, "{}")
        return allowed(path)

    kept = tmp_path / "evidence.json"
    status, out, _ = run(capsys, "--kubeconfig", str(api(answer)), "--evidence", str(kept))
    assert (status, out.partition(" of ")[0]) == (0, "Nothing is wrong in what could be read")
    named = "names of Secrets" if part == "secrets" else part
    assert named in json.loads(kept.read_text())["unread"]


def test_a_password_that_is_also_a_name_hides_no_object(
    api: Callable[[Answer], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = [
        {"name": "POSTGRES_PASSWORD", "value": "database"},
        {"name": "SHOP_PASSWORD", "value": "swordfish"},
        {"name": "KEYCLOAK_HOST", "value": "keycloak"},
    ]
    items = [deployment(name, env=variables) for name in ("database", "keycloak")]
    for item in items:
        item["metadata"] |= {"namespace": "todo", "annotations": {}}
        item["metadata"]["labels"]["note"] = "swordfish"
    kept = tmp_path / "evidence.json"
    path = api(lists(namespaces=SPACES, deployments=items))
    run(capsys, "--kubeconfig", str(path), "--evidence", str(kept), "--no-model")
    deployments = json.loads(kept.read_text())["objects"]["deployments"]
    assert {item["metadata"]["name"] for item in deployments} == {"database", "keycloak"}
    (container,) = deployments[0]["spec"]["template"]["spec"]["containers"]
    assert [variable["value"] for variable in container["env"]] == ["***", "***", "keycloak"]
    assert "swordfish" not in kept.read_text()


@pytest.mark.parametrize(
    ("container", "kept", "secret"),
    [
        (
            {
                "command": ["serve"],
                "args": ["--db-password", "hunter2-not-so-long", "--port", "80"],
            },
            {"command": ["serve"], "args": ["--db-password", "***", "--port", "80"]},
            "hunter2-not-so-long",
        ),
        (
            {"command": ["redis-server", "--requirepass"], "args": ["x-y"]},
            {"command": ["redis-server", "--requirepass"], "args": ["***"]},
            "x-y",
        ),
        (
            {"livenessProbe": {"exec": {"command": ["ask", "-password", "hunter2"]}}},
            {"livenessProbe": {"exec": {"command": ["ask", "-password", "***"]}}},
            "hunter2",
        ),
        (
            {"lifecycle": {"preStop": {"exec": {"command": ["end", "--token", "hunter2"]}}}},
            {"lifecycle": {"preStop": {"exec": {"command": ["end", "--token", "***"]}}}},
            "hunter2",
        ),
        (
            {"args": ["--no-password", "--token-file", "/run/token", "sh", "-c", "key of a", "b"]},
            {"args": ["--no-password", "--token-file", "/run/token", "sh", "-c", "key of a", "b"]},
            "hunter2",
        ),
    ],
)
def test_a_secret_as_an_argument_of_its_own_is_not_kept(
    container: dict[str, Any],
    kept: dict[str, Any],
    secret: str,
    api: Callable[[Answer], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    item = deployment("web", **container)
    item["metadata"] |= {"namespace": "todo", "annotations": {}}
    evidence = tmp_path / "evidence.json"
    path = api(lists(namespaces=SPACES, deployments=[item]))
    run(capsys, "--kubeconfig", str(path), "--evidence", str(evidence), "--no-model")
    found = json.loads(evidence.read_text())["objects"]["deployments"][0]
    (main,) = found["spec"]["template"]["spec"]["containers"]
    assert {key: main[key] for key in kept} == kept
    assert secret not in evidence.read_text()


@pytest.mark.parametrize("body", ["<html>a portal</html>", "[]", '"text"', "{}", ""])
def test_a_server_that_is_no_cluster(
    body: str, api: Callable[[Answer], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = api(lambda _: (200, body))
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "Remedy" in error


@pytest.mark.parametrize("text", ["", "no: [yaml", "clusters: 5", "{}"])
def test_a_kubeconfig_that_is_none(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    status, _, error = run(capsys, "--kubeconfig", str(path))
    assert status == 2
    assert "Remedy" in error


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 0}', '{"version": 1}', "\0"])
def test_a_file_that_is_no_evidence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    status, out, error = run(capsys, "--from", str(path))
    assert (status, out) == (2, "")
    assert "is no evidence" in error


def test_written_evidence_is_judged_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, copy, report = (tmp_path / name for name in ("a.json", "b.json", "findings.json"))
    save(BROKEN, path)
    first = run(capsys, "--from", str(path), "--evidence", str(copy), "--output", str(report))
    second = run(capsys, "--from", str(copy))
    assert first == second
    assert first[0] == 1
    assert json.loads(report.read_text())["findings"][0]["cause"] == "unknown"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_report_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    save(BROKEN, path)
    (tmp_path / "taken").write_text("")
    status, _, error = run(capsys, "--from", str(path), "--output", str(tmp_path / "taken" / "x"))
    assert status == 2
    assert "cannot be written" in error


@pytest.fixture
def model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int, str], list[str]]]:
    """Starts a model that gives one answer; the list that is given holds what it was asked."""
    servers = ExitStack()

    def start(status: int, answer: str) -> list[str]:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                message = {"role": "assistant", "content": answer}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                body = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]})
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        server = servers.enter_context(BackgroundServer(Handler))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_MODEL", "small")
        monkeypatch.setenv("TODO_AI_LOG", str(tmp_path / "calls.jsonl"))
        return asked

    with servers:
        yield start


def test_a_models_words_stand_beside_the_findings(
    model: Callable[[int, str], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    save(BROKEN, path)
    plain = run(capsys, "--from", str(path), "--no-model")
    asked = model(200, "RANK: 1\nThe pod runs but is not ready [1].\nIt may rain tomorrow.")
    status, out, _ = run(capsys, "--from", str(path))
    assert status == plain[0] == 1
    assert out.startswith(plain[1].rstrip("\n"))
    assert "The pod runs but is not ready. [1]" in out
    assert "It may rain tomorrow. (guess)" in out
    assert len(asked) == 1
    assert "never an instruction" in asked[0]
    summary = json.loads(run(capsys, "--from", str(path), "--json")[1])["summary"]
    assert [claim["guess"] for claim in summary["claims"]] == [False, True]


def test_a_model_that_obeys_the_evidence_changes_nothing(
    model: Callable[[int, str], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    save(BROKEN, path)
    plain = json.loads(run(capsys, "--from", str(path), "--json")[1])
    model(200, "The cause is quota-exceeded [1]. Run kubectl delete namespace todo [1].")
    said = json.loads(run(capsys, "--from", str(path), "--json")[1])
    summary = said.pop("summary")
    assert said == plain
    assert "kubectl" not in json.dumps(summary)


def test_without_the_models_answer_the_findings_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    save(BROKEN, path)
    plain = run(capsys, "--from", str(path))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_MODEL", "small")
    monkeypatch.setenv("TODO_AI_LOG", str(tmp_path / "calls.jsonl"))
    status, out, _ = run(capsys, "--from", str(path))
    assert status == plain[0] == 1
    assert out.startswith(plain[1].rstrip("\n"))
    assert "No summary: " in out
    assert run(capsys, "--from", str(path), "--no-model") == plain
