#!/usr/bin/python
"""Ansible module: whether two images hold the same, file by file."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.images_docker import DockerError, host_ids, output

DOCUMENTATION = r"""
module: images_compare
short_description: Compare two images of Docker byte for byte
description:
  - Images of the same id are the same. Others may differ in nothing but the order in which Docker
    wrote the files of a layer down, which depends on what else it has built and on when it was
    restarted; so their settings and the files of each layer are compared, with contents, modes,
    owners and times.
options:
  first:
    description: Full reference of one image.
    type: str
    required: true
  second:
    description: Full reference of the other.
    type: str
    required: true
  docker:
    description: The docker program.
    type: str
    default: docker
  timeout:
    description: Seconds that saving an image may take.
    type: int
    default: 300
"""

RETURN = r"""
difference:
  description: The first thing found to differ, in a sentence; empty when nothing does.
  type: str
  returned: always
"""

# Path to everything that a layer says of it.
Layer = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Contents:
    """What an image consists of, whatever the order of the files."""

    settings: dict[str, Any]
    layers: list[Layer]


def read_layer(file: IO[bytes]) -> Layer:
    """Each path with kind, mode, owner, time, target, and the size and SHA-256 of its bytes."""
    found: Layer = {}
    with tarfile.open(fileobj=file) as layer:
        for member in layer:
            kind, size, digest = member.type, member.size, ""
            if member.isfile() and (data := layer.extractfile(member)) is not None:
                digest = hashlib.sha256(data.read()).hexdigest()
            if member.islnk():
                # Which of several names comes first, and so has the bytes, is a matter of order.
                kind, size, digest = found[member.linkname][:3]
            target = member.linkname if member.issym() else ""
            owner = (member.uid, member.gid, member.mode, int(member.mtime))
            device = (member.devmajor, member.devminor)
            attributes = sorted(member.pax_headers.items())
            found[member.name] = (kind, size, digest, target, owner, device, attributes)
    return found


def read_image(docker: str, reference: str, timeout: int) -> Contents:
    """What `docker save` tells of an image. Raises DockerError."""
    with tempfile.TemporaryDirectory(prefix="images-compare-") as folder:
        archive = Path(folder, "image.tar")
        output([docker, "save", "--output", str(archive), reference], timeout)
        with tarfile.open(archive) as saved:

            def part(name: str) -> IO[bytes]:
                file = saved.extractfile(name)
                if file is None:
                    raise DockerError(f"{reference} was saved without its {name}")
                return file

            (manifest,) = json.load(part("manifest.json"))
            settings = json.load(part(manifest["Config"]))
            # Names the layers by what depends on the order of their files.
            settings.pop("rootfs", None)
            return Contents(settings, [read_layer(part(name)) for name in manifest["Layers"]])


def difference(first: Contents, second: Contents) -> str:
    """The first thing in which two images differ, in a sentence; "" when nothing does."""
    if first.settings != second.settings:
        names = sorted(first.settings.keys() | second.settings.keys())
        differing = [n for n in names if first.settings.get(n) != second.settings.get(n)]
        return f"their settings differ in {', '.join(differing)}"
    if len(first.layers) != len(second.layers):
        return f"one has {len(first.layers)} layers, the other {len(second.layers)}"
    for number, (one, other) in enumerate(zip(first.layers, second.layers, strict=True), 1):
        for path in sorted(one.keys() | other.keys()):
            if one.get(path) != other.get(path):
                return f"/{path} differs in layer {number} of {len(first.layers)}"
    return ""


def compare(docker: str, first: str, second: str, timeout: int) -> str:
    """The first thing in which two images differ, "" when nothing does. Raises DockerError."""
    ids = host_ids(docker, [first, second])
    if ids[first] == ids[second]:
        return ""
    return difference(read_image(docker, first, timeout), read_image(docker, second, timeout))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "first": {"type": "str", "required": True},
            "second": {"type": "str", "required": True},
            "docker": {"type": "str", "default": "docker"},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    p = module.params
    try:
        found = compare(p["docker"], p["first"], p["second"], p["timeout"])
    except DockerError as error:
        module.fail_json(
            msg=f"The images cannot be compared: {error}. Remedy: see that `docker info` answers."
        )
    module.exit_json(changed=False, difference=found)


if __name__ == "__main__":
    main()
