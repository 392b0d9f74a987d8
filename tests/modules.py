"""Modules of the project and of Ansible, run as Ansible runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Set
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def run_module(name: str, **arguments: Any) -> dict[str, Any]:
    """What the module answers when it is run with these arguments in a process of its own."""
    code = (
        "import runpy, sys; import ansible.module_utils as u;"
        f"u.__path__.append({str(ROOT / 'module_utils')!r});"
        f"runpy.run_path({str(ROOT / 'library' / f'{name}.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def play(
    folder: Path, text: str, modules: dict[str, str], settings: dict[str, Path | str]
) -> tuple[dict[str, Any], str]:
    """What a play leaves in `answers.json`, and what it showed.

    The play gets the modules, by name, and settings of `ansible.cfg`, and has this machine as
    `localhost`. It is the only argument, as where somebody types a playbook's name and no more.
    """
    (folder / "library").mkdir(parents=True)
    for name, source in modules.items():
        (folder / "library" / f"{name}.py").write_text(f"#!/usr/bin/python\n{source}")
    (folder / "play.yml").write_text(text)
    (folder / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    given = {"inventory": "hosts.yml", "interpreter_python": sys.executable, "library": "library"}
    lines = [f"{name} = {value}" for name, value in (given | settings).items()]
    (folder / "ansible.cfg").write_text("\n".join(["[defaults]", *lines, ""]))
    done = subprocess.run(
        ["ansible-playbook", "play.yml"],
        cwd=folder,
        env=os.environ | {"ANSIBLE_CONFIG": str(folder / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (folder / "answers.json").exists(), done.stdout + done.stderr
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answers, done.stdout + done.stderr


def without(answer: Any, keys: Set[str]) -> Any:
    """What a module answered, at any depth without the keys that differ from run to run."""
    if isinstance(answer, list):
        return [without(item, keys) for item in answer]
    if isinstance(answer, dict):
        return {key: without(value, keys) for key, value in answer.items() if key not in keys}
    return answer
