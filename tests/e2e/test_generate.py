"""Manifests that are generated: proved on the real cluster, written, never applied."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.support import ROOT, documented, kubectl, kubectl_json, playbook
from scripted_model import Reply, ScriptedModel, message
from todo_operations import templates

KUBECONFIG = str(ROOT / ".state" / "kubeconfig")
BUDGET = """\
Here you are:
```yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: drafted, namespace: todo, labels: {app.kubernetes.io/name: backend}}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app.kubernetes.io/name: backend}}
```
"""
REQUESTS = {
    "new service name=notes image=localhost/todo/notes:1.0 from=backend": {
        *("ServiceAccount", "Deployment", "Service", "NetworkPolicy"),
    },
    "cronjob name=tidy image=localhost/todo/notes:1.0 command=tidy,--all schedule=0_3_*_*_*": {
        *("ServiceAccount", "CronJob", "NetworkPolicy"),
    },
    "hpa for stranger max=4": {"HorizontalPodAutoscaler"},
    "network policy for frontend port=3000 from=backend": {"NetworkPolicy"},
    "pdb for the stranger": {"PodDisruptionBudget"},
}
# What the chart of a release makes itself.
VALUES = {
    "values of backend replicas=2": {"replicas": 2},
    "hpa for backend max=4": {"autoscaling": {"enabled": True, "maxReplicas": 4}},
    "pdb for the backend": {"replicas": 2},
}


@pytest.fixture(scope="module", autouse=True)
def stranger() -> Iterator[None]:
    """A Deployment, without pods, that belongs to no release."""
    image = "--image=localhost/todo/notes:1.0"
    kubectl("create", "deployment", "stranger", "-n", "todo", image, "--replicas=0")
    yield
    kubectl("delete", "deployment", "stranger", "-n", "todo")


def everything() -> set[str]:
    kinds = "deployments,services,cronjobs,networkpolicies,hpa,pdb,serviceaccounts,configmaps"
    items = kubectl_json("get", kinds, "-n", "todo")["items"]
    return {f"{item['kind']}/{item['metadata']['name']}" for item in items}


def generate(
    request: str, output: Path, *arguments: str, model: ScriptedModel | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    if model:
        environment |= {"OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "drafter"}
    command = ["todo-operations", "generate", "--kubeconfig", KUBECONFIG]
    return subprocess.run(
        [*command, "--output", str(output), *arguments, "--", request],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        env=environment | {"TODO_AI_LOG": str(output / "calls.jsonl")},
    )


@pytest.mark.parametrize("request_", REQUESTS)
def test_templates_are_proved_and_written_and_not_applied(request_: str, tmp_path: Path) -> None:
    before = everything()
    done = generate(request_, tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*.yaml")
    objects = list(yaml.safe_load_all(path.read_text()))
    assert {item["kind"] for item in objects if item} == REQUESTS[request_]
    assert f"kubectl apply -f {path}" in done.stdout
    assert "+kind:" in done.stdout
    assert everything() == before


@pytest.mark.parametrize("request_", VALUES)
def test_values_are_proved_and_written_and_not_applied(request_: str, tmp_path: Path) -> None:
    before = everything(), kubectl_json("get", "deployment", "backend", "-n", "todo")["spec"]
    done = generate(request_, tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*.yaml")
    assert yaml.safe_load(path.read_text()) == VALUES[request_]
    made = "+kind: HorizontalPodAutoscaler" if "hpa" in request_ else "+  replicas: 2"
    assert made in done.stdout
    # Beside the values that the release has: the image, say, is the same.
    changed = [line for line in done.stdout.splitlines() if line.startswith(("+", "-"))]
    assert not [line for line in changed if "image:" in line]
    assert "make up TAGS=backend" in done.stdout
    after = everything(), kubectl_json("get", "deployment", "backend", "-n", "todo")["spec"]
    assert after == before


def test_a_model_repairs_values(tmp_path: Path) -> None:
    answers = drafts("replica: 2", "```yaml\nreplicas: 2\n```")
    with ScriptedModel(answers) as model:
        done = generate("values of frontend with two pods", tmp_path, model=model)
    assert done.returncode == 0, done.stderr
    first, second = model.requests
    assert "# Pods to run" in first["messages"][0]["content"]
    assert "'replica' not allowed" in second["messages"][-1]["content"]
    (path,) = tmp_path.glob("*.yaml")
    assert yaml.safe_load(path.read_text()) == {"replicas": 2}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("values of nowhere a=1", "there is no chart nowhere"),
        ("values of backend", "sets no value"),
        ("make me rich", "no template fits"),
        ("new service image=a:1", "names no name"),
        ("new service name=Notes! image=a:1", "name=Notes!"),
        ("new service name=notes image=notes:latest", "image=notes:latest"),
        ("new service name=notes image=notes", "image=notes"),
        ("new service name=notes image=a:1 port=80", "out of range"),
        ("new service name=notes image=a:1 prot=8000", "no meaning: prot"),
        ("hpa for backend min=5 max=2", "below min"),
        ("", "the request is empty"),
    ],
)
def test_requests_that_cannot_be_filled(request_: str, words: str, tmp_path: Path) -> None:
    done = generate(request_, tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert list(tmp_path.glob("*.yaml")) == []


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    done = generate("hpa for nobody", tmp_path)
    assert done.returncode == 1
    assert "there is no Deployment nobody" in done.stderr
    assert list(tmp_path.glob("*.yaml")) == []


def drafts(*texts: str) -> Any:
    """A model that answers with each text in turn, then with the last for ever."""
    left = list(texts)
    return lambda asked: Reply(message(asked, left.pop(0) if len(left) > 1 else left[0]))


# Valid, but against the rules of the charts or of the cluster.
LOOSE_POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: loose, namespace: todo}
spec:
  selector: {matchLabels: {app: loose}}
  template:
    metadata: {labels: {app: loose}}
    spec: {containers: [{name: loose, image: "loose:1.0"}]}
"""


def test_a_model_repairs_its_draft(tmp_path: Path) -> None:
    slips = BUDGET.replace("maxUnavailable", "maxUnavailabel")
    with ScriptedModel(drafts("key: [", slips, LOOSE_POD, BUDGET)) as model:
        done = generate("a disruption budget", tmp_path, model=model)
    assert done.returncode == 0, done.stderr
    complaints = [asked["messages"][-1]["content"] for asked in model.requests[1:]]
    assert [text.split("\n")[1].split(":")[0] for text in complaints] == ["yaml", "schema", "scan"]
    (path,) = tmp_path.glob("*.yaml")
    assert "kind: PodDisruptionBudget" in path.read_text()


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("I cannot do that.", "yaml"),
        (BUDGET.replace("namespace: todo", "namespace: kube-system"), "must be todo"),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n"
            "metadata: {name: boss, namespace: todo}\nroleRef: {}\n",
            "only ConfigMap",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: todo}\n"
            "stringData: {a: b}\n",
            "only ConfigMap",
        ),
    ],
)
def test_three_repairs_are_enough(draft: str, words: str, tmp_path: Path) -> None:
    before = everything()
    with ScriptedModel(drafts(draft)) as model:
        done = generate("something", tmp_path, model=model)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(model.requests) == 4
    assert list(tmp_path.glob("*.yaml")) == []
    assert everything() == before


def test_without_a_cluster_nothing_is_proved(tmp_path: Path) -> None:
    request = "network policy for backend port=8000"
    done = generate(request, tmp_path, "--kubeconfig", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "does not answer" in done.stderr


COMMANDS = documented("Manifests: generate") + documented("Dockerfiles and images: docker-review")


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_documentation_work(command: str) -> None:
    before = everything()
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert everything() == before


def test_the_playbook_wants_a_request() -> None:
    assert len(COMMANDS) == 5
    assert "Say what is wanted" in playbook("playbooks/ai_generate.yml", expect=1)


def test_every_template_has_an_example() -> None:
    assert len(REQUESTS) == len(templates.TEMPLATES)
