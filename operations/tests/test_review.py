"""The review of Dockerfiles, with programs that stand in for Docker and its assistant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Answers as the docker program does; GORDON and SIZE are filled in.
DOCKER = """\
#!{python}
import json, pathlib, sys, time
words = sys.argv[1:]
with (pathlib.Path(__file__).parent / "calls").open("a") as calls:
    print(json.dumps(words), file=calls)
if words == ["ai", "version"]:
    assert not sys.stdin.read()
    sys.exit(0 if "{gordon}" != "none" else 1)
if words[0] == "ai":
    print("{gordon}")
elif words[0] == "image":
    print(words[-1] + ":abc")
elif words[0] == "history":
    print(json.dumps({{"Size": "{size}", "CreatedBy": "COPY /out/ /"}}))
    print(json.dumps({{"Size": "0B", "CreatedBy": "USER 10001"}}))
"""


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    return tmp_path / "docker"


def stand_in(path: Path, gordon: str = "none", size: str = "10MB") -> None:
    path.write_text(DOCKER.format(python=sys.executable, gordon=gordon, size=size))
    path.chmod(0o755)


def review(
    docker: Path, *arguments: str, expect: int = 0, **environment: str
) -> list[dict[str, Any]]:
    command = ["todo-operations", "review", "--docker", str(docker), "--json"]
    memory = docker.with_name("memory.json")
    done = subprocess.run(
        [*command, "--memory", str(memory), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        | {"TODO_AI_LOG": str(docker.with_name("calls.jsonl"))}
        | environment,
    )
    assert done.returncode == expect, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout else []
    return found


@pytest.fixture
def dockerfile(tmp_path: Path) -> Path:
    path = tmp_path / "thing" / "Dockerfile"
    path.parent.mkdir()
    path.write_text("FROM debian:latest\nRUN cd /tmp && sudo true\n")
    return path


def test_scanners_where_there_is_no_gordon(docker: Path, dockerfile: Path) -> None:
    stand_in(docker)
    (item,) = review(docker, str(dockerfile), expect=1)
    assert item["by"].startswith("hadolint")
    assert any(finding.startswith("DL3007 line 1") for finding in item["findings"])
    assert item["image"] == {
        "reference": "localhost/todo/thing:abc",
        "bytes": 10_000_000,
        "layers": [{"bytes": 10_000_000, "made by": "COPY /out/ /"}],
    }


def test_gordon_where_it_is(docker: Path, dockerfile: Path) -> None:
    stand_in(docker, gordon="Security: pin the base image.")
    (item,) = review(docker, str(dockerfile))
    assert (item["by"], item["findings"]) == ("gordon", ["Security: pin the base image."])
    calls = [json.loads(line) for line in docker.with_name("calls").read_text().splitlines()]
    assert calls[0] == ["ai", "version"]
    assert calls[1][:3] == ["ai", "--working-dir", str(dockerfile.parent)]


def test_gordons_calls_are_on_record_and_within_the_budget(docker: Path, dockerfile: Path) -> None:
    stand_in(docker, gordon="Security: pin the base image.")
    review(docker, str(dockerfile))
    log = docker.with_name("calls.jsonl")
    (entry,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert (entry["purpose"], entry["model"], entry["outcome"]) == ("review", "gordon", "answered")
    assert entry["estimated"] is True
    assert entry["total_tokens"] > 20
    assert "pin the base" not in log.read_text()
    assert review(docker, str(dockerfile), expect=3, TODO_AI_MONTHLY_TOKENS="20") == []
    # Scanners cost nothing.
    stand_in(docker)
    assert review(docker, str(dockerfile), expect=1, TODO_AI_MONTHLY_TOKENS="20")


def test_a_gordon_without_an_answer_is_none(docker: Path, dockerfile: Path) -> None:
    stand_in(docker, gordon="")
    (item,) = review(docker, str(dockerfile), expect=1)
    assert item["by"].startswith("hadolint")


def test_what_changed_since_the_last_time(docker: Path, dockerfile: Path) -> None:
    stand_in(docker)
    review(docker, str(dockerfile), expect=1)
    stand_in(docker, size="12.5MB")
    (item,) = review(docker, str(dockerfile), expect=1)
    assert item["image"]["change"] == 2_500_000


def test_without_docker_the_files_are_reviewed_all_the_same(tmp_path: Path) -> None:
    absent = tmp_path / "none"
    (item,) = review(absent, "images/python/Dockerfile")
    assert item["image"] is None


def test_a_file_that_is_not_there(docker: Path) -> None:
    stand_in(docker)
    assert review(docker, "nowhere/Dockerfile", expect=2) == []
