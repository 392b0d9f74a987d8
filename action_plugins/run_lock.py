"""Action plugin: one run at a time for a platform."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


def started(process: int) -> str:
    """When a process started, in ps's words; empty where there is none (any more)."""
    asked = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(process)],
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Takes the lock for the process that reads the playbook; ends with it, however that ends."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Take the lock `path` (a file); fails while another run that has it is alive."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.check_mode:
            return result
        # A worker of Ansible's is a child of the process that reads the playbook.
        own = os.getppid()
        path = Path(self._task.args["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                holder = json.loads(file.read())
            except ValueError:
                holder = {}
            process = holder.get("process")
            # A number alone may meanwhile be another program's.
            if process and process != own and started(process) == holder.get("started"):
                result["failed"] = True
                result["msg"] = (
                    f"Another run, process {process} since {holder['started']}, is at work on this"
                    f" platform. Wait until it has ended, or end it: kill {process}"
                )
                return result
            file.truncate(0)
            file.write(json.dumps({"process": own, "started": started(own)}))
        return result
