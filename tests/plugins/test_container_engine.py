"""The role container_engine, on what real `docker info` and kernels print."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import container_engine
import pytest
from modules import run_module

ROOT = Path(__file__).resolve().parents[2]
BUILDX = {"Name": "buildx"}
WELL = {"ServerVersion": "26.1.5", "ClientInfo": {"Context": "default", "Plugins": [BUILDX]}}
NO_BUILDX = {"ServerVersion": "26.1.5", "ClientInfo": {"Context": "default", "Plugins": None}}
DEAD = {"ServerErrors": ["Cannot connect to the Docker daemon"], "ClientInfo": WELL["ClientInfo"]}

# Like Docker 20.10 it knows no form by the name of json.
DOCKER = """#!/bin/sh
cd {folder}
cat said >&2
[ "$3" = "{{{{json .}}}}" ] && cat info || echo "$3"
"""


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that go before those of this machine."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path


def docker(folder: Path, info: Any, said: str = "") -> None:
    """A docker that says this of itself."""
    (folder / "info").write_text(json.dumps(info) if info else "")
    (folder / "said").write_text(said)
    program(folder / "docker", DOCKER.format(folder=folder))


@pytest.mark.parametrize(
    ("info", "said", "named"),
    [
        (WELL, "a warning", ""),
        (None, "permission denied on the socket", "permission denied"),
        (DEAD, "", "Cannot connect"),
        ({"ServerVersion": "", "ClientInfo": {"Plugins": [BUILDX]}}, "", "daemon does not answer"),
        ({"ServerVersion": ""}, "no daemon at docker.sock", "docker.sock"),
        (NO_BUILDX, "", "lacks the buildx plugin"),
        (
            {"ServerVersion": "20.10", "ClientInfo": {"Plugins": [BUILDX | {"Err": "failed"}]}},
            "",
            "lacks the buildx plugin",
        ),
        ("not an object", "", "not installed"),
    ],
)
def test_problem_is_named(bin_folder: Path, info: Any, said: str, named: str) -> None:
    docker(bin_folder, info, said)
    answer = run_module("container_engine_info")
    assert answer["ready"] is (named == "")
    assert answer["running"] is (info in (WELL, NO_BUILDX) or "buildx" in named)
    assert named in answer["problem"]


def test_missing_docker_is_named(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bin_folder))
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere")
    answer = run_module("container_engine_info")
    assert "No such file" in answer["problem"]
    assert answer["chosen"] == ""


@pytest.mark.parametrize(
    ("host", "context", "chosen"),
    [
        ("", "default", ""),
        ("unix:///var/run/docker.sock", "default", ""),
        ("tcp://elsewhere", "default", "DOCKER_HOST=tcp://elsewhere"),
        ("", "desktop-linux", "Docker's context desktop-linux"),
    ],
)
def test_choice_of_another_engine_is_named(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, context: str, chosen: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    docker(bin_folder, DEAD | {"ClientInfo": {"Context": context}})
    assert run_module("container_engine_info")["chosen"] == chosen


def dry_run(folder: Path, info: Any, *packages: str) -> str:
    """What a dry run of the role says where the packages are installed beside others of old."""
    docker(folder, info)
    lines = "".join(f"installed {package}\\n" for package in packages)
    program(folder / "dpkg-query", f"#!/bin/sh\nprintf 'config-files moby-cli\\n{lines}'\nexit 1\n")
    # The rights of root are given, and not used.
    program(
        folder / "sudo",
        '#!/bin/sh\nwhile [ "$1" != /bin/sh ] && [ $# -gt 1 ]; do shift; done\nexec "$@"\n',
    )
    (folder / "play.yml").write_text(
        "- {hosts: localhost, gather_facts: false, roles: [container_engine]}"
    )
    done = subprocess.run(
        ["ansible-playbook", "--check", str(folder / "play.yml")],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return " ".join(done.stdout.split())


def begun(output: str, part: str) -> bool:
    """Whether the part of the role was gone into."""
    return f"/{part}.yml for localhost" in output


@pytest.mark.parametrize(
    ("info", "packages", "remedy"),
    [
        (NO_BUILDX, ["docker-ce", "docker-ce-cli"], "apt-get install docker-buildx-plugin"),
        (DEAD, ["docker-ce-cli", "docker-desktop"], "Remedy: start Docker Desktop,"),
        (DEAD, ["docker-ce-cli"], "Docker's own: `sudo apt-get install docker-ce docker-b"),
        (
            DEAD | {"ClientInfo": {"Context": "desktop-linux"}},
            [],
            "start it (Docker Desktop: open it), or have Docker ask this machine's own",
        ),
    ],
)
def test_docker_of_another_origin_is_not_replaced(
    bin_folder: Path, info: Any, packages: list[str], remedy: str
) -> None:
    output = dry_run(bin_folder, info, *packages)
    assert remedy in output
    assert "Nothing was installed" in output
    assert not begun(output, "packages")


def test_engine_of_another_origin_is_started_and_not_replaced(bin_folder: Path) -> None:
    output = dry_run(bin_folder, DEAD, "docker-ce", "docker-ce-cli", "containerd.io")
    assert "failed=0" in output
    assert begun(output, "runtime")
    assert not begun(output, "packages")


def test_engine_that_answers_stays_as_it_is(bin_folder: Path) -> None:
    """Only the plugin of its client is missing."""
    output = dry_run(bin_folder, NO_BUILDX)
    assert begun(output, "packages")
    assert not begun(output, "runtime")


@pytest.mark.parametrize(
    ("bounding_set", "granted"), [("1fffeffffff", False), ("1ffffffffff", True)]
)
def test_capability_is_read_from_the_bounding_set(bounding_set: str, granted: bool) -> None:
    status = f"Name:\tcat\nCapInh:\t0000000000000000\nCapBnd:\t00000{bounding_set}\n"
    assert container_engine.container_engine_has_capability(status, 24) is granted
    assert container_engine.container_engine_has_capability(status, 21)


def test_status_without_bounding_set_is_refused() -> None:
    with pytest.raises(ValueError, match="CapBnd"):
        container_engine.container_engine_has_capability("Name:\tcat\n", 24)
