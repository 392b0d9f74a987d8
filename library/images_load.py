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
    ctr = ["ctr", "--namespace", "k8s.io", "images", "import", "-"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen([docker, "save", *references], stdout=pipe, stderr=pipe) as save,
        subprocess.Popen(
            [docker, "exec", "-i", node, *ctr], stdin=save.stdout, stdout=pipe, stderr=pipe
        ) as imported,
    ):
        # Only the import reads now: where it ends early, saving ends too instead of waiting.
        if save.stdout:
            save.stdout.close()
        try:
            _, import_said = imported.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            save.kill()
            imported.kill()
            raise DockerError(f"it took more than {timeout} seconds") from None
        _, save_said = save.communicate()
    if save.returncode or imported.returncode:
        said = [text.decode(errors="replace").strip() for text in (save_said, import_said)]
        raise DockerError("; ".join(filter(None, said)) or "the import failed without a word")
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
