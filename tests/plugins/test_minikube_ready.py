"""When the module minikube_ready calls a cluster ready, and which settings it gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import minikube_ready
import pytest

KEY = "storageclass.kubernetes.io/is-default-class"
METRICS_ARGUMENTS = ["--secure-port=4443", "--metric-resolution=60s"]

# Stands in for kubectl and docker: answers by the words of the call, as the file of the answers
# says, and notes the call. An answer that begins with "!" is an error.
PROGRAM = f"""\
#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(sys.argv[0]).parent
call = " ".join(sys.argv[1:])
with (here / "calls").open("a") as calls:
    calls.write(call + "\\n")
answers = json.loads((here / "answers").read_text())
answer = next((text for words, text in answers.items() if words in call), "")
if answer.startswith("!"):
    sys.exit(answer[1:])
print(answer, end="")
"""


def storage_class(name: str, *, default: bool | None = None) -> dict[str, Any]:
    annotations = {} if default is None else {"annotations": {KEY: str(default).lower()}}
    return {"kind": "StorageClass", "metadata": {"name": name, **annotations}}


def metrics_server(*arguments: str) -> dict[str, Any]:
    container = {"args": list(arguments)}
    return {
        "kind": "Deployment",
        "metadata": {"name": "metrics-server"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


class Played:
    """A cluster of which all is well, but for what a test changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items = [
            storage_class("standard", default=True),
            storage_class("local"),
            metrics_server(*METRICS_ARGUMENTS),
        ]
        self.answers = {"get service": "10.96.0.1", "curl": "ok"}
        for name in ("kubectl", "docker"):
            (folder / name).write_text(PROGRAM)
            (folder / name).chmod(0o755)

    def cluster(
        self, *, timeout: int = 30, resolution: str = "15s", broken: tuple[str, ...] = ()
    ) -> minikube_ready.Cluster:
        listing = {"get deployments.apps": json.dumps({"items": self.items})}
        (self.folder / "answers").write_text(json.dumps(listing | self.answers))
        options = {
            "profile": "m",
            "kubeconfig": "kubeconfig",
            "kubectl": str(self.folder / "kubectl"),
            "docker": str(self.folder / "docker"),
            "workloads": ["kube-system/deployment/coredns"],
            "storage_class": "local",
            "metrics_resolution": resolution,
            "broken_nodes": list(broken),
            "timeout": timeout,
        }
        return minikube_ready.Cluster(options)

    def calls(self) -> str:
        return (self.folder / "calls").read_text()


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path)


def test_one_class_becomes_the_only_default_and_the_interval_is_set(played: Played) -> None:
    assert played.cluster().settle() == [
        "StorageClass local is the default",
        "StorageClass standard is no longer the default",
        "metrics-server measures every 15s",
    ]
    assert f"annotate --overwrite storageclass local {KEY}=true" in played.calls()
    assert f"annotate --overwrite storageclass standard {KEY}=false" in played.calls()
    assert '"value": ["--secure-port=4443", "--metric-resolution=15s"]' in played.calls()


def test_what_is_set_is_left_alone(played: Played) -> None:
    played.items = [storage_class("local", default=True), metrics_server("--metric-resolution=15s")]
    assert played.cluster().settle() == []
    assert "annotate" not in played.calls()
    assert "patch" not in played.calls()


def test_cluster_without_metrics_server_is_not_asked_for_it(played: Played) -> None:
    played.items = [storage_class("local", default=True)]
    cluster = played.cluster(resolution="")
    assert (cluster.settle(), cluster.wait()) == ([], [])
    assert "top node" not in played.calls()


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([storage_class("standard")], "there is no StorageClass local, only standard"),
        ([storage_class("local")], "there is no Deployment metrics-server"),
    ],
)
def test_setting_that_cannot_be_given_is_named(
    played: Played, items: list[dict[str, Any]], message: str
) -> None:
    played.items = items
    with pytest.raises(minikube_ready.Wrong, match=message):
        played.cluster().settle()


def test_api_server_that_does_not_answer_is_named(played: Played) -> None:
    played.answers = {"get": "!The connection to the server was refused"}
    cluster = played.cluster(timeout=0)
    (played.folder / "answers").write_text(json.dumps(played.answers))
    with pytest.raises(minikube_ready.Wrong, match="connection to the server was refused"):
        cluster.settle()


def test_ready_cluster_has_been_asked_for_all_of_it(played: Played) -> None:
    assert played.cluster().wait() == []
    for asked in (
        "wait --for=condition=Ready node --all",
        "-n kube-system rollout status deployment/coredns",
        "top node",
        "--cacert /var/lib/minikube/certs/ca.crt https://10.96.0.1/readyz",
    ):
        assert asked in played.calls()


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"node --all": "!timed out waiting"}, "nodes: timed out waiting"),
        ({"rollout": "!0 of 1 updated"}, "kube-system/deployment/coredns: 0 of 1 updated"),
        ({"top node": "!Metrics API not available"}, "metrics: Metrics API not available"),
        ({"curl": "Forbidden"}, "Services: Forbidden"),
        ({"curl": "!connection refused"}, "Services: connection refused"),
        ({"curl": ""}, "Services: no answer"),
        ({"get service": "!not found"}, "Services: the API server's Service has no address"),
    ],
)
def test_each_part_that_is_not_ready_is_named(
    played: Played, answers: dict[str, str], problem: str
) -> None:
    played.answers |= answers
    assert played.cluster(timeout=0).wait() == [problem]


def test_connections_to_a_stranger_are_forgotten_while_metrics_do_not_come(played: Played) -> None:
    played.answers["top node"] = "!Metrics API not available"
    played.answers["get service"] = "10.96.0.9"
    played.cluster(timeout=0).wait()
    assert "exec m conntrack -D -p tcp --reply-src 10.96.0.9" in played.calls()


def test_what_broken_nodes_keep_is_taken_away(played: Played) -> None:
    # docker answers with an exit code of 0 for one, 1 for the other, which has no connection.
    played.answers |= {"k8s-app=kube-proxy": 'pod "kube-proxy-1" deleted', "exec m-m02": "!"}
    assert played.cluster(broken=("m", "m-m02")).repair() == [
        "pods with the label k8s-app=kube-proxy are replaced",
        "connections of m to Services are forgotten",
    ]
    for asked in (
        "-n kube-system delete pod --wait=false -l k8s-app=metrics-server",
        "exec m-m02 conntrack -D -p tcp --orig-port-dst 443",
    ):
        assert asked in played.calls()


def test_nothing_is_taken_from_nodes_that_ran(played: Played) -> None:
    assert played.cluster().repair() == []
    assert not (played.folder / "calls").exists()


def test_repair_that_cannot_be_made_is_named(played: Played) -> None:
    cluster = played.cluster(broken=("m",))
    (played.folder / "docker").unlink()
    with pytest.raises(minikube_ready.Wrong, match="connections in the node m cannot be removed"):
        cluster.repair()
