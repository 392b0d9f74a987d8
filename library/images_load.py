#!/usr/bin/python
"""Ansible module: bring images from Docker into the containerd of cluster nodes."""

from __future__ import annotations

import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.images_docker import DockerError, host_ids, node_images

DOCUMENTATION = r"""
module: images_load
short_description: Load images from Docker into cluster nodes
description:
  - Streams all images of a node in one go, and believes only the node itself that they arrived.
options:
  loads:
    description: Node to the full references it shall get, as the filter C(images_to_load) gives.
    type: dict
    required: true
  docker:
    description: The docker program.
    type: str
    default: docker
  timeout:
    description: Seconds that the images of one node may take.
    type: int
    default: 600
"""

RETURN = r"""
loaded:
  description: Node to the references it got.
  type: dict
"""


def load(docker: str, node: str, references: list[str], timeout: int) -> None:
    """Loads the images into a node and checks their ids there. Raises DockerError."""
    host = host_ids(docker, references)
    with subprocess.Popen(
        [docker, "save", *references], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as save:
        try:
            done = subprocess.run(
                [docker, "exec", "-i", node, "ctr", "--namespace", "k8s.io"]
                + ["images", "import", "-"],
                stdin=save.stdout,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            save.kill()
            raise DockerError(f"it took more than {timeout} seconds") from None
        said = (save.stderr.read().decode() if save.stderr else "").strip()
        if save.wait() or done.returncode:
            raise DockerError(said or done.stderr.strip() or "the import failed without a word")
    present = node_images(docker, node)
    wrong = [name for name in references if host[name] not in present.get(name, [])]
    if wrong:
        raise DockerError(f"the node still lacks {', '.join(wrong)} after the import")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "loads": {"type": "dict", "required": True},
            "docker": {"type": "str", "default": "docker"},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    loads: dict[str, list[str]] = module.params["loads"]
    result: dict[str, Any] = {"changed": bool(loads), "loaded": loads}
    if not module.check_mode:
        for node, references in loads.items():
            try:
                load(module.params["docker"], node, references, module.params["timeout"])
            except DockerError as error:
                module.fail_json(
                    msg=f"Images could not be loaded into node {node}: {error}. "
                    "Run the same command again; what has arrived stays.",
                    changed=False,
                    loaded={},
                )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
