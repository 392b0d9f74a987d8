#!/usr/bin/python
"""Ansible module: whether a Docker engine with BuildKit answers this user."""

from __future__ import annotations

import json
import os
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
chosen:
  description: What chooses another engine than this machine's own, or an empty text.
  type: str
  returned: always
"""

# Docker before 23 prints the word json where the format is just that.
COMMAND = ["docker", "info", "--format", "{{json .}}"]
OWN_ENGINE = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")


def parsed(text: str) -> dict[str, Any]:
    """What `docker info` printed, {} where that is no document."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def chosen(document: dict[str, Any], host: str) -> str:
    """What chooses another engine than this machine's own, or "". `host` is DOCKER_HOST, which goes
    before Docker's context; nothing is chosen where there is no client to ask by it."""
    if host:
        return f"DOCKER_HOST={host}" if document and host not in OWN_ENGINE else ""
    context = (document.get("ClientInfo") or {}).get("Context")
    return "" if context in (None, "default") else f"Docker's context {context}"


def problem(document: dict[str, Any], said: str) -> str:
    """What `docker info`, which printed the document and on standard error `said`, shows to be
    wrong, or ""."""
    if not document:
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
    text = ""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False)
        text, said = done.stdout, done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    document = parsed(text)
    found = problem(document, said)
    module.exit_json(
        changed=False,
        ready=not found,
        running=bool(document.get("ServerVersion")),
        problem=found,
        chosen=chosen(document, os.environ.get("DOCKER_HOST", "")),
    )


if __name__ == "__main__":
    main()
