"""How kubectl-ai is run, by programs that stand in for it and for kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

KUBECTL = """\
#!{python}
import json, sys
if "token" in sys.argv:
    print("made-up-token")
elif "view" in sys.argv:
    print(json.dumps({{"clusters": [{{"name": "c", "cluster": {{"server": "https://c"}}}}]}}))
"""
# Does what the question says, by a process of its own, as kubectl-ai runs its tools.
KUBECTL_AI = """\
#!{python}
import json, os, pathlib, subprocess, sys
here = pathlib.Path(__file__).parent
(here / "seen.json").write_text(json.dumps({{"argv": sys.argv[1:], "env": dict(os.environ)}}))
print("I look at the pods.", flush=True)
if "SLEEP" in sys.argv[-1]:
    late = here / "late"
    subprocess.run(["sh", "-c", "sleep 4; touch " + str(late)])
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name, text in (("kubectl", KUBECTL), ("kubectl-ai", KUBECTL_AI)):
        path = tmp_path / name
        path.write_text(text.format(python=sys.executable))
        path.chmod(0o755)
    return tmp_path


def ask(
    programs: Path, question: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OPENAI_MODEL": "small",
        "OPENAI_BASE_URL": "http://models.example/v1",
        "TODO_AI_LOG": str(programs / "calls.jsonl"),
    }
    return subprocess.run(
        ["todo-operations", "kubectl-ai", *arguments, "--", question],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | given | environment,
    )


def seen(programs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((programs / "seen.json").read_text())
    return found


def outcomes(programs: Path) -> list[str]:
    lines = (programs / "calls.jsonl").read_text().splitlines()
    return [json.loads(line)["outcome"] for line in lines]


@pytest.mark.parametrize("question", ["--skip-permissions", "-v=9 why?", "version"])
def test_a_question_is_no_option(programs: Path, question: str) -> None:
    done = ask(programs, question)
    assert done.returncode == 0, done.stderr
    assert seen(programs)["argv"][-2:] == ["--", question]


def test_the_time_limit_ends_all_of_it_and_keeps_what_was_said(programs: Path) -> None:
    started = time.monotonic()
    done = ask(programs, "SLEEP", "--timeout", "2")
    assert done.returncode == 2
    assert "within 2 s" in done.stderr
    assert done.stdout == "I look at the pods.\n"
    assert outcomes(programs) == ["timeout"]
    # What it had started would be done by now.
    time.sleep(max(0, 7 - (time.monotonic() - started)))
    assert not (programs / "late").exists()


def test_it_finds_its_model_through_a_proxy(programs: Path) -> None:
    proxy = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost", "AWS_TOKEN": "not-for-it"}
    assert ask(programs, "why?", **proxy).returncode == 0
    environment = seen(programs)["env"]
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["NO_PROXY"] == "localhost"
    assert "not-for-it" not in environment.values()
    assert outcomes(programs) == ["answered"]
