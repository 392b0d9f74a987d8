#!/usr/bin/python
"""Ansible module: whether a Docker engine with BuildKit answers this user."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: container_engine_info
short_description: Ask Docker whether it can be used
description:
  - Asks C(docker info) once. Changes nothing, and works where Docker is not installed.
"""

RETURN = r"""
ready:
  description: Whether the engine answers and builds with BuildKit.
  type: bool
  returned: always
running:
  description: Whether a daemon answers.
  type: bool
  returned: always
problem:
  description: What keeps it from being used, or an empty text.
  type: str
  returned: always
"""


def problem(text: str, said: str) -> str:
    """What `docker info --format json`, which printed `text` and on standard error `said`, shows to
    be wrong, or ""."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not document:
        return said or "docker is not installed"
    if errors := document.get("ServerErrors"):
        return str(errors[0])
    if not document.get("ServerVersion"):
        return said or "the docker daemon does not answer"
    plugins = (document.get("ClientInfo") or {}).get("Plugins") or []
    if not any(plugin.get("Name") == "buildx" and not plugin.get("Err") for plugin in plugins):
        return "the docker client lacks the buildx plugin"
    return ""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    running, text, said = False, "", ""
    try:
        done = subprocess.run(
            ["docker", "info", "--format", "json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        running, text, said = done.returncode == 0, done.stdout, done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    found = problem(text, said)
    module.exit_json(changed=False, ready=not found, running=running, problem=found)


if __name__ == "__main__":
    main()
