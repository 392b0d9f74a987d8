#!/usr/bin/python
"""Ansible module: what a cluster that is not the project's own offers, by a user's kubeconfig."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.programs import run
from ansible.module_utils.storage_classes import is_default

DOCUMENTATION = r"""
module: existing_cluster_info
short_description: Ask a cluster for its classes, its processors and what the account may do there
description:
  - Takes one context out of a kubeconfig and asks its cluster, and Docker for what it builds.
    Changes nothing.
options:
  kubeconfig: {description: Path of the kubeconfig., type: path, required: true}
  context: {description: The context to use; empty means the current one., type: str, default: ""}
  kubectl: {description: Name or path of kubectl., type: str, default: kubectl}
  docker: {description: Name or path of Docker., type: str, default: docker}
  ask: {description: Whether the cluster is asked., type: bool, default: true}
  rights:
    description: Resources that the account should be allowed to create in every namespace.
    type: list
    elements: str
    default: []
  timeout: {description: Seconds that one call may take., type: int, default: 10}
author: The Todo platform
"""

RETURN = r"""
context_problem:
  description: Why the context cannot be taken, or an empty text.
  type: str
  returned: always
kubeconfig:
  description: A kubeconfig of that context alone. It holds credentials; use C(no_log).
  type: str
  returned: always
problem:
  description: Why the cluster did not answer, or an empty text.
  type: str
  returned: always
storage_classes: {description: Names of its StorageClasses., type: list, returned: always}
default_storage_classes: {description: Those that are the default., type: list, returned: always}
ingress_classes: {description: Names of its IngressClasses., type: list, returned: always}
architectures:
  description: Architectures of its nodes, none where the account may not see nodes.
  type: list
  returned: always
built:
  description: The architecture that Docker builds for, empty where it does not answer.
  type: str
  returned: always
denied: {description: The rights that the account lacks., type: list, returned: always}
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "required": True},
            "context": {"type": "str", "default": ""},
            "kubectl": {"type": "str", "default": "kubectl"},
            "docker": {"type": "str", "default": "docker"},
            "ask": {"type": "bool", "default": True},
            "rights": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    options = module.params
    seconds = options["timeout"]
    context = ["--context", options["context"]] if options["context"] else []

    def ask(*arguments: str) -> tuple[int, str]:
        # kubectl's own limit names the server; ours ends a credential helper that hangs.
        limit = f"--request-timeout={seconds}s"
        command = [options["kubectl"], "--kubeconfig", options["kubeconfig"], limit, *context]
        answer: tuple[int, str] = run(*command, *arguments, seconds=3 * seconds)
        return answer

    answer = {
        "context_problem": "",
        "kubeconfig": "",
        "problem": "",
        "storage_classes": [],
        "default_storage_classes": [],
        "ingress_classes": [],
        "architectures": [],
        "built": "",
        "denied": [],
    }
    code, text = ask("config", "view", "--minify", "--flatten", "--raw")
    if code != 0:
        module.exit_json(changed=False, **answer | {"context_problem": text.strip()})
    answer["kubeconfig"] = text
    if not options["ask"]:
        module.exit_json(changed=False, **answer)
    # As many at once as a small machine bears.
    with ThreadPoolExecutor(4) as pool:
        may = [
            pool.submit(ask, "auth", "can-i", "--all-namespaces", "create", right)
            for right in options["rights"]
        ]
        form = "jsonpath={.items[*].status.nodeInfo.architecture}"
        nodes = pool.submit(ask, "get", "nodes", "--output", form)
        # Docker and Kubernetes name architectures alike, as Go does.
        version = (options["docker"], "version", "--format", "{{.Server.Arch}}")
        docker = pool.submit(run, *version, seconds=seconds)
        code, text = ask("get", "storageclasses,ingressclasses", "--output", "json")
    if code != 0:
        module.exit_json(changed=False, **answer | {"problem": text.strip()})
    items = json.loads(text)["items"]
    storage = [item for item in items if item["kind"] == "StorageClass"]
    answer["storage_classes"] = [item["metadata"]["name"] for item in storage]
    answer["default_storage_classes"] = [
        item["metadata"]["name"] for item in storage if is_default(item)
    ]
    answer["ingress_classes"] = [
        item["metadata"]["name"] for item in items if item["kind"] == "IngressClass"
    ]
    code, text = nodes.result()
    answer["architectures"] = sorted(set(text.split())) if code == 0 else []
    code, text = docker.result()
    answer["built"] = text.strip() if code == 0 else ""
    answer["denied"] = [
        right
        for right, said in zip(options["rights"], may, strict=True)
        if said.result()[1].strip() != "yes"
    ]
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
