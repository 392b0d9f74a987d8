"""Modules of the role minikube: what a status means, and that commands wait for each other."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from modules import run_module
from waiting import wait_until


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def node(host: str, kubernetes: str) -> str:
    status = {"Name": "m", "Host": host, "Kubelet": kubernetes, "APIServer": kubernetes}
    return json.dumps(status)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A Minikube home with a space in its path and a profile `m` in it."""
    home = tmp_path / "a home"
    folder = home / ".minikube" / "profiles" / "m"
    folder.mkdir(parents=True)
    config = {
        "Driver": "docker",
        "CPUs": 2,
        "Memory": 6144,
        "Nodes": [{}],
        "ExposedPorts": ["127.0.0.1:8080:80"],
        "KubernetesConfig": {
            "KubernetesVersion": "v1.35.4",
            "ContainerRuntime": "containerd",
            "CNI": "bridge",
        },
        "Addons": {"metrics-server": True, "ingress": False},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return home


def look(
    home: Path,
    minikube: str,
    kubectl: str = "exit 1",
    docker: str = "exit 1",
    *,
    metrics: bool = True,
    marker: Path | None = None,
) -> Any:
    return run_module(
        "minikube_info",
        metrics=metrics,
        marker=str(marker) if marker else None,
        profile="m",
        home=str(home),
        kubeconfig=str(home / "kubeconfig"),
        minikube=program(home.parent / "minikube", minikube),
        kubectl=program(home.parent / "kubectl", kubectl),
        docker=program(home.parent / "docker", docker),
    )


@pytest.mark.parametrize(
    ("minikube", "state"),
    [
        (f"echo '{node('Stopped', 'Stopped')}'; exit 7", "stopped"),
        (f"echo '{node('Running', 'Stopped')}'; exit 6", "broken"),
        (f"echo '{node('Running', 'Paused')}'; exit 2", "broken"),
        (f"echo '{node('Nonexistent', 'Nonexistent')}'; exit 7", "lost"),
        (f"echo '[{node('Running', 'Running')},{node('Stopped', 'Stopped')}]'; exit 7", "broken"),
        (f"echo '[{node('Running', 'Running')},{node('Nonexistent', '')}]'; exit 7", "broken"),
        (f"echo '[{node('Nonexistent', '')},{node('Running', 'Running')}]'; exit 7", "lost"),
        ('echo \'{"specversion":"1.0","type":"io.k8s.sigs.minikube.error"}\'; exit 85', "absent"),
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "unknown"),
    ],
)
def test_status_is_judged(home: Path, minikube: str, state: str) -> None:
    assert look(home, minikube)["state"] == state


STOPPED = f"echo '{node('Stopped', 'Stopped')}'; exit 7"
ABSENT = "exit 85"


@pytest.mark.parametrize(
    ("minikube", "marker", "expected"),
    [
        (STOPPED, "v1.35.4\n", ("v1.35.4", False, False)),
        # It never answered: nobody misses what is in it.
        (STOPPED, None, ("", True, True)),
        # It runs, so all that it takes is to wait.
        (f"echo '{node('Running', 'Running')}'", None, ("", False, False)),
        (ABSENT, "v1.35.4", ("v1.35.4", False, True)),
        (ABSENT, None, ("", False, True)),
    ],
)
def test_only_a_cluster_that_answered_once_is_kept(
    home: Path, minikube: str, marker: str | None, expected: tuple[str, bool, bool]
) -> None:
    path = home / "m.ready"
    if marker is not None:
        path.write_text(marker)
    found = look(home, minikube, "echo m 1", marker=path)
    assert (found["proven"], found["unfinished"], found["create"]) == expected


def test_without_a_marker_a_stopped_cluster_is_kept(home: Path) -> None:
    found = look(home, STOPPED)
    assert (found["unfinished"], found["create"]) == (False, False)


def test_nodes_that_no_start_brings_back_are_told(home: Path) -> None:
    path = home / ".minikube" / "profiles" / "m" / "config.json"
    names = [{}, {"Name": "m02"}, {"Name": "m03"}, {"Name": "m04"}]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"Nodes": names}))
    # A container that is gone, one that never joined, and one of which Docker does not tell.
    docker = (
        'case "$*" in cp*m02:*) exit 1;; cp*m03:*) exit 0;; cp*) kill -9 $$;; *) echo null;; esac'
    )
    stopped = f"echo '[{node('Stopped', 'Stopped')}]'; exit 7"
    assert look(home, stopped, docker=docker)["unjoined"] == ["m-m02"]
    healthy = f"echo '[{node('Running', 'Running')}]'"
    assert look(home, healthy, "echo m 1", docker)["unjoined"] == []


@pytest.mark.parametrize(
    ("docker", "state"),
    [
        ("exit 0", "lost"),
        # As where a node was added whose container never started.
        ('case "$*" in *PortBindings*) echo null;; *) echo m;; esac', "broken"),
        ("echo Cannot connect to the Docker daemon >&2; exit 1", "unknown"),
    ],
)
def test_no_status_at_all_is_a_lost_container_only_where_docker_says_so(
    home: Path, docker: str, state: str
) -> None:
    """What Minikube 1.38 answers when its container was removed, and when Docker is away."""
    assert look(home, "echo null; exit 7", docker=docker)["state"] == state


def test_running_needs_an_answer_of_the_metrics_api(home: Path) -> None:
    status = f"echo '{node('Running', 'Running')}'"
    assert look(home, status, kubectl="echo m 186m 9%")["state"] == "running"
    stuck = look(home, status, kubectl="echo Metrics API not available >&2; exit 1")
    assert stuck["state"] == "unhealthy"
    assert "Metrics API not available" in stuck["reason"]


def test_a_cluster_without_the_metrics_api_runs_by_its_nodes(home: Path) -> None:
    status = f"echo '{node('Running', 'Running')}'"
    kubectl = 'case "$*" in *top*) exit 1;; *nodes*) echo m Ready;; *) exit 1;; esac'
    assert look(home, status, kubectl, metrics=False)["state"] == "running"
    assert look(home, status, kubectl)["state"] == "unhealthy"
    assert look(home, status, "exit 1", metrics=False)["state"] == "unhealthy"


def test_profile_is_read_from_minikubes_own_file(home: Path) -> None:
    profile = look(home, f"echo '{node('Stopped', 'Stopped')}'; exit 7")["profile"]
    assert profile["kubernetes_version"] == "v1.35.4"
    assert profile["addons"] == ["metrics-server"]
    assert profile["ports"] == ["127.0.0.1:8080:80"]


def test_published_ports_are_those_of_the_container(home: Path) -> None:
    """The profile has none of them any more once a node was added."""
    bindings = {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9080"}],
        "53/udp": [{"HostIp": "", "HostPort": "5353"}],
        "8443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}],
    }
    stopped = f"echo '{node('Stopped', 'Stopped')}'; exit 7"
    profile = look(home, stopped, docker=f"echo '{json.dumps(bindings)}'")["profile"]
    assert profile["ports"] == ["127.0.0.1:9080:80", "5353:53/udp"]


def test_lost_cluster_tells_which_volumes_are_there(home: Path) -> None:
    path = home / ".minikube" / "profiles" / "m" / "config.json"
    nodes = {"Nodes": [{"Name": ""}, {"Name": "m02"}, {"Name": "m03"}]}
    path.write_text(json.dumps(json.loads(path.read_text()) | nodes))
    status = f"echo '{node('Nonexistent', 'Nonexistent')}'; exit 7"
    answer = look(home, status, docker='[ "$1" = volume ] && [ "$3" != m-m02 ]')
    assert answer["profile"]["node_names"] == ["m", "m-m02", "m-m03"]
    assert answer["volumes"] == ["m", "m-m03"]
    assert look(home, status)["volumes"] == []


def test_running_cluster_tells_what_can_be_set(home: Path) -> None:
    key = "storageclass.kubernetes.io/is-default-class"
    container = {"args": ["--secure-port=4443", "--metric-resolution=60s"]}
    items: list[Any] = [
        {"kind": "StorageClass", "metadata": {"name": "a", "annotations": {key: "true"}}},
        {"kind": "StorageClass", "metadata": {"name": "b"}},
        {
            "kind": "Deployment",
            "metadata": {"name": "metrics-server"},
            "spec": {"template": {"spec": {"containers": [container]}}},
        },
    ]
    status = f"echo '{node('Running', 'Running')}'"
    answer = look(home, status, kubectl=f"echo '{json.dumps({'items': items})}'")
    assert answer["settings"] == {"default StorageClass": "a", "metrics resolution": "60s"}
    assert look(home, status, kubectl="echo m 186m 9%")["settings"] == {}


def test_no_profile_and_no_programs_is_absent(tmp_path: Path) -> None:
    answer = run_module(
        "minikube_info",
        profile="m",
        home=str(tmp_path / "none"),
        kubeconfig=str(tmp_path / "kubeconfig"),
        minikube="/nonexistent/minikube",
        kubectl="/nonexistent/kubectl",
        docker="/nonexistent/docker",
    )
    assert (answer["state"], answer["profile"]) == ("absent", {})
    assert not (tmp_path / "none").exists()


def test_container_of_our_name_without_our_profile_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert look(tmp_path / "home", "exit 85", docker="echo true")["state"] == "foreign"


def test_a_stopped_container_that_no_home_knows_is_orphaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "home").mkdir()
    docker = """
case "$*" in
  *State.Running*) echo false;;
  *Config.Image*) echo node:1;;
  "volume inspect m" | "volume inspect m-m02") ;;
  *) exit 1;;
esac"""
    found = look(tmp_path / "home", "exit 85", docker=docker)
    assert (found["state"], found["image"]) == ("orphaned", "node:1")
    assert found["volumes"] == ["m", "m-m02"]
    # Minikube's own home, which a user's own clusters are in.
    (tmp_path / "user" / ".minikube" / "profiles" / "m").mkdir(parents=True)
    assert look(tmp_path / "home", "exit 85", docker=docker)["state"] == "foreign"


def test_a_volume_that_outlived_its_container_is_orphaned(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    found = look(tmp_path / "home", "exit 85", docker='test "$*" = "volume inspect m"')
    assert (found["state"], found["image"], found["volumes"]) == ("orphaned", "", ["m"])


def test_flags_in_the_callers_environment_do_not_act(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIKUBE_DRIVER", "kvm2")
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    answer = look(home, 'echo "$MINIKUBE_DRIVER|$MINIKUBE_HOME|$KUBECONFIG"; exit 1')
    assert f"|{home}|{home}/kubeconfig" in answer["reason"]
    assert "kvm2" not in answer["reason"]


def command(home: Path, *argv: str, timeout: int = 20) -> dict[str, Any]:
    return run_module(
        "minikube_command",
        argv=list(argv),
        home=str(home),
        kubeconfig=str(home / "kubeconfig"),
        log=str(home / "logs" / "m.log"),
        timeout=timeout,
    )


def test_command_writes_its_output_to_the_log(home: Path) -> None:
    answer = command(home, "sh", "-c", "echo out; echo err >&2")
    assert answer["changed"]
    log = (home / "logs" / "m.log").read_text()
    assert "sh -c" in log
    assert log.endswith("out\nerr\n")


def test_failed_command_shows_the_end_of_its_own_output(home: Path) -> None:
    command(home, "sh", "-c", "echo of an earlier command")
    answer = command(home, "sh", "-c", "echo GUEST_START; exit 80")
    assert answer["failed"]
    assert answer["rc"] == 80
    assert "GUEST_START" in answer["msg"]
    assert "of an earlier command" not in answer["msg"]


def test_command_that_takes_too_long_is_ended_with_its_children(home: Path) -> None:
    answer = command(home, "sh", "-c", f"sleep 60 & echo $! > '{home}/child'; wait", timeout=1)
    assert "took longer than 1 s" in answer["msg"]
    child = int((home / "child").read_text())
    wait_until(lambda: not alive(child), "the child is ended", 5)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().split(") ")[1][:1]


def test_status_waits_for_a_command_whose_playbook_is_gone(home: Path) -> None:
    # What is left of it is a child that inherited the lock, until the fifo is opened.
    fifo = home / "fifo"
    os.mkfifo(fifo)
    command(home, "sh", "-c", f"(read line < '{fifo}') & exit 0")
    answers: list[Any] = []
    status = f"echo '{node('Stopped', 'Stopped')}'; exit 7"
    reader = threading.Thread(target=lambda: answers.append(look(home, status)))
    reader.start()
    reader.join(1.5)
    waited = reader.is_alive()
    with fifo.open("w") as end:
        end.write("go on\n")
    reader.join(20)
    assert waited
    assert answers[0]["state"] == "stopped"


@pytest.mark.parametrize("module", ["minikube_info", "minikube_command"])
def test_kept_lock_is_named_with_its_remedy(home: Path, module: str) -> None:
    own = {"minikube_info": {"profile": "m", "wait": 0}}
    own["minikube_command"] = {"argv": ["true"], "log": str(home / "log"), "timeout": 0}
    with (home / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = run_module(module, home=str(home), kubeconfig="nowhere", **own[module])
    assert answer["failed"]
    assert f"find it with `fuser {home}/.lock` and end it" in answer["msg"]


def test_evidence_of_one_program_does_not_depend_on_the_others(tmp_path: Path) -> None:
    said = program(tmp_path / "kubectl", 'echo "$KUBECONFIG of $@"')
    failing = program(tmp_path / "docker", 'echo "no container $3" >&2; exit 1')
    answer = run_module(
        "minikube_evidence",
        directory=str(tmp_path / "logs" / "evidence"),
        profile="m",
        home=str(tmp_path),
        kubeconfig="the-kubeconfig",
        minikube=str(tmp_path / "nowhere"),
        kubectl=said,
        docker=failing,
        nodes=["m", "m-m02"],
    )
    files = {Path(path).name: Path(path).read_text() for path in answer["files"]}
    assert "the-kubeconfig of" in files["events.txt"]
    assert "get events -A" in files["events.txt"]
    assert files["containers.json"] == "no container m\n"
    assert "nowhere" in files["minikube.log"]
    assert {"m-kubelet.log", "m-m02-kubelet.log", "m-m02-container.log"} <= files.keys()
    assert (tmp_path / "logs" / "evidence").stat().st_mode & 0o777 == 0o700
