"""The action plugin run_lock in real runs of ansible-playbook."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import wait_until

Start = Callable[..., subprocess.Popen[str]]

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - run_lock: {{path: {folder}/run.lock, wait: "{{{{ wait | default(0) }}}}"}}
    - copy: {{content: here, dest: {folder}/locked}}
      when: stay | default(false) | bool
    - wait_for: {{path: {folder}/never, timeout: 120}}
      when: stay | default(false) | bool
    - run_lock: {{path: {folder}/run.lock, state: absent}}
    - copy: {{content: here, dest: {folder}/released}}
    - wait_for: {{path: {folder}/never, timeout: 120}}
      when: go_on | default(false) | bool
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a run; `stay` holds the lock until the run is killed."""
    (tmp_path / "play.yml").write_text(PLAYBOOK.format(folder=tmp_path))
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["ansible-playbook", "play.yml", *arguments],
            cwd=tmp_path,
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


def wait_for(path: Path, run: subprocess.Popen[str]) -> None:
    def is_there() -> bool:
        assert run.poll() is None
        return path.exists()

    wait_until(is_there, f"{path.name} is there", 60)


def test_a_second_run_is_refused_until_the_first_is_gone(tmp_path: Path, start: Start) -> None:
    first = start("-e", "stay=true")
    wait_for(tmp_path / "locked", first)

    second = start()
    output, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert f"Another run, process {first.pid}" in output
    assert f"kill {first.pid}" in output

    only_looking = start("--check")
    assert only_looking.wait(timeout=60) == 0

    first.kill()
    first.wait()
    assert start().wait(timeout=60) == 0


def test_a_run_that_may_wait_says_so_and_goes_on_after_the_first(
    tmp_path: Path, start: Start
) -> None:
    first = start("-e", "stay=true")
    wait_for(tmp_path / "locked", first)
    second = start("-e", "wait=60")
    assert second.stdout is not None
    line = next(line for line in second.stdout if "waiting since" in line)
    assert f"process {first.pid}" in line
    first.kill()
    first.wait()
    second.communicate(timeout=60)
    assert second.returncode == 0


def test_a_run_that_let_go_hinders_nobody(tmp_path: Path, start: Start) -> None:
    first = start("-e", "go_on=true")
    wait_for(tmp_path / "released", first)
    assert start().wait(timeout=60) == 0
    assert first.poll() is None


@pytest.mark.parametrize("left", ["", "not json", '{"process": 1, "started": "long ago"}'])
def test_what_an_ended_run_left_is_no_hindrance(tmp_path: Path, start: Start, left: str) -> None:
    (tmp_path / "run.lock").write_text(left)
    assert start().wait(timeout=60) == 0


def test_a_machine_without_ps_is_told_what_to_install(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("ansible-playbook")
    assert program is not None
    monkeypatch.setenv("PATH", str(Path(program).parent))
    run = start()
    output, _ = run.communicate(timeout=60)
    assert run.returncode != 0
    assert "ps is not installed. Remedy: install the package procps" in " ".join(output.split())
