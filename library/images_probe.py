#!/usr/bin/python
"""Ansible module: which images Docker and the cluster's nodes have, in one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.images_docker import (
    DockerError,
    host_images,
    node_images,
    registry_digest,
)

DOCUMENTATION = r"""
module: images_probe
short_description: List the images of Docker and of cluster nodes
description:
  - Asks Docker and every node once, at the same time. Changes nothing, and works where there is
    no Docker.
options:
  docker:
    description: The docker program.
    type: str
    default: docker
  nodes:
    description: Containers of the nodes.
    type: list
    elements: str
    default: []
  pushed:
    description: References to ask their registry for.
    type: list
    elements: str
    default: []
"""

RETURN = r"""
host:
  description: Full reference to id of the images that Docker has.
  type: dict
nodes:
  description: Node to full reference to the ids it knows the image by.
  type: dict
pushed:
  description: Those of the option I(pushed) that their registry has, each with its digest.
  type: dict
registry_problem:
  description: Why the registry gave no answer, or an empty text.
  type: str
problem:
  description: Why Docker cannot be used, or an empty text.
  type: str
node_problems:
  description: Node to why it gave no answer.
  type: dict
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "docker": {"type": "str", "default": "docker"},
            "nodes": {"type": "list", "elements": "str", "default": []},
            "pushed": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    docker, nodes = module.params["docker"], module.params["nodes"]
    result: dict[str, Any] = {
        **{"host": {}, "nodes": {}, "pushed": {}},
        **{"problem": "", "node_problems": {}, "registry_problem": ""},
    }
    with ThreadPoolExecutor() as pool:
        host = pool.submit(host_images, docker)
        answers = {node: pool.submit(node_images, docker, node) for node in nodes}
        found = {
            reference: pool.submit(registry_digest, docker, reference)
            for reference in module.params["pushed"]
        }
        try:
            result["host"] = host.result()
        except DockerError as error:
            result["problem"] = str(error)
        for node, images in answers.items():
            try:
                result["nodes"][node] = images.result()
            except DockerError as error:
                result["node_problems"][node] = str(error)
        for reference, answer in found.items():
            try:
                if digest := answer.result():
                    result["pushed"][reference] = digest
            except DockerError as error:
                result["registry_problem"] = str(error)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
