"""The tools of a checkout: two runs of `make` at the same time, and a place that is taken."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The tools install themselves by a Python outside of their own environment.
PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
FINGERPRINT = (
    "import sys; sys.path[:0] = ['tools']; import bootstrap; print(bootstrap.fingerprint())"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but the bootstrap, and no package to install."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "bootstrap.py", tmp_path / "tools")
    return tmp_path


@pytest.fixture
def second(checkout: Path, first: int) -> Iterator[subprocess.Popen[str]]:
    """A run that comes while another one installs."""
    process = subprocess.Popen(
        [PYTHON, "tools/bootstrap.py"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def first(checkout: Path) -> int:
    """What the run before it holds."""
    held = os.open(checkout, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


@pytest.mark.timeout(60)
def test_a_second_run_waits_and_takes_what_the_first_has_installed(
    checkout: Path, first: int, second: subprocess.Popen[str]
) -> None:
    assert second.stdout
    assert "waiting for another make" in second.stdout.readline()
    # The first one is through.
    installed = subprocess.run(
        [PYTHON, "-c", FINGERPRINT], cwd=checkout, check=True, capture_output=True, text=True
    )
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".bootstrap").write_text(installed.stdout.strip())
    os.close(first)
    said, _ = second.communicate(timeout=30)
    assert (second.returncode, said) == (0, "")


def test_a_place_that_is_taken_is_told_with_a_remedy(checkout: Path) -> None:
    (checkout / ".venv").write_text("not a folder")
    done = subprocess.run(
        [PYTHON, "tools/bootstrap.py"], cwd=checkout, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert ".venv" in done.stderr
    assert "Remedy: " in done.stderr
    assert "Traceback" not in done.stderr
    assert (checkout / ".venv").read_text() == "not a folder"
