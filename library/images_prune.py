#!/usr/bin/python
"""Ansible module: remove old tags of our own images from Docker and from cluster nodes."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.images_docker import DockerError, host_images, node_images, output

DOCUMENTATION = r"""
module: images_prune
short_description: Remove old tags of images
description:
  - Of each repository Docker keeps the given reference, the tags given last, and what a container
    uses. A node keeps what Docker keeps and what its containers use, and never less tags than
    asked for, because a rollback needs the one before.
options:
  references:
    description: The current reference of each repository.
    type: list
    elements: str
    required: true
  keep:
    description: How many tags stay, the current one among them.
    type: int
    default: 2
  nodes:
    description: Containers of the nodes.
    type: list
    elements: str
    default: []
  docker:
    description: The docker program.
    type: str
    default: docker
"""

RETURN = r"""
removed:
  description: The references that were removed, from Docker (C(host)) and from each node.
  type: dict
"""


# Docker deletes the layers of many gigabytes.
REMOVAL_SECONDS = 120


def surplus(tags: list[str], *, current: str, keep: int, protected: set[str]) -> list[str]:
    """Of the tags, given newest first, those that go. Protected ones stay and count."""
    kept = [tag for tag in tags if tag == current or tag in protected]
    for tag in tags:
        if tag not in kept and len(kept) < keep:
            kept.append(tag)
    return [tag for tag in tags if tag not in kept]


def _of_repository(images: list[str], reference: str) -> list[str]:
    repository = reference.rpartition(":")[0]
    return sorted(name for name in images if name.rpartition(":")[0] == repository)


def newest_first(docker: str, tags: list[str]) -> list[str]:
    """The tags by the time Docker gave them. Raises DockerError."""
    if not tags:
        return []
    shown = json.loads(output([docker, "image", "inspect", *tags]))
    times = [image["Metadata"]["LastTagTime"] for image in shown]
    return [tag for _, tag in sorted(zip(times, tags, strict=True), reverse=True)]


def used_on_host(docker: str) -> set[str]:
    """References that containers were made from. Raises DockerError."""
    return set(output([docker, "ps", "--all", "--format", "{{.Image}}"]).split())


def used_on_node(docker: str, node: str, images: dict[str, list[str]]) -> set[str]:
    """References whose image a container of the node was made from. Raises DockerError."""
    shown = output([docker, "exec", node, "crictl", "ps", "--all", "--output", "json"])
    used: set[str] = set()
    for container in json.loads(shown)["containers"]:
        used |= {container["image"]["image"], container.get("imageRef", "")}
    return {name for name, idents in images.items() if name in used or used & set(idents)}


def plan(module: AnsibleModule) -> dict[str, list[str]]:
    """What goes from Docker and from each node. Raises DockerError."""
    docker, keep = module.params["docker"], module.params["keep"]
    references = module.params["references"]
    host = list(host_images(docker))
    used = used_on_host(docker)
    removed: dict[str, list[str]] = {"host": []}
    for reference in references:
        tags = newest_first(docker, _of_repository(host, reference))
        removed["host"] += surplus(tags, current=reference, keep=keep, protected=used)
    stays = set(host) - set(removed["host"])
    for node in module.params["nodes"]:
        images = node_images(docker, node)
        protected = stays | used_on_node(docker, node, images)
        removed[node] = [
            tag
            for reference in references
            for tag in surplus(
                _of_repository(list(images), reference),
                current=reference,
                keep=keep,
                protected=protected,
            )
        ]
    return {place: tags for place, tags in removed.items() if tags}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "references": {"type": "list", "elements": "str", "required": True},
            "keep": {"type": "int", "default": 2},
            "nodes": {"type": "list", "elements": "str", "default": []},
            "docker": {"type": "str", "default": "docker"},
        },
        supports_check_mode=True,
    )
    docker = module.params["docker"]
    try:
        removed = plan(module)
        result: dict[str, Any] = {"changed": bool(removed), "removed": removed}
        for place, tags in ({} if module.check_mode else removed).items():
            remove = (
                [docker, "image", "rm"]
                if place == "host"
                else [docker, "exec", place, "crictl", "rmi"]
            )
            output([*remove, *tags], REMOVAL_SECONDS)
    except DockerError as error:
        module.fail_json(msg=f"Old images could not be removed: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
