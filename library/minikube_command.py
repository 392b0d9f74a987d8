#!/usr/bin/python
"""Ansible module: run one minikube command, with its output in a log that can be followed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.minikube_process import LockedError, environment, lock

DOCUMENTATION = r"""
module: minikube_command
short_description: Run a minikube command under the lock of its home
description:
  - Writes what the command prints to a log file while it runs.
  - Commands of one Minikube home wait for each other, also for one whose playbook was killed.
  - Says C(changed) always, and runs nothing in check mode.
options:
  argv:
    description: The program and its arguments.
    type: list
    elements: str
    required: true
  home:
    description: Folder that holds C(.minikube), as in the environment variable MINIKUBE_HOME.
    type: path
    required: true
  kubeconfig:
    description: Kubeconfig that the command may write.
    type: path
    required: true
  log:
    description: File the output is appended to.
    type: path
    required: true
  timeout:
    description: Seconds the command may take; also how long it waits for the lock.
    type: int
    default: 900
"""

RETURN = r"""
seconds:
  description: How long the command took.
  type: float
  returned: when it ran
"""

TAIL_LINES = 25


def tail(path: Path, start: int) -> str:
    """The last lines that were written to `path` after byte `start`."""
    with path.open("rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "argv": {"type": "list", "elements": "str", "required": True},
            "home": {"type": "path", "required": True},
            "kubeconfig": {"type": "path", "required": True},
            "log": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    p = module.params
    if module.check_mode:
        module.exit_json(changed=True)
    log = Path(p["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = lock(p["home"], p["timeout"])
    except LockedError as error:
        module.fail_json(msg=str(error))
    shown = shlex.join(p["argv"])
    began = time.monotonic()
    with log.open("ab") as file:
        file.write(f"\n{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {shown}\n".encode())
        file.flush()
        start = file.tell()
        try:
            process = subprocess.Popen(
                p["argv"],
                env=environment(p["home"], p["kubeconfig"]),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(held,),
            )
        except OSError as error:
            module.fail_json(msg=f"{p['argv'][0]} cannot be run: {error}")
        finally:
            # From here on the lock is the command's alone.
            os.close(held)
        try:
            code = process.wait(timeout=p["timeout"])
            failure = f"ended with status {code}" if code else ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            failure = f"was ended because it took longer than {p['timeout']} s"
    if failure:
        module.fail_json(msg=f"`{shown}` {failure}; log: {log}\n{tail(log, start)}", rc=code)
    module.exit_json(changed=True, seconds=round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()
