#!/usr/bin/python
"""Ansible module: which of the bundle's images Docker has, and what they were made from."""

from __future__ import annotations

import json
import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: offline_bundle_info
short_description: Ask Docker for images and a label of theirs
description:
  - Asks C(docker image inspect) once. Changes nothing. Where Docker does not answer, it has none.
options:
  images:
    description: Names of the images.
    type: list
    elements: str
    required: true
  label:
    description: The label that tells what an image was made from.
    type: str
    required: true
"""

RETURN = r"""
found:
  description: The images that are there by the names that Docker shows, with the label or nothing.
  type: dict
  returned: always
"""


def labels(inspected: str, label: str) -> dict[str, str]:
    """The label of each image in what `docker image inspect` printed, "" without one."""
    return {
        name: ((image.get("Config") or {}).get("Labels") or {}).get(label, "")
        for image in json.loads(inspected or "[]")
        for name in image.get("RepoTags") or []
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "str", "required": True},
            "label": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    # Ends with 1 when an image is missing, and still shows the others.
    command = ["docker", "image", "inspect", *module.params["images"]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        inspected = done.stdout
    except (OSError, subprocess.TimeoutExpired):
        inspected = ""
    module.exit_json(changed=False, found=labels(inspected, module.params["label"]))


if __name__ == "__main__":
    main()
