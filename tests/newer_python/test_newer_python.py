"""The checkout on a bare Debian with Python 3.13, and so with a newer Ansible than with 3.11.

In a container of the image that builds the applications: it is there wherever the platform is.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.support import ROOT, docker, unfolded
from run import tracked

# The tools are installed anew, from mirrors that may be slow.
pytestmark = pytest.mark.timeout(900)

IMAGE = "localhost/todo/python"
PINS = re.compile(r"^ansible-core==(\S+) ; python_version >= ", re.MULTILINE)


class Machine:
    """A container with the checkout's files and nothing else."""

    def __init__(self, container: str) -> None:
        self._container = container

    def copy(self) -> None:
        packed = subprocess.run(
            ["tar", "--create", "--files-from=-"],
            cwd=ROOT,
            check=True,
            input="\n".join(tracked()).encode(),
            capture_output=True,
        ).stdout
        into = ["docker", "exec", "--interactive", self._container]
        subprocess.run([*into, "tar", "--extract"], check=True, input=packed, timeout=120)

    def run(self, command: str, seconds: int) -> str:
        """What the shell command in the checkout says. Fails, with all of it, where that fails."""
        done = subprocess.run(
            ["docker", "exec", self._container, "sh", "-euc", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    found = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}", IMAGE).split()
    assert found, f"Docker has no image {IMAGE}: `make up` builds it"
    trusted = os.environ.get("SSL_CERT_FILE", "")
    given = [f"--volume={trusted}:/run/secrets/ca.pem:ro"] if Path(trusted).is_file() else []
    container = docker(
        *("run", "--detach", "--rm", "--workdir=/checkout", *given),
        *("--env=PATH=/checkout/.venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", found[0]),
        *("sleep", "infinity"),
    )
    try:
        made = Machine(container)
        made.copy()
        made.run("with-ca python3.13 tools/bootstrap.py", seconds=600)
        yield made
    finally:
        docker("rm", "--force", container)


def test_the_newer_ansible_is_the_one_that_is_tried(machine: Machine) -> None:
    (version,) = PINS.findall((ROOT / "requirements.in").read_text())
    assert f"[core {version}]" in machine.run("ansible --version", seconds=60)


def test_modules_answer_as_in_processes_of_their_own(machine: Machine) -> None:
    machine.run("pytest tests/plugins/test_normal.py tests/plugins/test_helm_release_wait.py", 300)


def test_a_dry_run_goes_through_all_roles(machine: Machine) -> None:
    # Nothing is built, so it needs no room.
    given = "-e network_mode=mirrors -e preflight_disk_mirrors_gib=1"
    said = machine.run(f"ansible-playbook site.yml --check --diff {given}", 300)
    assert "backend (4/7): absent, not installed" in unfolded(said)
    assert re.search(r"changed=[1-9]\d* .* failed=0", said)


def test_charts_are_released(machine: Machine) -> None:
    machine.run(
        "MOLECULE_EPHEMERAL_DIRECTORY=/tmp/molecule molecule"
        " --base-config .config/molecule/config.yml converge --scenario-name helm_release",
        seconds=300,
    )
