"""`todo-operations diagnose` on the real cluster: faults, riddles, no fault at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from e2e.gallery import (
    LABEL,
    ORDERED_SETTING,
    ORDERS,
    PLANTED,
    Fault,
    Images,
    container,
    deployment,
    faults,
    manifest,
    riddles,
)
from e2e.support import ROOT, documented, kubectl, kubectl_json, playbook, wait_until_served
from todo_operations.diagnosis.rules.logs import PATTERNS
from todo_operations.diagnosis.view import STARTING
from waiting import wait_until

KUBECONFIG = ROOT / ".state" / "kubeconfig"
# The share of faults whose cause is to be named.
NAMED_RIGHT = 0.9
# Seconds until all faults have come to light: images are there, but forty pods start at once.
COME_TO_LIGHT = 240


@dataclass(frozen=True)
class Diagnosis:
    """What the program said."""

    status: int
    seconds: float
    findings: list[dict[str, Any]]
    text: str
    recorded: list[str] = field(default_factory=list)

    @property
    def causes(self) -> list[str]:
        return [finding["cause"] for finding in self.findings]


def diagnose(*namespaces: str, evidence: Path | None = None) -> Diagnosis:
    chosen = [word for name in namespaces for word in ("--namespace", name)]
    chosen += ["--evidence", str(evidence)] if evidence else []
    started = time.monotonic()
    done = subprocess.run(
        ["todo-operations", "diagnose", "--kubeconfig", str(KUBECONFIG), "--json", *chosen],
        capture_output=True,
        text=True,
        timeout=60,
    )
    seconds = time.monotonic() - started
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    # A rule that could not judge would be found here, not by a user.
    assert "the rule" not in str(said["gaps"]), said["gaps"]
    return Diagnosis(done.returncode, seconds, said["findings"], done.stdout)


@pytest.fixture(scope="module")
def images() -> Images:
    listed = kubectl_json("get", "deployments,statefulsets", "-n", "todo")["items"]
    used = {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in listed
    }
    return Images(python=used["backend"], shell=used["postgres"])


def signs(namespace: str, everything: list[dict[str, Any]]) -> str:
    """What Kubernetes says of the objects of a namespace, as one text."""
    return "".join(
        json.dumps(item) for item in everything if item["metadata"].get("namespace") == namespace
    )


@pytest.fixture(scope="module")
def gallery(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Fault]]:
    """All faults in the cluster at the same time, and come to light."""
    shown = [*faults(images), *riddles(images)]
    path = tmp_path_factory.mktemp("gallery") / "gallery.json"
    path.write_text(manifest(shown))
    kinds = "pods,events,deployments,replicasets,jobs,ingresses,horizontalpodautoscalers"
    hidden = {fault.namespace: fault for fault in shown}

    def come_to_light() -> bool:
        everything = kubectl_json("get", kinds, "-A")["items"]
        for name in [n for n, fault in hidden.items() if fault.sign in signs(n, everything)]:
            del hidden[name]
        return not hidden

    started = time.monotonic()
    chosen = ("namespaces", "-l", f"{LABEL}=true")
    try:
        # What a run that was ended left.
        kubectl("delete", *chosen, "--wait=true")
        kubectl("apply", "--server-side", "-f", str(path))
        try:
            wait_until(come_to_light, "the faults have come to light", COME_TO_LIGHT, pause=3)
        except AssertionError:
            pytest.fail(f"not come to light: {', '.join(hidden)}", pytrace=False)
        seconds = time.monotonic() - started
        print(f"{len(shown)} faults came to light in {seconds:.0f} s")
        yield shown
    finally:
        kubectl("delete", *chosen, "--wait=false")


@pytest.fixture(scope="module")
def diagnoses(
    gallery: list[Fault], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Diagnosis]:
    """The diagnosis of each fault, by its name."""
    folder = tmp_path_factory.mktemp("evidence")
    # What is younger than a start may take is no fault yet.
    pods = kubectl_json("get", "pods", "-A", "-l", "app")["items"]
    newest = max(datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) for pod in pods)
    patience = timedelta(seconds=STARTING + 1)
    wait_until(lambda: datetime.now(UTC) - newest > patience, "the pods have had their time")

    def ask(fault: Fault) -> tuple[str, Diagnosis]:
        return fault.name, diagnose(fault.namespace, evidence=folder / fault.name)

    with ThreadPoolExecutor(max_workers=2) as pool:
        found = dict(pool.map(ask, gallery))
    for name, diagnosis in found.items():
        diagnosis.recorded.append((folder / name).read_text())
    return found


def test_causes_are_named(
    images: Images, diagnoses: dict[str, Diagnosis], capsys: pytest.CaptureFixture[str]
) -> None:
    """Named right: the one cause that was put there, and none besides."""
    known = faults(images)
    wrong = []
    for fault in known:
        causes = diagnoses[fault.name].causes
        if causes != [fault.cause]:
            wrong.append(f"{fault.name}: {fault.cause} was put there, {causes} was named")
    share = 1 - len(wrong) / len(known)
    seconds = [diagnosis.seconds for diagnosis in diagnoses.values()]
    with capsys.disabled():
        print(f"\n{len(known)} faults, {share:.0%} named right", *wrong, sep="\n  ")
        print(f"{len(seconds)} diagnoses: mean {mean(seconds):.1f} s, slowest {max(seconds):.1f} s")
    assert share >= NAMED_RIGHT, wrong


def test_what_no_rule_knows_is_unknown(images: Images, diagnoses: dict[str, Diagnosis]) -> None:
    for riddle in riddles(images):
        diagnosis = diagnoses[riddle.name]
        assert diagnosis.causes == ["unknown"], (riddle.name, diagnosis.text)
        assert diagnosis.findings[0]["evidence"], riddle.name
        assert diagnosis.status == 1


def test_the_best_evidence_of_a_riddle_is_its_last_words(diagnoses: dict[str, Diagnosis]) -> None:
    assert "The flux capacitor is out of phase" in diagnoses["riddle-exit"].text


def test_a_dead_database_is_the_cause_and_the_rest_its_symptoms(
    diagnoses: dict[str, Diagnosis],
) -> None:
    (finding,) = diagnoses["database-down"].findings
    assert finding["about"] == "Deployment fault-database-down/database"
    symptoms = {symptom["about"] for symptom in finding["symptoms"]}
    assert "Deployment fault-database-down/api" in symptoms


def test_planted_secrets_are_nowhere(diagnoses: dict[str, Diagnosis]) -> None:
    diagnosis = diagnoses["riddle-secrets"]
    for secret in PLANTED:
        assert secret not in diagnosis.text
        assert secret not in diagnosis.recorded[0]
    assert "connecting as" in diagnosis.text


def test_orders_in_logs_and_annotations_change_nothing(diagnoses: dict[str, Diagnosis]) -> None:
    plain = diagnoses["riddle-exit"].findings[0]
    injected = diagnoses["riddle-orders"].findings[0]
    for part in ("cause", "remedy", "severity", "confidence"):
        assert injected[part] == plain[part]
    # They were read: a rule would know them at the end of a log.
    assert any(pattern.words.search(ORDERS) for pattern in PATTERNS)
    assert any(pattern.words.search(ORDERED_SETTING) for pattern in PATTERNS)
    assert ORDERED_SETTING in diagnoses["riddle-orders"].text


def test_a_healthy_platform_has_no_finding() -> None:
    diagnosis = diagnose("todo", "ingress")
    assert (diagnosis.status, diagnosis.findings) == (0, [])


def test_a_rollout_at_work_is_no_fault() -> None:
    """Neither is the moment in which the servers look for their database again."""
    kubectl("rollout", "restart", "-n", "todo", "statefulset/postgres", "deployment/backend")
    for name in ("statefulset/postgres", "deployment/backend"):
        rollout = subprocess.Popen(
            ["kubectl", "--kubeconfig", str(KUBECONFIG), "rollout", "status", "-n", "todo", name]
        )
        while rollout.poll() is None:
            diagnosis = diagnose("todo", "ingress")
            assert diagnosis.findings == [], diagnosis.text
        assert rollout.returncode == 0
    wait_until_served("the backend has found the database")


def test_an_unknown_namespace_is_no_finding() -> None:
    done = subprocess.run(
        ["todo-operations", "diagnose", "--kubeconfig", str(KUBECONFIG), "--namespace", "nowhere"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "there is no namespace nowhere" in done.stderr
    assert "Remedy" in done.stderr


# Faults of the whole cluster come last, each healed whatever happens.


@contextmanager
def undone_by(*arguments: str) -> Iterator[None]:
    try:
        yield
    finally:
        kubectl(*arguments)


def scale(kind: str, namespace: str, replicas: int) -> tuple[str, ...]:
    return ("scale", kind, "-n", namespace, f"--replicas={replicas}")


@pytest.fixture
def pending(images: Images) -> Iterator[str]:
    """A namespace with a workload that is to find no node."""
    idle = deployment("web", container(images.shell, "sleep", "86400"))
    fault = Fault("nodes", "", "", [idle])
    yield manifest([fault])
    kubectl("delete", "namespace", fault.namespace, "--ignore-not-found", "--wait=true")


@pytest.mark.parametrize(
    ("break_it", "heal_it", "sign", "cause"),
    [
        (("taint", "node", "{}", "shop=closed:NoSchedule"),)
        + (("taint", "node", "{}", "shop=closed:NoSchedule-"), "untolerated taint", "node-tainted"),
        (("cordon", "{}"), ("uncordon", "{}"), "unschedulable", "node-cordoned"),
    ],
)
def test_a_node_that_takes_no_pods(
    pending: str,
    tmp_path: Path,
    break_it: tuple[str, ...],
    heal_it: tuple[str, ...],
    sign: str,
    cause: str,
) -> None:
    (node, *_) = kubectl_json("get", "nodes")["items"]
    name = node["metadata"]["name"]
    path = tmp_path / "pending.json"
    path.write_text(pending)
    with undone_by(*(word.format(name) for word in heal_it)):
        kubectl(*(word.format(name) for word in break_it))
        kubectl("apply", "--server-side", "-f", str(path))
        wait_until(
            lambda: sign in kubectl("get", "pods", "-n", "fault-nodes", "-o", "json"),
            "the pod finds no node",
        )
        diagnosis = diagnose("fault-nodes")
    assert diagnosis.causes == [cause], diagnosis.text


def pressed(name: str) -> list[str]:
    """What the node runs out of, and the taints that follow from it."""
    node = kubectl_json("get", "node", name)
    conditions = [c["type"] for c in node["status"]["conditions"] if c["status"] == "True"]
    return sorted({*conditions} - {"Ready"}) + [t["key"] for t in node["spec"].get("taints", [])]


def test_a_node_that_runs_out_of_disk() -> None:
    """The kubelet corrects within seconds what it did not find itself, so it is said again."""
    (node, *_) = kubectl_json("get", "nodes")["items"]
    name = node["metadata"]["name"]
    reason = {"reason": "KubeletHasDiskPressure", "message": "kubelet has disk pressure"}
    condition = {"type": "DiskPressure", "status": "True", **reason}
    patch = json.dumps({"status": {"conditions": [condition]}})
    seen: list[Diagnosis] = []

    def named() -> bool:
        kubectl("patch", "node", name, "--subresource=status", "--patch", patch)
        seen.append(diagnose("todo", "ingress"))
        return seen[-1].causes == ["node-pressure"]

    wait_until(named, "the pressure is named")
    (finding,) = seen[-1].findings
    assert finding["about"] == f"Node {name}"
    assert "runs out of disk space" in finding["sentence"]
    wait_until(lambda: not pressed(name), "the kubelet has corrected it")


def test_dns_is_down() -> None:
    with undone_by(*scale("deployment/coredns", "kube-system", 1)):
        kubectl(*scale("deployment/coredns", "kube-system", 0))
        dns = ("-n", "kube-system", "-l", "k8s-app=kube-dns")
        wait_until(lambda: not kubectl_json("get", "pods", *dns)["items"], "DNS is gone")
        diagnosis = diagnose("todo", "ingress")
    kubectl("rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=90s")
    wait_until_served("the backend finds its services again")
    assert diagnosis.causes == ["dns-down"], diagnosis.text


def test_the_platforms_database_is_down() -> None:
    database = "statefulset/postgres"
    with undone_by(*scale(database, "todo", 1)):
        kubectl(*scale(database, "todo", 0))
        wait_until(
            lambda: all(
                '"ready": false' in json.dumps(pod["status"].get("containerStatuses"))
                for pod in kubectl_json("get", "pods", "-n", "todo")["items"]
                if pod["metadata"]["name"].startswith(("backend-", "mcp-server-"))
            ),
            "the servers are not ready",
        )
        diagnosis = diagnose("todo", "ingress")
    kubectl("rollout", "status", database, "-n", "todo", "--timeout=90s")
    wait_until_served("the backend has found the database")
    assert diagnosis.causes == ["scaled-to-zero"], diagnosis.text
    (finding,) = diagnosis.findings
    assert finding["about"] == "StatefulSet todo/postgres"
    assert "make up TAGS=postgres" in finding["remedy"]
    symptoms = {symptom["about"] for symptom in finding["symptoms"]}
    assert {"Deployment todo/backend", "Deployment todo/mcp-server"} <= symptoms


# The commands of docs/operations.md.

KEPT = ROOT / ".state" / "logs" / "diagnose"
# A kubelet that measures its volumes on a busy machine may answer too late; that is told.
NOTHING_WRONG = re.compile(r"Nothing is wrong in (what could be read of )?todo and ingress \(")
GENERATIONS = ("-o", "custom-columns=NAME:.metadata.name,GENERATION:.metadata.generation")


def make(*words: str, status: int = 0) -> str:
    """What a target prints; the programs that Ansible would find are on the PATH of make."""
    done = subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_make_diagnose_tells_and_keeps_what_it_found() -> None:
    assert NOTHING_WRONG.match(make("diagnose"))
    assert json.loads((KEPT / "findings.json").read_text())["healthy"] is True
    again = make("diagnose", f"ARGS=--from {KEPT.relative_to(ROOT)}/evidence.json --json")
    assert json.loads(again)["healthy"] is True


@pytest.mark.parametrize(
    "command",
    documented("What is wrong: diagnose") + documented("How much it needs: optimize"),
)
def test_commands_of_the_documentation_work(command: str) -> None:
    done = subprocess.run(
        shlex.split(command),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        # One look instead of five minutes.
        env=os.environ | {"WINDOW": "0"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_playbook_asks_about_the_inventorys_namespaces() -> None:
    (KEPT / "findings.json").unlink(missing_ok=True)
    assert NOTHING_WRONG.search(playbook("playbooks/diagnose.yml"))
    assert json.loads((KEPT / "findings.json").read_text())["namespaces"] == ["todo", "ingress"]


def test_make_optimize_proposes_and_applies_nothing() -> None:
    def propose() -> dict[str, Any]:
        said: dict[str, Any] = json.loads(make("optimize", "WINDOW=0", "ARGS=--json"))
        return said

    # A pod that was started just before is measured a little later.
    wait_until(lambda: propose()["not_measured"] == [], "all is measured", 120, pause=5)
    before = kubectl("get", "deployments,statefulsets", "-n", "todo", *GENERATIONS)
    said = propose()
    measured = {item["workload"]: item for item in said["measured"]}
    assert {"backend", "frontend", "mcp-server", "postgres", "traefik"} <= set(measured)
    assert measured["backend"]["memory_mib"]["most"] > 10
    assert measured["backend"]["current"]["limits"]["memory"] == "256Mi"
    assert (ROOT / ".state" / "optimize.patch").read_text() == said["patch"]
    if said["patch"]:
        command = ["git", "apply", "--check", ".state/optimize.patch"]
        subprocess.run(command, cwd=ROOT, check=True)
    after = kubectl("get", "deployments,statefulsets", "-n", "todo", *GENERATIONS)
    assert before == after
