"""Where the action plugin helm_release_start refuses to start Helm."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--connection", "ssh"), "goes elsewhere (connection ssh)"),
        (("--connection", "local", "--become"), "becomes root (connection local)"),
    ],
)
def test_helm_is_not_started_where_its_end_could_not_be_seen(
    options: tuple[str, ...], found: str
) -> None:
    """It would be waited for in vain."""
    done = subprocess.run(
        ["ansible", "far.invalid", "--inventory", "far.invalid,", *options]
        + ["--module-name", "helm_release_start", "--args", "name=web", "--background", "60"]
        + ["--poll", "0"],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert found in said
    assert "`connection: local` and `become: false`" in said
