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
from todo_operations import generate
from todo_operations.cli import CommandError

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


SCAN = "tests/charts/scan.py"
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: todo}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""


def test_scanners_that_cannot_look_are_no_findings(tmp_path: Path) -> None:
    """Without its folder .tools and without a package index nothing can be installed."""
    charts = tmp_path / "tests" / "charts"
    charts.mkdir(parents=True)
    (charts / "scan.py").write_text((ROOT / SCAN).read_text())
    (charts / "checkov.txt").write_text("no-such-package==1 --hash=sha256:" + "0" * 64)
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "draft.yaml").write_text(BUDGET)
    done = subprocess.run(
        [sys.executable, str(charts / "scan.py"), str(manifests)],
        capture_output=True,
        text=True,
        env=os.environ | {"PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 2, done.stdout
    assert "checkov cannot be installed" in done.stderr


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("print('checkov: 1 findings', '  CKV_1 bad', sep=chr(10)); raise SystemExit(1)", False),
        ("import sys; print('Go is missing', file=sys.stderr); sys.exit(2)", True),
    ],
)
def test_a_draft_is_not_repaired_because_of_a_missing_scanner(
    script: str, problem: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scan.py"
    path.write_text(script)
    monkeypatch.setattr(generate, "SCANNER", path)
    if problem:
        with pytest.raises(CommandError, match=r"Go is missing.*installs them"):
            generate.scanners(BUDGET)
    else:
        assert generate.scanners(BUDGET) == ["scan: checkov: 1 findings", "scan: CKV_1 bad"]
