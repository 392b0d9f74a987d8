"""What `generate` is told and what it makes of its tools' faults; the proofs need a cluster."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Stands in for todo-operations and writes down how it was called.
RECORDER = """\
#!{python}
import json, pathlib, sys
pathlib.Path(__file__).with_name("argv").write_text(json.dumps(sys.argv[1:]))
"""


def play(folder: Path, *words: str) -> tuple[str, list[str]]:
    """What the playbook says, and how it called the program."""
    program = folder / "todo-operations"
    program.write_text(RECORDER.format(python=sys.executable))
    program.chmod(0o755)
    done = subprocess.run(
        [*words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1", "PATH": f"{folder}:{os.environ['PATH']}"},
    )
    called = folder / "argv"
    return done.stdout, json.loads(called.read_text()) if called.is_file() else []


@pytest.mark.parametrize("extra", [(), ("-e", "request=hpa for backend max=4")])
def test_the_command_that_the_playbook_asks_for_works(
    tmp_path: Path, extra: tuple[str, ...]
) -> None:
    said, called = play(tmp_path, "ansible-playbook", "playbooks/ai_generate.yml", *extra)
    assert called == []
    (command,) = re.findall(r"ansible-playbook playbooks/.*\}'", said)
    said, called = play(tmp_path, *shlex.split(command))
    assert called[-1] == "hpa for backend max=4", said
