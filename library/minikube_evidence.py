#!/usr/bin/python
"""Ansible module: keep what tells why a Minikube cluster did not come up."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.minikube_kubectl import Kubectl
from ansible.module_utils.minikube_process import CLUSTER_ARGUMENTS, environment

DOCUMENTATION = r"""
module: minikube_evidence
short_description: Save states, events and logs of a Minikube cluster
description:
  - Asks minikube, kubectl and docker at the same time. One that fails or hangs does not hide the
    others; what it said, or why it said nothing, is in its file.
options:
  directory: {description: "Folder of the files, which is made.", type: path, required: true}
  profile: {description: Name of the profile., type: str, required: true}
  home: {description: Folder that holds .minikube., type: path, required: true}
  kubeconfig: {description: Kubeconfig of the cluster., type: path, required: true}
  minikube: {description: The minikube program., type: str, default: minikube}
  kubectl: {description: The kubectl program., type: str, default: kubectl}
  docker: {description: The docker program., type: str, default: docker}
  nodes: {description: Containers of the nodes., type: list, elements: str, required: true}
  timeout: {description: Seconds that one program may take., type: int, default: 60}
author: The Todo platform
"""

RETURN = r"""
files: {description: Paths of the files., type: list, returned: always}
"""

# A machine on which a cluster does not start is often a busy one.
AT_ONCE = 4


def questions(options: dict[str, Any]) -> dict[str, list[str]]:
    """The command line whose output each file gets."""
    profile, docker, nodes = options["profile"], options["docker"], options["nodes"]
    kubectl = Kubectl(options["kubectl"], options["kubeconfig"], profile).command
    kubectl += ["--request-timeout=15s", "get"]
    asked = {
        "status.json": [options["minikube"], "status", "-p", profile, "-o", "json"],
        "minikube.log": [options["minikube"], "logs", "-p", profile, "--length=200"],
        "containers.json": [docker, "container", "inspect", *nodes],
        "pods.txt": [*kubectl, "pods", "-A", "-o", "wide"],
        "events.txt": [*kubectl, "events", "-A", "--sort-by=.lastTimestamp"],
        "apiservices.txt": [*kubectl, "apiservices"],
    }
    kubelet = ["journalctl", "-u", "kubelet", "-n", "200", "--no-pager"]
    for node in nodes:
        asked[f"{node}-container.log"] = [docker, "logs", "--tail=200", node]
        asked[f"{node}-kubelet.log"] = [docker, "exec", node, *kubelet]
    return asked


def save(path: Path, argv: list[str], env: dict[str, str], seconds: int) -> str:
    """Run one program with its output, errors too, in the file; returns the path."""
    with path.open("w", encoding="utf-8") as file:
        try:
            subprocess.run(
                argv,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            file.write(f"{error}\n")
    return str(path)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **CLUSTER_ARGUMENTS,
            "directory": {"type": "path", "required": True},
            "nodes": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
    )
    options = module.params
    directory = Path(options["directory"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    env = environment(options["home"], options["kubeconfig"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        saved = [
            pool.submit(save, directory / name, argv, env, options["timeout"])
            for name, argv in questions(options).items()
        ]
    module.exit_json(changed=False, files=[each.result() for each in saved])


if __name__ == "__main__":
    main()
