"""Action plugin: one run at a time for a platform, or for what platforms share."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()

# Seconds between two looks at a lock that others have, and between two lines about it.
INTERVAL = 1.0
REMINDER_SECONDS = 60.0


def started(process: int) -> str:
    """When a process started, in ps's words; empty where there is none (any more).

    Raises AnsibleError where ps is not installed.
    """
    try:
        asked = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(process)],
            env=os.environ | {"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise AnsibleError(
            "Whether another run is at work here cannot be told: ps is not installed. Remedy: "
            "install the package procps (procps-ng on Fedora)."
        ) from error
    return asked.stdout.strip()


def take(path: Path, own: int) -> dict[str, Any]:
    """Take the lock for a process; returns who has it instead, {} when it was taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            holder: dict[str, Any] = json.loads(file.read())
        except ValueError:
            holder = {}
        process = holder.get("process")
        # A number alone may meanwhile be another program's.
        if process and process != own and started(process) == holder.get("started"):
            return holder
        file.truncate(0)
        file.write(json.dumps({"process": own, "started": started(own)}))
    return {}


def release(path: Path, own: int) -> None:
    """Let go of the lock where this process has it."""
    if path.exists() and not take(path, own):
        path.write_text("", encoding="utf-8")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Takes the lock for the process that reads the playbook; ends with it, however that ends."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Take the lock `path` (a file), or let go of it with `state: absent`.

        While another run that has it is alive, waits up to `wait` seconds (none unless given) and
        says so, then fails.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.check_mode:
            return result
        # A worker of Ansible's is a child of the process that reads the playbook.
        own = os.getppid()
        path = Path(self._task.args["path"])
        if self._task.args.get("state") == "absent":
            release(path, own)
            return result
        began = time.monotonic()
        deadline = began + float(self._task.args.get("wait", 0))
        reminder = began
        while holder := take(path, own):
            if time.monotonic() >= deadline:
                result["failed"] = True
                result["msg"] = (
                    f"Another run, process {holder['process']} since {holder['started']}, is at "
                    f"work here ({path}). Wait until it has ended, or end it: "
                    f"kill {holder['process']}"
                )
                break
            if time.monotonic() >= reminder:
                minutes = (time.monotonic() - began) / 60
                display.display(
                    f"waiting since {minutes:.0f} min for another run, process "
                    f"{holder['process']}, that is at work here ({path})"
                )
                reminder += REMINDER_SECONDS
            time.sleep(INTERVAL)
        return result
