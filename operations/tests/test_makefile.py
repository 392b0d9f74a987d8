"""What people type after `make` is text: neither make nor the shell obeys it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from todo_operations.cli import OWN_KUBECONFIG

ROOT = Path(__file__).resolve().parents[2]
# Stands in for the programs and writes down how it was called.
RECORDER = """\
#!{python}
import json, pathlib, sys
pathlib.Path(__file__).with_name("argv").write_text(json.dumps(sys.argv[1:]))
"""


def called(folder: Path, target: str, *variables: str, **environment: str) -> list[str]:
    """How a target calls its program."""
    for name in ("todo-operations", "ansible-playbook"):
        program = folder / name
        program.write_text(RECORDER.format(python=sys.executable))
        program.chmod(0o755)
    path = f"PATH={folder}:{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "--old-file=tools", path, target, *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[str] = json.loads((folder / "argv").read_text())
    return found


def orders(mark: Path) -> str:
    """Text that make or a shell would obey."""
    touch = f"touch {mark}"
    return f"costs $5 \"$(shell {touch})\" 'it`s' `{touch}` ${{HOME}} $$ \\ #1; {touch} & a=b"


@pytest.mark.parametrize("given", ["argument", "environment"])
@pytest.mark.parametrize(
    ("target", "variable", "before"),
    [
        ("ask", "Q", ""),
        ("kubectl-ai", "Q", ""),
        ("generate", "REQUEST", ""),
        ("ask", "AGENT", "--agent="),
        ("optimize", "WINDOW", "--window="),
        ("up", "TAGS", "--tags="),
    ],
)
def test_text_arrives_as_it_was_typed(
    target: str, variable: str, before: str, given: str, tmp_path: Path
) -> None:
    mark = tmp_path / "obeyed"
    text = orders(mark)
    if given == "argument":
        words = called(tmp_path, target, f"{variable}={text}")
    else:
        words = called(tmp_path, target, **{variable: text})
    assert before + text in words
    assert not mark.exists()


@pytest.mark.parametrize(
    ("target", "variable", "name"),
    [
        ("rollback", "RELEASE", "rollback_release"),
        ("recover", "TIME", "recover_time"),
        ("restore", "FILE", "restore_file"),
    ],
)
def test_playbooks_get_one_variable(target: str, variable: str, name: str, tmp_path: Path) -> None:
    mark = tmp_path / "obeyed"
    text = orders(mark)
    words = called(tmp_path, target, f"{variable}={text}")
    assert json.loads(words[words.index("-e") + 1]) == {name: text}
    assert not mark.exists()


def documented_for_another_cluster() -> list[str]:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("## On a cluster of your own\n")[2].partition("\n## ")[0]
    return re.findall(r"^make (?!up).*--kubeconfig.*", section, re.MULTILINE)


@pytest.mark.parametrize("command", documented_for_another_cluster())
def test_programs_are_told_another_cluster(command: str, tmp_path: Path) -> None:
    """As the documentation has it, and before the words that people type."""
    words = called(tmp_path, *shlex.split(command)[1:])
    options = words[: words.index("--")] if "--" in words else words
    assert options[options.index("--kubeconfig") + 1] == OWN_KUBECONFIG


def test_each_program_that_asks_the_cluster_is_documented_for_another() -> None:
    assert {command.split()[1] for command in documented_for_another_cluster()} == {
        *("diagnose", "optimize", "ask", "kubectl-ai", "generate")
    }


def test_what_is_not_given_has_its_default(tmp_path: Path) -> None:
    assert called(tmp_path, "ask", "Q=why?")[1:] == ["--agent=todo-operator", "--", "why?"]
    assert "--window=300" in called(tmp_path, "optimize")
