"""What `generate` is told and what it makes of its tools' faults; the proofs need a cluster."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripted_model import Reply, ScriptedModel, message
from todo_operations import chart_values, cli, generate
from todo_operations.cli import CommandError

ROOT = Path(__file__).resolve().parents[2]
# Stands in for todo-operations and writes down how it was called.
RECORDER = """\
#!{python}
import json, pathlib, sys
pathlib.Path(__file__).with_name("argv").write_text(json.dumps(sys.argv[1:]))
"""


def play(folder: Path, *words: str) -> tuple[str, list[str]]:
    """What the playbook says, and how it called the program."""
    program = folder / "todo-operations"
    program.write_text(RECORDER.format(python=sys.executable))
    program.chmod(0o755)
    done = subprocess.run(
        [*words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1", "PATH": f"{folder}:{os.environ['PATH']}"},
    )
    called = folder / "argv"
    return done.stdout, json.loads(called.read_text()) if called.is_file() else []


@pytest.mark.parametrize("extra", [(), ("-e", "request=hpa for backend max=4")])
def test_the_command_that_the_playbook_asks_for_works(
    tmp_path: Path, extra: tuple[str, ...]
) -> None:
    said, called = play(tmp_path, "ansible-playbook", "playbooks/ai_generate.yml", *extra)
    assert called == []
    (command,) = re.findall(r"ansible-playbook playbooks/.*\}'", said)
    said, called = play(tmp_path, *shlex.split(command))
    assert called[-1] == "hpa for backend max=4", said


SCAN = "tests/charts/scan.py"
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: todo}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""


def test_scanners_that_cannot_look_are_no_findings(tmp_path: Path) -> None:
    """Without its folder .tools and without a package index nothing can be installed."""
    charts = tmp_path / "tests" / "charts"
    charts.mkdir(parents=True)
    for name in ("scan.py", "manifests.py", "__init__.py"):
        (charts / name).write_text((ROOT / SCAN).with_name(name).read_text())
    (charts / "checkov.txt").write_text("no-such-package==1 --hash=sha256:" + "0" * 64)
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "draft.yaml").write_text(BUDGET)
    done = subprocess.run(
        [sys.executable, str(charts / "scan.py"), str(manifests)],
        capture_output=True,
        text=True,
        env=os.environ | {"PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 2, done.stdout
    assert "checkov cannot be installed" in done.stderr


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("print('checkov: 1 findings', '  CKV_1 bad', sep=chr(10)); raise SystemExit(1)", False),
        ("import sys; print('Go is missing', file=sys.stderr); sys.exit(2)", True),
    ],
)
def test_a_draft_is_not_repaired_because_of_a_missing_scanner(
    script: str, problem: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.py"
    path.write_text(script)
    monkeypatch.setattr(generate, "SCANNER", path)
    if problem:
        with pytest.raises(CommandError, match=r"Go is missing.*installs them"):
            generate.scanners(BUDGET)
    else:
        assert generate.scanners(BUDGET) == ["scan: checkov: 1 findings", "scan: CKV_1 bad"]


NOBODY = argparse.Namespace(kubeconfig="none", namespace="todo")


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("request_", "chart"),
    [
        ("values of backend replicas=2", "backend"),
        ("Values for the chart mcp-server with two pods", "mcp-server"),
        ("hpa for backend max=4", ""),
    ],
)
def test_a_request_names_its_chart(request_: str, chart: str) -> None:
    assert chart_values.chart_of(request_) == chart


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("chart", ["nowhere", "common"])
def test_a_chart_that_is_not_there(chart: str) -> None:
    with pytest.raises(CommandError, match=r"there are agents, backend, .*traefik"):
        chart_values.chart_of(f"values of {chart}")


def test_values_are_filled_from_the_request() -> None:
    request = "values of backend replicas=2 resources.limits.memory=384Mi public=true"
    assert chart_values.fill(request) == {
        "replicas": 2,
        "resources": {"limits": {"memory": "384Mi"}},
        "public": True,
    }


@pytest.mark.parametrize("words", ["", "a=1 a.b=2", "a=[1"])
def test_values_that_cannot_be_filled(words: str) -> None:
    with pytest.raises(CommandError):
        chart_values.fill(f"values of backend {words}")


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "yaml: one mapping"),
        ("key: [", "yaml: "),
        ("replicas: two", "got string, want integer"),
        ("replica: 2", "'replica' not allowed"),
        ("{replicas: 5, autoscaling: {enabled: true}}", "is below replicas (5)"),
    ],
)
def test_wrong_values_are_told_before_a_cluster_is_asked(text: str, words: str) -> None:
    found = generate.prove_values("backend", {}, text, NOBODY)
    assert words in "\n".join(found)


@pytest.mark.usefixtures("checkout")
def test_values_are_added_to_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifests that are proved have both."""
    proved: list[str] = []

    def scanners(text: str) -> list[str]:
        proved.append(text)
        return []

    monkeypatch.setattr(generate, "scanners", scanners)
    monkeypatch.setattr(generate, "dry_run", lambda *_: [])
    monkeypatch.setattr(generate, "targets", lambda *_: [])
    now = {"image": {"tag": "abc"}}
    assert generate.prove_values("backend", now, "replicas: 3", NOBODY) == []
    (deployment,) = [
        item for item in yaml.safe_load_all(proved[0]) if item and item["kind"] == "Deployment"
    ]
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":abc")


# Stand in for the cluster: releases by namespace, Deployments, and a dry run that likes everything.
HELM = """\
#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
if "HELM_KUBECONTEXT" in os.environ:
    sys.exit("led to another cluster")
if words[0] not in ("list", "get"):
    os.execv("{helm}", ["helm", *words])
everywhere = "--all-namespaces" in words
namespace = "" if everywhere else words[words.index("--namespace") + 1]
found = [
    item for item in json.loads(pathlib.Path(__file__).with_name("releases").read_text())
    if (everywhere or item["namespace"] == namespace)
    and item["name"] == words[words.index("--filter") + 1 if words[0] == "list" else 2].strip("^$")
]
print(json.dumps(found if words[0] == "list" else found[0]["values"]))
"""
KUBECTL = """\
#!{python}
import pathlib, sys
words = sys.argv[1:]
if "get" in words:
    there = pathlib.Path(__file__).with_name("deployments").read_text().split()
    sys.exit(words[words.index("get") + 2] not in there)
text = sys.stdin.read()
if "diff" in words:
    print("+" + text.replace("\\n", "\\n+"))
    sys.exit(1)
"""


def release(namespace: str, chart: str, **values: object) -> dict[str, object]:
    return {
        "name": chart,
        "namespace": namespace,
        "chart": f"{chart}-0.1.0+abc",
        "values": values,
    }


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: None
) -> Callable[..., tuple[int, Path]]:
    """Runs `generate` on a cluster of these releases and Deployments: status and folder."""
    helm = shutil.which("helm")
    for name, program in (("helm", HELM), ("kubectl", KUBECTL)):
        path = tmp_path / name
        path.write_text(program.format(python=sys.executable, helm=helm))
        path.chmod(0o755)
    scanner = tmp_path / "scan.py"
    scanner.write_text("")
    monkeypatch.setattr(generate, "SCANNER", scanner)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # Of the user's own work, on another cluster.
    monkeypatch.setenv("HELM_KUBECONTEXT", "elsewhere")

    def run(
        *words: str, releases: Sequence[object] = (), deployments: str = ""
    ) -> tuple[int, Path]:
        (tmp_path / "releases").write_text(json.dumps(releases))
        (tmp_path / "deployments").write_text(deployments)
        output = tmp_path / "generated"
        return cli.main(["generate", "--output", str(output), *words]), output

    return run


def written(folder: Path) -> list[Any]:
    (path,) = folder.glob("*.yaml")
    return [item for item in yaml.safe_load_all(path.read_text()) if item]


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        (["values of backend logLevel=DEBUG"], "ours"),
        (["--namespace", "other", "values of backend logLevel=DEBUG"], "theirs"),
        (["--namespace", "none", "values of backend logLevel=DEBUG"], "0.1.0"),
        # The ingress controller is not in the application's namespace.
        (["values of traefik logLevel=DEBUG"], "controller"),
    ],
)
def test_values_are_added_to_those_of_the_release_in_the_namespace(
    words: list[str],
    tag: str,
    cluster: Callable[..., tuple[int, Path]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    releases = [
        release("other", "backend", image={"tag": "theirs"}),
        release("todo", "backend", image={"tag": "ours"}),
        release("other", "traefik", image={"tag": "theirs"}),
        release("ingress", "traefik", image={"tag": "controller"}),
    ]
    status, folder = cluster(*words, releases=releases)
    assert status == 0
    assert written(folder) == [{"logLevel": "DEBUG"}]
    images = re.findall(r"image: .*:([\w.]+)", capsys.readouterr().out)
    assert images[0] == tag


def test_a_release_of_somebody_elses_chart_is_not_taken_for_ours(
    cluster: Callable[..., tuple[int, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = {**release("todo", "backend"), "chart": "backend-for-shops-7.1.0"}
    status, folder = cluster("values of backend replicas=2", releases=[foreign])
    assert status == 2
    assert "is of the chart backend-for-shops-7.1.0" in capsys.readouterr().err
    assert not folder.exists()


SCALED = [
    ("hpa for backend max=4", {"autoscaling": {"enabled": True, "maxReplicas": 4}}),
    ("an autoscaler for the frontend", {"autoscaling": {"enabled": True}}),
    (
        "hpa name=mcp-server min=2 max=6 cpu=60",
        {
            "replicas": 2,
            "autoscaling": {
                "enabled": True,
                "maxReplicas": 6,
                "targetCPUUtilizationPercentage": 60,
            },
        },
    ),
    ("pdb for backend", {"replicas": 2}),
]


@pytest.mark.parametrize(("request_", "values"), SCALED)
def test_what_a_release_makes_itself_is_drafted_as_its_values(
    request_: str,
    values: dict[str, object],
    cluster: Callable[..., tuple[int, Path]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ("backend", "frontend", "mcp-server")
    status, folder = cluster(
        request_, releases=[release("todo", name) for name in names], deployments=" ".join(names)
    )
    said = capsys.readouterr().out
    assert status == 0
    assert written(folder) == [values]
    # The chart makes of them what was asked for, beside the Deployment.
    kind = "PodDisruptionBudget" if "pdb" in request_ else "HorizontalPodAutoscaler"
    assert f"+kind: {kind}" in said
    assert "+kind: Deployment" in said
    assert "helm_release_values" in said
    assert "make up TAGS=" in said
    assert "kubectl apply" not in said


@pytest.mark.parametrize("request_", ["hpa for shop max=4", "hpa for backend", "pdb for backend"])
def test_what_no_release_makes_is_drafted_as_an_object(
    request_: str, cluster: Callable[..., tuple[int, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A workload that no chart of ours has made, whatever it is called."""
    foreign = {**release("todo", "backend"), "chart": "backend-for-shops-7.1.0"}
    status, folder = cluster(request_, releases=[foreign], deployments="shop backend")
    assert status == 0
    (item,) = written(folder)
    assert item["kind"] in ("HorizontalPodAutoscaler", "PodDisruptionBudget")
    assert "kubectl apply -f" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("request_", "values", "words"),
    [
        ("hpa for backend min=5 max=2", {}, "below min"),
        ("hpa for backend size=4", {}, "no meaning: size"),
        ("hpa for backend max=4", {"replicas": 5}, "is below replicas (5)"),
        ("pdb for backend unavailable=2", {}, "lets one pod be away, not 2"),
        ("pdb for backend", {"replicas": 3}, "has a disruption budget"),
        ("pdb for backend", {"autoscaling": {"enabled": True}}, "has a disruption budget"),
    ],
)
def test_what_a_release_cannot_make_of_its_values_is_told(
    request_: str,
    values: dict[str, object],
    words: str,
    cluster: Callable[..., tuple[int, Path]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    releases = [release("todo", "backend", **values)]
    status, folder = cluster(request_, releases=releases, deployments="backend")
    assert status != 0
    assert words in capsys.readouterr().err
    assert not folder.exists()


def test_a_model_drafts_no_autoscaler_for_a_release(
    cluster: Callable[..., tuple[int, Path]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Also where the words of the request name no template."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "backend", "namespace": "todo"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4},
    }
    monkeypatch.setenv("TODO_AI_LOG", str(tmp_path / "calls.jsonl"))
    with ScriptedModel(lambda asked: Reply(message(asked, yaml.safe_dump(scaler)))) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.url)
        monkeypatch.setenv("OPENAI_MODEL", "drafter")
        status, folder = cluster(
            "let the load decide about backend pods",
            releases=[release("todo", "backend")],
            deployments="backend",
        )
    assert status == 1
    assert "ask for `values of backend autoscaling.enabled=true`" in capsys.readouterr().err
    assert not folder.exists()


def test_an_ingress_and_an_autoscaler_need_their_target(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {("Service", "web")}

    def kubectl(
        _: argparse.Namespace, *words: str, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        assert text is None
        return subprocess.CompletedProcess(words, 0 if words[1:] in there else 1, "", "")

    monkeypatch.setattr(generate, "kubectl", kubectl)
    backends = [{"backend": {"service": {"name": name}}} for name in ("web", "shop", "new")]
    objects = [
        {
            "kind": "Ingress",
            "metadata": {"name": "a"},
            "spec": {"rules": [{"http": {"paths": backends}}, {"host": "x"}]},
        },
        {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "b"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "none"}},
        },
        {"kind": "Service", "metadata": {"name": "new"}},
    ]
    assert sorted(generate.targets(objects, NOBODY)) == [
        "target: there is no Deployment none in todo",
        "target: there is no Service shop in todo",
    ]
