"""kubectl-ai, by a program that stands in for it: it may look, and sees no secret but its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.support import ROOT, kubectl

KUBECONFIG = str(ROOT / ".state" / "kubeconfig")
# Writes down what it was given and keeps the kubeconfig, which is gone when the command ends.
STAND_IN = """\
#!/usr/bin/env python3
import json, os, pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
shutil.copy(os.environ["KUBECONFIG"], here / "kubeconfig")
(here / "seen.json").write_text(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ)}))
print("All pods are well.\\x1b[31m", flush=True)
if "SLEEP" in sys.argv[-1]:
    time.sleep(60)
sys.exit(3 if "FAIL" in sys.argv[-1] else 0)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "kubectl-ai"
    path.parent.mkdir()
    path.write_text(STAND_IN)
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module", autouse=True)
def account_is_gone_after_the_tests() -> Iterator[None]:
    yield
    kubectl(
        "delete", "serviceaccount,rolebinding", "kubectl-ai", "-n", "todo", "--ignore-not-found"
    )


def ask(
    folder: Path, question: str, *arguments: str, path: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command with a secret in the environment that is none of its business."""
    given = {
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
        "AWS_SECRET_ACCESS_KEY": "not-for-it",
        "OPENAI_MODEL": "small",
        "OPENAI_BASE_URL": "http://models.example/v1",
        "OPENAI_API_KEY": "its-own-key",
        "TODO_AI_LOG": str(folder / "calls.jsonl"),
    }
    return subprocess.run(
        ["todo-operations", "kubectl-ai", "--kubeconfig", KUBECONFIG, *arguments, "--", question],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | given | environment,
    )


def test_it_is_quiet_and_sees_little(tmp_path: Path, program: Path) -> None:
    done = ask(tmp_path, "which pods restart?", path=str(program.parent))
    assert done.returncode == 0, done.stderr
    assert "All pods are well." in done.stdout
    assert "\x1b" not in done.stdout
    seen: dict[str, Any] = json.loads((program.parent / "seen.json").read_text())
    assert seen["argv"][0] == "--quiet"
    assert seen["argv"][-2:] == ["--", "which pods restart?"]
    assert "--skip-permissions" not in seen["argv"]
    assert seen["argv"][3:7] == ["--llm-provider", "openai", "--model", "small"]
    environment = seen["env"]
    assert environment["OPENAI_API_KEY"] == "its-own-key"
    assert environment["OPENAI_ENDPOINT"] == "http://models.example/v1"
    assert environment["HOME"] not in (str(Path.home()), "")
    assert environment["KUBECONFIG"] == seen["argv"][2]
    assert "not-for-it" not in environment.values()
    assert not Path(environment["KUBECONFIG"]).exists()
    (entry,) = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert (entry["purpose"], entry["model"], entry["outcome"]) == (
        "kubectl-ai",
        "small",
        "answered",
    )


def test_its_account_may_only_look(tmp_path: Path, program: Path) -> None:
    assert ask(tmp_path, "why?", path=str(program.parent)).returncode == 0
    kubeconfig = str(program.parent / "kubeconfig")

    def can(*what: str) -> bool:
        command = ["kubectl", "--kubeconfig", kubeconfig, "auth", "can-i", *what]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() == "yes"

    assert can("list", "pods")
    assert can("get", "pods", "--subresource=log")
    for what in (
        ("get", "secrets"),
        ("delete", "pods"),
        ("create", "deployments"),
        ("patch", "configmaps"),
        ("create", "pods", "--subresource=exec"),
        ("create", "serviceaccounts", "--subresource=token"),
        ("list", "pods", "-n", "kube-system"),
        ("get", "nodes", "--subresource=proxy"),
        ("*", "*"),
    ):
        assert not can(*what), what
    written = json.loads(Path(kubeconfig).read_text())
    assert [user["name"] for user in written["users"]] == ["kubectl-ai"]
    assert list(written["users"][0]["user"]) == ["token"]


def test_faults_are_told(tmp_path: Path, program: Path) -> None:
    path = str(program.parent)
    for question, arguments, environment, status, words in [
        ("FAIL", (), {}, 2, "status 3"),
        ("SLEEP", ("--timeout", "2"), {}, 2, "within 2 s"),
        ("why?", (), {"OPENAI_MODEL": ""}, 2, "Set OPENAI_MODEL"),
        ("why?", (), {"TODO_AI_MONTHLY_TOKENS": "0"}, 3, "budget"),
        ("why?", ("--kubeconfig", str(tmp_path / "none")), {}, 2, "view-only account"),
        ("", (), {}, 2, "the question is empty"),
    ]:
        done = ask(tmp_path, question, *arguments, path=path, **environment)
        assert done.returncode == status, (question, done.stderr)
        assert words in done.stderr


def test_where_there_is_none_it_says_how_to_get_it() -> None:
    done = subprocess.run(
        ["make", "kubectl-ai", "Q=which pods restart?"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin"},
    )
    assert done.returncode != 0
    assert "kubectl krew install ai" in done.stderr
    assert 'make ask Q="which pods restart?"' in done.stderr
