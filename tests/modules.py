"""Modules of the project, run as Ansible runs them."""

from __future__ import annotations

import json
import subprocess
import sys
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
