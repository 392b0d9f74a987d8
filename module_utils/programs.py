"""What several modules share: running a program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def run(*command: str, seconds: float, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status and standard output, of a failure what it said; (-1, reason) when the program
    cannot run or takes too long."""
    if shutil.which(command[0]) is None:
        return -1, f"{command[0]} is not there"
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"{Path(command[0]).name} did not answer within {seconds:g} s"
    except OSError as error:
        return -1, f"{command[0]} cannot be run: {error}"
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout or done.stderr
